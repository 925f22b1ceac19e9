//! Lifecycle (客户生命周期): prospect, first-time, repeat, loyal, churned, won back.
//!
//! With the purchases as of t, in the order of their placement: a purchase more than the horizon after the
//! one before it is a *return*, and only purchases since the last return count. No purchase: prospect.
//! More than the horizon after the last purchase: churned, which wins. At least N purchases in (t - window,
//! t]: loyal. At least M: repeat. Fewer since a return: won back; else first-time.
//!
//! The projection needs nothing beyond the order book, so that an undone purchase takes the customer back.

use super::{CustomerAt, Projection, count_within};
use crate::batch::EventView;
use crate::rules::LifecycleRules;
use crate::time::Timestamp;
use crate::view::{LifecycleStage, LifecycleView, Purchase};

/// Folds a customer's events into a stage of the lifecycle.
#[derive(Debug)]
pub(crate) struct LifecycleProjection {
    rules: LifecycleRules,
}

impl LifecycleProjection {
    /// Takes the thresholds.
    pub(super) fn new(rules: LifecycleRules) -> Self {
        Self { rules }
    }
}

impl Projection for LifecycleProjection {
    type State = ();
    type View = LifecycleView;

    fn name(&self) -> &str {
        "lifecycle"
    }

    fn version(&self) -> u32 {
        1
    }

    fn evolve(&self, _state: &mut (), _event: &EventView<'_>) {}

    fn view(&self, _state: &(), customer: &CustomerAt<'_>) -> LifecycleView {
        let purchases = customer.purchases();
        let current = since_return(purchases, &self.rules);
        let returned = current.len() < purchases.len();
        LifecycleView {
            stage: stage(purchases, &self.rules, customer.as_of()),
            purchases: purchases.len() as u32,
            purchases_since_return: current.len() as u32,
            first_purchase_at: purchases.first().map(|purchase| purchase.placed_at),
            last_purchase_at: purchases.last().map(|purchase| purchase.placed_at),
            returned_at: current.first().filter(|_| returned).map(|purchase| purchase.placed_at),
        }
    }

    fn holds_until(&self, _state: &(), customer: &CustomerAt<'_>) -> Option<Timestamp> {
        let (purchases, as_of) = (customer.purchases(), customer.as_of());
        let churns_after = purchases.last()?.placed_at + self.rules.horizon();
        match stage(purchases, &self.rules, as_of) {
            LifecycleStage::Prospect | LifecycleStage::Churned => None,
            LifecycleStage::Loyal => Some(churns_after.min(self.loyal_until(purchases))),
            _ => Some(churns_after),
        }
    }
}

impl LifecycleProjection {
    /// The last instant of Loyal: before the oldest purchase that it needs leaves the window.
    fn loyal_until(&self, purchases: &[Purchase<'_>]) -> Timestamp {
        let needed = self.rules.loyal_purchases_min as usize;
        let current = since_return(purchases, &self.rules);
        let oldest = current[current.len() - needed].placed_at;
        if Timestamp::MAX.since(oldest) < self.rules.window() {
            return Timestamp::MAX;
        }
        (oldest + self.rules.window()).previous()
    }
}

/// The purchases since the last return from churn; all if there was none.
fn since_return<'a, 'b>(purchases: &'b [Purchase<'a>], rules: &LifecycleRules) -> &'b [Purchase<'a>] {
    let start = (1..purchases.len())
        .rev()
        .find(|place| purchases[*place].placed_at.since(purchases[place - 1].placed_at) > rules.horizon());
    &purchases[start.unwrap_or(0)..]
}

/// The stage of a customer with these purchases, by the time of placement, as of t.
pub(super) fn stage(purchases: &[Purchase<'_>], rules: &LifecycleRules, t: Timestamp) -> LifecycleStage {
    let Some(last) = purchases.last() else { return LifecycleStage::Prospect };
    let current = since_return(purchases, rules);
    if t.since(last.placed_at) > rules.horizon() {
        LifecycleStage::Churned
    } else if count_within(current, t, rules.window()) >= rules.loyal_purchases_min as usize {
        LifecycleStage::Loyal
    } else if current.len() >= rules.repeat_purchases_min as usize {
        LifecycleStage::Repeat
    } else if current.len() < purchases.len() {
        LifecycleStage::WonBack
    } else {
        LifecycleStage::FirstTime
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::currency::Currency;
    use crate::money::Money;
    use crate::time::Span;

    fn day(number: u32) -> Timestamp {
        Timestamp::parse("2024-01-01").unwrap() + Span::from_days(number)
    }

    #[track_caller]
    fn check(days: &[u32], as_of: Timestamp, expected: LifecycleStage) {
        let amount = Money::parse("1", Currency::EUR).unwrap();
        let purchases: Vec<_> = days
            .iter()
            .map(|number| Purchase { placed_at: day(*number), order: "o", amount, journey: None })
            .collect();
        assert_eq!(stage(&purchases, &LifecycleRules::default(), as_of), expected);
    }

    #[test]
    fn churned_begins_one_microsecond_after_the_horizon() {
        check(&[0], day(180), LifecycleStage::FirstTime);
        check(&[0], day(180).next(), LifecycleStage::Churned);
    }

    #[test]
    fn loyal_counts_the_half_open_window() {
        check(&[0, 100, 200, 300, 364], day(365).previous(), LifecycleStage::Loyal);
        check(&[0, 100, 200, 300, 364], day(365), LifecycleStage::Repeat);
    }

    #[test]
    fn a_return_starts_the_count_anew() {
        check(&[0, 10, 20, 30, 40, 221], day(221), LifecycleStage::WonBack);
        check(&[0, 10, 20, 30, 40, 220], day(220), LifecycleStage::Loyal);
        check(&[0, 181, 182], day(182), LifecycleStage::Repeat);
        check(&[], day(0), LifecycleStage::Prospect);
    }
}

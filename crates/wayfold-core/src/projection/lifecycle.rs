//! Lifecycle (客户生命周期): prospect, first-time, repeat, loyal, churned, won back.
//!
//! With the purchases as of t, in the order of their placement: a purchase more than the horizon after the
//! one before it is a *return*, and only purchases since the last return count. No purchase: prospect.
//! More than the horizon after the last purchase: churned, which wins. At least N purchases in (t - window,
//! t]: loyal. At least M: repeat. Fewer since a return: won back; else first-time.
//!
//! The horizon is a fixed period; or by the purchases since the last return that stood before the silence: so many
//! times their mean gap, or the step of a model for their number. By the rules a tier or an answer may make loyal
//! as well, or instead; an answer from before the last return does not count any more.
//!
//! The projection needs nothing beyond the order book, and under such rules what the loyalty projection keeps, so that
//! an undone purchase takes the customer back.

use super::loyalty::Loyalty;
use super::{CustomerAt, Projection, count_within};
use crate::batch::EventView;
use crate::rules::{ChurnedBy, LifecycleRules};
use crate::time::{Span, Timestamp};
use crate::view::{LifecycleStage, LifecycleView, LoyalReason, Purchase};

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

/// What the stage rests on.
pub(super) struct Evidence<'a, 'b> {
    rules: &'b LifecycleRules,
    /// By the time of placement.
    pub(super) purchases: &'b [Purchase<'a>],
    /// Those since the last return from churn; all if there was none.
    pub(super) current: &'b [Purchase<'a>],
    /// `None` under rules that do not look further than purchases.
    loyalty: Option<&'b Loyalty>,
}

impl<'a, 'b> Evidence<'a, 'b> {
    pub(super) fn new(
        rules: &'b LifecycleRules,
        purchases: &'b [Purchase<'a>],
        loyalty: Option<&'b Loyalty>,
    ) -> Self {
        Self { rules, purchases, current: since_return(purchases, rules), loyalty }
    }

    fn of(rules: &'b LifecycleRules, customer: &'b CustomerAt<'a>) -> Self {
        Self::new(rules, customer.purchases(), customer.loyalty())
    }

    fn has_returned(&self) -> bool {
        self.current.len() < self.purchases.len()
    }

    /// The last instant at which the customer has not churned; `None` without a purchase.
    pub(super) fn churns_after(&self) -> Option<Timestamp> {
        Some(self.current.last()?.placed_at + horizon(self.current, self.rules))
    }

    /// What makes the customer loyal if it is not churned, and up to when each does without a new event.
    pub(super) fn loyal_reasons(&self, t: Timestamp) -> impl Iterator<Item = (LoyalReason, Timestamp)> {
        let Self { rules, current, loyalty, .. } = *self;
        let (by, needed) = (&rules.loyal_by, rules.loyal_purchases_min as usize);
        let bought = by.purchases && count_within(current, t, rules.window()) >= needed;
        // Loyal as long as the oldest purchase that it needs is in the window.
        let purchases =
            bought.then(|| last_within(current[current.len() - needed].placed_at, rules.window()));
        let tier = loyalty.and_then(|of| of.tier.as_ref()).filter(|tier| by.tiers.contains(*tier));
        let answer = loyalty.and_then(|of| of.nps).zip(by.nps.as_ref()).filter(|(answer, nps)| {
            let stands = !self.has_returned() || answer.at >= current[0].placed_at;
            stands && answer.score >= nps.score_min && t.since(answer.at) < Span::from_days(nps.days)
        });
        let reasons = [
            purchases.map(|until| (LoyalReason::Purchases, until)),
            tier.map(|_| (LoyalReason::Tier, Timestamp::MAX)),
            answer.map(|(answer, nps)| (LoyalReason::Nps, last_within(answer.at, Span::from_days(nps.days)))),
        ];
        reasons.into_iter().flatten()
    }

    /// The stage as of t.
    pub(super) fn stage(&self, t: Timestamp) -> LifecycleStage {
        let Some(churns_after) = self.churns_after() else { return LifecycleStage::Prospect };
        if t > churns_after {
            LifecycleStage::Churned
        } else if self.loyal_reasons(t).next().is_some() {
            LifecycleStage::Loyal
        } else if self.current.len() >= self.rules.repeat_purchases_min as usize {
            LifecycleStage::Repeat
        } else if self.has_returned() {
            LifecycleStage::WonBack
        } else {
            LifecycleStage::FirstTime
        }
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
        let evidence = Evidence::of(&self.rules, customer);
        let (purchases, current) = (evidence.purchases, evidence.current);
        let returned = current.first().filter(|_| evidence.has_returned());
        LifecycleView {
            stage: evidence.stage(customer.as_of()),
            purchases: purchases.len() as u32,
            purchases_since_return: current.len() as u32,
            first_purchase_at: purchases.first().map(|purchase| purchase.placed_at),
            last_purchase_at: purchases.last().map(|purchase| purchase.placed_at),
            returned_at: returned.map(|purchase| purchase.placed_at),
        }
    }

    fn holds_until(&self, _state: &(), customer: &CustomerAt<'_>) -> Option<Timestamp> {
        let (evidence, as_of) = (Evidence::of(&self.rules, customer), customer.as_of());
        let churns_after = evidence.churns_after()?;
        match evidence.stage(as_of) {
            LifecycleStage::Prospect | LifecycleStage::Churned => None,
            LifecycleStage::Loyal => {
                let last = evidence.loyal_reasons(as_of).map(|(_, until)| until).max()?;
                Some(churns_after.min(last))
            }
            _ => Some(churns_after),
        }
    }
}

/// The purchases since the last return from churn; all if there was none.
fn since_return<'a, 'b>(purchases: &'b [Purchase<'a>], rules: &LifecycleRules) -> &'b [Purchase<'a>] {
    let gap = |place: usize| purchases[place].placed_at.since(purchases[place - 1].placed_at);
    let start = match rules.churned_by {
        ChurnedBy::Period => {
            (1..purchases.len()).rev().find(|place| gap(*place) > rules.horizon()).unwrap_or(0)
        }
        // How long a silence may be rests on what was bought since the return before it.
        _ => (1..purchases.len()).fold(0, |start, place| {
            if gap(place) > horizon(&purchases[start..place], rules) { place } else { start }
        }),
    };
    &purchases[start..]
}

/// The longest silence of a customer who has not churned, by its purchases since the last return.
pub(super) fn horizon(current: &[Purchase<'_>], rules: &LifecycleRules) -> Span {
    let by_rule = match &rules.churned_by {
        ChurnedBy::Period => None,
        ChurnedBy::OwnGap(own) => {
            let habit = mean_gap(current).filter(|_| current.len() >= own.purchases_min as usize);
            habit.map(|gap| {
                let gaps = gap.as_micros().saturating_mul(i64::from(own.gaps));
                Span::from_micros(gaps).max(Span::from_days(own.days_min))
            })
        }
        ChurnedBy::Model(steps) => {
            let reached = steps.iter().take_while(|step| step.purchases_min as usize <= current.len());
            reached.last().map(|step| Span::from_days(step.days))
        }
    };
    by_rule.unwrap_or_else(|| rules.horizon())
}

/// Floored to the microsecond; `None` below two purchases.
fn mean_gap(purchases: &[Purchase<'_>]) -> Option<Span> {
    let (first, last) = (purchases.first()?, purchases.last()?);
    let gaps = purchases.len() as i64 - 1;
    (gaps > 0).then(|| Span::from_micros(last.placed_at.since(first.placed_at).as_micros() / gaps))
}

/// The last instant at which a customer with these purchases has not churned; `None` without any.
pub(super) fn churns_after(purchases: &[Purchase<'_>], rules: &LifecycleRules) -> Option<Timestamp> {
    let current = match rules.churned_by {
        // A fixed period asks for no return.
        ChurnedBy::Period => purchases,
        _ => since_return(purchases, rules),
    };
    Some(purchases.last()?.placed_at + horizon(current, rules))
}

/// The last instant t at which something is in (t - window, t].
fn last_within(at: Timestamp, window: Span) -> Timestamp {
    if Timestamp::MAX.since(at) < window { Timestamp::MAX } else { (at + window).previous() }
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
        let rules = LifecycleRules::default();
        assert_eq!(Evidence::new(&rules, &purchases, None).stage(as_of), expected);
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

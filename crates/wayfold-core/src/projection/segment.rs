//! Segment (客户细分): one behaviour class a customer, first match, and the raw values of RFM.
//!
//! Dormant: churned. At risk: silent for longer than a span. Newcomer: one purchase, young enough. High
//! value: frequent and of high net value. High frequency: at least N purchases in (t - window, t]. Low
//! frequency, high value: of high net value. Else none; who has no purchase is in none. High net value is per
//! currency and off while unset.

use super::value::net_by_currency;
use super::{CustomerAt, Projection, count_within, lifecycle};
use crate::batch::EventView;
use crate::currency::Currency;
use crate::money::{Amount, MoneySum};
use crate::orders::Totals;
use crate::rules::{LifecycleRules, RevenueBasis, SegmentRules};
use crate::time::{Span, Timestamp};
use crate::view::{BehaviourClass, RfmValues, SegmentView};

/// Folds a customer's events into a behaviour class.
#[derive(Debug)]
pub(crate) struct SegmentProjection {
    rules: SegmentRules,
    lifecycle: LifecycleRules,
    revenue: RevenueBasis,
}

impl SegmentProjection {
    /// Takes the thresholds; those of the lifecycle say who is dormant, the basis of revenue what net is.
    pub(super) fn new(rules: SegmentRules, lifecycle: LifecycleRules, revenue: RevenueBasis) -> Self {
        Self { rules, lifecycle, revenue }
    }

    fn class(&self, customer: &CustomerAt<'_>, rich: bool, t: Timestamp) -> Option<BehaviourClass> {
        let purchases = customer.purchases();
        let last = purchases.last()?;
        let silence = t.since(last.placed_at);
        if lifecycle::churns_after(purchases, &self.lifecycle).is_some_and(|last| t > last) {
            return Some(BehaviourClass::Dormant);
        }
        if silence > Span::from_days(self.rules.at_risk_after_days) {
            return Some(BehaviourClass::AtRisk);
        }
        if purchases.len() == 1 && silence <= Span::from_days(self.rules.newcomer_days_max) {
            return Some(BehaviourClass::Newcomer);
        }
        let recent = count_within(purchases, t, self.window());
        match (recent >= self.rules.frequent_purchases_min as usize, rich) {
            (true, true) => Some(BehaviourClass::HighValue),
            (true, false) => Some(BehaviourClass::HighFrequency),
            (false, true) => Some(BehaviourClass::LowFrequencyHighValue),
            (false, false) => None,
        }
    }

    fn window(&self) -> Span {
        Span::from_days(self.rules.frequent_window_days)
    }

    fn net(&self, customer: &CustomerAt<'_>) -> Totals {
        net_by_currency(customer.record().orders(), self.revenue)
    }

    fn is_rich(&self, net: &Totals) -> bool {
        let reaches = |(currency, least): (&Currency, &Amount)| {
            net.get(*currency).is_some_and(|net| net >= i128::from(least.as_ten_thousandths()))
        };
        self.rules.high_value_min.iter().any(reaches)
    }

    /// The instants at which silence or the window may give another class, without a new event.
    fn boundaries(&self, customer: &CustomerAt<'_>) -> Vec<Timestamp> {
        let purchases = customer.purchases();
        let Some(last) = purchases.last() else { return Vec::new() };
        let after = |days: u32| (last.placed_at + Span::from_days(days)).next();
        let churns_after = lifecycle::churns_after(purchases, &self.lifecycle);
        let mut boundaries = vec![
            churns_after.unwrap_or(last.placed_at).next(),
            after(self.rules.at_risk_after_days),
            after(self.rules.newcomer_days_max),
        ];
        let needed = self.rules.frequent_purchases_min as usize;
        if let Some(oldest) = purchases.len().checked_sub(needed) {
            boundaries.push(purchases[oldest].placed_at + self.window());
        }
        boundaries.sort_unstable();
        boundaries
    }
}

impl Projection for SegmentProjection {
    type State = ();
    type View = SegmentView;

    fn name(&self) -> &str {
        "segment"
    }

    fn version(&self) -> u32 {
        1
    }

    fn evolve(&self, _state: &mut (), _event: &EventView<'_>) {}

    fn view(&self, _state: &(), customer: &CustomerAt<'_>) -> SegmentView {
        let net = self.net(customer);
        SegmentView {
            class: self.class(customer, self.is_rich(&net), customer.as_of()),
            rfm: rfm_values(customer, &net),
        }
    }

    fn holds_until(&self, _state: &(), customer: &CustomerAt<'_>) -> Option<Timestamp> {
        let rich = self.is_rich(&self.net(customer));
        let now = self.class(customer, rich, customer.as_of());
        let mut later = self.boundaries(customer).into_iter().filter(|boundary| *boundary > customer.as_of());
        later.find(|boundary| self.class(customer, rich, *boundary) != now).map(Timestamp::previous)
    }
}

fn rfm_values(customer: &CustomerAt<'_>, net: &Totals) -> Vec<RfmValues> {
    let mut values: Vec<RfmValues> = Vec::new();
    for purchase in customer.purchases() {
        let currency = purchase.amount.currency;
        match values.binary_search_by_key(&currency, |value| value.currency) {
            Ok(place) => {
                values[place].last_purchase_at = purchase.placed_at;
                values[place].frequency += 1;
            }
            Err(place) => {
                let monetary = MoneySum::new(net.get(currency).unwrap_or(0), currency);
                let last_purchase_at = purchase.placed_at;
                values.insert(place, RfmValues { currency, last_purchase_at, frequency: 1, monetary });
            }
        }
    }
    values
}

//! The behaviour class and the raw values of RFM.

use std::collections::BTreeSet;

use wayfold_core::{BehaviourClass, Currency, MoneySum, RfmValues, Rules, SegmentView, Span, Timestamp};

use super::ledger::{Bought, Ledger};
use super::{lifecycle, value};

/// The first class that matches as of t.
pub(super) fn class(rules: &Rules, ledger: &Ledger, t: Timestamp) -> Option<BehaviourClass> {
    let times = ledger.purchase_times();
    let segment = &rules.segment;
    let silent = times.last().map(|last| t.since(*last));
    if lifecycle::is_churned(&rules.lifecycle, &times, t) {
        return Some(BehaviourClass::Dormant);
    }
    if silent.is_some_and(|silent| silent > Span::from_days(segment.at_risk_after_days)) {
        return Some(BehaviourClass::AtRisk);
    }
    if times.len() == 1 && silent.is_some_and(|age| age <= Span::from_days(segment.newcomer_days_max)) {
        return Some(BehaviourClass::Newcomer);
    }
    // Who bought nothing does not behave in any way that a class could name.
    silent?;
    let frequent =
        lifecycle::within(&times, t, segment.frequent_window_days) >= segment.frequent_purchases_min;
    match (frequent, is_high_value(rules, ledger)) {
        (true, true) => Some(BehaviourClass::HighValue),
        (true, false) => Some(BehaviourClass::HighFrequency),
        (false, true) => Some(BehaviourClass::LowFrequencyHighValue),
        (false, false) => None,
    }
}

/// Net value reaches the threshold of any currency in which the customer has a line of value.
fn is_high_value(rules: &Rules, ledger: &Ledger) -> bool {
    let lines = value::currencies(&rules.value, ledger);
    lines.iter().any(|line| {
        let least = rules.segment.high_value_min.get(&line.currency);
        least.is_some_and(|least| line.net.as_ten_thousandths() >= i128::from(least.as_ten_thousandths()))
    })
}

pub(super) fn view(rules: &Rules, ledger: &Ledger, t: Timestamp) -> SegmentView {
    let purchases = ledger.purchases();
    let currencies: BTreeSet<Currency> = purchases.iter().map(|purchase| purchase.amount.currency).collect();
    SegmentView {
        class: class(rules, ledger, t),
        rfm: currencies.into_iter().map(|currency| rfm(rules, ledger, &purchases, currency)).collect(),
    }
}

fn rfm(rules: &Rules, ledger: &Ledger, purchases: &[Bought], currency: Currency) -> RfmValues {
    let in_it: Vec<&Bought> =
        purchases.iter().filter(|purchase| purchase.amount.currency == currency).collect();
    let last = in_it.last().expect("the currency is that of a purchase");
    RfmValues {
        currency,
        last_purchase_at: last.at,
        frequency: in_it.len() as u32,
        monetary: MoneySum::new(value::net(&rules.value, ledger, currency), currency),
    }
}

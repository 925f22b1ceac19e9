//! Rules whose thresholds a small history meets.

use wayfold_core::{Amount, Currency, RevenueBasis, Rules};

use crate::random::Random;

/// The defaults in two of five cases, else thresholds that are small, unusual, or nothing.
pub(super) fn draw(random: &mut Random) -> Rules {
    let mut rules = Rules::default();
    if random.percent(40) {
        return rules;
    }
    "hostile-1".clone_into(&mut rules.version);
    rules.lifecycle.churned_after_days = *random.pick(&[0, 1, 30, 180]);
    rules.lifecycle.loyal_window_days = *random.pick(&[0, 7, 60, 365]);
    rules.lifecycle.repeat_purchases_min = *random.pick(&[2, 2, 3]);
    rules.lifecycle.loyal_purchases_min = rules.lifecycle.repeat_purchases_min + random.below(2) as u32;
    rules.journey.abandoned_after_days = *random.pick(&[0, 5, 20, 90]);
    rules.segment.at_risk_after_days = *random.pick(&[0, 10, 90, 400]);
    rules.segment.newcomer_days_max = *random.pick(&[0, 3, 90, 120]);
    rules.segment.frequent_purchases_min = *random.pick(&[1, 2, 6]);
    rules.segment.frequent_window_days = *random.pick(&[1, 40, 365]);
    for currency in [Currency::EUR, Currency::USD] {
        if random.percent(50) {
            let least = Amount::from_ten_thousandths(*random.pick(&[1, 99_900, 100_000, 255_000]));
            rules.segment.high_value_min.insert(currency, least);
        }
    }
    if random.percent(40) {
        rules.value.revenue = RevenueBasis::Paid;
    }
    rules
}

//! Money in one currency: conversions by hand, and sums beside plain loops.

use std::collections::{BTreeMap, BTreeSet};

use chrono_tz::Tz;
use proptest::collection::vec;
use proptest::prelude::*;
use wayfold_core::{
    Amount, Currency, EventBody, JourneyEvent, Money, OrderCancelled, OrderPlaced, Refunded, Span, Tag,
};
use wayfold_insight::{
    BucketUnit, Calendar, ConvertedTotal, ConvertedValue, ErrorKind, MissingDay, RateTable,
};

use super::made::{at, check_laws, event, hour, total};

fn day(date: &str) -> chrono::NaiveDate {
    date.parse().unwrap()
}

#[test]
fn money_is_converted_at_the_rate_of_its_day_and_rounded_once() {
    let mut rates = RateTable::new(Currency::EUR, Tz::Asia__Shanghai, MissingDay::Refuse);
    rates.set(Currency::USD, day("2024-03-01"), "0.5").unwrap();
    rates.set(Currency::USD, day("2024-03-02"), "2").unwrap();
    rates.set(Currency::JPY, day("2024-03-01"), "0.0061452907").unwrap();
    let convert = |money: &str, currency, time| {
        rates.convert(Money::parse(money, currency).unwrap(), at(time)).map(|money| money.amount.to_string())
    };
    // The day begins at midnight in Shanghai.
    assert_eq!(convert("7", Currency::USD, "2024-03-01T15:59:59Z"), Ok("3.5".to_owned()));
    assert_eq!(convert("7", Currency::USD, "2024-03-01T16:00:00Z"), Ok("14".to_owned()));
    assert_eq!(convert("7", Currency::EUR, "2020-01-01"), Ok("7".to_owned()));
    // 12345 x .0061452907 = 75.8636136..., and halves go to the even neighbour, also below zero.
    assert_eq!(convert("12345", Currency::JPY, "2024-03-01"), Ok("75.8636".to_owned()));
    for (money, expected) in [("0.0001", "0"), ("0.0003", "0.0002"), ("-0.0001", "0"), ("-0.0003", "-0.0002")]
    {
        assert_eq!(convert(money, Currency::USD, "2024-03-01"), Ok(expected.to_owned()), "{money}");
    }
    let error = convert("7", Currency::JPY, "2024-03-02T00:00:00Z").unwrap_err();
    assert_eq!(
        (error.kind(), error.to_string()),
        (ErrorKind::TooLittleData, "no rate of JPY for 2024-03-02 (Refuse)".to_owned())
    );
    let most = Money::new(Amount::from_ten_thousandths(i64::MAX), Currency::USD);
    let beyond = rates.convert(most, at("2024-03-02T00:00:00Z")).unwrap_err();
    assert_eq!(beyond.kind(), ErrorKind::InvalidParameter);
}

#[test]
fn rates_that_are_none_are_refused_and_old_ones_run_out() {
    let mut rates = RateTable::new(Currency::EUR, Tz::UTC, MissingDay::LastKnown { days_max: 2 });
    for rate in ["", "0", "0.0", "-1", "+1", "1e3", ".5", "1.00000000001", "1234567890", "1,5", "NaN"] {
        assert!(rates.set(Currency::USD, day("2024-03-01"), rate).is_err(), "{rate:?}");
    }
    assert!(rates.set(Currency::EUR, day("2024-03-01"), "1").is_err());
    rates.set(Currency::USD, day("2024-03-01"), "2").unwrap();
    let dollar = Money::parse("1", Currency::USD).unwrap();
    assert!(rates.convert(dollar, at("2024-02-29")).is_err(), "a later rate says nothing");
    assert!(rates.convert(dollar, at("2024-03-03T23:00:00Z")).is_ok());
    assert!(rates.convert(dollar, at("2024-03-04")).is_err());
}

fn random() -> impl Strategy<Value = Vec<JourneyEvent>> {
    vec((0..4_usize, 0..3_usize, 0..4_usize, 0..400_i64, 1..9_i64), 0..40).prop_map(|all| {
        let one =
            |(number, (customer, order, kind, time, units)): (usize, (usize, usize, usize, i64, i64))| {
                let currency = [Currency::USD, Currency::JPY, Currency::EUR][order];
                let amount = Money::new(Amount::from_ten_thousandths(units * 10_000), currency);
                let body: EventBody = match kind {
                    0 => OrderCancelled { reason: None }.into(),
                    1 => Refunded { amount, reason: None }.into(),
                    _ => OrderPlaced { lines: vec![], amount, promised_at: None }.into(),
                };
                let made = event(
                    number,
                    &format!("c{customer}"),
                    hour(time) + Span::from_micros(number as i64),
                    body,
                );
                made.with_tag(Tag::order(format!("{customer}-{order}")).unwrap())
            };
        all.into_iter().enumerate().map(one).collect()
    })
}

/// A dollar is worth the number of days since the start, from the first to the ninth; a yen nothing that is known.
fn measure() -> ConvertedValue {
    let mut rates = RateTable::new(Currency::EUR, Tz::UTC, MissingDay::Refuse);
    for days in 1..10 {
        let date = hour(24 * days).to_chrono().date_naive();
        rates.set(Currency::USD, date, &days.to_string()).unwrap();
    }
    ConvertedValue::new(rates, Calendar::new(Tz::UTC, BucketUnit::Week))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn converted_sums_are_those_of_plain_loops(events in random()) {
        let mut sorted: Vec<&JourneyEvent> = events.iter().collect();
        sorted.sort_by_key(|event| event.occurred_at.instant());
        let order = |event: &JourneyEvent| event.tags.first().unwrap().clone();
        let cancelled: BTreeSet<Tag> = events.iter()
            .filter(|event| matches!(event.body, EventBody::OrderCancelled(_))).map(order).collect();
        let (mut weeks, mut missing, mut placed) = (BTreeMap::<i64, [i64; 2]>::new(), 0, BTreeSet::new());
        for event in sorted {
            let (money, side) = match &event.body {
                EventBody::OrderPlaced(body) if placed.insert(order(event)) => (body.amount, 0),
                EventBody::Refunded(body) => (body.amount, 1),
                _ => continue,
            };
            let days = event.occurred_at.instant().since(hour(0)).whole_days();
            let rate = match money.currency.as_str() {
                "EUR" => 1,
                "USD" if (1..10).contains(&days) => days,
                _ => 0,
            };
            if cancelled.contains(&order(event)) {
                continue;
            } else if rate == 0 {
                missing += 1;
            } else {
                weeks.entry(days / 7).or_default()[side] += rate * money.amount.as_ten_thousandths();
            }
        }
        let found = total(&measure(), &events);
        let told: Vec<_> = measure().report(&found).iter()
            .map(|row| [row.revenue, row.refunds, row.net].map(Amount::as_ten_thousandths)).collect();
        let expected: Vec<_> = weeks.into_values().map(|[revenue, refunds]| [revenue, refunds, revenue - refunds]).collect();
        prop_assert_eq!(told, expected);
        prop_assert_eq!(found.missing().map(|(_, _, times)| times).sum::<u64>(), missing);
    }

    #[test]
    fn converted_sums_keep_the_laws(events in random()) {
        check_laws(&measure(), &events, ConvertedTotal::clone);
    }
}

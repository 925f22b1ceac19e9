//! Discounts and price responses beside plain loops, statsmodels, and worked cases.

use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::prelude::*;
use wayfold_core::{Amount, Currency, JourneyEvent, OrderCancelled, OrderLine, OrderPlaced, Tag};
use wayfold_insight::{BucketUnit, Calendar, Confidence, ErrorKind, PriceBy, Prices, Tz};

use super::made::{check_laws, eur, event, hour, total};

/// A line of so many units at prices in whole units of the currency.
fn line(product: &str, quantity: i64, list: Option<i64>, paid: Option<i64>, cost: Option<i64>) -> OrderLine {
    let price = |of: Option<i64>| of.map(|of| Amount::from_ten_thousandths(of * 10_000));
    OrderLine {
        product: product.to_owned(),
        quantity,
        list: price(list),
        paid: price(paid),
        cost: price(cost),
    }
}

fn order(number: usize, customer: &str, day: i64, lines: Vec<OrderLine>) -> JourneyEvent {
    let body = OrderPlaced { lines, amount: eur(9), promised_at: None };
    event(number, customer, hour(24 * day), body).with_tag(Tag::order(number.to_string()).unwrap())
}

fn measure() -> Prices {
    let calendar = Calendar::new(Tz::UTC, BucketUnit::Day);
    Prices::new(calendar, Currency::EUR).by_segment(|history| Some(history.customer().1[..1].to_owned()))
}

#[test]
fn discounts_fall_into_bands_by_their_exact_depth() {
    let lamp = |paid| vec![line("lamp", 1, Some(100), Some(paid), Some(60))];
    let mut events = vec![
        order(0, "a1", 0, lamp(100)),
        order(1, "a1", 0, lamp(110)),
        // Exactly a tenth off, and a little less.
        order(2, "a2", 0, lamp(90)),
        order(3, "a2", 0, lamp(91)),
        // 300 for 500: two fifths off, on a line that has no cost beside one that has.
        order(
            4,
            "b1",
            0,
            vec![
                line("lamp", 2, Some(200), Some(100), Some(90)),
                line("book", 1, Some(100), Some(100), None),
            ],
        ),
        // No list price, or none that is paid.
        order(
            5,
            "b1",
            0,
            vec![line("lamp", 1, None, Some(50), Some(1)), line("lamp", 1, Some(10), None, None)],
        ),
        // Taken back, and cancelled.
        order(6, "b1", 0, vec![line("lamp", -1, Some(100), Some(1), None)]),
        order(7, "b1", 0, lamp(50)),
    ];
    events.push(event(8, "b1", hour(1), OrderCancelled { reason: None }).with_tag(Tag::order("7").unwrap()));
    let found = total(&measure(), &events);
    let rows = measure().discounts(&found, PriceBy::All, &[0, 10, 20], Confidence::P95).unwrap();
    let told: Vec<_> = rows
        .iter()
        .map(|row| {
            (
                row.from_percent,
                row.below_percent,
                row.orders,
                row.revenue.to_string(),
                row.discount.to_string(),
            )
        })
        .collect();
    let text = |text: &str| text.to_owned();
    assert_eq!(
        told,
        [
            (None, None, 2, text("210"), text("-10")),
            (Some(0), Some(10), 1, text("91"), text("9")),
            (Some(10), Some(20), 1, text("90"), text("10")),
            (Some(20), None, 1, text("300"), text("200")),
        ]
    );
    let deep = &rows[3];
    // 20 on 200 paid for the two lamps; 300 of 691.
    assert_eq!((deep.margin.unwrap().to_string(), deep.margin_percent), (text("20"), Some(10.0)));
    assert!((deep.order_share.0 - 20.0).abs() < 1e-12 && (deep.revenue_share - 43.4153).abs() < 1e-3);
    let rows = measure().discounts(&found, PriceBy::Segment, &[0], Confidence::P95).unwrap();
    let told: Vec<_> =
        rows.iter().map(|row| (row.segment.as_deref(), row.from_percent, row.orders)).collect();
    assert_eq!(told, [(Some("a"), None, 2), (Some("a"), Some(0), 2), (Some("b"), Some(0), 1)]);
    for edges in [&[][..], &[5], &[0, 0], &[0, 20, 10]] {
        let refused = measure().discounts(&found, PriceBy::All, edges, Confidence::P95).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::InvalidParameter);
    }
}

/// statsmodels 0.15.0: `OLS(log(units), add_constant(log(prices))).fit()`, `params`, `bse` and `rsquared`.
#[test]
fn units_follow_prices_as_ordinary_least_squares_say() {
    let days = [(10, 100), (9, 130), (12, 71), (8, 160), (11, 88), (10, 95)];
    let mut events: Vec<_> = days
        .iter()
        .enumerate()
        .map(|(day, (price, units))| {
            order(day, "a", day as i64, vec![line("lamp", *units, None, Some(*price), None)])
        })
        .collect();
    // The same price each day, and too few days; a day at half the units and half at another price has the mean of both.
    for day in 0..4 {
        events.push(order(10 + day, "a", day as i64, vec![line("book", 5, None, Some(7), None)]));
    }
    events.push(order(20, "a", 0, vec![line("vase", 5, None, Some(7), None)]));
    events.push(order(21, "a", 9, vec![line("vase", 5, None, Some(9), None)]));
    let found = total(&measure(), &events);
    let responses = measure().responses(&found, PriceBy::All);
    let [book, lamp, vase] = &responses[..] else { panic!("{responses:?}") };
    let response = lamp.response.as_ref().unwrap();
    assert_eq!((response.periods, response.units), (6, 644));
    assert_eq!(
        (response.price_min.to_string(), response.price_max.to_string()),
        ("8".to_owned(), "12".to_owned())
    );
    for (found, expected) in [
        (response.elasticity.value, ELASTICITY),
        (response.elasticity.standard_error, STANDARD_ERROR),
        (response.r_squared, R_SQUARED),
    ] {
        assert!((found - expected).abs() < 1e-10, "{found} is not {expected}");
    }
    let refused = book.response.as_ref().unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::NotIdentified);
    assert!(refused.to_string().starts_with("product \"book\" over 4 periods: "), "{refused}");
    let refused = vase.response.as_ref().unwrap_err();
    assert_eq!(
        (refused.kind(), refused.to_string().as_str()),
        (ErrorKind::TooLittleData, "product \"vase\" was sold in 2 periods; it takes three")
    );
}

const ELASTICITY: f64 = -1.9979174651218363;
const STANDARD_ERROR: f64 = 0.14218969414187144;
const R_SQUARED: f64 = 0.9801422403138915;

/// Units that follow a power of the price follow it exactly, whoever buys them and in how many orders.
#[test]
fn a_power_is_found_again() {
    let mut events = Vec::new();
    for (day, (price, units)) in
        [(1, 10_000), (2, 2_500), (4, 625), (5, 400), (10, 100)].into_iter().enumerate()
    {
        for (place, part) in [units / 5, units - units / 5].into_iter().enumerate() {
            let customer = format!("c{place}");
            events.push(order(
                2 * day + place,
                &customer,
                day as i64,
                vec![line("lamp", part, None, Some(price), None)],
            ));
        }
    }
    let responses = measure().responses(&total(&measure(), &events), PriceBy::Segment);
    let response = responses[0].response.as_ref().unwrap();
    assert!((response.elasticity.value + 2.0).abs() < 1e-12 && response.elasticity.standard_error < 1e-9);
    assert_eq!(responses[0].segment.as_deref(), Some("c"));
}

fn random() -> impl Strategy<Value = Vec<JourneyEvent>> {
    let lines = vec((0..2_usize, -1..4_i64, 0..5_i64, 0..5_i64, 0..4_i64), 0..3);
    vec((0..4_usize, 0..4_i64, lines), 0..30).prop_map(|all| {
        let some = |price: i64| (price > 0).then(|| price - 1);
        let made = |(product, quantity, list, paid, cost): (usize, i64, i64, i64, i64)| {
            line(["lamp", "book"][product], quantity, some(list), some(paid), some(cost))
        };
        let mut orders = Vec::new();
        for (number, (customer, day, lines)) in all.into_iter().enumerate() {
            orders.push(order(number, &format!("c{customer}"), day, lines.into_iter().map(made).collect()));
        }
        orders
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn prices_are_those_of_plain_loops(events in random()) {
        let edges = [0, 25, 50];
        let (mut bands, mut sold) = (BTreeMap::<Option<u8>, (u64, i64)>::new(), BTreeMap::<(&str, i64), (i64, i64)>::new());
        for event in &events {
            let wayfold_core::EventBody::OrderPlaced(body) = &event.body else { unreachable!() };
            let whole = |price: Amount| price.as_ten_thousandths() / 10_000;
            let (mut list_sum, mut paid_sum) = (0, 0);
            for line in body.lines.iter().filter(|line| line.quantity > 0) {
                let Some(paid) = line.paid.map(whole) else { continue };
                let day = event.occurred_at.instant().since(hour(0)).whole_days();
                let known = sold.entry((&line.product, day)).or_default();
                (known.0, known.1) = (known.0 + line.quantity, known.1 + paid * line.quantity);
                if let Some(list) = line.list.map(whole).filter(|list| *list > 0) {
                    list_sum += list * line.quantity;
                    paid_sum += paid * line.quantity;
                }
            }
            if list_sum == 0 {
                continue;
            }
            let depth = 1.0 - paid_sum as f64 / list_sum as f64;
            let band = match depth {
                depth if depth <= 0.0 => None,
                depth if depth < 0.25 => Some(0),
                depth if depth < 0.5 => Some(25),
                _ => Some(50),
            };
            let known = bands.entry(band).or_default();
            (known.0, known.1) = (known.0 + 1, known.1 + paid_sum);
        }
        let found = total(&measure(), &events);
        let rows = measure().discounts(&found, PriceBy::All, &edges, Confidence::P95).unwrap();
        let told: BTreeMap<_, _> = rows.iter().map(|row| (row.from_percent, (row.orders, row.revenue.as_ten_thousandths() / 10_000))).collect();
        prop_assert_eq!(told, bands);
        for row in measure().responses(&found, PriceBy::All) {
            let days: Vec<_> = sold.iter().filter(|((product, _), (_, paid))| *product == row.product && *paid > 0).map(|of| *of.1).collect();
            let price = |(units, paid): (i64, i64)| paid as f64 / units as f64;
            let is_flat = days.iter().all(|day| price(*day) == price(days[0]));
            match row.response {
                Ok(response) => {
                    prop_assert_eq!(response.periods, days.len() as u64);
                    prop_assert_eq!(response.units, days.iter().map(|day| day.0).sum::<i64>());
                    let max = days.iter().map(|day| price(*day)).fold(0.0, f64::max);
                    prop_assert!((response.price_max.as_ten_thousandths() as f64 / 10_000.0 - max).abs() < 1e-4);
                }
                Err(error) if days.len() < 3 => prop_assert_eq!(error.kind(), ErrorKind::TooLittleData),
                Err(error) => prop_assert_eq!((error.kind(), is_flat), (ErrorKind::NotIdentified, true)),
            }
        }
    }

    #[test]
    fn prices_keep_the_laws(events in random()) {
        let measure = measure();
        check_laws(&measure, &events, |total| {
            let rows = measure.discounts(total, PriceBy::Segment, &[0, 25], Confidence::P95).unwrap();
            (rows, measure.responses(total, PriceBy::Segment))
        });
    }
}

//! Data that cannot carry a model, and customers at the ends of what there is.

use wayfold_core::Span;
use wayfold_insight::{
    BgNbd, BuyingHistory, Cells, ChurnModel, DiscountRate, ErrorKind, MbgNbd, ParetoNbd, TimeUnit,
    TransactionModel,
};

use super::support::{history, weeks};

#[track_caller]
fn check(histories: &[BuyingHistory], expected: ErrorKind) {
    let cells: Cells<_> = histories.iter().copied().collect();
    assert_eq!(BgNbd::fit(&cells, TimeUnit::Week).unwrap_err().kind(), expected, "BG/NBD");
    assert_eq!(MbgNbd::fit(&cells, TimeUnit::Week).unwrap_err().kind(), expected, "MBG/NBD");
    assert_eq!(ParetoNbd::fit(&cells, TimeUnit::Week).unwrap_err().kind(), expected, "Pareto/NBD");
}

#[test]
fn data_that_cannot_carry_a_model_are_refused_by_name() {
    check(&[], ErrorKind::TooLittleData);
    let once: Vec<_> = (1..100).map(|week| history(0, weeks(0), weeks(week))).collect();
    check(&once, ErrorKind::TooLittleData);
    check(&[history(2, weeks(10), weeks(20)); 50], ErrorKind::TooLittleData);
}

#[test]
fn customers_who_do_not_differ_in_their_rates_are_refused() {
    // Everybody buys every four weeks and is there to the end: no spread of rates, and nobody leaves.
    let regular: Vec<_> = (3..40).map(|fours| history(fours, weeks(4 * fours), weeks(4 * fours))).collect();
    check(&regular, ErrorKind::NotIdentified);
}

/// Whoever bought more often left no more easily than others: the rates of leaving have no spread, `s` and `beta` grow
/// for ever at one ratio, and the likelihood hardly changes any more.
#[test]
fn customers_who_do_not_differ_in_leaving_are_refused() {
    let mut cells = Cells::default();
    for (repeats, recency, age, customers) in [
        (0, 0, 270, 500),
        (0, 0, 210, 480),
        (1, 40, 270, 90),
        (1, 160, 240, 70),
        (2, 120, 250, 45),
        (2, 230, 240, 40),
        (3, 90, 260, 20),
        (4, 250, 270, 25),
        (6, 200, 265, 12),
        (9, 240, 255, 6),
        (14, 262, 270, 2),
    ] {
        cells.add(history(repeats, Span::from_days(recency), Span::from_days(age)), customers);
    }
    let error = ParetoNbd::fit(&cells, TimeUnit::Week).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotIdentified);
    assert!(error.to_string().starts_with("Pareto/NBD: the data do not determine "), "{error}");
}

#[test]
fn ages_far_beyond_the_last_purchase_give_none_and_never_nan() {
    let gone = history(1_000, weeks(10), weeks(100));
    let [r, alpha, a, b] = [0.243, 4.414, 0.793, 2.426];
    let bg = BgNbd::new(TimeUnit::Week, r, alpha, a, b).unwrap();
    let mbg = MbgNbd::new(TimeUnit::Week, r, alpha, a, b).unwrap();
    let pareto = ParetoNbd::new(TimeUnit::Week, 0.553, 10.578, 0.606, 11.669).unwrap();
    assert_eq!(bg.probability_alive_after_repeat(&gone), Some(0.0));
    assert_eq!(mbg.probability_alive(&gone), 0.0);
    assert_eq!(pareto.probability_alive(&gone), 0.0);
    let models: [&dyn TransactionModel; 3] = [&bg, &mbg, &pareto];
    for model in models {
        assert_eq!(model.expected_purchases(&gone, weeks(39)), 0.0, "{}", model.name());
        assert!(model.log_likelihood(&gone).is_finite(), "{}", model.name());
        assert_eq!(model.expected_purchases(&history(2, weeks(3), weeks(4)), Span::from_micros(-1)), 0.0);
    }
    assert_eq!(pareto.discounted_residual(&gone, DiscountRate::yearly(0.15).unwrap()), 0.0);
}

/// The longest horizon there is, and parameters at the ends of their range, take no time and give numbers.
#[test]
fn the_ends_of_every_range_are_answered() {
    let ever = Span::from_micros(i64::MAX);
    for a in [1e-6, 1.0, 1e9] {
        for b in [1e-6, 1.0, 1e9] {
            let model = BgNbd::new(TimeUnit::Week, 0.5, 1e-6, a, b).unwrap();
            let expected = model.expected_purchases(&BuyingHistory::NEW, ever);
            assert!(expected.is_finite() && expected > 0.0, "{a} {b}: {expected}");
            let all: f64 = (0..10).map(|purchases| model.probability_of_purchases(purchases, ever)).sum();
            assert!((0.0..=1.0 + 1e-12).contains(&all), "{a} {b}: {all}");
        }
    }
}

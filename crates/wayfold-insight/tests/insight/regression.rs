//! Regressions: figures of the literature and of exact arithmetic, laws, and what is refused.

use proptest::prelude::*;
use wayfold_insight::{ErrorKind, LinearModel, LogisticModel, Observation, Regression, RidgeFit};

use super::support::close;

const LONGLEY: [&str; 6] = ["deflator", "gnp", "unemployed", "armed forces", "population", "year"];

/// Employment in the USA from 1947 to 1962 (Longley 1967), which NIST keeps to test how well programs stand features
/// that nearly follow from each other.
fn longley() -> Vec<Observation> {
    let rows = [
        (60_323, [83.0, 234_289.0, 2_356.0, 1_590.0, 107_608.0, 1_947.0]),
        (61_122, [88.5, 259_426.0, 2_325.0, 1_456.0, 108_632.0, 1_948.0]),
        (60_171, [88.2, 258_054.0, 3_682.0, 1_616.0, 109_773.0, 1_949.0]),
        (61_187, [89.5, 284_599.0, 3_351.0, 1_650.0, 110_929.0, 1_950.0]),
        (63_221, [96.2, 328_975.0, 2_099.0, 3_099.0, 112_075.0, 1_951.0]),
        (63_639, [98.1, 346_999.0, 1_932.0, 3_594.0, 113_270.0, 1_952.0]),
        (64_989, [99.0, 365_385.0, 1_870.0, 3_547.0, 115_094.0, 1_953.0]),
        (63_761, [100.0, 363_112.0, 3_578.0, 3_350.0, 116_219.0, 1_954.0]),
        (66_019, [101.2, 397_469.0, 2_904.0, 3_048.0, 117_388.0, 1_955.0]),
        (67_857, [104.6, 419_180.0, 2_822.0, 2_857.0, 118_734.0, 1_956.0]),
        (68_169, [108.4, 442_769.0, 2_936.0, 2_798.0, 120_445.0, 1_957.0]),
        (66_513, [110.8, 444_546.0, 4_681.0, 2_637.0, 121_950.0, 1_958.0]),
        (68_655, [112.6, 482_704.0, 3_813.0, 2_552.0, 123_366.0, 1_959.0]),
        (69_564, [114.2, 502_601.0, 3_931.0, 2_514.0, 125_368.0, 1_960.0]),
        (69_331, [115.7, 518_173.0, 4_806.0, 2_572.0, 127_852.0, 1_961.0]),
        (70_551, [116.9, 554_894.0, 4_007.0, 2_827.0, 130_081.0, 1_962.0]),
    ];
    rows.map(|(outcome, features)| Observation::new(features, f64::from(outcome))).to_vec()
}

#[track_caller]
fn check(fit: &RidgeFit, figures: [f64; 3], estimates: [(f64, f64); 7]) {
    let [degrees_of_freedom, residual_deviation, r_squared] = figures;
    close(fit.degrees_of_freedom, degrees_of_freedom, 1e-9);
    close(fit.residual_deviation, residual_deviation, 1e-9);
    close(fit.r_squared, r_squared, 1e-10);
    for (found, (value, standard_error)) in fit.estimates.iter().zip(estimates) {
        close(found.value, value, 1e-8);
        close(found.standard_error, standard_error, 1e-8);
    }
    assert_eq!(fit.estimates.len(), 7);
}

/// The certified values of NIST's Statistical Reference Datasets, Longley.
#[test]
fn least_squares_are_those_that_nist_certifies() {
    let fit = Regression::new(LONGLEY).fit_ridge(&longley()).unwrap();
    let estimates = [
        (-3482258.63459582, 890420.383607373),
        (15.0618722713733, 84.9149257747669),
        (-0.358191792925910e-01, 0.334910077722432e-01),
        (-2.02022980381683, 0.488399681651699),
        (-1.03322686717359, 0.214274163161675),
        (-0.511041056535807e-01, 0.226073200069370),
        (1829.15146461355, 455.478499142212),
    ];
    check(&fit, [9.0, 304.854073561965, 0.995479004577296], estimates);
}

/// By exact rational arithmetic, with the penalty times the variance of each feature.
#[test]
fn a_penalty_draws_as_exact_arithmetic_says() {
    let fit = Regression::new(LONGLEY).with_penalty(0.1).fit_ridge(&longley()).unwrap();
    let estimates = [
        (-952429.0733662419, 189142.54258077173),
        (61.36402781538229, 48.7840315558454),
        (0.011632472073602539, 0.0028783732781375642),
        (-1.1788101717701105, 0.19120817044743235),
        (-0.6574918742768828, 0.2257262591308431),
        (0.007474159739539997, 0.07188279674913689),
        (517.5733693728089, 100.04697256237449),
    ];
    check(&fit, [10.984780933102334, 407.8387653961075, 0.9901241164605631], estimates);
}

/// Beetles by dose (Bliss 1935).
fn beetles() -> Vec<Observation> {
    let doses = [1.6907, 1.7242, 1.7552, 1.7842, 1.8113, 1.8369, 1.8610, 1.8839];
    let counts = [(59, 6), (60, 13), (62, 18), (56, 28), (63, 52), (59, 53), (62, 61), (60, 60)];
    let group = |(dose, (all, killed))| {
        [
            Observation::new([dose], 1.0).with_weight(killed),
            Observation::new([dose], 0.0).with_weight(all - killed),
        ]
    };
    doses.into_iter().zip(counts).flat_map(group).collect()
}

/// Dobson's book has -60.717 (5.181) and 34.270 (2.912) of R's `glm`; further digits by 60-digit arithmetic.
#[test]
fn logistic_estimates_are_those_of_the_book() {
    for (penalty, expected) in [
        (
            0.0,
            [
                -60.717454561635414,
                5.180711463340804,
                34.27032573414698,
                2.9121400706357297,
                -186.23540327176838,
            ],
        ),
        (
            1.0,
            [
                -58.78884917244891,
                4.947159109031905,
                33.18594513081914,
                2.780501704049511,
                -186.30616960092019,
            ],
        ),
    ] {
        let fitted = Regression::new(["dose"]).with_penalty(penalty).fit_logistic(&beetles()).unwrap();
        let [intercept, dose] = &fitted.report.estimates[..] else { panic!("{fitted:?}") };
        close(intercept.value, expected[0], 1e-9);
        close(intercept.standard_error, expected[1], 1e-9);
        close(dose.value, expected[2], 1e-9);
        close(dose.standard_error, expected[3], 1e-9);
        close(fitted.report.log_likelihood, expected[4], 1e-12);
        assert_eq!(fitted.report.customers, 481);
    }
}

#[track_caller]
fn refused(observations: &[Observation], kind: ErrorKind, message: &str) {
    let error = Regression::new(["a", "b"]).fit_logistic(observations).unwrap_err();
    assert_eq!((error.kind(), error.to_string().as_str()), (kind, message));
}

#[test]
fn outcomes_that_features_separate_are_named() {
    let separated = |names: &str| {
        format!(
            "logistic regression: the outcomes are separated by {names}, so that coefficients grow without end; leave a feature \
             out, or add a penalty"
        )
    };
    let of = |a: f64, b: f64, outcome: f64| Observation::new([a, b], outcome);
    // Wholly, by the first feature.
    let whole: Vec<_> =
        (0..12).map(|i| of(f64::from(i), f64::from(i % 3), f64::from(u8::from(i > 5)))).collect();
    refused(&whole, ErrorKind::NotIdentified, &separated("\"a\""));
    // But for a tie at 5.
    let mut tied = whole.clone();
    tied.extend([of(5.0, 2.0, 1.0), of(5.0, 0.0, 0.0), of(5.0, 0.0, 1.0)]);
    refused(&tied, ErrorKind::NotIdentified, &separated("\"a\""));
    // By both together: above and below a diagonal.
    let diagonal: Vec<_> = (0..40)
        .map(|i| (f64::from(i % 7), f64::from(i % 5)))
        .filter(|(a, b)| a != b)
        .map(|(a, b)| of(a, b, f64::from(u8::from(a > b))))
        .collect();
    refused(&diagonal, ErrorKind::NotIdentified, &separated("\"a\", \"b\""));
    // One on the wrong side, and there is a maximum.
    let mut mixed = whole.clone();
    mixed.extend([of(9.0, 1.0, 0.0), of(2.0, 2.0, 1.0)]);
    assert!(Regression::new(["a", "b"]).fit_logistic(&mixed).is_ok());
    // A penalty makes one of any data.
    let drawn = Regression::new(["a", "b"]).with_penalty(0.5).fit_logistic(&whole).unwrap();
    assert!(drawn.model.probability(&[11.0, 1.0]).unwrap() > 0.9);
}

#[test]
fn what_cannot_be_fitted_is_refused_with_the_reason() {
    let of = |a: f64, b: f64, outcome: f64| Observation::new([a, b], outcome);
    let fair = [of(1.0, 2.0, 0.0), of(2.0, 1.0, 1.0), of(3.0, 5.0, 0.0), of(4.0, 1.0, 1.0)];
    refused(&[], ErrorKind::TooLittleData, "there is no observation");
    refused(&fair[..1], ErrorKind::NotIdentified, "feature \"a\" is 1 for all; leave it out");
    refused(&[of(1.0, 2.0, 1.0), of(2.0, 1.0, 1.0)], ErrorKind::TooLittleData, "all outcomes are the same");
    refused(
        &[of(1.0, 2.0, 0.0), of(2.0, 3.0, 0.5)],
        ErrorKind::InvalidParameter,
        "an outcome is 0.5; it must be 0 or 1",
    );
    let bad = "observation 1 has not 2 finite features and an outcome";
    refused(&[fair[0].clone(), of(f64::NAN, 1.0, 0.0)], ErrorKind::InvalidParameter, bad);
    refused(&[fair[0].clone(), Observation::new([1.0], 0.0)], ErrorKind::InvalidParameter, bad);
    let doubled: Vec<_> =
        (0..9).map(|i| of(f64::from(i), 2.0 * f64::from(i) + 1.0, f64::from(i % 2))).collect();
    let follows = "feature \"b\" follows from those before it; leave one out, or add a penalty";
    refused(&doubled, ErrorKind::NotIdentified, follows);
    let error = Regression::new(["a", "b"]).fit_ridge(&fair[..3]).unwrap_err();
    assert_eq!(
        (error.kind(), error.to_string()),
        (ErrorKind::TooLittleData, "3 customers for 3 parameters".to_owned())
    );
    let error = Regression::new(["a", "b"]).with_penalty(f64::NAN).fit_ridge(&fair).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidParameter);
    assert!(Regression::new(["a", "b"]).with_penalty(1.0).fit_ridge(&doubled).is_ok());
}

#[test]
fn models_are_read_as_they_were_written() {
    let logistic = Regression::new(["dose"]).fit_logistic(&beetles()).unwrap().model;
    let json = serde_json::to_string(&logistic).unwrap();
    assert_eq!(serde_json::from_str::<LogisticModel>(&json).unwrap(), logistic);
    let model = r#"{"intercept":"1.5","features":["a"],"coefficients":["-0.25"]}"#;
    let read: LinearModel = serde_json::from_str(model).unwrap();
    assert_eq!(
        (read.expected(&[2.0]).unwrap(), read.coefficient("a"), read.intercept()),
        (1.0, Some(-0.25), 1.5)
    );
    assert_eq!(read.expected(&[]).unwrap_err().kind(), ErrorKind::Mismatch);
    assert!(serde_json::from_str::<LinearModel>(&model.replace("1.5", "inf")).is_err());
}

/// Two features of which neither follows from the other, and outcomes that no line parts: each of four corners has both.
fn observations() -> impl Strategy<Value = Vec<Observation>> {
    let of = (-40_i32..40, -40_i32..40, any::<bool>(), 1_u64..5).prop_map(|(a, b, outcome, weight)| {
        Observation::new([f64::from(a) / 4.0, f64::from(b)], f64::from(u8::from(outcome))).with_weight(weight)
    });
    prop::collection::vec(of, 0..30).prop_map(|mut all| {
        for (a, b) in [(-10.0, -40.0), (-10.0, 40.0), (10.0, -40.0), (10.0, 40.0)] {
            all.extend([0.0, 1.0].map(|outcome| Observation::new([a, b], outcome)));
        }
        all
    })
}

proptest! {
    #[test]
    fn order_and_splitting_change_no_bit(all in observations(), turn in 0_usize..30) {
        let regression = Regression::new(["a", "b"]);
        let mut others: Vec<_> = all
            .iter()
            .flat_map(|of| (0..of.weight).map(|_| Observation { weight: 1, ..of.clone() }))
            .collect();
        let turn = turn % others.len();
        others.rotate_left(turn);
        others.reverse();
        prop_assert_eq!(regression.fit_logistic(&all).unwrap(), regression.fit_logistic(&others).unwrap());
        prop_assert_eq!(regression.fit_ridge(&all).unwrap(), regression.fit_ridge(&others).unwrap());
    }

    #[test]
    fn another_unit_changes_the_coefficient_alone(all in observations()) {
        let regression = Regression::new(["a", "b"]);
        let before = regression.fit_logistic(&all).unwrap();
        let scaled: Vec<_> = all
            .iter()
            .map(|of| Observation { features: vec![of.features[0] * 1_000.0 + 7.0, of.features[1]], ..of.clone() })
            .collect();
        let after = regression.fit_logistic(&scaled).unwrap();
        for of in &all {
            let probability = before.model.probability(&of.features).unwrap();
            let again = after.model.probability(&[of.features[0] * 1_000.0 + 7.0, of.features[1]]).unwrap();
            prop_assert!((probability - again).abs() < 1e-7, "{} {}", probability, again);
        }
        let (before, after) = (&before.report.estimates[1], &after.report.estimates[1]);
        prop_assert!((before.standard_error - 1_000.0 * after.standard_error).abs() < 1e-6 * before.standard_error);
    }

    /// At the maximum, what is expected and what came add up alike, alone and times each feature.
    #[test]
    fn expectations_add_up_to_outcomes(all in observations()) {
        let logistic = Regression::new(["a", "b"]).fit_logistic(&all).unwrap().model;
        let linear = Regression::new(["a", "b"]).fit_ridge(&all).unwrap().model;
        let customers: f64 = all.iter().map(|of| of.weight as f64).sum();
        for feature in 0..3 {
            let sum = |expected: &dyn Fn(&[f64]) -> f64| -> f64 {
                let times = |of: &Observation| if feature == 0 { 1.0 } else { of.features[feature - 1] };
                all.iter().map(|of| of.weight as f64 * times(of) * (of.outcome - expected(&of.features))).sum()
            };
            prop_assert!(sum(&|features| logistic.probability(features).unwrap()).abs() < 1e-4 * customers);
            prop_assert!(sum(&|features| linear.expected(features).unwrap()).abs() < 1e-8 * customers);
        }
    }
}

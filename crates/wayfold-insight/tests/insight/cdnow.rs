//! The models on the CDNOW sample: published estimates, and a second implementation's to more digits.
//!
//! Parameters and log-likelihoods come from a general optimiser over the formulas of the papers, with which the
//! published estimates agree to their digits; predictions from 50-digit arithmetic at the published parameters.

use wayfold_core::{Currency, MoneySum};
use wayfold_insight::{
    BgNbd, BuyingHistory, ChurnModel, DiscountRate, FitReport, GammaGamma, MbgNbd, ParetoNbd, Renewals,
    ShiftedBetaGeometric, SpendHistory, TimeUnit, TransactionModel, ValuePlan, lifetime_value,
};

use super::support::{calibration_cells, calibration_spend, centiweeks, close, history, weeks};

/// Published estimates are rounded to three digits, those of the second implementation hold to 1e-3 and more.
#[track_caller]
fn check<const N: usize>(report: &FitReport, expected: [f64; N], log_likelihood: f64) {
    assert!((report.log_likelihood - log_likelihood).abs() < 1e-4, "{report:?}");
    assert!(report.expected_gain <= 1e-12, "{report:?}");
    assert_eq!(report.estimates.len(), N);
    for (estimate, expected) in report.estimates.iter().zip(expected) {
        close(estimate.value, expected, 1e-3);
    }
}

/// Standard errors by second differences of the papers' formulas in 30 digits, at the expected estimates.
#[track_caller]
fn check_errors<const N: usize>(report: &FitReport, expected: [f64; N]) {
    for (estimate, expected) in report.estimates.iter().zip(expected) {
        close(estimate.standard_error, expected, 1e-4);
    }
}

#[test]
fn the_sample_has_as_many_cells_and_repeats_as_its_papers_say() {
    let cells = calibration_cells();
    assert_eq!((cells.customers(), cells.len()), (2_357, 1_016));
    let repeats: u64 =
        cells.iter().map(|(history, customers)| u64::from(history.repeats()) * customers).sum();
    assert_eq!(repeats, 2_457);
    let spend = calibration_spend();
    let once: u64 =
        spend.iter().filter(|(spend, _)| spend.repeats() == 0).map(|(_, customers)| customers).sum();
    assert_eq!(once, 1_411);
}

#[test]
fn bg_nbd_is_fitted_as_published() {
    let fitted = BgNbd::fit(&calibration_cells(), TimeUnit::Week).unwrap();
    let expected = [0.2425945149479238, 4.413601980296812, 0.7929221103102163, 2.4259069824608863];
    check(&fitted.report, expected, -9582.429206673929);
    check_errors(&fitted.report, [0.012557378, 0.37822406, 0.18573386, 0.70541433]);
}

#[test]
fn mbg_nbd_is_fitted_as_by_another_implementation() {
    let fitted = MbgNbd::fit(&calibration_cells(), TimeUnit::Week).unwrap();
    let expected = [0.5248431390056513, 6.183084970435663, 0.891359665333658, 1.6140027860135668];
    check(&fitted.report, expected, -9582.13571555375);
    check_errors(&fitted.report, [0.083268194, 0.69562057, 0.15479003, 0.53749505]);
}

#[test]
fn pareto_nbd_is_fitted_as_published() {
    let fitted = ParetoNbd::fit(&calibration_cells(), TimeUnit::Week).unwrap();
    let expected = [0.5532770365638041, 10.577683404860139, 0.6062401655729772, 11.668743242454871];
    check(&fitted.report, expected, -9594.976178939543);
    check_errors(&fitted.report, [0.047628031, 0.84272288, 0.18728272, 6.2111655]);
}

#[test]
fn gamma_gamma_is_fitted_as_published() {
    let fitted = GammaGamma::fit(&calibration_spend(), Currency::USD).unwrap();
    assert_eq!(fitted.report.customers, 946);
    let expected = [6.2495713968512225, 3.744224821963552, 15.443524159601974];
    check(&fitted.report, expected, -4055.9176948018676);
    check_errors(&fitted.report, [1.1900567, 0.29013332, 4.1594291]);
}

#[test]
fn shifted_beta_geometric_is_fitted_and_projected_as_published() {
    // The shares of 1,000 customers in Fader and Hardie (2007), and their projections.
    let regular = [1000, 631, 468, 382, 326, 289, 262, 241];
    let highend = [1000, 869, 743, 653, 593, 551, 517, 491];
    let regular_shares =
        [100.0, 62.67, 47.38, 38.80, 33.21, 29.23, 26.25, 23.90, 22.01, 20.44, 19.12, 17.99, 17.00];
    let highend_shares =
        [100.0, 85.07, 74.69, 66.98, 60.99, 56.18, 52.22, 48.89, 46.04, 43.58, 41.42, 39.51, 37.80];
    for (there, parameters, log_likelihood, shares) in [
        (regular, [0.7040773027057182, 1.1820430417127792], -1680.2651884632864, regular_shares),
        (highend, [0.6680883158041859, 3.806094749970719], -1611.158147391156, highend_shares),
    ] {
        let fitted = ShiftedBetaGeometric::fit(&Renewals::new(there.to_vec()).unwrap()).unwrap();
        check(&fitted.report, parameters, log_likelihood);
        for (renewals, share) in (0..).zip(shares) {
            let found = 100.0 * fitted.model.survival(renewals);
            assert!((found - share).abs() < 0.006, "after {renewals}: {found} instead of {share}");
        }
    }
}

fn customers() -> [BuyingHistory; 4] {
    let age = centiweeks(3886);
    [(0, 0), (1, 171), (2, 3043), (7, 2943)]
        .map(|(repeats, recency)| history(repeats, centiweeks(recency), age))
}

#[test]
fn bg_nbd_predicts_to_nine_digits() {
    let model = BgNbd::new(TimeUnit::Week, 0.243, 4.414, 0.793, 2.426).unwrap();
    let log_likelihoods =
        [-0.55471327643815845, -4.4690932750325885, -9.4586063070662713, -21.863276271463518];
    let alive = [None, Some(0.21210098537737908), Some(0.72657857008067291), Some(0.64175634594610724)];
    let expected = [0.19509805201126264, 0.20318698707975406, 1.2260281747671444, 3.3370532748514164];
    for (place, history) in customers().iter().enumerate() {
        close(model.log_likelihood(history), log_likelihoods[place], 1e-12);
        close(model.expected_purchases(history, weeks(39)), expected[place], 1e-12);
        let found = model.probability_alive_after_repeat(history);
        assert_eq!(found.is_some(), alive[place].is_some());
        found.zip(alive[place]).into_iter().for_each(|(found, alive)| close(found, alive, 1e-12));
    }
}

#[test]
fn bg_nbd_tells_who_is_alive_as_published() {
    let model = BgNbd::new(TimeUnit::Week, 0.243, 4.414, 0.793, 2.426).unwrap();
    let alive = [
        0.7056268471578601,
        0.6870911325324591,
        0.6638661809544251,
        0.6365456419207919,
        0.60561448927876,
        0.5715517342425382,
        0.5348847516172162,
        0.4962124843868691,
        0.45620505274915746,
        0.4155845331165917,
        0.37509189289005346,
        0.3354462161779112,
        0.2973031345594449,
        0.2612190431266945,
        0.22762608773508225,
        0.19682044446703864,
    ];
    for (repeats, alive) in (5..).zip(alive) {
        let history = history(repeats, weeks(30), weeks(39));
        close(model.probability_alive_after_repeat(&history).unwrap(), alive, 1e-9);
    }
    let busy = history(23, weeks(39), weeks(39));
    close(model.probability_alive_after_repeat(&busy).unwrap(), 0.968555454221024, 1e-9);
}

#[test]
fn bg_nbd_distributes_the_purchases_of_new_customers() {
    let model = BgNbd::new(TimeUnit::Week, 0.243, 4.414, 0.793, 2.426).unwrap();
    let thirty = [
        0.001999521447478878,
        0.0015170236299646917,
        0.0011633150066561434,
        0.000900314789643646,
        0.0007023637658874053,
        0.0005517902426492282,
        0.0004361912808976983,
        0.00034671713962422106,
        0.0002769612648401061,
        0.00022222604800663676,
    ];
    for (purchases, probability) in (11..).zip(thirty) {
        close(model.probability_of_purchases(purchases, weeks(30)), probability, 1e-9);
    }
    close(model.probability_of_purchases(0, weeks(39)), 0.5737863520960094, 1e-12);
    close(model.probability_of_purchases(10, weeks(2)), 1.0786896403968151e-07, 1e-9);
    let mean: f64 = (0..2000).map(|n| f64::from(n) * model.probability_of_purchases(n, weeks(52))).sum();
    close(mean, model.expected_purchases(&BuyingHistory::NEW, weeks(52)), 1e-9);
}

#[test]
fn bg_nbd_expects_of_new_customers_as_published() {
    let model = BgNbd::new(TimeUnit::Week, 0.243, 4.414, 0.793, 2.426).unwrap();
    for (days, expected) in [
        (1, 0.00782601117184757),
        (7, 0.053267891171658282),
        (21, 0.15086523089304669),
        (223, 1.0419970357503654),
        (224, 1.0452433283744438),
        (364, 1.4460505953964038),
        (546, 1.8605190579427686),
    ] {
        let within = wayfold_core::Span::from_days(days);
        close(model.expected_purchases(&BuyingHistory::NEW, within), expected, 1e-12);
    }
}

#[test]
fn pareto_nbd_predicts_to_nine_digits() {
    let model = ParetoNbd::new(TimeUnit::Week, 0.553, 10.578, 0.606, 11.669).unwrap();
    let alive = [0.29528660461689415, 0.1680023267243449, 0.8691675591530112];
    let expected = [0.10708146821530886, 0.17109298055378316, 1.4551231932576025];
    for (place, history) in customers().iter().take(3).enumerate() {
        close(model.probability_alive(history), alive[place], 1e-12);
        close(model.expected_purchases(history, weeks(39)), expected[place], 1e-12);
    }
}

#[test]
fn mbg_nbd_predicts_to_nine_digits() {
    let model = MbgNbd::new(TimeUnit::Week, 0.525, 6.183, 0.891, 1.614).unwrap();
    let alive = [0.3897350809187629, 0.17083648431040803, 0.70620226511848728, 0.62272381416911191];
    let expected = [0.15401274667514668, 0.18883654136434289, 1.2629606232673657, 3.1675724322986937];
    for (place, history) in customers().iter().enumerate() {
        close(model.probability_alive(history), alive[place], 1e-12);
        close(model.expected_purchases(history, weeks(39)), expected[place], 1e-12);
    }
}

/// By the closed form in Psi(s, s; d (beta+T)) with 30 digits, at 15 % a year of 52 weeks, at next to nothing, and at a
/// rate that leaves a week.
#[test]
fn pareto_nbd_discounts_residual_transactions() {
    let model = ParetoNbd::new(TimeUnit::Week, 0.553, 10.578, 0.606, 11.669).unwrap();
    let [once, _, twice, often] = customers();
    let rates = [
        DiscountRate::per(weeks(52), 0.15),
        DiscountRate::per(weeks(1), 1e-6_f64.exp_m1()),
        DiscountRate::per(weeks(1), 2_f64.exp_m1()),
    ];
    for (history, expected) in [
        (once, [0.47845766951460794, 18.11170979927153, 0.0016417479208427548]),
        (twice, [6.5017305375642293, 246.11886106641189, 0.022309607039541922]),
        (often, [16.586951727081341, 627.88847431413323, 0.056915366282415743]),
    ] {
        for (rate, expected) in rates.iter().zip(expected) {
            close(model.discounted_residual(&history, rate.clone().unwrap()), expected, 1e-12);
        }
    }
}

#[test]
fn pareto_nbd_holds_where_differences_of_hypergeometric_functions_lose_their_digits() {
    let model = ParetoNbd::new(TimeUnit::Week, 0.5143, 2.8845, 0.2856, 14.1087).unwrap();
    for (repeats, recency, age, alive) in
        [(221, 10_342_857, 10_357_143, 0.99959605231793814), (254, 9_714_286, 9_728_571, 0.99955822612301074)]
    {
        let weeks =
            |hundred_thousandths: i64| wayfold_core::Span::from_micros(hundred_thousandths * 6_048_000);
        close(model.probability_alive(&history(repeats, weeks(recency), weeks(age))), alive, 1e-12);
    }
}

#[test]
fn likelihoods_of_busy_customers_keep_their_digits() {
    let (none, busy) = (history(0, weeks(0), weeks(40)), history(200, weeks(38), weeks(40)));
    let bg = BgNbd::new(TimeUnit::Week, 0.25, 4.0, 0.8, 2.5).unwrap();
    close(bg.log_likelihood(&none), -0.59947381819959264, 1e-12);
    close(bg.log_likelihood(&busy), 100.79569309270645, 1e-12);
    let mbg = MbgNbd::new(TimeUnit::Week, 0.25, 4.0, 0.8, 2.5).unwrap();
    close(mbg.log_likelihood(&none), -0.41792826204498037, 1e-12);
    close(mbg.log_likelihood(&busy), 100.78690976099133, 1e-12);
}

/// The Python package `lifetimes` 0.11.3, whose month has 4.345 weeks, on times cut to hundredths of a week.
#[test]
fn value_by_month_is_that_of_another_implementation() {
    let purchases = BgNbd::fit(&calibration_cells(), TimeUnit::Week).unwrap().model;
    let spending = GammaGamma::fit(&calibration_spend(), Currency::USD).unwrap().model;
    let month = wayfold_core::Span::from_micros(4_345 * 604_800_000);
    let plan = ValuePlan { months: 12, month, discount: DiscountRate::per(month, 0.01).unwrap() };
    for (repeats, recency, cents, expected) in
        [(2, 3043, 4470, 36.27849576362729), (1, 171, 1177, 4.637466328570376), (0, 0, 0, 8.344093121809774)]
    {
        let history = history(repeats, centiweeks(recency), centiweeks(3886));
        let spend = SpendHistory::new(repeats, MoneySum::new(cents * 100, Currency::USD)).unwrap();
        let spend = spending.expected_spend(&spend).unwrap();
        let value = lifetime_value(&purchases, &history, spend, &plan);
        close(value.total.value, expected, 1e-3);
        close(
            value.total.purchases,
            purchases.expected_purchases(&history, wayfold_core::Span::from_micros(12 * month.as_micros())),
            1e-12,
        );
    }
}

#[test]
fn gamma_gamma_expects_what_note_025_and_its_worksheet_show() {
    let published = GammaGamma::new(Currency::USD, 6.25, 3.74, 15.44).unwrap();
    let fitted = GammaGamma::fit(&calibration_spend(), Currency::USD).unwrap().model;
    let worksheet = [24.66, 18.91, 35.17, 35.17, 35.17, 71.46, 18.91, 35.17, 27.28, 35.17];
    let exact = [
        24.663714, 18.916852, 35.218978, 35.218978, 35.218978, 71.469671, 18.916852, 35.218978, 27.288386,
        35.218978,
    ];
    // Repeats, and the cents of all of them together.
    let spent =
        [(2, 4470), (1, 1177), (0, 0), (0, 0), (0, 0), (7, 51_618), (1, 1177), (0, 0), (2, 5110), (0, 0)];
    for ((repeats, cents), (worksheet, exact)) in spent.into_iter().zip(worksheet.into_iter().zip(exact)) {
        let history = SpendHistory::new(repeats, MoneySum::new(cents * 100, Currency::USD)).unwrap();
        close(published.expected_spend(&history).unwrap(), exact, 1e-7);
        let found = fitted.expected_spend(&history).unwrap();
        assert!((found - worksheet).abs() < 0.02, "{found} {worksheet}");
    }
}

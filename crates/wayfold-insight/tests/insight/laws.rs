//! What holds for every model on any data: units, order, weights, threads.

use proptest::prelude::*;
use wayfold_core::{Currency, MoneySum, Span};
use wayfold_insight::{
    BgNbd, BuyingHistory, Cells, ChurnModel, FitReport, GammaGamma, MbgNbd, ParetoNbd, Renewals, Result,
    ShiftedBetaGeometric, SpendHistory, TimeUnit, TransactionModel,
};

use super::simulated::{Population, Truth, renewals, spending};
use super::support::{close, weeks};

const MODELS: [Truth; 3] = [Truth::Bg, Truth::Mbg, Truth::Pareto];

/// Fits the model of a truth: the report, and what is expected of somebody within 26 weeks.
fn fit(truth: Truth, cells: &Cells<BuyingHistory>, unit: TimeUnit) -> Result<(FitReport, f64)> {
    let somebody = BuyingHistory::new(3, weeks(20), weeks(30)).unwrap();
    let expect = |model: &dyn TransactionModel| model.expected_purchases(&somebody, weeks(26));
    Ok(match truth {
        Truth::Bg => {
            let fitted = BgNbd::fit(cells, unit)?;
            (fitted.report, expect(&fitted.model))
        }
        Truth::Mbg => {
            let fitted = MbgNbd::fit(cells, unit)?;
            (fitted.report, expect(&fitted.model))
        }
        Truth::Pareto => {
            let fitted = ParetoNbd::fit(cells, unit)?;
            (fitted.report, expect(&fitted.model))
        }
    })
}

fn shuffled(histories: Vec<BuyingHistory>) -> impl Strategy<Value = Vec<BuyingHistory>> {
    Just(histories).prop_shuffle()
}

#[test]
fn what_is_expected_of_all_is_what_is_expected_of_each() {
    let bg = BgNbd::new(TimeUnit::Week, 0.243, 4.414, 0.793, 2.426).unwrap();
    let mbg = MbgNbd::new(TimeUnit::Day, 0.243, 31.0, 0.793, 2.426).unwrap();
    let pareto = ParetoNbd::new(TimeUnit::Week, 0.553, 10.578, 0.606, 11.669).unwrap();
    let models: [&dyn TransactionModel; 3] = [&bg, &mbg, &pareto];
    let mut histories = Population::new(Truth::Bg, 7).histories(400);
    histories.push(BuyingHistory::NEW);
    for model in models {
        for within in [Span::ZERO, Span::from_micros(-1), weeks(39), weeks(4_000)] {
            let each: Vec<f64> = histories.iter().map(|of| model.expected_purchases(of, within)).collect();
            assert_eq!(model.expected_purchases_of_all(&histories, within), each, "{}", model.name());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(6))]

    /// Times in days instead of weeks multiply the scale parameters by 7, leave the others and every prediction as they
    /// are, and take x ln 7 of each customer from the log-likelihood.
    #[test]
    fn a_unit_changes_scales_and_nothing_else(seed in 0_u64..1_000) {
        for truth in MODELS {
            let histories = Population::new(truth, seed).histories(800);
            let repeats: u64 = histories.iter().map(|history| u64::from(history.repeats())).sum();
            let cells = histories.into_iter().collect();
            let (in_weeks, expected) = fit(truth, &cells, TimeUnit::Week).unwrap();
            let (in_days, expected_too) = fit(truth, &cells, TimeUnit::Day).unwrap();
            for (week, day) in in_weeks.estimates.iter().zip(&in_days.estimates) {
                let scale = if ["alpha", "beta"].contains(&week.name.as_str()) { 7.0 } else { 1.0 };
                close(day.value, scale * week.value, 1e-4);
                close(day.standard_error, scale * week.standard_error, 1e-3);
            }
            let shift = repeats as f64 * 7_f64.ln();
            prop_assert!((in_days.log_likelihood + shift - in_weeks.log_likelihood).abs() < 1e-6);
            close(expected_too, expected, 1e-5);
        }
    }

    /// Customers in any order give the same bits.
    #[test]
    fn order_changes_no_bit(histories in shuffled(Population::new(Truth::Pareto, 1).histories(400))) {
        for truth in MODELS {
            let in_order = Population::new(Truth::Pareto, 1).histories(400).into_iter().collect();
            let expected = fit(truth, &in_order, TimeUnit::Week).unwrap();
            let found = fit(truth, &histories.iter().copied().collect(), TimeUnit::Week).unwrap();
            prop_assert_eq!(found, expected);
        }
    }

    /// A cell of weight k is k customers: log-likelihoods are k times as large, standard errors sqrt(k) times smaller.
    #[test]
    fn a_weight_is_so_many_customers(seed in 0_u64..1_000, weight in 2_u64..50) {
        for truth in MODELS {
            let once: Cells<_> = Population::new(truth, seed).histories(800).into_iter().collect();
            let mut often = Cells::default();
            once.iter().for_each(|(history, customers)| often.add(*history, weight * customers));
            let (once, _) = fit(truth, &once, TimeUnit::Week).unwrap();
            let (often, _) = fit(truth, &often, TimeUnit::Week).unwrap();
            is_so_many(&once, &often, weight);
        }
    }

    /// Spending in a unit of which so many make one multiplies gamma and every expectation by as many, leaves p and q, and
    /// takes the logarithm of the number for each customer from the log-likelihood.
    #[test]
    fn a_unit_of_money_changes_its_scale_and_nothing_else(seed in 0_u64..1_000, units in 2_i128..1_000) {
        let histories = spending(seed, 800);
        let in_units = |history: &SpendHistory| {
            let ten_thousandths = (history.total() * 10_000.0).round() as i128 * units;
            SpendHistory::new(history.repeats(), MoneySum::new(ten_thousandths, Currency::USD)).unwrap()
        };
        let one: Cells<_> = histories.iter().copied().collect();
        let other: Cells<_> = histories.iter().map(in_units).collect();
        let (one, other) = (GammaGamma::fit(&one, Currency::USD).unwrap(), GammaGamma::fit(&other, Currency::USD).unwrap());
        for (place, (small, large)) in one.report.estimates.iter().zip(&other.report.estimates).enumerate() {
            let scale = if place == 2 { units as f64 } else { 1.0 };
            close(large.value, scale * small.value, 1e-4);
            close(large.standard_error, scale * small.standard_error, 1e-3);
        }
        let shift = 800.0 * (units as f64).ln();
        prop_assert!((other.report.log_likelihood + shift - one.report.log_likelihood).abs() < 1e-6);
        let expected = one.model.expected_spend(&histories[0]).unwrap();
        close(other.model.expected_spend(&in_units(&histories[0])).unwrap(), units as f64 * expected, 1e-5);
    }

    /// Customers in any order give the same bits, and a weight is so many customers, of money as well.
    #[test]
    fn order_and_weight_of_spending_are_those_of_customers(
        histories in Just(spending(3, 400)).prop_shuffle(),
        weight in 2_u64..50,
    ) {
        let once = GammaGamma::fit(&spending(3, 400).into_iter().collect(), Currency::USD).unwrap();
        let shuffled = GammaGamma::fit(&histories.iter().copied().collect(), Currency::USD).unwrap();
        prop_assert_eq!(&shuffled.report, &once.report);
        prop_assert_eq!(shuffled.model, once.model);
        let mut often = Cells::default();
        histories.iter().for_each(|history| often.add(*history, weight));
        is_so_many(&once.report, &GammaGamma::fit(&often, Currency::USD).unwrap().report, weight);
    }

    /// A cohort so many times as large; and those who have renewed are a cohort with as much more of b.
    #[test]
    fn a_cohort_is_its_customers_and_goes_on_as_one(
        seed in 0_u64..1_000,
        weight in 2_u64..50,
        (a, b) in (0.01_f64..50.0, 0.01_f64..50.0),
        (renewed, later) in (0_u32..40, 1_u32..40),
    ) {
        let there = renewals(seed, 800);
        let often = Renewals::new(there.iter().map(|count| weight * count).collect()).unwrap();
        let once = ShiftedBetaGeometric::fit(&Renewals::new(there).unwrap()).unwrap().report;
        is_so_many(&once, &ShiftedBetaGeometric::fit(&often).unwrap().report, weight);

        let new = ShiftedBetaGeometric::new(a, b).unwrap();
        let rest = ShiftedBetaGeometric::new(a, b + f64::from(renewed)).unwrap();
        close(new.retention(renewed + later), rest.retention(later), 1e-12);
        close(new.survival(renewed + later), new.survival(renewed) * rest.survival(later), 1e-12);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Whatever the history, the parameters and the horizon: a probability is one, and an expectation is a number that
    /// grows with the horizon and does not exceed that of who never leaves.
    #[test]
    fn predictions_are_numbers_within_their_bounds(
        repeats in prop_oneof![0_u32..50, 0_u32..2_000_000],
        recency in 1_i64..5_000_000_000_000_000,
        silence in prop_oneof![Just(0_i64), 0..5_000_000_000_000_000_i64],
        within in prop_oneof![1_i64..1_000, 1..5_000_000_000_000_000_i64],
        logarithms in prop::array::uniform4(-5.0_f64..8.0),
    ) {
        let micros = Span::from_micros;
        let recency = if repeats == 0 { 0 } else { recency };
        let history = BuyingHistory::new(repeats, micros(recency), micros(recency + silence)).unwrap();
        let [first, second, third, fourth] = logarithms.map(f64::exp);
        let mean_rate = |alpha: f64| (first + f64::from(repeats)) / (alpha + TimeUnit::Week.count(history.age()));
        let bg = BgNbd::new(TimeUnit::Week, first, second, third, fourth).unwrap();
        let mbg = MbgNbd::new(TimeUnit::Week, first, second, third, fourth).unwrap();
        let pareto = ParetoNbd::new(TimeUnit::Week, first, second, third, fourth).unwrap();
        let models: [&dyn TransactionModel; 3] = [&bg, &mbg, &pareto];
        for model in models {
            let expected = model.expected_purchases(&history, micros(within));
            let bound = mean_rate(second) * TimeUnit::Week.count(micros(within));
            prop_assert!((0.0..=bound * (1.0 + 1e-9)).contains(&expected), "{} {expected} {bound}", model.name());
            let longer = model.expected_purchases(&history, micros(2 * within));
            prop_assert!(longer >= expected * (1.0 - 1e-9), "{} {longer} {expected}", model.name());
        }
        for alive in [bg.probability_alive_after_repeat(&history).unwrap_or(1.0), mbg.probability_alive(&history), pareto.probability_alive(&history)] {
            prop_assert!((0.0..=1.0).contains(&alive), "{alive}");
        }
    }
}

#[test]
fn threads_change_no_bit() {
    for truth in MODELS {
        let fit = || {
            let cells = Population::new(truth, 7).histories(1_000).into_iter().collect();
            fit(truth, &cells, TimeUnit::Week).unwrap()
        };
        let alone = fit();
        let together = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(fit)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
        });
        assert!(together.iter().all(|found| *found == alone));
    }
}

/// Log-likelihoods are so many times as large, standard errors smaller by the root.
#[track_caller]
fn is_so_many(once: &FitReport, often: &FitReport, weight: u64) {
    close(often.log_likelihood, weight as f64 * once.log_likelihood, 1e-10);
    for (once, often) in once.estimates.iter().zip(&often.estimates) {
        close(often.value, once.value, 1e-4);
        close(often.standard_error * (weight as f64).sqrt(), once.standard_error, 1e-3);
    }
}

//! Cohorts simulated from a model with known parameters, which a fit must find again.

use wayfold_core::{Currency, MoneySum, Span};
use wayfold_insight::{
    BgNbd, BuyingHistory, Cells, FitReport, GammaGamma, MbgNbd, ParetoNbd, Renewals, ShiftedBetaGeometric,
    SpendHistory, TimeUnit,
};
use wayfold_testkit::Random;

/// The model that a population follows; times are in weeks.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Truth {
    Bg,
    Mbg,
    Pareto,
}

impl Truth {
    pub(crate) const fn parameters(self) -> [f64; 4] {
        match self {
            Self::Bg => [0.6, 6.0, 0.8, 2.4],
            Self::Mbg => [0.8, 6.0, 0.9, 2.0],
            Self::Pareto => [0.8, 8.0, 0.7, 12.0],
        }
    }
}

/// Draws customers.
pub(crate) struct Population {
    truth: Truth,
    random: Random,
}

/// Everybody is first seen within 12 weeks and observed to the end of the 60th.
const OBSERVED_DAYS: u64 = 60 * 7;

impl Population {
    pub(crate) fn new(truth: Truth, seed: u64) -> Self {
        Self { truth, random: Random::new(seed) }
    }

    pub(crate) fn histories(&mut self, customers: usize) -> Vec<BuyingHistory> {
        (0..customers).map(|_| self.history()).collect()
    }

    /// Times are kept to the second, so that the models' continuous time is met.
    fn history(&mut self) -> BuyingHistory {
        let age = (OBSERVED_DAYS - self.random.below(12 * 7)) as f64 / 7.0;
        let [r, alpha, a, b] = self.truth.parameters();
        let rate = gamma(&mut self.random, r) / alpha;
        let leaves = match self.truth {
            Truth::Pareto => gamma(&mut self.random, a) / b,
            _ => beta(&mut self.random, a, b),
        };
        let lifetime = if self.truth == Truth::Pareto { exponential(&mut self.random) / leaves } else { age };
        let end = age.min(lifetime);
        let (mut time, mut recency, mut repeats) = (0.0, 0.0, 0);
        let mut left = self.truth == Truth::Mbg && self.random.fraction() < leaves;
        while !left {
            time += exponential(&mut self.random) / rate;
            if time > end {
                break;
            }
            (recency, repeats) = (time, repeats + 1);
            left = self.truth != Truth::Pareto && self.random.fraction() < leaves;
        }
        let micros = |weeks: f64| Span::from_micros((weeks * 604_800.0).ceil() as i64 * 1_000_000);
        BuyingHistory::new(repeats, micros(recency).min(micros(age)), micros(age)).unwrap()
    }
}

/// A number in (0, 1].
fn open(random: &mut Random) -> f64 {
    1.0 - random.fraction()
}

fn exponential(random: &mut Random) -> f64 {
    -open(random).ln()
}

fn normal(random: &mut Random) -> f64 {
    let radius = (2.0 * exponential(random)).sqrt();
    radius * (std::f64::consts::TAU * random.fraction()).cos()
}

/// Gamma distributed with scale 1, by Marsaglia and Tsang (2000).
fn gamma(random: &mut Random, shape: f64) -> f64 {
    if shape < 1.0 {
        return gamma(random, shape + 1.0) * open(random).powf(1.0 / shape);
    }
    let d = shape - 1.0 / 3.0;
    loop {
        let x = normal(random);
        let v = (1.0 + x / (9.0 * d).sqrt()).powi(3);
        if v > 0.0 && open(random).ln() < 0.5 * x * x + d - d * v + d * v.ln() {
            return d * v;
        }
    }
}

fn beta(random: &mut Random, a: f64, b: f64) -> f64 {
    let (x, y) = (gamma(random, a), gamma(random, b));
    x / (x + y)
}

const SEEDS: u64 = 20;
const CUSTOMERS: usize = 4_000;

/// Every estimate lies within four of its standard errors of the truth, for each seed; over the seeds, two thirds lie
/// within one of them, give or take: at least 45 % and at most 88 %, and their mean is within one half of one.
#[track_caller]
fn check<const N: usize>(truth: [f64; N], fit: impl Fn(u64) -> FitReport) {
    let mut within_one = 0;
    let mut sums = [0.0; N];
    for seed in 0..SEEDS {
        let report = fit(seed);
        for ((estimate, truth), sum) in report.estimates.iter().zip(truth).zip(&mut sums) {
            // Estimates are more nearly normal as logarithms.
            let relative = estimate.standard_error / estimate.value;
            let deviation = (estimate.value / truth).ln() / relative;
            assert!(deviation.abs() < 4.0, "seed {seed}: {estimate:?} of {truth}");
            within_one += u64::from(deviation.abs() < 1.0);
            *sum += deviation;
        }
    }
    let share = within_one as f64 / (SEEDS * N as u64) as f64;
    assert!((0.45..0.88).contains(&share), "{share} lie within one standard error");
    for sum in sums {
        assert!((sum / SEEDS as f64).abs() < 0.5, "the mean deviation is {}", sum / SEEDS as f64);
    }
}

fn cells(truth: Truth, seed: u64) -> Cells<BuyingHistory> {
    Population::new(truth, seed).histories(CUSTOMERS).into_iter().collect()
}

#[test]
fn bg_nbd_is_recovered() {
    let fit = |seed| BgNbd::fit(&cells(Truth::Bg, seed), TimeUnit::Week).unwrap().report;
    check(Truth::Bg.parameters(), fit);
}

#[test]
fn mbg_nbd_is_recovered() {
    let fit = |seed| MbgNbd::fit(&cells(Truth::Mbg, seed), TimeUnit::Week).unwrap().report;
    check(Truth::Mbg.parameters(), fit);
}

#[test]
fn pareto_nbd_is_recovered() {
    let fit = |seed| ParetoNbd::fit(&cells(Truth::Pareto, seed), TimeUnit::Week).unwrap().report;
    check(Truth::Pareto.parameters(), fit);
}

const SPENDING: [f64; 3] = [5.0, 4.0, 20.0];
const LEAVING: [f64; 2] = [0.7, 2.0];

/// What customers spend under Gamma-Gamma.
pub(crate) fn spending(seed: u64, customers: usize) -> Vec<SpendHistory> {
    let [p, q, scale] = SPENDING;
    let mut random = Random::new(seed);
    let mut spend = || {
        let repeats = 1 + random.below(6) as u32;
        let rate = gamma(&mut random, q) / scale;
        let total = gamma(&mut random, p * f64::from(repeats)) / rate;
        let ten_thousandths = (total * 10_000.0).round() as i128;
        SpendHistory::new(repeats, MoneySum::new(ten_thousandths, Currency::USD)).unwrap()
    };
    (0..customers).map(|_| spend()).collect()
}

/// How many customers are there at the beginning of each of nine periods under the shifted beta-geometric.
pub(crate) fn renewals(seed: u64, customers: usize) -> Vec<u64> {
    let [a, b] = LEAVING;
    let mut random = Random::new(seed);
    let mut there = vec![0; 9];
    for _ in 0..customers {
        let leaves = beta(&mut random, a, b);
        let mut renewed = 0;
        while renewed < 8 && random.fraction() >= leaves {
            renewed += 1;
        }
        there[..=renewed].iter_mut().for_each(|count| *count += 1);
    }
    there
}

#[test]
fn gamma_gamma_is_recovered() {
    check(SPENDING, |seed| {
        let cells: Cells<_> = spending(seed, CUSTOMERS).into_iter().collect();
        GammaGamma::fit(&cells, Currency::USD).unwrap().report
    });
}

#[test]
fn shifted_beta_geometric_is_recovered() {
    check(LEAVING, |seed| {
        let there = Renewals::new(renewals(seed, CUSTOMERS)).unwrap();
        ShiftedBetaGeometric::fit(&there).unwrap().report
    });
}

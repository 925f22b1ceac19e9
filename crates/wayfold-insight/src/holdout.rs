mod ranking;

use std::collections::BTreeMap;

use serde::Serialize;
use wayfold_core::{CustomerKey, Span, Timestamp};

pub use self::ranking::Ranking;
use crate::buying_days::BuyingDaysView;
use crate::cells::Cells;
use crate::error::{Error, ErrorKind, Result};
use crate::history::BuyingHistory;
use crate::model::{ChurnModel, TransactionModel};

/// What customers did after an instant, beside what was known of them by then: the judge of models.
///
/// ```
/// use wayfold_core::Span;
/// use wayfold_insight::{BgNbd, BuyingHistory, Holdout, HoldoutCase, TimeUnit};
///
/// let days = Span::from_days;
/// let case = |repeats, recency, bought| -> wayfold_insight::Result<HoldoutCase> {
///     Ok(HoldoutCase { history: BuyingHistory::new(repeats, days(recency), days(270))?, bought })
/// };
/// let cases = [case(0, 0, 0)?, case(0, 0, 1)?, case(2, 260, 2)?, case(2, 60, 0)?];
/// let holdout = Holdout::new(cases, days(182))?;
///
/// let model = BgNbd::new(TimeUnit::Week, 0.243, 4.414, 0.793, 2.426)?;
/// let evaluation = holdout.evaluate(&model)?;
/// assert_eq!(evaluation.bought, 3);
/// assert!(evaluation.ranking.auc >= evaluation.recency_only.auc);
/// # Ok::<(), wayfold_insight::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Holdout {
    cases: Cells<HoldoutCase>,
    within: Span,
}

/// A customer's history up to the instant, and what came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct HoldoutCase {
    /// As of the instant.
    pub history: BuyingHistory,
    /// Transactions after the instant.
    pub bought: u32,
}

/// How well a model told what customers did, always beside the rule that needs no model: who bought last buys next.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Evaluation {
    /// The model's name.
    pub model: String,
    /// How many customers it was judged by.
    pub customers: u64,
    /// How many transactions they made.
    pub bought: u64,
    /// How many the model expected.
    pub expected: f64,
    /// The mean over customers of how far the expectation was off, whether too high or too low.
    pub mean_absolute_error: f64,
    /// The root of the mean of the squares of that.
    pub root_mean_square_error: f64,
    /// The correlation of expectation and outcome (Pearson); `None` where one of them is the same for all.
    pub correlation: Option<f64>,
    /// How the expectation orders customers by whether they bought at all.
    pub ranking: Ranking,
    /// How the days since the last purchase order them, alone.
    pub recency_only: Ranking,
    /// The mean absolute error if everybody went on buying at the rate so far: x / T for each customer.
    pub mean_absolute_error_at_rate_so_far: f64,
    /// Expectation and outcome by number of repeats, from 0 to 6 and, as 7, from there on; without empty rows.
    pub calibration: Vec<CalibrationRow>,
}

/// Customers of equally many repeats: what was expected of them on average, and what they did.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CalibrationRow {
    /// Transactions after the first, before the instant.
    pub repeats: u32,
    /// How many customers.
    pub customers: u64,
    /// The mean expectation.
    pub expected: f64,
    /// The mean number of transactions.
    pub bought: f64,
}

/// How well a model told who is still there, beside the rule that needs no model.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ChurnEvaluation {
    /// The model's name.
    pub model: String,
    /// How P(alive) orders customers by whether they bought at all.
    pub ranking: Ranking,
    /// How the days since the last purchase order them, alone.
    pub recency_only: Ranking,
}

/// By what the better of two models is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Criterion {
    /// The lower mean absolute error.
    MeanAbsoluteError,
    /// The lower root mean square error.
    RootMeanSquareError,
    /// The higher AUC.
    Auc,
}

/// The row of the calibration table that holds all who have bought more often.
const REPEATS_MAX: u32 = 7;

impl Holdout {
    /// Takes outcomes that were observed over a span after the instant.
    ///
    /// # Errors
    /// `TooLittleData` unless some customers bought and some did not: otherwise nothing can be ranked.
    pub fn new(cases: impl IntoIterator<Item = HoldoutCase>, within: Span) -> Result<Self> {
        let cases: Cells<HoldoutCase> = cases.into_iter().collect();
        let buyers = cases.iter().any(|(case, _)| case.bought > 0);
        if !(buyers && cases.iter().any(|(case, _)| case.bought == 0)) {
            let message = "a holdout needs customers who bought and customers who did not";
            return Err(Error::new(ErrorKind::TooLittleData, message));
        }
        Ok(Self { cases, within })
    }

    /// Splits at an instant: histories from views as of then, outcomes from views as of a later one.
    ///
    /// Who had not bought by the instant takes no part. Days count as in the views, so a purchase later on the day of
    /// the instant is known to neither.
    ///
    /// # Errors
    /// `Mismatch` if a customer of the first views is missing from the second; `InvalidHistory` if the first views know
    /// days after the instant; otherwise as [`Holdout::new`].
    pub fn split(
        before: &[(CustomerKey, BuyingDaysView)],
        at: Timestamp,
        after: &[(CustomerKey, BuyingDaysView)],
        end: Timestamp,
    ) -> Result<Self> {
        let after: BTreeMap<_, _> = after.iter().map(|(key, view)| (key, view)).collect();
        let mut cases = Vec::new();
        for (key, view) in before {
            let Some(history) = view.history(at)? else { continue };
            let Some(later) = after.get(key) else {
                let message = format_args!("customer {key} is there at {at} and not at {end}");
                return Err(Error::new(ErrorKind::Mismatch, message));
            };
            cases.push(HoldoutCase { history, bought: later.days_after(at) });
        }
        Self::new(cases, end.since(at))
    }

    /// What models are fitted on: the histories as of the instant.
    pub fn histories(&self) -> Cells<BuyingHistory> {
        let mut cells = Cells::default();
        self.cases.iter().for_each(|(case, customers)| cells.add(case.history, customers));
        cells
    }

    /// Orders customers by a score of one's own, of which more means more likely to buy.
    ///
    /// # Errors
    /// `InvalidParameter` if a score is no number.
    pub fn rank(&self, score: impl Fn(&BuyingHistory) -> f64) -> Result<Ranking> {
        self.rank_by(self.cases.iter().map(|(case, _)| score(&case.history)))
    }

    /// Ranks cases by scores in their order.
    fn rank_by(&self, scores: impl Iterator<Item = f64>) -> Result<Ranking> {
        let scored = self.cases.iter().zip(scores).map(|((case, customers), of)| {
            if of.is_nan() {
                let message = format_args!("the score of {:?} is no number", case.history);
                return Err(Error::new(ErrorKind::InvalidParameter, message));
            }
            Ok((of, case.bought > 0, customers))
        });
        Ok(Ranking::of(scored.collect::<Result<_>>()?))
    }

    /// Orders customers by the time since their last purchase, the shortest first.
    fn recency_only(&self) -> Result<Ranking> {
        self.rank(|history| -(history.silence().as_micros() as f64))
    }

    /// Judges what a model expects.
    ///
    /// # Errors
    /// `InvalidParameter` if the model expects what is no number.
    pub fn evaluate(&self, model: &dyn TransactionModel) -> Result<Evaluation> {
        let histories: Vec<BuyingHistory> = self.cases.iter().map(|(case, _)| case.history).collect();
        let expected = model.expected_purchases_of_all(&histories, self.within);
        let ranking = self.rank_by(expected.iter().copied())?;
        let mut sums = Sums::default();
        let mut rows: BTreeMap<u32, Sums> = BTreeMap::new();
        let mut off_at_rate = 0.0;
        for ((HoldoutCase { history, bought }, customers), expected) in self.cases.iter().zip(expected) {
            sums.add(expected, *bought, customers);
            rows.entry(history.repeats().min(REPEATS_MAX)).or_default().add(expected, *bought, customers);
            off_at_rate += (self.at_rate_so_far(history) - f64::from(*bought)).abs() * customers as f64;
        }
        let count = sums.customers as f64;
        let row = |(repeats, row): (u32, Sums)| CalibrationRow {
            repeats,
            customers: row.customers,
            expected: row.expected / row.customers as f64,
            bought: row.bought as f64 / row.customers as f64,
        };
        Ok(Evaluation {
            model: model.name().to_owned(),
            customers: sums.customers,
            bought: sums.bought,
            expected: sums.expected,
            mean_absolute_error: sums.off / count,
            root_mean_square_error: (sums.off_squared / count).sqrt(),
            correlation: sums.correlation(),
            ranking,
            recency_only: self.recency_only()?,
            mean_absolute_error_at_rate_so_far: off_at_rate / count,
            calibration: rows.into_iter().map(row).collect(),
        })
    }

    fn at_rate_so_far(&self, history: &BuyingHistory) -> f64 {
        let (within, age) = (self.within.as_micros() as f64, history.age().as_micros() as f64);
        if age == 0.0 { 0.0 } else { f64::from(history.repeats()) * within / age }
    }

    /// Judges what a model tells of who is still there.
    ///
    /// # Errors
    /// `InvalidParameter` if a probability is no number.
    pub fn evaluate_churn(&self, model: &dyn ChurnModel) -> Result<ChurnEvaluation> {
        Ok(ChurnEvaluation {
            model: model.name().to_owned(),
            ranking: self.rank(|history| model.probability_alive(history))?,
            recency_only: self.recency_only()?,
        })
    }

    /// Judges several models and puts the best first; equals stay in their order.
    ///
    /// The models should be fitted on [`Holdout::histories`] or earlier ones. Whether even the best is better than no
    /// model stands in each evaluation.
    ///
    /// # Errors
    /// As [`Holdout::evaluate`].
    pub fn choose(&self, models: &[&dyn TransactionModel], by: Criterion) -> Result<Vec<Evaluation>> {
        let mut evaluations: Vec<_> =
            models.iter().map(|model| self.evaluate(*model)).collect::<Result<_>>()?;
        let cost = |of: &Evaluation| match by {
            Criterion::MeanAbsoluteError => of.mean_absolute_error,
            Criterion::RootMeanSquareError => of.root_mean_square_error,
            Criterion::Auc => -of.ranking.auc,
        };
        evaluations.sort_by(|a, b| cost(a).total_cmp(&cost(b)));
        Ok(evaluations)
    }
}

/// Sums over customers, from which means, errors and the correlation come.
#[derive(Debug, Default)]
struct Sums {
    customers: u64,
    bought: u64,
    expected: f64,
    off: f64,
    off_squared: f64,
    bought_squared: f64,
    expected_squared: f64,
    product: f64,
}

impl Sums {
    fn add(&mut self, expected: f64, bought: u32, customers: u64) {
        let (weight, number) = (customers as f64, f64::from(bought));
        let off = (expected - number).abs();
        self.customers += customers;
        self.bought += u64::from(bought) * customers;
        self.expected += weight * expected;
        self.off += weight * off;
        self.off_squared += weight * off * off;
        self.bought_squared += weight * number * number;
        self.expected_squared += weight * expected * expected;
        self.product += weight * expected * number;
    }

    fn correlation(&self) -> Option<f64> {
        let (count, bought) = (self.customers as f64, self.bought as f64);
        let spread = |sum: f64, squares: f64| squares - sum * sum / count;
        let both = spread(self.expected, self.expected_squared) * spread(bought, self.bought_squared);
        (both > 0.0).then(|| (self.product - self.expected * bought / count) / both.sqrt())
    }
}

use libm::{exp, log1p};
use serde::{Deserialize, Serialize};

use super::model::LinearModel;
use super::table::{Row, Table, dot};
use crate::error::{Error, ErrorKind, Result};
use crate::model::{FitReport, Fitted};
use crate::numeric::Cholesky;

/// The probability of an outcome, by the logistic function of a sum of features.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LogisticModel(LinearModel);

impl LogisticModel {
    /// The sum: the logarithm of the odds.
    pub fn log_odds(&self) -> &LinearModel {
        &self.0
    }

    /// The probability that the outcome is 1, for features in the order of the fit.
    ///
    /// # Errors
    /// As [`LinearModel::expected`].
    pub fn probability(&self, features: &[f64]) -> Result<f64> {
        self.0.expected(features).map(logistic)
    }
}

fn logistic(log_odds: f64) -> f64 {
    1.0 / (1.0 + exp(-log_odds))
}

/// A maximum takes about ten steps, and data that are separated show it within thirty.
const STEPS_MAX: u32 = 100;
/// A step that promises less than this ends the search; a standard error is a gain of one half, so that of it ten digits
/// are right.
const GAIN_MIN: f64 = 1e-20;
/// A step that is halved this often leads nowhere.
const HALVINGS_MAX: u32 = 40;

pub(super) fn fit(table: &Table<'_>, penalty: f64) -> Result<Fitted<LogisticModel>> {
    let ones: f64 = table.rows.iter().map(|row| row.outcome * row.weight).sum();
    if let Some(row) = table.rows.iter().find(|row| row.outcome != 0.0 && row.outcome != 1.0) {
        let message = format_args!("an outcome is {}; it must be 0 or 1", row.outcome);
        return Err(Error::new(ErrorKind::InvalidParameter, message));
    }
    if ones == 0.0 || ones == table.total() {
        return Err(Error::new(ErrorKind::TooLittleData, "all outcomes are the same"));
    }
    let mut search = Search { table, penalty, coefficients: vec![0.0; table.width()] };
    for steps in 0..STEPS_MAX {
        let gradient = search.gradient();
        let information = Cholesky::of(&search.information()).map_err(|row| table.follows(row))?;
        let step = information.solve(gradient.clone());
        let expected_gain = 0.5 * dot(&step, &gradient);
        if expected_gain <= GAIN_MIN {
            let estimates = table.estimates(&search.coefficients, &information.inverse());
            let values: Vec<f64> = estimates.iter().map(|of| of.value).collect();
            let report = FitReport {
                customers: table.total() as u64,
                cells: table.rows.len() as u64,
                log_likelihood: search.log_likelihood(&search.coefficients),
                steps,
                expected_gain,
                estimates,
            };
            let model = LogisticModel(LinearModel::new(table.features, values[0], values[1..].to_vec()));
            return Ok(Fitted { model, report });
        }
        if penalty == 0.0 && separates(table, &step) {
            return Err(separated(table, &step));
        }
        search.take(&step)?;
    }
    let message = format_args!("logistic regression: no maximum within {STEPS_MAX} steps");
    Err(Error::new(ErrorKind::NotConverged, message))
}

/// A place of the search, in coefficients of the z-scores.
struct Search<'a> {
    table: &'a Table<'a>,
    penalty: f64,
    coefficients: Vec<f64>,
}

impl Search<'_> {
    fn probability(&self, row: &Row) -> f64 {
        logistic(dot(&self.coefficients, &row.scores))
    }

    fn log_likelihood(&self, coefficients: &[f64]) -> f64 {
        let of = |row: &Row| {
            let log_odds = dot(coefficients, &row.scores);
            // ln(1 + e^x) without an overflow; of the two signs, the one of the outcome.
            let against = if row.outcome == 1.0 { -log_odds } else { log_odds };
            -row.weight * (against.max(0.0) + log1p(exp(-against.abs())))
        };
        self.table.rows.iter().map(of).sum()
    }

    /// The log-likelihood less the penalty.
    fn worth(&self, coefficients: &[f64]) -> f64 {
        self.log_likelihood(coefficients) - 0.5 * self.penalty * dot(&coefficients[1..], &coefficients[1..])
    }

    fn gradient(&self) -> Vec<f64> {
        let mut gradient = self.table.sums(|row| row.weight * (row.outcome - self.probability(row)));
        let drawn = gradient.iter_mut().zip(&self.coefficients).skip(1);
        drawn.for_each(|(sum, coefficient)| *sum -= self.penalty * coefficient);
        gradient
    }

    fn information(&self) -> Vec<Vec<f64>> {
        let mut information = self.table.products(|row| {
            let probability = self.probability(row);
            row.weight * probability * (1.0 - probability)
        });
        (1..information.len()).for_each(|i| information[i][i] += self.penalty);
        information
    }

    /// Takes a step, or the largest part of it by halves that makes nothing worse.
    fn take(&mut self, step: &[f64]) -> Result<()> {
        let before = self.worth(&self.coefficients);
        let mut share = 1.0;
        for _ in 0..HALVINGS_MAX {
            let trial: Vec<f64> =
                self.coefficients.iter().zip(step).map(|(of, step)| of + share * step).collect();
            // The last digits of a sum of many terms are rounding.
            if self.worth(&trial) >= before - 1e-14 * before.abs() {
                self.coefficients = trial;
                return Ok(());
            }
            share *= 0.5;
        }
        Err(Error::new(ErrorKind::NotConverged, "logistic regression: no step leads upwards"))
    }
}

/// How far a row may lie on the wrong side, as a share of the furthest, and still count as rounding: where only some rows
/// are told apart for ever, the others come to rest no sooner than the search.
const WRONG_SIDE_MAX: f64 = 1e-6;

/// Whether a step parts the outcomes: every row moves towards its own outcome or stays. Then the likelihood rises without
/// end in its direction (Albert and Anderson 1984); where there is a maximum, no direction does that.
fn separates(table: &Table<'_>, step: &[f64]) -> bool {
    let moved = |row: &Row| dot(step, &row.scores) * if row.outcome == 1.0 { 1.0 } else { -1.0 };
    let (least, most) = table
        .rows
        .iter()
        .map(moved)
        .fold((f64::INFINITY, 0.0_f64), |(least, most), moved| (least.min(moved), most.max(moved.abs())));
    most > 0.01 && least >= -WRONG_SIDE_MAX * most
}

/// Names the features that separate the outcomes alone, or, where none does, those that do together.
fn separated(table: &Table<'_>, step: &[f64]) -> Error {
    let longest = step[1..].iter().fold(0.0_f64, |longest, of| longest.max(of.abs()));
    let alone = |place: &usize| {
        let of = |outcome: f64| {
            table.rows.iter().filter(move |row| row.outcome == outcome).map(|row| row.scores[place + 1])
        };
        let (zeros, ones) = (extremes(of(0.0)), extremes(of(1.0)));
        zeros.1 <= ones.0 || ones.1 <= zeros.0
    };
    let mut places: Vec<usize> = (0..table.features.len()).filter(alone).collect();
    if places.is_empty() {
        places = (0..table.features.len()).filter(|place| step[place + 1].abs() > 0.01 * longest).collect();
    }
    let names: Vec<String> = places.into_iter().map(|place| format!("{:?}", table.features[place])).collect();
    let message = format_args!(
        "logistic regression: the outcomes are separated by {}, so that coefficients grow without end; leave a feature \
         out, or add a penalty",
        names.join(", ")
    );
    Error::new(ErrorKind::NotIdentified, message)
}

/// The least and the largest value.
fn extremes(values: impl Iterator<Item = f64>) -> (f64, f64) {
    values
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(least, most), value| (least.min(value), most.max(value)))
}

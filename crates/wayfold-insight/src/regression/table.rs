//! Observations made ready: in one order, equal ones counted together, features as z-scores.

use super::Observation;
use crate::error::{Error, ErrorKind, Result};
use crate::model::Estimate;

pub(super) struct Table<'a> {
    pub(super) features: &'a [String],
    pub(super) rows: Vec<Row>,
    /// The mean and the standard deviation of each feature, by N.
    scales: Vec<(f64, f64)>,
}

pub(super) struct Row {
    /// 1 for the intercept, and the z-scores.
    pub(super) scores: Vec<f64>,
    pub(super) outcome: f64,
    pub(super) weight: f64,
}

impl<'a> Table<'a> {
    pub(super) fn new(features: &'a [String], observations: &[Observation]) -> Result<Self> {
        let observations = merged(features, observations)?;
        let total: f64 = observations.iter().map(|of| of.weight as f64).sum();
        let mean = |value: &dyn Fn(&Observation) -> f64| {
            observations.iter().map(|of| of.weight as f64 * value(of)).sum::<f64>() / total
        };
        let mut scales = Vec::new();
        for (place, name) in features.iter().enumerate() {
            let first = observations[0].features[place];
            if observations.iter().all(|of| of.features[place] == first) {
                let message = format_args!("feature {name:?} is {first} for all; leave it out");
                return Err(Error::new(ErrorKind::NotIdentified, message));
            }
            let middle = mean(&|of| of.features[place]);
            let deviation = mean(&|of| (of.features[place] - middle) * (of.features[place] - middle)).sqrt();
            if !(deviation > 0.0 && deviation.is_finite()) {
                let message =
                    format_args!("feature {name:?} is too small or too large for a spread; scale it");
                return Err(Error::new(ErrorKind::InvalidParameter, message));
            }
            scales.push((middle, deviation));
        }
        let row = |of: Observation| {
            let score = |(value, (mean, deviation)): (&f64, &(f64, f64))| (value - mean) / deviation;
            let scores = std::iter::once(1.0).chain(of.features.iter().zip(&scales).map(score));
            Row { scores: scores.collect(), outcome: of.outcome, weight: of.weight as f64 }
        };
        let rows = observations.into_iter().map(row).collect();
        Ok(Self { features, rows, scales })
    }

    /// How many customers there are.
    pub(super) fn total(&self) -> f64 {
        self.rows.iter().map(|row| row.weight).sum()
    }

    /// How many coefficients, with the intercept.
    pub(super) fn width(&self) -> usize {
        self.features.len() + 1
    }

    /// The sum of scores times scores over the rows, each row by its weight.
    pub(super) fn products(&self, weight: impl Fn(&Row) -> f64) -> Vec<Vec<f64>> {
        let mut sums = vec![vec![0.0; self.width()]; self.width()];
        for row in &self.rows {
            let weight = weight(row);
            for (sums, a) in sums.iter_mut().zip(&row.scores) {
                sums.iter_mut().zip(&row.scores).for_each(|(sum, b)| *sum += weight * a * b);
            }
        }
        sums
    }

    /// The sum of scores over the rows, each row by its weight.
    pub(super) fn sums(&self, weight: impl Fn(&Row) -> f64) -> Vec<f64> {
        let mut sums = vec![0.0; self.width()];
        for row in &self.rows {
            let weight = weight(row);
            sums.iter_mut().zip(&row.scores).for_each(|(sum, score)| *sum += weight * score);
        }
        sums
    }

    /// Intercept and coefficients of the features, from those of the z-scores, with their standard errors.
    pub(super) fn estimates(&self, scored: &[f64], covariances: &[Vec<f64>]) -> Vec<Estimate> {
        let width = self.width();
        // Each coefficient as a combination of those of the z-scores.
        let intercept =
            std::iter::once(1.0).chain(self.scales.iter().map(|(mean, deviation)| -mean / deviation));
        let mut combinations = vec![intercept.collect::<Vec<f64>>()];
        for (place, (_, deviation)) in self.scales.iter().enumerate() {
            let mut combination = vec![0.0; width];
            combination[place + 1] = 1.0 / deviation;
            combinations.push(combination);
        }
        let names = std::iter::once("intercept").chain(self.features.iter().map(String::as_str));
        let estimate = |(name, combination): (&str, Vec<f64>)| {
            let spread: Vec<f64> = covariances.iter().map(|column| dot(column, &combination)).collect();
            let standard_error = dot(&spread, &combination).sqrt();
            Estimate { name: name.to_owned(), value: dot(scored, &combination), standard_error }
        };
        names.zip(combinations).map(estimate).collect()
    }

    /// Says that a feature cannot be told from those before it.
    pub(super) fn follows(&self, row: usize) -> Error {
        let name = row.checked_sub(1).map_or("intercept", |place| self.features[place].as_str());
        let message =
            format_args!("feature {name:?} follows from those before it; leave one out, or add a penalty");
        Error::new(ErrorKind::NotIdentified, message)
    }
}

pub(super) fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Checks observations, and brings them into the order of their features and outcomes, equal ones as one.
fn merged(features: &[String], observations: &[Observation]) -> Result<Vec<Observation>> {
    let mut merged: Vec<Observation> = Vec::new();
    for (place, of) in observations.iter().enumerate() {
        let finite = of.features.iter().chain([&of.outcome]).all(|value| value.is_finite());
        if of.features.len() != features.len() || !finite {
            let message =
                format_args!("observation {place} has not {} finite features and an outcome", features.len());
            return Err(Error::new(ErrorKind::InvalidParameter, message));
        }
        if of.weight > 0 {
            // Adding zero makes one zero of both.
            let features = of.features.iter().map(|value| value + 0.0).collect();
            merged.push(Observation { features, outcome: of.outcome + 0.0, weight: of.weight });
        }
    }
    if merged.is_empty() {
        return Err(Error::new(ErrorKind::TooLittleData, "there is no observation"));
    }
    merged.sort_by(|a, b| {
        let values = a.features.iter().zip(&b.features);
        let by_features = values.map(|(a, b)| a.total_cmp(b)).find(|order| order.is_ne());
        by_features.unwrap_or_else(|| a.outcome.total_cmp(&b.outcome))
    });
    merged.dedup_by(|next, kept| {
        let same = next.features == kept.features && next.outcome == kept.outcome;
        if same {
            kept.weight = kept.weight.saturating_add(next.weight);
        }
        same
    });
    Ok(merged)
}

use serde::{Deserialize, Serialize};

use crate::cells::Cells;
use crate::numeric::Maximum;

/// A model and how it was fitted.
///
/// The model alone predicts; it is a constant that can be kept, compared and named by rules. Nothing refits it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fitted<M> {
    /// The model.
    pub model: M,
    /// How it was fitted.
    pub report: FitReport,
}

/// What a fit rests on and how it ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FitReport {
    /// Customers that were fitted on.
    pub customers: u64,
    /// Different histories among them.
    pub cells: u64,
    /// The logarithm of the likelihood at its maximum, with time in the model's unit.
    pub log_likelihood: f64,
    /// Steps of the optimiser.
    pub steps: u32,
    /// By how much one more step would raise the log-likelihood; a fit ends when it is at most 1e-12.
    pub expected_gain: f64,
    /// The parameters with their standard errors, in the order of the model.
    pub estimates: Vec<Estimate>,
}

/// A parameter as it was estimated.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Estimate {
    /// The parameter's name.
    pub name: String,
    /// The value of the largest likelihood.
    pub value: f64,
    /// The standard error by the observed information, the curvature of the log-likelihood at its maximum.
    pub standard_error: f64,
}

impl FitReport {
    pub(super) fn of_cells<const N: usize, H: Ord>(
        cells: &Cells<H>,
        names: [&str; N],
        maximum: &Maximum<N>,
    ) -> Self {
        Self::new(cells.customers(), cells.len() as u64, names, maximum)
    }

    pub(super) fn new<const N: usize>(
        customers: u64,
        cells: u64,
        names: [&str; N],
        maximum: &Maximum<N>,
    ) -> Self {
        let Maximum { parameters, standard_errors, .. } = maximum;
        let estimates = names.iter().zip(parameters).zip(standard_errors).map(|((name, value), error)| {
            Estimate { name: (*name).to_owned(), value: *value, standard_error: *error }
        });
        Self {
            customers,
            cells,
            log_likelihood: maximum.log_likelihood,
            steps: maximum.steps,
            expected_gain: maximum.expected_gain,
            estimates: estimates.collect(),
        }
    }
}

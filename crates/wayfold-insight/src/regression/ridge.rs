use serde::{Deserialize, Serialize};

use super::model::LinearModel;
use super::table::{Row, Table, dot};
use crate::error::{Error, ErrorKind, Result};
use crate::model::Estimate;
use crate::numeric::Cholesky;

/// A linear model and how it was fitted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RidgeFit {
    /// The model.
    pub model: LinearModel,
    /// Customers that were fitted on.
    pub customers: u64,
    /// What is left of them as degrees of freedom: less one for each parameter, and by a penalty less than that, the trace
    /// of the matrix that makes fitted values of outcomes.
    pub degrees_of_freedom: f64,
    /// The standard deviation of what the model leaves unexplained, by the degrees of freedom.
    pub residual_deviation: f64,
    /// The share of the variance that the model explains; 0 where all outcomes are the same.
    pub r_squared: f64,
    /// Intercept and coefficients with their standard errors: with A the products of the features with the penalty and B
    /// without, those of A^-1 B A^-1 times the residual variance.
    pub estimates: Vec<Estimate>,
}

pub(super) fn fit(table: &Table<'_>, penalty: f64) -> Result<RidgeFit> {
    let (total, width) = (table.total(), table.width());
    let products = table.products(|row| row.weight);
    let mut penalised = products.clone();
    (1..width).for_each(|i| penalised[i][i] += penalty);
    let cholesky = Cholesky::of(&penalised).map_err(|row| table.follows(row))?;

    // Outcomes are taken from their mean, so that the digits of a large one are not lost.
    let mean = table.rows.iter().map(|row| row.weight * row.outcome).sum::<f64>() / total;
    let mut scored = cholesky.solve(table.sums(|row| row.weight * (row.outcome - mean)));
    scored[0] += mean;

    let inverse = cholesky.inverse();
    // A^-1 B, column by column of B, which is symmetric.
    let shrunk: Vec<Vec<f64>> = products.iter().map(|column| cholesky.solve(column.clone())).collect();
    let degrees_of_freedom = total - (0..width).map(|i| shrunk[i][i]).sum::<f64>();
    if degrees_of_freedom < 1e-9 * total {
        let message = format_args!("{total} customers for {width} parameters");
        return Err(Error::new(ErrorKind::TooLittleData, message));
    }
    let squares = |off: &dyn Fn(&Row) -> f64| -> f64 {
        table.rows.iter().map(|row| row.weight * off(row) * off(row)).sum()
    };
    let unexplained = squares(&|row| row.outcome - dot(&scored, &row.scores));
    let all = squares(&|row| row.outcome - mean);
    let variance = unexplained / degrees_of_freedom;
    // Row i of A^-1 B A^-1: the entries of A^-1 B in row i, times A^-1.
    let covariance =
        |i: usize, j: usize| variance * (0..width).map(|k| shrunk[k][i] * inverse[j][k]).sum::<f64>();
    let covariances: Vec<Vec<f64>> =
        (0..width).map(|i| (0..width).map(|j| covariance(i, j)).collect()).collect();
    let estimates = table.estimates(&scored, &covariances);
    let values: Vec<f64> = estimates.iter().map(|of| of.value).collect();
    Ok(RidgeFit {
        model: LinearModel::new(table.features, values[0], values[1..].to_vec()),
        customers: total as u64,
        degrees_of_freedom,
        residual_deviation: variance.sqrt(),
        r_squared: if all > 0.0 { 1.0 - unexplained / all } else { 0.0 },
        estimates,
    })
}

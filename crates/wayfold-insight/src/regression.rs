mod logistic;
mod model;
mod ridge;
mod table;

pub use self::logistic::LogisticModel;
pub use self::model::LinearModel;
pub use self::ridge::RidgeFit;
use self::table::Table;
use crate::error::{Error, ErrorKind, Result};
use crate::model::Fitted;

/// What goes with an outcome: logistic regression for yes or no, ridge regression for a number.
///
/// The same observations give the same bits in whatever order they come, and a weight those of so many equal
/// observations.
///
/// ```
/// use wayfold_insight::{Observation, Regression};
///
/// // Beetles killed by a dose of carbon disulphide (Bliss 1935; Dobson, An Introduction to Generalized Linear Models):
/// // the published estimates are -60.72 and 34.27, with standard errors of 5.18 and 2.91.
/// let mut observations = Vec::new();
/// for (dose, beetles, killed) in [
///     (1.6907, 59, 6), (1.7242, 60, 13), (1.7552, 62, 18), (1.7842, 56, 28), (1.8113, 63, 52), (1.8369, 59, 53),
///     (1.8610, 62, 61), (1.8839, 60, 60),
/// ] {
///     observations.push(Observation::new([dose], 1.0).with_weight(killed));
///     observations.push(Observation::new([dose], 0.0).with_weight(beetles - killed));
/// }
/// let fitted = Regression::new(["dose"]).fit_logistic(&observations)?;
/// let told: Vec<String> = fitted.report.estimates.iter()
///     .map(|of| format!("{} {:.2} {:.2}", of.name, of.value, of.standard_error))
///     .collect();
/// assert_eq!(told, ["intercept -60.72 5.18", "dose 34.27 2.91"]);
/// assert!(fitted.model.probability(&[1.80])? > 0.7);
/// # Ok::<(), wayfold_insight::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Regression {
    features: Vec<String>,
    penalty: f64,
}

/// One customer, or several alike: what is known of it, and what came of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Observation {
    /// The features, in the order of their names.
    pub features: Vec<f64>,
    /// What came of it; 0 or 1 for logistic regression.
    pub outcome: f64,
    /// How many customers it stands for.
    pub weight: u64,
}

impl Observation {
    /// Takes features and outcome of one customer.
    pub fn new(features: impl Into<Vec<f64>>, outcome: f64) -> Self {
        Self { features: features.into(), outcome, weight: 1 }
    }

    /// Lets it stand for so many customers.
    #[must_use]
    pub fn with_weight(self, weight: u64) -> Self {
        Self { weight, ..self }
    }
}

impl Regression {
    /// Names the features; there is always an intercept beside them.
    pub fn new<N: Into<String>>(features: impl IntoIterator<Item = N>) -> Self {
        Self { features: features.into_iter().map(Into::into).collect(), penalty: 0.0 }
    }

    /// Draws coefficients towards zero by a ridge penalty, 0 without. It is taken of features in z-scores by their
    /// standard deviation (by N), as the function `lm.ridge` of the R package MASS takes it: of a linear regression the
    /// squared errors plus the penalty times the squared coefficients are least, of a logistic one the log-likelihood less
    /// half of that is largest. The intercept is left alone. Standard errors then say how far an estimate varies, and
    /// nothing of how far it was drawn.
    #[must_use]
    pub fn with_penalty(self, penalty: f64) -> Self {
        Self { penalty, ..self }
    }

    /// Fits the probability that the outcome is 1: by Newton's method, with standard errors by the observed information.
    ///
    /// # Errors
    /// `InvalidParameter` if features or outcomes are not finite numbers of the right count, an outcome is not 0 or 1, or
    /// the penalty is below zero; `TooLittleData` unless both outcomes occur; `NotIdentified` if a feature is the same for
    /// all or follows from others, or if features separate the outcomes, wholly or but for ties, so that coefficients would
    /// grow without end: the message names the features, and a penalty helps; `NotConverged` if the steps do not suffice.
    pub fn fit_logistic(&self, observations: &[Observation]) -> Result<Fitted<LogisticModel>> {
        logistic::fit(&self.table(observations)?, self.penalty)
    }

    /// Fits the mean of the outcome by least squares with the penalty; without one, by ordinary least squares.
    ///
    /// # Errors
    /// `InvalidParameter` and `NotIdentified` as [`Regression::fit_logistic`]; `TooLittleData` if there are no more
    /// customers than parameters.
    pub fn fit_ridge(&self, observations: &[Observation]) -> Result<RidgeFit> {
        ridge::fit(&self.table(observations)?, self.penalty)
    }

    fn table(&self, observations: &[Observation]) -> Result<Table<'_>> {
        if !(self.penalty >= 0.0 && self.penalty.is_finite()) {
            let message = format_args!("a penalty of {}; it must be zero or above, and finite", self.penalty);
            return Err(Error::new(ErrorKind::InvalidParameter, message));
        }
        Table::new(&self.features, observations)
    }
}

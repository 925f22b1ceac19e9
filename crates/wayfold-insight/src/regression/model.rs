use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::error::{Error, ErrorKind, Result};

/// A sum of features times coefficients: a fitted constant that is written and read by serde to the last bit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LinearModel {
    intercept: Coefficient,
    features: Vec<String>,
    coefficients: Vec<Coefficient>,
}

impl LinearModel {
    pub(super) fn new(features: &[String], intercept: f64, coefficients: Vec<f64>) -> Self {
        Self {
            intercept: Coefficient(intercept),
            features: features.to_vec(),
            coefficients: coefficients.into_iter().map(Coefficient).collect(),
        }
    }

    /// What is expected where all features are zero.
    pub fn intercept(&self) -> f64 {
        self.intercept.0
    }

    /// The coefficient of a feature: by how much the sum grows with one more of it.
    pub fn coefficient(&self, feature: &str) -> Option<f64> {
        let place = self.features.iter().position(|known| known == feature)?;
        self.coefficients.get(place).map(|of| of.0)
    }

    /// The sum for features in the order of the fit.
    ///
    /// # Errors
    /// `Mismatch` if there are more or fewer features than coefficients.
    pub fn expected(&self, features: &[f64]) -> Result<f64> {
        if features.len() != self.coefficients.len() {
            let (given, known) = (features.len(), self.coefficients.len());
            let message =
                format_args!("{given} features for a model of {known}: {}", self.features.join(", "));
            return Err(Error::new(ErrorKind::Mismatch, message));
        }
        Ok(self
            .coefficients
            .iter()
            .zip(features)
            .fold(self.intercept.0, |sum, (of, value)| sum + of.0 * value))
    }
}

/// A finite number, written as decimal text: a reader of JSON may change the last bit of a number, never of a text.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Coefficient(f64);

impl Serialize for Coefficient {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Coefficient {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let value = text.parse::<f64>().ok().filter(|value| value.is_finite());
        value
            .map(Self)
            .ok_or_else(|| de::Error::custom(format_args!("a coefficient is {text:?}, no finite number")))
    }
}

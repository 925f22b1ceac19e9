use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind, Result};

/// A parameter of a model: finite and above zero, also when it is read from a document.
///
/// Written as decimal text, as money is: a reader of JSON may change the last bit of a number, never of a text.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct Parameter(f64);

impl Parameter {
    pub(crate) fn new(name: &str, value: f64) -> Result<Self> {
        if value > 0.0 && value.is_finite() {
            return Ok(Self(value));
        }
        let message = format_args!("{name} is {value}; it must be above zero and finite");
        Err(Error::new(ErrorKind::InvalidParameter, message))
    }

    /// A parameter that the optimiser found: its logarithm is bounded.
    pub(crate) const fn found(value: f64) -> Self {
        Self(value)
    }

    pub(crate) const fn get(self) -> f64 {
        self.0
    }
}

impl TryFrom<String> for Parameter {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        let value = text.parse().map_err(|_| {
            Error::new(
                ErrorKind::InvalidParameter,
                format_args!("a parameter is {text:?}, which is no number"),
            )
        })?;
        Self::new("a parameter", value)
    }
}

impl From<Parameter> for String {
    fn from(parameter: Parameter) -> Self {
        parameter.0.to_string()
    }
}

use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind, Result};

/// A parameter of a model: from 1e-6 to 1e9, also when it is read from a document. Beyond that no data lead, and sums
/// would take for ever.
///
/// Written as decimal text, as money is: a reader of JSON may change the last bit of a number, never of a text.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct Parameter(f64);

impl Parameter {
    pub(crate) fn new(name: &str, value: f64) -> Result<Self> {
        if (1e-6..=1e9).contains(&value) {
            return Ok(Self(value));
        }
        let message = format_args!("{name} is {value}; it must be from 1e-6 to 1e9");
        Err(Error::new(ErrorKind::InvalidParameter, message))
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

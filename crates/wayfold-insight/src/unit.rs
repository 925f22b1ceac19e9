use serde::{Deserialize, Serialize};
use wayfold_core::Span;

/// The unit in which a model counts time, and so the meaning of its parameters.
///
/// Times go into and come out of a model as [`Span`]s; the unit only says what its parameters are numbers of. A model
/// fitted in days predicts the same as one fitted in weeks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TimeUnit {
    /// 24 hours.
    Day,
    /// Seven days, in which the literature counts.
    Week,
}

impl TimeUnit {
    /// The length of one.
    pub const fn span(self) -> Span {
        match self {
            Self::Day => Span::from_days(1),
            Self::Week => Span::from_days(7),
        }
    }

    /// How many of these a span holds, with its fraction.
    pub fn count(self, span: Span) -> f64 {
        span.as_micros() as f64 / self.span().as_micros() as f64
    }
}

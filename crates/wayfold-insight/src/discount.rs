use libm::{exp, log1p};
use serde::{Deserialize, Serialize};
use wayfold_core::Span;

use crate::error::{Error, ErrorKind, Result};
use crate::unit::TimeUnit;

/// How much less money is worth the later it comes: an effective rate over a span, compounded continuously.
///
/// ```
/// use wayfold_core::Span;
/// use wayfold_insight::DiscountRate;
///
/// let rate = DiscountRate::yearly(0.15)?;
/// let year = Span::from_micros(31_557_600_000_000);
/// assert!((rate.factor(year) - 1.0 / 1.15).abs() < 1e-15);
/// # Ok::<(), wayfold_insight::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "UncheckedRate")]
pub struct DiscountRate {
    rate: f64,
    per: Span,
}

/// 365.25 days.
const YEAR: Span = Span::from_micros(31_557_600_000_000);

impl DiscountRate {
    /// Takes an effective rate over a span: `0.01` over a month means 1 % a month.
    ///
    /// # Errors
    /// `InvalidParameter` unless rate and span are above zero and the rate is finite.
    pub fn per(span: Span, rate: f64) -> Result<Self> {
        if rate > 0.0 && rate.is_finite() && span > Span::ZERO {
            return Ok(Self { rate, per: span });
        }
        let message = format_args!("a discount of {rate} per {span:?}; both must be above zero");
        Err(Error::new(ErrorKind::InvalidParameter, message))
    }

    /// Takes an effective rate over a year of 365.25 days.
    ///
    /// # Errors
    /// As [`DiscountRate::per`].
    pub fn yearly(rate: f64) -> Result<Self> {
        Self::per(YEAR, rate)
    }

    /// What one of something is worth now if it comes after a span.
    pub fn factor(&self, after: Span) -> f64 {
        exp(-log1p(self.rate) * (after.as_micros() as f64 / self.per.as_micros() as f64))
    }

    /// The continuous rate in a unit of time.
    pub(crate) fn continuous(&self, unit: TimeUnit) -> f64 {
        log1p(self.rate) / unit.count(self.per)
    }
}

/// A rate from outside.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UncheckedRate {
    rate: f64,
    per: Span,
}

impl TryFrom<UncheckedRate> for DiscountRate {
    type Error = Error;

    fn try_from(unchecked: UncheckedRate) -> Result<Self> {
        Self::per(unchecked.per, unchecked.rate)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_that_discount_nothing_are_refused() {
        for rate in [0.0, -0.1, f64::NAN, f64::INFINITY] {
            assert_eq!(DiscountRate::yearly(rate).unwrap_err().kind(), ErrorKind::InvalidParameter);
        }
        assert!(DiscountRate::per(Span::ZERO, 0.1).is_err());
    }
}

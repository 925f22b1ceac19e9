//! Spans as people write them, such as `30 days`.

use std::fmt;

use super::{MICROS_PER_DAY, Span};
use crate::error::{Error, ErrorKind, Result};

/// From the longest, with their lengths in microseconds.
const UNITS: [(&str, i64); 5] = [
    ("day", MICROS_PER_DAY),
    ("hour", 3_600_000_000),
    ("minute", 60_000_000),
    ("second", 1_000_000),
    ("microsecond", 1),
];

impl Span {
    /// Reads a whole number of days, hours, minutes, seconds or microseconds, such as `30 days` or `1 hour`.
    ///
    /// ```
    /// use wayfold_core::Span;
    ///
    /// assert_eq!(Span::parse("48 hours")?, Span::from_days(2));
    /// assert_eq!(Span::parse("48 hours")?.to_string(), "2 days");
    /// # Ok::<(), wayfold_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// `InvalidTime` for any other text, and beyond some 292,000 years.
    pub fn parse(text: &str) -> Result<Self> {
        let parsed = text.split_once(' ').and_then(|(number, unit)| {
            let unit = unit.strip_suffix('s').unwrap_or(unit);
            let (_, micros) = UNITS.iter().find(|(name, _)| *name == unit)?;
            number.parse::<i64>().ok()?.checked_mul(*micros)
        });
        parsed.map(Self).ok_or_else(|| {
            let message = format_args!(
                "{text:?} is no span; write a whole number and a unit, such as 30 days or 1 hour"
            );
            Error::new(ErrorKind::InvalidTime, message)
        })
    }
}

impl fmt::Display for Span {
    /// The number of the longest unit of which it is a whole number, as [`Span::parse`] reads it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let divides = |(_, micros): &&(&str, i64)| self.0 % micros == 0;
        let (unit, micros) = UNITS.iter().find(divides).expect("a microsecond divides every span");
        let number = self.0 / micros;
        let plural = if number == 1 { "" } else { "s" };
        write!(f, "{number} {unit}{plural}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_read_as_they_are_written() {
        for (text, written) in [
            ("30 days", "30 days"),
            ("1 day", "1 day"),
            ("24 hours", "1 day"),
            ("90 minutes", "90 minutes"),
            ("60 second", "1 minute"),
            ("0 days", "0 days"),
            ("-1 microsecond", "-1 microseconds"),
            ("-9223372036854775808 microseconds", "-9223372036854775808 microseconds"),
        ] {
            let span = Span::parse(text).unwrap();
            assert_eq!(span.to_string(), written);
            assert_eq!(Span::parse(written).unwrap(), span);
        }
    }

    #[test]
    fn other_texts_are_no_spans() {
        for text in
            ["", "30", "days", "30days", "30  days", "1.5 days", "1 month", "106751992 days", "1 dayss"]
        {
            assert_eq!(Span::parse(text).unwrap_err().kind(), ErrorKind::InvalidTime, "{text:?}");
        }
    }
}

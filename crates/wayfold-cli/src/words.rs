//! Figures in words for people.

use std::fmt::Display;

use wayfold::{Span, Timestamp};

/// What stands where there is nothing.
pub(crate) const NONE: &str = "-";

/// A number with commas between its thousands.
pub(crate) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number of things, such as `1 event` or `2 events`.
pub(crate) fn many(number: u64, one: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {one}{plural}", count(number))
}

/// A share of a whole in percent.
pub(crate) fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

/// An instant: a date at midnight UTC, else with its time to the second.
pub(crate) fn instant(at: Timestamp) -> String {
    let at = at.to_chrono();
    let text = at.format("%Y-%m-%d %H:%M:%S").to_string();
    text.strip_suffix(" 00:00:00").map_or(text.clone(), str::to_owned)
}

/// A duration in the largest unit of which there is one; a year has 365.25 days.
pub(crate) fn duration(span: Span) -> String {
    let seconds = span.as_micros() as f64 / 1e6;
    let units = [("y", 31_557_600.0), ("d", 86_400.0), ("h", 3_600.0), ("min", 60.0)];
    let (unit, length) = units.into_iter().find(|(_, length)| seconds >= *length).unwrap_or(("s", 1.0));
    format!("{:.1} {unit}", seconds / length)
}

/// What there is, or the sign that there is nothing.
pub(crate) fn or_none<T: Display>(value: Option<T>) -> String {
    value.map_or_else(|| NONE.to_owned(), |value| value.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_read_as_people_write_them() {
        assert_eq!([0, 999, 1_000, 1_234_567].map(count), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!((many(1, "row"), many(1_200, "row")), ("1 row".to_owned(), "1,200 rows".to_owned()));
        let at = |text| instant(Timestamp::parse(text).unwrap());
        assert_eq!(at("2024-01-31"), "2024-01-31");
        assert_eq!(at("2024-01-31T10:00:59.9Z"), "2024-01-31 10:00:59");
        assert_eq!(duration(Span::parse("36 hours").unwrap()), "1.5 d");
        assert_eq!(duration(Span::parse("548 days").unwrap()), "1.5 y");
        assert_eq!(duration(Span::parse("59 seconds").unwrap()), "59.0 s");
    }
}

//! How numbers, money and time are written for people.

use chrono::{Datelike, NaiveDate, SecondsFormat};
use wayfold_core::{MoneySum, Span, Timestamp};
use wayfold_insight::{BucketUnit, Tz};

/// Writes figures for people; time in one zone.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Show {
    pub(crate) zone: Tz,
}

impl Show {
    /// `1,234,567`; what is beyond 64 bits is the greatest of them.
    pub(crate) fn count(&self, count: impl TryInto<i64>) -> String {
        let count = count.try_into().unwrap_or(i64::MAX);
        let sign = if count < 0 { "\u{2212}" } else { "" };
        format!("{sign}{}", grouped(&count.unsigned_abs().to_string()))
    }

    /// `1,234.5`
    pub(crate) fn number(&self, number: f64, decimals: usize) -> String {
        if !number.is_finite() {
            return "\u{2013}".to_owned();
        }
        let text = format!("{:.decimals$}", number.abs());
        let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
        let is_zero = text.bytes().all(|byte| matches!(byte, b'0' | b'.'));
        let sign = if number < 0.0 && !is_zero { "\u{2212}" } else { "" };
        let point = if fraction.is_empty() { "" } else { "." };
        format!("{sign}{}{point}{fraction}", grouped(whole))
    }

    /// `12.3 %`; a small share is not called zero.
    pub(crate) fn share(&self, share: f64) -> String {
        let percent = share * 100.0;
        match percent {
            _ if percent > 0.0 && percent < 0.05 => "< 0.1 %".to_owned(),
            _ => format!("{} %", self.number(percent, 1)),
        }
    }

    /// `1,234.50 EUR`, rounded half-even to the currency's exponent.
    pub(crate) fn money(&self, sum: MoneySum) -> String {
        let text = sum.to_string();
        let (number, currency) = text.split_once(' ').unwrap_or((&text, ""));
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        let (sign, whole) = whole.strip_prefix('-').map_or(("", whole), |whole| ("\u{2212}", whole));
        let point = if fraction.is_empty() { "" } else { "." };
        format!("{sign}{}{point}{fraction} {currency}", grouped(whole))
    }

    /// `1.2 M EUR`: three digits say enough in a sentence.
    pub(crate) fn money_short(&self, sum: MoneySum) -> String {
        let units = sum.as_ten_thousandths() as f64 / 1e4;
        if units.abs() < 10_000.0 {
            return self.money(sum);
        }
        format!("{} {}", self.short(units), sum.currency())
    }

    /// `1.2 M`: for axes and labels.
    pub(crate) fn short(&self, number: f64) -> String {
        let (scale, letter) = match number.abs() {
            size if size >= 999.5e9 => (1e12, "\u{a0}T"),
            size if size >= 999.5e6 => (1e9, "\u{a0}B"),
            size if size >= 999.5e3 => (1e6, "\u{a0}M"),
            size if size >= 9_999.5 => (1e3, "\u{a0}k"),
            _ => (1.0, ""),
        };
        let scaled = number / scale;
        let decimals = match scaled.abs() {
            size if size >= 100.0 || scaled.fract() == 0.0 => 0,
            size if size >= 0.9 => 1,
            size if size >= 0.0095 => 2,
            _ => 4,
        };
        let text = self.number(scaled, decimals);
        let text = text.strip_suffix(".0").unwrap_or(&text);
        format!("{text}{letter}")
    }

    /// In the largest unit of which there is one: `3.2 d`, `45 min`.
    pub(crate) fn span(&self, span: Span) -> String {
        let seconds = span.as_micros() as f64 / 1e6;
        let units =
            [("y", 31_557_600.0 * 2.0, 31_557_600.0), ("d", 86_400.0, 86_400.0), ("h", 3_600.0, 3_600.0)];
        let unit = units.into_iter().find(|(_, from, _)| seconds.abs() >= *from);
        match unit {
            Some((name, _, length)) => format!("{}\u{a0}{name}", self.number(seconds / length, 1)),
            None if seconds.abs() >= 60.0 => format!("{}\u{a0}min", self.number(seconds / 60.0, 0)),
            None if seconds > 0.0 && seconds < 0.05 => "< 0.1\u{a0}s".to_owned(),
            None if seconds.fract() == 0.0 => format!("{}\u{a0}s", self.number(seconds, 0)),
            None => format!("{}\u{a0}s", self.number(seconds, 1)),
        }
    }

    /// `2024-03-01`
    pub(crate) fn day(&self, day: NaiveDate) -> String {
        day.to_string()
    }

    /// `2024-03-01 09:30`
    pub(crate) fn instant(&self, at: Timestamp) -> String {
        at.to_chrono().with_timezone(&self.zone).format("%Y-%m-%d %H:%M").to_string()
    }

    /// The day of an instant.
    pub(crate) fn day_of(&self, at: Timestamp) -> NaiveDate {
        at.to_chrono().with_timezone(&self.zone).date_naive()
    }

    pub(crate) fn rfc3339(&self, at: Timestamp) -> String {
        at.to_chrono().with_timezone(&self.zone).to_rfc3339_opts(SecondsFormat::AutoSi, true)
    }

    /// The first day of a bucket: `Mar 2024` of a month, else the date.
    pub(crate) fn bucket(&self, starts_on: NaiveDate, unit: BucketUnit) -> String {
        match unit {
            BucketUnit::Month => month(starts_on),
            BucketUnit::Day | BucketUnit::Week => self.day(starts_on),
        }
    }
}

/// `Mar 2024`
pub(crate) fn month(day: NaiveDate) -> String {
    format!("{} {}", MONTHS[day.month0() as usize % 12], day.year())
}

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// The name of a closed list's value as people write it: `first_time` as `First time`.
pub(crate) fn worded(name: &str) -> String {
    let spaced = name.replace('_', " ");
    let mut letters = spaced.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// What a bucket is called.
pub(crate) fn unit_name(unit: BucketUnit) -> &'static str {
    match unit {
        BucketUnit::Day => "day",
        BucketUnit::Week => "week",
        BucketUnit::Month => "month",
    }
}

/// Digits in groups of three.
pub(crate) fn grouped(digits: &str) -> String {
    let first = digits.len() % 3;
    let mut text = digits[..first].to_owned();
    for (number, group) in digits.as_bytes()[first..].chunks(3).enumerate() {
        if number > 0 || first > 0 {
            text.push(',');
        }
        text.extend(group.iter().map(|digit| char::from(*digit)));
    }
    text
}

#[cfg(test)]
mod tests {
    use wayfold_core::Currency;

    use super::*;

    const SHOW: Show = Show { zone: Tz::UTC };

    #[test]
    fn numbers_are_grouped_and_signed() {
        let counts = [0_i64, 999, 1_000, -1_234_567].map(|count| SHOW.count(count));
        assert_eq!(counts, ["0", "999", "1,000", "\u{2212}1,234,567"]);
        assert_eq!(SHOW.number(-1_234.56, 1), "\u{2212}1,234.6");
        assert_eq!((SHOW.number(-0.01, 1), SHOW.number(f64::NAN, 1)), ("0.0".into(), "\u{2013}".into()));
        assert_eq!(
            [0.0, 0.0001, 0.1234, 1.0].map(|share| SHOW.share(share)),
            ["0.0 %", "< 0.1 %", "12.3 %", "100.0 %"]
        );
        let short = [0.0, 0.25, 950.0, 9_999.0, 12_345.0, 999_600.0, 2_500_000.0, -3e9]
            .map(|number| SHOW.short(number));
        assert_eq!(
            short,
            ["0", "0.25", "950", "9,999", "12.3\u{a0}k", "1\u{a0}M", "2.5\u{a0}M", "\u{2212}3\u{a0}B"]
        );
    }

    #[test]
    fn money_is_rounded_by_its_currency() {
        let shown = |number, currency| SHOW.money(MoneySum::new(number, currency));
        assert_eq!(shown(12_345_678_950, Currency::EUR), "1,234,567.90 EUR");
        assert_eq!(shown(-12_345_678_950, Currency::JPY), "\u{2212}1,234,568 JPY");
        assert_eq!(SHOW.money_short(MoneySum::new(12_345_678_950, Currency::EUR)), "1.2\u{a0}M EUR");
    }

    #[test]
    fn time_is_told_in_the_zone_and_in_fitting_units() {
        let berlin = Show { zone: Tz::Europe__Berlin };
        let at = Timestamp::parse("2024-03-31T22:30:00Z").unwrap();
        assert_eq!(
            (berlin.instant(at), SHOW.instant(at)),
            ("2024-04-01 00:30".into(), "2024-03-31 22:30".into())
        );
        assert_eq!(berlin.rfc3339(at), "2024-04-01T00:30:00+02:00");
        assert_eq!(month(berlin.day_of(at)), "Apr 2024");
        let spans = [1, 1_500_000, 90_000_000, 5_400_000_000, 216_000_000_000, 94_672_800_000_000];
        assert_eq!(
            spans.map(|micros| SHOW.span(Span::from_micros(micros))),
            ["< 0.1\u{a0}s", "1.5\u{a0}s", "2\u{a0}min", "1.5\u{a0}h", "2.5\u{a0}d", "3.0\u{a0}y"]
        );
    }

    #[test]
    fn names_of_lists_are_worded() {
        assert_eq!(["first_time", "", "won_back"].map(worded), ["First time", "", "Won back"]);
    }
}

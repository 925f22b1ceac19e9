//! Decimal numbers of any size, compared exactly.

use std::cmp::Ordering;
use std::fmt;

use serde::{Deserialize, Serialize};

/// A decimal number: 0.`digits` times ten to the power of `point`; zero has no digits.
///
/// There is one form for each number: the digits neither begin nor end with a zero.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct Exact {
    negative: bool,
    digits: String,
    point: i64,
}

impl Exact {
    /// Reads digits with at most one point, an optional sign and an optional exponent; `None` for other text.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let negative = text.starts_with('-');
        let text = text.strip_prefix(['-', '+']).unwrap_or(text);
        let (number, exponent) = match text.split_once(['e', 'E']) {
            Some((number, exponent)) => (number, exponent.parse::<i32>().ok()?),
            None => (text, 0),
        };
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        let is_number = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if whole.len() + fraction.len() == 0 || !is_number(whole) || !is_number(fraction) {
            return None;
        }
        let all = [whole, fraction].concat();
        let digits = all.trim_start_matches('0');
        let point = whole.len() as i64 - (all.len() - digits.len()) as i64 + i64::from(exponent);
        let digits = digits.trim_end_matches('0');
        if digits.is_empty() {
            return Some(Self { negative: false, digits: String::new(), point: 0 });
        }
        Some(Self { negative, digits: digits.to_owned(), point })
    }

    fn sign(&self) -> i8 {
        match (self.digits.is_empty(), self.negative) {
            (true, _) => 0,
            (false, false) => 1,
            (false, true) => -1,
        }
    }
}

impl From<i128> for Exact {
    fn from(number: i128) -> Self {
        Self::parse(&number.to_string()).expect("a whole number is a number")
    }
}

impl Ord for Exact {
    fn cmp(&self, other: &Self) -> Ordering {
        self.sign().cmp(&other.sign()).then_with(|| {
            let by_size = self.point.cmp(&other.point).then_with(|| self.digits.cmp(&other.digits));
            if self.negative { by_size.reverse() } else { by_size }
        })
    }
}

impl PartialOrd for Exact {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for Exact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.negative { "-" } else { "" };
        match self.digits.as_str() {
            "" => f.write_str("0"),
            digits => write!(f, "{sign}0.{digits}e{}", self.point),
        }
    }
}

impl TryFrom<String> for Exact {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text).ok_or("no number")
    }
}

impl From<Exact> for String {
    fn from(number: Exact) -> String {
        number.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_ordered_exactly() {
        let ordered = [
            "-1e3",
            "-100.5",
            "-100",
            "-2",
            "-1",
            "-0.3",
            "-0.25",
            "0",
            "1e-7",
            "0.25",
            "0.3",
            "1",
            "1.0001",
            "2",
            "10",
            "100",
            "1e3",
            "9223372036854775807",
            "9223372036854775808",
            "1e30",
        ];
        let numbers: Vec<Exact> = ordered.iter().map(|text| Exact::parse(text).unwrap()).collect();
        assert!(numbers.is_sorted_by(|a, b| a < b), "{numbers:?}");
        for number in numbers {
            assert_eq!(Exact::parse(&number.to_string()), Some(number));
        }
    }

    #[test]
    fn one_number_has_one_form_and_other_text_has_none() {
        let same = |a, b| assert_eq!(Exact::parse(a).unwrap(), Exact::parse(b).unwrap(), "{a} {b}");
        same("1", "01.00");
        same("-0", "0.000e9");
        same("150", "1.5e2");
        same("+.5", "0.50");
        assert_eq!(Exact::from(-120), Exact::parse("-1.2E2").unwrap());
        for bad in ["", ".", "-", "1,5", "1e", "1e99999999999", "NaN", " 1", "1 ", "0x1", "٣", "--1", "1.2.3"]
        {
            assert_eq!(Exact::parse(bad), None, "{bad:?}");
        }
    }
}

//! Exact money: whole ten-thousandths of a currency's unit, sums in 128 bits, never floats.

use std::fmt;

use serde::ser::SerializeStruct;
use serde::{Deserialize, Serialize};

use crate::currency::Currency;
use crate::error::{Error, ErrorKind, Result};
use crate::text::{TextOrNumber, serde_as_text_or_number, serialize_as_record_or_list};
use crate::text_enum::debug_as_text;

const DECIMALS: u32 = 4;
const UNIT: i128 = 10_i128.pow(DECIMALS);

/// How an amount with more than four decimals becomes one with four.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rounding {
    /// To the nearest, halves to the even neighbour.
    HalfEven,
    /// To the nearest, halves away from zero.
    HalfUp,
    /// Towards zero.
    Down,
}

/// An exact decimal number with four decimals, without a currency: unit prices, scores, values.
///
/// Written as decimal text with as few decimals as it needs, such as `"2.55"`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Amount(i64);

impl Amount {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// Takes whole ten-thousandths.
    pub const fn from_ten_thousandths(number: i64) -> Self {
        Self(number)
    }

    /// The number of ten-thousandths.
    pub const fn as_ten_thousandths(self) -> i64 {
        self.0
    }

    /// Reads decimal text: digits, at most one point, an optional sign, at most four decimals.
    ///
    /// # Errors
    /// `InvalidMoney` for other text, for more decimals, and beyond the range of 64 bits.
    pub fn parse(text: &str) -> Result<Self> {
        let decimal = Decimal::parse(text)?;
        if decimal.rest != Rest::Zero {
            let message =
                format_args!("amount {text:?} has more than four decimals; name a rounding or write fewer");
            return Err(Error::new(ErrorKind::InvalidMoney, message));
        }
        decimal.signed(decimal.kept, text)
    }

    /// Reads decimal text and rounds what lies beyond four decimals.
    ///
    /// # Errors
    /// `InvalidMoney` for other text, and beyond the range of 64 bits.
    pub fn parse_rounded(text: &str, rounding: Rounding) -> Result<Self> {
        let decimal = Decimal::parse(text)?;
        let up = match rounding {
            Rounding::Down => false,
            Rounding::HalfUp => decimal.rest >= Rest::Half,
            Rounding::HalfEven => {
                decimal.rest == Rest::MoreThanHalf || (decimal.rest == Rest::Half && decimal.kept % 2 == 1)
            }
        };
        decimal.signed(decimal.kept + i128::from(up), text)
    }
}

/// What lies beyond the fourth decimal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rest {
    Zero,
    LessThanHalf,
    Half,
    MoreThanHalf,
}

struct Decimal {
    negative: bool,
    kept: i128,
    rest: Rest,
}

impl Decimal {
    fn parse(text: &str) -> Result<Self> {
        let bad = || {
            let message =
                format_args!("{text:?} is no amount; write digits with a decimal point, such as 12.50");
            Error::new(ErrorKind::InvalidMoney, message)
        };
        let negative = text.starts_with('-');
        let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if whole.len() + fraction.len() == 0
            || whole.len() > 30
            || !all_digits(whole)
            || !all_digits(fraction)
        {
            return Err(bad());
        }
        let (near, far) = fraction.split_at(fraction.len().min(DECIMALS as usize));
        let padded = format!("{whole}{near:0<4}");
        let kept = padded.parse::<i128>().map_err(|_| bad())?;
        let far = far.trim_end_matches('0').as_bytes();
        let rest = match (far.first(), far.len()) {
            (None, _) => Rest::Zero,
            (Some(b'5'), 1) => Rest::Half,
            (Some(b'0'..=b'4'), _) => Rest::LessThanHalf,
            _ => Rest::MoreThanHalf,
        };
        Ok(Self { negative, kept, rest })
    }

    fn signed(&self, kept: i128, text: &str) -> Result<Amount> {
        let signed = if self.negative { -kept } else { kept };
        i64::try_from(signed).map(Amount).map_err(|_| {
            let message = format_args!("amount {text:?} is beyond the range of about 922 trillion");
            Error::new(ErrorKind::InvalidMoney, message)
        })
    }
}

/// Reads the exact decimal text of a sum, which [`MoneySum::to_decimal`] wrote.
pub(crate) fn parse_sum(text: &str) -> Result<i128> {
    let decimal = Decimal::parse(text)?;
    if decimal.rest != Rest::Zero {
        let message = format_args!("sum {text:?} has more than four decimals");
        return Err(Error::new(ErrorKind::InvalidMoney, message));
    }
    Ok(if decimal.negative { -decimal.kept } else { decimal.kept })
}

fn write_decimal(f: &mut fmt::Formatter<'_>, number: i128) -> fmt::Result {
    let sign = if number < 0 { "-" } else { "" };
    let (whole, fraction) = (number.unsigned_abs() / UNIT as u128, number.unsigned_abs() % UNIT as u128);
    if fraction == 0 {
        return write!(f, "{sign}{whole}");
    }
    let digits = format!("{fraction:04}");
    write!(f, "{sign}{whole}.{}", digits.trim_end_matches('0'))
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_decimal(f, i128::from(self.0))
    }
}

impl TryFrom<String> for Amount {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        Self::parse(&text)
    }
}

impl From<Amount> for String {
    fn from(amount: Amount) -> String {
        amount.to_string()
    }
}

impl TextOrNumber for Amount {
    const NAME: &'static str = "wayfold::Amount";

    fn to_number(self) -> i64 {
        self.as_ten_thousandths()
    }

    fn from_number(number: i64) -> Result<Self> {
        Ok(Self::from_ten_thousandths(number))
    }

    fn from_text(text: &str) -> Result<Self> {
        Self::parse(text)
    }
}

serde_as_text_or_number!(Amount);

/// An amount of one currency, as an event states it.
///
/// ```
/// use wayfold_core::{Currency, Money};
/// let price = Money::parse("29.33", Currency::USD).unwrap();
/// assert_eq!(price.to_string(), "29.33 USD");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Money {
    /// How much, in the currency's unit.
    pub amount: Amount,
    /// Of what.
    pub currency: Currency,
}

impl Money {
    /// Joins an amount and its currency.
    pub const fn new(amount: Amount, currency: Currency) -> Self {
        Self { amount, currency }
    }

    /// Reads decimal text; see [`Amount::parse`].
    ///
    /// # Errors
    /// `InvalidMoney` if the text is no amount.
    pub fn parse(text: &str, currency: Currency) -> Result<Self> {
        Ok(Self { amount: Amount::parse(text)?, currency })
    }
}

serialize_as_record_or_list!(Money { amount, currency });

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        MoneySum::from(*self).fmt(f)
    }
}

/// An exact sum of money in one currency; 128 bits cannot overflow by adding 64-bit amounts.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct MoneySum {
    ten_thousandths: i128,
    currency: Currency,
}

impl MoneySum {
    /// Takes whole ten-thousandths of a currency's unit.
    pub const fn new(ten_thousandths: i128, currency: Currency) -> Self {
        Self { ten_thousandths, currency }
    }

    /// The number of ten-thousandths.
    pub const fn as_ten_thousandths(self) -> i128 {
        self.ten_thousandths
    }

    /// The currency.
    pub const fn currency(self) -> Currency {
        self.currency
    }

    fn fmt_exact(&self, name: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{name}({} {})", self.to_decimal(), self.currency)
    }

    /// The exact decimal text, without the currency.
    pub fn to_decimal(self) -> String {
        Decimals(self.ten_thousandths).to_string()
    }
}

impl From<Money> for MoneySum {
    fn from(money: Money) -> Self {
        Self::new(i128::from(money.amount.0), money.currency)
    }
}

debug_as_text!(Amount);

impl fmt::Debug for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        MoneySum::from(*self).fmt_exact("Money", f)
    }
}

impl fmt::Debug for MoneySum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.fmt_exact("MoneySum", f)
    }
}

struct Decimals(i128);

impl fmt::Display for Decimals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_decimal(f, self.0)
    }
}

impl fmt::Display for MoneySum {
    /// Rounds half-even to the currency's exponent: for people; the exact text is `to_decimal`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let exponent = u32::from(self.currency.exponent()).min(DECIMALS);
        let shown = divide_half_even(self.ten_thousandths, 10_i128.pow(DECIMALS - exponent)).unsigned_abs();
        let negative = self.ten_thousandths < 0 && shown != 0;
        let scale = 10_u128.pow(exponent);
        write!(f, "{}{}", if negative { "-" } else { "" }, shown / scale)?;
        if exponent > 0 {
            write!(f, ".{:0width$}", shown % scale, width = exponent as usize)?;
        }
        write!(f, " {}", self.currency)
    }
}

impl Serialize for MoneySum {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let mut out = serializer.serialize_struct("MoneySum", 2)?;
        out.serialize_field("amount", &self.to_decimal())?;
        out.serialize_field("currency", &self.currency)?;
        out.end()
    }
}

/// Divides by a positive number and rounds to the nearest, halves to the even neighbour.
pub(crate) fn divide_half_even(number: i128, by: i128) -> i128 {
    let (floor, rest) = (number.div_euclid(by), number.rem_euclid(by));
    let up = match (rest * 2).cmp(&by) {
        std::cmp::Ordering::Less => false,
        std::cmp::Ordering::Equal => floor % 2 != 0,
        std::cmp::Ordering::Greater => true,
    };
    floor + i128::from(up)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_rounded(text: &str, rounding: Rounding, expected: i64) {
        assert_eq!(Amount::parse_rounded(text, rounding).unwrap().as_ten_thousandths(), expected, "{text}");
    }

    #[test]
    fn amounts_are_exact_or_refused() {
        for (text, number) in
            [("29.33", 293_300), ("-0.0001", -1), ("+5", 50_000), (".5", 5_000), ("1.00000", 10_000)]
        {
            assert_eq!(Amount::parse(text).unwrap().as_ten_thousandths(), number, "{text}");
        }
        for bad in ["", ".", "-", "1.2.3", "1,5", "1e3", "NaN", " 1", "0.00001", "9999999999999999999", "٣"]
        {
            assert_eq!(Amount::parse(bad).unwrap_err().kind(), ErrorKind::InvalidMoney, "{bad:?}");
        }
    }

    #[test]
    fn rounding_is_the_one_that_is_named() {
        check_rounded("0.00005", Rounding::HalfEven, 0);
        check_rounded("0.00015", Rounding::HalfEven, 2);
        check_rounded("0.000051", Rounding::HalfEven, 1);
        check_rounded("-0.00005", Rounding::HalfUp, -1);
        check_rounded("0.00009", Rounding::Down, 0);
    }

    #[test]
    fn a_sum_is_read_as_it_was_written() {
        for number in [0, -1, 10_000, -125_050, i128::from(i64::MAX) << 31] {
            assert_eq!(parse_sum(&MoneySum::new(number, Currency::EUR).to_decimal()).unwrap(), number);
        }
        assert!(parse_sum("0.00001").is_err());
    }

    #[test]
    fn display_rounds_half_even_to_the_exponent() {
        let show = |number, currency| MoneySum::new(number, currency).to_string();
        assert_eq!(show(125_050, Currency::EUR), "12.50 EUR");
        assert_eq!(show(125_150, Currency::EUR), "12.52 EUR");
        assert_eq!(show(-25_000, Currency::JPY), "-2 JPY");
        assert_eq!(show(-1, Currency::EUR), "0.00 EUR");
        assert_eq!(MoneySum::new(-125_050, Currency::EUR).to_decimal(), "-12.505");
    }
}

//! Exact decimal numbers on their way from text to amounts.

use wayfold_core::{Amount, Rounding};

/// An exact decimal number: a whole number divided by a power of ten.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Decimal {
    mantissa: i128,
    decimals: u32,
}

/// The decimals of an amount.
const AMOUNT_DECIMALS: u32 = 4;
/// More digits than any amount has; it keeps a product of two within 128 bits.
const DIGITS_MAX: usize = 19;

/// Why a number is none that an amount can hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unfit {
    /// The text is no decimal number.
    NoNumber,
    /// It has more digits than can be computed exactly.
    TooLarge,
    /// It has more than four decimals and no rounding is named.
    TooFine,
}

impl Decimal {
    pub(crate) const ONE: Self = Self { mantissa: 1, decimals: 0 };

    /// Reads digits with at most one point and an optional sign.
    pub(crate) fn parse(text: &str) -> Result<Self, Unfit> {
        let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
        let (mut mantissa, mut seen, mut point) = (0_i128, 0_usize, None);
        for (place, byte) in digits.bytes().enumerate() {
            match byte {
                b'0'..=b'9' => {
                    seen += 1;
                    // Leading zeros carry nothing, so they do not count.
                    if mantissa != 0 || byte != b'0' || point.is_some() {
                        mantissa = mantissa.checked_mul(10).ok_or(Unfit::TooLarge)? + i128::from(byte - b'0');
                    }
                }
                b'.' if point.is_none() => point = Some(place),
                _ => return Err(Unfit::NoNumber),
            }
        }
        if seen == 0 {
            return Err(Unfit::NoNumber);
        }
        let decimals = point.map_or(0, |point| (digits.len() - point - 1) as u32);
        let signed = if text.starts_with('-') { -mantissa } else { mantissa };
        let number = Self { mantissa: signed, decimals }.trimmed();
        if number.mantissa.unsigned_abs() >= 10_u128.pow(DIGITS_MAX as u32)
            || number.decimals > DIGITS_MAX as u32
        {
            return Err(Unfit::TooLarge);
        }
        Ok(number)
    }

    /// Takes off zeros at the end, which carry nothing.
    fn trimmed(mut self) -> Self {
        while self.decimals > 0 && self.mantissa % 10 == 0 {
            self.mantissa /= 10;
            self.decimals -= 1;
        }
        self
    }

    pub(crate) fn times(self, other: Self) -> Result<Self, Unfit> {
        let mantissa = self.mantissa.checked_mul(other.mantissa).ok_or(Unfit::TooLarge)?;
        Ok(Self { mantissa, decimals: self.decimals + other.decimals }.trimmed())
    }

    /// Says how the number compares with another one.
    pub(crate) fn compare(self, other: Self) -> std::cmp::Ordering {
        let decimals = self.decimals.max(other.decimals);
        // Both have at most 19 digits and 19 decimals, so that neither leaves 128 bits.
        self.scaled(decimals).cmp(&other.scaled(decimals))
    }

    fn scaled(self, decimals: u32) -> i128 {
        self.mantissa.saturating_mul(10_i128.pow(decimals - self.decimals))
    }

    pub(crate) fn negated(self) -> Self {
        Self { mantissa: -self.mantissa, ..self }
    }

    pub(crate) fn is_whole(self) -> bool {
        self.decimals == 0
    }

    /// The whole number, if it is one within 64 bits.
    pub(crate) fn to_integer(self) -> Option<i64> {
        if self.decimals > 0 {
            return None;
        }
        i64::try_from(self.mantissa).ok()
    }

    /// The amount in ten-thousandths, rounded only if a rounding is named.
    pub(crate) fn to_amount(self, rounding: Option<Rounding>) -> Result<Amount, Unfit> {
        let number = match self.decimals.checked_sub(AMOUNT_DECIMALS) {
            None | Some(0) => {
                let scale = 10_i128.pow(AMOUNT_DECIMALS - self.decimals.min(AMOUNT_DECIMALS));
                self.mantissa.checked_mul(scale).ok_or(Unfit::TooLarge)?
            }
            // Zeros at the end were taken off, so something is left to round.
            Some(excess) => self.rounded(excess, rounding.ok_or(Unfit::TooFine)?)?,
        };
        i64::try_from(number).map(Amount::from_ten_thousandths).map_err(|_| Unfit::TooLarge)
    }

    fn rounded(self, excess: u32, rounding: Rounding) -> Result<i128, Unfit> {
        let by = 10_u128.checked_pow(excess).ok_or(Unfit::TooLarge)?;
        let size = self.mantissa.unsigned_abs();
        let (kept, rest) = (size / by, size % by);
        let up = match rounding {
            Rounding::Down => false,
            Rounding::HalfUp => rest * 2 >= by,
            Rounding::HalfEven => rest * 2 > by || (rest * 2 == by && kept % 2 == 1),
        };
        let kept = kept as i128 + i128::from(up);
        Ok(if self.mantissa < 0 { -kept } else { kept })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(text: &str, rounding: Option<Rounding>, expected: Result<i64, Unfit>) {
        let found = Decimal::parse(text).and_then(|number| number.to_amount(rounding));
        assert_eq!(found.map(Amount::as_ten_thousandths), expected, "{text}");
    }

    #[test]
    fn amounts_are_exact_or_refused() {
        check("29.33", None, Ok(293_300));
        check("-0.0001", None, Ok(-1));
        check("+.5", None, Ok(5_000));
        check("7.", None, Ok(70_000));
        check("000000000000000000000001.10000000000000000000", None, Ok(11_000));
        check("0.00005", None, Err(Unfit::TooFine));
        check("0.00015", Some(Rounding::HalfEven), Ok(2));
        check("-0.00005", Some(Rounding::HalfUp), Ok(-1));
        check("922337203685477.5807", None, Ok(i64::MAX));
        check("922337203685477.5808", None, Err(Unfit::TooLarge));
        check("99999999999999.9999", None, Ok(999_999_999_999_999_999));
        for bad in ["", ".", "-", "1.2.3", "1,5", "1e3", "NaN", " 1", "--1", "٣"] {
            check(bad, None, Err(Unfit::NoNumber));
        }
        check(&"9".repeat(60), None, Err(Unfit::TooLarge));
    }

    #[test]
    fn products_are_exact() {
        let product = |a, b| Decimal::parse(a).unwrap().times(Decimal::parse(b).unwrap()).unwrap();
        assert_eq!(product("3", "2.555").to_amount(None).unwrap().to_string(), "7.665");
        assert_eq!(product("-80995", "2.08").to_amount(None).unwrap().to_string(), "-168469.6");
        assert_eq!(product("0.5", "0.00025").to_amount(None), Err(Unfit::TooFine));
        assert_eq!(product("0.5", "0.0002").to_amount(None).unwrap().as_ten_thousandths(), 1);
    }

    proptest! {
        #[test]
        fn reads_as_the_core_does(text in "[-+]?[0-9]{1,9}(\\.[0-9]{0,8})?") {
            let found = Decimal::parse(&text).and_then(|number| number.to_amount(None)).ok();
            prop_assert_eq!(found, Amount::parse(&text).ok());
            for rounding in [Rounding::Down, Rounding::HalfEven, Rounding::HalfUp] {
                let found = Decimal::parse(&text).and_then(|number| number.to_amount(Some(rounding))).ok();
                prop_assert_eq!(found, Amount::parse_rounded(&text, rounding).ok());
            }
        }
    }
}

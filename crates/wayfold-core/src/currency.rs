//! The currencies of ISO 4217 with their exponents.

use std::cmp::Ordering;
use std::fmt;
use std::num::NonZeroU8;

use crate::error::{Error, ErrorKind, Result};
use crate::text::serde_as_text;
use crate::text_enum::debug_as_text;

/// A currency of ISO 4217, named by its three letters and kept in one byte; in the order of the letters.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Currency(NonZeroU8);

/// The codes in force in 2025, in their order.
const CODES: &str = "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF \
     CHE CHF CHW CLF CLP CNY COP COU CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD \
     GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP \
     LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB \
     PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB \
     TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD USN UYI UYU UYW UZS VED VES VND VUV WST XAF XAG XAU XBA XBB XBC \
     XBD XCD XCG XDR XOF XPD XPF XPT XSU XTS XUA XXX YER ZAR ZMW ZWG";
/// Those whose amounts are shown without decimals, with three and with four; all others with two. Metals, funds and test
/// codes have no exponent, and are shown with all four decimals.
const NO_DECIMALS: &str = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF";
const THREE_DECIMALS: &str = "BHD IQD JOD KWD LYD OMR TND";
const FOUR_DECIMALS: &str = "CLF UYW XAG XAU XBA XBB XBC XBD XDR XPD XPT XSU XTS XUA XXX";

impl Currency {
    /// Chinese renminbi.
    pub const CNY: Self = Self::listed("CNY");
    /// Euro.
    pub const EUR: Self = Self::listed("EUR");
    /// Pound sterling.
    pub const GBP: Self = Self::listed("GBP");
    /// Japanese yen.
    pub const JPY: Self = Self::listed("JPY");
    /// United States dollar.
    pub const USD: Self = Self::listed("USD");

    /// Reads a code of three upper-case letters.
    ///
    /// # Errors
    /// `InvalidMoney` if ISO 4217 has no such code in force.
    pub fn new(code: &str) -> Result<Self> {
        let (mut first, mut end) = (0, CODES.len().div_ceil(4));
        while first < end {
            let middle = usize::midpoint(first, end);
            match CODES.as_bytes()[4 * middle..4 * middle + 3].cmp(code.as_bytes()) {
                Ordering::Less => first = middle + 1,
                Ordering::Greater => end = middle,
                Ordering::Equal => {
                    return Ok(Self(NonZeroU8::new(middle as u8 + 1).expect("numbers begin with one")));
                }
            }
        }
        let message = format_args!("currency {code:?} is not in ISO 4217; write a code such as EUR");
        Err(Error::new(ErrorKind::InvalidMoney, message))
    }

    /// A code that is in the list, when the library is compiled.
    const fn listed(code: &str) -> Self {
        let (codes, code) = (CODES.as_bytes(), code.as_bytes());
        let mut place = 0;
        while codes[4 * place] != code[0]
            || codes[4 * place + 1] != code[1]
            || codes[4 * place + 2] != code[2]
        {
            place += 1;
        }
        Self(NonZeroU8::new(place as u8 + 1).expect("numbers begin with one"))
    }

    /// The three letters.
    pub fn as_str(&self) -> &'static str {
        let start = 4 * (usize::from(self.0.get()) - 1);
        &CODES[start..start + 3]
    }

    /// How many decimals an amount is shown with.
    pub fn exponent(self) -> u8 {
        let is_in = |codes: &str| codes.contains(self.as_str());
        match () {
            () if is_in(NO_DECIMALS) => 0,
            () if is_in(THREE_DECIMALS) => 3,
            () if is_in(FOUR_DECIMALS) => 4,
            () => 2,
        }
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl TryFrom<String> for Currency {
    type Error = Error;

    fn try_from(code: String) -> Result<Self> {
        Self::new(&code)
    }
}

impl From<Currency> for String {
    fn from(currency: Currency) -> String {
        currency.as_str().to_owned()
    }
}

serde_as_text!(Currency, Self::new);
debug_as_text!(Currency);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_those_in_force_with_their_exponents() {
        for (code, exponent) in
            [("EUR", 2), ("JPY", 0), ("KWD", 3), ("CLF", 4), ("XAU", 4), ("BHD", 3), ("UGX", 0)]
        {
            assert_eq!(Currency::new(code).unwrap().exponent(), exponent, "{code}");
        }
        let codes: Vec<&str> = CODES.split(' ').collect();
        assert!(codes.is_sorted_by(|a, b| a < b) && codes.iter().all(|code| code.len() == 3));
        let read = |code: &&str| Currency::new(code).unwrap();
        assert!(codes.iter().map(read).is_sorted() && codes.iter().all(|code| read(code).as_str() == *code));
        assert_eq!((Currency::EUR.as_str(), Currency::USD.as_str()), ("EUR", "USD"));
        for code in ["", "EU", "eur", "EURO", "ABC", "DEM", "E R", "ÄÖ"] {
            assert_eq!(Currency::new(code).unwrap_err().kind(), ErrorKind::InvalidMoney, "{code}");
        }
    }
}

//! The currencies of ISO 4217 with their exponents.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind, Result};
use crate::text_enum::debug_as_text;

/// A currency of ISO 4217, named by its three letters.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Currency([u8; 3]);

/// Codes in force in 2025, by exponent: how many decimals an amount of the currency is shown with.
const CODES: [(u8, &str); 5] = [
    (
        2,
        "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE \
         CHF CHW CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD \
         HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP \
         MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD \
         SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS \
         VED VES WST XCD XCG YER ZAR ZMW ZWG",
    ),
    (0, "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"),
    (3, "BHD IQD JOD KWD LYD OMR TND"),
    (4, "CLF UYW"),
    // Metals, funds and test codes have no exponent; they are shown with all four decimals.
    (4, "XAG XAU XBA XBB XBC XBD XDR XPD XPT XSU XTS XUA XXX"),
];

impl Currency {
    /// Chinese renminbi.
    pub const CNY: Self = Self(*b"CNY");
    /// Euro.
    pub const EUR: Self = Self(*b"EUR");
    /// Pound sterling.
    pub const GBP: Self = Self(*b"GBP");
    /// Japanese yen.
    pub const JPY: Self = Self(*b"JPY");
    /// United States dollar.
    pub const USD: Self = Self(*b"USD");

    /// Reads a code of three upper-case letters.
    ///
    /// # Errors
    /// `InvalidMoney` if ISO 4217 has no such code in force.
    pub fn new(code: &str) -> Result<Self> {
        match <[u8; 3]>::try_from(code.as_bytes()) {
            Ok(bytes) if exponent_of(code).is_some() => Ok(Self(bytes)),
            _ => {
                let message = format_args!("currency {code:?} is not in ISO 4217; write a code such as EUR");
                Err(Error::new(ErrorKind::InvalidMoney, message))
            }
        }
    }

    /// The three letters.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("codes are ASCII letters")
    }

    /// How many decimals an amount is shown with.
    pub fn exponent(self) -> u8 {
        exponent_of(self.as_str()).expect("only listed codes become currencies")
    }
}

fn exponent_of(code: &str) -> Option<u8> {
    CODES.iter().find(|(_, codes)| codes.split(' ').any(|known| known == code)).map(|(exponent, _)| *exponent)
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
        for code in ["", "EU", "eur", "EURO", "ABC", "DEM", "E R", "ÄÖ"] {
            assert_eq!(Currency::new(code).unwrap_err().kind(), ErrorKind::InvalidMoney, "{code}");
        }
    }
}

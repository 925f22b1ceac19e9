//! Rates of exchange by day, and money in one reporting currency.

mod converted;

use std::collections::BTreeMap;

use chrono::{Days, NaiveDate};
use chrono_tz::Tz;
use wayfold_core::{Amount, Currency, Money, Timestamp};

pub use self::converted::{ConvertedRow, ConvertedTotal, ConvertedValue};
use crate::error::{Error, ErrorKind, Result};

/// Rates have up to so many decimals.
const RATE_DECIMALS: usize = 10;
const RATE_UNIT: i128 = 10_i128.pow(RATE_DECIMALS as u32);

/// What a rate table says of a day for which it has no rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MissingDay {
    /// Nothing: money of that day is not converted.
    Refuse,
    /// The newest rate of the days before, at most so many: central banks publish none at weekends.
    LastKnown {
        /// How many days back.
        days_max: u32,
    },
}

/// Rates into a reporting currency by day of a time zone.
///
/// A rate says how much of the reporting currency one unit is worth. Products are exact and rounded once, half to even, to
/// a ten-thousandth.
///
/// ```
/// use wayfold_core::{Currency, Money, Timestamp};
/// use wayfold_insight::{MissingDay, RateTable, Tz};
///
/// let mut rates = RateTable::new(Currency::EUR, Tz::Europe__Berlin, MissingDay::LastKnown { days_max: 3 });
/// rates.set(Currency::USD, "2024-03-01".parse()?, "0.92456")?;
/// let dollars = Money::parse("10", Currency::USD)?;
/// // A Sunday, for which the rate of Friday holds.
/// assert_eq!(rates.convert(dollars, Timestamp::parse("2024-03-03T12:00:00Z")?)?.to_string(), "9.25 EUR");
/// assert!(rates.convert(dollars, Timestamp::parse("2024-03-05T12:00:00Z")?).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RateTable {
    reporting: Currency,
    zone: Tz,
    missing: MissingDay,
    /// In 10^-10 of the reporting currency.
    rates: BTreeMap<(Currency, NaiveDate), i128>,
}

impl RateTable {
    /// Makes a table without rates.
    pub fn new(reporting: Currency, zone: Tz, missing: MissingDay) -> Self {
        Self { reporting, zone, missing, rates: BTreeMap::new() }
    }

    /// The currency into which it converts.
    pub fn reporting(&self) -> Currency {
        self.reporting
    }

    /// Sets what a unit of a currency is worth on a day, as decimal text of at most ten decimals. A day that is set twice
    /// has the later rate.
    ///
    /// # Errors
    /// `InvalidParameter` if the text is no decimal above zero and below a billion, or the currency is the reporting one.
    pub fn set(&mut self, currency: Currency, day: NaiveDate, rate: &str) -> Result<()> {
        let refuse = || {
            let message =
                format_args!("{rate:?} of {currency} on {day} is no rate; write a decimal such as 0.92456");
            Error::new(ErrorKind::InvalidParameter, message)
        };
        let (whole, fraction) = rate.split_once('.').unwrap_or((rate, ""));
        let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty()
            || whole.len() > 9
            || fraction.len() > RATE_DECIMALS
            || !all_digits(whole)
            || !all_digits(fraction)
        {
            return Err(refuse());
        }
        let number: i128 = format!("{whole}{fraction:0<RATE_DECIMALS$}").parse().map_err(|_| refuse())?;
        if number == 0 || currency == self.reporting {
            return Err(refuse());
        }
        self.rates.insert((currency, day), number);
        Ok(())
    }

    /// The day of an instant, in the table's zone.
    pub fn day(&self, at: Timestamp) -> NaiveDate {
        at.to_chrono().with_timezone(&self.zone).date_naive()
    }

    /// Converts money at the rate of an instant's day; money of the reporting currency stays as it is.
    ///
    /// # Errors
    /// `TooLittleData` if there is no rate that holds for that day; `InvalidParameter` if the result is beyond the range of
    /// an amount.
    pub fn convert(&self, money: Money, at: Timestamp) -> Result<Money> {
        if money.currency == self.reporting {
            return Ok(money);
        }
        let day = self.day(at);
        let Some(rate) = self.rate(money.currency, day) else {
            let message = format_args!("no rate of {} for {day} ({:?})", money.currency, self.missing);
            return Err(Error::new(ErrorKind::TooLittleData, message));
        };
        let product = i128::from(money.amount.as_ten_thousandths()) * rate;
        let (whole, rest) = (product.div_euclid(RATE_UNIT), product.rem_euclid(RATE_UNIT));
        let up = 2 * rest > RATE_UNIT || (2 * rest == RATE_UNIT && whole % 2 != 0);
        let Ok(converted) = i64::try_from(whole + i128::from(up)) else {
            let message = format_args!("{money} is more {} than an amount holds", self.reporting);
            return Err(Error::new(ErrorKind::InvalidParameter, message));
        };
        Ok(Money::new(Amount::from_ten_thousandths(converted), self.reporting))
    }

    fn rate(&self, currency: Currency, day: NaiveDate) -> Option<i128> {
        let back = match self.missing {
            MissingDay::Refuse => 0,
            MissingDay::LastKnown { days_max } => days_max,
        };
        let first = day.checked_sub_days(Days::new(back.into())).unwrap_or(NaiveDate::MIN);
        self.rates.range((currency, first)..=(currency, day)).next_back().map(|(_, rate)| *rate)
    }
}

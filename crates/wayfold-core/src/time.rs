//! Instants in whole microseconds, and the offset at which a source wrote them.

mod span_text;

use std::fmt;
use std::num::NonZeroU64;
use std::ops::{Add, Sub};

use chrono::{DateTime, FixedOffset, NaiveDate, SecondsFormat, TimeZone, Utc};
use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind, Result};
use crate::text::{TextOrNumber, serde_as_text_or_number};
use crate::text_enum::debug_as_text;

const MICROS_PER_DAY: i64 = 86_400_000_000;

/// A length of time in microseconds; days are of 24 hours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Span(i64);

impl Span {
    /// No time.
    pub const ZERO: Self = Self(0);

    /// That many microseconds.
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// That many days of 24 hours; beyond the representable, the longest span.
    pub const fn from_days(days: u32) -> Self {
        Self((days as i64).saturating_mul(MICROS_PER_DAY))
    }

    /// The length in microseconds.
    pub const fn as_micros(self) -> i64 {
        self.0
    }

    /// The length in whole days of 24 hours, rounded towards the past.
    pub const fn whole_days(self) -> i64 {
        self.0.div_euclid(MICROS_PER_DAY)
    }
}

impl Add for Span {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

/// An instant in whole microseconds, between the years 1 and 9999; written as RFC 3339 in UTC.
///
/// Arithmetic stops at the ends of that range instead of overflowing. An `Option` of it takes no more room than itself.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Timestamp(NonZeroU64);

/// The bit of the sign: turned round, it brings signed numbers into the order of those without a sign, and none of the
/// range is zero.
const SIGN: u64 = 1 << 63;

impl Timestamp {
    /// The first instant, 0001-01-01T00:00:00Z.
    pub const MIN: Self =
        Self(NonZeroU64::new(-62_135_596_800_000_000_i64 as u64 ^ SIGN).expect("not the bit"));
    /// The last instant, 9999-12-31T23:59:59.999999Z.
    pub const MAX: Self = Self::trusted(253_402_300_799_999_999);

    /// Takes microseconds since 1970-01-01T00:00:00Z.
    ///
    /// # Errors
    /// `InvalidTime` outside of the years 1 to 9999.
    pub fn from_micros(micros: i64) -> Result<Self> {
        if (Self::MIN.as_micros()..=Self::MAX.as_micros()).contains(&micros) {
            return Ok(Self::trusted(micros));
        }
        let message = format_args!("instant {micros} us since 1970 lies outside of the years 1 to 9999");
        Err(Error::new(ErrorKind::InvalidTime, message))
    }

    /// Reads RFC 3339 with any offset, or a date such as `2024-01-31`, which means its first instant in UTC.
    ///
    /// As RFC 3339 allows, the `T` may be a `t` or a space, and the `Z` a `z`. Digits below the microsecond are
    /// cut.
    ///
    /// # Errors
    /// `InvalidTime` for any other text.
    pub fn parse(text: &str) -> Result<Self> {
        let instant =
            if is_date(text) { parse_date(text) } else { parse_rfc3339(text).map(|time| time.to_utc()) };
        Self::try_from_chrono(instant.ok_or_else(|| bad_instant(text))?)
    }

    fn try_from_chrono(instant: DateTime<Utc>) -> Result<Self> {
        Self::from_micros(instant.timestamp_micros())
    }

    /// Microseconds since 1970-01-01T00:00:00Z.
    #[inline]
    pub const fn as_micros(self) -> i64 {
        (self.0.get() ^ SIGN) as i64
    }

    /// The instant as chrono's type.
    pub fn to_chrono(self) -> DateTime<Utc> {
        DateTime::from_timestamp_micros(self.as_micros())
            .expect("the years 1 to 9999 lie within chrono's range")
    }

    /// The microsecond before; the first instant stays.
    pub fn previous(self) -> Self {
        self - Span::from_micros(1)
    }

    /// The microsecond after; the last instant stays.
    pub fn next(self) -> Self {
        self + Span::from_micros(1)
    }

    /// The time from an earlier instant to this one; negative if the other is later.
    pub fn since(self, earlier: Self) -> Span {
        Span(self.as_micros() - earlier.as_micros())
    }

    /// Takes microseconds within the range.
    #[inline]
    pub(crate) const fn trusted(micros: i64) -> Self {
        match NonZeroU64::new(micros as u64 ^ SIGN) {
            Some(number) => Self(number),
            // Far outside of the range.
            None => Self::MIN,
        }
    }

    /// The instant, or the first or the last one if it lies outside of the range.
    fn clamped(micros: i64) -> Self {
        Self::trusted(micros.clamp(Self::MIN.as_micros(), Self::MAX.as_micros()))
    }
}

/// Says whether the text has the digits and dashes of a date; chrono alone takes spaces, signs and short years.
fn is_date(text: &str) -> bool {
    let fits = |(place, byte): (usize, u8)| match place {
        4 | 7 => byte == b'-',
        _ => byte.is_ascii_digit(),
    };
    text.len() == 10 && text.bytes().enumerate().all(fits)
}

fn parse_date(text: &str) -> Option<DateTime<Utc>> {
    let date = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?;
    Some(date.and_hms_opt(0, 0, 0)?.and_utc())
}

/// Reads RFC 3339, which is ASCII; chrono alone takes a Unicode minus before the offset.
fn parse_rfc3339(text: &str) -> Option<DateTime<FixedOffset>> {
    text.is_ascii().then(|| DateTime::parse_from_rfc3339(text).ok()).flatten()
}

fn bad_instant(text: &str) -> Error {
    let message =
        format_args!("{text:?} is no instant; write RFC 3339 such as 2024-01-31T10:00:00Z, or a date");
    Error::new(ErrorKind::InvalidTime, message)
}

impl Add<Span> for Timestamp {
    type Output = Self;

    fn add(self, span: Span) -> Self {
        Self::clamped(self.as_micros().saturating_add(span.0))
    }
}

impl Sub<Span> for Timestamp {
    type Output = Self;

    fn sub(self, span: Span) -> Self {
        Self::clamped(self.as_micros().saturating_sub(span.0))
    }
}

impl<Z: TimeZone> From<DateTime<Z>> for Timestamp {
    /// Takes the instant; years outside of 1 to 9999 become the first or last instant.
    fn from(instant: DateTime<Z>) -> Self {
        Self::clamped(instant.timestamp_micros())
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_chrono().to_rfc3339_opts(SecondsFormat::AutoSi, true))
    }
}

impl TryFrom<String> for Timestamp {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        Self::parse(&text)
    }
}

impl From<Timestamp> for String {
    fn from(instant: Timestamp) -> String {
        instant.to_string()
    }
}

impl TextOrNumber for Timestamp {
    const NAME: &'static str = "wayfold::Timestamp";

    fn to_number(self) -> i64 {
        self.as_micros()
    }

    fn from_number(number: i64) -> Result<Self> {
        Self::from_micros(number)
    }

    fn from_text(text: &str) -> Result<Self> {
        Self::parse(text)
    }
}

serde_as_text_or_number!(Timestamp);

/// When something happened: an instant, and the offset from UTC at which the source wrote it.
///
/// The order of events looks at the instant alone.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct EventTime {
    instant: Timestamp,
    offset_minutes: i16,
}

impl EventTime {
    /// Joins an instant and an offset in minutes east of UTC.
    ///
    /// # Errors
    /// `InvalidTime` if the offset is a day or more.
    pub fn new(instant: Timestamp, offset_minutes: i16) -> Result<Self> {
        if offset_minutes.unsigned_abs() >= 24 * 60 {
            let message = format_args!("offset of {offset_minutes} minutes; it must be less than a day");
            return Err(Error::new(ErrorKind::InvalidTime, message));
        }
        // The local date is what RFC 3339 shows, so it must have four digits as well.
        Timestamp::from_micros(instant.as_micros() + i64::from(offset_minutes) * 60_000_000)?;
        Ok(Self { instant, offset_minutes })
    }

    /// Reads RFC 3339 with an offset of less than a day; digits below the microsecond are cut.
    ///
    /// As RFC 3339 allows, the `T` may be a `t` or a space, and the `Z` a `z`; both are written as capitals.
    ///
    /// # Errors
    /// `InvalidTime` for any other text, or outside of the years 1 to 9999.
    pub fn parse(text: &str) -> Result<Self> {
        let parsed = parse_rfc3339(text).ok_or_else(|| {
            let message =
                format_args!("{text:?} is no time; write RFC 3339 such as 2024-01-31T10:00:00+08:00");
            Error::new(ErrorKind::InvalidTime, message)
        })?;
        let minutes = parsed.offset().local_minus_utc() / 60;
        Self::new(Timestamp::try_from_chrono(parsed.to_utc())?, minutes as i16)
    }

    /// The instant.
    pub const fn instant(self) -> Timestamp {
        self.instant
    }

    /// Minutes east of UTC.
    pub const fn offset_minutes(self) -> i16 {
        self.offset_minutes
    }

    pub(crate) const fn trusted(instant: Timestamp, offset_minutes: i16) -> Self {
        Self { instant, offset_minutes }
    }
}

impl From<Timestamp> for EventTime {
    fn from(instant: Timestamp) -> Self {
        Self { instant, offset_minutes: 0 }
    }
}

impl From<DateTime<Utc>> for EventTime {
    fn from(instant: DateTime<Utc>) -> Self {
        Timestamp::from(instant).into()
    }
}

impl From<DateTime<FixedOffset>> for EventTime {
    /// Takes instant and offset; seconds of an offset are cut, as RFC 3339 has none.
    ///
    /// Where the local date would leave the years 1 to 9999, the offset becomes zero.
    fn from(time: DateTime<FixedOffset>) -> Self {
        let offset_minutes = (time.offset().local_minus_utc() / 60) as i16;
        let instant = Timestamp::from(time);
        Self::new(instant, offset_minutes).unwrap_or_else(|_| instant.into())
    }
}

impl fmt::Display for EventTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let offset =
            FixedOffset::east_opt(i32::from(self.offset_minutes) * 60).expect("offsets are below a day");
        let local = self.instant.to_chrono().with_timezone(&offset);
        f.write_str(&local.to_rfc3339_opts(SecondsFormat::AutoSi, true))
    }
}

impl TryFrom<String> for EventTime {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        Self::parse(&text)
    }
}

impl From<EventTime> for String {
    fn from(time: EventTime) -> String {
        time.to_string()
    }
}

debug_as_text!(EventTime, Timestamp);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_in_the_order_of_their_numbers_and_leave_room_for_none() {
        let numbers = [Timestamp::MIN.as_micros(), -1, 0, 1, Timestamp::MAX.as_micros()];
        let instants = numbers.map(|micros| Timestamp::from_micros(micros).unwrap());
        assert!(instants.is_sorted_by(|a, b| a < b));
        assert_eq!(instants.map(Timestamp::as_micros), numbers);
        for micros in [i64::MIN, i64::MAX, numbers[0] - 1, numbers[4] + 1] {
            assert_eq!(Timestamp::from_micros(micros).unwrap_err().kind(), ErrorKind::InvalidTime);
        }
        assert_eq!(size_of::<Option<Timestamp>>(), 8);
    }

    #[test]
    fn a_date_means_its_first_instant_in_utc() {
        assert_eq!(
            Timestamp::parse("1997-10-01").unwrap(),
            Timestamp::parse("1997-10-01T00:00:00Z").unwrap()
        );
    }

    /// chrono's date pattern takes signs, spaces and short numbers: "24-01-01" once became a day of the year 24.
    #[test]
    fn a_date_has_four_two_and_two_digits() {
        let lax =
            ["24-01-01", "2024-1-1", "2024- 1- 1", " 2024-01-01", "2024-01-01 ", "+2024-01-01", "-024-01-01"];
        for text in
            lax.into_iter().chain(["02024-01-01", "2024/01/01", "2024-02-30", "0000-01-01", "２０24-01-01"])
        {
            assert_eq!(Timestamp::parse(text).unwrap_err().kind(), ErrorKind::InvalidTime, "{text:?}");
        }
    }

    #[test]
    fn times_are_rfc_3339_and_no_more() {
        for text in ["2024-01-31t10:00:00z", "2024-01-31 10:00:00Z", "2024-01-31T18:00:00+08:00"] {
            assert_eq!(Timestamp::parse(text).unwrap().to_string(), "2024-01-31T10:00:00Z", "{text:?}");
            assert_eq!(
                EventTime::parse(text).unwrap().instant(),
                Timestamp::parse(text).unwrap(),
                "{text:?}"
            );
        }
        let offsets =
            ["+24:00", "-24:00", "+08:60", "+8:00", "+0800", "+08", "\u{2212}08:00", "", "UTC", " Z", "Z "];
        let times = offsets.map(|offset| format!("2024-01-31T10:00:00{offset}"));
        let others = [
            "2024-01-31",
            "24-01-31T10:00:00Z",
            "2024-01-31T10:00Z",
            "+2024-01-31T10:00:00Z",
            " 2024-01-31T10:00:00Z",
        ];
        for text in times.iter().map(String::as_str).chain(others) {
            assert!(EventTime::parse(text).is_err(), "{text:?}");
            assert!(text == "2024-01-31" || Timestamp::parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn offsets_survive_text() {
        for text in ["2024-01-31T10:00:00+08:00", "2024-01-31T10:00:00.000001-03:30", "0001-01-02T00:00:00Z"]
        {
            assert_eq!(EventTime::parse(text).unwrap().to_string(), text);
        }
        for text in ["0001-01-01T00:00:00+10:00", "9999-12-31T23:59:59-01:00"] {
            assert!(EventTime::parse(text).is_err(), "{text} lies outside of the range");
        }
    }

    #[test]
    fn arithmetic_stops_at_the_ends() {
        assert_eq!(Timestamp::MAX + Span::from_days(u32::MAX), Timestamp::MAX);
        assert_eq!(Timestamp::MIN - Span::from_days(1), Timestamp::MIN);
        assert_eq!(Timestamp::MIN.to_string(), "0001-01-01T00:00:00Z");
        assert_eq!(Timestamp::MAX.to_string(), "9999-12-31T23:59:59.999999Z");
    }

    #[test]
    fn whole_days_are_floored() {
        assert_eq!(Span::from_micros(MICROS_PER_DAY * 2 - 1).whole_days(), 1);
        assert_eq!(Span::from_micros(-1).whole_days(), -1);
    }
}

//! When standings are evaluated.

use std::fmt;
use std::str::FromStr;

use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use wayfold_core::Timestamp;

use super::parse::Parser;
use super::print::Name;
use crate::error::{Error, ErrorKind, Result};
use crate::local_time::first_instant;
use crate::measure::{BucketUnit, Calendar};

/// How many instants a schedule may have in a time that is asked about.
const INSTANTS_MAX: i64 = 1 << 16;

/// At which instants something is evaluated: the first of each day, week or month of a time zone. Written as `each month` or
/// `each week in "Europe/Berlin"`; without a zone it is UTC, and a week begins on Monday.
///
/// ```
/// use wayfold_core::Timestamp;
/// use wayfold_insight::Schedule;
///
/// let schedule: Schedule = r#"each month in "Europe/Berlin""#.parse()?;
/// assert_eq!(schedule.last(Timestamp::parse("2024-04-17")?), Timestamp::parse("2024-03-31T22:00:00Z")?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Schedule {
    every: BucketUnit,
    zone: Tz,
}

impl Schedule {
    /// Evaluates with each bucket of a unit in a time zone.
    pub fn new(every: BucketUnit, zone: Tz) -> Self {
        Self { every, zone }
    }

    /// The last instant of it that is not later than another.
    pub fn last(&self, at: Timestamp) -> Timestamp {
        let calendar = self.calendar();
        self.start(&calendar, calendar.bucket(at))
    }

    /// The instants whose evaluations stand at some time from one instant to another: the last one up to the first of the
    /// two, and all that follow.
    ///
    /// # Errors
    /// `InvalidParameter` beyond 65,536 instants.
    pub fn instants(&self, from: Timestamp, to: Timestamp) -> Result<Vec<Timestamp>> {
        let calendar = self.calendar();
        let (first, last) = (calendar.bucket(from), calendar.bucket(to));
        if last - first >= INSTANTS_MAX {
            let message = format_args!("{self} from {from} to {to} comes more than {INSTANTS_MAX} times");
            return Err(Error::new(ErrorKind::InvalidParameter, message));
        }
        Ok((first..=last).map(|bucket| self.start(&calendar, bucket)).collect())
    }

    fn calendar(&self) -> Calendar {
        Calendar::new(self.zone, self.every)
    }

    fn start(&self, calendar: &Calendar, bucket: i64) -> Timestamp {
        first_instant(self.zone, calendar.starts_on(bucket).and_time(chrono::NaiveTime::MIN))
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = match self.every {
            BucketUnit::Day => "day",
            BucketUnit::Week => "week",
            BucketUnit::Month => "month",
        };
        write!(f, "each {unit}")?;
        if self.zone == Tz::UTC { Ok(()) } else { write!(f, " in {}", Name(self.zone.name())) }
    }
}

impl FromStr for Schedule {
    type Err = Error;

    /// Reads a schedule.
    ///
    /// # Errors
    /// `InvalidRule` with line and column.
    fn from_str(text: &str) -> Result<Self> {
        Parser::read(text, Parser::schedule)
    }
}

impl TryFrom<String> for Schedule {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<Schedule> for String {
    fn from(schedule: Schedule) -> String {
        schedule.to_string()
    }
}

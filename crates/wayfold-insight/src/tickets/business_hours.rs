use std::collections::BTreeSet;

use chrono::{Datelike, Days, NaiveDate, NaiveDateTime, TimeDelta};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use wayfold_core::{Span, Timestamp};

use crate::error::{Error, ErrorKind, Result};
use crate::local_time::first_instant;

/// When a business is open, as data: the same hours on some days of the week, but for holidays.
///
/// ```
/// use wayfold_core::{Span, Timestamp};
/// use wayfold_insight::BusinessHours;
///
/// let hours: BusinessHours = serde_json::from_str(
///     r#"{"zone": "Europe/Berlin", "week": ["Mon", "Tue", "Wed", "Thu", "Fri"], "opens_minute": 540, "closes_minute": 1020,
///         "holidays": ["2024-05-01"]}"#,
/// )?;
/// // From Tuesday 16:00 to Thursday 10:00, with a holiday in between: an hour and an hour.
/// let (from, to) = (Timestamp::parse("2024-04-30T14:00:00Z")?, Timestamp::parse("2024-05-02T08:00:00Z")?);
/// assert_eq!(hours.between(from, to), Span::from_micros(2 * 3_600_000_000));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Hours", into = "Hours")]
pub struct BusinessHours {
    zone: Tz,
    hours: Hours,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Hours {
    zone: String,
    week: Vec<chrono::Weekday>,
    opens_minute: u32,
    closes_minute: u32,
    #[serde(default)]
    holidays: BTreeSet<NaiveDate>,
}

impl BusinessHours {
    /// Takes the zone, the days of the week, minutes of the day from and until which it is open, and the holidays.
    ///
    /// # Errors
    /// `InvalidParameter` if the zone is unknown, no day is open, or it does not open before it closes within the day.
    pub fn new(
        zone: &str,
        week: Vec<chrono::Weekday>,
        open_minutes: std::ops::Range<u32>,
        holidays: BTreeSet<NaiveDate>,
    ) -> Result<Self> {
        let (opens_minute, closes_minute) = (open_minutes.start, open_minutes.end);
        Hours { zone: zone.to_owned(), week, opens_minute, closes_minute, holidays }.try_into()
    }

    /// How long it was open between two instants; nothing if the second is not later. Days on which clocks are changed are
    /// as long as they are. It takes a step for each day in between.
    pub fn between(&self, from: Timestamp, to: Timestamp) -> Span {
        let date = |at: Timestamp| at.to_chrono().with_timezone(&self.zone).date_naive();
        let (mut day, last, mut open) = (date(from), date(to), 0);
        while day <= last {
            let (opens, closes) = self.of(day);
            open += closes.min(to).since(opens.max(from)).as_micros().max(0);
            let Some(next) = day.checked_add_days(Days::new(1)) else { break };
            day = next;
        }
        Span::from_micros(open)
    }

    /// When it opens and closes on a day; on one on which it does not, both at its start.
    fn of(&self, day: NaiveDate) -> (Timestamp, Timestamp) {
        let at = |minute: u32| -> NaiveDateTime {
            day.and_time(chrono::NaiveTime::MIN) + TimeDelta::minutes(i64::from(minute))
        };
        let opens = first_instant(self.zone, at(self.hours.opens_minute));
        let is_open = self.hours.week.contains(&day.weekday()) && !self.hours.holidays.contains(&day);
        let closes = if is_open { first_instant(self.zone, at(self.hours.closes_minute)) } else { opens };
        (opens, closes)
    }
}

impl TryFrom<Hours> for BusinessHours {
    type Error = Error;

    fn try_from(hours: Hours) -> Result<Self> {
        let refuse = |message: String| Err(Error::new(ErrorKind::InvalidParameter, message));
        let Ok(zone) = hours.zone.parse::<Tz>() else {
            return refuse(format!("{:?} is no time zone; write one such as Europe/Berlin", hours.zone));
        };
        if hours.week.is_empty() {
            return refuse("business hours without a day of the week".to_owned());
        }
        if hours.opens_minute >= hours.closes_minute || hours.closes_minute > 24 * 60 {
            return refuse(format!(
                "business hours from minute {} until {} of a day",
                hours.opens_minute, hours.closes_minute
            ));
        }
        Ok(Self { zone, hours })
    }
}

impl From<BusinessHours> for Hours {
    fn from(hours: BusinessHours) -> Self {
        hours.hours
    }
}

//! From the clocks of a time zone to instants.

use chrono::{NaiveDateTime, TimeDelta, TimeZone};
use chrono_tz::Tz;
use wayfold_core::Timestamp;

/// The first instant at which clocks show a time; where they skip it, the one to which they are set.
pub(crate) fn first_instant(zone: Tz, time: NaiveDateTime) -> Timestamp {
    let quarters = (0..=96).map(|quarter| time + TimeDelta::minutes(15 * quarter));
    let first = quarters.filter_map(|time| zone.from_local_datetime(&time).earliest()).next();
    first.map_or_else(|| Timestamp::from(time.and_utc()), Timestamp::from)
}

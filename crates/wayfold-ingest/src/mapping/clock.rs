//! How a source writes times: formats, the zone of local times, and what happens where clocks change.

use std::str::FromStr;

use chrono::format::{Item as FormatItem, Parsed, StrftimeItems, parse};
use chrono::offset::LocalResult;
use chrono::{DateTime, FixedOffset, NaiveDate, NaiveDateTime, NaiveTime, Offset, TimeZone};
use chrono_tz::{GapInfo, Tz};
use wayfold_core::{EventTime, Timestamp};

use super::cell::{Across, CELL_KEYS, Columns, Text};
use super::section::{Item, Section};
use crate::decimal::Decimal;
use crate::error::{Problem, Result};
use crate::row::{Fault, Row};

/// A time of each row.
#[derive(Debug, Clone)]
pub(crate) struct Time {
    pub(crate) text: Text,
    clock: Clock,
    pub(crate) across: Across,
    /// Which of the caches is its own.
    cache: usize,
}

/// The last text that was read and its time: neighbouring rows often share it.
#[derive(Debug, Clone, Default)]
pub(crate) struct TimeCache {
    text: String,
    time: Option<EventTime>,
}

/// How texts become instants.
#[derive(Debug, Clone)]
pub(crate) struct Clock {
    forms: Vec<Form>,
    zone: Option<Zone>,
    ambiguous: Option<Side>,
    missing: Option<Side>,
}

#[derive(Debug, Clone)]
enum Form {
    Rfc3339,
    /// Seconds since 1970, or a smaller unit that many of which make a second.
    Unix {
        per_second: i64,
    },
    Pattern {
        text: String,
        items: Vec<FormatItem<'static>>,
    },
}

#[derive(Debug, Clone, Copy)]
enum Zone {
    Fixed(FixedOffset),
    Named(Tz),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Earlier,
    Later,
}

/// The keys of a table that says how times are written.
pub(super) const CLOCK_KEYS: &[&str] = &["format", "zone", "ambiguous", "missing"];
/// What the rows of a group can do about the time of their event; the earliest counts by default.
pub(super) const EVENT_TIME: &[Across] = &[Across::Min, Across::Max, Across::First, Across::Same];
/// What they can do about any other value.
pub(super) const OTHER: &[Across] = &[Across::Same, Across::First];

impl Default for Clock {
    fn default() -> Self {
        Self { forms: vec![Form::Rfc3339], zone: None, ambiguous: None, missing: None }
    }
}

impl Time {
    /// Reads the name of a column, or a table; what it does not say stands in `clock`.
    ///
    /// The first word of `across` is what holds where the mapping names none.
    pub(super) fn parse(
        item: Item<'_>,
        columns: &mut Columns,
        clock: &Clock,
        across: &[Across],
        caches: &mut usize,
    ) -> Result<Self> {
        let (text, clock, named) = if item.is_text() {
            (Text::parse(item, columns)?, clock.clone(), None)
        } else {
            let mut section = item.into_section_of_value()?;
            section.allow(&[CELL_KEYS, CLOCK_KEYS, &["across"]])?;
            let named = Across::take(&mut section, across)?;
            let clock = clock.with(&mut section)?;
            (Text::from_section(&mut section, columns, &[])?, clock, named)
        };
        *caches += 1;
        let across = named.or(across.first().copied()).unwrap_or(Across::Same);
        Ok(Self { text, clock, across, cache: *caches - 1 })
    }

    pub(super) fn clock(&self) -> &Clock {
        &self.clock
    }

    /// The text, if rows of a group must agree on it.
    pub(super) fn must_agree(&self) -> Option<&Text> {
        (self.across == Across::Same).then_some(&self.text)
    }

    /// The time of a row; `None` where the cell is empty.
    pub(crate) fn get(
        &self,
        row: &Row<'_>,
        caches: &mut [TimeCache],
    ) -> std::result::Result<Option<EventTime>, Fault> {
        let text = self.text.get(row);
        if text.is_empty() {
            return Ok(None);
        }
        let cache = &mut caches[self.cache];
        if cache.text != text || cache.time.is_none() {
            let time = self
                .clock
                .read(text)
                .map_err(|reason| Fault::cell(Problem::Time, self.text.column_id(), text, &reason))?;
            text.clone_into(&mut cache.text);
            cache.time = Some(time);
        }
        Ok(cache.time)
    }
}

impl Clock {
    /// Reads `format`, `zone`, `ambiguous` and `missing`; what is not there stays as it is.
    pub(super) fn with(&self, section: &mut Section<'_>) -> Result<Self> {
        let mut clock = self.clone();
        if let Some(item) = section.take("format") {
            clock.forms = item.into_list()?.into_iter().map(form).collect::<Result<_>>()?;
        }
        if let Some(item) = section.take("zone") {
            if clock.forms.iter().all(|form| matches!(form, Form::Rfc3339)) {
                return Err(item.error_at(
                    "times of rfc3339 carry their own offset; leave \"zone\" out, or name another \"format\"",
                ));
            }
            clock.zone = Some(zone(item)?);
        }
        clock.ambiguous = side(section, "ambiguous")?.or(clock.ambiguous);
        clock.missing = side(section, "missing")?.or(clock.missing);
        clock.check(section)?;
        Ok(clock)
    }

    fn check(&self, section: &Section<'_>) -> Result<()> {
        for form in &self.forms {
            let Form::Pattern { text, items } = form else { continue };
            if self.zone.is_none() && !has_offset(items) {
                return Err(section.error(format_args!(
                    "{} reads local times by {text:?}, so it needs the key \"zone\", such as \"UTC\" or \
                     \"Europe/London\"",
                    section.title
                )));
            }
        }
        Ok(())
    }

    /// Reads a text by the first form that fits.
    fn read(&self, text: &str) -> std::result::Result<EventTime, String> {
        let mut first_reason = None;
        for form in &self.forms {
            match self.read_form(form, text) {
                Ok(time) => return Ok(time),
                Err(reason) => first_reason = first_reason.or(Some(reason)),
            }
        }
        Err(first_reason.expect("a mapping names at least one format"))
    }

    fn read_form(&self, form: &Form, text: &str) -> std::result::Result<EventTime, String> {
        match form {
            Form::Rfc3339 => EventTime::parse(text)
                .map_err(|_| "is no time of RFC 3339, such as 2024-01-31T10:00:00+08:00".to_owned()),
            Form::Unix { per_second } => self.read_unix(text, *per_second),
            Form::Pattern { text: pattern, items } => {
                let (local, offset, is_date) = read_pattern(items, text).ok_or_else(|| {
                    format!("is no time of the form {pattern:?}; mend the cell or the format")
                })?;
                let zone = match (offset, self.zone) {
                    (Some(offset), _) => Zone::Fixed(offset),
                    (None, Some(zone)) => zone,
                    (None, None) => return Err("has no zone".to_owned()),
                };
                self.place(zone, local, is_date)
            }
        }
    }

    fn read_unix(&self, text: &str, per_second: i64) -> std::result::Result<EventTime, String> {
        let unit = if per_second == 1 { "seconds" } else { "milliseconds" };
        let wrong = || format!("is no number of {unit} since 1970 with at most microseconds");
        let scale = Decimal::parse(&(1_000_000 / per_second).to_string()).map_err(|_| wrong())?;
        let micros = Decimal::parse(text).and_then(|number| number.times(scale)).map_err(|_| wrong())?;
        if !micros.is_whole() {
            return Err(wrong());
        }
        let micros = micros.to_integer().ok_or_else(out_of_range)?;
        let instant = Timestamp::from_micros(micros).map_err(|_| out_of_range())?;
        let offset = match self.zone {
            None => return Ok(instant.into()),
            Some(Zone::Fixed(offset)) => offset,
            Some(Zone::Named(zone)) => instant.to_chrono().with_timezone(&zone).offset().fix(),
        };
        Ok(instant.to_chrono().with_timezone(&offset).into())
    }

    /// Finds the instant of a local time.
    fn place(
        &self,
        zone: Zone,
        local: NaiveDateTime,
        is_date: bool,
    ) -> std::result::Result<EventTime, String> {
        let zone = match zone {
            Zone::Fixed(offset) => {
                let time = offset.from_local_datetime(&local).single().ok_or_else(out_of_range)?;
                return checked(time);
            }
            Zone::Named(zone) => zone,
        };
        match (zone.from_local_datetime(&local), is_date) {
            (LocalResult::Single(time), _) => checked(time.fixed_offset()),
            (LocalResult::Ambiguous(earlier, _), true) => checked(earlier.fixed_offset()),
            (LocalResult::Ambiguous(earlier, later), false) => match self.ambiguous {
                Some(Side::Earlier) => checked(earlier.fixed_offset()),
                Some(Side::Later) => checked(later.fixed_offset()),
                None => Err(format!(
                    "happens twice in {zone}, as clocks go back; say ambiguous = \"earlier\" or \"later\""
                )),
            },
            (LocalResult::None, _) => self.place_in_gap(zone, local, is_date),
        }
    }

    fn place_in_gap(
        &self,
        zone: Tz,
        local: NaiveDateTime,
        is_date: bool,
    ) -> std::result::Result<EventTime, String> {
        let gap = GapInfo::new(&local, &zone).ok_or_else(out_of_range)?;
        let end = gap.end.ok_or_else(out_of_range)?;
        if is_date {
            // The first instant of a date that has no midnight is the one at which the clocks went forward.
            return checked(end.fixed_offset());
        }
        let begin = gap.begin.ok_or_else(out_of_range)?;
        let offset = match self.missing {
            Some(Side::Later) => begin.1.fix(),
            Some(Side::Earlier) => end.offset().fix(),
            None => {
                return Err(format!(
                    "does not exist in {zone}, as clocks go forward; say missing = \"earlier\" or \"later\""
                ));
            }
        };
        let instant = offset.from_local_datetime(&local).single().ok_or_else(out_of_range)?;
        checked(instant.with_timezone(&zone).fixed_offset())
    }
}

fn checked(time: DateTime<FixedOffset>) -> std::result::Result<EventTime, String> {
    let instant = Timestamp::from_micros(time.timestamp_micros()).map_err(|_| out_of_range())?;
    let minutes = time.offset().local_minus_utc() / 60;
    EventTime::new(instant, minutes as i16).map_err(|_| out_of_range())
}

fn out_of_range() -> String {
    "lies outside of the years 1 to 9999; mend the cell or the format".to_owned()
}

/// Gives the local time, the offset if the text has one, and whether the text is a date alone.
fn read_pattern(
    items: &[FormatItem<'static>],
    text: &str,
) -> Option<(NaiveDateTime, Option<FixedOffset>, bool)> {
    let mut parsed = Parsed::new();
    parse(&mut parsed, text, items.iter()).ok()?;
    let offset = parsed.offset().map(FixedOffset::east_opt);
    if parsed.hour_mod_12().is_some() && parsed.minute().is_none() {
        parsed.set_minute(0).ok()?;
    }
    let date: NaiveDate = parsed.to_naive_date().ok()?;
    let is_date = parsed.hour_mod_12().is_none() && parsed.minute().is_none();
    let time = if is_date { NaiveTime::MIN } else { parsed.to_naive_time().ok()? };
    match offset {
        None => Some((date.and_time(time), None, is_date)),
        Some(offset) => Some((date.and_time(time), Some(offset?), is_date)),
    }
}

fn has_offset(items: &[FormatItem<'static>]) -> bool {
    let sample = sample(items);
    read_pattern(items, &sample).is_some_and(|(_, offset, _)| offset.is_some())
}

/// An arbitrary time as the pattern writes it.
fn sample(items: &[FormatItem<'static>]) -> String {
    let noon = NaiveDate::from_ymd_opt(2011, 12, 9).and_then(|date| date.and_hms_opt(12, 50, 7));
    let noon = noon.expect("the date exists").and_utc().fixed_offset();
    noon.format_with_items(items.iter()).to_string()
}

fn form(item: Item<'_>) -> Result<Form> {
    let wrong = item.error_at(format_args!(
        "{} must be rfc3339, unix_s, unix_ms, or a pattern with at least year, month and day, such as \
         \"%Y-%m-%d %H:%M:%S\"",
        item.title
    ));
    let text = item.into_text()?;
    match text.as_str() {
        "rfc3339" => Ok(Form::Rfc3339),
        "unix_s" => Ok(Form::Unix { per_second: 1 }),
        "unix_ms" => Ok(Form::Unix { per_second: 1_000 }),
        _ => {
            let items = StrftimeItems::new(&text).parse_to_owned().map_err(|_| wrong.clone())?;
            // A pattern that cannot read what it writes lacks a part of the date.
            if !text.contains('%') || read_pattern(&items, &sample(&items)).is_none() {
                return Err(wrong);
            }
            Ok(Form::Pattern { text, items })
        }
    }
}

fn zone(item: Item<'_>) -> Result<Zone> {
    let title = item.title.clone();
    let wrong = item.error_at(format_args!(
        "{title} must be UTC, an offset such as \"+08:00\", or a name of the IANA list such as \"Europe/London\""
    ));
    let text = item.into_text()?;
    if text == "UTC" || text == "Z" {
        return Ok(Zone::Fixed(chrono::Utc.fix()));
    }
    if text.starts_with(['+', '-']) {
        return FixedOffset::from_str(&text).map(Zone::Fixed).map_err(|_| wrong);
    }
    Tz::from_str(&text).map(Zone::Named).map_err(|_| wrong)
}

fn side(section: &mut Section<'_>, key: &str) -> Result<Option<Side>> {
    let Some(item) = section.take(key) else { return Ok(None) };
    let wrong = item.error_at(format_args!("{} must be \"earlier\" or \"later\"", item.title));
    match item.into_text()?.as_str() {
        "earlier" => Ok(Some(Side::Earlier)),
        "later" => Ok(Some(Side::Later)),
        _ => Err(wrong),
    }
}

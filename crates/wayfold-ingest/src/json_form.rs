//! What the lines of a file of JSON are: events of ours, or those of another specification.

mod cloud_events;
mod commerce;
mod ga4;
mod segment;

use wayfold_core::{Currency, JourneyEvent, RawEvent, Rounding, Upcasters};

pub use self::cloud_events::write_cloud_events;
use crate::error::Problem;
use crate::row::Fault;

/// What a line of JSON is; see [`JsonlImport::of_form`](crate::JsonlImport::of_form). `docs/guide/json-events.md` says what
/// becomes what.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum JsonForm {
    /// An event of ours.
    #[default]
    Own,
    /// An event of CloudEvents 1.0 in its JSON format, as [`write_cloud_events`] writes it or anybody else; `subject` is the
    /// customer, `source` and `id` are the event's identity.
    CloudEvents,
    /// A call of Segment or RudderStack: `track`, `identify`, `page`, `screen` or `group`, by the specification of
    /// e-commerce events, version 2.
    Segment(ForeignSpec),
    /// A row of the export of Google Analytics 4 to BigQuery.
    Ga4(ForeignSpec),
}

/// What a foreign specification leaves open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForeignSpec {
    source: String,
    currency: Option<Currency>,
    rounding: Option<Rounding>,
}

impl ForeignSpec {
    /// Names where the events are from, as in [`JourneyEvent::source`]; it is part of their ids.
    pub fn new(source: impl Into<String>) -> Self {
        Self { source: source.into(), currency: None, rounding: None }
    }

    /// Sets the currency of amounts that state none; without one they are bad rows.
    pub fn with_currency(mut self, currency: Currency) -> Self {
        self.currency = Some(currency);
        self
    }

    /// Rounds amounts of more than four decimals, as sums of floats are; without it they are bad rows.
    pub fn with_rounding(mut self, rounding: Rounding) -> Self {
        self.rounding = Some(rounding);
        self
    }
}

/// What a line became.
pub(crate) enum Line {
    Event(Box<JourneyEvent>),
    /// It is no event, for that reason.
    Skipped(&'static str),
}

impl JsonForm {
    pub(crate) fn read(&self, text: &str, upcasters: &Upcasters) -> Result<Line, Fault> {
        let event = match self {
            Self::Own => own(text, upcasters),
            Self::CloudEvents => cloud_events::read(text, upcasters),
            Self::Segment(spec) => return segment::read(spec, text),
            Self::Ga4(spec) => ga4::read(spec, text),
        };
        event.map(|event| Line::Event(Box::new(event)))
    }
}

fn own(text: &str, upcasters: &Upcasters) -> Result<JourneyEvent, Fault> {
    let raw: RawEvent = serde_json::from_str(text).map_err(|error| malformed(&error))?;
    upcasters.lift_input(raw).map_err(|error| no_event(&error))
}

/// Says what is wrong with a line; the line's own number is known better here than to the JSON reader.
pub(crate) fn malformed(error: &serde_json::Error) -> Fault {
    let text = error.to_string();
    let what = text.split(" at line ").next().unwrap_or_default();
    match error.column() {
        0 => no_event(&what),
        column => no_event(&format_args!("{what} (at character {column})")),
    }
}

fn no_event(what: &impl std::fmt::Display) -> Fault {
    Fault::new(Problem::Malformed, format_args!("the line is no event: {what}"))
}

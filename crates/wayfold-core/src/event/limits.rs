use serde::{Deserialize, Serialize};

use super::JourneyEvent;
use super::columns::SizeCounter;
use crate::error::{Error, ErrorKind, Result};
use crate::time::{Span, Timestamp};

/// What one event and one batch may hold; each limit has a stated default.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Limits {
    /// Bytes of one event: its texts, and eight for any other value. Default 262,144.
    pub event_bytes_max: usize,
    /// Tags of one event. Default 64.
    pub tags_max: usize,
    /// Attributes of one event. Default 256.
    pub attributes_max: usize,
    /// Events of one batch. Default 1,048,576.
    pub batch_events_max: usize,
    /// Bytes of one batch, counted as for an event. Default 536,870,912.
    pub batch_bytes_max: usize,
    /// How far beyond the clock an event may lie, in microseconds. Default 24 hours.
    pub future_max: Span,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            event_bytes_max: 256 * 1024,
            tags_max: 64,
            attributes_max: 256,
            batch_events_max: 1 << 20,
            batch_bytes_max: 512 << 20,
            future_max: Span::from_days(1),
        }
    }
}

impl Limits {
    /// Checks one event against the rules of its kind and these limits.
    ///
    /// # Errors
    /// `InvalidEvent` or `LimitExceeded`; the message names the event.
    pub fn check_event(&self, event: &JourneyEvent) -> Result<()> {
        super::validate::check(event)
            .and_then(|()| self.check_batch(&Extent::default().with(event)))
            .map_err(|error| error.at(format_args!("event {}", event.id)))
    }

    /// Checks what a batch holds.
    ///
    /// # Errors
    /// `LimitExceeded` if it, or one event of it, has too much of something.
    pub fn check_batch(&self, extent: &Extent) -> Result<()> {
        within("events in a batch", extent.events, self.batch_events_max)?;
        within("bytes in a batch", extent.bytes, self.batch_bytes_max)?;
        within("bytes in one event", extent.event_bytes, self.event_bytes_max)?;
        within("tags in one event", extent.event_tags, self.tags_max)?;
        within("attributes in one event", extent.event_attributes, self.attributes_max)
    }

    /// Checks that an event does not lie too far beyond the clock.
    ///
    /// # Errors
    /// `InvalidTime` if it lies beyond `now` plus [`Limits::future_max`].
    pub fn check_future(&self, occurred_at: Timestamp, now: Timestamp) -> Result<()> {
        if occurred_at <= now + self.future_max {
            return Ok(());
        }
        let message = format_args!(
            "it occurred at {occurred_at}, more than {} s beyond the clock ({now}); mend the source's time or raise \
             future_max",
            self.future_max.as_micros() / 1_000_000
        );
        Err(Error::new(ErrorKind::InvalidTime, message))
    }
}

/// How much a batch holds, and the most that one event of it holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Extent {
    /// Events.
    pub events: usize,
    /// Bytes of all events.
    pub bytes: usize,
    /// Bytes of the largest event.
    pub event_bytes: usize,
    /// Most tags of one event.
    pub event_tags: usize,
    /// Most attributes of one event.
    pub event_attributes: usize,
}

impl Extent {
    /// The extent with one more event.
    pub(crate) fn with(self, event: &JourneyEvent) -> Self {
        let bytes = event.size_bytes();
        Self {
            events: self.events + 1,
            bytes: self.bytes + bytes,
            event_bytes: self.event_bytes.max(bytes),
            event_tags: self.event_tags.max(event.tags.len()),
            event_attributes: self.event_attributes.max(event.attributes.len()),
        }
    }
}

fn within(what: &str, found: usize, most: usize) -> Result<()> {
    if found <= most {
        return Ok(());
    }
    Err(Error::new(ErrorKind::LimitExceeded, format_args!("{found} {what}; at most {most} are taken")))
}

impl JourneyEvent {
    /// The bytes that count against the limits: its texts, and eight for any other value.
    pub fn size_bytes(&self) -> usize {
        let text = |value: &Option<String>| value.as_ref().map_or(0, String::len);
        let mut counter = SizeCounter::default();
        self.body.write(&mut counter);
        let tags: usize = self.tags.iter().map(|tag| tag.as_str().len()).sum();
        let attributes: usize =
            self.attributes.iter().map(|(name, value)| name.as_str().len() + value.size_bytes()).sum();
        let names = self.customer.tenant.as_str().len()
            + self.customer.customer.as_str().len()
            + self.journey.as_ref().map_or(0, |journey| journey.as_str().len());
        let actor = text(&self.source) + text(&self.actor.team) + text(&self.actor.person);
        counter.0 + tags + attributes + names + actor + 64
    }
}

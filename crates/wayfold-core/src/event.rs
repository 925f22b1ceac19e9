//! What a customer did: the event, its kinds, its JSON form, and the rules that it must keep.

mod attribute;
mod body;
mod columns;
mod json;
mod json_text;
mod limits;
mod line;
mod order;
mod raw;
mod raw_fields;
mod upcast;
mod validate;
mod words;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub use self::attribute::{AttributeValue, Attributes, NestedJson, attributes_from_json};
pub(crate) use self::body::{CUSTOM_NAME, UNKNOWN_FIELDS, UNKNOWN_KIND, Unknown};
pub use self::body::{EventBody, EventKind};
pub(crate) use self::columns::{FieldSink, FieldSource};
pub(crate) use self::json_text::without_place;
pub use self::limits::{Extent, Limits};
pub use self::line::OrderLine;
pub(crate) use self::line::{LineNumbers, margin_of};
pub use self::order::OrderKey;
pub use self::raw::RawEvent;
pub use self::raw_fields::{RawFields, UpcastResult};
pub use self::upcast::{Upcasters, UpcastersBuilder};
/// A struct for each kind, declared by one macro, and the words that they use.
pub mod bodies {
    pub use super::body::*;
    pub use super::words::{
        Direction, Instrument, LearntHow, NeedNature, Priority, ProcurementStep, Sentiment, TermsSubject,
        Verdict,
    };
}

use crate::error::Result;
use crate::key::{AttributeName, CustomerKey, EventId, JourneyKey, Position, Tag};
use crate::stage::{Channel, Stage};
use crate::time::{EventTime, Timestamp};

/// Who acted for the business.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Actor {
    /// The team.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team: Option<String>,
    /// The person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person: Option<String>,
}

impl Actor {
    /// Says whether neither team nor person is named.
    pub fn is_empty(&self) -> bool {
        self.team.is_none() && self.person.is_none()
    }
}

/// One thing that happened to a customer.
///
/// Two events are equal when all that a source states is equal; `recorded_at` and `position` are what a
/// store adds, see [`JourneyEvent::same_content`]. The JSON form is described in the crate's
/// [JSON section](crate#the-json-form-of-an-event).
///
/// ```
/// use wayfold_core::{Currency, CustomerKey, EventId, JourneyEvent, Money, OrderPlaced, Tag, Timestamp};
///
/// let placed = OrderPlaced {
///     lines: vec![],
///     amount: Money::parse("29.33", Currency::USD)?,
///     promised_at: None,
/// };
/// let at = Timestamp::parse("1997-01-01T00:00:00Z")?;
/// let event = JourneyEvent::new(EventId::from_u128(1), CustomerKey::new("c1")?, at, placed)
///     .with_tag(Tag::order("o1")?);
/// assert!(event.validate().is_ok());
/// # Ok::<(), wayfold_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "RawEvent")]
#[non_exhaustive]
pub struct JourneyEvent {
    /// The id, taken once per tenant.
    pub id: EventId,
    /// Whose event it is.
    pub customer: CustomerKey,
    /// The journey to which it belongs; without one it belongs to the customer alone.
    pub journey: Option<JourneyKey>,
    /// When it happened.
    pub occurred_at: EventTime,
    /// When the source received it, if the source says so.
    pub received_at: Option<Timestamp>,
    /// Orders events of one instant where the source does; 0 otherwise.
    pub sequence: u32,
    /// What happened.
    pub body: EventBody,
    /// The version of the kind's shape: the current one, or, for a user's own kind, the one in which the user
    /// writes it; see [`Upcasters`].
    pub schema_version: u16,
    /// The stage that a neutral event names; other kinds have their own.
    pub stage: Option<Stage>,
    /// The objects that it touches.
    pub tags: BTreeSet<Tag>,
    /// What else the user keeps.
    pub attributes: Attributes,
    /// Where it happened.
    pub channel: Option<Channel>,
    /// The system that it comes from.
    pub source: Option<String>,
    /// Who acted for the business.
    pub actor: Actor,
    /// Joins what one request caused.
    pub correlation: Option<Uuid>,
    /// The event that caused it.
    pub causation: Option<EventId>,
    /// When the store took it; set by the store alone.
    pub recorded_at: Option<Timestamp>,
    /// Where it stands in the log; set by the store alone.
    pub position: Option<Position>,
}

impl JourneyEvent {
    /// Makes an event with what every event has; the rest is empty.
    pub fn new(
        id: EventId,
        customer: CustomerKey,
        occurred_at: impl Into<EventTime>,
        body: impl Into<EventBody>,
    ) -> Self {
        let body = body.into();
        Self {
            id,
            customer,
            journey: None,
            occurred_at: occurred_at.into(),
            received_at: None,
            sequence: 0,
            schema_version: body.kind().schema_version(),
            body,
            stage: None,
            tags: BTreeSet::new(),
            attributes: Attributes::new(),
            channel: None,
            source: None,
            actor: Actor::default(),
            correlation: None,
            causation: None,
            recorded_at: None,
            position: None,
        }
    }

    /// Puts the event into a journey.
    pub fn with_journey(mut self, journey: JourneyKey) -> Self {
        self.journey = Some(journey);
        self
    }

    /// Adds an object that the event touches.
    pub fn with_tag(mut self, tag: Tag) -> Self {
        self.tags.insert(tag);
        self
    }

    /// Says where it happened.
    pub fn with_channel(mut self, channel: Channel) -> Self {
        self.channel = Some(channel);
        self
    }

    /// Orders the event among those of the same instant.
    pub fn with_sequence(mut self, sequence: u32) -> Self {
        self.sequence = sequence;
        self
    }

    /// Says in which version of its shape an event of a user's own kind is written; without it in version 1.
    pub fn with_schema_version(mut self, schema_version: u16) -> Self {
        self.schema_version = schema_version;
        self
    }

    /// Names the stage of a neutral event.
    pub fn with_stage(mut self, stage: Stage) -> Self {
        self.stage = Some(stage);
        self
    }

    /// Adds an attribute.
    pub fn with_attribute(mut self, name: AttributeName, value: impl Into<AttributeValue>) -> Self {
        self.attributes.insert(name, value.into());
        self
    }

    /// Names the system that the event comes from.
    pub fn with_source(mut self, source: impl Into<String>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Names who acted for the business.
    pub fn with_actor(mut self, actor: Actor) -> Self {
        self.actor = actor;
        self
    }

    /// The kind.
    pub fn kind(&self) -> EventKind {
        self.body.kind()
    }

    /// Says whether both state the same: all but `recorded_at` and `position`.
    pub fn same_content(&self, other: &Self) -> bool {
        let stated = |event: &Self| Self { recorded_at: None, position: None, ..event.clone() };
        stated(self) == stated(other)
    }

    /// Checks the rules that no type can hold, with the default [`Limits`].
    ///
    /// # Errors
    /// `InvalidEvent` or `LimitExceeded`; the message names the event and says what to do.
    pub fn validate(&self) -> Result<()> {
        Limits::default().check_event(self)
    }
}

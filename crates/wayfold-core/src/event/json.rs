//! The JSON form of an event: a stored format, versioned by `schema_version`, read for ever.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize, Serializer};
use uuid::Uuid;

use super::attribute::read_attributes;
use super::body::EventBody;
use super::json_text::JsonText;
use super::raw::{RawEvent, stand_in};
use super::{Actor, Attributes, JourneyEvent, Upcasters};
use crate::error::{Error, ErrorKind, Result};
use crate::key::{CustomerId, CustomerKey, EventId, JourneyKey, Position, Tag, Tenant};
use crate::stage::{Channel, Stage};
use crate::time::{EventTime, Timestamp};

/// What is read.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct JsonEvent {
    id: EventId,
    #[serde(default)]
    tenant: Tenant,
    customer: CustomerId,
    journey: Option<JourneyKey>,
    occurred_at: EventTime,
    received_at: Option<Timestamp>,
    #[serde(default)]
    sequence: u32,
    kind: String,
    schema_version: u16,
    #[serde(default)]
    fields: JsonText,
    stage: Option<Stage>,
    #[serde(default)]
    tags: BTreeSet<Tag>,
    #[serde(default, deserialize_with = "read_attributes")]
    attributes: Attributes,
    channel: Option<Channel>,
    source: Option<String>,
    #[serde(default)]
    actor: Actor,
    correlation: Option<Uuid>,
    causation: Option<EventId>,
    recorded_at: Option<Timestamp>,
    position: Option<Position>,
}

impl From<JsonEvent> for RawEvent {
    fn from(json: JsonEvent) -> Self {
        let event = JourneyEvent {
            id: json.id,
            customer: CustomerKey { tenant: json.tenant, customer: json.customer },
            journey: json.journey,
            occurred_at: json.occurred_at,
            received_at: json.received_at,
            sequence: json.sequence,
            body: stand_in(),
            schema_version: json.schema_version,
            stage: json.stage,
            tags: json.tags,
            attributes: json.attributes,
            channel: json.channel,
            source: json.source,
            actor: json.actor,
            correlation: json.correlation,
            causation: json.causation,
            recorded_at: json.recorded_at,
            position: json.position,
        };
        Self::of_parts(json.kind, json.fields, event)
    }
}

/// What is written.
#[derive(Serialize)]
struct JsonEventRef<'a> {
    id: EventId,
    #[serde(skip_serializing_if = "Tenant::is_default")]
    tenant: &'a Tenant,
    customer: &'a CustomerId,
    #[serde(skip_serializing_if = "Option::is_none")]
    journey: Option<&'a JourneyKey>,
    occurred_at: EventTime,
    #[serde(skip_serializing_if = "Option::is_none")]
    received_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "is_zero")]
    sequence: u32,
    kind: &'a str,
    schema_version: u16,
    fields: &'a EventBody,
    #[serde(skip_serializing_if = "Option::is_none")]
    stage: Option<Stage>,
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    tags: &'a BTreeSet<Tag>,
    #[serde(skip_serializing_if = "Attributes::is_empty")]
    attributes: &'a Attributes,
    #[serde(skip_serializing_if = "Option::is_none")]
    channel: Option<Channel>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<&'a str>,
    #[serde(skip_serializing_if = "Actor::is_empty")]
    actor: &'a Actor,
    #[serde(skip_serializing_if = "Option::is_none")]
    correlation: Option<Uuid>,
    #[serde(skip_serializing_if = "Option::is_none")]
    causation: Option<EventId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    recorded_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    position: Option<Position>,
}

fn is_zero(number: &u32) -> bool {
    *number == 0
}

impl JourneyEvent {
    /// Reads an event from its JSON form and lifts it from an older version, by the library's own steps and by
    /// those that are given.
    ///
    /// What has no chain of one's own is read by `serde_json::from_str` just as well.
    ///
    /// # Errors
    /// `Malformed` if the text is no event; as [`Upcasters::lift_input`] otherwise.
    pub fn from_json(text: &str, upcasters: &Upcasters) -> Result<Self> {
        let raw = serde_json::from_str(text).map_err(|error| Error::new(ErrorKind::Malformed, error))?;
        upcasters.lift_input(raw)
    }

    /// The name of the kind as documents write it.
    pub(super) fn kind_in_json(&self) -> &str {
        match &self.body {
            EventBody::Unknown(unknown) => unknown.kind(),
            body => body.kind().name(),
        }
    }
}

impl Serialize for JourneyEvent {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        JsonEventRef {
            id: self.id,
            tenant: &self.customer.tenant,
            customer: &self.customer.customer,
            journey: self.journey.as_ref(),
            occurred_at: self.occurred_at,
            received_at: self.received_at,
            sequence: self.sequence,
            kind: self.kind_in_json(),
            schema_version: self.schema_version,
            fields: &self.body,
            stage: self.stage,
            tags: &self.tags,
            attributes: &self.attributes,
            channel: self.channel,
            source: self.source.as_deref(),
            actor: &self.actor,
            correlation: self.correlation,
            causation: self.causation,
            recorded_at: self.recorded_at,
            position: self.position,
        }
        .serialize(serializer)
    }
}

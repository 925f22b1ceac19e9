//! An event in its raw form: the envelope is read, the body is not, so that older shapes can still be lifted.

use serde::Deserialize;

use super::body::{EventBody, Registered, Unknown};
use super::json::JsonEvent;
use super::json_text::{JsonText, without_place};
use super::raw_fields::RawFields;
use super::{JourneyEvent, Upcasters};
use crate::error::{Error, ErrorKind, Result};
use crate::key::EventId;

/// An event whose envelope is read and whose body is not: the kind by name, the schema version, and the fields
/// as the JSON in which they came.
///
/// It is what an event is before [`Upcasters`] lift it. Reading one from JSON checks all but the body.
///
/// ```
/// use wayfold_core::{JourneyEvent, RawEvent, Upcasters};
///
/// let json = r#"{"id":"00000000-0000-0000-0000-000000000007","customer":"ada","kind":"need_identified",
///     "occurred_at":"2024-03-01T10:00:00Z","schema_version":1,"fields":{"category":"lamps"}}"#;
/// let raw: RawEvent = serde_json::from_str(json).unwrap();
/// assert_eq!((raw.kind(), raw.schema_version()), ("need_identified", 1));
/// let event: JourneyEvent = Upcasters::default().lift_input(raw)?;
/// assert_eq!(event, serde_json::from_str(json).unwrap());
/// # Ok::<(), wayfold_core::Error>(())
/// ```
#[derive(Debug, Clone, Deserialize)]
#[serde(from = "JsonEvent")]
pub struct RawEvent {
    kind: String,
    fields: JsonText,
    /// The envelope, the attributes and the schema version; a stand-in is in the place of the body.
    event: JourneyEvent,
}

impl RawEvent {
    /// Puts together what a store kept in parts: the name of the kind, the fields as a JSON object, and the rest
    /// in an event, whose schema version counts and whose body does not.
    ///
    /// # Errors
    /// `Malformed` if the fields are no JSON.
    pub fn new(kind: impl Into<String>, fields_json: &str, event: JourneyEvent) -> Result<Self> {
        let (kind, id) = (kind.into(), event.id);
        let fields = serde_json::from_str(fields_json).map_err(|error| {
            let message = format_args!("event {id}: fields of {kind:?}: {}", without_place(&error));
            Error::new(ErrorKind::Malformed, message)
        })?;
        Ok(Self::of_parts(kind, fields, event))
    }

    pub(super) fn of_parts(kind: String, fields: JsonText, event: JourneyEvent) -> Self {
        Self { kind, fields, event }
    }

    /// The raw form of an event whose body is read.
    pub(super) fn of(mut event: JourneyEvent) -> Self {
        let kind = event.kind_in_json().to_owned();
        let fields = JsonText::of(&event.body).expect("every body has a JSON form");
        event.body = stand_in();
        Self::of_parts(kind, fields, event)
    }

    /// The id.
    pub fn id(&self) -> EventId {
        self.event.id
    }

    /// The name of the kind in documents; `custom` for a user's own.
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// The version of the kind's shape in which the event was written.
    pub fn schema_version(&self) -> u16 {
        self.event.schema_version
    }

    pub(super) fn fields(&self) -> &JsonText {
        &self.fields
    }

    /// Takes out what steps change.
    pub(super) fn take_fields(&mut self) -> Result<RawFields> {
        RawFields::new(&self.fields, std::mem::take(&mut self.event.attributes))
    }

    /// Puts back what steps changed, in the version to which they lead.
    pub(super) fn with_fields(mut self, fields: RawFields, schema_version: u16) -> Result<Self> {
        (self.fields, self.event.attributes) = fields.into_parts()?;
        self.event.schema_version = schema_version;
        Ok(self)
    }

    /// Reads the body in the shape that this version of the library knows.
    pub(super) fn read(self) -> Result<JourneyEvent> {
        let body = EventBody::from_json(&self.kind, &self.fields)?;
        Ok(JourneyEvent { body, ..self.event })
    }

    /// Keeps the body as it came, also where the kind is known: how a store reads an event back that was unknown when it
    /// was taken, so that storing it again changes nothing.
    ///
    /// # Errors
    /// `Malformed` if the fields are no JSON object.
    pub fn keep(self) -> Result<JourneyEvent> {
        let body = Unknown::kept(self.kind, self.fields.as_str())?.into();
        Ok(JourneyEvent { body, ..self.event })
    }
}

/// The body of an envelope whose own body is not read.
pub(super) fn stand_in() -> EventBody {
    Registered {}.into()
}

impl TryFrom<RawEvent> for JourneyEvent {
    type Error = Error;

    /// Reads the body with the library's own steps alone.
    fn try_from(raw: RawEvent) -> Result<Self> {
        Upcasters::default().lift_input(raw)
    }
}

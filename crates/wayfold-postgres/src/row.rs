//! Events as rows: typed columns, and JSON for the fields of the kind and the user's attributes.

use std::borrow::Cow;

use bytes::{BufMut, BytesMut};
use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio_postgres::Row;
use tokio_postgres::types::{FromSql, IsNull, Json, ToSql, Type};
use uuid::Uuid;
use wayfold_core::{
    Actor, Attributes, BatchBuilder, Channel, CustomerKey, EventBatch, EventBody, EventId, EventKind,
    EventTime, EventView, JourneyEvent, JourneyKey, Limits, Position, RawEvent, Registered, Stage, Tag,
    Timestamp, Upcasters, VirtualShard, spread,
};
use wayfold_store::{Error, ErrorKind, Result};

use crate::error::corrupt;
use crate::place::Place;
use crate::text::{restored, stored};

/// What begins the kind of a user's own.
pub(crate) const CUSTOM: &str = "custom:";

/// How many columns are written, those by which an event is found behind those that are read.
const WRITTEN: usize = 26;

/// What a binary copy begins with, in the format of PostgreSQL's manual under COPY.
pub(crate) const COPY_BEGIN: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
/// What it ends with.
pub(crate) const COPY_END: i16 = -1;

/// The kind as it is stored. One of a user's own that is kept in a newer version of its shape is found by its name too.
pub(crate) fn kind<'a>(event: &EventView<'a>) -> Cow<'a, str> {
    #[derive(Deserialize)]
    struct Named {
        name: String,
    }
    let name = event.kind_name();
    if event.kind() != EventKind::Unknown || name != EventKind::CustomNeutral.name() {
        return name;
    }
    let EventBody::Unknown(unknown) = event.to_event().body else { return name };
    let named: Option<Named> = serde_json::from_str(unknown.fields_json()).ok();
    format!("{CUSTOM}{}", named.map(|named| named.name).unwrap_or_default()).into()
}

/// A number by which a tag is found.
pub(crate) fn tag_number(tag: &str) -> i64 {
    spread(&[tag.as_bytes()]).cast_signed()
}

/// Writes an event as the next row of a binary copy.
pub(crate) fn write(
    out: &mut BytesMut,
    event: &EventView<'_>,
    place: Place,
    recorded_at: Timestamp,
) -> Result<()> {
    let kind = kind(event);
    let event = event.to_event();
    let optional = |text: Option<&'_ str>| text.map(|text| stored(text).into_owned());
    let tags: Vec<_> = event.tags.iter().map(|tag| stored(tag.as_str())).collect();
    let tag_numbers: Vec<i64> = event.tags.iter().map(|tag| tag_number(tag.as_str())).collect();
    let shard = i16::from(VirtualShard::of(&event.customer).number());
    let row: [(&dyn ToSql, Type); WRITTEN] = [
        (&place.transaction, Type::INT8),
        (&place.number, Type::INT8),
        (&recorded_at.to_chrono(), Type::TIMESTAMPTZ),
        (&event.id.0, Type::UUID),
        (&stored(event.customer.tenant.as_str()), Type::TEXT),
        (&stored(event.customer.customer.as_str()), Type::TEXT),
        (&optional(event.journey.as_ref().map(JourneyKey::as_str)), Type::TEXT),
        (&event.occurred_at.instant().to_chrono(), Type::TIMESTAMPTZ),
        (&event.occurred_at.offset_minutes(), Type::INT2),
        (&event.received_at.map(Timestamp::to_chrono), Type::TIMESTAMPTZ),
        (&i64::from(event.sequence), Type::INT8),
        (&stored(&kind), Type::TEXT),
        (&matches!(event.body, EventBody::Unknown(_)), Type::BOOL),
        (&i32::from(event.schema_version), Type::INT4),
        (&event.stage.map(Stage::as_str), Type::TEXT),
        (&event.channel.map(Channel::as_str), Type::TEXT),
        (&optional(event.source.as_deref()), Type::TEXT),
        (&optional(event.actor.team.as_deref()), Type::TEXT),
        (&optional(event.actor.person.as_deref()), Type::TEXT),
        (&event.correlation, Type::UUID),
        (&event.causation.map(|id| id.0), Type::UUID),
        (&tags, Type::TEXT_ARRAY),
        (&Json(&event.body), Type::JSON),
        (&Json(&event.attributes), Type::JSON),
        (&tag_numbers, Type::INT8_ARRAY),
        (&shard, Type::INT2),
    ];
    out.put_i16(WRITTEN as i16);
    for (value, of) in row {
        put(out, value, &of).map_err(|source| {
            let message = format_args!("write event {}: it is larger than PostgreSQL stores", event.id);
            Error::new(ErrorKind::Unsupported, message).with_source(source)
        })?;
    }
    Ok(())
}

/// Writes a value behind its length, which is -1 for none.
fn put(
    out: &mut BytesMut,
    value: &dyn ToSql,
    of: &Type,
) -> std::result::Result<(), Box<dyn std::error::Error + Sync + Send>> {
    let begin = out.len();
    out.put_i32(-1);
    if let IsNull::No = value.to_sql_checked(of, out)? {
        let length = i32::try_from(out.len() - begin - size_of::<i32>())?;
        out[begin..begin + size_of::<i32>()].copy_from_slice(&length.to_be_bytes());
    }
    Ok(())
}

/// Gathers the events of rows, as they were written, with their places and recording times.
#[derive(Debug)]
pub(crate) struct Rows(BatchBuilder);

impl Default for Rows {
    fn default() -> Self {
        Self(BatchBuilder::new(Limits::default()))
    }
}

impl Rows {
    pub(crate) fn push(&mut self, row: &Row) -> Result<()> {
        self.0.push_stored(&read(row)?);
        Ok(())
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn finish(self) -> EventBatch {
        self.0.finish()
    }
}

/// Reads the events of rows.
pub(crate) fn batch(rows: &[Row]) -> Result<EventBatch> {
    let mut read = Rows::default();
    rows.iter().try_for_each(|row| read.push(row))?;
    Ok(read.finish())
}

/// Where the event of a row stands.
pub(crate) fn place(row: &Row) -> Result<Place> {
    Ok(Place { transaction: get(row, 0)?, number: get(row, 1)? })
}

fn read(row: &Row) -> Result<JourneyEvent> {
    let id: Uuid = get(row, 3)?;
    let damaged = |what: &dyn std::fmt::Display| corrupt(format_args!("read event {id}: {what}"));
    let wrong = |error: wayfold_core::Error| damaged(&error);
    let text = |column| -> Result<Option<String>> {
        let Some(text) = get::<Option<&str>>(row, column)? else { return Ok(None) };
        let text =
            restored(text).ok_or_else(|| damaged(&"a text has a mark of U+2400 that nothing writes"))?;
        Ok(Some(text.into_owned()))
    };
    let required = |column| -> Result<String> { Ok(text(column)?.unwrap_or_default()) };
    let time = |at: DateTime<Utc>| Timestamp::from_micros(at.timestamp_micros()).map_err(wrong);
    let number = |column| get::<i64>(row, column);

    let customer = CustomerKey::in_tenant(required(4)?, required(5)?).map_err(wrong)?;
    let occurred_at = EventTime::new(time(get(row, 7)?)?, get(row, 8)?).map_err(wrong)?;
    let mut event = JourneyEvent::new(EventId(id), customer, occurred_at, Registered {});
    event.position = Some(Position::from(place(row)?));
    event.recorded_at = Some(time(get(row, 2)?)?);
    event.journey = text(6)?.map(JourneyKey::new).transpose().map_err(wrong)?;
    event.received_at = get::<Option<DateTime<Utc>>>(row, 9)?.map(time).transpose()?;
    event.sequence = u32::try_from(number(10)?).map_err(|error| damaged(&error))?;
    event.schema_version = u16::try_from(get::<i32>(row, 13)?).map_err(|error| damaged(&error))?;
    event.stage = get::<Option<&str>>(row, 14)?.map(Stage::parse).transpose().map_err(wrong)?;
    event.channel = get::<Option<&str>>(row, 15)?.map(Channel::parse).transpose().map_err(wrong)?;
    event.source = text(16)?;
    event.actor = Actor { team: text(17)?, person: text(18)? };
    event.correlation = get(row, 19)?;
    event.causation = get::<Option<Uuid>>(row, 20)?.map(EventId);
    for tag in get::<Vec<&str>>(row, 21)? {
        let tag = restored(tag).ok_or_else(|| damaged(&"a tag has a mark of U+2400 that nothing writes"))?;
        event.tags.insert(Tag::parse(tag).map_err(wrong)?);
    }
    Json(event.attributes) = get::<Json<Attributes>>(row, 23)?;

    let kind = required(11)?;
    let kind = if kind.starts_with(CUSTOM) { EventKind::CustomNeutral.name().to_owned() } else { kind };
    let Json(fields) = get::<Json<Box<RawValue>>>(row, 22)?;
    let raw = RawEvent::new(kind, fields.get(), event).map_err(wrong)?;
    let is_unknown: bool = get(row, 12)?;
    if is_unknown { raw.keep() } else { Upcasters::default().lift_stored(raw) }.map_err(wrong)
}

fn get<'a, T: FromSql<'a>>(row: &'a Row, column: usize) -> Result<T> {
    row.try_get(column)
        .map_err(|error| corrupt("read a row of the log: a column is not as it was made").with_source(error))
}

//! Rows in other shapes than today's: kept as unknown when a batch is read, lifted when somebody asks.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::builder::BatchBuilder;
use super::columns::{Columns, Named};
use super::{EventBatch, EventView};
use crate::error::{Error, ErrorKind, Result};
use crate::event::{EventKind, Limits, Unknown, Upcasters};
use crate::key::EventId;
use crate::money::Amount;
use crate::time::Timestamp;

/// The fields of foreign rows are spelled out one by one, where columns may hold the same long text for each; so
/// they are bounded, by what the default limits let a batch hold.
const FOREIGN_BYTES_MAX: usize = 512 << 20;

/// A row whose kind, or the version of it, is not one of today's.
pub(super) struct ForeignRow {
    pub(super) row: usize,
    pub(super) kind: String,
}

impl EventBatch {
    /// The same events with those in older shapes lifted to today's.
    ///
    /// A batch that was read from bytes keeps such events as unknown, with all their fields, so that storing it
    /// again changes nothing; see [`Upcasters`] for what becomes of them here.
    ///
    /// # Errors
    /// As [`Upcasters::lift_event`], and as [`EventBatch::check`] where something is lifted.
    pub fn lifted(&self, upcasters: &Upcasters) -> Result<Self> {
        let may_change =
            |kind: EventKind| kind == EventKind::Unknown || (upcasters.has_chains() && kind.is_custom());
        let lift = |event: EventView<'_>| {
            may_change(event.kind()).then(|| upcasters.lift_event(event.to_event())).transpose()
        };
        let may_any = self.columns().rare_kinds().unknown || upcasters.has_chains();
        if !may_any || !self.columns().kind.iter().any(|kind| may_change(*kind)) {
            return Ok(self.clone());
        }
        let mut changed = BatchBuilder::new(Limits::default());
        let mut places = Vec::new();
        for event in self.iter() {
            if let Some(lifted) = lift(event)? {
                places.push((event.row(), changed.len()));
                changed.push_trusted(&lifted);
            }
        }
        let lifted = self.with_rows(&places, changed);
        self.failure().map_or(Ok(lifted), |error| Err(error.clone()))
    }

    /// The same events with some rows from another batch.
    fn with_rows(&self, places: &[(usize, usize)], others: BatchBuilder) -> Self {
        let others = others.finish();
        let mut places = places.iter().copied().peekable();
        Self::from_views(self.iter().map(|event| match places.next_if(|(row, _)| *row == event.row()) {
            Some((_, place)) => others.event(place),
            None => event,
        }))
    }

    /// Keeps foreign rows as unknown events, with the fields that their columns hold.
    pub(super) fn with_foreign(columns: Columns, rows: &[ForeignRow]) -> Result<Self> {
        let batch = Self { columns: Arc::new(columns) };
        if rows.is_empty() {
            return Ok(batch);
        }
        let mut kept = BatchBuilder::new(Limits::default());
        let mut places = Vec::with_capacity(rows.len());
        let mut room = FOREIGN_BYTES_MAX;
        for ForeignRow { row, kind } in rows {
            let event = batch.event(*row);
            let fields = Value::Object(batch.fields_json(*row as u32)?).to_string();
            room = room.checked_sub(fields.len()).ok_or_else(|| {
                let message = "the fields of events of other versions take more than 512 MiB as JSON";
                Error::new(ErrorKind::LimitExceeded, message)
            })?;
            let body = Unknown::kept(kind.clone(), &fields)?;
            places.push((*row, kept.len()));
            kept.push_trusted(&event.with_body(body.into()));
        }
        Ok(batch.with_rows(&places, kept))
    }

    /// The fields of a row as the JSON form has them, whatever its kind.
    fn fields_json(&self, row: u32) -> Result<Map<String, Value>> {
        let columns = self.columns();
        let (fields, texts) = (&columns.fields, &columns.texts);
        let mut json = Map::new();
        let text = |number: u32| Value::from(texts.get(number));
        add(&mut json, &fields.texts, row, |number| Ok(text(number)))?;
        add(&mut json, &fields.integers, row, |value| Ok(Value::from(value)))?;
        add(&mut json, &fields.booleans, row, |value| Ok(Value::from(value)))?;
        add(&mut json, &fields.times, row, |micros| to_value(Timestamp::trusted(micros)))?;
        add(&mut json, &fields.amounts, row, |value| to_value(Amount::from_ten_thousandths(value)))?;
        add(&mut json, &fields.moneys, row, to_value)?;
        add(&mut json, &fields.ids, row, |id| to_value(EventId::from_u128(id)))?;
        add(&mut json, &fields.jsons, row, |number| {
            serde_json::from_str(texts.get(number)).map_err(no_json)
        })?;
        let event = self.event(row as usize);
        let facts = event.facts();
        if let Some(amount) = facts.amount {
            insert(&mut json, "amount", to_value(amount)?)?;
        }
        if let Some(promised_at) = facts.promised_at {
            insert(&mut json, "promised_at", to_value(promised_at)?)?;
        }
        if facts.lines.is_some() {
            let lines: Vec<_> = event.lines().map(|line| line.to_line()).collect();
            insert(&mut json, "lines", to_value(lines)?)?;
        }
        Ok(json)
    }
}

/// Adds a field; a second value under its name would be lost quietly.
fn insert(json: &mut Map<String, Value>, name: &str, value: Value) -> Result<()> {
    match json.insert(name.to_owned(), value) {
        None => Ok(()),
        Some(_) => {
            let message = format_args!("field {name:?} stands twice in one event");
            Err(Error::new(ErrorKind::Malformed, message))
        }
    }
}

fn add<T: Copy>(
    json: &mut Map<String, Value>,
    columns: &Named<T>,
    row: u32,
    value: impl Fn(T) -> Result<Value>,
) -> Result<()> {
    for (name, column) in columns {
        if let Some(found) = column.get(row) {
            insert(json, name, value(found)?)?;
        }
    }
    Ok(())
}

fn to_value(value: impl serde::Serialize) -> Result<Value> {
    serde_json::to_value(value).map_err(no_json)
}

#[expect(clippy::needless_pass_by_value, reason = "it maps an error")]
fn no_json(error: serde_json::Error) -> Error {
    Error::new(ErrorKind::Malformed, format_args!("a field has no JSON form: {error}"))
}

//! Rows into events.

use std::collections::HashMap;

use serde_json::{Map, Value, json};
use wayfold_core::{
    Actor, Channel, CustomerId, CustomerKey, EventBody, EventTime, JourneyEvent, JourneyKey, Position,
    RawEvent, Registered, Stage, Tenant, Upcasters, attributes_from_json,
};

use super::columns::{CUSTOM_FIELDS, Form, column_of, currency_of, field_of};
use super::layout::Layout;
use super::read::{Rows, Values};
use super::row::{Result, Row};
use crate::error::Problem;
use crate::kinds::{self, FieldSpec, FieldType, FieldValue, KindSpec};
use crate::row::{ColumnId, Fault};

/// Stands before the name of a user's own kind.
const CUSTOM_PREFIX: &str = "custom:";
/// The kind of all users' own kinds.
const CUSTOM: &str = "custom";

/// Makes events of the rows of a file.
pub(super) struct Maker {
    upcasters: Upcasters,
    at: Places,
    kinds: HashMap<&'static str, KindColumns>,
    fields: Vec<FieldColumn>,
}

/// Where in the file the columns are that every event has.
struct Places {
    id: Option<usize>,
    tenant: Option<usize>,
    customer: Option<usize>,
    occurred_at: Option<usize>,
    offset_minutes: Option<usize>,
    sequence: Option<usize>,
    kind: Option<usize>,
    schema_version: Option<usize>,
    stage: Option<usize>,
    named_stage: Option<usize>,
    journey: Option<usize>,
    order_id: Option<usize>,
    channel: Option<usize>,
    source: Option<usize>,
    actor_team: Option<usize>,
    actor_person: Option<usize>,
    correlation: Option<usize>,
    causation: Option<usize>,
    received_at: Option<usize>,
    recorded_at: Option<usize>,
    position: Option<usize>,
    attributes: Option<usize>,
    unknown_fields: Option<usize>,
    tags: Option<usize>,
    lines: [Option<usize>; 5],
}

/// A kind with the columns of its fields, in their order; the second is that of a currency.
struct KindColumns {
    spec: KindSpec,
    columns: Vec<[Option<usize>; 2]>,
}

/// A flat column that holds a field of kinds.
struct FieldColumn {
    place: usize,
    name: String,
    form: Form,
    /// The column of the currency, if it is money.
    currency: Option<usize>,
}

/// Rows with the columns of fields in which one of them has a value.
pub(super) struct Chunk<'a> {
    rows: &'a Rows,
    /// By their number among the columns of fields.
    fields: Vec<usize>,
}

/// What a row says of its kind.
struct Kind<'a> {
    /// The name that documents give the kind.
    name: &'a str,
    /// The name of a user's own kind.
    custom: Option<&'a str>,
    /// The stage to which a user's own kind belongs.
    custom_stage: Option<Stage>,
}

impl Maker {
    pub(super) fn new(layout: &Layout, upcasters: Upcasters) -> Self {
        let fields = layout.columns.iter().enumerate().filter(|(_, column)| column.is_field);
        let field = |(place, column): (usize, &super::layout::FileColumn)| FieldColumn {
            place,
            name: column.name.clone(),
            form: column.form,
            currency: layout.find(&currency_of(&column.name)).filter(|_| column.form == Form::Decimal),
        };
        let kinds = kinds::all().into_iter().map(|spec| (spec.name, KindColumns::new(spec, layout)));
        Self {
            upcasters,
            at: Places::new(layout),
            kinds: kinds.collect(),
            fields: fields.map(field).collect(),
        }
    }

    /// Prepares rows; most columns of fields are empty in all of them.
    pub(super) fn chunk<'a>(&self, rows: &'a Rows) -> Chunk<'a> {
        let has_any = |field: &FieldColumn| !matches!(rows.parts[field.place].values, Values::None);
        let fields = self.fields.iter().enumerate().filter(|(_, field)| has_any(field));
        Chunk { rows, fields: fields.map(|(number, _)| number).collect() }
    }

    fn live<'a>(&'a self, chunk: &'a Chunk<'_>) -> impl Iterator<Item = &'a FieldColumn> {
        chunk.fields.iter().map(|number| &self.fields[*number])
    }

    /// Makes the event of a row.
    pub(super) fn event(&self, chunk: &Chunk<'_>, row: usize) -> Result<JourneyEvent> {
        let (at, row) = (&self.at, Row::new(chunk.rows, row));
        let customer = CustomerKey {
            tenant: row.parse(at.tenant, Tenant::new)?.unwrap_or_default(),
            customer: row.needed(at.customer, row.parse(at.customer, CustomerId::new)?)?,
        };
        let instant = row.needed(at.occurred_at, row.time(at.occurred_at)?)?;
        let offset = row.number(at.offset_minutes)?.unwrap_or_default();
        let time = EventTime::new(instant, offset)
            .map_err(|error| Fault::core(at.offset_minutes.map(ColumnId), &offset.to_string(), &error))?;
        let id = row.needed(at.id, row.id(at.id)?)?;
        let mut event = JourneyEvent::new(id, customer, time, Registered {});
        event.sequence = row.number(at.sequence)?.unwrap_or_default();
        event.schema_version = row.needed(at.schema_version, row.number(at.schema_version)?)?;
        event.stage = row.parse(at.named_stage, Stage::parse)?;
        event.journey = row.parse(at.journey, JourneyKey::new)?;
        event.channel = row.parse(at.channel, Channel::parse)?;
        event.source = row.owned(at.source)?;
        event.actor = Actor { team: row.owned(at.actor_team)?, person: row.owned(at.actor_person)? };
        event.correlation = row.uuid(at.correlation)?;
        event.causation = row.id(at.causation)?;
        event.received_at = row.time(at.received_at)?;
        event.recorded_at = row.time(at.recorded_at)?;
        event.position = row.parse(at.position, |text| Position::try_from(text.to_owned()))?;
        event.attributes = row.parse(at.attributes, attributes_from_json)?.unwrap_or_default();
        event.tags = row.tags(at.tags)?;
        if event.recorded_at.is_some() != event.position.is_some() {
            let reason = "position and recorded_at stand together or not at all; empty both";
            return Err(row.fault(at.position, Problem::Contradiction, reason));
        }
        self.with_body(chunk, row, event)
    }

    fn with_body(&self, chunk: &Chunk<'_>, row: Row<'_>, mut event: JourneyEvent) -> Result<JourneyEvent> {
        let kind = row.needed(self.at.kind, row.text(self.at.kind)?)?;
        let stage = row.parse(self.at.stage, Stage::parse)?;
        let is_current =
            self.upcasters.current_version(kind).is_none_or(|current| current == event.schema_version);
        let custom = kind.strip_prefix(CUSTOM_PREFIX);
        let custom_stage = stage.filter(|_| custom.is_some() && event.stage.is_none());
        let kind = Kind { name: custom.map_or(kind, |_| CUSTOM), custom, custom_stage };
        let has_columns = !row.has(self.at.unknown_fields) && (custom.is_some() || kind.name != CUSTOM);
        match self.kinds.get(kind.name) {
            Some(columns) if is_current && has_columns => {
                event.body = self.body(chunk, row, columns, &kind)?;
                self.check_derived(row, stage, &event)?;
                Ok(event)
            }
            _ => self.lift(chunk, row, &kind, event),
        }
    }

    /// Reads the fields of a kind in its current shape from their columns.
    fn body(&self, chunk: &Chunk<'_>, row: Row<'_>, kind: &KindColumns, of: &Kind<'_>) -> Result<EventBody> {
        self.check_foreign(chunk, row, kind)?;
        let fields = || kind.spec.fields.iter().zip(&kind.columns);
        let value = |(field, columns): (&FieldSpec, &[Option<usize>; 2])| match (of.custom, field.name) {
            (Some(name), "name") => Ok(FieldValue::Text(name.to_owned())),
            (Some(_), "stage") => Ok(of
                .custom_stage
                .map_or(FieldValue::Absent, |stage| FieldValue::Text(stage.as_str().to_owned()))),
            _ => self.field(row, field.field_type, *columns),
        };
        let mut values = Vec::with_capacity(kind.columns.len());
        for (field, columns) in fields() {
            let found = value((field, columns))?;
            if field.is_required && matches!(found, FieldValue::Absent) {
                let name = kind.spec.name;
                let reason = format!("{name} needs its {}; fill it in", field.name);
                return Err(row.fault(columns[0], Problem::MissingValue, &reason));
            }
            values.push(found);
        }
        (kind.spec.build)(&mut values).map_err(|error| {
            let is_wrong = |(field, columns): &(&FieldSpec, &[Option<usize>; 2])| {
                value((field, columns)).is_ok_and(|found| (field.check)(found).is_err())
            };
            let column =
                fields().find(is_wrong).map_or(self.at.kind, |(_, columns)| columns[0].or(self.at.kind));
            row.core(column, &error)
        })
    }

    /// Refuses values in columns that the kind does not have.
    fn check_foreign(&self, chunk: &Chunk<'_>, row: Row<'_>, kind: &KindColumns) -> Result<()> {
        let is_known = |place: usize| kind.columns.iter().flatten().any(|known| *known == Some(place));
        let foreign = self.live(chunk).map(|field| field.place);
        let mut foreign = foreign.filter(|place| row.has(Some(*place)) && !is_known(*place));
        let has_lines = || kind.spec.fields.iter().any(|field| field.field_type == FieldType::Lines);
        let found =
            foreign.next().or_else(|| self.at.lines[0].filter(|_| self.has_lines(row) && !has_lines()));
        match found {
            None => Ok(()),
            Some(place) => {
                let reason = format!("{} has no such field; leave it empty", kind.spec.name);
                Err(row.fault(Some(place), Problem::InvalidEvent, &reason))
            }
        }
    }

    fn has_lines(&self, row: Row<'_>) -> bool {
        self.at.lines.into_iter().flatten().any(|column| !row.range(column).is_empty())
    }

    fn field(
        &self,
        row: Row<'_>,
        field_type: FieldType,
        [column, currency]: [Option<usize>; 2],
    ) -> Result<FieldValue> {
        let value = match field_type {
            FieldType::Text | FieldType::Word => row.owned(column)?.map(FieldValue::Text),
            FieldType::Integer => row.number(column)?.map(FieldValue::Integer),
            FieldType::Boolean => row.boolean(column).map(FieldValue::Boolean),
            FieldType::Decimal => row.amount(column)?.map(FieldValue::Decimal),
            FieldType::Time => row.time(column)?.map(FieldValue::Time),
            FieldType::Money => row.money(column, currency)?.map(FieldValue::Money),
            FieldType::Id => row.id(column)?.map(FieldValue::Id),
            FieldType::Lines if self.has_lines(row) => Some(FieldValue::Lines(row.lines(self.at.lines)?)),
            FieldType::Lines => None,
        };
        Ok(value.unwrap_or_default())
    }

    /// Refuses a row in which a column that follows from others says something else.
    fn check_derived(&self, row: Row<'_>, stage: Option<Stage>, event: &JourneyEvent) -> Result<()> {
        if stage.is_some_and(|stage| event.kind().stage().or(event.stage) != Some(stage)) {
            let reason = "the kind does not belong to that stage, and named_stage names another; empty it";
            return Err(row.fault(self.at.stage, Problem::Contradiction, reason));
        }
        let order = row.text(self.at.order_id)?;
        let is_tagged =
            |order: &str| event.tags.iter().any(|tag| tag.object_type() == "order" && tag.id() == order);
        if order.is_some_and(|order| !is_tagged(order)) {
            let reason = "no tag names that order; write the tag order:ID, or empty it";
            return Err(row.fault(self.at.order_id, Problem::Contradiction, reason));
        }
        Ok(())
    }

    /// Reads a kind that this version does not know, or knows in another shape, from its fields by name.
    fn lift(
        &self,
        chunk: &Chunk<'_>,
        row: Row<'_>,
        kind: &Kind<'_>,
        event: JourneyEvent,
    ) -> Result<JourneyEvent> {
        let mut fields = self.fields(chunk, row)?;
        if let Some(name) = kind.custom {
            fields.insert("name".to_owned(), name.into());
            if let Some(stage) = kind.custom_stage {
                fields.insert("stage".to_owned(), stage.as_str().into());
            }
        }
        let (column, fields) = match row.text(self.at.unknown_fields)? {
            None => (self.at.kind, Value::Object(fields).to_string()),
            Some(unknown) if fields.is_empty() => (self.at.unknown_fields, unknown.to_owned()),
            Some(_) => {
                let reason = "the event has fields in columns of their own too; keep one of the two";
                return Err(row.fault(self.at.unknown_fields, Problem::Contradiction, reason));
            }
        };
        let id = event.id;
        let lifted = RawEvent::new(kind.name, &fields, event).and_then(|raw| self.upcasters.lift_input(raw));
        lifted.map_err(|error| Fault {
            problem: Problem::Malformed,
            column: column.map(ColumnId),
            ..Fault::event(id, &error)
        })
    }

    /// The fields of a row by name, as their JSON form has them.
    fn fields(&self, chunk: &Chunk<'_>, row: Row<'_>) -> Result<Map<String, Value>> {
        let mut fields = Map::new();
        let is_currency = |place| self.live(chunk).any(|field| field.currency == Some(place));
        for field in self.live(chunk).filter(|field| row.has(Some(field.place))) {
            let place = Some(field.place);
            let value = match field.form {
                Form::Text if is_currency(field.place) => continue,
                Form::Text => json!(row.text(place)?),
                Form::Integer => json!(row.number::<i64>(place)?),
                Form::Boolean => json!(row.boolean(place)),
                Form::Time => json!(row.time(place)?),
                Form::Decimal if row.has(field.currency) => json!(row.money(place, field.currency)?),
                Form::Decimal => json!(row.amount(place)?),
            };
            fields.insert(field_of(&field.name).to_owned(), value);
        }
        if self.has_lines(row) {
            fields.insert("lines".to_owned(), json!(row.lines(self.at.lines)?));
        }
        Ok(fields)
    }
}

impl KindColumns {
    fn new(spec: KindSpec, layout: &Layout) -> Self {
        let is_custom = spec.kind.is_custom();
        let columns = |field: &FieldSpec| {
            if is_custom && CUSTOM_FIELDS.contains(&field.name) || field.field_type == FieldType::Lines {
                return [None, None];
            }
            let name = column_of(spec.name, field.name);
            let currency = (field.field_type == FieldType::Money).then(|| currency_of(name));
            [layout.find(name), currency.and_then(|currency| layout.find(&currency))]
        };
        let columns = spec.fields.iter().map(columns).collect();
        Self { spec, columns }
    }
}

impl Places {
    fn new(layout: &Layout) -> Self {
        let find = |name: &str| layout.find(name);
        Self {
            id: find("id"),
            tenant: find("tenant"),
            customer: find("customer"),
            occurred_at: find("occurred_at"),
            offset_minutes: find("offset_minutes"),
            sequence: find("sequence"),
            kind: find("kind"),
            schema_version: find("schema_version"),
            stage: find("stage"),
            named_stage: find("named_stage"),
            journey: find("journey"),
            order_id: find("order_id"),
            channel: find("channel"),
            source: find("source"),
            actor_team: find("actor_team"),
            actor_person: find("actor_person"),
            correlation: find("correlation"),
            causation: find("causation"),
            received_at: find("received_at"),
            recorded_at: find("recorded_at"),
            position: find("position"),
            attributes: find("attributes"),
            unknown_fields: find("unknown_fields"),
            tags: find("tags"),
            lines: ["product", "quantity", "list", "paid", "cost"].map(|name| find(&format!("lines.{name}"))),
        }
    }
}

//! Makes an event of a rule, the first of its rows, and what its rows have gathered.

use std::collections::BTreeSet;
use std::fmt::Write;

use csv::StringRecord;
use wayfold_core::{
    Actor, Attributes, Channel, CustomerId, CustomerKey, Error as CoreError, EventId, EventTime,
    JourneyEvent, JourneyKey, OrderLine, Tag, Tenant,
};

use crate::error::Problem;
use crate::kinds::{FieldType, FieldValue};
use crate::mapping::{Across, Gathered, IdRule, Memory, Rule, Sequence, Text, integer};
use crate::row::{Fault, Row};

/// What the rows of an event have gathered so far.
#[derive(Debug, Clone, Default)]
pub(crate) struct Gathering {
    time: Option<EventTime>,
    tags: BTreeSet<Tag>,
    values: Gathered,
}

impl Gathering {
    /// Forgets everything but the memory that it holds.
    pub(crate) fn clear(&mut self) {
        self.time = None;
        self.tags.clear();
        self.values.lines.clear();
        self.values.lines_total = 0;
        self.values.sums.clear();
    }

    /// Adds what a row says to the event of a rule.
    pub(crate) fn add(&mut self, rule: &Rule, row: &Row<'_>, memory: &mut Memory) -> Result<(), Fault> {
        self.add_time(rule, row, memory)?;
        if let Some(lines) = &rule.lines {
            let (line, total) = lines.get(row)?;
            self.values.lines.push(line);
            self.values.lines_total += total;
        }
        self.values.sums.resize(rule.sums, 0);
        for money in rule.fillings().filter_map(|filling| filling.summed()) {
            self.values.sums[money.sum] += money.addend(row)?;
        }
        for (object_type, text) in rule.tags.iter().filter(|(_, text)| text.across == Across::All) {
            self.tags.extend(tag(object_type, text, row)?);
        }
        Ok(())
    }

    fn add_time(&mut self, rule: &Rule, row: &Row<'_>, memory: &mut Memory) -> Result<(), Fault> {
        let reader = rule.envelope.time.as_ref().expect("a mapping without a time is refused");
        let found = reader.get(row, &mut memory.times)?.ok_or_else(|| reader.text.missing("time"))?;
        self.time = Some(match (self.time, reader.across) {
            (None, _) => found,
            (Some(time), Across::Min) if found.instant() < time.instant() => found,
            (Some(time), Across::Max) if found.instant() > time.instant() => found,
            (Some(time), _) => time,
        });
        Ok(())
    }

    fn take_lines(&mut self) -> Vec<OrderLine> {
        std::mem::take(&mut self.values.lines)
    }
}

/// Compares a row of a group with its first one, where the mapping says that they agree.
pub(crate) fn check_agreement(rule: &Rule, first: &Row<'_>, row: &Row<'_>) -> Result<(), Fault> {
    for text in &rule.must_agree {
        let (before, here) = (text.get(first), text.get(row));
        if before != here {
            let is_currency = rule.fillings().any(|filling| filling.currency() == Some(text));
            let advice = match is_currency {
                true => "an order has one currency: mend the row, or put the currency's column into \"by\"",
                false => "mend it, or say across = \"first\"",
            };
            let before = crate::error::shown(before);
            let reason = format!("differs from {before} in the first row of its group; {advice}");
            return Err(Fault::cell(Problem::Contradiction, text.column_id(), here, &reason));
        }
    }
    Ok(())
}

/// Makes the id of an event from its natural key; `None` where the rule has none.
pub(crate) fn natural_id(source: &str, rule: &Rule, row: &Row<'_>) -> Result<Option<EventId>, Fault> {
    let IdRule::Key(key) = &rule.id else { return Ok(None) };
    // Most keys are one column; they need no list.
    if let [text] = key.as_slice() {
        let part = text.required(row, "key of the id")?;
        return Ok(Some(EventId::from_natural_key(source, &rule.name, &[part])));
    }
    let parts: Vec<&str> = key.iter().map(|text| text.get(row)).collect();
    if parts.iter().all(|part| part.is_empty()) {
        return Err(key[0].missing("whole key of the id"));
    }
    Ok(Some(EventId::from_natural_key(source, &rule.name, &parts)))
}

/// Makes the id of a row without a key: from all of its cells and how often they have occurred before.
pub(crate) fn occurrence_id(source: &str, rule: &str, record: &StringRecord, occurrence: u64) -> EventId {
    let number = occurrence.to_string();
    let parts: Vec<&str> = record.iter().chain([number.as_str()]).collect();
    EventId::from_natural_key(source, rule, &parts)
}

/// Makes the event of a rule.
pub(crate) fn make(
    source: &str,
    rule: &Rule,
    id: EventId,
    first: &Row<'_>,
    gathering: &mut Gathering,
    memory: &mut Memory,
) -> Result<JourneyEvent, Fault> {
    let mut id_text = String::new();
    let mut row = *first;
    if rule.uses_event_id {
        write!(id_text, "{id}").expect("a text takes every character");
        row.event_id = &id_text;
    }
    let (row, envelope) = (&row, &rule.envelope);
    let customer = customer(rule, row)?;
    let time = gathering.time.expect("the first row of an event gave a time");
    let body = body(id, rule, row, gathering, memory)?;
    let mut event = JourneyEvent::new(id, customer, time, body).with_source(source);
    event.journey = named(envelope.journey.as_ref(), row, |key| JourneyKey::new(key))?;
    event.channel = named(envelope.channel.as_ref(), row, Channel::parse)?;
    if let Some(time) = &envelope.received_at {
        event.received_at = time.get(row, &mut memory.times)?.map(EventTime::instant);
    }
    if let Sequence::Column(text) = &envelope.sequence {
        event.sequence = sequence(text, row)?;
    }
    event.stage = rule.stage;
    let text = |text: &Option<Text>| {
        text.as_ref().map(|text| text.get(row)).filter(|text| !text.is_empty()).map(str::to_owned)
    };
    event.actor = Actor { team: text(&envelope.team), person: text(&envelope.person) };
    event.tags = std::mem::take(&mut gathering.tags);
    for (object_type, text) in rule.tags.iter().filter(|(_, text)| text.across != Across::All) {
        event.tags.extend(tag(object_type, text, row)?);
    }
    event.attributes = attributes(rule, row, gathering, memory)?;
    Ok(event)
}

fn customer(rule: &Rule, row: &Row<'_>) -> Result<CustomerKey, Fault> {
    let text = rule.envelope.customer.as_ref().expect("a mapping without a customer is refused");
    let customer = text.required(row, "customer")?;
    let customer =
        CustomerId::new(customer).map_err(|error| Fault::core(text.column_id(), customer, &error))?;
    let tenant = match &rule.envelope.tenant {
        None => Tenant::default(),
        Some(text) => {
            let tenant = text.get(row);
            Tenant::new(tenant).map_err(|error| Fault::core(text.column_id(), tenant, &error))?
        }
    };
    Ok(CustomerKey { tenant, customer })
}

/// A name or word that may be absent.
fn named<T>(
    text: Option<&Text>,
    row: &Row<'_>,
    read: impl FnOnce(&str) -> Result<T, CoreError>,
) -> Result<Option<T>, Fault> {
    let Some(text) = text else { return Ok(None) };
    let cell = text.get(row);
    if cell.is_empty() {
        return Ok(None);
    }
    read(cell).map(Some).map_err(|error| Fault::core(text.column_id(), cell, &error))
}

fn tag(object_type: &str, text: &Text, row: &Row<'_>) -> Result<Option<Tag>, Fault> {
    named(Some(text), row, |id| Tag::new(object_type, id))
}

fn sequence(text: &Text, row: &Row<'_>) -> Result<u32, Fault> {
    let number = integer(text, row)?.unwrap_or_default();
    u32::try_from(number).map_err(|_| {
        let reason = "is no sequence number; it must lie between 0 and 4294967295";
        Fault::cell(Problem::Number, text.column_id(), text.get(row), reason)
    })
}

fn body(
    id: EventId,
    rule: &Rule,
    row: &Row<'_>,
    gathering: &mut Gathering,
    memory: &mut Memory,
) -> Result<wayfold_core::EventBody, Fault> {
    let mut values = Vec::with_capacity(rule.fields.len());
    for (spec, filling) in rule.kind.fields.iter().zip(&rule.fields) {
        let value = match filling {
            Some(filling) => filling.get(row, &gathering.values, memory)?,
            None => FieldValue::Absent,
        };
        if let (FieldValue::Absent, true, Some(filling)) = (&value, spec.is_required, filling) {
            let missing = filling.text().map(|text| text.missing(spec.name));
            return Err(missing.unwrap_or_else(|| {
                Fault::new(Problem::MissingValue, format_args!("the {} is empty", spec.name))
            }));
        }
        values.push(value);
    }
    if let Some(place) = rule.kind.fields.iter().position(|spec| spec.field_type == FieldType::Lines) {
        values[place] = FieldValue::Lines(gathering.take_lines());
    }
    let built = (rule.kind.build)(&mut values);
    built.map_err(|error| word_fault(id, rule, row, &error))
}

/// Finds the field whose word is on no list; the core does not say which it was.
fn word_fault(id: EventId, rule: &Rule, row: &Row<'_>, error: &CoreError) -> Fault {
    for (spec, filling) in rule.kind.fields.iter().zip(&rule.fields) {
        let Some(text) = filling.as_ref().and_then(|filling| filling.text()) else { continue };
        let is_word = matches!(spec.field_type, FieldType::Word | FieldType::Text);
        let cell = text.get(row);
        if is_word && !cell.is_empty() && (spec.check)(FieldValue::Text(cell.to_owned())).is_err() {
            return Fault::core(text.column_id(), cell, error);
        }
    }
    Fault::event(id, error)
}

fn attributes(
    rule: &Rule,
    row: &Row<'_>,
    gathering: &Gathering,
    memory: &mut Memory,
) -> Result<Attributes, Fault> {
    let mut attributes = Attributes::new();
    for (name, filling) in &rule.attributes {
        if let Some(value) = filling.attribute(row, &gathering.values, memory)? {
            attributes.insert(name.clone(), value);
        }
    }
    Ok(attributes)
}

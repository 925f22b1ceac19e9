use std::borrow::Cow;
use std::hash::BuildHasher;
use std::sync::Arc;

use hashbrown::hash_table::Entry;
use hashbrown::{DefaultHashBuilder, HashMap, HashTable};

use super::EventBatch;
use super::columns::{Columns, LineFacts, NONE, NONE_BYTE, Named, NamedColumns, OrderFacts};
use crate::error::Result;
use crate::event::{
    AttributeValue, Extent, FieldSink, JourneyEvent, Limits, LineNumbers, OrderLine, margin_of,
};
use crate::key::EventId;
use crate::money::{Amount, Money};
use crate::time::Timestamp;

/// Builds an [`EventBatch`] event by event.
#[derive(Debug)]
pub struct BatchBuilder {
    limits: Limits,
    extent: Extent,
    pub(super) columns: Columns,
    /// Texts by their hashes, so that a table that grows does not read them again.
    text_numbers: HashTable<(u64, u32)>,
    customer_numbers: HashMap<(u32, u32), u32>,
    hasher: DefaultHashBuilder,
}

impl BatchBuilder {
    /// Starts an empty batch under limits.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            extent: Extent::default(),
            columns: Columns::default(),
            text_numbers: HashTable::new(),
            customer_numbers: HashMap::new(),
            hasher: DefaultHashBuilder::default(),
        }
    }

    /// How many events were pushed.
    pub fn len(&self) -> usize {
        self.columns.kind.len()
    }

    /// Says whether no event was pushed.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Adds an event as the last row; `recorded_at` and `position` are the store's and are left out.
    ///
    /// # Errors
    /// `InvalidEvent` or `LimitExceeded`, and then the batch is as it was.
    pub fn push(&mut self, event: &JourneyEvent) -> Result<()> {
        self.limits.check_event(event)?;
        let extent = self.extent.with(event);
        self.limits.check_batch(&extent)?;
        self.write(event);
        self.extent = extent;
        Ok(())
    }

    /// Adds an event as the last row with the `recorded_at` and `position` that it carries, which the batch keeps if
    /// every event of it carries both: for events that were exported from a store.
    ///
    /// # Errors
    /// As [`BatchBuilder::push`].
    pub fn push_recorded(&mut self, event: &JourneyEvent) -> Result<()> {
        self.push(event)?;
        self.keep_recorded(event);
        Ok(())
    }

    /// Adds an event that a store kept as the last row, with the position and time that it recorded. Limits and rules
    /// are those of the append that wrote it, and are not checked again.
    pub fn push_stored(&mut self, event: &JourneyEvent) {
        self.push_trusted(event);
        self.extent = self.extent.with(event);
    }

    /// Adds an event that a batch held already, with what its store recorded.
    pub(crate) fn push_trusted(&mut self, event: &JourneyEvent) {
        self.write(event);
        self.keep_recorded(event);
    }

    fn keep_recorded(&mut self, event: &JourneyEvent) {
        if let (Some(position), Some(recorded_at)) = (event.position, event.recorded_at) {
            self.columns.positions.push(position);
            self.columns.recorded_at.push(recorded_at.as_micros());
        }
    }

    /// Ends the batch.
    pub fn finish(mut self) -> EventBatch {
        // Positions stand for all rows or for none.
        if self.columns.positions.len() != self.len() {
            self.columns.positions.clear();
            self.columns.recorded_at.clear();
        }
        self.columns.extent = Some(self.extent);
        self.finish_gathered()
    }

    /// Ends a batch whose extent is counted when somebody asks.
    pub(super) fn finish_gathered(self) -> EventBatch {
        EventBatch { columns: Arc::new(self.columns) }
    }

    fn write(&mut self, event: &JourneyEvent) {
        let row = self.len() as u32;
        self.write_envelope(event, row);
        self.write_rare(event, row);
        let order = self.order(event);
        let mut sink = RowSink { builder: self, row, facts: OrderFacts { order, ..OrderFacts::default() } };
        event.body.write(&mut sink);
        let facts = sink.facts;
        if facts != OrderFacts::default() {
            self.columns.facts.push(row, facts);
        }
        self.write_attributes(event, row);
    }

    fn write_envelope(&mut self, event: &JourneyEvent, row: u32) {
        let tenant = self.text(event.customer.tenant.as_str());
        let customer = self.text(event.customer.customer.as_str());
        let customer = self.customer((tenant, customer));
        let journey = event.journey.as_ref().map(|journey| self.text(journey.as_str()));
        for tag in &event.tags {
            let number = self.text(tag.as_str());
            self.columns.tags.push(number);
        }
        let columns = &mut self.columns;
        columns.tag_ends.push(columns.tags.len() as u32);
        columns.customer.push(customer);
        columns.kind.push(event.kind());
        columns.occurred_at.push(event.occurred_at.instant().as_micros());
        columns.offset_minutes.push(event.occurred_at.offset_minutes());
        columns.sequence.push(event.sequence);
        columns.id.push(event.id.as_u128());
        if let Some(journey) = journey {
            columns.journey.push(row, journey);
        }
        columns.stage.push(event.stage.map_or(NONE_BYTE, |stage| stage as u8));
        columns.channel.push(event.channel.map_or(NONE_BYTE, |channel| channel as u8));
        columns.schema_version.push(event.schema_version);
        if let Some(received_at) = event.received_at {
            columns.received_at.push(row, received_at.as_micros());
        }
    }

    fn write_rare(&mut self, event: &JourneyEvent, row: u32) {
        if let Some(source) = &event.source {
            let number = self.text(source);
            self.columns.source.push(row, number);
        }
        if let Some(team) = &event.actor.team {
            let number = self.text(team);
            self.columns.team.push(row, number);
        }
        if let Some(person) = &event.actor.person {
            let number = self.text(person);
            self.columns.person.push(row, number);
        }
        if let Some(correlation) = event.correlation {
            self.columns.correlation.push(row, correlation.as_u128());
        }
        if let Some(causation) = event.causation {
            self.columns.causation.push(row, causation.as_u128());
        }
    }

    fn write_attributes(&mut self, event: &JourneyEvent, row: u32) {
        for (name, value) in &event.attributes {
            let number = self.text(name.as_str());
            self.columns.attribute_names.push(number);
            let text = match value {
                AttributeValue::Text(text) => self.text(text),
                AttributeValue::Json(json) => self.text(json.as_str()),
                _ => NONE,
            };
            let columns = &mut self.columns.attributes;
            let name = name.as_str();
            match value {
                AttributeValue::Text(_) => put(&mut columns.texts, name, row, text),
                AttributeValue::Integer(number) => put(&mut columns.integers, name, row, *number),
                AttributeValue::Boolean(value) => put(&mut columns.booleans, name, row, *value),
                AttributeValue::Decimal(amount) => {
                    put(&mut columns.amounts, name, row, amount.as_ten_thousandths());
                }
                AttributeValue::Time(instant) => put(&mut columns.times, name, row, instant.as_micros()),
                AttributeValue::Money(money) => put(&mut columns.moneys, name, row, *money),
                AttributeValue::Json(_) => put(&mut columns.jsons, name, row, text),
            }
        }
        self.columns.attribute_ends.push(self.columns.attribute_names.len() as u32);
    }

    /// The text of the one `order:` tag; `None` where there is none or more than one.
    fn order(&mut self, event: &JourneyEvent) -> Option<u32> {
        let mut orders = event.tags.iter().filter(|tag| tag.object_type() == "order");
        let order = orders.next().filter(|_| orders.next().is_none())?;
        Some(self.text(order.as_str()))
    }

    /// The number of a customer, given the numbers of its texts.
    pub(super) fn customer(&mut self, key: (u32, u32)) -> u32 {
        let next = self.columns.customers.len() as u32;
        let number = *self.customer_numbers.entry(key).or_insert(next);
        if number == next {
            self.columns.customers.push(key);
        }
        number
    }

    pub(super) fn text(&mut self, text: &str) -> u32 {
        let (hash, texts) = (self.hasher.hash_one(text), &mut self.columns.texts);
        let is_it = |(known, number): &(u64, u32)| *known == hash && texts.get(*number) == text;
        let entry = self.text_numbers.entry(hash, is_it, |(hash, _)| *hash);
        match entry {
            Entry::Occupied(known) => known.get().1,
            Entry::Vacant(free) => {
                let number = texts.ends.len() as u32;
                free.insert((hash, number));
                texts.bytes.push_str(text);
                texts
                    .ends
                    .push(u32::try_from(texts.bytes.len()).expect("a batch holds less than 4 GiB of text"));
                number
            }
        }
    }
}

/// Puts the value of an attribute; its name is copied once per batch.
fn put<T: Copy>(columns: &mut Named<T>, name: &str, row: u32, value: T) {
    if let Some(column) = columns.get_mut(name) {
        return column.push(row, value);
    }
    columns.entry(Cow::Owned(name.to_owned())).or_default().push(row, value);
}

/// Writes the fields of one row.
struct RowSink<'a> {
    builder: &'a mut BatchBuilder,
    row: u32,
    facts: OrderFacts,
}

impl RowSink<'_> {
    fn fields(&mut self) -> &mut NamedColumns {
        &mut self.builder.columns.fields
    }
}

impl FieldSink for RowSink<'_> {
    fn text(&mut self, name: &'static str, value: &str) {
        let number = self.builder.text(value);
        let row = self.row;
        self.fields().texts.entry(Cow::Borrowed(name)).or_default().push(row, number);
    }

    fn integer(&mut self, name: &'static str, value: i64) {
        let row = self.row;
        self.fields().integers.entry(Cow::Borrowed(name)).or_default().push(row, value);
    }

    fn boolean(&mut self, name: &'static str, value: bool) {
        let row = self.row;
        self.fields().booleans.entry(Cow::Borrowed(name)).or_default().push(row, value);
    }

    fn time(&mut self, name: &'static str, value: Timestamp) {
        if name == "promised_at" {
            self.facts.promised_at = Some(value);
            return;
        }
        let row = self.row;
        self.fields().times.entry(Cow::Borrowed(name)).or_default().push(row, value.as_micros());
    }

    fn amount(&mut self, name: &'static str, value: Amount) {
        let row = self.row;
        self.fields().amounts.entry(Cow::Borrowed(name)).or_default().push(row, value.as_ten_thousandths());
    }

    fn money(&mut self, name: &'static str, value: Money) {
        if name == "amount" {
            self.facts.amount = Some(value);
            return;
        }
        let row = self.row;
        self.fields().moneys.entry(Cow::Borrowed(name)).or_default().push(row, value);
    }

    fn id(&mut self, name: &'static str, value: EventId) {
        let row = self.row;
        self.fields().ids.entry(Cow::Borrowed(name)).or_default().push(row, value.as_u128());
    }

    fn lines(&mut self, value: &[OrderLine]) {
        if value.is_empty() {
            return;
        }
        let first = self.builder.columns.lines.product.len() as u32;
        for line in value {
            let product = self.builder.text(&line.product);
            let lines = &mut self.builder.columns.lines;
            lines.product.push(product);
            lines.quantity.push(line.quantity);
            lines.list.push(line.list.map(Amount::as_ten_thousandths));
            lines.paid.push(line.paid.map(Amount::as_ten_thousandths));
            lines.cost.push(line.cost.map(Amount::as_ten_thousandths));
        }
        self.builder.columns.lines.ranges.push(self.row, (first, value.len() as u32));
        let margin = margin_of(value.iter().map(LineNumbers::of));
        let margin = margin.expect("the lines of a valid event are worth less than 64 bits together");
        self.facts.lines = Some(LineFacts { margin });
    }
}

use std::collections::BTreeSet;

use uuid::Uuid;

use super::columns::{Columns, NONE_BYTE, NamedColumns, OrderFacts};
use super::same::same_content;
use crate::event::{
    Actor, AttributeValue, Attributes, EventBody, EventKind, FieldSource, JourneyEvent, NestedJson, OrderKey,
    OrderLine,
};
use crate::key::{AttributeName, CustomerKey, EventId, JourneyKey, Position, Tag};
use crate::money::{Amount, Money};
use crate::stage::{Channel, Stage};
use crate::time::{EventTime, Timestamp};

/// One event of a batch: cheap to copy, reads its columns when asked.
#[derive(Clone, Copy)]
pub struct EventView<'a> {
    columns: &'a Columns,
    hot: HotRow,
}

/// What a fold reads of every event, beside the row where the rest stands: rows that are brought together by
/// customer carry it along, so that most events cost no further look into the columns.
#[derive(Debug, Clone, Copy)]
pub(crate) struct HotRow {
    pub(crate) occurred_at: Timestamp,
    pub(crate) row: u32,
    pub(crate) kind: EventKind,
    pub(crate) has_journey: bool,
}

/// Fills a list before its rows are known.
impl Default for HotRow {
    fn default() -> Self {
        Self { occurred_at: Timestamp::MIN, row: 0, kind: EventKind::Unknown, has_journey: false }
    }
}

impl HotRow {
    #[inline]
    pub(crate) fn read(columns: &Columns, row: usize) -> Self {
        Self::new(columns, row, columns.occurred_at[row], columns.kind[row])
    }

    /// A row by its columns, of which its instant in microseconds and its kind are read already.
    #[inline]
    pub(super) fn new(columns: &Columns, row: usize, occurred_at: i64, kind: EventKind) -> Self {
        let has_journey = columns.journey.get(row).is_some();
        Self { occurred_at: Timestamp::trusted(occurred_at), row: row as u32, kind, has_journey }
    }
}

impl std::fmt::Debug for EventView<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.to_event().fmt(f)
    }
}

impl<'a> EventView<'a> {
    #[inline]
    pub(crate) fn new(columns: &'a Columns, row: usize) -> Self {
        Self { columns, hot: HotRow::read(columns, row) }
    }

    #[inline]
    pub(crate) fn from_hot(columns: &'a Columns, hot: HotRow) -> Self {
        Self { columns, hot }
    }

    #[inline]
    pub(super) fn columns(&self) -> &'a Columns {
        self.columns
    }

    /// The row in its batch.
    #[inline]
    pub(super) fn row(&self) -> usize {
        self.hot.row as usize
    }

    /// The id.
    #[inline]
    pub fn id(&self) -> EventId {
        EventId::from_u128(self.columns.id(self.row()))
    }

    /// The kind.
    #[inline]
    pub fn kind(&self) -> EventKind {
        self.hot.kind
    }

    /// The name of the kind in documents; a custom kind's is `custom:NAME`.
    pub fn kind_name(&self) -> std::borrow::Cow<'a, str> {
        match self.kind() {
            EventKind::Unknown => self.text(crate::event::UNKNOWN_KIND).unwrap_or("unknown").into(),
            kind if kind.is_custom() => format!("custom:{}", self.custom_name().unwrap_or_default()).into(),
            kind => kind.name().into(),
        }
    }

    /// The version of the kind's shape in which it was written.
    pub fn schema_version(&self) -> u16 {
        self.columns.schema_version[self.row()]
    }

    /// The name of a custom kind.
    pub fn custom_name(&self) -> Option<&'a str> {
        self.text(crate::event::CUSTOM_NAME)
    }

    /// The instant at which it happened.
    #[inline]
    pub fn occurred_at(&self) -> Timestamp {
        self.hot.occurred_at
    }

    /// The place in the total order by which a customer's events are folded.
    #[inline]
    pub fn order_key(&self) -> OrderKey {
        self.order_key_with(self.id())
    }

    /// The place in the total order, or the greatest that it may be where the id would have to be read for it.
    #[inline]
    pub(crate) fn order_key_at_most(&self) -> OrderKey {
        match self.columns.later {
            None => self.order_key(),
            Some(_) => self.order_key_with(EventId::from_u128(u128::MAX)),
        }
    }

    #[inline]
    fn order_key_with(&self, id: EventId) -> OrderKey {
        OrderKey {
            occurred_at: self.occurred_at(),
            sequence: self.columns.sequence[self.row()],
            rank: self.hot.kind.rank(),
            id,
        }
    }

    /// Whose event it is.
    pub fn customer(&self) -> CustomerKey {
        self.columns.customer_key(self.columns.customer[self.row()] as usize)
    }

    /// The number of the customer in this batch, as of [`EventBatch::customers`](crate::EventBatch::customers).
    #[inline]
    pub fn local_customer(&self) -> u32 {
        self.columns.customer[self.row()]
    }

    /// Tenant and customer as texts.
    pub fn customer_texts(&self) -> (&'a str, &'a str) {
        self.columns.customer_texts(self.columns.customer[self.row()] as usize)
    }

    #[inline]
    pub(crate) fn hot(&self) -> &HotRow {
        &self.hot
    }

    /// The journey to which it belongs.
    #[inline]
    pub fn journey(&self) -> Option<&'a str> {
        let journey = self.hot.has_journey.then(|| self.columns.journey.get(self.row())).flatten();
        journey.map(|journey| self.columns.texts.get(journey))
    }

    /// The order that it is about: the id of its one `order:` tag; `None` without one or with several.
    #[inline]
    pub fn order(&self) -> Option<&'a str> {
        self.order_of(self.facts())
    }

    /// The field `amount`, where the kind states one.
    #[inline]
    pub fn money_amount(&self) -> Option<Money> {
        self.facts().amount
    }

    /// What the order book reads.
    #[inline]
    pub(crate) fn facts(&self) -> &'a OrderFacts {
        self.columns.facts.get(self.hot.row).unwrap_or(&OrderFacts::NONE)
    }

    #[inline]
    pub(crate) fn order_of(&self, facts: &OrderFacts) -> Option<&'a str> {
        facts.order.map(|tag| &self.columns.texts.get(tag)["order:".len()..])
    }

    /// The stage that the event counts for by itself: its kind's, or the one that a neutral event names.
    #[inline]
    pub fn stage(&self) -> Option<Stage> {
        self.kind().stage().or_else(|| self.named_stage())
    }

    fn named_stage(&self) -> Option<Stage> {
        let stage = self.columns.stage[self.row()];
        (stage != NONE_BYTE).then(|| Stage::ALL[usize::from(stage)])
    }

    /// Where it happened.
    #[inline]
    pub fn channel(&self) -> Option<Channel> {
        let channel = self.columns.labels().channel[self.row()];
        (channel != NONE_BYTE).then(|| Channel::ALL[usize::from(channel)])
    }

    /// The team that did it.
    pub fn team(&self) -> Option<&'a str> {
        let columns = self.columns.labels();
        columns.team.get(self.hot.row).map(|number| columns.texts.get(number))
    }

    /// Who did it.
    pub fn person(&self) -> Option<&'a str> {
        let columns = self.columns.labels();
        columns.person.get(self.hot.row).map(|number| columns.texts.get(number))
    }

    /// The objects that it touches, as `type:id`, in the order of their bytes.
    pub fn tags(&self) -> impl Iterator<Item = &'a str> {
        let columns = self.columns.whole();
        columns.tags_of(self.row()).iter().map(|number| columns.texts.get(*number))
    }

    /// The lines of an order or cart.
    pub fn lines(&self) -> impl Iterator<Item = LineView<'a>> {
        let columns = self.columns.whole();
        let (first, count) = columns.lines.ranges.get(self.hot.row).copied().unwrap_or_default();
        (first..first + count).map(|line| LineView { columns, line: line as usize })
    }

    /// A field of the kind that holds text, or a word of a closed list.
    pub fn text(&self, field: &str) -> Option<&'a str> {
        let columns = self.columns.labels();
        let number = columns.fields.texts.get(field)?.get(self.hot.row)?;
        Some(columns.texts.get(number))
    }

    /// A field of the kind that holds a whole number.
    pub fn integer(&self, field: &str) -> Option<i64> {
        self.columns.numbers().integers.get(field)?.get(self.hot.row)
    }

    /// A field of the kind that is true or false.
    pub fn boolean(&self, field: &str) -> Option<bool> {
        self.columns.numbers().booleans.get(field)?.get(self.hot.row)
    }

    /// A field of the kind that holds an instant.
    pub fn time(&self, field: &str) -> Option<Timestamp> {
        if field == "promised_at" {
            return self.facts().promised_at;
        }
        self.columns.numbers().times.get(field)?.get(self.hot.row).map(Timestamp::trusted)
    }

    /// A field of the kind that holds a decimal number.
    pub fn amount(&self, field: &str) -> Option<Amount> {
        self.columns.numbers().amounts.get(field)?.get(self.hot.row).map(Amount::from_ten_thousandths)
    }

    /// A field of the kind that holds money.
    pub fn money(&self, field: &str) -> Option<Money> {
        if field == "amount" {
            return self.money_amount();
        }
        self.columns.numbers().moneys.get(field)?.get(self.hot.row)
    }

    /// A field of the kind that names an event.
    pub fn event_id(&self, field: &str) -> Option<EventId> {
        self.columns.numbers().ids.get(field)?.get(self.hot.row).map(EventId::from_u128)
    }

    /// An attribute by name.
    pub fn attribute(&self, name: &str) -> Option<AttributeValue> {
        let columns = self.columns.whole();
        columns.attributes.value(name, self.hot.row, &columns.texts)
    }

    /// All attributes.
    pub fn attributes(&self) -> Attributes {
        let columns = self.columns.whole();
        let named = columns.attribute_names_of(self.row()).iter().map(|name| columns.texts.get(*name));
        named.filter_map(|name| Some((AttributeName::trusted(name), self.attribute(name)?))).collect()
    }

    /// The stored recording time; `None` before a store took the event.
    pub fn recorded_at(&self) -> Option<Timestamp> {
        self.columns.recorded_at(self.row()).map(Timestamp::trusted)
    }

    /// The place in the log; `None` before a store took the event.
    pub fn position(&self) -> Option<Position> {
        self.columns.position(self.row())
    }

    /// Says whether both state the same: all but `recorded_at` and `position`.
    pub fn same_content(&self, other: &EventView<'_>) -> bool {
        same_content(&self.whole(), &other.whole())
    }

    /// The whole event, owned.
    pub fn to_event(&self) -> JourneyEvent {
        let whole = self.whole();
        whole.with_body(EventBody::read(whole.kind(), &whole))
    }

    /// The same row where everything is read.
    pub(super) fn whole(&self) -> Self {
        Self::new(self.columns.whole(), self.row())
    }

    /// The whole event, owned, with another body.
    pub(super) fn with_body(&self, body: EventBody) -> JourneyEvent {
        let (columns, row) = (self.columns, self.hot.row);
        let text = |number: Option<u32>| number.map(|number| columns.texts.get(number).to_owned());
        let time = EventTime::trusted(self.occurred_at(), columns.offset_minutes[self.row()]);
        let mut event = JourneyEvent::new(self.id(), self.customer(), time, body);
        event.journey = self.journey().map(JourneyKey::trusted);
        event.received_at = columns.received_at.get(row).map(Timestamp::trusted);
        event.sequence = columns.sequence[self.row()];
        event.schema_version = self.schema_version();
        event.stage = self.named_stage();
        event.tags = self.tags().map(Tag::trusted).collect::<BTreeSet<_>>();
        event.attributes = self.attributes();
        event.channel = self.channel();
        event.source = text(columns.source.get(row));
        event.actor = Actor { team: text(columns.team.get(row)), person: text(columns.person.get(row)) };
        event.correlation = columns.correlation.get(row).map(Uuid::from_u128);
        event.causation = columns.causation.get(row).map(EventId::from_u128);
        event.recorded_at = self.recorded_at();
        event.position = self.position();
        event
    }
}

impl FieldSource for EventView<'_> {
    fn text(&self, name: &str) -> Option<&str> {
        self.text(name)
    }

    fn integer(&self, name: &str) -> Option<i64> {
        self.integer(name)
    }

    fn boolean(&self, name: &str) -> Option<bool> {
        self.boolean(name)
    }

    fn time(&self, name: &str) -> Option<Timestamp> {
        self.time(name)
    }

    fn amount(&self, name: &str) -> Option<Amount> {
        self.amount(name)
    }

    fn money(&self, name: &str) -> Option<Money> {
        self.money(name)
    }

    fn id(&self, name: &str) -> Option<EventId> {
        self.event_id(name)
    }

    fn lines(&self) -> Vec<OrderLine> {
        self.lines().map(|line| line.to_line()).collect()
    }
}

impl NamedColumns {
    fn value(&self, name: &str, row: u32, texts: &super::columns::Texts) -> Option<AttributeValue> {
        if let Some(text) = self.texts.get(name).and_then(|column| column.get(row)) {
            return Some(AttributeValue::Text(texts.get(text).to_owned()));
        }
        if let Some(number) = self.integers.get(name).and_then(|column| column.get(row)) {
            return Some(AttributeValue::Integer(number));
        }
        if let Some(value) = self.booleans.get(name).and_then(|column| column.get(row)) {
            return Some(AttributeValue::Boolean(value));
        }
        if let Some(number) = self.amounts.get(name).and_then(|column| column.get(row)) {
            return Some(AttributeValue::Decimal(Amount::from_ten_thousandths(number)));
        }
        if let Some(micros) = self.times.get(name).and_then(|column| column.get(row)) {
            return Some(AttributeValue::Time(Timestamp::trusted(micros)));
        }
        if let Some(money) = self.moneys.get(name).and_then(|column| column.get(row)) {
            return Some(AttributeValue::Money(money));
        }
        let json = self.jsons.get(name).and_then(|column| column.get(row))?;
        Some(AttributeValue::Json(NestedJson::trusted(texts.get(json))))
    }
}

/// One line of an order or cart in a batch.
#[derive(Clone, Copy)]
pub struct LineView<'a> {
    columns: &'a Columns,
    line: usize,
}

impl<'a> LineView<'a> {
    /// The product.
    pub fn product(&self) -> &'a str {
        self.columns.texts.get(self.columns.lines.product[self.line])
    }

    /// How many units.
    pub fn quantity(&self) -> i64 {
        self.columns.lines.quantity[self.line]
    }

    /// The list price of a unit.
    pub fn list(&self) -> Option<Amount> {
        self.columns.lines.list[self.line].map(Amount::from_ten_thousandths)
    }

    /// The price paid for a unit.
    pub fn paid(&self) -> Option<Amount> {
        self.columns.lines.paid[self.line].map(Amount::from_ten_thousandths)
    }

    /// The cost of a unit.
    pub fn cost(&self) -> Option<Amount> {
        self.columns.lines.cost[self.line].map(Amount::from_ten_thousandths)
    }

    /// The whole line, owned.
    pub fn to_line(&self) -> OrderLine {
        OrderLine {
            product: self.product().to_owned(),
            quantity: self.quantity(),
            list: self.list(),
            paid: self.paid(),
            cost: self.cost(),
        }
    }
}

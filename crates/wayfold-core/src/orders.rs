//! The order book: one record for each order that a customer's events name, read by every projection.

use std::fmt;
use std::ops::RangeInclusive;

use serde::de::{Error as _, MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::batch::{EventView, OrderFacts, Run};
use crate::currency::Currency;
use crate::error::{self, ensure};
use crate::event::EventKind;
use crate::key::JourneyKey;
use crate::keyed::Keyed;
use crate::money::{Amount, Money, MoneySum, parse_sum};
use crate::text::serialize_as_record_or_list;
use crate::time::Timestamp;
use crate::view::{PlacedOrder, Purchase};

/// Sums of money by currency, in the order of the codes. Most customers and orders have none, so none takes little room.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[expect(clippy::box_collection, reason = "a list takes three times the room where there is none")]
pub(crate) struct Totals(Option<Box<Vec<(Currency, i128)>>>);

impl Totals {
    fn totals(&self) -> &[(Currency, i128)] {
        self.0.as_deref().map_or(&[], Vec::as_slice)
    }

    fn place(&self, currency: Currency) -> Result<usize, usize> {
        self.totals().binary_search_by_key(&currency, |total| total.0)
    }

    pub(crate) fn add(&mut self, currency: Currency, ten_thousandths: i128) {
        let place = self.place(currency);
        let totals = self.0.get_or_insert_default();
        match place {
            Ok(place) => totals[place].1 += ten_thousandths,
            Err(place) => totals.insert(place, (currency, ten_thousandths)),
        }
    }

    fn add_money(&mut self, money: Money) {
        self.add(money.currency, i128::from(money.amount.as_ten_thousandths()));
    }

    pub(crate) fn get(&self, currency: Currency) -> Option<i128> {
        self.place(currency).ok().map(|place| self.totals()[place].1)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (Currency, i128)> {
        self.totals().iter().copied()
    }

    fn is_empty(&self) -> bool {
        self.totals().is_empty()
    }

    /// The totals without their signs, added up.
    fn turnover(&self) -> u128 {
        self.iter().fold(0, |sum, (_, total)| sum.saturating_add(total.unsigned_abs()))
    }
}

impl Serialize for Totals {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.totals().len()))?;
        for (currency, total) in self.iter() {
            map.serialize_entry(&currency, &MoneySum::new(total, currency).to_decimal())?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Totals {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(TotalsVisitor)
    }
}

struct TotalsVisitor;

impl<'de> Visitor<'de> for TotalsVisitor {
    type Value = Totals;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map from currencies, in the order of their codes, to decimal texts")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Totals, A::Error> {
        let mut totals = Totals::default();
        while let Some((currency, text)) = map.next_entry::<Currency, String>()? {
            if totals.totals().last().is_some_and(|last| last.0 >= currency) {
                return Err(A::Error::custom(format_args!("currency {currency} is out of order")));
            }
            totals.add(currency, parse_sum(&text).map_err(A::Error::custom)?);
        }
        Ok(totals)
    }
}

/// What a customer's events say about one order, in 32 bytes.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(from = "OrderFields")]
pub(crate) struct OrderRecord {
    /// When it was first placed; cancels, refunds and shipments may name it before.
    pub(crate) placed_at: Option<Timestamp>,
    /// The amount, and whether there is one by its currency: money takes a word more in one piece.
    amount: Amount,
    currency: Option<Currency>,
    pub(crate) cancelled: bool,
    /// What many orders have nothing of, kept apart so that those stay small.
    details: Option<Box<OrderDetails>>,
}

serialize_as_record_or_list!(OrderRecord {
    placed_at,
    amount by amount,
    cancelled,
    details unless Option::is_none,
});

/// An order as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OrderFields {
    placed_at: Option<Timestamp>,
    amount: Option<Money>,
    cancelled: bool,
    #[serde(default)]
    details: Option<Box<OrderDetails>>,
}

impl From<OrderFields> for OrderRecord {
    fn from(OrderFields { placed_at, amount, cancelled, details }: OrderFields) -> Self {
        let mut order = Self { placed_at, cancelled, details, ..Self::default() };
        order.take_amount(amount);
        order
    }
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct OrderDetails {
    pub(crate) journey: Option<JourneyKey>,
    /// Paid less cost of the lines that carry both, in ten-thousandths.
    pub(crate) margin_ten_thousandths: Option<i64>,
    pub(crate) promised_at: Option<Timestamp>,
    pub(crate) delivered_at: Option<Timestamp>,
    pub(crate) refunds: Totals,
    pub(crate) payments: Totals,
}

serialize_as_record_or_list!(OrderDetails {
    journey unless Option::is_none,
    margin_ten_thousandths unless Option::is_none,
    promised_at unless Option::is_none,
    delivered_at unless Option::is_none,
    refunds unless Totals::is_empty,
    payments unless Totals::is_empty,
});

impl OrderRecord {
    pub(crate) fn details(&self) -> Option<&OrderDetails> {
        self.details.as_deref()
    }

    /// What it was last said to cost.
    pub(crate) fn amount(&self) -> Option<Money> {
        self.currency.map(|currency| Money { amount: self.amount, currency })
    }

    /// Takes an amount where one is stated.
    fn take_amount(&mut self, stated: Option<Money>) {
        if let Some(Money { amount, currency }) = stated {
            (self.amount, self.currency) = (amount, Some(currency));
        }
    }

    fn details_mut(&mut self) -> &mut OrderDetails {
        self.details.get_or_insert_default()
    }

    /// Refunded at least once, and by at least its amount, in the currency of its amount.
    pub(crate) fn is_fully_refunded(&self) -> bool {
        let (Some(amount), Some(details)) = (self.amount(), self.details()) else { return false };
        let refunded = details.refunds.get(amount.currency);
        refunded.is_some_and(|refunded| refunded >= i128::from(amount.amount.as_ten_thousandths()))
    }

    pub(crate) fn is_placed(&self) -> bool {
        self.placed_at.is_some()
    }

    pub(crate) fn is_purchase(&self) -> bool {
        self.is_placed() && !self.cancelled && !self.is_fully_refunded()
    }

    fn place(&mut self, event: &EventView<'_>, facts: &OrderFacts) {
        self.placed_at = Some(event.occurred_at());
        if let Some(journey) = event.journey() {
            self.details_mut().journey = Some(JourneyKey::trusted(journey));
        }
        self.change(facts);
    }

    /// Takes what the event states; what it does not state stays.
    fn change(&mut self, facts: &OrderFacts) {
        self.take_amount(facts.amount);
        if let Some(lines) = facts.lines
            && (lines.margin.is_some() || self.details.is_some())
        {
            self.details_mut().margin_ten_thousandths = lines.margin;
        }
        self.promise(facts);
    }

    fn promise(&mut self, facts: &OrderFacts) {
        if facts.promised_at.is_some() {
            self.details_mut().promised_at = facts.promised_at;
        }
    }

    fn check(&self, seen: &RangeInclusive<Timestamp>) -> error::Result<()> {
        let of_event = |at: Option<Timestamp>| at.is_none_or(|at| seen.contains(&at));
        let details = self.details();
        let delivered_at = details.and_then(|details| details.delivered_at);
        ensure(of_event(self.placed_at) && of_event(delivered_at), "it has the instant of no event")?;
        let journey = details.and_then(|details| details.journey.as_ref());
        ensure(journey.is_none() || self.is_placed(), "it has a journey and was never placed")
    }

    fn turnover(&self) -> u128 {
        let of =
            |details: &OrderDetails| details.refunds.turnover().saturating_add(details.payments.turnover());
        self.details().map_or(0, of)
    }
}

/// One record for each order that a customer's events name, and the money that names no order.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(from = "BookFields")]
pub struct OrderBook {
    orders: Keyed<OrderRecord>,
    /// What few customers have any of.
    beside: Option<Box<Beside>>,
}

serialize_as_record_or_list!(OrderBook {
    orders,
    ignored_placements by ignored_placements unless is_zero,
    refunds_without_order by refunds_without_order unless Totals::is_empty,
    payments_without_order by payments_without_order unless Totals::is_empty,
});

/// What belongs to no order.
#[derive(Debug, Clone, Default)]
struct Beside {
    ignored_placements: u32,
    refunds: Totals,
    payments: Totals,
}

static NO_TOTALS: Totals = Totals(None);

/// A book as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BookFields {
    orders: Keyed<OrderRecord>,
    #[serde(default)]
    ignored_placements: u32,
    #[serde(default)]
    refunds_without_order: Totals,
    #[serde(default)]
    payments_without_order: Totals,
}

impl From<BookFields> for OrderBook {
    fn from(fields: BookFields) -> Self {
        let BookFields { orders, ignored_placements, refunds_without_order, payments_without_order } = fields;
        let beside =
            Beside { ignored_placements, refunds: refunds_without_order, payments: payments_without_order };
        let is_nothing = ignored_placements == 0 && beside.refunds.is_empty() && beside.payments.is_empty();
        Self { orders, beside: (!is_nothing).then(|| Box::new(beside)) }
    }
}

fn is_zero(number: &u32) -> bool {
    *number == 0
}

impl OrderBook {
    /// Folds events of one customer that stand in their order, such as those of a history.
    ///
    /// ```
    /// use wayfold_core::{EventBatch, Currency, CustomerKey, EventId, JourneyEvent, Money, OrderBook, OrderPlaced, Shard, Tag};
    /// use wayfold_core::{Timestamp, for_each_history};
    ///
    /// let placed = OrderPlaced { lines: vec![], amount: Money::parse("9", Currency::EUR)?, promised_at: None };
    /// let at = Timestamp::parse("2024-03-01")?;
    /// let event = JourneyEvent::new(EventId::from_u128(1), CustomerKey::new("ada")?, at, placed);
    /// let batch = EventBatch::from_events([&event.with_tag(Tag::order("o1")?)])?;
    /// for_each_history(&[batch], Shard::ALL, Timestamp::MAX, |history| {
    ///     let orders = OrderBook::of(history.events());
    ///     assert!(orders.placed().all(|order| order.order == "o1" && order.is_purchase));
    /// });
    /// # Ok::<(), wayfold_core::Error>(())
    /// ```
    pub fn of(events: &[EventView<'_>]) -> Self {
        let mut book = Self::default();
        for event in events.iter().filter(|event| event.kind().names_order()) {
            book.evolve_one(event, event.facts(), 1);
        }
        book
    }

    /// Folds the next events.
    pub(crate) fn evolve(&mut self, run: &Run<'_>) {
        let placed = run.count(EventKind::OrderPlaced);
        run.for_each_with_facts(|event, facts| self.evolve_one(&event, facts, placed));
    }

    /// Folds an event; for so many orders room is made together where there is none for the next.
    fn evolve_one(&mut self, event: &EventView<'_>, facts: &OrderFacts, room: usize) {
        match event.order_of(facts) {
            Some(id) => self.evolve_order(event, facts, id, room),
            None => self.evolve_money(event.kind(), facts.amount),
        }
    }

    fn evolve_order(&mut self, event: &EventView<'_>, facts: &OrderFacts, id: &str, room: usize) {
        let order = self.orders.entry(id, room);
        match (event.kind(), facts.amount) {
            (EventKind::OrderPlaced, _) if order.is_placed() => {
                self.beside.get_or_insert_default().ignored_placements += 1;
            }
            (EventKind::OrderPlaced, _) => order.place(event, facts),
            (EventKind::OrderChanged, _) => order.change(facts),
            (EventKind::OrderCancelled, _) => order.cancelled = true,
            (EventKind::Shipped, _) => order.promise(facts),
            (EventKind::Delivered, _) => {
                order.details_mut().delivered_at.get_or_insert(event.occurred_at());
            }
            (EventKind::Refunded, Some(money)) => order.details_mut().refunds.add_money(money),
            (EventKind::PaymentReceived, Some(money)) => order.details_mut().payments.add_money(money),
            _ => {}
        }
    }

    /// Takes money that names no order.
    fn evolve_money(&mut self, kind: EventKind, amount: Option<Money>) {
        match (kind, amount) {
            (EventKind::Refunded, Some(money)) => {
                self.beside.get_or_insert_default().refunds.add_money(money);
            }
            (EventKind::PaymentReceived, Some(money)) => {
                self.beside.get_or_insert_default().payments.add_money(money);
            }
            _ => {}
        }
    }

    pub(crate) fn records(&self) -> impl Iterator<Item = (&str, &OrderRecord)> {
        self.orders.iter()
    }

    pub(crate) fn ignored_placements(&self) -> u32 {
        self.beside.as_ref().map_or(0, |beside| beside.ignored_placements)
    }

    fn refunds_without_order(&self) -> &Totals {
        self.beside.as_ref().map_or(&NO_TOTALS, |beside| &beside.refunds)
    }

    fn payments_without_order(&self) -> &Totals {
        self.beside.as_ref().map_or(&NO_TOTALS, |beside| &beside.payments)
    }

    /// Refunds that count: all but those that name a cancelled order.
    pub(crate) fn refunds(&self) -> Totals {
        self.totals(self.refunds_without_order(), |details| &details.refunds)
    }

    /// Payments that count: all but those that name a cancelled order.
    pub(crate) fn payments(&self) -> Totals {
        self.totals(self.payments_without_order(), |details| &details.payments)
    }

    fn totals(&self, without_order: &Totals, of: impl Fn(&OrderDetails) -> &Totals) -> Totals {
        let mut totals = without_order.clone();
        let counted = self.records().filter(|(_, order)| !order.cancelled);
        for details in counted.filter_map(|(_, order)| order.details()) {
            for (currency, total) in of(details).iter() {
                totals.add(currency, total);
            }
        }
        totals
    }

    /// Checks a book from outside: so many events within these instants can have made it.
    pub(crate) fn check(&self, events: u64, seen: &RangeInclusive<Timestamp>) -> error::Result<()> {
        let named = self.orders.len() as u64 <= events && u64::from(self.ignored_placements()) <= events;
        ensure(named, "there are more orders than events")?;
        let without_order =
            self.refunds_without_order().turnover().saturating_add(self.payments_without_order().turnover());
        let mut turnover = without_order;
        for (id, order) in self.records() {
            order.check(seen).map_err(|error| error.at(format_args!("order {id:?}")))?;
            turnover = turnover.saturating_add(order.turnover());
        }
        // An event states an amount of 64 bits. Within this, no sum of 128 bits overflows.
        ensure(turnover <= u128::from(events) << 63, "there is more money than events can state")
    }

    /// The orders that were placed, by order id in the order of their bytes, also those that are no purchase.
    pub fn placed(&self) -> impl Iterator<Item = PlacedOrder<'_>> {
        self.orders.sorted().into_iter().filter_map(|(order, record)| {
            let details = record.details();
            Some(PlacedOrder {
                order,
                placed_at: record.placed_at?,
                amount: record.amount()?,
                journey: details.and_then(|details| details.journey.as_ref()).map(JourneyKey::as_str),
                promised_at: details.and_then(|details| details.promised_at),
                delivered_at: details.and_then(|details| details.delivered_at),
                is_cancelled: record.cancelled,
                is_purchase: record.is_purchase(),
            })
        })
    }

    /// The purchases, by the time of placement, then by order id.
    pub fn purchases(&self) -> Vec<Purchase<'_>> {
        let mut purchases: Vec<_> = self
            .records()
            .filter(|(_, order)| order.is_purchase())
            .filter_map(|(id, order)| {
                let journey =
                    order.details().and_then(|details| details.journey.as_ref()).map(JourneyKey::as_str);
                Some(Purchase { placed_at: order.placed_at?, order: id, amount: order.amount()?, journey })
            })
            .collect();
        purchases.sort_unstable_by_key(|purchase| (purchase.placed_at, purchase.order));
        purchases
    }
}

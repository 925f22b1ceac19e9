//! The order book: one record for each order that a customer's events name, read by every projection.

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use crate::batch::{EventView, OrderFacts};
use crate::currency::Currency;
use crate::event::EventKind;
use crate::key::JourneyKey;
use crate::keyed::Keyed;
use crate::money::{Money, MoneySum};
use crate::time::Timestamp;
use crate::view::Purchase;

/// Sums of money by currency, in the order of the codes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Totals(Vec<(Currency, i128)>);

impl Totals {
    pub(crate) fn add(&mut self, currency: Currency, ten_thousandths: i128) {
        match self.0.binary_search_by_key(&currency, |total| total.0) {
            Ok(place) => self.0[place].1 += ten_thousandths,
            Err(place) => self.0.insert(place, (currency, ten_thousandths)),
        }
    }

    fn add_money(&mut self, money: Money) {
        self.add(money.currency, i128::from(money.amount.as_ten_thousandths()));
    }

    pub(crate) fn get(&self, currency: Currency) -> Option<i128> {
        let place = self.0.binary_search_by_key(&currency, |total| total.0).ok()?;
        Some(self.0[place].1)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (Currency, i128)> {
        self.0.iter().copied()
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Serialize for Totals {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (currency, total) in &self.0 {
            map.serialize_entry(currency, &MoneySum::new(*total, *currency).to_decimal())?;
        }
        map.end()
    }
}

/// What a customer's events say about one order.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct OrderRecord {
    /// When it was first placed; cancels, refunds and shipments may name it before.
    pub(crate) placed_at: Option<Timestamp>,
    pub(crate) amount: Option<Money>,
    pub(crate) cancelled: bool,
    /// What many orders have nothing of, kept apart so that those stay small.
    #[serde(skip_serializing_if = "Option::is_none")]
    details: Option<Box<OrderDetails>>,
}

#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct OrderDetails {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) journey: Option<JourneyKey>,
    /// Paid less cost of the lines that carry both, in ten-thousandths.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) margin_ten_thousandths: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) promised_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) delivered_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Totals::is_empty")]
    pub(crate) refunds: Totals,
    #[serde(skip_serializing_if = "Totals::is_empty")]
    pub(crate) payments: Totals,
}

impl OrderRecord {
    pub(crate) fn details(&self) -> Option<&OrderDetails> {
        self.details.as_deref()
    }

    fn details_mut(&mut self) -> &mut OrderDetails {
        self.details.get_or_insert_default()
    }

    /// Refunded at least once, and by at least its amount, in the currency of its amount.
    pub(crate) fn is_fully_refunded(&self) -> bool {
        let (Some(amount), Some(details)) = (self.amount, self.details()) else { return false };
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
        self.amount = facts.amount.or(self.amount);
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
}

/// One record for each order that a customer's events name, and the money that names no order.
#[derive(Debug, Clone, Default, Serialize)]
pub struct OrderBook {
    orders: Keyed<OrderRecord>,
    #[serde(skip_serializing_if = "is_zero")]
    ignored_placements: u32,
    #[serde(skip_serializing_if = "Totals::is_empty")]
    refunds_without_order: Totals,
    #[serde(skip_serializing_if = "Totals::is_empty")]
    payments_without_order: Totals,
}

fn is_zero(number: &u32) -> bool {
    *number == 0
}

impl OrderBook {
    pub(crate) fn evolve(&mut self, event: &EventView<'_>) {
        let kind = event.kind();
        if !kind.names_order() {
            return;
        }
        let facts = event.facts();
        match event.order_of(&facts) {
            Some(id) => self.evolve_order(event, &facts, id),
            None => self.evolve_money(kind, facts.amount),
        }
    }

    fn evolve_order(&mut self, event: &EventView<'_>, facts: &OrderFacts, id: &str) {
        let order = self.orders.entry(id);
        match (event.kind(), facts.amount) {
            (EventKind::OrderPlaced, _) if order.is_placed() => self.ignored_placements += 1,
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
            (EventKind::Refunded, Some(money)) => self.refunds_without_order.add_money(money),
            (EventKind::PaymentReceived, Some(money)) => self.payments_without_order.add_money(money),
            _ => {}
        }
    }

    pub(crate) fn records(&self) -> impl Iterator<Item = (&str, &OrderRecord)> {
        self.orders.iter()
    }

    pub(crate) fn ignored_placements(&self) -> u32 {
        self.ignored_placements
    }

    /// Refunds that count: all but those that name a cancelled order.
    pub(crate) fn refunds(&self) -> Totals {
        self.totals(&self.refunds_without_order, |details| &details.refunds)
    }

    /// Payments that count: all but those that name a cancelled order.
    pub(crate) fn payments(&self) -> Totals {
        self.totals(&self.payments_without_order, |details| &details.payments)
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

    /// The purchases, by the time of placement, then by order id.
    pub fn purchases(&self) -> Vec<Purchase<'_>> {
        let mut purchases: Vec<_> = self
            .records()
            .filter(|(_, order)| order.is_purchase())
            .filter_map(|(id, order)| {
                let journey =
                    order.details().and_then(|details| details.journey.as_ref()).map(JourneyKey::as_str);
                Some(Purchase { placed_at: order.placed_at?, order: id, amount: order.amount?, journey })
            })
            .collect();
        purchases.sort_unstable_by_key(|purchase| (purchase.placed_at, purchase.order));
        purchases
    }
}

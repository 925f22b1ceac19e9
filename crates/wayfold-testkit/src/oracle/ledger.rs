//! What a customer's events say about orders and money, by order.

use std::collections::BTreeMap;

use wayfold_core::{
    Currency, EventBody, JourneyEvent, JourneyKey, Money, OrderId, OrderLine, OrderPlaced, Timestamp,
};

/// When and in which journey an order was placed.
#[derive(Debug, Clone)]
pub(super) struct Placement {
    pub(super) at: Timestamp,
    pub(super) journey: Option<JourneyKey>,
}

/// Everything said about one order.
#[derive(Debug, Clone, Default)]
pub(super) struct Order {
    pub(super) placement: Option<Placement>,
    pub(super) amount: Option<Money>,
    pub(super) lines: Vec<OrderLine>,
    pub(super) promised_at: Option<Timestamp>,
    pub(super) delivered_at: Option<Timestamp>,
    pub(super) cancelled: bool,
    pub(super) refunds: Vec<Money>,
    pub(super) payments: Vec<Money>,
}

impl Order {
    /// At least one refund in the order's currency, and together they reach the amount.
    pub(super) fn fully_refunded(&self) -> bool {
        let Some(amount) = self.amount else { return false };
        let given_back: Vec<i128> =
            self.refunds.iter().filter(|refund| refund.currency == amount.currency).map(number).collect();
        !given_back.is_empty() && given_back.iter().sum::<i128>() >= number(&amount)
    }

    /// Placed, and neither cancelled nor fully refunded.
    pub(super) fn is_purchase(&self) -> bool {
        self.placement.is_some() && !self.cancelled && !self.fully_refunded()
    }
}

/// An order that counts as a purchase.
#[derive(Debug, Clone)]
pub(super) struct Bought {
    pub(super) at: Timestamp,
    pub(super) amount: Money,
    pub(super) journey: Option<JourneyKey>,
    pub(super) lines: Vec<OrderLine>,
}

/// All orders that events name, and the money that names none.
#[derive(Debug, Clone, Default)]
pub(super) struct Ledger {
    pub(super) orders: BTreeMap<OrderId, Order>,
    pub(super) refunds_of_no_order: Vec<Money>,
    pub(super) payments_of_no_order: Vec<Money>,
    pub(super) ignored_placements: u32,
}

impl Ledger {
    /// Reads a history that is in order.
    pub(super) fn of(past: &[&JourneyEvent]) -> Self {
        let mut ledger = Self::default();
        for event in past {
            match order_named(event) {
                Some(id) => ledger.note(id, event),
                None => ledger.note_without_order(event),
            }
        }
        ledger
    }

    fn note(&mut self, id: OrderId, event: &JourneyEvent) {
        let order = self.orders.entry(id).or_default();
        match &event.body {
            EventBody::OrderPlaced(_) if order.placement.is_some() => self.ignored_placements += 1,
            EventBody::OrderPlaced(body) => place(order, event, body),
            EventBody::OrderChanged(body) => {
                order.amount = body.amount.or(order.amount);
                order.promised_at = body.promised_at.or(order.promised_at);
                if !body.lines.is_empty() {
                    order.lines.clone_from(&body.lines);
                }
            }
            EventBody::OrderCancelled(_) => order.cancelled = true,
            EventBody::Shipped(body) => order.promised_at = body.promised_at.or(order.promised_at),
            EventBody::Delivered(_) => {
                order.delivered_at = order.delivered_at.or(Some(event.occurred_at.instant()));
            }
            EventBody::Refunded(body) => order.refunds.push(body.amount),
            EventBody::PaymentReceived(body) => order.payments.extend(body.amount),
            _ => {}
        }
    }

    fn note_without_order(&mut self, event: &JourneyEvent) {
        match &event.body {
            EventBody::Refunded(body) => self.refunds_of_no_order.push(body.amount),
            EventBody::PaymentReceived(body) => self.payments_of_no_order.extend(body.amount),
            _ => {}
        }
    }

    /// The purchases by the time of placement.
    pub(super) fn purchases(&self) -> Vec<Bought> {
        let mut bought: Vec<Bought> = self
            .orders
            .values()
            .filter(|order| order.is_purchase())
            .filter_map(|order| {
                let (placement, amount) = (order.placement.clone()?, order.amount?);
                let lines = order.lines.clone();
                Some(Bought { at: placement.at, amount, journey: placement.journey, lines })
            })
            .collect();
        bought.sort_by_key(|purchase| purchase.at);
        bought
    }

    /// When the purchases were made, in order.
    pub(super) fn purchase_times(&self) -> Vec<Timestamp> {
        self.purchases().iter().map(|purchase| purchase.at).collect()
    }

    /// Refunds that name no cancelled order.
    pub(super) fn refunds(&self) -> Vec<Money> {
        let mut refunds = self.refunds_of_no_order.clone();
        for order in self.orders.values().filter(|order| !order.cancelled) {
            refunds.extend(&order.refunds);
        }
        refunds
    }

    /// Payments that name no cancelled order.
    pub(super) fn payments(&self) -> Vec<Money> {
        let mut payments = self.payments_of_no_order.clone();
        for order in self.orders.values().filter(|order| !order.cancelled) {
            payments.extend(&order.payments);
        }
        payments
    }

    /// Orders that were placed.
    pub(super) fn placed(&self) -> impl Iterator<Item = &Order> {
        self.orders.values().filter(|order| order.placement.is_some())
    }
}

/// The placement states its amount, and lines and a promise if it has them; where a change sorts before it,
/// the placement is the newest of both.
fn place(order: &mut Order, event: &JourneyEvent, body: &OrderPlaced) {
    order.placement = Some(Placement { at: event.occurred_at.instant(), journey: event.journey.clone() });
    order.amount = Some(body.amount);
    order.promised_at = body.promised_at.or(order.promised_at);
    if !body.lines.is_empty() {
        order.lines.clone_from(&body.lines);
    }
}

/// The order that an event of ordering, delivery, return or refund names, whether or not it says more of it.
fn order_named(event: &JourneyEvent) -> Option<OrderId> {
    let about_an_order = matches!(
        &event.body,
        EventBody::OrderPlaced(_)
            | EventBody::OrderChanged(_)
            | EventBody::OrderCancelled(_)
            | EventBody::PaymentReceived(_)
            | EventBody::PaymentFailed(_)
            | EventBody::OrderConfirmed(_)
            | EventBody::Shipped(_)
            | EventBody::Delivered(_)
            | EventBody::DeliveryAccepted(_)
            | EventBody::DeliveryFailed(_)
            | EventBody::Onboarded(_)
            | EventBody::Returned(_)
            | EventBody::Refunded(_)
            | EventBody::Exchanged(_)
    );
    let tag = event.tags.iter().find(|tag| about_an_order && tag.object_type() == "order")?;
    Some(OrderId::new(tag.id()).expect("the id of a tag is a name"))
}

/// Ten-thousandths, wide enough for any sum.
pub(super) fn number(money: &Money) -> i128 {
    i128::from(money.amount.as_ten_thousandths())
}

/// The sum of what is in one currency.
pub(super) fn sum_in<'a>(currency: Currency, amounts: impl IntoIterator<Item = &'a Money>) -> i128 {
    amounts.into_iter().filter(|money| money.currency == currency).map(number).sum()
}

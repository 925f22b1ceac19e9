//! Purchases of a history with what the order book does not say: lines, and what was given back.

use hashbrown::HashMap;
use wayfold_core::{EventKind, EventView, History, Money, OrderBook, Purchase, Timestamp};

/// A purchase as it stands.
pub(crate) struct Placed<'a> {
    pub(crate) order: &'a str,
    pub(crate) placed_at: Timestamp,
    /// The amount, as last changed.
    pub(crate) amount: Money,
    /// The amount less refunds that name the order, in ten-thousandths.
    pub(crate) net: i128,
    /// The event whose lines stand: the first placement, or the last change that states lines.
    pub(crate) lines: EventView<'a>,
}

#[derive(Default)]
struct Known<'a> {
    is_placed: bool,
    lines: Option<EventView<'a>>,
    refunds: Vec<Money>,
}

/// The purchases, by the time of placement, then by order id.
pub(crate) fn placed<'a>(history: &History<'a>) -> Vec<Placed<'a>> {
    let mut orders: HashMap<&'a str, Known<'a>> = HashMap::new();
    for event in history.events() {
        let Some(order) = event.order() else { continue };
        match event.kind() {
            EventKind::OrderPlaced => {
                let known = orders.entry(order).or_default();
                if !known.is_placed {
                    (known.is_placed, known.lines) = (true, Some(*event));
                }
            }
            EventKind::OrderChanged if event.lines().next().is_some() => {
                orders.entry(order).or_default().lines = Some(*event);
            }
            EventKind::Refunded => orders.entry(order).or_default().refunds.extend(event.money_amount()),
            _ => {}
        }
    }
    let stands = |purchase: &Purchase<'_>| {
        let (order, known) = orders.get_key_value(purchase.order)?;
        let refunds = known.refunds.iter().filter(|money| money.currency == purchase.amount.currency);
        let ten_thousandths = |money: &Money| i128::from(money.amount.as_ten_thousandths());
        Some(Placed {
            order,
            placed_at: purchase.placed_at,
            amount: purchase.amount,
            net: ten_thousandths(&purchase.amount) - refunds.map(ten_thousandths).sum::<i128>(),
            lines: known.lines?,
        })
    };
    OrderBook::of(history.events()).purchases().iter().filter_map(stands).collect()
}

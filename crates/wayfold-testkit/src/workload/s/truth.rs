//! What is known of a shop without folding anything.

use std::collections::BTreeMap;

use wayfold_core::{Currency, MoneySum};

use super::make::Maker;
use super::plan::{NONE, Plan, Step};

/// What is true of a shop's history as of an instant after all of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Truth {
    /// Distinct events, retractions and retracted ones included.
    pub events: u64,
    /// Deliveries beyond the first of an event.
    pub duplicates: u64,
    /// Events that arrive later than they happen.
    pub late: u64,
    /// Events that share customer and instant with another.
    pub ties: u64,
    /// Retractions; each has its effect.
    pub retractions: u64,
    /// Orders placed.
    pub orders_placed: u64,
    /// Orders cancelled.
    pub orders_cancelled: u64,
    /// Orders fully refunded and not cancelled.
    pub orders_refunded: u64,
    /// Money by currency.
    pub money: BTreeMap<Currency, ShopMoney>,
}

/// A shop's money in one currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ShopMoney {
    /// The amounts of orders that are not cancelled, as changed last.
    pub revenue: MoneySum,
    /// Refunds that name no cancelled order.
    pub refunds: MoneySum,
}

/// Adds up the plans: the amounts of each order, without what was entered wrongly.
pub(super) fn money(maker: &Maker, plans: &[Plan]) -> BTreeMap<Currency, ShopMoney> {
    let right = || plans.iter().filter(|plan| !plan.is_wrong);
    let mut cancelled = vec![false; plans.len()];
    for plan in right().filter(|plan| plan.step == Step::OrderCancelled) {
        cancelled[plan.order as usize] = true;
    }
    // A currency is there once an order was placed in it or a refund counts, as in a customer's value.
    let moves_money = |plan: &&Plan| {
        use Step::{GoodwillRefunded, OrderPlaced, RefundedInFull, RefundedInPart};
        matches!(plan.step, OrderPlaced | RefundedInFull | RefundedInPart | GoodwillRefunded)
    };
    let mut sums: BTreeMap<Currency, (i128, i128)> = BTreeMap::new();
    for plan in right().filter(moves_money) {
        let (revenue, refunds) = sums.entry(maker.currency(plan.customer)).or_default();
        let counts = plan.order == NONE || !cancelled[plan.order as usize];
        match plan.step {
            // A placed order is worth what the last change makes of it.
            Step::OrderPlaced if counts => {
                *revenue += i128::from(maker.last_amount(plan).as_ten_thousandths());
            }
            Step::RefundedInFull | Step::RefundedInPart | Step::GoodwillRefunded if counts => {
                *refunds += i128::from(maker.refund(plan).as_ten_thousandths());
            }
            _ => {}
        }
    }
    let of = |(currency, (revenue, refunds))| {
        let in_it = |number| MoneySum::new(number, currency);
        (currency, ShopMoney { revenue: in_it(revenue), refunds: in_it(refunds) })
    };
    sums.into_iter().map(of).collect()
}

//! Value (客户价值): orders, revenue, refunds, net, margin, average and gaps, by currency.
//!
//! Revenue is the amounts of orders that are not cancelled, or under `paid` the payments that name no
//! cancelled order; refunds are those that name no cancelled order; net is revenue less refunds. Orders,
//! average, margin and gaps count purchases: orders neither cancelled nor fully refunded.

use super::{CustomerAt, Projection};
use crate::batch::EventView;
use crate::currency::Currency;
use crate::money::{MoneySum, divide_half_even};
use crate::orders::{OrderBook, OrderRecord, Totals};
use crate::rules::{RevenueBasis, ValueRules};
use crate::time::Timestamp;
use crate::view::{CurrencyValue, GapsView, Purchase, ValueView};

/// Folds a customer's events into orders and money.
#[derive(Debug)]
pub(crate) struct ValueProjection {
    rules: ValueRules,
}

impl ValueProjection {
    /// Takes what counts as revenue.
    pub(super) fn new(rules: ValueRules) -> Self {
        Self { rules }
    }
}

impl Projection for ValueProjection {
    type State = ();
    type View = ValueView;

    fn name(&self) -> &str {
        "value"
    }

    fn version(&self) -> u32 {
        1
    }

    fn evolve(&self, _state: &mut (), _event: &EventView<'_>) {}

    fn view(&self, _state: &(), customer: &CustomerAt<'_>) -> ValueView {
        let orders = customer.record().orders();
        let count =
            |is: fn(&OrderRecord) -> bool| orders.records().filter(|(_, order)| is(order)).count() as u32;
        ValueView {
            purchases: customer.purchases().len() as u32,
            cancelled: count(|order| order.is_placed() && order.cancelled),
            fully_refunded: count(|order| order.is_placed() && !order.cancelled && order.is_fully_refunded()),
            ignored_placements: orders.ignored_placements(),
            unknown_orders: count(|order| !order.is_placed()),
            gaps: gaps(customer.purchases()),
            currencies: currencies(customer, self.rules.revenue),
        }
    }

    fn holds_until(&self, _state: &(), _customer: &CustomerAt<'_>) -> Option<Timestamp> {
        None
    }
}

fn gaps(purchases: &[Purchase<'_>]) -> GapsView {
    let mut view = GapsView::default();
    for pair in purchases.windows(2) {
        let gap = pair[1].placed_at.since(pair[0].placed_at);
        view.count += 1;
        view.total_us = view.total_us + gap;
        view.shortest_us = Some(view.shortest_us.map_or(gap, |shortest| shortest.min(gap)));
        view.longest_us = view.longest_us.max(Some(gap));
    }
    view
}

/// Revenue by currency.
fn revenue(orders: &OrderBook, basis: RevenueBasis) -> Totals {
    match basis {
        RevenueBasis::Paid => orders.payments(),
        RevenueBasis::Ordered => {
            let mut totals = Totals::default();
            for (_, order) in orders.records().filter(|(_, order)| order.is_placed() && !order.cancelled) {
                if let Some(amount) = order.amount() {
                    totals.add(amount.currency, i128::from(amount.amount.as_ten_thousandths()));
                }
            }
            totals
        }
    }
}

/// Revenue less refunds by currency.
pub(super) fn net_by_currency(orders: &OrderBook, basis: RevenueBasis) -> Totals {
    let mut net = revenue(orders, basis);
    for (currency, refunded) in orders.refunds().iter() {
        net.add(currency, -refunded);
    }
    net
}

/// One line for each currency with a placed order, a payment that counts as revenue, or a refund that counts.
fn currencies(customer: &CustomerAt<'_>, basis: RevenueBasis) -> Vec<CurrencyValue> {
    let orders = customer.record().orders();
    let (revenue, refunds) = (revenue(orders, basis), orders.refunds());
    let mut listed = Totals::default();
    for (currency, _) in revenue.iter().chain(refunds.iter()) {
        listed.add(currency, 0);
    }
    for (_, order) in orders.records().filter(|(_, order)| order.is_placed()) {
        if let Some(amount) = order.amount() {
            listed.add(amount.currency, 0);
        }
    }
    let margin = margins(orders);
    let of = |currency| {
        let get = |totals: &Totals| totals.get(currency).unwrap_or(0);
        let mut value = CurrencyValue {
            currency,
            purchases: 0,
            revenue: MoneySum::new(get(&revenue), currency),
            refunds: MoneySum::new(get(&refunds), currency),
            net: MoneySum::new(get(&revenue) - get(&refunds), currency),
            margin: margin.get(currency).map(|sum| MoneySum::new(sum, currency)),
            average: None,
            first_purchase_at: None,
            last_purchase_at: None,
        };
        add_purchases(&mut value, customer.purchases(), currency);
        value
    };
    listed.iter().map(|(currency, _)| of(currency)).collect()
}

fn add_purchases(value: &mut CurrencyValue, purchases: &[Purchase<'_>], currency: Currency) {
    let mut sum = 0_i128;
    for purchase in purchases.iter().filter(|purchase| purchase.amount.currency == currency) {
        sum += i128::from(purchase.amount.amount.as_ten_thousandths());
        value.purchases += 1;
        value.first_purchase_at.get_or_insert(purchase.placed_at);
        value.last_purchase_at = Some(purchase.placed_at);
    }
    if value.purchases > 0 {
        value.average = Some(MoneySum::new(divide_half_even(sum, i128::from(value.purchases)), currency));
    }
}

fn margins(orders: &OrderBook) -> Totals {
    let mut totals = Totals::default();
    for (_, order) in orders.records().filter(|(_, order)| order.is_purchase()) {
        let margin = order.details().and_then(|details| details.margin_ten_thousandths);
        if let (Some(amount), Some(margin)) = (order.amount(), margin) {
            totals.add(amount.currency, i128::from(margin));
        }
    }
    totals
}

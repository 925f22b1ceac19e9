//! Orders and money, by currency.

use std::collections::BTreeSet;

use wayfold_core::{
    Currency, CurrencyValue, GapsView, Money, MoneySum, OrderLine, RevenueBasis, Span, ValueRules, ValueView,
};

use super::ledger::{Bought, Ledger, number, sum_in};

pub(super) fn view(rules: &ValueRules, ledger: &Ledger) -> ValueView {
    let refunded = |order: &&super::ledger::Order| !order.cancelled && order.fully_refunded();
    ValueView {
        purchases: ledger.purchases().len() as u32,
        cancelled: ledger.placed().filter(|order| order.cancelled).count() as u32,
        fully_refunded: ledger.placed().filter(refunded).count() as u32,
        ignored_placements: ledger.ignored_placements,
        unknown_orders: (ledger.orders.len() - ledger.placed().count()) as u32,
        gaps: gaps(&ledger.purchases()),
        currencies: currencies(rules, ledger),
    }
}

/// What makes revenue: amounts of orders that are not cancelled, or payments that name no cancelled order.
fn revenue_parts(rules: &ValueRules, ledger: &Ledger) -> Vec<Money> {
    match rules.revenue {
        RevenueBasis::Ordered => {
            ledger.placed().filter(|order| !order.cancelled).filter_map(|order| order.amount).collect()
        }
        RevenueBasis::Paid => ledger.payments(),
    }
}

/// Revenue less refunds in one currency.
pub(super) fn net(rules: &ValueRules, ledger: &Ledger, currency: Currency) -> i128 {
    sum_in(currency, &revenue_parts(rules, ledger)) - sum_in(currency, &ledger.refunds())
}

/// A line for each currency of a placed order, of what makes revenue, and of a refund that counts.
pub(super) fn currencies(rules: &ValueRules, ledger: &Ledger) -> Vec<CurrencyValue> {
    let mut present: BTreeSet<Currency> =
        ledger.placed().filter_map(|order| order.amount).map(|amount| amount.currency).collect();
    present.extend(revenue_parts(rules, ledger).iter().map(|money| money.currency));
    present.extend(ledger.refunds().iter().map(|money| money.currency));
    present.into_iter().map(|currency| line(rules, ledger, currency)).collect()
}

fn line(rules: &ValueRules, ledger: &Ledger, currency: Currency) -> CurrencyValue {
    let purchases: Vec<Bought> =
        ledger.purchases().into_iter().filter(|purchase| purchase.amount.currency == currency).collect();
    let in_it = |number: i128| MoneySum::new(number, currency);
    let revenue = sum_in(currency, &revenue_parts(rules, ledger));
    let refunds = sum_in(currency, &ledger.refunds());
    let spent: i128 = purchases.iter().map(|purchase| number(&purchase.amount)).sum();
    CurrencyValue {
        currency,
        purchases: purchases.len() as u32,
        revenue: in_it(revenue),
        refunds: in_it(refunds),
        net: in_it(revenue - refunds),
        margin: margin(&purchases).map(in_it),
        average: (!purchases.is_empty()).then(|| in_it(half_even(spent, purchases.len() as i128))),
        first_purchase_at: purchases.first().map(|purchase| purchase.at),
        last_purchase_at: purchases.last().map(|purchase| purchase.at),
    }
}

/// Paid less cost, over the lines that carry both.
fn margin(purchases: &[Bought]) -> Option<i128> {
    let of_line = |line: &OrderLine| {
        let (paid, cost) = (line.paid?.as_ten_thousandths(), line.cost?.as_ten_thousandths());
        Some((i128::from(paid) - i128::from(cost)) * i128::from(line.quantity))
    };
    let margins: Vec<i128> =
        purchases.iter().flat_map(|purchase| &purchase.lines).filter_map(of_line).collect();
    (!margins.is_empty()).then(|| margins.iter().sum())
}

fn gaps(purchases: &[Bought]) -> GapsView {
    let gaps: Vec<i64> = purchases.windows(2).map(|pair| pair[1].at.since(pair[0].at).as_micros()).collect();
    GapsView {
        count: gaps.len() as u32,
        total_us: Span::from_micros(gaps.iter().sum()),
        shortest_us: gaps.iter().min().copied().map(Span::from_micros),
        longest_us: gaps.iter().max().copied().map(Span::from_micros),
    }
}

/// Divides by counting on from the floor: the nearest whole number, halves to the even one.
fn half_even(number: i128, by: i128) -> i128 {
    let floor = number.div_euclid(by);
    let twice_rest = 2 * (number - floor * by);
    if twice_rest > by || (twice_rest == by && floor.rem_euclid(2) == 1) { floor + 1 } else { floor }
}

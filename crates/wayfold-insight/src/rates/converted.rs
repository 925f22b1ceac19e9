use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde::Serialize;
use wayfold_core::{Amount, Currency, EventKind, History, Money, OrderBook, Timestamp};

use super::RateTable;
use crate::measure::{Calendar, Measure, Tally, amount};

/// Measures revenue, refunds and net value in one currency, by period: each at the rate of its own day.
///
/// Revenue is the amounts of orders that are not cancelled, on the day on which they were placed; refunds are those that
/// name no cancelled order, on the day on which money was given back. What has no rate is not added but listed.
#[derive(Debug, Clone)]
pub struct ConvertedValue {
    rates: RateTable,
    calendar: Calendar,
}

/// Money by period, and what could not be converted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConvertedTotal {
    /// Revenue and refunds in ten-thousandths, by bucket.
    periods: BTreeMap<i64, [i128; 2]>,
    missing: Tally<(Currency, NaiveDate)>,
}

/// A period in the reporting currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ConvertedRow {
    /// Its first day.
    pub starts_on: NaiveDate,
    /// What was ordered.
    pub revenue: Amount,
    /// What was given back.
    pub refunds: Amount,
    /// Revenue less refunds.
    pub net: Amount,
}

impl ConvertedValue {
    /// Takes the rates and the calendar of the periods.
    pub fn new(rates: RateTable, calendar: Calendar) -> Self {
        Self { rates, calendar }
    }

    /// The periods in which there was money, by time.
    pub fn report(&self, total: &ConvertedTotal) -> Vec<ConvertedRow> {
        let row = |(bucket, [revenue, refunds]): (&i64, &[i128; 2])| ConvertedRow {
            starts_on: self.calendar.starts_on(*bucket),
            revenue: amount(*revenue),
            refunds: amount(*refunds),
            net: amount(revenue - refunds),
        };
        total.periods.iter().map(row).collect()
    }

    fn add(&self, money: Money, at: Timestamp, side: usize, times: i64, total: &mut ConvertedTotal) {
        let Ok(converted) = self.rates.convert(money, at) else {
            total.missing.add((money.currency, self.rates.day(at)), times);
            return;
        };
        let value = i128::from(converted.amount.as_ten_thousandths()) * i128::from(times);
        total.add(self.calendar.bucket(at), side, value);
    }
}

impl ConvertedTotal {
    /// Amounts that could not be converted: currency, day and how many.
    pub fn missing(&self) -> impl Iterator<Item = (Currency, NaiveDate, u64)> {
        self.missing.counts().map(|((currency, day), times)| (*currency, *day, times))
    }

    fn add(&mut self, bucket: i64, side: usize, value: i128) {
        let period = self.periods.entry(bucket).or_default();
        period[side] += value;
        if *period == [0, 0] {
            self.periods.remove(&bucket);
        }
    }
}

impl Measure for ConvertedValue {
    type Total = ConvertedTotal;

    fn add(&self, history: &History<'_>, times: i64, total: &mut ConvertedTotal) {
        let book = OrderBook::of(history.events());
        for order in book.placed().filter(|order| !order.is_cancelled) {
            self.add(order.amount, order.placed_at, 0, times, total);
        }
        let cancels = |event: &&wayfold_core::EventView<'_>| event.kind() == EventKind::OrderCancelled;
        let cancelled: Vec<&str> =
            history.events().iter().filter(cancels).filter_map(|event| event.order()).collect();
        for event in history.events().iter().filter(|event| event.kind() == EventKind::Refunded) {
            if let Some(money) = event.money_amount()
                && event.order().is_none_or(|order| !cancelled.contains(&order))
            {
                self.add(money, event.occurred_at(), 1, times, total);
            }
        }
    }

    fn merge(&self, total: &mut ConvertedTotal, other: ConvertedTotal) {
        for (bucket, values) in other.periods {
            values.into_iter().enumerate().for_each(|(side, value)| total.add(bucket, side, value));
        }
        total.missing.merge(other.missing);
    }
}

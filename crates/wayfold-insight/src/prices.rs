//! Prices (价格): how deep discounts go, what they leave, and how many more units a lower price sells.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use serde::Serialize;
use wayfold_core::{Amount, Currency, History, LineView};

use crate::error::{Error, ErrorKind, Result};
use crate::interval::{self, Confidence, Interval};
use crate::measure::{Calendar, Measure, SegmentOf, Tally, amount, by_segment};
use crate::model::Estimate;
use crate::placed::placed;
use crate::regression::{Observation, Regression};

/// Measures what purchases were paid against list prices, and what units of a product were sold at which price, period by
/// period.
///
/// Lines of purchases in the currency count as they stand, those with a quantity above zero. A line without a paid price says
/// nothing, and one without a list price above zero nothing of discounts.
#[derive(Debug, Clone)]
pub struct Prices {
    calendar: Calendar,
    currency: Currency,
    segment: SegmentOf,
}

/// What was paid.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PriceTotal {
    orders: Tally<PricedOrder>,
    sales: BTreeMap<Sold, Sales>,
}

/// The lines of an order that state list and paid prices, in ten-thousandths.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
struct PricedOrder {
    segment: Option<String>,
    list: i128,
    paid: i128,
    /// Paid and paid less cost of the lines that state a cost as well.
    costed: Option<(i128, i128)>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Sold {
    product: String,
    segment: Option<String>,
    bucket: i64,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Sales {
    lines: i64,
    units: i128,
    paid: i128,
}

/// By what prices are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PriceBy {
    /// By nothing.
    #[default]
    All,
    /// By the segment of the customer.
    Segment,
}

/// Orders whose discount is of a depth.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DiscountRow {
    /// The segment of the customers, if it is asked for.
    pub segment: Option<String>,
    /// From which depth on, in per cent of the list price; `None` where nothing was taken off. The band that begins with 0
    /// does not hold it.
    pub from_percent: Option<u8>,
    /// Below which depth; `None` of the last.
    pub below_percent: Option<u8>,
    /// How many orders.
    pub orders: u64,
    /// Their percentage of the segment's orders with list prices, with Wilson's interval.
    pub order_share: (f64, Interval),
    /// What was paid for their lines.
    pub revenue: Amount,
    /// Its percentage of what was paid for all.
    pub revenue_share: f64,
    /// What was taken off list prices; below zero where more was paid.
    pub discount: Amount,
    /// Paid less cost, of lines that carry both; `None` without such.
    pub margin: Option<Amount>,
    /// The margin in per cent of what was paid for these lines; `None` where that is nothing.
    pub margin_percent: Option<f64>,
}

/// How units follow the price of a product: the regression of the logarithm of units on that of the price, over periods.
///
/// Periods in which nothing was sold have no logarithm and are left out, and what else moved units (season, stock, promotion)
/// moves the estimate too.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PriceResponse {
    /// How many periods.
    pub periods: u64,
    /// How many units.
    pub units: i64,
    /// The lowest mean price of a period.
    pub price_min: Amount,
    /// The highest.
    pub price_max: Amount,
    /// By how many per cent units change where the price is one per cent higher, with its standard error.
    pub elasticity: Estimate,
    /// The share of the variance that the price explains.
    pub r_squared: f64,
}

/// The response of one product, or why there is none.
#[derive(Debug, Clone, PartialEq)]
pub struct ProductResponse {
    /// The product.
    pub product: String,
    /// The segment of the customers, if it is asked for.
    pub segment: Option<String>,
    /// How units follow the price.
    pub response: Result<PriceResponse>,
}

/// A band of depths, by the index of its first edge; `None` where nothing was taken off.
type Band = Option<usize>;

impl Prices {
    /// Takes the calendar of the periods and the currency.
    pub fn new(calendar: Calendar, currency: Currency) -> Self {
        Self { calendar, currency, segment: SegmentOf::default() }
    }

    by_segment! {
        /// Tells segments apart.
    }

    /// How deep discounts go, by bands that begin at these depths in per cent, ascending from 0; the last has no end. The
    /// first row of a segment holds the orders from which nothing was taken off; rows without an order are left out.
    ///
    /// The depth of an order is list less paid over list, of its lines together.
    ///
    /// # Errors
    /// `InvalidParameter` unless the edges begin with 0 and ascend.
    pub fn discounts(
        &self,
        total: &PriceTotal,
        by: PriceBy,
        edges: &[u8],
        confidence: Confidence,
    ) -> Result<Vec<DiscountRow>> {
        if edges.first() != Some(&0) || !edges.is_sorted_by(|a, b| a < b) {
            let message = format_args!("bands of discounts from {edges:?}; they begin with 0 and ascend");
            return Err(Error::new(ErrorKind::InvalidParameter, message));
        }
        let mut rows: BTreeMap<(Option<&String>, Band), (u64, PricedOrder)> = BTreeMap::new();
        let mut all: BTreeMap<Option<&String>, (u64, i128)> = BTreeMap::new();
        for order in total.orders.iter() {
            let segment = order.segment.as_ref().filter(|_| by == PriceBy::Segment);
            let off = order.list - order.paid;
            let band = edges.iter().rposition(|edge| 100 * off >= i128::from(*edge) * order.list);
            let (orders, sum) = rows.entry((segment, band.filter(|_| off > 0))).or_default();
            *orders += 1;
            sum.list += order.list;
            sum.paid += order.paid;
            if let Some((paid, margin)) = order.costed {
                let known = sum.costed.get_or_insert_default();
                (known.0, known.1) = (known.0 + paid, known.1 + margin);
            }
            let known = all.entry(segment).or_default();
            (known.0, known.1) = (known.0 + 1, known.1 + order.paid);
        }
        let percent = |part: i128, of: i128| 100.0 * part as f64 / of as f64;
        let row = |((segment, band), (orders, sum)): ((Option<&String>, Band), (u64, PricedOrder))| {
            let (all_orders, all_paid) = all[&segment];
            let costed = sum.costed.filter(|(paid, _)| *paid != 0);
            DiscountRow {
                segment: segment.cloned(),
                from_percent: band.map(|band| edges[band]),
                below_percent: band.and_then(|band| edges.get(band + 1)).copied(),
                orders,
                order_share: interval::share(orders, all_orders, confidence),
                revenue: amount(sum.paid),
                revenue_share: if all_paid == 0 { 0.0 } else { percent(sum.paid, all_paid) },
                discount: amount(sum.list - sum.paid),
                margin: sum.costed.map(|(_, margin)| amount(margin)),
                margin_percent: costed.map(|(paid, margin)| percent(margin, paid)),
            }
        };
        Ok(rows.into_iter().map(row).collect())
    }

    /// How units follow prices, product by product and segment by segment, by name; of products that cannot carry it, why.
    ///
    /// `TooLittleData` with fewer than three periods in which it was sold for money, `NotIdentified` if the price never
    /// changed.
    pub fn responses(&self, total: &PriceTotal, by: PriceBy) -> Vec<ProductResponse> {
        type Key<'a> = (&'a str, Option<&'a String>);
        let mut products: BTreeMap<Key<'_>, BTreeMap<i64, Sales>> = BTreeMap::new();
        for (sold, sales) in &total.sales {
            let segment = sold.segment.as_ref().filter(|_| by == PriceBy::Segment);
            let periods = products.entry((&sold.product, segment)).or_default();
            periods.entry(sold.bucket).or_default().add(*sales, 1);
        }
        let of = |((product, segment), periods): (Key<'_>, BTreeMap<i64, Sales>)| ProductResponse {
            product: product.to_owned(),
            segment: segment.cloned(),
            response: response(
                product,
                periods.values().filter(|sales| sales.units > 0 && sales.price() > 0),
            ),
        };
        products.into_iter().map(of).collect()
    }
}

/// The response of a product by what was sold in periods.
fn response<'a>(product: &str, periods: impl Iterator<Item = &'a Sales> + Clone) -> Result<PriceResponse> {
    let count = periods.clone().count() as u64;
    if count < 3 {
        let message = format_args!("product {product:?} was sold in {count} periods; it takes three");
        return Err(Error::new(ErrorKind::TooLittleData, message));
    }
    let observation = |sales: &Sales| {
        // The same price has the same bits, however many units were sold at it.
        let price = amount(sales.price()).as_ten_thousandths() as f64 / 10_000.0;
        Observation::new([libm::log(price)], libm::log(sales.units as f64))
    };
    let prices = periods.clone().map(Sales::price);
    let observations: Vec<_> = periods.clone().map(observation).collect();
    let fitted = Regression::new(["ln price"]).fit_ridge(&observations).map_err(|error| {
        Error::new(error.kind(), format_args!("product {product:?} over {count} periods: {error}"))
    })?;
    let units: i128 = periods.map(|sales| sales.units).sum();
    Ok(PriceResponse {
        periods: count,
        units: units.clamp(0, i64::MAX.into()) as i64,
        price_min: amount(prices.clone().min().unwrap_or_default()),
        price_max: amount(prices.max().unwrap_or_default()),
        elasticity: fitted.estimates[1].clone(),
        r_squared: fitted.r_squared,
    })
}

impl Sales {
    fn add(&mut self, other: Self, times: i64) {
        self.lines += other.lines * times;
        self.units += other.units * i128::from(times);
        self.paid += other.paid * i128::from(times);
    }

    /// The mean price of a unit in ten-thousandths, to the nearest; there are units.
    fn price(&self) -> i128 {
        (2 * self.paid + self.units).div_euclid(2 * self.units)
    }
}

impl PricedOrder {
    fn take(&mut self, line: &LineView<'_>, paid: i128) {
        let worth = |price: Amount| i128::from(price.as_ten_thousandths()) * i128::from(line.quantity());
        let Some(list) = line.list().map(worth).filter(|list| *list > 0) else { return };
        self.list += list;
        self.paid += paid;
        if let Some(cost) = line.cost().map(worth) {
            let known = self.costed.get_or_insert_default();
            (known.0, known.1) = (known.0 + paid, known.1 + paid - cost);
        }
    }
}

impl Measure for Prices {
    type Total = PriceTotal;

    fn add(&self, history: &History<'_>, times: i64, total: &mut PriceTotal) {
        let segment = self.segment.of(history);
        for order in placed(history).iter().filter(|order| order.amount.currency == self.currency) {
            let bucket = self.calendar.bucket(order.placed_at);
            let mut priced = PricedOrder { segment: segment.clone(), ..PricedOrder::default() };
            for line in order.lines.lines().filter(|line| line.quantity() > 0) {
                let Some(price) = line.paid() else { continue };
                let units = i128::from(line.quantity());
                let paid = units * i128::from(price.as_ten_thousandths());
                priced.take(&line, paid);
                let sold = Sold { product: line.product().to_owned(), segment: segment.clone(), bucket };
                total.sell(sold, Sales { lines: 1, units, paid }, times);
            }
            if priced.list > 0 {
                total.orders.add(priced, times);
            }
        }
    }

    fn merge(&self, total: &mut PriceTotal, other: PriceTotal) {
        total.orders.merge(other.orders);
        other.sales.into_iter().for_each(|(sold, sales)| total.sell(sold, sales, 1));
    }
}

impl PriceTotal {
    /// Adds sales so many times, and forgets what comes to nothing.
    fn sell(&mut self, sold: Sold, sales: Sales, times: i64) {
        match self.sales.entry(sold) {
            Entry::Vacant(free) => free.insert(Sales::default()).add(sales, times),
            Entry::Occupied(mut known) => {
                known.get_mut().add(sales, times);
                if *known.get() == Sales::default() {
                    known.remove();
                }
            }
        }
    }
}

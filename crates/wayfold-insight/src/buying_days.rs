use std::collections::BTreeMap;

use serde::Serialize;
use wayfold_core::{Currency, CustomerAt, EventView, MoneySum, Projection, Span, Timestamp};

use crate::cells::Cells;
use crate::error::Result;
use crate::history::{BuyingHistory, SpendHistory};

/// Folds a customer's orders into the days on which it bought, which is what models of lifetime value look at.
///
/// All purchases of a day in UTC are one transaction, and its spending is their sum; purchases are orders that are
/// neither cancelled nor fully refunded, as in every view, and those in other currencies do not count. It reads the
/// orders that a fold keeps for all projections, so it has no state of its own, and a fold of one projection alone,
/// which keeps no orders, has nothing for it.
///
/// ```
/// use wayfold_core::{
///     Currency, CustomerKey, EventBatch, EventId, Fold, JourneyEvent, Money, OrderPlaced, ProjectionSet, Rules, Tag, Timestamp,
/// };
/// use wayfold_insight::BuyingDays;
///
/// let ada = CustomerKey::new("ada")?;
/// let order = |id: u128, at: &str, amount: &str| -> wayfold_core::Result<JourneyEvent> {
///     let amount = Money::parse(amount, Currency::USD)?;
///     let body = OrderPlaced { lines: vec![], amount, promised_at: None };
///     let event = JourneyEvent::new(EventId::from_u128(id), ada.clone(), Timestamp::parse(at)?, body);
///     Ok(event.with_tag(Tag::order(&format!("o{id}"))?))
/// };
/// let events = [
///     order(1, "1997-01-01", "29.33")?,
///     order(2, "1997-01-18T10:00:00Z", "9.73")?,
///     order(3, "1997-01-18T17:00:00Z", "20.00")?,
/// ];
/// let mut projections = ProjectionSet::new(Rules::default())?;
/// let buying = projections.register(BuyingDays::new(Currency::USD))?;
/// let mut fold = Fold::new(&projections);
/// let _ = fold.apply(&[EventBatch::from_events(&events)?]);
///
/// let as_of = Timestamp::parse("1997-01-31")?;
/// let view = fold.own_view(buying, &ada, as_of)?.expect("ada is known");
/// let history = view.history(as_of)?.expect("ada has bought");
/// assert_eq!((history.repeats(), history.recency().whole_days(), history.age().whole_days()), (1, 17, 30));
/// assert_eq!(view.spend()?.total(), 29.73);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct BuyingDays {
    currency: Currency,
    name: String,
}

impl BuyingDays {
    /// Takes the currency; the projection's name ends with it, so that one for each can be registered.
    pub fn new(currency: Currency) -> Self {
        Self { currency, name: format!("buying_days_{}", currency.as_str().to_ascii_lowercase()) }
    }
}

/// The days on which a customer bought.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BuyingDaysView {
    /// The currency.
    pub currency: Currency,
    /// Each day once, in their order.
    pub days: Vec<BuyingDay>,
}

/// A day on which a customer bought.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct BuyingDay {
    /// Its first instant in UTC.
    pub day: Timestamp,
    /// What was spent on it.
    pub spend: MoneySum,
}

impl Projection for BuyingDays {
    type State = ();
    type View = BuyingDaysView;

    fn name(&self) -> &str {
        &self.name
    }

    fn version(&self) -> u32 {
        1
    }

    fn evolve(&self, _state: &mut (), _event: &EventView<'_>) {}

    fn view(&self, _state: &(), customer: &CustomerAt<'_>) -> BuyingDaysView {
        let mut days: Vec<BuyingDay> = Vec::new();
        for purchase in customer.purchases().iter().filter(|of| of.amount.currency == self.currency) {
            let (day, spend) =
                (day_of(purchase.placed_at), i128::from(purchase.amount.amount.as_ten_thousandths()));
            match days.last_mut() {
                Some(last) if last.day == day => {
                    last.spend = MoneySum::new(last.spend.as_ten_thousandths() + spend, self.currency);
                }
                _ => days.push(BuyingDay { day, spend: MoneySum::new(spend, self.currency) }),
            }
        }
        BuyingDaysView { currency: self.currency, days }
    }

    fn holds_until(&self, _state: &(), _customer: &CustomerAt<'_>) -> Option<Timestamp> {
        None
    }
}

/// The first instant of an instant's day in UTC.
fn day_of(instant: Timestamp) -> Timestamp {
    let days = Span::from_micros(instant.as_micros()).whole_days();
    let into = instant.as_micros() - days * Span::from_days(1).as_micros();
    instant - Span::from_micros(into)
}

impl BuyingDaysView {
    /// The history in whole days as of an instant at or after the last of the days; `None` if nothing was bought.
    ///
    /// # Errors
    /// `InvalidHistory` if the instant is before a day on which something was bought: ask for the view as of then.
    pub fn history(&self, as_of: Timestamp) -> Result<Option<BuyingHistory>> {
        self.cell().map(|cell| cell.at(day_of(as_of))).transpose()
    }

    /// What was spent on the days after the first.
    ///
    /// # Errors
    /// `InvalidHistory` if that is less than nothing.
    pub fn spend(&self) -> Result<SpendHistory> {
        let repeats = self.days.get(1..).unwrap_or_default();
        let total = repeats.iter().map(|day| day.spend.as_ten_thousandths()).sum();
        SpendHistory::new(repeats.len() as u32, MoneySum::new(total, self.currency))
    }

    /// On how many days something was bought after the day of an instant.
    pub fn days_after(&self, instant: Timestamp) -> u32 {
        let day = day_of(instant);
        (self.days.len() - self.days.partition_point(|bought| bought.day <= day)) as u32
    }

    fn cell(&self) -> Option<Cell> {
        let (first, last) = (self.days.first()?, self.days.last()?);
        Some(Cell { repeats: self.days.len() as u32 - 1, first: first.day, last: last.day })
    }
}

/// Customers counted by number of repeats, first day and last day: from this, cells can be formed as of any later
/// instant without the customers.
///
/// Counts of parts of a population merge into the count of the whole, in any order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BuyingCells(BTreeMap<Cell, u64>);

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Cell {
    repeats: u32,
    first: Timestamp,
    last: Timestamp,
}

impl Cell {
    fn at(&self, day: Timestamp) -> Result<BuyingHistory> {
        BuyingHistory::new(self.repeats, self.last.since(self.first), day.since(self.first))
    }
}

impl BuyingCells {
    /// Counts a customer, unless it has bought nothing.
    pub fn add(&mut self, view: &BuyingDaysView) {
        if let Some(cell) = view.cell() {
            *self.0.entry(cell).or_default() += 1;
        }
    }

    /// Adds the customers of another part of the population.
    pub fn merge(&mut self, other: &Self) {
        for (cell, customers) in &other.0 {
            *self.0.entry(*cell).or_default() += customers;
        }
    }

    /// The cells as of an instant at or after the last day on which something was bought.
    ///
    /// # Errors
    /// `InvalidHistory` if the instant is before a day on which something was bought: a model that is to know less than
    /// what was counted takes views as of an earlier instant.
    pub fn at(&self, as_of: Timestamp) -> Result<Cells<BuyingHistory>> {
        let day = day_of(as_of);
        let mut cells = Cells::default();
        for (cell, customers) in &self.0 {
            cells.add(cell.at(day)?, *customers);
        }
        Ok(cells)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_begins_at_midnight_also_before_1970() {
        for (instant, day) in [
            ("1997-01-18T23:59:59.999999Z", "1997-01-18"),
            ("1969-12-31T00:00:00Z", "1969-12-31"),
            ("1969-12-31T12:00:00Z", "1969-12-31"),
        ] {
            let instant = Timestamp::parse(instant).unwrap();
            assert_eq!(day_of(instant), Timestamp::parse(day).unwrap(), "{instant}");
        }
    }
}

//! Workload S: a seeded shop with journeys through all five stages, and its truth.
//!
//! Journeys have keys, quotes, objections and approvals; orders have several lines with costs, are changed,
//! cancelled, promised, shipped, delivered, returned and refunded; every event has three tags and a version 5
//! id; there are custom attributes, a user's own kinds, several currencies and offsets. One event in a
//! hundred comes late by up to 30 days, one in two hundred comes twice, two in a hundred share their instant
//! with the one before, and some are entered wrongly, retracted and entered again.
//!
//! The shop first writes a short plan of every event, from which the events are made as they are asked for,
//! so that ten million of them need not be in memory.

mod body;
mod make;
mod plan;
mod story;
mod truth;

use wayfold_core::{JourneyEvent, Timestamp};

use self::make::Maker;
use self::plan::Plan;
pub use self::truth::{ShopMoney, Truth};
use crate::random::Random;

/// One event in a hundred comes late.
const LATE_PER_MILLE: u64 = 10;
/// One event in two hundred comes twice.
const DUPLICATES_PER_MILLE: u64 = 5;
/// The shop trades for three years from here.
const START: &str = "2023-01-01";
const MICROS_PER_DAY: i64 = 86_400_000_000;
const DAYS: i64 = 3 * 365;
/// How late an event may come.
const LATE_MAX_DAYS: i64 = 30;

/// What shop to make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct ShopConfig {
    /// The seed. Default 42.
    pub seed: u64,
    /// How many distinct events. Default 100,000.
    pub events: u64,
    /// How many customers there may be; some may have no event. Default 5,000.
    pub customers: u32,
}

impl Default for ShopConfig {
    fn default() -> Self {
        Self { seed: 42, events: 100_000, customers: 5_000 }
    }
}

impl ShopConfig {
    /// A shop of that many events, with a twentieth as many customers.
    pub fn of(events: u64) -> Self {
        Self { events, customers: u32::try_from(events / 20).unwrap_or(u32::MAX).max(1), ..Self::default() }
    }

    /// Takes another seed.
    pub fn with_seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Takes another number of customers, at least one.
    pub fn with_customers(mut self, customers: u32) -> Self {
        self.customers = customers.max(1);
        self
    }
}

/// A shop's history in the order of its arrival, and what is true of it.
///
/// ```
/// use wayfold_testkit::shop::{Shop, ShopConfig};
///
/// let shop = Shop::new(ShopConfig::of(2_000));
/// assert_eq!(shop.truth().events, 2_000);
/// assert_eq!(shop.events().count() as u64, 2_000 + shop.truth().duplicates);
/// assert!(shop.events().all(|event| event.validate().is_ok() && event.tags.len() == 3));
/// ```
#[derive(Debug, Clone)]
pub struct Shop {
    maker: Maker,
    plans: Vec<Plan>,
    /// Which plan arrives when, duplicates included.
    arrivals: Vec<(i64, u32)>,
    truth: Truth,
}

impl Shop {
    /// Plans a shop.
    pub fn new(config: ShopConfig) -> Self {
        let mut random = Random::new(config.seed);
        let start = Timestamp::parse(START).expect("a date").as_micros();
        let mut book = story::Book::new(config, start);
        let plans = book.write(&mut random);
        let (orders, mut truth) = book.close();
        let maker = Maker::new(config.seed, orders);
        truth.events = plans.len() as u64;
        truth.retractions = plans.iter().filter(|plan| plan.is_retraction()).count() as u64;
        truth.ties = ties(&plans);
        truth.money = truth::money(&maker, &plans);
        let mut arrivals = Vec::with_capacity(plans.len());
        for (number, plan) in plans.iter().enumerate() {
            let late = random.per_mille(LATE_PER_MILLE);
            let delay = if late { random.between(1, LATE_MAX_DAYS * MICROS_PER_DAY) } else { 0 };
            truth.late += u64::from(late);
            arrivals.push((plan.at + delay, number as u32));
            if random.per_mille(DUPLICATES_PER_MILLE) {
                truth.duplicates += 1;
                let again = plan.at + delay + random.between(0, 7 * MICROS_PER_DAY);
                arrivals.push((again, number as u32));
            }
        }
        // A stable sort keeps the order of the plan at one instant, which is the order of the story.
        arrivals.sort_by_key(|arrival| arrival.0);
        Self { maker, plans, arrivals, truth }
    }

    /// The events in the order of their arrival, duplicates where they arrive.
    pub fn events(&self) -> impl ExactSizeIterator<Item = JourneyEvent> {
        self.arrivals.iter().map(|(_, number)| self.maker.event(&self.plans, *number as usize))
    }

    /// The events in the order of the stories, each once.
    pub fn distinct(&self) -> impl ExactSizeIterator<Item = JourneyEvent> {
        (0..self.plans.len()).map(|number| self.maker.event(&self.plans, number))
    }

    /// What is true of the history as of an instant after all of it.
    pub fn truth(&self) -> &Truth {
        &self.truth
    }

    /// An instant after every event.
    pub fn end(&self) -> Timestamp {
        let newest = self.plans.iter().map(|plan| plan.at).max().unwrap_or(0);
        Timestamp::from_micros(newest + 1).expect("the shop trades for a few years")
    }
}

/// How many events share customer and instant with another before them.
fn ties(plans: &[Plan]) -> u64 {
    let mut instants: Vec<(u32, i64)> = plans.iter().map(|plan| (plan.customer, plan.at)).collect();
    instants.sort_unstable();
    instants.windows(2).filter(|pair| pair[0] == pair[1]).count() as u64
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use wayfold_core::{Currency, EventKind, Rules};

    use super::*;
    use crate::oracle::Oracle;

    #[test]
    fn truth_is_what_the_oracle_finds() {
        let shop = Shop::new(ShopConfig::of(6_000));
        let truth = shop.truth();
        let oracle = Oracle::new(shop.distinct().collect(), Rules::default());
        let views = oracle.views(shop.end());
        let mut money: BTreeMap<Currency, (i128, i128)> = BTreeMap::new();
        let (mut cancelled, mut refunded, mut purchases) = (0, 0, 0);
        for view in &views {
            cancelled += u64::from(view.value.cancelled);
            refunded += u64::from(view.value.fully_refunded);
            purchases += u64::from(view.value.purchases);
            assert_eq!((view.value.ignored_placements, view.value.unknown_orders), (0, 0));
            for line in &view.value.currencies {
                let sums = money.entry(line.currency).or_default();
                sums.0 += line.revenue.as_ten_thousandths();
                sums.1 += line.refunds.as_ten_thousandths();
            }
        }
        assert_eq!((cancelled, refunded), (truth.orders_cancelled, truth.orders_refunded));
        assert_eq!(purchases + cancelled + refunded, truth.orders_placed);
        let known = truth.money.iter().map(|(currency, money)| {
            (*currency, (money.revenue.as_ten_thousandths(), money.refunds.as_ten_thousandths()))
        });
        assert_eq!(known.collect::<BTreeMap<_, _>>(), money);
        assert!(money.len() >= 4, "several currencies: {money:?}");
    }

    #[test]
    fn shares_are_as_stated() {
        let shop = Shop::new(ShopConfig::of(50_000));
        let truth = shop.truth();
        let share = |count: u64| 1000 * count / truth.events;
        assert_eq!(truth.events, 50_000);
        assert!((9..=11).contains(&share(truth.late)), "{truth:?}");
        assert!((4..=6).contains(&share(truth.duplicates)), "{truth:?}");
        assert!((15..=25).contains(&share(truth.ties)), "{truth:?}");
        assert!(share(truth.retractions) >= 2, "{truth:?}");
        let kinds: std::collections::BTreeSet<_> = shop.distinct().map(|event| event.kind().rank()).collect();
        assert!(kinds.len() > 40, "{} kinds", kinds.len());
    }

    #[test]
    fn events_arrive_late_and_twice_but_never_differ() {
        let shop = Shop::new(ShopConfig::of(5_000));
        let mut seen = BTreeMap::new();
        let mut newest = BTreeMap::new();
        let (mut again, mut late) = (0, 0);
        for event in shop.events() {
            event.validate().unwrap();
            let at = event.occurred_at.instant();
            if let Some(before) = seen.insert(event.id, event.clone()) {
                assert_eq!(before, event);
                again += 1;
                continue;
            }
            let newest = newest.entry(event.customer.clone()).or_insert(at);
            late += u64::from(at < *newest);
            *newest = at.max(*newest);
        }
        assert_eq!(again, shop.truth().duplicates);
        // Some late events are overtaken by no other of their customer.
        assert!(late > 0 && late <= shop.truth().late, "{late}");
        assert!(shop.distinct().any(|event| event.kind() == EventKind::EventRetracted));
        assert!(shop.distinct().any(|event| event.occurred_at.offset_minutes() < 0));
    }
}

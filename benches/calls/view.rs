//! Views of single customers, whose events are read from the log each time, and what a store with a snapshot costs to
//! open.

use pollster::block_on;
use wayfold::blocking::Wayfold;
use wayfold::sqlite::{SqliteConfig, SqliteStore};
use wayfold::{Builder, CustomerKey, EventStore, Position, Rules};
use wayfold_benches::{Measured, Times};
use wayfold_testkit::Random;

use crate::{Result, Stored};

/// Customers that are asked for, of each kind of draw.
const CALLS: usize = 2_000;
/// Customers are drawn in proportion to their events from about so many of the log.
const SCANNED_EVENTS: usize = 1 << 20;

pub(crate) fn measure(stored: &Stored<'_>) -> Result<Vec<Measured>> {
    let store = SqliteStore::open_read_only(stored.path, SqliteConfig::default())?;
    let weighted = weighted(&store)?;
    let uniform = uniform(&weighted);
    let builder = Builder::new(Rules::default())?.by_hand(stored.as_of).on_demand().without_snapshots();
    let wayfold = builder.fold_anew().open_blocking(store)?;
    let mut measured = Vec::new();
    for (name, customers) in [("uniform", uniform), ("weighted", weighted)] {
        let mut times = Times::default();
        let mut random = Random::new(1);
        for _ in 0..CALLS {
            let customer = random.pick(&customers);
            let view = times.time(|| wayfold.customer_as_of(customer, stored.as_of))?;
            assert!(view.is_some(), "a customer with events is known");
        }
        for percent in [50, 99] {
            let id = format!("V1-{name}-p{percent}");
            measured.push(Measured::new(id, times.percentile_us(percent), "us"));
        }
    }
    Ok(measured)
}

/// The customer of every event of a part of the log that stands, by the order of their keys.
fn weighted(store: &SqliteStore) -> Result<Vec<CustomerKey>> {
    let part = block_on(store.scan(Position::START, SCANNED_EVENTS))?;
    let events = part.batches.iter().flat_map(|batch| batch.iter());
    let mut customers: Vec<CustomerKey> = events.map(|event| event.customer()).collect();
    customers.sort_unstable();
    Ok(customers)
}

/// Each customer once.
fn uniform(weighted: &[CustomerKey]) -> Vec<CustomerKey> {
    let mut customers = weighted.to_vec();
    customers.dedup();
    customers
}

/// Writes a snapshot, closes, and opens anew twice: up to one customer's view, and up to the population's.
pub(crate) fn measure_opening(stored: &Stored<'_>) -> Result<Vec<Measured>> {
    let key = weighted(&SqliteStore::open_read_only(stored.path, SqliteConfig::default())?)?;
    let key = Random::new(1).pick(&key).clone();
    let wayfold = open(stored)?;
    wayfold.snapshot()?;
    close(&wayfold)?;
    drop(wayfold);

    let (mut customer, mut population) = (Times::default(), Times::default());
    let wayfold = customer.time(|| -> Result<_> {
        let wayfold = open(stored)?;
        assert!(wayfold.customer_as_of(&key, stored.as_of)?.is_some(), "the customer is known");
        Ok(wayfold)
    })?;
    assert_eq!(wayfold.opened().folded, 0, "the snapshot is up to the log");
    close(&wayfold)?;
    drop(wayfold);
    population.time(|| -> Result<_> {
        let wayfold = open(stored)?;
        let _ = wayfold.population(stored.as_of)?;
        Ok(wayfold)
    })?;
    Ok(vec![
        Measured::new("V2-customer", customer.sum_s() * 1e3, "ms"),
        Measured::new("V2-population", population.sum_s() * 1e3, "ms"),
    ])
}

fn open(stored: &Stored<'_>) -> Result<Wayfold> {
    let store = SqliteStore::open(stored.path, SqliteConfig::default())?;
    Ok(Builder::new(Rules::default())?.by_hand(stored.as_of).open_blocking(store)?)
}

fn close(wayfold: &Wayfold) -> Result<()> {
    Ok(wayfold.close()?)
}

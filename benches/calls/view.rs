//! Views of single customers, whose events are read from the log each time, and what a store with a snapshot costs to
//! open.

use std::time::Instant;

use pollster::block_on;
use wayfold::blocking::Wayfold;
use wayfold::sqlite::{SqliteConfig, SqliteStore};
use wayfold::store::ScanPart;
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
    let builder = Builder::new(Rules::default())?.by_hand(stored.as_of).on_demand().without_snapshots();
    let wayfold = builder.fold_anew().open_blocking(store)?;
    let asked = [("uniform", uniform(stored)), ("weighted", weighted)];
    let measured = asked.map(|(name, customers)| ask(&wayfold, stored, name, &customers));
    Ok(measured.into_iter().collect::<Result<Vec<_>>>()?.into_iter().flatten().collect())
}

/// Asks for each; customers of whom nothing is known do not count.
fn ask(
    wayfold: &Wayfold,
    stored: &Stored<'_>,
    name: &str,
    customers: &[CustomerKey],
) -> Result<[Measured; 2]> {
    let mut times = Times::default();
    for customer in customers {
        let start = Instant::now();
        if wayfold.customer_as_of(customer, stored.as_of)?.is_some() {
            times.push(start);
        }
    }
    let percentile =
        |percent| Measured::new(format!("V1-{name}-p{percent}"), times.percentile_us(percent), "us");
    Ok([50, 99].map(percentile))
}

/// Customers by chance, each as likely as any other; a workload has one for every 20 events.
fn uniform(stored: &Stored<'_>) -> Vec<CustomerKey> {
    let mut random = Random::new(1);
    let name = |_| format!("c{:07}", random.below(stored.events / 20));
    (0..CALLS).map(name).map(|name| CustomerKey::new(name).expect("a short name")).collect()
}

/// The customers of events by chance, out of a part of the log.
fn weighted(store: &SqliteStore) -> Result<Vec<CustomerKey>> {
    let parts = block_on(store.scan(Position::START, SCANNED_EVENTS, 1))?.read()?;
    let events: Vec<_> = parts.iter().flat_map(ScanPart::events).collect();
    let mut random = Random::new(1);
    Ok((0..CALLS).map(|_| random.pick(&events).customer()).collect())
}

/// Writes a snapshot, closes, and opens anew twice: up to one customer's view, and up to the population's.
pub(crate) fn measure_opening(stored: &Stored<'_>) -> Result<Vec<Measured>> {
    let customers = weighted(&SqliteStore::open_read_only(stored.path, SqliteConfig::default())?)?;
    let key = customers.into_iter().next().ok_or("the log is empty")?;
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
    assert_eq!(wayfold.opened()?.folded, 0, "the snapshot is up to the log");
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

//! What the benches of Wayfold have in common; run them with `cargo bench -p wayfold-benches`.

mod closed;

use std::collections::HashSet;

use wayfold_core::{EventBatch, Fold, JourneyEvent, Timestamp};
use wayfold_testkit::shop::{Shop, ShopConfig};
use wayfold_testkit::stream::Stream;

pub use self::closed::{StoreState, make_closed};

/// Events of each workload, unless `WAYFOLD_BENCH_EVENTS` says otherwise.
const EVENTS: u64 = 1_000_000;

/// A stream of events in the order in which they arrive, and the instant that questions are asked as of.
#[derive(Debug)]
pub struct Workload {
    /// W or S.
    pub name: &'static str,
    /// The events, each once.
    pub events: Vec<JourneyEvent>,
    /// An instant after the newest event.
    pub as_of: Timestamp,
}

impl Workload {
    /// W: in the order of time, nothing late, no journeys.
    pub fn w() -> Self {
        let as_of = Timestamp::parse("2026-01-01").expect("a date");
        Self { name: "W", events: Stream::new(events()).collect(), as_of }
    }

    /// S: the five-stage shop, with what is late, tied, cancelled, refunded and retracted.
    ///
    /// Duplicates are left out, as a store keeps them from the fold.
    pub fn s() -> Self {
        let shop = Shop::new(ShopConfig::of(events()));
        let mut taken = HashSet::new();
        Self {
            name: "S",
            as_of: shop.end(),
            events: shop.events().filter(|event| taken.insert(event.id)).collect(),
        }
    }

    /// The events as batches of at most that many.
    pub fn batches(&self, size: usize) -> Vec<EventBatch> {
        self.events
            .chunks(size)
            .map(|chunk| EventBatch::from_events(chunk).expect("events of a workload are valid"))
            .collect()
    }
}

/// How many events a workload has.
pub fn events() -> u64 {
    std::env::var("WAYFOLD_BENCH_EVENTS").ok().and_then(|number| number.parse().ok()).unwrap_or(EVENTS)
}

/// Folds batches one after the other, with every refold that they ask for; says how many there were.
pub fn fold_one_by_one(fold: &mut Fold, batches: &[EventBatch]) -> usize {
    let mut refolded = 0;
    for number in 0..batches.len() {
        for refold in fold.apply(&batches[number..=number]).refolds {
            fold.refold(&refold, &batches[..=number]);
            refolded += 1;
        }
    }
    refolded
}

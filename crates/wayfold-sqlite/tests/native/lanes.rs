//! Lanes of a scan: blocks are read side by side, and whatever happens meanwhile they hold each event once.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use pollster::block_on;
use proptest::prelude::*;
use wayfold_core::{CustomerKey, Fold, Position, ProjectionSet, Rules, Shard, Span};
use wayfold_sqlite::{SqliteConfig, SqliteStore};
use wayfold_store::{ErrorKind, EventStore, Lane, ScanPart};

use super::support::{Folder, append, head, place, registered};

/// Merges nothing, so that there are as many blocks as the log was compacted.
fn unmerged() -> SqliteConfig {
    let mut config = SqliteConfig::default();
    (config.merge_events_max, config.compact_events_max) = (1, 1);
    config
}

/// A log of customers with so many events each, turn by turn, so that every block has something of most of them; it is
/// sealed whenever so many events have come.
fn log(folder: &Folder, weights: &[u32], sealed_events: usize) -> (SqliteStore, u64) {
    let store = SqliteStore::open(folder.file(), unmerged()).unwrap();
    let most = weights.iter().copied().max().unwrap_or(0);
    let customers = (0..most).flat_map(|turn| {
        (0..)
            .zip(weights)
            .filter(move |(_, weight)| turn < **weight)
            .map(|(customer, _)| format!("c{customer}"))
    });
    let events: Vec<_> = (1..).zip(customers).map(|(id, customer)| registered(id, &customer)).collect();
    for chunk in events.chunks(sealed_events) {
        let _ = append(&store, chunk).unwrap();
        if chunk.len() == sealed_events {
            store.compact().unwrap();
        }
    }
    (store, events.len() as u64)
}

fn read(lane: Lane<'_>) -> Vec<ScanPart> {
    lane.map(|part| part.unwrap()).collect()
}

/// The numbers of the events of each customer in a part.
fn customers(part: &ScanPart) -> BTreeMap<CustomerKey, Vec<u64>> {
    let mut customers: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for event in part.events() {
        let number = u128::from_be_bytes(event.position().unwrap().to_bytes());
        customers.entry(event.customer()).or_default().push(number as u64);
    }
    customers
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, ..ProptestConfig::default() })]

    /// Customers of one event and of thousands, in blocks of one page and of several, and some events that are not sealed.
    #[test]
    fn a_customer_stands_whole_in_one_part(
        weights in proptest::collection::vec(prop_oneof![9 => 1_u32..200, 1 => 2_000_u32..5_000], 1..100),
        sealed_events in 400_usize..6_000,
        (lanes, after) in (1_usize..5, 0.0..1.0),
    ) {
        let folder = Folder::new();
        let (store, events) = log(&folder, &weights, sealed_events);
        let after = (after * events as f64) as u64;
        let scan = block_on(store.scan(place(after), usize::MAX, lanes)).unwrap();
        prop_assert_eq!((scan.position, scan.is_last, scan.events), (place(events), true, events - after));
        let mut found = BTreeSet::new();
        for (index, lane) in scan.lanes.into_iter().enumerate() {
            let mut seen = BTreeSet::new();
            for part in read(lane) {
                prop_assert_eq!(Shard::new(index, lanes).and(&part.customers), Some(part.customers));
                for (customer, numbers) in customers(&part) {
                    prop_assert!(seen.insert(customer.clone()), "{} came again", customer);
                    prop_assert!(numbers.into_iter().all(|number| number > after && found.insert(number)));
                }
            }
        }
        prop_assert_eq!(found.len() as u64, events - after);
    }
}

#[test]
fn blocks_that_are_merged_meanwhile_are_read_as_they_were() {
    let folder = Folder::new();
    let (store, events) = log(&folder, &[300; 20], 1_500);
    let scan = block_on(store.scan(Position::START, usize::MAX, 2)).unwrap();
    let other = SqliteStore::open(folder.file(), SqliteConfig::default()).unwrap();
    let _ = append(&other, &[registered(1_000_000, "late")]).unwrap();
    other.compact().unwrap();
    assert_eq!(scan.position, place(events));
    let parts: Vec<_> = scan.lanes.into_iter().flat_map(read).collect();
    assert_eq!(parts.iter().flat_map(ScanPart::events).count() as u64, events);
    let scan = block_on(store.scan(Position::START, usize::MAX, 2)).unwrap();
    assert_eq!(scan.events, events + 1);
    assert_eq!(scan.read().unwrap().iter().flat_map(ScanPart::events).count() as u64, events + 1);
}

#[test]
fn a_lane_that_is_dropped_amid_its_parts_leaves_nothing_open() {
    let folder = Folder::new();
    let (store, events) = log(&folder, &[200; 200], 10_000);
    for _ in 0..20 {
        let mut scan = block_on(store.scan(Position::START, usize::MAX, 3)).unwrap();
        assert!(scan.lanes[1].next().is_some());
    }
    // A transaction that is still open would keep what stands beside the file from being brought into it.
    let _ = append(&store, &[registered(1_000_000, "late")]).unwrap();
    store.close().unwrap();
    assert!(!PathBuf::from(format!("{}-wal", folder.file().display())).exists());
    assert_eq!(head(&folder.open()), place(events + 1));
}

#[test]
fn a_part_that_cannot_be_read_ends_its_lane() {
    let folder = Folder::new();
    let (store, _) = log(&folder, &[100; 200], 20_000);
    drop(store);
    folder.tamper("DELETE FROM fold WHERE id = (SELECT max(id) FROM fold)");
    let store = SqliteStore::open_read_only(folder.file(), SqliteConfig::default()).unwrap();
    let scan = block_on(store.scan(Position::START, usize::MAX, 1)).unwrap();
    let mut lane = scan.lanes.into_iter().next().unwrap();
    let error = lane.find_map(Result::err).unwrap();
    assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
    assert!(error.to_string().contains("it is missing"), "{error}");
    assert!(lane.next().is_none(), "it goes on behind what is missing");
}

/// Ids, positions and texts stand in parts of their own, which are read when somebody looks at them.
#[test]
fn parts_that_nobody_looks_at_are_not_read() {
    let folder = Folder::new();
    let store = SqliteStore::open(folder.file(), unmerged()).unwrap();
    // No two at one instant, whose order their ids would tell.
    let events = (1..=20_000_u32).map(|id| {
        let mut event = registered(id.into(), &format!("c{}", id % 200));
        event.occurred_at = (event.occurred_at.instant() + Span::from_micros(id.into())).into();
        event
    });
    let _ = append(&store, &events.collect::<Vec<_>>()).unwrap();
    store.compact().unwrap();
    drop(store);
    folder.tamper("UPDATE rest SET bytes = zeroblob(40)");
    folder.tamper("DELETE FROM identity");
    let store = SqliteStore::open_read_only(folder.file(), SqliteConfig::default()).unwrap();
    let scan = block_on(store.scan(Position::START, usize::MAX, 2)).unwrap();
    let parts: Vec<_> = scan.lanes.into_iter().flat_map(read).collect();
    let mut fold = Fold::new(&ProjectionSet::new(Rules::default()).unwrap());
    assert!(parts.iter().all(|part| fold.apply_of(part.customers, &part.batches).refolds.is_empty()));
    assert_eq!(fold.events(), 20_000);
    let batches: Vec<_> = parts.iter().flat_map(|part| &part.batches).collect();
    assert!(batches.iter().all(|batch| batch.failure().is_none()));
    let [first, second, ..] = &batches[..] else { panic!("there are several pages") };
    assert_eq!((first.event(0).position(), second.event(0).channel()), (None, None));
    for (batch, why) in [(first, "it is missing"), (second, "this is no part of a block")] {
        let failure = batch.failure().unwrap();
        assert_eq!(failure.kind(), wayfold_core::ErrorKind::Malformed);
        assert!(failure.to_string().contains(why), "{failure}");
    }
    assert_eq!(store.check().unwrap_err().kind(), ErrorKind::Corrupt);
}

//! What is written is read back, to equality.

use std::fs;
use std::path::PathBuf;

use proptest::collection::vec;
use proptest::prelude::*;
use wayfold_core::bodies::{Custom, Registered, Unknown};
use wayfold_core::{
    AttributeName, CustomKind, CustomerKey, EventBatch, EventId, JourneyEvent, Position, Stage, Timestamp,
    Upcasters,
};
use wayfold_ingest::{ErrorKind, EventSource, ImportOptions, ParquetImport, ParquetOptions};
use wayfold_testkit::shop::{Shop, ShopConfig};
use wayfold_testkit::stream::Stream;

use super::super::common::drain;
use super::super::properties::event as any_event;
use super::{open, read, write, write_events};

fn event(number: u128) -> JourneyEvent {
    let at = Timestamp::parse("2024-01-31T10:00:00Z").unwrap();
    JourneyEvent::new(EventId::from_u128(number), CustomerKey::new("c1").unwrap(), at, Registered {})
}

/// One event of every kind, with every field, as the core keeps them.
pub(super) fn golden_events() -> Vec<JourneyEvent> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../wayfold-core/tests/golden/events");
    let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.iter().map(|path| serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()).collect()
}

#[track_caller]
fn check(events: &[JourneyEvent]) {
    let found = read(write_events(events));
    for (found, expected) in found.iter().zip(events) {
        assert_eq!(found, expected);
    }
    assert_eq!(found.len(), events.len());
}

#[test]
fn every_kind_survives_with_every_field() {
    let events = golden_events();
    assert!(events.len() > 90, "{} golden events", events.len());
    check(&events);
}

#[test]
fn workloads_survive() {
    check(&Stream::new(3_000).collect::<Vec<_>>());
    check(&Shop::new(ShopConfig::of(10_000)).events().collect::<Vec<_>>());
    for seed in 0..20 {
        check(&wayfold_testkit::hostile::history(seed).events);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn any_events_survive_in_any_cut(
        stated in vec(any_event(), 0..40),
        cut in 1..20_usize,
        row_group_events in 0..20_usize,
        row_group_bytes in prop_oneof![Just(0_usize), 0..2_000_usize, Just(1 << 20)],
        batch_events in 1..50_usize,
    ) {
        let batches: Vec<_> = stated.chunks(cut).map(|part| EventBatch::from_events(part).unwrap()).collect();
        let options = ParquetOptions::default()
            .with_row_group_events(row_group_events)
            .with_row_group_bytes(row_group_bytes);
        let file = write(&batches, options);
        let imported = drain(&mut open(file, ImportOptions::default().with_batch_events(batch_events)).unwrap());
        prop_assert!(imported.result.is_ok(), "{:?}", imported.result);
        prop_assert!(imported.batches.iter().all(|batch| (1..=batch_events).contains(&batch.len())));
        prop_assert_eq!(imported.progress.rows, stated.len() as u64);
        prop_assert_eq!(imported.events(), stated);
    }
}

#[test]
fn what_a_store_added_survives_beside_events_without_it() {
    let batch = |numbers: [u128; 2]| EventBatch::from_events(&numbers.map(event)).unwrap();
    let recorded = |batch: EventBatch, first: u8, day: &str| {
        let positions = [first, first + 1].map(|number| Position::from_bytes([number; 16])).to_vec();
        batch.recorded(positions, Timestamp::parse(day).unwrap())
    };
    let batches = [
        recorded(batch([1, 2]), 1, "2024-02-01"),
        recorded(batch([3, 4]), 3, "2024-02-02"),
        batch([5, 6]),
        recorded(batch([7, 8]), 7, "2024-02-03"),
    ];
    let imported =
        drain(&mut open(write(&batches, ParquetOptions::default()), ImportOptions::default()).unwrap());
    assert_eq!(imported.batches.iter().map(EventBatch::len).collect::<Vec<_>>(), [4, 2, 2]);
    assert_eq!(imported.events(), batches.iter().flat_map(EventBatch::to_events).collect::<Vec<_>>());
}

#[test]
fn own_kinds_keep_the_stage_that_is_theirs_apart_from_the_one_that_is_named() {
    let custom = |stage| Custom { name: CustomKind::new("visited").unwrap(), stage, amount: None };
    let mut events = [event(1), event(2), event(3)];
    events[0].body = custom(Some(Stage::Need)).into();
    events[1].body = custom(None).into();
    events[1].stage = Some(Stage::Need);
    events[2].body = custom(None).into();
    check(&events);
}

#[test]
fn unknown_kinds_are_kept_and_counted() {
    let mut events = [event(1), event(2)];
    events[1].body = Unknown::new("teleported", r#"{"to":{"x":[1,2.50,null]}}"#).unwrap().into();
    events[1].schema_version = 9;
    let mut source = open(write_events(&events), ImportOptions::default()).unwrap();
    assert_eq!(source.next_batch().unwrap().unwrap().to_events(), events);
    let kinds: Vec<_> = source.progress().unknown_kinds.into_iter().collect();
    assert_eq!(kinds, [("teleported".to_owned(), 1)]);
}

#[test]
fn older_schema_versions_are_lifted_by_the_steps_of_the_options() {
    let upcasters = Upcasters::builder()
        .step("custom:visited", 1, 2, |event| {
            event.set_field("stage", "information")?;
            Ok(event.rename_attribute("shop", "store")?)
        })
        .build()
        .unwrap();
    let custom = Custom { name: CustomKind::new("visited").unwrap(), stage: None, amount: None };
    let attribute = |name: &str| (AttributeName::new(name).unwrap(), "north".into());
    let mut events = [event(1), event(2)];
    for event in &mut events {
        event.body = custom.clone().into();
    }
    events[0].attributes = [attribute("shop")].into();
    events[1].schema_version = 3;
    let options = || ImportOptions::default().with_upcasters(upcasters.clone());
    let file = |events: &[JourneyEvent]| write_events(events);
    let lifted =
        open(file(&events[..1]), options()).unwrap().next_batch().unwrap().unwrap().event(0).to_event();
    assert_eq!(lifted.attributes, [attribute("store")].into());
    assert_eq!((lifted.schema_version, lifted.kind().stage()), (2, Some(Stage::Information)));
    assert_eq!(
        open(file(std::slice::from_ref(&lifted)), options())
            .unwrap()
            .next_batch()
            .unwrap()
            .unwrap()
            .to_events(),
        [lifted]
    );
    let error = open(file(&events), options()).unwrap().next_batch().unwrap_err();
    assert_eq!((error.row(), error.column()), (Some(2), Some("kind")));
    assert!(error.to_string().contains("newer than 2"), "{error}");
}

#[test]
fn file_and_progress_are_named() {
    let folder = std::env::temp_dir().join(format!("wayfold-parquet-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let path = folder.join("events.parquet");
    let file = write_events(&[event(1), event(2)]);
    fs::write(&path, &file).unwrap();
    let imported = drain(&mut ParquetImport::open(&path, ImportOptions::default()).unwrap());
    let progress = imported.progress;
    assert_eq!((progress.rows, progress.events, progress.bytes_total), (2, 2, Some(file.len() as u64)));
    assert!((1..file.len() as u64).contains(&progress.bytes_read), "{}", progress.bytes_read);
    assert_eq!(progress.file, path.display().to_string());
    fs::remove_dir_all(&folder).unwrap();
    assert_eq!(ParquetImport::open(&path, ImportOptions::default()).err().unwrap().kind(), ErrorKind::Io);
}

#[test]
fn no_events_are_a_file_too() {
    assert_eq!(read(write(&[], ParquetOptions::default())), []);
    assert_eq!(read(write(&[EventBatch::empty()], ParquetOptions::default())), []);
}

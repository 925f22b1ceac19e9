//! Stored forms that are read for ever. A golden file is added, never edited.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use wayfold_core::{EventBatch, EventId, EventKind, Fold, JourneyEvent, Snapshot};

use super::support::{about, batch, day, eur, export, fold, journey, placed, projections};
use wayfold_core::bodies::{Delivered, EventRetracted, NeedIdentified, Refunded, Shipped};

fn golden(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name)
}

/// Every golden event, with the name of its file.
pub(crate) fn events() -> Vec<(String, String)> {
    let mut files: Vec<_> =
        fs::read_dir(golden("events")).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let read = |path: PathBuf| {
        (path.file_name().unwrap().to_string_lossy().into_owned(), fs::read_to_string(path).unwrap())
    };
    files.into_iter().map(read).collect()
}

#[test]
fn every_golden_event_is_read_checked_batched_and_written_as_it_was() {
    let mut kinds = BTreeSet::new();
    for (name, text) in events() {
        let event: JourneyEvent =
            serde_json::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
        event.validate().unwrap_or_else(|error| panic!("{name}: {error}"));
        let batch = EventBatch::from_events([&event]).unwrap();
        assert_eq!(batch.event(0).to_event(), event, "{name}");
        let written: serde_json::Value = serde_json::to_value(&event).unwrap();
        let golden: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(written, golden, "{name}");
        kinds.insert(event.kind());
    }
    let missing: Vec<_> = EventKind::ALL.iter().filter(|kind| !kinds.contains(kind)).collect();
    assert!(missing.is_empty(), "no golden file for {missing:?}");
}

#[test]
fn the_causal_rank_is_the_golden_table() {
    let line = |kind: &EventKind| {
        let stage = kind.stage().map_or("-", |stage| stage.as_str());
        format!("{}\t{}\t{}\t{stage}\n", kind.rank(), kind.name(), kind.section())
    };
    let table: String = EventKind::ALL.iter().map(line).collect();
    assert_eq!(table, fs::read_to_string(golden("kinds.tsv")).unwrap());
}

/// A history that touches most of what is kept of a customer.
fn history() -> Vec<JourneyEvent> {
    vec![
        journey(super::support::event(1, day(0), NeedIdentified { category: None }), "j1"),
        journey(placed("o1", 2, day(1), "100.5"), "j1"),
        about("o1", 3, day(2), Shipped { promised_at: Some(day(5)) }),
        about("o1", 4, day(4), Delivered {}),
        about("o1", 5, day(6), Refunded { amount: eur("0.5"), reason: None }),
        super::support::event(6, day(7), Refunded { amount: eur("9"), reason: None }),
        placed("o2", 7, day(200), "0"),
    ]
}

#[test]
fn the_canonical_export_is_the_golden_one() {
    assert_eq!(export(&fold(&[batch(&history())])), fs::read_to_string(golden("export.jsonl")).unwrap());
}

/// A golden part, brought up to the kinds of events that are known today: it tells which were known when it was written,
/// and the rank of one. All else stays as it is.
pub(crate) fn part(name: &str) -> Vec<u8> {
    let golden = fs::read(golden(name)).unwrap();
    let end = golden.iter().position(|byte| *byte == b'\n').unwrap();
    let (head, customers) = (std::str::from_utf8(&golden[..end]).unwrap(), &golden[end..]);
    let known = serde_json::to_value(projections().fingerprint()).unwrap()["kinds"].to_string();
    let head_json: serde_json::Value = serde_json::from_str(head).unwrap();
    let head = head.replace(&head_json["fingerprint"]["kinds"].to_string(), &known);
    [head.as_bytes(), customers].concat()
}

/// The fold whose states the golden parts of one customer hold.
fn golden_fold() -> Fold {
    let mut events = history();
    let retraction = EventRetracted { event: EventId::from_u128(99), reason: None };
    events.extend([super::support::event(8, day(1), retraction), placed("o3", 9, day(300), "1")]);
    let mut fold = Fold::new(&projections()).with_as_of(day(250));
    let _ = fold.apply(&[batch(&events)]);
    fold
}

#[test]
fn a_snapshot_is_the_golden_one() {
    let fold = golden_fold();
    let parts: Vec<_> = Snapshot::of(std::slice::from_ref(&fold)).unwrap().map(Result::unwrap).collect();
    let mut golden = part("snapshot.v2.part");
    // Behind the key stand the instant of the last event, its sequence, and the rank of an order.
    let key = golden.windows(5).position(|bytes| bytes == b"\xa0\xa3ada").unwrap();
    golden[key + 5 + 1 + 10 + 1] = EventKind::OrderPlaced.rank();
    assert_eq!(parts[0].bytes, golden);
}

/// Parts of every version are read as long as a program can; none is edited.
#[test]
fn golden_snapshots_of_every_version_are_read() {
    for name in ["snapshot.v1.part", "snapshot.v2.part"] {
        let mut restored = Fold::new(&projections()).with_as_of(day(250));
        assert_eq!(restored.restore_part(&part(name)).unwrap(), 1, "{name}");
        super::snapshot::check_equal(&restored, &golden_fold());
    }
    let mut restored = Fold::new(&projections()).with_as_of(day(super::snapshot::AS_OF));
    assert_eq!(restored.restore_part(&part("snapshot.v1.history.part")).unwrap(), 3);
    super::snapshot::check_equal(&restored, &super::snapshot::saved_fold());
}

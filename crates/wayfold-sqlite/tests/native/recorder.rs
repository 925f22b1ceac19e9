//! Whoever listens to metrics is foreign code: where it panics, the store goes on.

use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};

use metrics::{Counter, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit};
use wayfold_sqlite::{SqliteConfig, SqliteStore};
use wayfold_store::{ErrorKind, EventFilter, Written};

use super::support::{Folder, append, ids, registered};

const FILE: &str = "WAYFOLD_SQLITE_TEST_RECORDER";

static COMMIT_PANICS: AtomicBool = AtomicBool::new(false);
static SEALING_PANICS: AtomicBool = AtomicBool::new(false);

/// Panics once in the writer, and always in whoever seals, when it is told to.
struct Panics;

impl Recorder for Panics {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, _: &Key, _: &Metadata<'_>) -> Counter {
        assert!(!SEALING_PANICS.load(Ordering::SeqCst), "the recorder fails");
        Counter::noop()
    }

    fn register_gauge(&self, _: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::noop()
    }

    fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
        assert!(!COMMIT_PANICS.swap(false, Ordering::SeqCst), "the recorder fails");
        Histogram::noop()
    }
}

/// The process whose recorder panics; it does nothing when the tests run as usual.
#[test]
fn the_process_with_the_recorder() {
    let Ok(file) = std::env::var(FILE) else { return };
    assert!(metrics::set_global_recorder(Panics).is_ok());
    let mut config = SqliteConfig::default();
    config.seal_events = 2;
    let store = SqliteStore::open(file, config).unwrap();
    let _ = append(&store, &[registered(1, "a")]).unwrap();
    COMMIT_PANICS.store(true, Ordering::SeqCst);
    let error = append(&store, &[registered(2, "a")]).unwrap_err();
    assert_eq!((error.kind(), error.written()), (ErrorKind::Unavailable, Written::Unknown), "{error}");
    let _ = append(&store, &[registered(2, "a")]).unwrap();
    SEALING_PANICS.store(true, Ordering::SeqCst);
    for id in 3..=20 {
        let _ = append(&store, &[registered(id, "a")]).unwrap();
    }
    assert_eq!(ids(&store, EventFilter::all()), (1..=20).collect::<Vec<_>>());
    store.close().unwrap();
}

/// A recorder panicked in the thread that writes, outside of what was caught: the thread was gone, and every append
/// from then on waited for ever. The same befell the thread that seals, and appends waited for its sealing.
#[test]
fn a_panic_of_a_recorder_ends_neither_writing_nor_sealing() {
    let folder = Folder::new();
    let ended = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "native::recorder::the_process_with_the_recorder", "--nocapture"])
        .env(FILE, folder.file())
        .output()
        .unwrap();
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
}

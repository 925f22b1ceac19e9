//! How much is written for an event, and how large the file becomes.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use metrics::{Counter, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit};
use wayfold_core::{AttributeName, JourneyEvent};
use wayfold_sqlite::{Durability, SqliteConfig, SqliteStore};

use super::support::{Folder, append, registered};

/// The counters of the thread that asks.
#[derive(Default)]
struct Counted(Mutex<BTreeMap<String, Arc<AtomicU64>>>);

impl Counted {
    fn of(&self, name: &str) -> u64 {
        self.0.lock().unwrap().get(name).map_or(0, |count| count.load(Ordering::Relaxed))
    }
}

impl Recorder for Counted {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        let mut counts = self.0.lock().unwrap();
        Counter::from_arc(counts.entry(key.name().to_owned()).or_default().clone())
    }

    fn register_gauge(&self, _: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::noop()
    }

    fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::noop()
    }
}

/// Sealed in the smallest blocks that are sealed by themselves, where merging has the most to do.
#[test]
fn an_event_is_written_a_few_times_whatever_the_log_has_grown_to() {
    const SEALED: u128 = 2_048;
    let folder = Folder::new();
    let mut config = SqliteConfig::default();
    // Compacting then makes what is due, and no more.
    (config.seal_events, config.compact_events_max) = (usize::MAX, 0);
    let store = SqliteStore::open(folder.file(), config).unwrap();
    let counted = Counted::default();
    let mut events = 0;
    for number in 0..40 {
        let ids = number * SEALED..(number + 1) * SEALED;
        let some: Vec<JourneyEvent> = ids.map(|id| registered(id, &format!("c{}", id % 997))).collect();
        assert!(append(&store, &some).is_ok());
        events += some.len() as u64;
        metrics::with_local_recorder(&counted, || store.compact().unwrap());
        let written = counted.of("wayfold_sqlite_sealed_events_total");
        assert!(written >= events && written <= events * 2, "{written} events written for {events}");
    }
    assert_eq!(counted.of("wayfold_sqlite_sealed_blocks_total"), 40 + 2, "sixteen became one, twice");
    let bytes_written = counted.of("wayfold_sqlite_sealed_bytes_total");
    store.close().unwrap();
    let file = std::fs::metadata(folder.file()).unwrap().len();
    assert!(bytes_written < file * 5 / 2, "{bytes_written} bytes written for a file of {file}");
}

/// Keeps a transaction that reads open while another reader begins one and something is appended, for a short time.
fn overlap(folder: &Folder, (own, other): (&AtomicU64, &AtomicU64), appended: &AtomicU64, done: &AtomicBool) {
    let connection = rusqlite::Connection::open(folder.file()).unwrap();
    while !done.load(Ordering::SeqCst) {
        connection.execute_batch("BEGIN; SELECT count(*) FROM meta").unwrap();
        own.fetch_add(1, Ordering::SeqCst);
        let seen = [other, appended].map(|count| count.load(Ordering::SeqCst));
        let begun = Instant::now();
        let is_early = || {
            let now = [other, appended].map(|count| count.load(Ordering::SeqCst));
            now[0] == seen[0] || now[1] == seen[1]
        };
        while is_early() && begun.elapsed() < Duration::from_millis(10) && !done.load(Ordering::SeqCst) {
            std::thread::yield_now();
        }
        connection.execute_batch("COMMIT").unwrap();
    }
}

/// SQLite begins its write-ahead log anew when nobody reads. While reads overlapped that never came true, and the log
/// grew to many times the file.
#[test]
fn the_write_ahead_log_is_begun_anew_while_reads_overlap() {
    let folder = Folder::new();
    let mut config = SqliteConfig::default().with_durability(Durability::Normal);
    config.wal_bytes_max = 512 << 10;
    let store = SqliteStore::open(folder.file(), config).unwrap();
    let counts: [AtomicU64; 3] = Default::default();
    let [one, two, appended] = &counts;
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for counts in [(one, two), (two, one)] {
            let (folder, done) = (&folder, &done);
            scope.spawn(move || overlap(folder, counts, appended, done));
        }
        let (start, mut largest) = (Instant::now(), 0);
        for first in (1..).step_by(100) {
            let some: Vec<_> = (first..first + 100).map(|id| registered(id, &format!("c{id}"))).collect();
            assert!(append(&store, &some).is_ok());
            appended.fetch_add(1, Ordering::SeqCst);
            let bytes = std::fs::metadata(folder.path().join("log.wayfold-wal")).unwrap().len();
            if bytes < largest || start.elapsed() > Duration::from_secs(20) {
                done.store(true, Ordering::SeqCst);
                assert!(bytes < largest, "the write-ahead log has grown to {bytes} bytes");
                break;
            }
            largest = bytes;
        }
    });
}

/// Sealing and merging were bounded by events alone: a few hundred large ones made memory grow without end.
#[test]
fn large_events_are_sealed_and_merged_by_their_bytes() {
    let folder = Folder::new();
    let mut config = SqliteConfig::default().with_durability(Durability::Normal);
    config.seal_bytes = 40_000;
    config.merge_blocks = 2;
    config.merge_bytes_max = 200_000;
    let store = SqliteStore::open(folder.file(), config).unwrap();
    let name = AttributeName::new("text").unwrap();
    let word = |number: u128| format!("{:016x}", number.wrapping_mul(0x9e37_79b9_7f4a_7c15) as u64);
    for id in 1..=60_u128 {
        let text: String = (0..640).map(|number| word(id * 640 + number)).collect();
        let large = registered(id, "a").with_attribute(name.clone(), text);
        assert!(append(&store, &[large]).is_ok());
        let waiting = store.check().unwrap().fresh_blocks;
        assert!(
            waiting <= 40,
            "{waiting} events of 10 kB wait, and 16 are four times what is sealed at once"
        );
    }
    store.compact().unwrap();
    store.close().unwrap();
    let connection = rusqlite::Connection::open(folder.file()).unwrap();
    let mut statement = connection.prepare("SELECT sum(length(bytes)) FROM rest GROUP BY id >> 24").unwrap();
    let bytes: Vec<i64> = statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    assert!(bytes.iter().all(|bytes| *bytes <= 200_000), "{bytes:?}");
    assert!(bytes.len() >= 3 && bytes.len() <= 8, "they are merged as far as they may be: {bytes:?}");
}

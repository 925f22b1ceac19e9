//! Closed stores of a workload in one SQLite file, from which rebuilds are measured.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use pollster::block_on;
use wayfold_core::JourneyEvent;
use wayfold_sqlite::{SqliteConfig, SqliteStore};
use wayfold_store::EventStore;

use crate::chunks;

/// Events of one append.
const EVENTS_PER_APPEND: usize = 10_000;

/// What was done to a store before it was closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoreState {
    /// Appends alone; what the store seals of itself is sealed.
    Fresh,
    /// All is sealed, and what could be merged is merged.
    Compacted,
}

impl StoreState {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Fresh, Self::Compacted];

    /// The name, as it is read.
    pub fn name(self) -> &'static str {
        match self {
            Self::Fresh => "fresh",
            Self::Compacted => "compacted",
        }
    }
}

impl FromStr for StoreState {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let named = Self::ALL.into_iter().find(|state| state.name() == text);
        named.ok_or_else(|| format!("a store is fresh or compacted, not {text:?}"))
    }
}

/// Makes the store; the file has its name once it is whole.
pub fn make_closed(path: &Path, state: StoreState, events: impl IntoIterator<Item = JourneyEvent>) {
    let making = path.with_extension("making");
    remove_store(&making);
    let store = SqliteStore::open(&making, SqliteConfig::default()).expect("the file can be made");
    for batch in chunks(events, EVENTS_PER_APPEND) {
        let _ = block_on(store.append(batch, None)).expect("the store takes events");
    }
    match state {
        StoreState::Fresh => wait_for_sealing(&store),
        StoreState::Compacted => store.compact().expect("the store can be compacted"),
    }
    store.close().expect("the store can be closed");
    std::fs::rename(making, path).expect("the file can be named");
}

/// Waits until less is left than the store seals of itself: what is measured later does not depend on how fast the file was
/// filled.
fn wait_for_sealing(store: &SqliteStore) {
    let left = || store.check().expect("the file is sound").fresh_blocks * EVENTS_PER_APPEND as u64;
    while left() >= SqliteConfig::default().seal_events as u64 {
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// Removes a file of SQLite and what it keeps beside it, if they are there.
pub fn remove_store(path: &Path) {
    for suffix in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(PathBuf::from(format!("{}{suffix}", path.display())));
    }
}

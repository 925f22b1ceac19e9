//! The conformance suite of every store, over one SQLite file: as it is opened, and sealing all the time.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod native {
    pub(crate) mod folder;
}

use std::sync::Arc;

use wayfold_sqlite::{Durability, SqliteConfig, SqliteStore};
use wayfold_testkit::conformance::{LogConfig, OpenLog, Opened, StoreBench};

use self::native::folder::Folder;

struct Bench(SqliteConfig);

impl Bench {
    /// Seals after every few events and merges every few blocks, so that most of what is asked is sealed.
    fn sealing() -> Self {
        // What the suite asks needs no disk; syncing every step of it would take minutes.
        let mut config = SqliteConfig::default().with_durability(Durability::Off);
        (config.seal_events, config.merge_blocks) = (3, 3);
        (config.merge_events_max, config.compact_events_max) = (40, 40);
        Self(config)
    }
}

impl StoreBench for Bench {
    fn log(&self, config: LogConfig) -> OpenLog {
        let (folder, file) = (Arc::new(Folder::new()), self.0.clone());
        Box::new(move || {
            let store = SqliteStore::open(folder.file(), file.clone()).unwrap();
            let store = store.with_limits(config.limits.clone());
            // A case may keep the store alone, and the folder stays as long as that: its clock holds it.
            let (clock, folder) = (config.clock.clone(), folder.clone());
            let now = move || {
                let _held = &folder;
                clock.now()
            };
            let store = Arc::new(store.with_clock(now));
            Opened::new(store.clone()).with_upkeep(move || store.compact().unwrap())
        })
    }
}

wayfold_testkit::conformance!(sqlite, Bench(SqliteConfig::default()));
wayfold_testkit::conformance!(sealing_sqlite, Bench::sealing());

//! The conformance suite of every store, over one SQLite file.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod native {
    pub(crate) mod folder;
}

use wayfold_sqlite::{SqliteConfig, SqliteStore};
use wayfold_testkit::conformance::{LogConfig, OpenLog, Opened, StoreBench};

use self::native::folder::Folder;

struct Bench;

impl StoreBench for Bench {
    fn log(&self, config: LogConfig) -> OpenLog {
        let folder = Folder::new();
        Box::new(move || {
            let clock = config.clock.clone();
            let store = SqliteStore::open(folder.file(), SqliteConfig::default()).unwrap();
            Opened::new(store.with_limits(config.limits.clone()).with_clock(move || clock.now()))
        })
    }
}

wayfold_testkit::conformance!(sqlite, Bench);

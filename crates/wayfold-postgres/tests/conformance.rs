//! The conformance suite of every store, over a throw-away server: each test has one of its own.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use pollster::block_on;
use wayfold_postgres::{PostgresConfig, PostgresStore};
use wayfold_testkit::PostgresServer;
use wayfold_testkit::conformance::{LogConfig, OpenLog, Opened, StoreBench};

/// Each log is a schema of the server.
struct Bench {
    server: Option<Arc<PostgresServer>>,
    logs: AtomicU64,
    /// From how many events on they are sealed, and how many a block holds.
    sealed: Option<(usize, usize)>,
}

impl Bench {
    fn new() -> Self {
        let server =
            PostgresServer::is_installed().then(|| PostgresServer::start(env!("CARGO_TARGET_TMPDIR")));
        Self { server: server.map(Arc::new), logs: AtomicU64::new(0), sealed: None }
    }

    /// Whatever is appended is sealed at once, into small blocks, while the cases go on.
    fn sealing() -> Self {
        Self { sealed: Some((1, 7)), ..Self::new() }
    }
}

impl StoreBench for Bench {
    fn missing(&self) -> Option<&str> {
        self.server.is_none().then_some(PostgresServer::MISSING)
    }

    fn log(&self, config: LogConfig) -> OpenLog {
        let server = self.server.clone().unwrap();
        let (schema, sealed) = (format!("log_{}", self.logs.fetch_add(1, Ordering::Relaxed)), self.sealed);
        Box::new(move || {
            let mut database = PostgresConfig::new(server.connection()).with_schema(&schema);
            if let Some((events, block)) = sealed {
                (database.seal_events, database.compact_events_max) = (events, block);
            }
            let store = block_on(PostgresStore::open(database)).unwrap();
            let clock = config.clock.clone();
            // A case may keep the store alone, and the server stays as long as that: its clock holds it.
            let held = server.clone();
            let now = move || {
                let _held = &held;
                clock.now()
            };
            Opened::new(store.with_limits(config.limits.clone()).with_clock(now))
        })
    }

    /// Each sequence makes tables and asks a server.
    fn model_sequences(&self) -> u64 {
        if self.sealed.is_some() { 100 } else { 400 }
    }
}

wayfold_testkit::conformance!(postgres, Bench::new());
wayfold_testkit::conformance!(postgres_sealed, Bench::sealing());

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
    /// Whether what stands is sealed, into small blocks, whenever a log is opened.
    sealed: bool,
}

impl Bench {
    fn new() -> Self {
        let server =
            PostgresServer::is_installed().then(|| PostgresServer::start(env!("CARGO_TARGET_TMPDIR")));
        Self { server: server.map(Arc::new), logs: AtomicU64::new(0), sealed: false }
    }

    /// Reads come from blocks, and from rows behind them.
    fn sealing() -> Self {
        Self { sealed: true, ..Self::new() }
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
            (database.seal_events, database.compact_events_max) = (0, 7);
            let store = block_on(PostgresStore::open(database)).unwrap();
            if sealed {
                block_on(store.compact()).unwrap();
            }
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
        if self.sealed { 100 } else { 400 }
    }
}

wayfold_testkit::conformance!(postgres, Bench::new());
wayfold_testkit::conformance!(postgres_sealed, Bench::sealing());

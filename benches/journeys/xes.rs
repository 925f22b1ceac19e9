//! An event log in XES, read into memory or imported into a store.

use std::path::Path;
use std::time::Instant;

use serde_json::{Value, json};
use wayfold::ingest::{EventSource, ImportOptions, XesImport};
use wayfold::sqlite::{SqliteConfig, SqliteStore};
use wayfold::{Builder, EventBatch, Rules};
use wayfold_benches::{peak_rss_kib, remove_store};

use crate::Result;

/// The seconds go from opening the file to all events as batches in memory.
pub(crate) fn read(file: &Path) -> Result<Value> {
    let start = Instant::now();
    let mut import = XesImport::open(file, "xes", ImportOptions::default())?;
    let mut batches = Vec::new();
    while let Some(batch) = import.next_batch()? {
        batches.push(batch);
    }
    let seconds = start.elapsed().as_secs_f64();
    let events: usize = batches.iter().map(EventBatch::len).sum();
    let check = [events as i64];
    Ok(json!({ "seconds": seconds, "peak_rss_kib": peak_rss_kib(), "check": check }))
}

/// The seconds go from opening the file and a new store to the last event acknowledged, durable.
pub(crate) fn import(file: &Path, store: &Path) -> Result<Value> {
    remove_store(store);
    let start = Instant::now();
    let opened = SqliteStore::open(store, SqliteConfig::default())?;
    let builder = Builder::new(Rules::default())?.on_demand().without_snapshots();
    let wayfold = builder.open_blocking(opened)?;
    let report = wayfold.import(&mut XesImport::open(file, "xes", ImportOptions::default())?)?;
    let seconds = start.elapsed().as_secs_f64();
    let check = [report.events as i64];
    wayfold.close()?;
    remove_store(store);
    Ok(json!({ "seconds": seconds, "peak_rss_kib": peak_rss_kib(), "check": check }))
}

//! The import of a CSV file into a new store, with mapping, ids and checks.

use std::path::Path;
use std::time::Instant;

use serde_json::{Value, json};
use wayfold::ingest::{CsvImport, EventSource, ImportOptions, Mapping};
use wayfold::sqlite::{SqliteConfig, SqliteStore};
use wayfold::{Builder, Rules};
use wayfold_benches::{peak_rss_kib, remove_store};

use crate::Result;

/// Measures from opening the file to the closed store.
pub(crate) fn measure(mapping: &Path, csv: &Path, path: &Path) -> Result<Value> {
    remove_store(path);
    let start = Instant::now();
    let mut source = CsvImport::open(Mapping::load(mapping)?, csv, ImportOptions::default())?;
    let store = SqliteStore::open(path, SqliteConfig::default())?;
    let wayfold = Builder::new(Rules::default())?.on_demand().without_snapshots().open_blocking(store)?;
    let imported = wayfold.import(&mut source)?;
    wayfold.close()?;
    drop(wayfold);
    let seconds = start.elapsed().as_secs_f64();
    assert_eq!(imported.new, imported.events, "a new store holds nothing");
    remove_store(path);
    Ok(json!({ "seconds": seconds, "peak_rss_kib": peak_rss_kib(), "check": [source.progress().rows] }))
}

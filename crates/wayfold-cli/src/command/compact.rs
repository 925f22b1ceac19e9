use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Args;
use wayfold::postgres::PostgresStore;
use wayfold::sqlite::{SqliteConfig, SqliteStore};

use crate::output::Output;
use crate::progress;
use crate::store::{Kept, StoreArguments};
use crate::words::{count, many};

/// Brings the events of each customer together: in a file, and gives unused space back; in PostgreSQL, in as few sealed blocks
/// as may be. No event changes.
#[derive(Debug, Args)]
pub(crate) struct Compact {
    #[command(flatten)]
    store: StoreArguments,
}

impl Compact {
    pub(crate) fn run(&self, output: &mut Output) -> Result<()> {
        match self.store.open_kept()? {
            // Opened to be read at first, so that no file is made.
            Kept::File(opened) => compact_file(output, &opened.path),
            Kept::Database(store) => compact_database(output, &store),
        }
    }
}

fn compact_file(output: &mut Output, path: &PathBuf) -> Result<()> {
    let before = bytes(path)?;
    let spinner = progress::spinner("compacting");
    let store = SqliteStore::open(path, SqliteConfig::default())?;
    store.compact()?;
    store.close()?;
    spinner.finish_and_clear();
    let after = bytes(path)?;
    if output.is_json() {
        let answer = serde_json::json!({ "file": path, "bytes_before": before, "bytes_after": after });
        return output.object(&answer);
    }
    output.line(format!("{}: {} bytes, before {}.", path.display(), count(after), count(before)))
}

fn compact_database(output: &mut Output, store: &PostgresStore) -> Result<()> {
    let spinner = progress::spinner("sealing");
    pollster::block_on(store.compact())?;
    let report = pollster::block_on(store.check())?;
    spinner.finish_and_clear();
    let (blocks, sealed) = (report.sealed_blocks, report.sealed_events);
    if output.is_json() {
        let answer = serde_json::json!({
            "sealed_blocks": blocks,
            "sealed_events": sealed,
            "unsealed_events": report.unsealed_events,
        });
        return output.object(&answer);
    }
    output.line(format!("The log has {} in {}.", many(sealed, "event"), many(blocks, "sealed block")))
}

fn bytes(path: &Path) -> Result<u64> {
    let found = std::fs::metadata(path).with_context(|| format!("failed to look at {}", path.display()))?;
    Ok(found.len())
}

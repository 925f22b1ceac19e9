use std::path::Path;

use anyhow::{Context, Result};
use clap::Args;
use wayfold::sqlite::{SqliteConfig, SqliteStore};

use crate::output::Output;
use crate::progress;
use crate::store::StoreArguments;
use crate::words::count;

/// Brings the events of each customer together in a log in a file, and gives unused space back. No event changes.
#[derive(Debug, Args)]
pub(crate) struct Compact {
    #[command(flatten)]
    store: StoreArguments,
}

impl Compact {
    pub(crate) fn run(&self, output: &mut Output) -> Result<()> {
        // Opened to be read at first, so that no file is made.
        let path = self.store.open_file("compact")?.path;
        let before = bytes(&path)?;
        let spinner = progress::spinner("compacting");
        let store = SqliteStore::open(&path, SqliteConfig::default())?;
        store.compact()?;
        store.close()?;
        spinner.finish_and_clear();
        let after = bytes(&path)?;
        if output.is_json() {
            let answer = serde_json::json!({ "file": path, "bytes_before": before, "bytes_after": after });
            return output.object(&answer);
        }
        output.line(format!("{}: {} bytes, before {}.", path.display(), count(after), count(before)))
    }
}

fn bytes(path: &Path) -> Result<u64> {
    let found = std::fs::metadata(path).with_context(|| format!("failed to look at {}", path.display()))?;
    Ok(found.len())
}

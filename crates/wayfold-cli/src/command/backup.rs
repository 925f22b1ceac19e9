use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Args;

use crate::failure::{exists, usage};
use crate::output::Output;
use crate::progress;
use crate::store::{Kept, StoreArguments};
use crate::words::count;

/// Copies a log in a file, as it is at one moment, into a new file that is a log of its own. Nothing is overwritten. For a log
/// in PostgreSQL, `pg_dump --schema=wayfold` does it.
#[derive(Debug, Args)]
pub(crate) struct Backup {
    /// The new file
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    store: StoreArguments,
}

impl Backup {
    pub(crate) fn run(&self, output: &mut Output) -> Result<()> {
        let Kept::File(opened) = self.store.open_kept()? else {
            return Err(usage(
                "backup copies logs in a file; for a log in PostgreSQL use its own `pg_dump --schema=wayfold DATABASE`, \
                 which is restored by psql",
            ));
        };
        if self.file.symlink_metadata().is_ok() {
            return Err(exists(&self.file));
        }
        let spinner = progress::spinner("copying");
        opened.store.backup(&self.file)?;
        spinner.finish_and_clear();
        let copy = self.file.display();
        let bytes = std::fs::metadata(&self.file).with_context(|| format!("failed to look at {copy}"))?.len();
        if output.is_json() {
            let answer = serde_json::json!({ "file": opened.path, "copy": self.file, "bytes": bytes });
            return output.object(&answer);
        }
        output.line(format!("{} is copied to {copy}: {} bytes.", opened.path.display(), count(bytes)))
    }
}

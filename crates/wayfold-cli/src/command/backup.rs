use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Args;

use crate::failure::exists;
use crate::output::Output;
use crate::progress;
use crate::store::StoreArguments;
use crate::words::count;

/// Copies a log in a file, as it is at one moment, into a new file that is a log of its own. Nothing is overwritten.
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
        let opened = self.store.open_file("backup")?;
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

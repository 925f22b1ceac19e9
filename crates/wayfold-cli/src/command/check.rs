use anyhow::{Context, Result};
use clap::Args;

use crate::output::Output;
use crate::progress;
use crate::store::{OpenedFile, StoreArguments};
use crate::words::many;

/// Checks a log in a file: every checksum, that no event is missing or there twice, and that each is found.
#[derive(Debug, Args)]
pub(crate) struct Check {
    #[command(flatten)]
    store: StoreArguments,
}

impl Check {
    pub(crate) fn run(&self, output: &mut Output) -> Result<()> {
        let OpenedFile { store, path } = self.store.open_file("check")?;
        let spinner = progress::spinner("checking");
        let report = store.check().with_context(|| {
            format!(
                "{} does not pass; go back to a backup of it, or check again if its disk failed",
                path.display()
            )
        })?;
        spinner.finish_and_clear();
        if output.is_json() {
            return output.object(&serde_json::json!({
                "file": path,
                "head": report.head,
                "events": report.events,
                "sealed_blocks": report.sealed_blocks,
                "fresh_blocks": report.fresh_blocks,
                "checkpoints": report.checkpoints,
            }));
        }
        let (sealed, fresh) = (report.sealed_blocks, report.fresh_blocks);
        let blocks = format!("{} and {fresh} fresh", many(sealed, "sealed block"));
        let (events, path) = (many(report.events, "event"), path.display());
        output.line(format!(
            "{path} is sound: {events} in {blocks}, {}.",
            many(report.checkpoints, "checkpoint")
        ))
    }
}

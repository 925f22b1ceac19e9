use anyhow::{Context, Result};
use clap::Args;
use wayfold::postgres::PostgresStore;

use crate::output::Output;
use crate::progress;
use crate::store::{Kept, OpenedFile, StoreArguments};
use crate::words::many;

/// Checks a log: in a file every checksum, that no event is missing or there twice, and that each is found; in PostgreSQL that
/// sealed blocks are whole and hold the rows they copy.
#[derive(Debug, Args)]
pub(crate) struct Check {
    #[command(flatten)]
    store: StoreArguments,
}

impl Check {
    pub(crate) fn run(&self, output: &mut Output) -> Result<()> {
        match self.store.open_kept()? {
            Kept::File(opened) => check_file(output, &opened),
            Kept::Database(store) => check_database(output, &store),
        }
    }
}

fn check_file(output: &mut Output, OpenedFile { store, path }: &OpenedFile) -> Result<()> {
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
    output.line(format!("{path} is sound: {events} in {blocks}, {}.", many(report.checkpoints, "checkpoint")))
}

fn check_database(output: &mut Output, store: &PostgresStore) -> Result<()> {
    let spinner = progress::spinner("checking");
    let report = pollster::block_on(store.check()).context("the log in the database does not pass")?;
    spinner.finish_and_clear();
    if output.is_json() {
        return output.object(&serde_json::json!({
            "sealed_blocks": report.sealed_blocks,
            "sealed_events": report.sealed_events,
            "unsealed_events": report.unsealed_events,
        }));
    }
    output.line(format!(
        "The log is sound: {} in {} are those of the rows, {} in none.",
        many(report.sealed_events, "event"),
        many(report.sealed_blocks, "sealed block"),
        many(report.unsealed_events, "event"),
    ))
}

//! Which store is asked, and how it is opened.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Args;
use wayfold::postgres::{PostgresConfig, PostgresStore};
use wayfold::sqlite::{SqliteConfig, SqliteStore};
use wayfold::{EventBatch, EventStore, Position, ReadQuery, StoreUrl};

use crate::failure::{not_found, usage};

/// Where the log is kept.
#[derive(Debug, Args)]
pub(crate) struct StoreArguments {
    // A text, so that no error of the arguments shows a password.
    /// The store: `sqlite:FILE`, `postgres://USER@HOST/DATABASE`, or `memory:`, which ends with the command
    #[arg(long = "store", value_name = "URL", env = "WAYFOLD_STORE", hide_env_values = true)]
    url: Option<String>,
}

impl StoreArguments {
    fn url(&self) -> Result<StoreUrl> {
        let missing = || usage("no store is named; give --store sqlite:FILE, or set WAYFOLD_STORE to it");
        let text = self.url.as_deref().filter(|text| !text.is_empty()).ok_or_else(missing)?;
        text.parse().map_err(usage)
    }

    /// The store in a word, without a password.
    pub(crate) fn source(&self) -> Result<String> {
        Ok(self.url()?.to_string())
    }

    /// Opens a log that is there, to read it.
    pub(crate) fn open_to_read(&self) -> Result<Box<dyn EventStore>> {
        let url = self.url()?;
        if let Some(path) = url.file() {
            look_for(path)?;
        } else if url == MEMORY.parse()? {
            return Err(usage(
                "memory: ends with the command that fills it, so that there is nothing to read; name another store",
            ));
        }
        url.open_existing_blocking().with_context(|| format!("failed to open {url}"))
    }

    /// Opens a log to append to it, and makes it where there is none.
    pub(crate) fn open_to_append(&self) -> Result<Box<dyn EventStore>> {
        Ok(self.url()?.open_blocking()?)
    }

    /// A log that is there, as what keeps it.
    ///
    /// # Errors
    /// A usage error for a log in memory, of which there is nothing to keep.
    pub(crate) fn open_kept(&self) -> Result<Kept> {
        let url = self.url()?;
        let failed = || format!("failed to open {url}");
        if let Some(connection) = url.connection() {
            let store = PostgresStore::open_existing(PostgresConfig::new(connection));
            return Ok(Kept::Database(pollster::block_on(store).with_context(failed)?));
        }
        let in_memory =
            || usage("memory: ends with the command that fills it, so that there is nothing to keep");
        let path = url.file().ok_or_else(in_memory)?.to_owned();
        look_for(&path)?;
        let store = SqliteStore::open_read_only(&path, SqliteConfig::default());
        Ok(Kept::File(OpenedFile { store: store.with_context(failed)?, path }))
    }
}

/// A log by what keeps it.
pub(crate) enum Kept {
    /// A file.
    File(OpenedFile),
    /// A schema of a database of PostgreSQL.
    Database(PostgresStore),
}

/// A log in a file, open to be read.
pub(crate) struct OpenedFile {
    pub(crate) store: SqliteStore,
    pub(crate) path: PathBuf,
}

/// The log of which nothing is left once a command has ended.
const MEMORY: &str = "memory:";

fn look_for(path: &Path) -> Result<()> {
    if path.exists() {
        return Ok(());
    }
    let path = path.display();
    Err(not_found(format_args!(
        "there is no log at {path}; `wayfold import --store sqlite:{path} FILE` makes one"
    )))
}

/// How many events are read at a time.
const EVENTS_PER_READ: usize = 16_384;

/// Calls with all events of a log, in its order.
pub(crate) fn for_each_batch(
    store: &dyn EventStore,
    mut take: impl FnMut(&EventBatch) -> Result<()>,
) -> Result<()> {
    let mut next = Some(Position::START);
    while let Some(from) = next {
        let page = pollster::block_on(store.read(ReadQuery::all(), from, EVENTS_PER_READ))?;
        take(&page.batch)?;
        next = page.next;
    }
    Ok(())
}

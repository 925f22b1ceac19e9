//! Looks at every byte of the log that has a checksum, and at what has to hold together.

use std::collections::HashSet;

use rusqlite::Connection;
use wayfold_core::{Position, Tenant, Timestamp};
use wayfold_store::{CheckpointName, Result};

use crate::error::{At, corrupt, position};
use crate::record::{Meta, read_checkpoint};
use crate::schema::integrity_problem;
use crate::state::{Snapshot, check_head, read_fresh_blocks};
use crate::store::SqliteStore;
use crate::tail::Fresh;

/// What [`SqliteStore::check`] has found sound.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CheckReport {
    /// The position of the last event.
    pub head: Position,
    /// How many events there are.
    pub events: u64,
    /// In how many fresh blocks they stand.
    pub fresh_blocks: u64,
    /// How many checkpoints there are.
    pub checkpoints: u64,
}

impl SqliteStore {
    /// Checks the whole file: checksums of every block and record, that no position is missing or taken twice, that
    /// no id is, that recording times grow, and SQLite's own structure.
    ///
    /// It reads everything, in one transaction and on the calling thread; appends go on meanwhile.
    ///
    /// # Errors
    /// `Corrupt` for the first damage, which the message names by position; `Unsupported` if a part is of a later
    /// version; `Unavailable` if the file cannot be read.
    pub fn check(&self) -> Result<CheckReport> {
        let connection = self.shared().readers.take()?;
        let snapshot = Snapshot::begin(&connection)?;
        let Snapshot { transaction, meta } = &snapshot;
        let mut log = Log::default();
        let last = read_fresh_blocks(transaction, meta.sealed_to, |block| log.take(&block))?;
        check_head(last, meta)?;
        log.check_end(meta)?;
        let checkpoints = check_checkpoints(transaction)?;
        match integrity_problem(transaction)? {
            Some(found) => Err(corrupt(format_args!("check the file: {found}"))),
            None => Ok(CheckReport {
                head: position(meta.head),
                events: meta.head,
                fresh_blocks: log.blocks,
                checkpoints,
            }),
        }
    }
}

/// What has to hold from block to block.
#[derive(Default)]
struct Log {
    blocks: u64,
    recorded_at: Option<Timestamp>,
    ids: HashSet<(Tenant, u128)>,
}

impl Log {
    fn take(&mut self, block: &Fresh) -> Result<()> {
        self.blocks += 1;
        for (number, event) in (block.first..).zip(block.batch.iter()) {
            let place = position(number);
            let recorded_at = event.recorded_at();
            if recorded_at.is_none() || recorded_at < self.recorded_at {
                let message =
                    format_args!("check position {place}: it is recorded before the event before it");
                return Err(corrupt(message));
            }
            self.recorded_at = recorded_at;
            if !self.ids.insert((event.customer().tenant, event.id().as_u128())) {
                let message = format_args!("check position {place}: its id {} stands already", event.id());
                return Err(corrupt(message));
            }
        }
        Ok(())
    }

    fn check_end(&self, meta: &Meta) -> Result<()> {
        if self.blocks == 0 || self.recorded_at == meta.recorded_at {
            return Ok(());
        }
        let message = "the record of the log has another recording time";
        Err(corrupt(format_args!("check position {}: {message}", position(meta.head))))
    }
}

fn check_checkpoints(connection: &Connection) -> Result<u64> {
    let tried = "check the checkpoints";
    let mut statement = connection.prepare("SELECT name FROM checkpoint").at(tried)?;
    let mut rows = statement.query([]).at(tried)?;
    let mut count = 0;
    while let Some(row) = rows.next().at(tried)? {
        let name = row.get_ref(0).at(tried)?.as_blob().map_err(rusqlite::Error::from).at(tried)?;
        let name = std::str::from_utf8(name).ok().and_then(|name| CheckpointName::new(name).ok());
        let name = name.ok_or_else(|| corrupt(format_args!("{tried}: a name is damaged")))?;
        read_checkpoint(connection, &name)?;
        count += 1;
    }
    Ok(count)
}

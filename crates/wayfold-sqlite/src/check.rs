//! Looks at every byte of the log that has a checksum, and at what has to hold together.

use std::collections::HashSet;

use rusqlite::Connection;
use wayfold_block::{Lookup, PartKind};
use wayfold_core::{EventView, Position, Timestamp};
use wayfold_store::{CheckpointName, Error, Result};

use crate::archive::{Archive, Opened};
use crate::error::{At, corrupt, position};
use crate::record::{Meta, read_checkpoint};
use crate::schema::integrity_problem;
use crate::sealed::{Block, Manifest};
use crate::state::{SharedState, Snapshot, check_head, read_fresh_blocks};
use crate::store::SqliteStore;

/// What [`SqliteStore::check`] has found sound.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CheckReport {
    /// The position of the last event.
    pub head: Position,
    /// How many events there are.
    pub events: u64,
    /// How many sealed blocks there are.
    pub sealed_blocks: u64,
    /// How many fresh blocks there are.
    pub fresh_blocks: u64,
    /// How many checkpoints there are.
    pub checkpoints: u64,
}

impl SqliteStore {
    /// Checks the whole file: checksums of every part and record, that no position is missing or taken twice, that
    /// no id is, that every event is found by its id, customer and tags, that recording times grow, and SQLite's own
    /// structure.
    ///
    /// It reads everything, in one transaction and on the calling thread; appends go on meanwhile.
    ///
    /// # Errors
    /// `Corrupt` for the first damage, which the message names by position; `Unsupported` if a part is of a later
    /// version; `Unavailable` if the file cannot be read. SQLite's look at its own structure takes a page that
    /// cannot be read for a damaged one; check again before acting on that.
    pub fn check(&self) -> Result<CheckReport> {
        self.shared().readers.read(|connection| self.check_by(connection))
    }

    fn check_by(&self, connection: &Connection) -> Result<CheckReport> {
        let snapshot = Snapshot::begin(connection, &self.shared().state)?;
        let Snapshot { transaction, meta } = &snapshot;
        let manifest = Manifest::read(transaction, meta, None)?;
        // A cache of its own, so that every page is read from the file.
        let unread = SharedState::default();
        let archive = Archive::new(transaction, &manifest, &unread);
        let mut log = Log { archive: &archive, recorded_at: None, unsealed: HashSet::new(), fresh_blocks: 0 };
        for block in &manifest.blocks {
            log.check_sealed(transaction, block)?;
        }
        let last = read_fresh_blocks(transaction, meta.sealed_to, |block| {
            log.fresh_blocks += 1;
            (block.first..)
                .zip(block.batch.iter())
                .try_for_each(|(number, event)| log.check_fresh(number, &event))
        })?;
        check_head(last, meta)?;
        log.check_end(meta)?;
        let fresh_blocks = log.fresh_blocks;
        let checkpoints = check_checkpoints(transaction)?;
        if let Some(found) = integrity_problem(transaction)? {
            return Err(corrupt(format_args!("check the file: {found}")));
        }
        let sealed_blocks = manifest.blocks.len() as u64;
        Ok(CheckReport {
            head: position(meta.head),
            events: meta.head,
            sealed_blocks,
            fresh_blocks,
            checkpoints,
        })
    }
}

/// What has to hold from event to event.
struct Log<'a> {
    archive: &'a Archive<'a>,
    recorded_at: Option<Timestamp>,
    /// Tenant and id of the events that are not sealed.
    unsealed: HashSet<(String, u128)>,
    fresh_blocks: u64,
}

impl Log<'_> {
    fn check_recorded(&mut self, number: u64, event: &EventView<'_>) -> Result<()> {
        let recorded_at = event.recorded_at();
        if recorded_at.is_none() || recorded_at < self.recorded_at {
            return Err(wrong(number, "it is recorded before the event before it"));
        }
        self.recorded_at = recorded_at;
        Ok(())
    }

    fn check_sealed(&mut self, connection: &Connection, block: &Block) -> Result<()> {
        let opened = self.archive.open_all(block)?;
        for (number, page, row) in opened.between(0, u64::MAX) {
            self.check_recorded(number, &page.batch.event(row))?;
        }
        self.check_lookups(connection, block, &opened)
    }

    /// What the events of a block are found by, in the order in which directories list it, so that each part of them is
    /// read once.
    fn check_lookups(&self, connection: &Connection, block: &Block, opened: &Opened) -> Result<()> {
        let pages: Vec<_> = opened.pages().map(|page| &page.batch).collect();
        let (mut ids, mut tags) = (Vec::new(), Vec::new());
        for (page, batch) in (0..).zip(&pages) {
            for (row, event) in (0..).zip(batch.iter()) {
                let (tenant, customer) = event.customer_texts();
                if !self.archive.lists_customer(block, page, Lookup::customer(tenant, customer))? {
                    return Err(leads_elsewhere(&event, "customer"));
                }
                ids.push((Lookup::id(tenant, event.id()), page, row));
                tags.extend(event.tags().map(|tag| (Lookup::tag(tag), page, row)));
            }
        }
        let event = |page: u32, row: u32| pages[page as usize].event(row as usize);
        ids.sort_unstable();
        for alike in ids.chunk_by(|(a, ..), (b, ..)| a == b) {
            let mut known = HashSet::new();
            for (id, page, row) in alike {
                let event = event(*page, *row);
                if !self.archive.lists(block, PartKind::Ids, *page, *id)? {
                    return Err(leads_elsewhere(&event, "id"));
                }
                let is_new = known.insert((event.customer_texts().0, event.id()));
                if !is_new || self.stands_earlier(connection, block, &event)? {
                    return Err(stands_already(number_of(&event), &event));
                }
            }
        }
        tags.sort_unstable();
        for (tag, page, row) in tags {
            if !self.archive.lists(block, PartKind::Tags, page, tag)? {
                return Err(leads_elsewhere(&event(page, row), "tag"));
            }
        }
        Ok(())
    }

    fn stands_earlier(&self, connection: &Connection, block: &Block, event: &EventView<'_>) -> Result<bool> {
        let lookup = Lookup::id(event.customer_texts().0, event.id());
        for earlier in self.archive.manifest().between(0, block.first) {
            if earlier.filter(connection)?.may_hold(lookup)
                && self.archive.find_in(earlier, lookup, event)?.is_some()
            {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn check_fresh(&mut self, number: u64, event: &EventView<'_>) -> Result<()> {
        self.check_recorded(number, event)?;
        let is_new = self.unsealed.insert((event.customer_texts().0.to_owned(), event.id().as_u128()));
        if !is_new || self.archive.find(event)?.is_some() {
            return Err(stands_already(number, event));
        }
        Ok(())
    }

    fn check_end(&self, meta: &Meta) -> Result<()> {
        if self.recorded_at == meta.recorded_at {
            return Ok(());
        }
        Err(wrong(meta.head, "the record of the log has another recording time"))
    }
}

fn wrong(number: u64, message: impl std::fmt::Display) -> Error {
    corrupt(format_args!("check position {}: {message}", position(number)))
}

fn number_of(event: &EventView<'_>) -> u64 {
    event.position().map_or(0, crate::error::number)
}

fn leads_elsewhere(event: &EventView<'_>, what: &str) -> Error {
    wrong(number_of(event), format_args!("its {what} leads elsewhere"))
}

fn stands_already(number: u64, event: &EventView<'_>) -> Error {
    wrong(number, format_args!("its id {} stands already", event.id()))
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

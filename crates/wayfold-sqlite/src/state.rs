//! What a handle knows of the file, and how it is brought up with a transaction.

use std::sync::{Arc, OnceLock, RwLock, RwLockReadGuard, RwLockWriteGuard};

use rusqlite::{Connection, Transaction, TransactionBehavior};
use wayfold_block::read_fresh;
use wayfold_core::{EventBatch, Upcasters};
use wayfold_store::{Error, Result};

use crate::archive::LastOpened;
use crate::error::{At, corrupt, number, position, unavailable};
use crate::keys::{Hasher, Keys};
use crate::record::{Meta, range};
use crate::sealed::Manifest;
use crate::tail::{Fresh, Tail};

/// How often a transaction may turn out to be older than what another thread has learned since it began.
pub(crate) const OVERTAKEN_MAX: usize = 1_000;

/// What the file held at a commit.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) meta: Meta,
    pub(crate) sealed: Arc<Manifest>,
    pub(crate) tail: Tail,
}

/// The state that readers and the writer share: of a commit that stands, never ahead of the file.
#[derive(Debug, Default)]
pub(crate) struct SharedState {
    pub(crate) hasher: Hasher,
    pub(crate) last_opened: LastOpened,
    /// How stored events of older shapes are read.
    upcasters: OnceLock<Upcasters>,
    /// `None` until it is read from the file, and again when a failed commit leaves it in doubt.
    state: RwLock<Option<State>>,
}

impl SharedState {
    /// Says how stored events of older shapes are read, before any is.
    pub(crate) fn set_upcasters(&self, upcasters: Upcasters) {
        // What was read already was read by the steps that stood.
        let _ = self.upcasters.set(upcasters);
    }

    pub(crate) fn upcasters(&self) -> &Upcasters {
        self.upcasters.get_or_init(Upcasters::default)
    }

    fn lock(&self) -> RwLockWriteGuard<'_, Option<State>> {
        self.state.write().unwrap_or_else(|poisoned| {
            // Whoever panicked may have left half a change; the file has the whole.
            let mut state = poisoned.into_inner();
            *state = None;
            self.state.clear_poison();
            state
        })
    }

    fn peek(&self) -> RwLockReadGuard<'_, Option<State>> {
        if self.state.is_poisoned() {
            drop(self.lock());
        }
        self.state.read().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Forgets what is known, so that it is read from the file again.
    pub(crate) fn forget(&self) {
        *self.lock() = None;
    }

    /// Asks what is known; no if nothing is.
    pub(crate) fn known(&self, question: impl FnOnce(&State) -> bool) -> bool {
        self.peek().as_ref().is_some_and(question)
    }

    /// Reads the record of the log in a transaction that begins with it. A log never goes back: one that does is
    /// another one in the place of what this handle knows.
    pub(crate) fn read_meta(&self, connection: &Connection) -> Result<Meta> {
        let known = self.peek().as_ref().map(|state| state.meta);
        let meta = Meta::read(connection)?;
        match known {
            Some(known) if !meta.may_follow(&known) => Err(went_back(&known, &meta)),
            _ => Ok(meta),
        }
    }

    /// Asks the state in a transaction of its own, which it gives too.
    pub(crate) fn ask_now<'a, T>(
        &self,
        connection: &'a Connection,
        question: impl Fn(&State) -> Result<T>,
    ) -> Result<(Snapshot<'a>, T)> {
        for _ in 0..OVERTAKEN_MAX {
            let snapshot = Snapshot::begin(connection, self)?;
            if let Some(answer) = self.ask(&snapshot.transaction, &snapshot.meta, &question)? {
                return Ok((snapshot, answer));
            }
            // The memory was newer than the transaction; the next one is newer than that.
        }
        Err(unavailable("read the log: blocks are sealed faster than it can be read"))
    }

    /// Asks the state at the transaction's commit, or a later one of the same generation; `None` if the memory is
    /// of a later generation, whose sealed blocks the transaction does not see.
    pub(crate) fn ask<T>(
        &self,
        connection: &Connection,
        meta: &Meta,
        question: impl FnOnce(&State) -> Result<T>,
    ) -> Result<Option<T>> {
        loop {
            {
                let state = self.peek();
                match &*state {
                    Some(state) if state.meta.generation > meta.generation => return Ok(None),
                    Some(state) if state.covers(meta) => return question(state).map(Some),
                    _ => (),
                }
            }
            self.follow(connection, meta)?;
        }
    }

    /// Brings the state up to a transaction, if it is not there yet.
    fn follow(&self, connection: &Connection, meta: &Meta) -> Result<()> {
        let mut state = self.lock();
        match &mut *state {
            Some(known) if known.meta.generation > meta.generation || known.covers(meta) => Ok(()),
            Some(known) if known.meta.generation == meta.generation => {
                known.extend(&self.hasher, connection, meta)
            }
            known => State::renew(&self.hasher, connection, meta, known),
        }
    }

    /// Takes in what the writer has committed.
    pub(crate) fn publish(&self, meta: &Meta, blocks: Vec<(Fresh, Keys)>) {
        // Without events there is nothing to take in, and what other processes appended is not known by that.
        let Some((first, _)) = blocks.first() else { return };
        let first = first.first;
        let mut state = self.lock();
        let Some(known) = &mut *state else { return };
        if known.meta.head >= meta.head || known.meta.generation > meta.generation {
            // A reader has been faster and has read it from the file.
            return;
        }
        if known.meta.generation == meta.generation && first == known.tail.head() + 1 {
            blocks.into_iter().for_each(|(block, keys)| known.tail.push(block, &keys));
            known.meta = *meta;
        } else {
            *state = None;
        }
    }
}

impl State {
    /// Reads the state at a transaction; what an earlier one holds of it already is kept. On an error nothing changes.
    fn renew(hasher: &Hasher, connection: &Connection, meta: &Meta, known: &mut Option<Self>) -> Result<()> {
        let sealed = Manifest::read(connection, meta, known.as_ref().map(|known| &*known.sealed))?;
        let is_kept =
            |known: &&mut Self| known.meta.head <= meta.head && known.tail.can_start_after(meta.sealed_to);
        let kept = known.as_mut().filter(is_kept).map(|known| &mut known.tail);
        let after = kept.as_ref().map_or(0, |tail| tail.head()).max(meta.sealed_to);
        let newer = read_newer(hasher, connection, after, meta)?;
        let mut tail = kept.map_or_else(
            || Tail::after(meta.sealed_to),
            |kept| {
                kept.start_after(meta.sealed_to);
                std::mem::replace(kept, Tail::after(meta.sealed_to))
            },
        );
        newer.into_iter().for_each(|(block, keys)| tail.push(block, &keys));
        *known = Some(Self { meta: *meta, sealed: Arc::new(sealed), tail });
        Ok(())
    }

    /// Says whether it is as new as a transaction, with the same sealed blocks.
    fn covers(&self, meta: &Meta) -> bool {
        self.meta.generation == meta.generation && self.meta.head >= meta.head
    }

    /// Reads the fresh blocks that are not known yet; on an error nothing changes.
    fn extend(&mut self, hasher: &Hasher, connection: &Connection, meta: &Meta) -> Result<()> {
        let newer = read_newer(hasher, connection, self.tail.head(), meta)?;
        newer.into_iter().for_each(|(block, keys)| self.tail.push(block, &keys));
        self.meta = *meta;
        Ok(())
    }
}

/// Reads the fresh blocks behind an event up to the end of the log.
fn read_newer(
    hasher: &Hasher,
    connection: &Connection,
    after: u64,
    meta: &Meta,
) -> Result<Vec<(Fresh, Keys)>> {
    let mut blocks = Vec::new();
    let last = read_fresh_blocks(connection, after, |block| {
        let keys = Keys::of(hasher, &block.batch);
        blocks.push((block, keys));
        Ok(())
    })?;
    check_head(last, meta).map(|()| blocks)
}

fn went_back(known: &Meta, found: &Meta) -> Error {
    corrupt(format_args!(
        "read the log: it ended at {} in generation {}, and went back to {} in generation {}; if a backup was written \
         over it, close every handle and open it again",
        position(known.head),
        known.generation,
        position(found.head),
        found.generation
    ))
}

/// Compares the last event in fresh blocks with what the record of the log says.
pub(crate) fn check_head(last: u64, meta: &Meta) -> Result<()> {
    if last == meta.head {
        return Ok(());
    }
    let message = if last < meta.head {
        format!("read the log: the block of {} is missing", range(last + 1, meta.head))
    } else {
        format!("read the log: blocks go on to {}, the log ends at {}", position(last), position(meta.head))
    };
    Err(corrupt(message))
}

/// Reads the fresh blocks behind an event in their order, and gives the number of their last event.
pub(crate) fn read_fresh_blocks(
    connection: &Connection,
    after: u64,
    mut take: impl FnMut(Fresh) -> Result<()>,
) -> Result<u64> {
    let tried = format_args!("read the log after position {}", position(after));
    let mut statement = connection
        .prepare_cached("SELECT first, bytes FROM fresh WHERE first > ?1 ORDER BY first")
        .at(tried)?;
    let mut rows = statement.query([after as i64]).at(tried)?;
    let mut last = after;
    while let Some(row) = rows.next().at(tried)? {
        let first: i64 = row.get(0).at(tried)?;
        let bytes = row.get_ref(1).at(tried)?.as_blob().map_err(rusqlite::Error::from).at(tried)?;
        let block = decode_fresh(first as u64, last + 1, bytes)?;
        last = block.last();
        take(block)?;
    }
    Ok(last)
}

fn decode_fresh(first: u64, expected: u64, bytes: &[u8]) -> Result<Fresh> {
    if first > expected {
        let message = format!("read the log: the block of {} is missing", range(expected, first - 1));
        return Err(corrupt(message));
    }
    let tried = format_args!("read the log at position {}", position(expected));
    if first < expected {
        let message = format_args!("{tried}: the block of position {} overlaps it", position(first));
        return Err(corrupt(message));
    }
    let batch = read_fresh(first, bytes).at(tried)?;
    check_positions(&batch, first)?;
    Ok(Fresh::new(first, batch, bytes.len()))
}

/// Checks that the events of a block say of themselves that they stand where it stands.
fn check_positions(batch: &EventBatch, first: u64) -> Result<()> {
    if batch.is_empty() {
        return Err(corrupt(format_args!(
            "read the log at position {}: the block is empty",
            position(first)
        )));
    }
    let mut numbered = (first..).zip(batch.iter());
    let stray = numbered.find(|(expected, event)| event.position().map(number) != Some(*expected));
    match stray {
        None => Ok(()),
        Some((expected, event)) => Err(corrupt(format_args!(
            "read the log at position {}: the event there is {}, of another place",
            position(expected),
            event.id()
        ))),
    }
}

/// A transaction that reads, and what the log is in it.
pub(crate) struct Snapshot<'a> {
    pub(crate) transaction: Transaction<'a>,
    pub(crate) meta: Meta,
}

impl<'a> Snapshot<'a> {
    pub(crate) fn begin(connection: &'a Connection, shared: &SharedState) -> Result<Self> {
        let transaction =
            Transaction::new_unchecked(connection, TransactionBehavior::Deferred).at("begin to read")?;
        let meta = shared.read_meta(&transaction)?;
        Ok(Self { transaction, meta })
    }
}

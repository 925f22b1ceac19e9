//! Makes one sealed block beside the log, and puts it in the place of what it was made from.
//!
//! Parts are written in short transactions under a block that is no part of the log. One more short transaction
//! makes it one, if what it was made from still stands; only then are the old parts taken out. Whatever a killed
//! process leaves is a block that was never finished, or one that is dead already.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use rusqlite::{Connection, OptionalExtension, Transaction, params};
use wayfold_block::{Merge, Part, PartKind, SealedBlock, seal};
use wayfold_core::EventBatch;
use wayfold_store::{Error, Result};

use crate::error::{At, corrupt, unavailable};
use crate::part::{drop_some_parts, put_part};
use crate::plan::Plan;
use crate::record::{Meta, range};
use crate::sealed::{Block, block_state};
use crate::store::Shared;
use crate::turn;
use crate::wal;

/// Bytes of parts that one transaction writes, or little more.
const STEP_BYTES: usize = 3 << 19;
/// Parts of each table, or fresh blocks, that one transaction takes out.
const STEP_PARTS: usize = 64;
/// Whoever makes a block and has not written a part for so long is taken for dead.
const LEASE_MS: i64 = 10_000;

/// What a step has come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// A block was made.
    Done,
    /// Somebody else makes one.
    Busy,
    /// Somebody else has made one since the plan.
    Stale,
}

/// Errors of a merge, whose sources read pages.
struct Failure(Error);

impl From<wayfold_block::Error> for Failure {
    fn from(error: wayfold_block::Error) -> Self {
        Self(Err::<(), _>(error).at("make a sealed block").err().unwrap_or_else(|| corrupt("no error")))
    }
}

/// Runs one short transaction that writes, between those of the writer.
fn write<T>(
    shared: &Shared,
    connection: &Connection,
    change: impl FnOnce(&Transaction<'_>) -> Result<T>,
) -> Result<T> {
    let _turn = shared.write_turn();
    shared.readers.check_file()?;
    let transaction = turn::begin(connection, &shared.config).at("begin to seal")?;
    let changed = change(&transaction)?;
    transaction.commit().at("commit a sealed block")?;
    wal::keep_small(connection, shared);
    Ok(changed)
}

fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// Makes the block of a plan that was made at a generation of the log.
pub(crate) fn build(shared: &Shared, connection: &Connection, generation: u64, plan: &Plan) -> Result<Step> {
    let number = match begin(shared, connection, generation)? {
        Begun::Block(number) => number,
        Begun::Not(step) => return Ok(step),
    };
    let built = make(shared, connection, number, plan);
    if built.is_err() {
        // The failure counts; a block that cannot be given up is found when its lease has ended.
        let _ = write(shared, connection, |transaction| give_up(transaction, number));
        // Whoever took this block for abandoned has taken its inputs away, which is no damage.
        if Meta::read(connection)?.generation != generation {
            return Ok(Step::Stale);
        }
    }
    built.map(|()| Step::Done)
}

fn make(shared: &Shared, connection: &Connection, number: u64, plan: &Plan) -> Result<()> {
    let built = match plan {
        Plan::Seal(batches) => write_parts(shared, connection, number, seal(number, batches).map(Ok)),
        Plan::Merge(blocks) => {
            let source = |block: &Arc<Block>| {
                let block = block.clone();
                let pages = 0..block.header.pages();
                pages.map(move |page| block.page(connection, page).map(|page| page.batch).map_err(Failure))
            };
            let events = blocks.iter().map(|block| block.header.events()).sum();
            write_parts(shared, connection, number, Merge::new(number, events, blocks.iter().map(source)))
        }
    };
    let header = built?;
    verify(connection, number, &header)?;
    let events = write(shared, connection, |transaction| flip(transaction, number, &header, plan))?;
    metrics::counter!("wayfold_sqlite_sealed_events_total").increment(events);
    Ok(())
}

/// What came of registering a block.
enum Begun {
    Block(u64),
    Not(Step),
}

/// Registers a new block, unless somebody else makes one or has made one. From then on nobody else does, so that what
/// it is made from stays.
fn begin(shared: &Shared, connection: &Connection, generation: u64) -> Result<Begun> {
    let tried = "begin a sealed block";
    write(shared, connection, |transaction| {
        let now = now_ms();
        let dead = "UPDATE block SET state = ?2 WHERE state = ?1 AND touched_at NOT BETWEEN ?3 AND ?4";
        let (oldest, newest) = (now - LEASE_MS, now + LEASE_MS);
        transaction
            .execute(dead, params![block_state::BUILDING, block_state::DEAD, oldest, newest])
            .at(tried)?;
        let other: Option<i64> = transaction
            .query_row("SELECT number FROM block WHERE state = ?1", [block_state::BUILDING], |row| row.get(0))
            .optional()
            .at(tried)?;
        if other.is_some() {
            return Ok(Begun::Not(Step::Busy));
        }
        if Meta::read(transaction)?.generation != generation {
            return Ok(Begun::Not(Step::Stale));
        }
        transaction
            .execute("INSERT INTO block (state, touched_at) VALUES (?1, ?2)", [block_state::BUILDING, now])
            .at(tried)?;
        Ok(Begun::Block(transaction.last_insert_rowid() as u64))
    })
}

fn give_up(transaction: &Transaction<'_>, number: u64) -> Result<()> {
    transaction
        .execute(
            "UPDATE block SET state = ?2 WHERE number = ?1 AND state = ?3",
            params![number as i64, block_state::DEAD, block_state::BUILDING],
        )
        .map(drop)
        .at("give a sealed block up")
}

/// Writes all parts but the header, which it gives back.
fn write_parts(
    shared: &Shared,
    connection: &Connection,
    number: u64,
    parts: impl Iterator<Item = std::result::Result<Part, Failure>>,
) -> Result<Vec<u8>> {
    let mut step: Vec<Part> = Vec::new();
    let mut header = None;
    for part in parts {
        let part = part.map_err(|Failure(error)| error)?;
        if part.name.kind == PartKind::Header {
            header = Some(part.bytes);
            continue;
        }
        step.push(part);
        if step.iter().map(|part| part.bytes.len()).sum::<usize>() >= STEP_BYTES {
            write_step(shared, connection, number, &step)?;
            step.clear();
        }
    }
    write_step(shared, connection, number, &step)?;
    header.ok_or_else(|| corrupt("make a sealed block: it has no header"))
}

fn write_step(shared: &Shared, connection: &Connection, number: u64, parts: &[Part]) -> Result<()> {
    if shared.merging.is_closed() {
        return Err(unavailable("make a sealed block: the store is closed"));
    }
    write(shared, connection, |transaction| {
        let touched = transaction
            .execute(
                "UPDATE block SET touched_at = ?2 WHERE number = ?1 AND state = ?3",
                params![number as i64, now_ms(), block_state::BUILDING],
            )
            .at("make a sealed block")?;
        if touched != 1 {
            return Err(unavailable("make a sealed block: another process took it for abandoned"));
        }
        parts.iter().try_for_each(|part| put_part(transaction, part))
    })?;
    let bytes: usize = parts.iter().map(|part| part.bytes.len()).sum();
    metrics::counter!("wayfold_sqlite_sealed_bytes_total").increment(bytes as u64);
    Ok(())
}

/// Reads the block as it was written: every page has to be there, and every position of its range once.
fn verify(connection: &Connection, number: u64, header: &[u8]) -> Result<()> {
    let block = Block::read(number, header)?;
    let mut is_there = vec![false; (block.last - block.first + 1) as usize];
    for page in 0..block.header.pages() {
        for event in block.page(connection, page)?.batch.iter() {
            let place = event.position().map_or(0, crate::error::number);
            if std::mem::replace(&mut is_there[(place - block.first) as usize], true) {
                return Err(block.corrupt("an event stands there twice"));
            }
        }
    }
    if is_there.contains(&false) {
        return Err(block.corrupt("an event is missing"));
    }
    block.filter(connection).map(drop)
}

/// Puts the block in the place of what it was made from, and says how many events it holds.
fn flip(transaction: &Transaction<'_>, number: u64, header: &[u8], plan: &Plan) -> Result<u64> {
    let tried = "put a sealed block in its place";
    let mut meta = Meta::read(transaction)?;
    let block = SealedBlock::read(number, header).at(tried)?;
    let (first, last) = (crate::error::number(block.first()), crate::error::number(block.last()));
    if (first, last) != range_of(plan) || block.events() != last - first + 1 {
        let message = format_args!("{tried}: it holds {}", range(first, last));
        return Err(corrupt(message));
    }
    let gone = || unavailable(format_args!("{tried}: another process was faster"));
    match plan {
        Plan::Seal(_) if meta.sealed_to + 1 == first && last <= meta.head => meta.sealed_to = last,
        Plan::Seal(_) => return Err(gone()),
        Plan::Merge(blocks) => {
            for block in blocks {
                let number = block.header.number() as i64;
                if set_state(transaction, number, block_state::LIVE, block_state::DEAD)? != 1 {
                    return Err(gone());
                }
            }
        }
    }
    let header = params![number as i64, header];
    transaction.execute("UPDATE block SET header = ?2 WHERE number = ?1", header).at(tried)?;
    if set_state(transaction, number as i64, block_state::BUILDING, block_state::LIVE)? != 1 {
        return Err(gone());
    }
    meta.generation += 1;
    meta.write(transaction).at(tried)?;
    Ok(block.events())
}

fn set_state(transaction: &Transaction<'_>, number: i64, from: i64, to: i64) -> Result<usize> {
    transaction
        .execute("UPDATE block SET state = ?3 WHERE number = ?1 AND state = ?2", [number, from, to])
        .at("put a sealed block in its place")
}

/// The numbers of the first and last event of what a block is made from.
fn range_of(plan: &Plan) -> (u64, u64) {
    let place = |batch: &EventBatch, row: usize| batch.event(row).position().map_or(0, crate::error::number);
    match plan {
        Plan::Seal(batches) => {
            let ends = batches.first().zip(batches.last());
            ends.map_or((0, 0), |(first, last)| (place(first, 0), place(last, last.len() - 1)))
        }
        Plan::Merge(blocks) => {
            blocks.first().zip(blocks.last()).map_or((0, 0), |(first, last)| (first.first, last.last))
        }
    }
}

/// Takes out, in short steps, what is no part of the log any more.
pub(crate) fn sweep(shared: &Shared, connection: &Connection) -> Result<()> {
    let tried = "take out what was sealed";
    let fresh = "DELETE FROM fresh WHERE first IN (SELECT first FROM fresh WHERE first <= ?1 LIMIT ?2)";
    loop {
        let dropped = write(shared, connection, |transaction| {
            let sealed_to = Meta::read(transaction)?.sealed_to;
            transaction.execute(fresh, [sealed_to as i64, STEP_PARTS as i64]).at(tried)
        })?;
        if dropped < STEP_PARTS || shared.merging.is_closed() {
            break;
        }
    }
    while !shared.merging.is_closed() {
        let dead = "SELECT number FROM block WHERE state = ?1 LIMIT 1";
        let number: Option<i64> =
            connection.query_row(dead, [block_state::DEAD], |row| row.get(0)).optional().at(tried)?;
        let Some(number) = number else { break };
        write(shared, connection, |transaction| {
            if drop_some_parts(transaction, number as u64, STEP_PARTS)? {
                let gone = "DELETE FROM block WHERE number = ?1 AND state = ?2";
                transaction.execute(gone, [number, block_state::DEAD]).at(tried)?;
            }
            Ok(())
        })?;
    }
    Ok(())
}

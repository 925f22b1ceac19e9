//! One commit for all appends that wait: judged one after the other, written together, answered apart.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use rusqlite::{Connection, params};
use wayfold_block::{Page, write_fresh};
use wayfold_core::{EventBatch, Timestamp};
use wayfold_store::{AppendOutcome, Checkpoint, CheckpointName, Error, Result, Written};

use crate::archive::Archive;
use crate::error::{At, position, unavailable};
use crate::judge::{Accepted, Append, Draft, Judged, Standing, Verdict};
use crate::keys::Keys;
use crate::record::{Meta, put_checkpoint};
use crate::reply::Promise;
use crate::state::SharedState;
use crate::store::Shared;
use crate::tail::Fresh;
use crate::turn;

/// A fresh block has no more bytes in the file unless it holds one event alone.
const BLOCK_BYTES_MAX: usize = 64 << 20;
/// Appends are brought together in one block up to so many bytes, counted as limits count.
const PACK_BYTES_MAX: usize = 32 << 20;

/// What waits for the writer.
#[derive(Debug)]
pub(crate) enum Job {
    Append(Box<Append>, Promise<Judged>),
    Put(CheckpointName, Checkpoint, Promise<()>),
}

impl Job {
    /// How many events and bytes it brings.
    pub(crate) fn weight(&self) -> (usize, usize) {
        match self {
            Self::Append(append, _) => (append.batch.len(), append.bytes),
            Self::Put(_, checkpoint, _) => (0, checkpoint.bytes.len()),
        }
    }

    pub(crate) fn refuse(self, error: Error) {
        match self {
            Self::Append(_, promise) => promise.keep(Err(error)),
            Self::Put(_, _, promise) => promise.keep(Err(error)),
        }
    }
}

/// How far a group came; it tells what a failure leaves behind.
#[derive(Debug, Default)]
struct Attempt {
    /// One for each append, in their order, once all are judged.
    verdicts: Vec<Verdict>,
    /// Says whether the commit was tried, so that its outcome may be unknown.
    is_committing: bool,
}

/// Commits a group and answers everybody in it; gives the new record of the log if it changed.
pub(crate) fn commit(connection: &Connection, shared: &Shared, mut jobs: Vec<Job>) -> Option<Meta> {
    let mut attempt = Attempt::default();
    let tried = AssertUnwindSafe(|| try_commit(connection, shared, &mut jobs, &mut attempt));
    let tried = {
        // Nothing is held any more when others are woken.
        let _turn = shared.write_turn();
        catch_unwind(tried)
    };
    if attempt.is_committing && !matches!(tried, Ok(Ok(_))) || tried.is_err() {
        // The file decides what stands.
        shared.state.forget();
    }
    let failure = match tried {
        Ok(Ok(changed)) => {
            answer(jobs, attempt, None);
            return changed;
        }
        Ok(Err(error)) => error,
        Err(panic) => unavailable(format_args!("append: the writer failed ({})", text(&*panic))),
    };
    answer(jobs, attempt, Some(&failure));
    None
}

fn text(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("a panic without words")
}

fn try_commit(
    connection: &Connection,
    shared: &Shared,
    jobs: &mut [Job],
    attempt: &mut Attempt,
) -> Result<Option<Meta>> {
    shared.readers.check_file()?;
    if !connection.is_autocommit() {
        connection.execute_batch("ROLLBACK").at("end the transaction before")?;
    }
    // It keeps other processes from writing until the commit.
    let transaction = turn::begin(connection, &shared.config).at("begin to append")?;
    let before = shared.state.read_meta(&transaction)?;
    let now = now(&before, jobs);
    let (last, accepted) = judge(&transaction, &shared.state, &before, jobs, attempt)?.finish();
    if connection.is_autocommit() {
        // Who does not need what could not be read would be written statement by statement.
        return Err(unavailable("append: a read failed, and SQLite ended the transaction"));
    }
    let mut is_put = false;
    for job in jobs.iter() {
        if let Job::Put(name, checkpoint, _) = job {
            put_checkpoint(&transaction, name, checkpoint).at("put a checkpoint")?;
            is_put = true;
        }
    }
    let mut meta = before;
    let blocks = write(&transaction, before.head + 1, now, accepted)?;
    if let Some((block, _)) = blocks.last() {
        assert_eq!(block.last(), last, "every accepted event is written");
        meta.head = last;
        meta.recorded_at = Some(now);
        meta.write(&transaction).at("write the record of the log")?;
    }
    if blocks.is_empty() && !is_put {
        transaction.rollback().at("end a group without a change")?;
        return Ok(None);
    }
    attempt.is_committing = true;
    transaction.commit().at("commit")?;
    // What went into a file without a name is acknowledged to nobody.
    shared.readers.check_file()?;
    shared.state.publish(&meta, blocks);
    Ok(Some(meta))
}

/// When the events of a group are recorded: never before those that stand.
fn now(meta: &Meta, jobs: &[Job]) -> Timestamp {
    let nows = jobs.iter().filter_map(|job| match job {
        Job::Append(append, _) => Some(append.now),
        Job::Put(..) => None,
    });
    nows.chain(meta.recorded_at).max().unwrap_or(Timestamp::MIN)
}

fn judge(
    transaction: &Connection,
    shared: &SharedState,
    meta: &Meta,
    jobs: &mut [Job],
    attempt: &mut Attempt,
) -> Result<Draft> {
    let mut appends: Vec<&mut Append> = jobs
        .iter_mut()
        .filter_map(|job| match job {
            Job::Append(append, _) => Some(&mut **append),
            Job::Put(..) => None,
        })
        .collect();
    let mut draft = Draft::new(meta.head, appends.len() > 1);
    if appends.is_empty() {
        return Ok(draft);
    }
    let judged = shared.ask(transaction, meta, |state| {
        let archive = Archive::new(transaction, &state.sealed, shared);
        let standing = Standing { hasher: &shared.hasher, state, archive };
        Ok(draft.judge(&standing, &mut appends))
    })?;
    // Nobody else can have committed since, so the memory is of this very commit.
    attempt.verdicts = judged.ok_or_else(|| unavailable("append: the log changed under its own lock"))?;
    Ok(draft)
}

/// Writes the accepted events as few fresh blocks.
fn write(
    transaction: &Connection,
    first: u64,
    now: Timestamp,
    accepted: Vec<Accepted>,
) -> Result<Vec<(Fresh, Keys)>> {
    let mut blocks = Vec::new();
    let mut next = first;
    for Accepted { batch, keys, .. } in pack(accepted) {
        let positions = (next..).take(batch.len()).map(position).collect();
        let (batch, keys) = (batch.recorded(positions, now), Arc::unwrap_or_clone(keys));
        if batch.len() <= Page::EVENTS_MAX {
            write_block(transaction, &mut next, batch, keys, &mut blocks)?;
            continue;
        }
        for start in (0..batch.len()).step_by(Page::EVENTS_MAX) {
            let rows: Vec<usize> = (start..batch.len().min(start + Page::EVENTS_MAX)).collect();
            let (piece, keys) = (select(&batch, &rows), keys.select(&rows));
            write_block(transaction, &mut next, piece, keys, &mut blocks)?;
        }
    }
    Ok(blocks)
}

/// Brings appends together as long as they fit into one block.
fn pack(accepted: Vec<Accepted>) -> Vec<Accepted> {
    let mut packs: Vec<Vec<Accepted>> = Vec::new();
    let (mut events, mut bytes) = (0, 0);
    for append in accepted {
        events += append.batch.len();
        bytes += append.bytes;
        match packs.last_mut() {
            Some(pack) if events <= Page::EVENTS_MAX && bytes <= PACK_BYTES_MAX => pack.push(append),
            _ => {
                (events, bytes) = (append.batch.len(), append.bytes);
                packs.push(vec![append]);
            }
        }
    }
    packs.into_iter().filter_map(join).collect()
}

fn join(mut pack: Vec<Accepted>) -> Option<Accepted> {
    if pack.len() < 2 {
        return pack.pop();
    }
    let batch = EventBatch::from_views(pack.iter().flat_map(|append| append.batch.iter()));
    let bytes = pack.iter().map(|append| append.bytes).sum();
    let mut keys = Keys::default();
    pack.iter().for_each(|append| keys.extend(&append.keys));
    Some(Accepted { batch, keys: Arc::new(keys), bytes })
}

fn select(batch: &EventBatch, rows: &[usize]) -> EventBatch {
    EventBatch::from_views(rows.iter().map(|row| batch.event(*row)))
}

/// Writes a block, or its halves where it has too many bytes.
fn write_block(
    transaction: &Connection,
    next: &mut u64,
    batch: EventBatch,
    keys: Keys,
    blocks: &mut Vec<(Fresh, Keys)>,
) -> Result<()> {
    let bytes = write_fresh(*next, &batch);
    if bytes.len() > BLOCK_BYTES_MAX && batch.len() > 1 {
        drop(bytes);
        let rows: Vec<usize> = (0..batch.len()).collect();
        let (left, right) = rows.split_at(rows.len() / 2);
        write_block(transaction, next, select(&batch, left), keys.select(left), blocks)?;
        return write_block(transaction, next, select(&batch, right), keys.select(right), blocks);
    }
    let mut statement =
        transaction.prepare_cached("INSERT INTO fresh (first, bytes) VALUES (?1, ?2)").at("write a block")?;
    statement.execute(params![*next as i64, bytes]).at("write a block")?;
    let block = Fresh::new(*next, batch, bytes.len());
    *next = block.last() + 1;
    blocks.push((block, keys));
    Ok(())
}

/// Tells everybody what became of their call.
fn answer(jobs: Vec<Job>, attempt: Attempt, failure: Option<&Error>) {
    let mut verdicts = attempt.verdicts.into_iter();
    for job in jobs {
        match job {
            Job::Append(append, promise) => {
                let outcome = match (verdicts.next(), failure) {
                    (Some(verdict), None) => verdict.outcome,
                    (Some(verdict), Some(_)) if !verdict.rests_on_commit => verdict.outcome,
                    (verdict, Some(failure)) => {
                        let may_stand = verdict.is_some_and(|verdict| may_stand(&verdict.outcome));
                        Err(copy(failure, attempt.is_committing && may_stand))
                    }
                    (None, None) => Err(unavailable("append: the writer gave no verdict")),
                };
                promise.keep(outcome.map(|outcome| Judged::new(outcome, append)));
            }
            Job::Put(_, _, promise) => {
                promise.keep(failure.map_or(Ok(()), |failure| Err(copy(failure, attempt.is_committing))));
            }
        }
    }
}

/// Says whether the events of an append stand if the commit succeeded after all.
fn may_stand(outcome: &Result<AppendOutcome>) -> bool {
    matches!(outcome, Ok(AppendOutcome::Appended { .. } | AppendOutcome::AlreadyTaken { .. }))
}

/// The same error for one more caller.
fn copy(error: &Error, is_unknown: bool) -> Error {
    let mut copy = Error::new(error.kind(), error);
    if let Some(source) = std::error::Error::source(error) {
        copy = copy.with_source(source.to_string());
    }
    let is_unknown = is_unknown || error.written() == Written::Unknown;
    if is_unknown { copy.with_unknown_outcome() } else { copy }
}

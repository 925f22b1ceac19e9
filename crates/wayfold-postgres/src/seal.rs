//! Makes sealed blocks from rows, one handle of a log at a time.
//!
//! Whoever seals holds a lock of its connection. Pages are written in short transactions, as a long one would hold back
//! who follows the log; one more makes the block one of the log. What a sealer leaves that ends amid its work are pages of
//! no block, which the next one takes out.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use deadpool_postgres::{Client, Object};
use metrics::counter;
use tokio_postgres::types::ToSql;
use tracing::{Instrument as _, debug_span, warn};
use wayfold_core::{EventBatch, Position};
use wayfold_store::{Direction, EventFilter, Result};

use crate::block::{Made, Source};
use crate::error::{At, unavailable};
use crate::frontier::Look;
use crate::place::Place;
use crate::read::{self, Columns};
use crate::sealed::{self, Block, Stretch};
use crate::store::Shared;

/// Bytes of pages that one transaction writes, or little more.
const STEP_BYTES: usize = 3 << 19;
/// Bytes of the texts of rows that become one block at most, or little more.
const BLOCK_BYTES_MAX: usize = 64 << 20;
/// So many adjacent blocks that fit into one become one in the background.
const MERGE_BLOCKS: usize = 4;

/// How far the log is to be sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Goal {
    /// As far as is due.
    Due,
    /// All of it, in as few blocks as may be.
    All,
}

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    Done,
    /// Somebody else seals.
    Busy,
}

/// What a role may do with sealed blocks.
#[derive(Debug, Clone, Copy)]
struct Rights {
    read: bool,
    write: bool,
}

/// What a handle knows of sealing.
#[derive(Debug, Default)]
pub(crate) struct Sealing {
    rights: OnceLock<Rights>,
    /// Events that were appended or read as rows since something was sealed.
    backlog: AtomicUsize,
    is_running: AtomicBool,
}

impl Sealing {
    /// Says whether the role may read sealed blocks. Rows tell all, so that nobody has to.
    pub(crate) fn reads(&self) -> bool {
        self.rights.get().is_some_and(|rights| rights.read)
    }

    /// Asks what the role may do, and how much waits to be sealed.
    pub(crate) async fn open(shared: &Arc<Shared>, client: &Client) -> Result<()> {
        let tried = "look at the rights of the role to sealed blocks";
        let row = client.query_one(&shared.sql.seal_rights, &[]).await.at(tried)?;
        let rights = Rights { read: row.get(0), write: row.get(1) };
        let _ = shared.sealing.rights.set(rights);
        if rights.read && rights.write {
            let row = client.query_one(&shared.sql.seal_backlog, &[]).await.at(tried)?;
            note(shared, usize::try_from(row.get::<_, i64>(0)).unwrap_or_default());
        }
        Ok(())
    }
}

/// Notes events that are not sealed as far as is known, and seals in the background if there are enough.
pub(crate) fn note(shared: &Arc<Shared>, events: usize) {
    let (sealing, due) = (&shared.sealing, shared.config.seal_events);
    let may_seal = sealing.rights.get().is_some_and(|rights| rights.read && rights.write);
    if !may_seal || due == 0 || events == 0 {
        return;
    }
    let backlog = sealing.backlog.fetch_add(events, Ordering::Relaxed).saturating_add(events);
    if backlog < due || sealing.is_running.swap(true, Ordering::AcqRel) {
        return;
    }
    sealing.backlog.store(0, Ordering::Relaxed);
    let running = Running(shared.clone());
    tokio::spawn(async move {
        if let Err(error) = seal(&running.0, Goal::Due).await {
            warn!(%error, "sealing failed; folds read rows until it succeeds");
            counter!("wayfold_postgres_seal_failures_total").increment(1);
        }
    });
}

/// Says that nobody seals any more when it ends, however that is.
struct Running(Arc<Shared>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.sealing.is_running.store(false, Ordering::Release);
    }
}

/// Seals the log on the way to a goal, unless somebody else does just now.
pub(crate) async fn seal(shared: &Shared, goal: Goal) -> Result<Step> {
    let mut client = shared.client().await?;
    let locked = client.query_one(&shared.sql.lock_sealing, &[]).await.at("lock sealing")?;
    if !locked.get::<_, bool>(0) {
        return Ok(Step::Busy);
    }
    let span = debug_span!("wayfold.postgres.seal");
    let sealed = work(&mut client, shared, goal).instrument(span).await;
    let unlocked = client.execute(&shared.sql.unlock_sealing, &[]).await.at("end sealing");
    if sealed.is_err() || unlocked.is_err() {
        // The lock ends with the connection.
        drop(Object::take(client));
    }
    sealed.map(|()| Step::Done)
}

async fn work(client: &mut Client, shared: &Shared, goal: Goal) -> Result<()> {
    client.execute(&shared.sql.sweep_pages, &[]).await.at("take out pages of no block")?;
    let mut looked_at = Place::START;
    loop {
        let (after, until) = gap(&sealed::stretches(client, &shared.sql).await?, looked_at);
        match (seal_rows(client, shared, (after, until), goal).await?, until) {
            (Some(to), _) => looked_at = to,
            // There are no rows any more.
            (None, Some(until)) => looked_at = until,
            (None, None) => break,
        }
    }
    while let Some(run) = mergeable(&sealed::stretches(client, &shared.sql).await?, shared, goal) {
        merge(client, shared, &run).await?;
    }
    Ok(())
}

/// The first stretch behind a place that no block copies, and where the next block begins.
fn gap(blocks: &[Stretch], behind: Place) -> (Place, Option<Place>) {
    let mut at = behind;
    for block in blocks.iter().filter(|block| block.to > behind) {
        if block.after > at {
            return (at, Some(block.after));
        }
        at = at.max(block.to);
    }
    (at, None)
}

/// Seals the first rows of a stretch; says up to where, if there were enough.
async fn seal_rows(
    client: &mut Client,
    shared: &Shared,
    (after, until): (Place, Option<Place>),
    goal: Goal,
) -> Result<Option<Place>> {
    let frontier = Look::take(client, &shared.sql).await?.frontier;
    if until.is_none() && goal == Goal::Due {
        let enough = shared.config.seal_events.max(1) as i64;
        let tried = "count the rows that are not sealed";
        let range: [&(dyn ToSql + Sync); 4] = [&after.transaction, &after.number, &frontier, &enough];
        let count = client.query_one(&shared.sql.count_unsealed, &range).await.at(tried)?;
        if count.get::<_, i64>(0) < enough {
            return Ok(None);
        }
    }
    let batches = rows(client, shared, (after, until), frontier).await?;
    let Some(to) = batches.last().map(|batch| batch.event(batch.len() - 1).position()) else {
        return Ok(None);
    };
    let to = Place::from(to.unwrap_or(Position::START));
    put(client, shared, (after, to), Source::Rows(batches), &[]).await.map(|()| Some(to))
}

/// Reads the first rows of a stretch, as many as a block holds.
async fn rows(
    client: &Client,
    shared: &Shared,
    (after, until): (Place, Option<Place>),
    frontier: i64,
) -> Result<Vec<EventBatch>> {
    let config = &shared.config;
    // Numbers grow along the log, and some may be missing.
    let numbered = until.map_or(u64::MAX, |until| until.number.abs_diff(after.number));
    let most = config.compact_events_max.max(1).min(usize::try_from(numbered).unwrap_or(usize::MAX));
    let (columns, mut from) = (Columns::of(&EventFilter::all()), after);
    let (mut batches, mut events, mut bytes) = (Vec::new(), 0, 0);
    while events < most && bytes < BLOCK_BYTES_MAX {
        let stretch = read::Stretch {
            from,
            direction: Direction::Forward,
            frontier,
            rows_max: config.read_events_max.max(1).min(most - events),
            bytes_max: config.read_bytes_max,
        };
        let part = stretch.read(client.into(), &shared.sql, &columns).await?;
        let is_within = |place: Option<Position>| until.is_none_or(|until| place <= Some(until.into()));
        let kept = part.events.iter().take_while(|event| is_within(event.position())).count();
        let batch = match kept == part.events.len() {
            true => part.events,
            false => EventBatch::from_views(part.events.iter().take(kept)),
        };
        events += batch.len();
        bytes += batch.text_bytes();
        batches.extend((kept > 0).then_some(batch));
        match part.last {
            Some(last) if part.is_cut && until.is_none_or(|until| last < until) => from = last,
            _ => break,
        }
    }
    Ok(batches)
}

/// Makes a block of a stretch and puts it in the place of others.
async fn put(
    client: &mut Client,
    shared: &Shared,
    (after, to): (Place, Place),
    source: Source,
    others: &[i64],
) -> Result<()> {
    let tried = "seal rows";
    let sql = &shared.sql;
    let number: i64 = client.query_one(&sql.next_block, &[]).await.at(tried)?.get(0);
    let made = tokio::task::spawn_blocking(move || Made::of(number.unsigned_abs(), source));
    let made = made.await.map_err(|error| unavailable(tried).with_source(error))??;
    let range: [&(dyn ToSql + Sync); 4] = [&after.transaction, &after.number, &to.transaction, &to.number];
    let digest = client.query_one(&sql.rows_digest, &range).await.at(tried)?;
    let (events, digest): (i64, String) = (digest.get(0), digest.get(1));
    let stretch = Stretch { number, after, to, events: events.unsigned_abs() };
    if made.events != stretch.events {
        let events = made.events;
        return Err(
            stretch.corrupt(format_args!("it would hold {events} events, and there are {}", stretch.events))
        );
    }
    let mut first = 0;
    while first < made.pages.len() {
        let past = made.step(first, STEP_BYTES);
        let transaction = begin(client).await?;
        let numbers: Vec<i32> = (first..past).map(|page| page as i32).collect();
        let group = |group: usize| -> Vec<&[u8]> {
            made.pages[first..past].iter().map(|page| page[group].as_slice()).collect()
        };
        transaction
            .execute(&sql.put_pages, &[&number, &numbers, &group(0), &group(1), &group(2)])
            .await
            .at(tried)?;
        transaction.commit().await.at(tried)?;
        first = past;
    }
    let (bytes, transaction) = (made.bytes as i64, begin(client).await?);
    transaction.execute(&sql.drop_blocks, &[&others]).await.at(tried)?;
    let [after, to] = [after, to].map(|place| (place.transaction, place.number));
    transaction
        .execute(
            &sql.put_block,
            &[
                &number,
                &after.0,
                &after.1,
                &to.0,
                &to.1,
                &events,
                &bytes,
                &digest,
                &made.shards,
                &made.header,
            ],
        )
        .await
        .at(tried)?;
    transaction.commit().await.at(tried)?;
    client.execute(&sql.drop_pages, &[&others]).await.at("take out the pages of blocks that became one")?;
    counter!("wayfold_postgres_sealed_blocks_total").increment(1);
    counter!("wayfold_postgres_sealed_events_total").increment(made.events);
    counter!("wayfold_postgres_sealed_bytes_total").increment(made.bytes as u64);
    Ok(())
}

/// Begins a transaction that waits for no disk and no standby: a block that is lost is made anew.
async fn begin(client: &mut Client) -> Result<deadpool_postgres::Transaction<'_>> {
    let transaction = client.transaction().await.at("begin to seal")?;
    transaction.batch_execute("SET LOCAL synchronous_commit = off").await.at("begin to seal")?;
    Ok(transaction)
}

/// The first adjacent blocks that are to become one.
fn mergeable(blocks: &[Stretch], shared: &Shared, goal: Goal) -> Option<Vec<Stretch>> {
    let least = if goal == Goal::All { 2 } else { MERGE_BLOCKS };
    let most = shared.config.compact_events_max as u64;
    (0..blocks.len()).find_map(|start| {
        let mut run = vec![blocks[start]];
        let mut events = blocks[start].events;
        for next in &blocks[start + 1..] {
            let is_adjacent = run.last().is_some_and(|last| last.to == next.after);
            events += next.events;
            if !is_adjacent || events > most {
                break;
            }
            run.push(*next);
        }
        (run.len() >= least).then_some(run)
    })
}

/// Makes one block of adjacent ones.
async fn merge(client: &mut Client, shared: &Shared, run: &[Stretch]) -> Result<()> {
    let (first, last) = (run[0], run[run.len() - 1]);
    let mut blocks = sealed::blocks_after(client, &shared.sql, first.after).await?;
    blocks.truncate(run.len());
    if !blocks.iter().map(|block| block.stretch).eq(run.iter().copied()) {
        return Err(unavailable("make one block of several: they have changed"));
    }
    let ranges: Vec<_> = blocks.iter().map(Block::whole).collect();
    if !sealed::read_pages(client, &shared.sql, &mut blocks, &ranges).await? {
        return Err(unavailable("make one block of several: one is gone"));
    }
    let numbers: Vec<i64> = run.iter().map(|block| block.number).collect();
    put(client, shared, (first.after, last.to), Source::Blocks(blocks), &numbers).await
}

//! Which events are sealed next, and which sealed blocks become one.

use std::sync::Arc;

use wayfold_core::EventBatch;
use wayfold_store::Result;

use crate::config::SqliteConfig;
use crate::sealed::{Block, Manifest};
use crate::tail::{Fresh, Tail};

/// Blocks of fewer events than this times 16 are of the lowest tier; each tier holds 16 times as many.
const TIER_EVENTS: u64 = 2_048;
const TIER_FACTOR: u64 = 16;
/// So many times the events that are sealed at once may wait before appends wait for the sealing.
const BEHIND_FACTOR: usize = 4;

/// Finds out how many bytes a sealed block has in the file.
pub(crate) type BytesOf<'a> = &'a dyn Fn(&Block) -> Result<u64>;

/// A sealed block to be made.
#[derive(Debug)]
pub(crate) enum Plan {
    /// From the oldest fresh blocks.
    Seal(Vec<EventBatch>),
    /// From adjacent sealed blocks.
    Merge(Vec<Arc<Block>>),
}

/// How far the log is to be sealed and merged.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Goal {
    /// As far as is due by now.
    Due,
    /// Up to an event, whatever comes behind it.
    UpTo(u64),
}

/// The events that are sealed next on the way to a goal, if some are missing there.
pub(crate) fn seal(tail: &Tail, config: &SqliteConfig, goal: Goal) -> Option<Plan> {
    let is_missing = match goal {
        Goal::Due => is_due(tail, config),
        Goal::UpTo(number) => tail.start() < number,
    };
    is_missing.then(|| Plan::Seal(oldest(tail, config)))
}

/// The sealed blocks that become one next on the way to a goal, if some are due.
pub(crate) fn merge(
    sealed: &Manifest,
    config: &SqliteConfig,
    goal: Goal,
    bytes_of: BytesOf<'_>,
) -> Result<Option<Plan>> {
    let blocks = match goal {
        Goal::Due => mergeable(&sealed.blocks, config, bytes_of)?,
        Goal::UpTo(number) => {
            let blocks = sealed.between(0, number.saturating_add(1));
            match together(blocks, config, bytes_of)? {
                None => mergeable(blocks, config, bytes_of)?,
                found => found,
            }
        }
    };
    Ok(blocks.map(|blocks| Plan::Merge(blocks.to_vec())))
}

/// The first adjacent blocks that can become one, however large each is.
fn together<'a>(
    blocks: &'a [Arc<Block>],
    config: &SqliteConfig,
    bytes_of: BytesOf<'_>,
) -> Result<Option<&'a [Arc<Block>]>> {
    for start in 0..blocks.len() {
        let count = fitting(&blocks[start..], config.compact_events_max, usize::MAX);
        let count = fitting_bytes(&blocks[start..start + count], config, bytes_of)?;
        if count >= 2 {
            return Ok(Some(&blocks[start..start + count]));
        }
    }
    Ok(None)
}

/// How many of the first blocks, at most so many, have at most so many events together.
fn fitting(blocks: &[Arc<Block>], events_max: usize, count_max: usize) -> usize {
    let mut events = 0;
    let fits = |block: &&Arc<Block>| {
        events += block.header.events();
        events <= events_max as u64
    };
    blocks.iter().take(count_max).take_while(fits).count()
}

/// How many of the first blocks have at most the bytes that one may have. Counting them reads the file.
fn fitting_bytes(blocks: &[Arc<Block>], config: &SqliteConfig, bytes_of: BytesOf<'_>) -> Result<usize> {
    let mut bytes = 0;
    for (fitting, block) in blocks.iter().enumerate() {
        bytes += bytes_of(block)?;
        if bytes > config.merge_bytes_max {
            return Ok(fitting);
        }
    }
    Ok(blocks.len())
}

/// Says whether enough events wait to be sealed.
pub(crate) fn is_due(tail: &Tail, config: &SqliteConfig) -> bool {
    waits(tail, config, 1)
}

/// Says whether so many events wait to be sealed that appends have to wait.
pub(crate) fn is_behind(tail: &Tail, config: &SqliteConfig) -> bool {
    waits(tail, config, BEHIND_FACTOR)
}

/// Says whether so many times as much waits as is sealed at once, by one count or another.
fn waits(tail: &Tail, config: &SqliteConfig, times: usize) -> bool {
    tail.events() / times >= config.seal_events.max(1)
        || tail.fresh_blocks() / times >= config.seal_blocks.max(1)
        || tail.bytes() / times >= config.seal_bytes.max(1)
}

/// The oldest fresh blocks, at least one and not many more than are sealed at once.
fn oldest(tail: &Tail, config: &SqliteConfig) -> Vec<EventBatch> {
    let events_max = config.seal_events.saturating_mul(BEHIND_FACTOR).min(config.merge_events_max);
    let bytes_max = config.seal_bytes.saturating_mul(BEHIND_FACTOR);
    let (mut events, mut bytes) = (0, 0);
    let fits = |block: &&Fresh| {
        events += block.batch.len();
        bytes += block.bytes;
        events == block.batch.len() || (events <= events_max && bytes <= bytes_max)
    };
    tail.blocks(0, u64::MAX).take_while(fits).map(|block| block.batch.clone()).collect()
}

fn tier(block: &Block) -> u32 {
    let mut events = block.header.events() / TIER_EVENTS;
    let mut tier = 0;
    while events >= TIER_FACTOR {
        events /= TIER_FACTOR;
        tier += 1;
    }
    tier
}

/// The first adjacent blocks of one tier that are many enough, or as large together as a block may become.
fn mergeable<'a>(
    blocks: &'a [Arc<Block>],
    config: &SqliteConfig,
    bytes_of: BytesOf<'_>,
) -> Result<Option<&'a [Arc<Block>]>> {
    for run in blocks.chunk_by(|left, right| tier(left) == tier(right)) {
        for start in 0..run.len() {
            let count = mergeable_from(&run[start..], config, bytes_of)?;
            if count >= 2 {
                return Ok(Some(&run[start..start + count]));
            }
        }
    }
    Ok(None)
}

/// How many of the first blocks of a run are to become one; fewer than two for none.
fn mergeable_from(run: &[Arc<Block>], config: &SqliteConfig, bytes_of: BytesOf<'_>) -> Result<usize> {
    let count = fitting(run, config.merge_events_max, config.merge_blocks.max(2));
    let events: u64 = run[..count].iter().map(|block| block.header.events()).sum();
    let is_full = count < run.len() || events == config.merge_events_max as u64;
    if count < 2 || !(count >= config.merge_blocks || is_full) {
        return Ok(0);
    }
    // Only of those that are due by events.
    fitting_bytes(&run[..count], config, bytes_of)
}

//! Which events are sealed next, and which sealed blocks become one.

use std::sync::Arc;

use wayfold_core::EventBatch;

use crate::config::SqliteConfig;
use crate::sealed::{Block, Manifest};
use crate::tail::Tail;

/// Blocks of fewer events than this times 16 are of the lowest tier; each tier holds 16 times as many.
const TIER_EVENTS: u64 = 2_048;
const TIER_FACTOR: u64 = 16;
/// So many times the events that are sealed at once may wait before appends wait for the sealing.
const BEHIND_FACTOR: usize = 4;

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

/// The next block to be made on the way to a goal, if one is missing.
pub(crate) fn plan(tail: &Tail, sealed: &Manifest, config: &SqliteConfig, goal: Goal) -> Option<Plan> {
    let (is_missing, blocks) = match goal {
        Goal::Due => (is_due(tail, config), &sealed.blocks[..]),
        Goal::UpTo(number) => (tail.start() < number, sealed.between(0, number.saturating_add(1))),
    };
    if is_missing {
        return Some(Plan::Seal(oldest(tail, config)));
    }
    mergeable(blocks, config).map(|blocks| Plan::Merge(blocks.to_vec()))
}

/// Says whether enough events wait to be sealed.
pub(crate) fn is_due(tail: &Tail, config: &SqliteConfig) -> bool {
    tail.events() >= config.seal_events.max(1) || tail.fresh_blocks() >= config.seal_blocks.max(1)
}

/// Says whether so many events wait to be sealed that appends have to wait.
pub(crate) fn is_behind(tail: &Tail, config: &SqliteConfig) -> bool {
    tail.events() / BEHIND_FACTOR >= config.seal_events.max(1)
        || tail.fresh_blocks() / BEHIND_FACTOR >= config.seal_blocks.max(1)
}

/// The oldest fresh blocks, at least one and not many more than are sealed at once.
fn oldest(tail: &Tail, config: &SqliteConfig) -> Vec<EventBatch> {
    let most = config.seal_events.saturating_mul(BEHIND_FACTOR).min(config.merge_events_max);
    let mut events = 0;
    let fits = |batch: &EventBatch| {
        events += batch.len();
        events == batch.len() || events <= most
    };
    tail.blocks(0, u64::MAX).map(|block| block.batch.clone()).take_while(fits).collect()
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
fn mergeable<'a>(blocks: &'a [Arc<Block>], config: &SqliteConfig) -> Option<&'a [Arc<Block>]> {
    let most = config.merge_events_max as u64;
    blocks.chunk_by(|left, right| tier(left) == tier(right)).find_map(|run| {
        (0..run.len()).find_map(|start| {
            let rest = &run[start..];
            let mut events = 0;
            let fitting = rest.iter().take_while(|block| {
                events += block.header.events();
                events <= most
            });
            let count = fitting.count().min(config.merge_blocks.max(2));
            let is_full = count < rest.len() || events == most;
            let is_due = count >= 2 && (count >= config.merge_blocks || is_full);
            is_due.then(|| &rest[..count])
        })
    })
}

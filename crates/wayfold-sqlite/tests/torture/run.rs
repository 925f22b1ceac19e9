//! Runs a script over a store.

use pollster::block_on;
use wayfold_core::Position;
use wayfold_sqlite::{SqliteConfig, SqliteStore};
use wayfold_store::{AppendOutcome, EventStore, Result};

use super::panics;
use super::script::{LANES, Script, Step};

/// Seals after every few events and merges every few blocks, so that both go on all the time.
pub(crate) fn sealing() -> SqliteConfig {
    panics::watch();
    let mut config = SqliteConfig::default();
    (config.seal_events, config.seal_blocks) = (60, 24);
    (config.merge_blocks, config.merge_events_max, config.compact_events_max) = (3, 900, 0);
    config
}

/// Hears of each step before it begins and once it is acknowledged.
pub(crate) trait Notes: Sync {
    fn begun(&self, step: usize);
    fn done(&self, step: usize, positions: Vec<Position>);
}

/// Does one step; a refused one has no positions.
pub(crate) fn step(store: &SqliteStore, script: &Script, step: usize) -> Result<Vec<Position>> {
    if let Step::Put { name, checkpoint } = &script.steps[step] {
        block_on(store.put_checkpoint(name.clone(), checkpoint.clone()))?;
        return Ok(Vec::new());
    }
    loop {
        let head = block_on(store.head())?;
        match block_on(store.append(script.batch(step), script.condition(step, head)))? {
            AppendOutcome::Appended { positions, .. } | AppendOutcome::AlreadyTaken { positions } => {
                assert!(!script.is_impossible(step), "step {step} is forbidden by its condition");
                return Ok(positions);
            }
            AppendOutcome::Conflict { .. } if script.is_impossible(step) => return Ok(Vec::new()),
            // Another lane has appended for the customer meanwhile.
            AppendOutcome::Conflict { .. } => {}
        }
    }
}

/// Where each lane begins.
pub(crate) const START: [usize; LANES] = [0, 1, 2];

/// Does the steps below one, each lane from its own start, the lanes side by side, so that they share commits.
pub(crate) fn lanes(
    store: &SqliteStore,
    script: &Script,
    mut from: [usize; LANES],
    until: usize,
    notes: &impl Notes,
) -> Result<()> {
    let until = until.min(script.steps.len());
    let one = |number: usize| -> Result<()> {
        notes.begun(number);
        notes.done(number, step(store, script, number)?);
        Ok(())
    };
    if from[0] == 0 {
        // The first one goes ahead, because conditions name it.
        one(0)?;
        from[0] = LANES;
    }
    std::thread::scope(|scope| {
        let lane = |from: usize| move || (from..until).step_by(LANES).try_for_each(one);
        let lanes = from.map(|from| scope.spawn(lane(from)));
        lanes.into_iter().try_for_each(|lane| lane.join().unwrap())
    })
}

/// Where the lanes go on once the steps below one are done.
pub(crate) fn after(until: usize) -> [usize; LANES] {
    START.map(|lane| (until - lane).div_ceil(LANES) * LANES + lane)
}

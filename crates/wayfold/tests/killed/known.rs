//! What is known of a file: what processes have said of it, and so what the next one has to find.

use std::collections::{BTreeSet, HashSet};

use wayfold::{EventBatch, EventId, JourneyEvent, NoticeId, Opened, Position};
use wayfold_testkit::Random;

use crate::history::Rulebook;
use crate::line::{Line, Phase, Point};

/// States that stand in the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stored {
    rulebook: Rulebook,
    position: Position,
}

/// Notices that hold, for whoever hears those under some rules.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Heard {
    pub(crate) holding: BTreeSet<NoticeId>,
    /// Notices that had been told before.
    pub(crate) again: usize,
}

impl Heard {
    pub(crate) fn hear(&mut self, told: impl IntoIterator<Item = (NoticeId, bool)>) {
        for (notice, holds) in told {
            let is_new = if holds { self.holding.insert(notice) } else { self.holding.remove(&notice) };
            self.again += usize::from(!is_new);
        }
    }
}

/// What became of a step amid which a process was killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    Left,
    Done,
}

#[derive(Debug)]
pub(crate) struct Known {
    /// Batches that a process began to append, and that were acknowledged.
    pub(crate) begun: usize,
    pub(crate) done: usize,
    /// What may stand as the snapshot, and as a rebuild that was kept: several while a process was killed amid a step.
    snapshot: Vec<Option<Stored>>,
    kept: Vec<Option<Stored>>,
    /// Where the events stood when the file was last looked at.
    log: Vec<Position>,
    /// The rules of the last process, those to which it rebuilds, and those whose notices it hears.
    live: Rulebook,
    target: Rulebook,
    listens: Rulebook,
    heard: [Heard; 2],
    phase: Option<Phase>,
}

impl Known {
    pub(crate) fn new() -> Self {
        Self {
            begun: 0,
            done: 0,
            snapshot: vec![None],
            kept: vec![None],
            log: Vec::new(),
            live: Rulebook::Usual,
            target: Rulebook::Usual,
            listens: Rulebook::Usual,
            heard: [Heard::default(), Heard::default()],
            phase: None,
        }
    }

    /// The phase amid which the last process ended.
    pub(crate) fn phase(&self) -> Option<Phase> {
        self.phase
    }

    pub(crate) fn heard(&self, rulebook: Rulebook) -> &Heard {
        &self.heard[rulebook as usize]
    }

    /// The rules of an engine that is opened next: often those under which the last rebuild was begun.
    pub(crate) fn opener(&self, random: &mut Random) -> Rulebook {
        if random.percent(50) { self.target.other() } else { *random.pick(&Rulebook::ALL) }
    }

    /// A process starts.
    pub(crate) fn start(&mut self, rulebook: Rulebook) {
        (self.live, self.listens, self.phase) = (rulebook, rulebook, None);
    }

    /// Takes in what a process says.
    pub(crate) fn hear(&mut self, line: Line) {
        if let Some(phase) = line.begins() {
            self.phase = Some(phase);
        } else if line.ends() {
            self.phase = None;
        }
        let stored = |rulebook, position| Some(Stored { rulebook, position });
        match line {
            Line::Opened { snapshot, dropped, folded } => {
                self.opened(&Opened { snapshot, dropped, folded }, self.live);
            }
            Line::Appending(batch) => self.begun = self.begun.max(batch + 1),
            Line::Appended(batch) => self.done = batch + 1,
            Line::Snapshotting(position) => self.snapshot.push(stored(self.live, position)),
            Line::Rebuilding(target) => self.target = target,
            Line::Resumed(point) => {
                self.resumed(point, self.target);
            }
            Line::Keeping(point) => self.kept.push(stored(self.target, point.position)),
            Line::Swapping(position) => {
                self.snapshot.push(stored(self.target, position));
                self.kept.push(None);
            }
            Line::Snapshotted => settle(&mut self.snapshot),
            Line::Kept => settle(&mut self.kept),
            Line::Swapped => {
                settle(&mut self.snapshot);
                settle(&mut self.kept);
                self.live = self.target;
            }
            Line::Told(told) => self.heard[self.listens as usize].hear(told),
            Line::Rebuilt => {}
        }
    }

    /// Holds what an engine found when it was opened to what may stand in its store.
    pub(crate) fn opened(&mut self, opened: &Opened, rulebook: Rulebook) -> Option<Step> {
        let log = &self.log;
        narrow(&mut self.snapshot, |stored| *opened == self::opened(stored, rulebook, log))
            .unwrap_or_else(|known| panic!("{opened:?} under {rulebook:?}; there may be {known:?}"))
    }

    /// Holds where a rebuild begins to what may have been kept of it.
    pub(crate) fn resumed(&mut self, point: Point, target: Rulebook) -> Option<Step> {
        let begins = |stored: Option<Stored>| {
            let from = stored.filter(|stored| stored.rulebook == target);
            point.position == from.map_or(Position::START, |stored| stored.position)
        };
        narrow(&mut self.kept, begins)
            .unwrap_or_else(|known| panic!("resumed at {point:?} for {target:?}; there may be {known:?}"))
    }

    /// Holds the log to what was appended: every acknowledged event, once, and a batch whole or not at all.
    pub(crate) fn read(&mut self, log: &[EventBatch], batches: &[Vec<JourneyEvent>]) {
        let positions = log.iter().flat_map(|batch| batch.iter().map(|event| event.position().unwrap()));
        let before = std::mem::replace(&mut self.log, positions.collect());
        assert!(self.log.starts_with(&before), "what stood does not stand");
        assert!(self.log.is_sorted_by(|a, b| a < b), "positions ascend");
        let ids: Vec<EventId> = log.iter().flat_map(|batch| batch.iter().map(|event| event.id())).collect();
        let found: HashSet<EventId> = ids.iter().copied().collect();
        assert_eq!(found.len(), ids.len(), "an event stands twice");
        let of = |count: usize| -> HashSet<EventId> {
            batches[..count].iter().flatten().map(|event| event.id).collect()
        };
        assert!(found == of(self.done) || found == of(self.begun), "the log is not what was appended");
    }

    /// How many events stand up to a position.
    pub(crate) fn events_to(&self, position: Position) -> u64 {
        self.log.partition_point(|stands| *stands <= position) as u64
    }
}

/// The last one is acknowledged.
fn settle(stored: &mut Vec<Option<Stored>>) {
    stored.drain(..stored.len() - 1);
}

/// Leaves what fits, and says what became of a step that was in doubt; gives back what there was if nothing fits.
fn narrow(
    stored: &mut Vec<Option<Stored>>,
    fits: impl Fn(Option<Stored>) -> bool,
) -> Result<Option<Step>, Vec<Option<Stored>>> {
    let known = stored.clone();
    stored.retain(|stored| fits(*stored));
    let Some(first) = stored.first() else { return Err(known) };
    let is_settled = stored.len() < known.len();
    Ok(is_settled.then_some(if *first == known[0] { Step::Left } else { Step::Done }))
}

/// What an engine says that finds a snapshot.
fn opened(stored: Option<Stored>, rulebook: Rulebook, log: &[Position]) -> Opened {
    let all = Opened { folded: log.len() as u64, ..Opened::default() };
    let Some(stored) = stored else { return all };
    if stored.rulebook != rulebook {
        let [there, here] = [stored.rulebook, rulebook].map(|of| of.rules().lifecycle.churned_after_days);
        let why = format!("rule lifecycle.churned_after_days is {there} there and {here} here");
        return Opened { dropped: Some(why), ..all };
    }
    let folded = log.iter().filter(|position| **position > stored.position).count() as u64;
    Opened { snapshot: Some(stored.position), dropped: None, folded }
}

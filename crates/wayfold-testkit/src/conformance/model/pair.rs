//! A store and its model, and the same operation on both.

use std::fmt::Debug;
use std::sync::Arc;

use wayfold_core::{JourneyEvent, Position};
use wayfold_store::{
    AppendCondition, AppendOutcome, Capabilities, Direction, ErrorKind, EventFilter, ReadQuery, Result,
    Written,
};

use super::operation::{Operation, Place};
use crate::conformance::bench::{MemoryBench, StoreBench};
use crate::conformance::events::at;
use crate::conformance::trial::{Caller, Trial, batch};

/// The store under test, the model, and where each event stands in both.
pub(crate) struct Pair {
    store: Side,
    model: Side,
    capabilities: Capabilities,
}

struct Side {
    trial: Trial,
    /// Positions in the order of the log.
    places: Vec<Position>,
}

/// An outcome with ranks for positions.
#[derive(Debug, PartialEq, Eq)]
enum Ranked {
    Appended { ranks: Vec<Rank>, new: usize },
    AlreadyTaken { ranks: Vec<Rank> },
    Conflict { rank: Rank },
    Failed { kind: ErrorKind, written: Written, retryable: bool },
}

/// Which event of the log a position names.
#[derive(Debug, PartialEq, Eq)]
enum Rank {
    Start,
    End,
    Event(usize),
}

impl Pair {
    pub(crate) fn open(bench: &Arc<dyn StoreBench>) -> Self {
        let memory: Arc<dyn StoreBench> = Arc::new(MemoryBench);
        let side = |bench| Side { trial: Trial::new(bench), places: Vec::new() };
        let (store, model) = (side(bench), side(&memory));
        let capabilities = store.trial.store().capabilities();
        Self { store, model, capabilities }
    }

    /// Does the same to both, and panics where they answer differently.
    pub(crate) fn apply(&mut self, operation: &Operation) {
        match operation {
            Operation::Append { events, condition } => {
                let append = |side: &mut Side| side.append(events, condition.as_ref());
                self.compare("append", append);
            }
            Operation::Read { filter, direction, from, limit } => {
                let query = ReadQuery { filter: filter.clone(), direction: *direction };
                self.compare("read", |side| side.read(&query, *from, *limit));
                self.compare("read of everything", Side::everything);
            }
            Operation::Head => self.compare("head", |side| side.rank(side.caller().head())),
            Operation::PollPast { place } => self.compare("wait past", |side| side.poll_past(*place)),
            Operation::PutCheckpoint { name, place, bytes } => self.compare("put checkpoint", |side| {
                side.caller().put_checkpoint(name, side.position(*place), bytes);
            }),
            Operation::Checkpoint { name } => self.compare("checkpoint", |side| {
                let found = side.caller().checkpoint(name)?;
                Some((side.rank(found.position), found.bytes))
            }),
            Operation::SetClock { seconds } => {
                self.compare("clock", |side| side.trial.clock.set(at(*seconds)));
            }
            Operation::Upkeep => self.store.caller().upkeep(),
            Operation::Reopen if self.capabilities.durable => self.store.trial.reopen(),
            Operation::Reopen => {}
        }
    }

    #[track_caller]
    fn compare<T: Debug + PartialEq>(&mut self, what: &str, operation: impl Fn(&mut Side) -> T) {
        let (found, expected) = (operation(&mut self.store), operation(&mut self.model));
        assert!(found == expected, "{what}: the store says {found:?}, the model {expected:?}");
    }
}

impl Side {
    fn caller(&self) -> Caller {
        self.trial.caller()
    }

    fn append(&mut self, events: &[JourneyEvent], condition: Option<&(EventFilter, Place)>) -> Ranked {
        let condition = condition
            .map(|(filter, after)| AppendCondition { filter: filter.clone(), after: self.position(*after) });
        match self.caller().try_batch(batch(events), condition) {
            Ok(AppendOutcome::Appended { positions, new }) => {
                self.take_in(&positions);
                Ranked::Appended { ranks: self.ranks(&positions), new }
            }
            Ok(AppendOutcome::AlreadyTaken { positions }) => {
                Ranked::AlreadyTaken { ranks: self.ranks(&positions) }
            }
            Ok(AppendOutcome::Conflict { position }) => Ranked::Conflict { rank: self.rank(position) },
            Err(error) => {
                let (kind, written) = (error.kind(), error.written());
                Ranked::Failed { kind, written, retryable: error.is_retryable() }
            }
        }
    }

    /// Notes the positions that are new; they stand beyond those that are known.
    fn take_in(&mut self, positions: &[Position]) {
        for position in positions {
            if self.places.last().is_none_or(|last| last < position) {
                self.places.push(*position);
            }
        }
    }

    /// Every event of a read with its rank and recording time.
    fn read(&self, query: &ReadQuery, from: Place, limit: usize) -> Vec<(Rank, JourneyEvent)> {
        let events = self.caller().read(query, self.position(from), limit);
        let ranked = |mut event: JourneyEvent| {
            let position = event.position.take().expect("a store gives positions");
            (self.rank(position), event)
        };
        events.into_iter().map(ranked).collect()
    }

    fn everything(&mut self) -> Vec<(Rank, JourneyEvent)> {
        let query = ReadQuery { filter: EventFilter::all(), direction: Direction::Forward };
        self.read(&query, Place::Start, 100)
    }

    /// Whether a wait is over, and where.
    fn poll_past(&self, place: Place) -> Option<Rank> {
        let (caller, past) = (self.caller(), self.position(place));
        let store = caller.store();
        let head: Option<Result<Position>> = caller.poll_once(&mut store.wait_past(past));
        head.map(|head| self.rank(head.unwrap_or_else(|error| panic!("a wait failed: {error}"))))
    }

    fn position(&self, place: Place) -> Position {
        let count = self.places.len() as u64;
        match place {
            Place::Start => Position::START,
            Place::End => Position::END,
            Place::Event(_) | Place::Last(_) if count == 0 => Position::START,
            Place::Event(number) => self.places[(number % count) as usize],
            Place::Last(number) => self.places[(count - 1 - number % count) as usize],
        }
    }

    fn ranks(&self, positions: &[Position]) -> Vec<Rank> {
        positions.iter().map(|position| self.rank(*position)).collect()
    }

    fn rank(&self, position: Position) -> Rank {
        match position {
            Position::START => Rank::Start,
            Position::END => Rank::End,
            _ => {
                let place = self.places.binary_search(&position);
                Rank::Event(place.unwrap_or_else(|_| panic!("position {position} was never given")))
            }
        }
    }
}

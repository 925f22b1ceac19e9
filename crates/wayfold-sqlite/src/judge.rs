//! What becomes of each append of a group: ids first, then the condition, as if they came one after the other.

use std::collections::HashSet;

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;
use wayfold_core::{EventBatch, EventView, Limits, Timestamp};
use wayfold_store::{AppendCondition, AppendOutcome, Error, Result, admit_instant, is_same_event};

use crate::archive::Archive;
use crate::error::position;
use crate::keys::{Hasher, Keys};
use crate::state::State;
use crate::tail::{Fresh, Tail};

/// An append as its caller prepared it.
#[derive(Debug)]
pub(crate) struct Append {
    pub(crate) batch: EventBatch,
    pub(crate) keys: Keys,
    /// What the batch holds, as limits count it.
    pub(crate) bytes: usize,
    pub(crate) condition: Option<AppendCondition>,
    pub(crate) limits: Limits,
    pub(crate) now: Timestamp,
}

/// What is said of an append, if the commit of its group succeeds.
#[derive(Debug)]
pub(crate) struct Verdict {
    pub(crate) outcome: Result<AppendOutcome>,
    /// Says whether it rests on events that only that commit makes stand.
    pub(crate) rests_on_commit: bool,
}

/// New events of an append with their numbers, as they are to be written.
#[derive(Debug)]
pub(crate) struct Accepted {
    pub(crate) batch: EventBatch,
    pub(crate) keys: Keys,
    pub(crate) bytes: usize,
}

/// The appends of a group that were accepted so far.
#[derive(Debug)]
pub(crate) struct Draft {
    /// The number of the last event that stands.
    head: u64,
    recorded_at: Timestamp,
    /// Events accepted earlier in the group, for whoever comes later in it.
    tail: Tail,
    /// Says whether anybody comes later.
    is_shared: bool,
    last: u64,
    pub(crate) accepted: Vec<Accepted>,
}

/// Why an append is refused, and by which event if by one.
struct Refusal {
    error: Error,
    at: Option<u64>,
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self { error, at: None }
    }
}

/// Where the events of a batch stand or will stand, and which rows are new.
struct Numbers {
    numbers: Vec<u64>,
    new: Vec<usize>,
}

impl Draft {
    pub(crate) fn new(head: u64, recorded_at: Timestamp, is_shared: bool) -> Self {
        Self { head, recorded_at, tail: Tail::after(head), is_shared, last: head, accepted: Vec::new() }
    }

    /// The number of the last accepted event.
    pub(crate) fn last(&self) -> u64 {
        self.last
    }

    /// Judges an append and takes its new events in, if it may write them.
    pub(crate) fn judge(&mut self, standing: &Standing<'_>, append: &mut Append) -> Verdict {
        match self.outcome(standing, append) {
            Ok(verdict) => verdict,
            Err(Refusal { error, at }) => {
                Verdict { outcome: Err(error), rests_on_commit: at.is_some_and(|number| number > self.head) }
            }
        }
    }

    fn outcome(
        &mut self,
        standing: &Standing<'_>,
        append: &mut Append,
    ) -> std::result::Result<Verdict, Refusal> {
        let Numbers { numbers, new } = self.numbers(standing, append)?;
        let admitted = new
            .iter()
            .try_for_each(|row| admit_instant(&append.batch.event(*row), &append.limits, append.now));
        admitted?;
        let positions = || numbers.iter().map(|number| position(*number)).collect();
        if new.is_empty() && !append.batch.is_empty() {
            let rests_on_commit = numbers.iter().any(|number| *number > self.head);
            let outcome = AppendOutcome::AlreadyTaken { positions: positions() };
            return Ok(Verdict { outcome: Ok(outcome), rests_on_commit });
        }
        if let Some(condition) = &append.condition {
            let conflict = self.conflict(standing, condition, &numbers)?;
            if let Some(number) = conflict {
                let outcome = AppendOutcome::Conflict { position: position(number) };
                return Ok(Verdict { outcome: Ok(outcome), rests_on_commit: number > self.head });
            }
        }
        let outcome = AppendOutcome::Appended { positions: positions(), new: new.len() };
        let rests_on_commit = !new.is_empty();
        self.accept(append, &new);
        Ok(Verdict { outcome: Ok(outcome), rests_on_commit })
    }

    /// The number of each event, given or to be given, and the rows that are new.
    fn numbers(&self, standing: &Standing<'_>, append: &Append) -> std::result::Result<Numbers, Refusal> {
        let Append { batch, keys, .. } = append;
        let mut found = Numbers { numbers: Vec::with_capacity(batch.len()), new: Vec::new() };
        let mut own = HashTable::with_capacity(batch.len());
        let name = |event: &EventView<'_>| (event.customer_texts().0.to_owned(), event.id());
        for (row, event) in batch.iter().enumerate() {
            let key = keys.ids[row];
            if let Some((number, batch, row)) = self.find(standing, key, &event)? {
                if !is_same_event(&batch.event(row), &event, standing.archive.upcasters())? {
                    let error = Error::id_reused(event.id(), Some(position(number)));
                    return Err(Refusal { error, at: Some(number) });
                }
                found.numbers.push(number);
                continue;
            }
            let next = self.last + 1 + found.new.len() as u64;
            let is_same = |(first, _): &(usize, u64)| {
                keys.ids[*first] == key && name(&batch.event(*first)) == name(&event)
            };
            match own.entry(key, is_same, |(first, _)| keys.ids[*first]) {
                Entry::Occupied(first) => {
                    let (first, number) = *first.get();
                    if !batch.event(first).same_content(&event) {
                        return Err(Error::id_reused(event.id(), None).into());
                    }
                    found.numbers.push(number);
                }
                Entry::Vacant(free) => {
                    free.insert((row, next));
                    found.new.push(row);
                    found.numbers.push(next);
                }
            }
        }
        Ok(found)
    }

    /// The event with the tenant and id of another one: its number, batch and row.
    fn find(
        &self,
        standing: &Standing<'_>,
        key: u64,
        event: &EventView<'_>,
    ) -> Result<Option<(u64, EventBatch, usize)>> {
        for tail in [&standing.state.tail, &self.tail] {
            if let Some(number) = tail.find(key, event) {
                let block = tail.block(number);
                return Ok(Some((number, block.batch.clone(), (number - block.first) as usize)));
            }
        }
        standing.archive.find(event)
    }

    /// The first event that a condition forbids, leaving the append's own aside.
    fn conflict(
        &self,
        standing: &Standing<'_>,
        condition: &AppendCondition,
        numbers: &[u64],
    ) -> Result<Option<u64>> {
        let own: HashSet<u64> = numbers.iter().copied().filter(|number| *number <= self.last).collect();
        let after = crate::error::number(condition.after);
        let is_own = |number| own.contains(&number);
        if let Some(number) = standing.archive.first_match(&condition.filter, after, is_own)? {
            return Ok(Some(number));
        }
        let filter = (&condition.filter, standing.archive.upcasters());
        let first = |tail: &Tail| tail.first_match(standing.hasher, filter, after, is_own);
        let found = first(&standing.state.tail)?;
        if found.is_some() { Ok(found) } else { first(&self.tail) }
    }

    fn accept(&mut self, append: &mut Append, new: &[usize]) {
        if new.is_empty() {
            return;
        }
        // Whoever holds the only copy of a batch can write positions into it without copying its columns.
        let batch = std::mem::replace(&mut append.batch, EventBatch::empty());
        let keys = std::mem::take(&mut append.keys);
        let (batch, keys, bytes) = match new.len() == batch.len() {
            true => (batch, keys, append.bytes),
            false => {
                let some = EventBatch::from_views(new.iter().map(|row| batch.event(*row)));
                (some, keys.select(new), append.bytes)
            }
        };
        let first = self.last + 1;
        self.last += new.len() as u64;
        let batch = batch.recorded((first..=self.last).map(position).collect(), self.recorded_at);
        if self.is_shared {
            self.tail.push(Fresh::new(first, batch.clone(), 0), &keys);
        }
        self.accepted.push(Accepted { batch, keys, bytes });
    }
}

/// What stands already, as the transaction of the group sees it.
pub(crate) struct Standing<'a> {
    pub(crate) hasher: &'a Hasher,
    pub(crate) state: &'a State,
    pub(crate) archive: Archive<'a>,
}

//! What becomes of each append of a group: ids first, then the condition, as if they came one after the other.

use std::collections::HashSet;
use std::sync::Arc;

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;
use wayfold_block::Lookup;
use wayfold_core::{EventBatch, EventView, Limits, Timestamp};
use wayfold_store::{AppendCondition, AppendOutcome, Error, Result, admit_instant, is_same_event};

use crate::archive::{Archive, lookups};
use crate::error::position;
use crate::keys::{Hasher, Keys};
use crate::state::State;
use crate::tail::{Fresh, Tail};

/// So few events are copied into the block of their group. Their batch stays with the append, which goes back to its
/// caller: to let go of memory is cheaper for the thread that got it.
const COPIED_MAX: usize = 2;

/// An append as its caller prepared it.
#[derive(Debug)]
pub(crate) struct Append {
    pub(crate) batch: EventBatch,
    pub(crate) keys: Arc<Keys>,
    /// What the batch holds, as limits count it.
    pub(crate) bytes: usize,
    pub(crate) condition: Option<AppendCondition>,
    pub(crate) limits: Limits,
    pub(crate) now: Timestamp,
}

/// What became of an append that came through, and what its caller had prepared.
#[derive(Debug)]
pub(crate) struct Judged {
    pub(crate) outcome: AppendOutcome,
    _append: Box<Append>,
}

impl Judged {
    pub(crate) fn new(outcome: AppendOutcome, append: Box<Append>) -> Self {
        Self { outcome, _append: append }
    }
}

/// What is said of an append, if the commit of its group succeeds.
#[derive(Debug)]
pub(crate) struct Verdict {
    pub(crate) outcome: Result<AppendOutcome>,
    /// Says whether it rests on events that only that commit makes stand.
    pub(crate) rests_on_commit: bool,
}

/// New events of an append, as they are to be written.
#[derive(Debug)]
pub(crate) struct Accepted {
    pub(crate) batch: EventBatch,
    pub(crate) keys: Arc<Keys>,
    pub(crate) bytes: usize,
}

/// The appends of a group that were accepted so far.
#[derive(Debug)]
pub(crate) struct Draft {
    /// The number of the last event that stands.
    head: u64,
    /// Events accepted earlier in the group, for whoever comes later in it.
    tail: Tail,
    /// Says whether anybody comes later.
    is_shared: bool,
    last: u64,
    accepted: Vec<Accepted>,
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

/// What sealed blocks may hold of an append, by their filters.
#[derive(Clone, Copy)]
struct Held<'a> {
    /// The id of each row.
    ids: &'a [bool],
    /// An event that the condition forbids.
    condition: bool,
}

/// Says, append after append, whether sealed blocks may hold each id, and then what all events have in common that a
/// condition forbids, if there is such a thing.
fn may_be_sealed(archive: &Archive<'_>, appends: &[&mut Append]) -> Vec<bool> {
    if archive.manifest().blocks.is_empty() {
        let lookups = appends.iter().map(|append| append.batch.len() + usize::from(common(append).is_some()));
        return vec![false; lookups.sum()];
    }
    let mut lookups = Vec::with_capacity(appends.len() * 2);
    for append in appends {
        let id = |event: EventView<'_>| Lookup::id(event.customer_texts().0, event.id());
        lookups.extend(append.batch.iter().map(id));
        lookups.extend(common(append));
    }
    // Filters that cannot be read are told where they are needed, and to whom.
    archive.may_hold(&lookups).unwrap_or_else(|_| vec![true; lookups.len()])
}

/// What all events that an append's condition forbids have in common, if anything.
fn common(append: &Append) -> Option<Lookup> {
    append.condition.as_ref().and_then(|condition| lookups(&condition.filter).next())
}

impl Draft {
    pub(crate) fn new(head: u64, is_shared: bool) -> Self {
        Self { head, tail: Tail::after(head), is_shared, last: head, accepted: Vec::new() }
    }

    /// The number of the last accepted event, and all of them in their order.
    pub(crate) fn finish(self) -> (u64, Vec<Accepted>) {
        (self.last, self.accepted)
    }

    /// Judges appends one after the other and takes their new events in, if they may write them.
    pub(crate) fn judge(&mut self, standing: &Standing<'_>, appends: &mut [&mut Append]) -> Vec<Verdict> {
        let held = may_be_sealed(&standing.archive, appends);
        let mut held = &held[..];
        let judge = |append: &mut &mut Append| {
            let (ids, rest) = held.split_at(append.batch.len());
            let (condition, rest) = rest.split_at(usize::from(common(append).is_some()));
            held = rest;
            self.verdict(standing, append, Held { ids, condition: condition.first() != Some(&false) })
        };
        appends.iter_mut().map(judge).collect()
    }

    fn verdict(&mut self, standing: &Standing<'_>, append: &mut Append, held: Held<'_>) -> Verdict {
        match self.outcome(standing, append, held) {
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
        held: Held<'_>,
    ) -> std::result::Result<Verdict, Refusal> {
        let Numbers { numbers, new } = self.numbers(standing, append, held.ids)?;
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
            let conflict = self.conflict(standing, condition, held.condition, &numbers)?;
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
    fn numbers(
        &self,
        standing: &Standing<'_>,
        append: &Append,
        may_be_sealed: &[bool],
    ) -> std::result::Result<Numbers, Refusal> {
        let Append { batch, keys, .. } = append;
        let mut found = Numbers { numbers: Vec::with_capacity(batch.len()), new: Vec::new() };
        let mut own = HashTable::with_capacity(batch.len());
        let name = |event: &EventView<'_>| (event.customer_texts().0.to_owned(), event.id());
        for (row, event) in batch.iter().enumerate() {
            let key = keys.ids[row];
            if let Some((number, batch, row)) = self.find(standing, key, &event, may_be_sealed[row])? {
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
        may_be_sealed: bool,
    ) -> Result<Option<(u64, EventBatch, usize)>> {
        for tail in [&standing.state.tail, &self.tail] {
            if let Some(number) = tail.find(key, event) {
                let block = tail.block(number);
                return Ok(Some((number, block.batch.clone(), (number - block.first) as usize)));
            }
        }
        if may_be_sealed { standing.archive.find(event) } else { Ok(None) }
    }

    /// The first event that a condition forbids, leaving the append's own aside.
    fn conflict(
        &self,
        standing: &Standing<'_>,
        condition: &AppendCondition,
        may_be_sealed: bool,
        numbers: &[u64],
    ) -> Result<Option<u64>> {
        let own: HashSet<u64> = numbers.iter().copied().filter(|number| *number <= self.last).collect();
        let after = crate::error::number(condition.after);
        let is_own = |number| own.contains(&number);
        if may_be_sealed
            && let Some(number) = standing.archive.first_match(&condition.filter, after, is_own)?
        {
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
        let (batch, keys) = match new.len() == append.batch.len() {
            true if self.is_shared && new.len() <= COPIED_MAX => (append.batch.clone(), append.keys.clone()),
            // Whoever holds the only copy of a batch can write positions into it without copying its columns.
            true => {
                let batch = std::mem::replace(&mut append.batch, EventBatch::empty());
                (batch, std::mem::take(&mut append.keys))
            }
            false => {
                let some = EventBatch::from_views(new.iter().map(|row| append.batch.event(*row)));
                (some, Arc::new(append.keys.select(new)))
            }
        };
        if self.is_shared {
            self.tail.push(Fresh::new(self.last + 1, batch.clone(), 0), &keys);
        }
        self.last += new.len() as u64;
        self.accepted.push(Accepted { batch, keys, bytes: append.bytes });
    }
}

/// What stands already, as the transaction of the group sees it.
pub(crate) struct Standing<'a> {
    pub(crate) hasher: &'a Hasher,
    pub(crate) state: &'a State,
    pub(crate) archive: Archive<'a>,
}

//! A fold that tells what changes: notices, and the withdrawal of those that do not hold any more.

use std::collections::{BTreeSet, HashSet};

use super::{Fold, Refold, Watched};
use crate::batch::{EventBatch, Run};
use crate::error::{Error, ErrorKind, Result};
use crate::key::{CustomerKey, EventId, Position};
use crate::notice::{ChangeAt, Facts, Notice, NoticeId, Told};
use crate::shard::Shard;
use crate::time::Timestamp;

/// What is told of a run takes it for all that has come of its customer.
const IN_ONE_RUN: bool = true;

/// Tells notices as a log grows and time goes on.
///
/// It stands at a position of the log and an instant. A [`step`](Teller::step) to later ones tells the difference
/// between the notices that hold there and those that held before. An event that comes in the customer's order costs
/// what its fold costs and a few views; a late one, a retraction, and one at the instant of the event before need the
/// customer's history.
///
/// ```
/// use wayfold_core::{
///     CustomerKey, EventBatch, EventId, Fold, JourneyEvent, LifecycleStage, Position, ProjectionSet, Registered, Rules,
///     Teller, Timestamp, Told, Transition,
/// };
///
/// let at = Timestamp::parse("2024-01-01")?;
/// let fold = Fold::new(&ProjectionSet::new(Rules::default())?).with_as_of(at);
/// let mut teller = Teller::new(fold, Position::START)?;
/// let event = JourneyEvent::new(EventId::from_u128(7), CustomerKey::new("ada")?, at, Registered {});
/// let batch = EventBatch::from_events([&event])?;
/// assert!(teller.step(&[batch], Position::from_bytes([1; 16]), at)?.is_empty());
///
/// let [Told::Fact(notice)] = &teller.take()[..] else { panic!("one thing changed") };
/// let to = LifecycleStage::Prospect;
/// assert_eq!(notice.transition, Transition::LifecycleStage { from: None, to });
/// assert_eq!(notice.causes, [event.id]);
/// # Ok::<(), wayfold_core::Error>(())
/// ```
#[derive(Debug)]
pub struct Teller {
    fold: Fold,
    told: Place,
    /// Where the step leads that is being taken; as `told` between steps.
    next: Place,
    /// The next instants at which something changes by time alone.
    schedule: BTreeSet<(Timestamp, u32)>,
    /// That instant of each customer; the end of time for none.
    changes_at: Vec<Timestamp>,
    news: Vec<Told>,
}

/// A point of the log and an instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place {
    position: Position,
    as_of: Timestamp,
}

/// What holds from an instant on.
#[derive(Debug, Clone)]
struct Point {
    at: Timestamp,
    /// `None` before the customer's first event.
    facts: Option<Facts>,
    /// The last microsecond up to which memberships of watched segments stay.
    until: Timestamp,
}

impl Teller {
    /// Starts from a fold, whose states count as told, and from the position up to which it is folded.
    ///
    /// # Errors
    /// `NotRefolded` if a customer of the fold waits for a refold.
    pub fn new(mut fold: Fold, position: Position) -> Result<Self> {
        if !fold.stale.is_empty() {
            let message =
                "customers of the fold wait for a refold, so that nobody knows what was told of them";
            return Err(Error::new(ErrorKind::NotRefolded, message));
        }
        // Another event at the instant of the last one changes what held there.
        fold.ties_are_late = true;
        fold.watched = Watched::of(fold.projections())?;
        let told = Place { position, as_of: fold.as_of() };
        let mut teller = Self {
            fold,
            told,
            next: told,
            schedule: BTreeSet::new(),
            changes_at: Vec::new(),
            news: Vec::new(),
        };
        for customer in 0..teller.fold.customers.len() as u32 {
            teller.reschedule(customer);
        }
        Ok(teller)
    }

    /// The fold, up to the end of the last step.
    pub fn fold(&self) -> &Fold {
        &self.fold
    }

    /// The position and the instant up to which everything is told.
    pub fn told(&self) -> (Position, Timestamp) {
        (self.told.position, self.told.as_of)
    }

    /// The next instant at which there is something to tell without a new event; `None` if there is none.
    pub fn next_due(&self) -> Option<Timestamp> {
        let changes = self.schedule.first().map(|(at, _)| *at);
        [changes, self.fold.next_due()].into_iter().flatten().min()
    }

    /// Takes what has been told so far: customers in no particular order, those of one in the order in which they
    /// hold, its withdrawals first.
    pub fn take(&mut self) -> Vec<Told> {
        let news = std::mem::take(&mut self.news);
        if self.fold.watched.failure().is_some() { Vec::new() } else { news }
    }

    /// Who belongs to a [watched](crate::ProjectionSet::watch) segment where everything is told, by the bytes of their keys,
    /// and by which version: of several by the newest.
    ///
    /// # Errors
    /// `InvalidSelection` if no such segment is watched, or its filter cannot be answered of a customer; `NotRefolded` if the
    /// step is not finished.
    pub fn members(&self, segment: &str) -> Result<(u32, Vec<CustomerKey>)> {
        let (number, version) = self.fold.watched.number(segment).ok_or_else(|| {
            let known: Vec<&str> =
                self.fold.projections().watched().iter().map(|watched| watched.segment.as_str()).collect();
            let message = format_args!("no segment {segment:?} is watched; there is: {}", known.join(", "));
            Error::new(ErrorKind::InvalidSelection, message)
        })?;
        let as_of = self.told.as_of;
        let mut members = Vec::new();
        for customer in self.fold.sorted(None) {
            self.fold.check_customer(customer, as_of)?;
            if self.fold.is_member(number, customer, as_of)? {
                members.push(self.fold.key(customer));
            }
        }
        Ok((version, members))
    }

    /// Goes on to a position, with the events up to it, and to an instant.
    ///
    /// Returns the customers whose history is needed: until [`Teller::refold`] was called for each of them, the step
    /// is not finished.
    ///
    /// # Errors
    /// `InvalidTime` if the instant lies before the last one's; `NotRefolded` if the step before is not finished;
    /// `InvalidSelection` if the filter of a watched segment cannot be answered of a customer. Then nothing more is told, as of
    /// where it stood before.
    pub fn step(
        &mut self,
        batches: &[EventBatch],
        position: Position,
        as_of: Timestamp,
    ) -> Result<Vec<Refold>> {
        if !self.fold.stale.is_empty() {
            let message = "the step before is not finished; call refold for the customers that it returned";
            return Err(Error::new(ErrorKind::NotRefolded, message));
        }
        self.fold.answerable_filters()?;
        let mut refolds = self.fold.advance_to(as_of)?;
        self.next = Place { position, as_of };
        let (told, news) = (self.told.as_of, &mut self.news);
        let mut touched = Vec::new();
        let applied = self.fold.apply_with(Shard::ALL, batches, IN_ONE_RUN, &mut |fold, customer, run| {
            tell_run(fold, customer, run, told, news);
            touched.push(customer);
        });
        refolds.extend(applied.refolds);
        for customer in touched {
            self.reschedule(customer);
        }
        self.pass_time();
        self.fold.answerable_filters()?;
        self.finish();
        Ok(refolds)
    }

    /// Folds and tells a customer anew, of whom the step has said that its history is needed.
    ///
    /// The history holds every event of the customer up to the step's position, with positions, and none after it;
    /// other customers' events in it are passed over.
    pub fn refold(&mut self, refold: &Refold, history: &[EventBatch]) {
        let key = &refold.customer;
        let Some(customer) = self.fold.number_of(key) else { return };
        let customer = customer as u32;
        let waits = |teller: &Self| teller.fold.stale.contains_key(&customer);
        if !waits(self) {
            return;
        }
        self.fold.refold(refold, history);
        if waits(self) {
            return;
        }
        let before = self.told.position;
        let known: Vec<EventBatch> = history.iter().map(|batch| known_at(batch, before)).collect();
        let old = self.notices_of(key, &known, self.told.as_of);
        let new = self.notices_of(key, history, self.next.as_of);
        settle(old, new, &mut self.news);
        self.reschedule(customer);
        self.finish();
    }

    /// Every notice of one customer, by its events and up to an instant.
    fn notices_of(&self, key: &CustomerKey, history: &[EventBatch], as_of: Timestamp) -> Vec<Notice> {
        let mut fold = Fold::new(self.fold.projections()).with_as_of(as_of);
        fold.watched = self.fold.watched.clone();
        let mut news = Vec::new();
        let _ = fold.apply_with(Shard::of(key), history, IN_ONE_RUN, &mut |fold, customer, run| {
            if fold.customers.key(customer) == *key {
                tell_run(fold, customer, run, Timestamp::MIN, &mut news);
            }
        });
        news.into_iter().map(|told| told.notice().clone()).collect()
    }

    /// Tells what time alone has changed for those who are not to be refolded.
    fn pass_time(&mut self) {
        let later = self.schedule.split_off(&(self.next.as_of.next(), 0));
        let due = std::mem::replace(&mut self.schedule, later);
        for (_, customer) in due {
            self.changes_at[customer as usize] = Timestamp::MAX;
            if self.fold.stale.contains_key(&customer) {
                continue;
            }
            let mut notices = Vec::new();
            let mut point = self.fold.point(customer, self.told.as_of);
            self.fold.pass_time(customer, &mut point, self.next.as_of, &mut notices);
            self.news.extend(notices.into_iter().map(Told::Fact));
            self.reschedule(customer);
        }
    }

    fn finish(&mut self) {
        if self.fold.stale.is_empty() && self.fold.watched.failure().is_none() {
            self.told = self.next;
        }
    }

    /// Notes when a customer changes next by time alone.
    fn reschedule(&mut self, customer: u32) {
        let index = customer as usize;
        if self.changes_at.len() <= index {
            self.changes_at.resize(self.fold.customers.len(), Timestamp::MAX);
        }
        self.schedule.remove(&(self.changes_at[index], customer));
        let record = &self.fold.records[index];
        let held = match record.events() {
            0 => None,
            _ => self.fold.stays_until(
                index,
                self.fold.as_of(),
                self.fold.memberships(index, self.fold.as_of()).1,
            ),
        };
        self.changes_at[index] = held.map_or(Timestamp::MAX, Timestamp::next);
        if held.is_some() {
            self.schedule.insert((self.changes_at[index], customer));
        }
    }
}

/// Folds a run that follows what is folded, and tells what it changes of what was told up to an instant.
fn tell_run(fold: &mut Fold, customer: u32, run: &Run<'_>, told: Timestamp, news: &mut Vec<Told>) {
    let Some(first) = run.first() else { return };
    let from = first.occurred_at().previous().min(told);
    let mut point = fold.point(customer, from);
    let (mut old, mut new) = (Vec::new(), Vec::new());
    fold.pass_time(customer, &mut point.clone(), told, &mut old);
    let mut rest = *run;
    while let Some(first) = rest.first() {
        let at = first.occurred_at();
        fold.pass_time(customer, &mut point, at.previous(), &mut new);
        let count = rest.iter().take_while(|event| event.occurred_at() == at).count();
        let (now, later) = rest.split_at(count);
        fold.evolve(customer, &now);
        let causes: Vec<EventId> = now.iter().map(|event| event.id()).collect();
        point = fold.note(customer, &point, at, &causes, &mut new);
        rest = later;
    }
    fold.pass_time(customer, &mut point, fold.as_of(), &mut new);
    settle(old, new, news);
}

/// Withdraws what held and does not any more, and tells what did not hold before.
fn settle(old: Vec<Notice>, new: Vec<Notice>, news: &mut Vec<Told>) {
    let ids = |notices: &[Notice]| notices.iter().map(|notice| notice.id).collect::<HashSet<NoticeId>>();
    let (held, holds) = (ids(&old), ids(&new));
    news.extend(old.into_iter().filter(|notice| !holds.contains(&notice.id)).map(Told::Withdrawn));
    news.extend(new.into_iter().filter(|notice| !held.contains(&notice.id)).map(Told::Fact));
}

/// The events of a batch up to a position.
fn known_at(batch: &EventBatch, position: Position) -> EventBatch {
    EventBatch::from_views(batch.iter().filter(|event| event.position().is_some_and(|own| own <= position)))
}

impl Fold {
    /// What holds of a customer at an instant at or after its last event folded.
    fn point(&self, customer: u32, at: Timestamp) -> Point {
        match self.records[customer as usize].events() {
            0 => Point { at, facts: None, until: Timestamp::MAX },
            _ => self.known_point(customer as usize, at),
        }
    }

    fn known_point(&self, customer: usize, as_of: Timestamp) -> Point {
        let at = self.customer_at(customer, as_of);
        let built_in = self.projections().built_in();
        let (memberships, until) = self.memberships(customer, as_of);
        let facts = Facts::new(
            &self.built_in_view(built_in.lifecycle, customer, &at),
            &self.built_in_view(built_in.segment, customer, &at),
            self.built_in_view(built_in.journeys, customer, &at),
            memberships,
        );
        Point { at: as_of, facts: Some(facts), until }
    }

    /// The last microsecond at which views and memberships stay, of which the latter's is given.
    fn stays_until(&self, customer: usize, at: Timestamp, memberships: Timestamp) -> Option<Timestamp> {
        let held = self.held_until(customer, &self.customer_at(customer, at));
        held.into_iter().chain([memberships]).min().filter(|until| *until < Timestamp::MAX)
    }

    /// Says whether the watched filters could be answered so far.
    fn answerable_filters(&self) -> Result<()> {
        self.watched.failure().map_or(Ok(()), |failure| Err(failure.clone()))
    }

    /// Notes what time alone changes after a point, up to an instant, and moves the point there.
    fn pass_time(&self, customer: u32, point: &mut Point, until: Timestamp, notices: &mut Vec<Notice>) {
        while point.facts.is_some() && point.at < until {
            let held = self.stays_until(customer as usize, point.at, point.until);
            let Some(held) = held.filter(|held| *held < until) else { return };
            *point = self.note(customer, point, held.next(), &[], notices);
        }
    }

    /// Notes what has changed since a point, and returns the new one.
    fn note(
        &self,
        customer: u32,
        before: &Point,
        at: Timestamp,
        causes: &[EventId],
        notices: &mut Vec<Notice>,
    ) -> Point {
        let point = self.known_point(customer as usize, at);
        if let Some(facts) = point.facts.as_ref().filter(|facts| before.facts.as_ref() != Some(*facts)) {
            let rules = &self.projections().rules().version;
            let change = ChangeAt { customer: &self.customers.key(customer), at, causes, rules };
            facts.note(before.facts.as_ref(), &change, notices);
        }
        point
    }
}

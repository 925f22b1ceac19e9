//! Appending, and what can be wrong with it.

use std::collections::BTreeMap;
use std::sync::MutexGuard;
use std::sync::atomic::Ordering;
use std::task::Waker;
use std::thread;

use wayfold_core::{AttributeValue, EventBatch, EventBody, JourneyEvent, Limits, Position, Timestamp};
use wayfold_store::{
    AppendCondition, AppendOutcome, Capabilities, Error, ErrorKind, EventStore, Result, admit, admit_instant,
};

use super::{Flaw, Handle, Inner, Row, place};

/// Where an event of a batch stands, or which of the new ones it is.
enum Stands {
    At(Position),
    New(usize),
}

impl Handle {
    pub(super) fn append_now(
        &self,
        batch: &EventBatch,
        condition: Option<AppendCondition>,
    ) -> Result<AppendOutcome> {
        let in_flight = &self.log.in_flight;
        in_flight.fetch_add(1, Ordering::SeqCst);
        let outcome = self.append_alone(batch, condition);
        if self.is(Flaw::BadInputFailsItsNeighbours) {
            if outcome.is_err() && in_flight.load(Ordering::SeqCst) > 1 {
                self.log.poisoned.store(true, Ordering::SeqCst);
            }
            self.log.linger();
        }
        let poisoned = self.log.poisoned.load(Ordering::SeqCst);
        if in_flight.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.log.poisoned.store(false, Ordering::SeqCst);
        }
        if poisoned && outcome.is_ok() {
            return Err(Error::new(ErrorKind::Unavailable, "another append of the group failed"));
        }
        outcome.map_err(|error| match self.flaw {
            Flaw::RefusalOfUnknownOutcome => error.with_unknown_outcome(),
            Flaw::RefusalWithoutTheId if error.kind() == ErrorKind::IdReused => {
                Error::new(ErrorKind::IdReused, "an id is taken")
            }
            _ => error,
        })
    }

    fn append_alone(&self, batch: &EventBatch, condition: Option<AppendCondition>) -> Result<AppendOutcome> {
        let now = self.clock.now();
        self.admit(batch)?;
        let events = batch.to_events();
        let mut log = self.log.lock();
        let condition = condition.filter(|_| !self.is(Flaw::EmptyBatchUnconditioned) || !events.is_empty());
        let early = self.early_conflict(&log, condition.as_ref(), &events);
        if let Some(position) = early {
            return Ok(AppendOutcome::Conflict { position });
        }
        let (mut stands, mut fresh) = self.resolve(&mut log, &events, now)?;
        self.admit_instants(batch, &fresh, now)?;
        if fresh.is_empty() && (!events.is_empty() || self.is(Flaw::EmptyBatchTaken)) {
            log.touched +=
                u64::from(matches!(self.flaw, Flaw::HeadMovesWithRetries | Flaw::WaitEndsWithAnyWrite));
            let mut positions = positions(&stands, &[]);
            if self.is(Flaw::TakenPositionsSorted) {
                positions.sort();
            }
            return Ok(AppendOutcome::AlreadyTaken { positions });
        }
        if self.is(Flaw::IdsUnlocked) {
            drop(log);
            self.log.linger();
            log = self.log.lock();
        }
        if let Some(position) = self.conflict(&log, condition.as_ref(), &events) {
            if self.is(Flaw::ConflictWritesAnyway) {
                self.write(&mut log, fresh, now);
            }
            return Ok(AppendOutcome::Conflict { position });
        }
        if self.is(Flaw::ConditionUnlocked) {
            drop(log);
            self.log.linger();
            log = self.log.lock();
            (stands, fresh) = self.resolve(&mut log, &events, now)?;
        }
        let new = fresh.len();
        let given = self.write(&mut log, fresh, now);
        if self.is(Flaw::LateCommitPassed) && given.len() == 1 {
            self.publish_late(log, &given);
        }
        Ok(AppendOutcome::Appended { positions: positions(&stands, &given), new })
    }

    /// A conflict that is looked for before it is time.
    fn early_conflict(
        &self,
        log: &Inner,
        condition: Option<&AppendCondition>,
        events: &[JourneyEvent],
    ) -> Option<Position> {
        let is_taken =
            |event: &JourneyEvent| self.find(log, event).is_some_and(|row| row.event.same_content(event));
        let all_taken = !events.is_empty() && events.iter().all(is_taken);
        match self.flaw {
            Flaw::ConditionBeforeIds => {}
            Flaw::ConditionBeforeReuse if !all_taken => {}
            _ => return None,
        }
        self.conflict(log, condition, events)
    }

    /// Shows events only after others, that stand beyond them, were seen.
    fn publish_late(&self, mut log: MutexGuard<'_, Inner>, given: &[Position]) {
        let own = |row: &&mut Row| given.contains(&row.position);
        log.rows.iter_mut().filter(own).for_each(|row| row.hidden = true);
        drop(log);
        let is_passed = || given.iter().all(|position| self.log.lock().head() > *position);
        (0..300).take_while(|_| !is_passed()).for_each(|_| thread::yield_now());
        (0..50).for_each(|_| thread::yield_now());
        let mut log = self.log.lock();
        log.rows.iter_mut().filter(own).for_each(|row| row.hidden = false);
        wake(&mut log, |_| true);
    }

    fn admit(&self, batch: &EventBatch) -> Result<()> {
        let mut capabilities = self.capabilities();
        capabilities.identity |= self.is(Flaw::IdentityAccepted);
        let mut limits = self.limits.clone();
        match self.flaw {
            Flaw::IdentityNeverTaken => capabilities = Capabilities::none(),
            Flaw::LimitsUnchecked => limits = Limits::default(),
            Flaw::LimitsNotReached => {
                limits.batch_events_max -= 1;
                limits.tags_max -= 1;
            }
            _ => {}
        }
        admit(batch, &limits, &capabilities)
    }

    fn admit_instants(&self, batch: &EventBatch, fresh: &[JourneyEvent], now: Timestamp) -> Result<()> {
        let asks = |event: &JourneyEvent| match self.flaw {
            Flaw::FutureUnchecked => false,
            Flaw::FutureOfTakenEvents => true,
            _ => fresh.iter().any(|new| new.id == event.id && new.customer.tenant == event.customer.tenant),
        };
        let mut asked = batch.iter().filter(|event| asks(&event.to_event()));
        asked.try_for_each(|event| admit_instant(&event, &self.limits, now))
    }

    /// The row that has taken an event's id.
    fn find<'a>(&self, log: &'a Inner, event: &JourneyEvent) -> Option<&'a Row> {
        let forgotten = match self.flaw {
            Flaw::ReopeningForgetsIds => log.opened,
            Flaw::UpkeepForgetsIds => log.merged,
            _ => 0,
        };
        log.rows[forgotten.min(log.rows.len())..].iter().find(|row| {
            let tenant = row.event.customer.tenant == event.customer.tenant;
            let handle = row.handle == self.number || !self.is(Flaw::IdsOfEachHandle);
            row.event.id == event.id && handle && (tenant || self.is(Flaw::IdsAcrossTenants))
        })
    }

    fn same(&self, old: &JourneyEvent, new: &JourneyEvent) -> bool {
        match self.flaw {
            Flaw::ReusedIdTaken => true,
            Flaw::RetryRefused => false,
            Flaw::ContentIsTheBody => old.body == new.body && old.customer == new.customer,
            Flaw::PositionIsContent => old.same_content(new) && new.position.is_none(),
            _ => old.same_content(new),
        }
    }

    /// Where each event stands or will, and which are new.
    fn resolve(
        &self,
        log: &mut Inner,
        events: &[JourneyEvent],
        now: Timestamp,
    ) -> Result<(Vec<Stands>, Vec<JourneyEvent>)> {
        let (mut stands, mut fresh) = (Vec::new(), Vec::<JourneyEvent>::new());
        let mut taken = 0;
        for event in events {
            if let Some(row) = self.find(log, event) {
                let at = row.position;
                if !self.same(&row.event, event) {
                    if self.is(Flaw::RefusedBatchWrittenInPart) {
                        self.write(log, fresh, now);
                    }
                    return Err(Error::id_reused(event.id, Some(at)));
                }
                taken += 1;
                stands.push(Stands::At(at));
                continue;
            }
            match self.twin(&fresh, event)? {
                Some(place) => stands.push(Stands::New(place)),
                None => {
                    stands.push(Stands::New(fresh.len()));
                    fresh.push(event.clone());
                }
            }
        }
        if taken > 0 && !fresh.is_empty() && self.is(Flaw::PartlyTakenRefused) {
            return Err(Error::id_reused(events[0].id, None));
        }
        if taken > 0 && !fresh.is_empty() && self.is(Flaw::PartlyTakenStoredAgain) {
            fresh.extend(events.iter().filter(|event| self.find(log, event).is_some()).cloned());
        }
        Ok((stands, fresh))
    }

    /// Which of the new events of the batch is this one.
    fn twin(&self, fresh: &[JourneyEvent], event: &JourneyEvent) -> Result<Option<usize>> {
        if self.is(Flaw::TwiceInOneBatchStoredTwice) {
            return Ok(None);
        }
        let is_twin = |new: &JourneyEvent| {
            let tenant = new.customer.tenant == event.customer.tenant;
            new.id == event.id && (tenant || self.is(Flaw::IdsAcrossTenants))
        };
        let twin = fresh.iter().position(is_twin);
        match twin {
            Some(place) if !fresh[place].same_content(event) && !self.is(Flaw::FirstOfTwoInOneBatchWins) => {
                Err(Error::id_reused(event.id, None))
            }
            twin => Ok(twin),
        }
    }

    /// The first event that a condition forbids.
    fn conflict(
        &self,
        log: &Inner,
        condition: Option<&AppendCondition>,
        events: &[JourneyEvent],
    ) -> Option<Position> {
        let condition = condition?;
        let filter = self.condition_filter(&condition.filter);
        let is_own = |row: &Row| {
            let same = |event: &JourneyEvent| {
                let tenant = event.customer.tenant == row.event.customer.tenant;
                event.id == row.event.id && (tenant || self.is(Flaw::OwnEventsAcrossTenants))
            };
            events.iter().any(same) && !self.is(Flaw::ConditionSeesOwnEvents)
        };
        let is_after = |row: &Row| match self.flaw {
            Flaw::ConditionAtThePosition => row.position >= condition.after,
            _ => row.position > condition.after,
        };
        let first = if self.is(Flaw::ReopeningForgetsConditions) { log.opened } else { 0 };
        let mut forbidden = log.rows[first.min(log.rows.len())..].iter().filter(|row| {
            let handle = row.handle == self.number || !self.is(Flaw::ConditionsOfEachHandle);
            handle && is_after(row) && self.matches(&filter, &row.event) && !is_own(row)
        });
        match self.flaw {
            Flaw::ConditionSkipsOne => forbidden.nth(1).map(|row| row.position),
            Flaw::ConflictNamesTheLast => forbidden.last().map(|row| row.position),
            Flaw::ConflictNamesTheHead => forbidden.next().map(|_| log.head()),
            _ => forbidden.next().map(|row| row.position),
        }
    }

    fn write(&self, log: &mut Inner, mut fresh: Vec<JourneyEvent>, now: Timestamp) -> Vec<Position> {
        let handle = if self.is(Flaw::RecordingTimeOfEachHandle) { self.number } else { 0 };
        let last = log.last_recorded_at.get(&handle).copied().unwrap_or(now);
        let recorded_at = if self.is(Flaw::RecordingTimeGoesBack) { now } else { now.max(last) };
        if !fresh.is_empty() {
            log.last_recorded_at.insert(handle, recorded_at);
        }
        let first = log.given + 1;
        let mut given: Vec<Position> = (first..first + fresh.len() as u64).map(place).collect();
        if self.is(Flaw::OnePositionForABatch) {
            given.fill(place(first));
        }
        log.given += fresh.len() as u64;
        if self.is(Flaw::BatchReversed) {
            fresh.reverse();
        }
        if self.is(Flaw::LastEventOfABatchLost) && fresh.len() > 1 {
            fresh.pop();
        }
        for (event, position) in fresh.into_iter().zip(&given) {
            let event = self.spoil(event);
            let happened = event.occurred_at.instant();
            let time = if self.is(Flaw::RecordedWhenItHappened) { happened } else { recorded_at };
            let alone = EventBatch::from_events([&event]).expect("it was in a batch");
            let alone = alone.recorded(vec![*position], time);
            log.rows.push(Row { event, alone, position: *position, handle: self.number, hidden: false });
        }
        self.seen.store(log.rows.len(), Ordering::SeqCst);
        self.wake(log);
        given
    }

    fn wake(&self, log: &mut Inner) {
        match self.flaw {
            Flaw::NobodyWoken => {}
            Flaw::OneWaiterWoken => {
                if let Some((_, (_, waker))) = log.waiters.pop_first() {
                    waker.wake();
                }
            }
            Flaw::WaitersOfOtherHandlesNotWoken => wake(log, |handle| handle == self.number),
            _ => wake(log, |_| true),
        }
    }

    /// What a flaw loses of an event when it is written.
    fn spoil(&self, mut event: JourneyEvent) -> JourneyEvent {
        match self.flaw {
            Flaw::OffsetLost => event.occurred_at = event.occurred_at.instant().into(),
            Flaw::ReceiptLost => event.received_at = None,
            Flaw::NestedJsonLost => {
                event.attributes.retain(|_, value| !matches!(value, AttributeValue::Json(_)));
            }
            Flaw::VersionOfUnknownKindsLost => event.schema_version = 1,
            Flaw::OrderLinesLost => {
                if let EventBody::OrderPlaced(placed) = &mut event.body {
                    placed.lines.clear();
                }
            }
            Flaw::ProductTagsLost => event.tags.retain(|tag| tag.object_type() != "product"),
            _ => {}
        }
        event
    }
}

fn positions(stands: &[Stands], given: &[Position]) -> Vec<Position> {
    let of = |stands: &Stands| match stands {
        Stands::At(position) => *position,
        Stands::New(number) => given[*number],
    };
    stands.iter().map(of).collect()
}

fn wake(log: &mut Inner, whom: impl Fn(u64) -> bool) {
    let waiters = std::mem::take(&mut log.waiters);
    let (woken, left): (BTreeMap<u64, (u64, Waker)>, _) =
        waiters.into_iter().partition(|(_, (handle, _))| whom(*handle));
    log.waiters = left;
    woken.into_values().for_each(|(_, waker)| waker.wake());
}

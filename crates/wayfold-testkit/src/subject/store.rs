//! The core's fold over the log of a store, which itself takes each id once and hands out histories.

use pollster::block_on;
use wayfold_core::{EventBatch, Fold, Position, ProjectionSet, Refold, Result, Rules};
use wayfold_store::{AppendOutcome, EventFilter, EventStore, EventStoreExt, ReadQuery};

use super::drive::Shards;
use super::{Answers, Refolds, Subject};
use crate::arrival::Arrival;
use crate::coverage::LONG;

/// How many events a page holds: so few that most reads take several.
const PAGE: usize = 50;

/// The core's [`Fold`], one a shard, over a store: whatever arrives is appended, read back and folded, and a
/// refold reads the customer's history.
///
/// ```
/// use wayfold_core::{Rules, Timestamp};
/// use wayfold_store::MemoryStore;
/// use wayfold_testkit::{Case, Coverage, StoreSubject, check};
///
/// // The histories reach far into the future, which a store refuses by its clock.
/// let open = || MemoryStore::new().with_clock(|| Timestamp::parse("2200-01-01").expect("a date"));
/// check(&StoreSubject::over(open), &Case::hostile(1), &mut Coverage::new()).unwrap();
/// ```
#[derive(Debug, Clone, Copy)]
pub struct StoreSubject<F> {
    open: F,
}

impl<F, S> StoreSubject<F>
where
    F: Fn() -> S + Sync,
    S: EventStore,
{
    /// Opens an empty store for every arrival; its clock must stand later than any event.
    pub fn over(open: F) -> Self {
        Self { open }
    }
}

impl<F, S> Subject for StoreSubject<F>
where
    F: Fn() -> S + Sync,
    S: EventStore,
{
    fn name(&self) -> String {
        "the core's fold over a store".to_owned()
    }

    /// Folds an arrival.
    ///
    /// # Panics
    /// If the store refuses what it has to take.
    fn fold(&self, rules: &Rules, arrival: &Arrival) -> Result<Box<dyn Answers>> {
        let mut projections = ProjectionSet::new(rules.clone())?;
        projections.keep_checkpoints_every(LONG);
        let shard =
            |index| Fold::new(&projections).with_as_of(arrival.start).with_shard(index, arrival.shards);
        let folds = (0..arrival.shards).map(shard).collect();
        let mut reader = Reader {
            store: (self.open)(),
            whole_history: arrival.whole_history,
            seen: Position::START,
            shards: Shards { folds, refolds: Refolds::default() },
        };
        for delivery in &arrival.deliveries {
            if let Some(instant) = delivery.advance_to {
                reader.each(|fold| fold.advance_to(instant))?;
            }
            for batch in &delivery.batches {
                let appended = block_on(reader.store.append(EventBatch::from_events(batch)?, None));
                let outcome = appended.expect("a store takes events, and those that it has, again");
                assert!(!matches!(outcome, AppendOutcome::Conflict { .. }), "nothing was forbidden");
            }
            let new = reader.read();
            reader.each(|fold| Ok(fold.apply(&new).refolds))?;
        }
        Ok(Box::new(reader.shards))
    }
}

/// Reads a log and keeps the folds up with it.
struct Reader<S> {
    store: S,
    whole_history: bool,
    seen: Position,
    shards: Shards,
}

impl<S: EventStore> Reader<S> {
    /// Moves every fold on and does the refolds that it asks for.
    fn each(&mut self, mut step: impl FnMut(&mut Fold) -> Result<Vec<Refold>>) -> Result<()> {
        for fold in &mut self.shards.folds {
            for refold in step(fold)? {
                let filter = if self.whole_history {
                    EventFilter::all()
                } else {
                    EventFilter::customer(refold.customer.clone())
                };
                let history = block_on(self.store.read_all(filter)).expect("a store reads what it has taken");
                fold.refold(&refold, &history);
                self.shards.refolds.all += 1;
                self.shards.refolds.from_checkpoint += u64::from(refold.after.is_some());
            }
        }
        Ok(())
    }

    /// Everything that the log holds beyond what was seen.
    fn read(&mut self) -> Vec<EventBatch> {
        let mut batches = Vec::new();
        let mut from = Some(self.seen);
        while let Some(position) = from {
            let page = block_on(self.store.read(ReadQuery::all(), position, PAGE));
            let page = page.expect("a store reads what it has taken");
            if let Some(row) = page.batch.len().checked_sub(1) {
                self.seen = page.batch.event(row).position().expect("a store gives positions");
                batches.push(page.batch);
            }
            from = page.next;
        }
        batches
    }
}

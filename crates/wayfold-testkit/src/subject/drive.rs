//! Drives one fold a shard over a log, and joins what the shards answer.

use std::collections::HashSet;
use std::ops::Range;
use std::thread;

use wayfold_core::{
    CustomerKey, CustomerView, EventBatch, EventKind, Fold, JourneyEvent, OrderKey, Population,
    ProjectionSet, Refold, Result, Rules, Tenant, Timestamp,
};

use super::{Answers, Refolds, Steering};
use crate::arrival::Arrival;
use crate::coverage::LONG;

/// A delivery without what the log has taken before.
struct Taken<'a> {
    advance_to: Option<Timestamp>,
    batches: Vec<Vec<&'a JourneyEvent>>,
}

/// The deliveries of an arrival, as a log takes them.
pub(super) struct Log<'a>(Vec<Taken<'a>>);

impl<'a> Log<'a> {
    /// Leaves out what the log has taken before.
    pub(super) fn of(steering: &dyn Steering, arrival: &'a Arrival) -> Self {
        let mut known = HashSet::new();
        let mut taken = Vec::new();
        for delivery in &arrival.deliveries {
            let mut batches = Vec::new();
            for batch in &delivery.batches {
                let new = |event: &&JourneyEvent| {
                    let is_known = !known.insert(steering.identity(event));
                    steering.takes(event, is_known)
                };
                batches.push(batch.iter().filter(new).collect());
            }
            taken.push(Taken { advance_to: delivery.advance_to, batches });
        }
        Self(taken)
    }

    /// How many deliveries.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

/// The folds of all shards.
pub(super) struct Shards {
    pub(super) folds: Vec<Fold>,
    pub(super) refolds: Refolds,
}

impl Shards {
    /// Empty folds, as many as the arrival has shards.
    pub(super) fn new(steering: &dyn Steering, rules: &Rules, arrival: &Arrival) -> Result<Self> {
        let mut projections = ProjectionSet::new(rules.clone())?;
        projections.keep_checkpoints_every(LONG);
        let fold =
            |index| steering.shard(Fold::new(&projections).with_as_of(arrival.start), index, arrival.shards);
        Ok(Self { folds: (0..arrival.shards).map(fold).collect(), refolds: Refolds::default() })
    }

    /// Folds some deliveries of a log, of which all before are folded, each shard on a thread.
    pub(super) fn drive(
        &mut self,
        steering: &dyn Steering,
        arrival: &Arrival,
        log: &Log<'_>,
        deliveries: Range<usize>,
    ) -> Result<()> {
        let of = self.folds.len();
        let drive = |(index, fold): (usize, &mut Fold)| {
            let mut shard = Shard { steering, arrival, index, of, fold, refolds: Refolds::default() };
            shard.drive(&log.0, deliveries.clone())?;
            Ok(shard.refolds)
        };
        let driven: Vec<Result<Refolds>> = if of == 1 {
            self.folds.iter_mut().enumerate().map(drive).collect()
        } else {
            thread::scope(|scope| {
                let drive = &drive;
                let shards = self.folds.iter_mut().enumerate();
                let threads: Vec<_> = shards.map(|shard| scope.spawn(move || drive(shard))).collect();
                let join = |thread: thread::ScopedJoinHandle<'_, _>| {
                    thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
                };
                threads.into_iter().map(join).collect()
            })
        };
        for refolds in driven {
            let refolds = refolds?;
            self.refolds.all += refolds.all;
            self.refolds.from_checkpoint += refolds.from_checkpoint;
        }
        Ok(())
    }
}

impl Answers for Shards {
    fn export(&self) -> Result<Vec<u8>> {
        let mut lines: Vec<(CustomerKey, Vec<u8>)> = Vec::new();
        for fold in &self.folds {
            let mut out = Vec::new();
            fold.export(&mut out)?;
            let of_shard = out.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec);
            lines.extend(fold.customers().into_iter().zip(of_shard));
        }
        lines.sort();
        Ok(lines.into_iter().flat_map(|(_, line)| line).collect())
    }

    fn customers(&self) -> Vec<CustomerKey> {
        let mut customers: Vec<CustomerKey> = self.folds.iter().flat_map(Fold::customers).collect();
        customers.sort();
        customers
    }

    fn view(&self, key: &CustomerKey, as_of: Timestamp) -> Result<Option<CustomerView>> {
        for fold in &self.folds {
            if let Some(view) = fold.view(key, as_of)? {
                return Ok(Some(view));
            }
        }
        Ok(None)
    }

    fn population(&self, tenant: &Tenant, as_of: Timestamp) -> Result<Population> {
        let mut whole: Option<Population> = None;
        for fold in &self.folds {
            let shard = fold.population(tenant, as_of)?;
            whole = Some(match whole {
                Some(whole) => whole.merge(shard),
                None => shard,
            });
        }
        Ok(whole.expect("there is a shard"))
    }

    fn refolds(&self) -> Refolds {
        self.refolds
    }
}

/// One shard on its way through the log.
struct Shard<'a> {
    steering: &'a dyn Steering,
    arrival: &'a Arrival,
    index: usize,
    of: usize,
    fold: &'a mut Fold,
    refolds: Refolds,
}

impl Shard<'_> {
    fn drive(&mut self, log: &[Taken<'_>], deliveries: Range<usize>) -> Result<()> {
        for (number, taken) in log.iter().enumerate().take(deliveries.end).skip(deliveries.start) {
            let so_far = &log[..=number];
            if let Some(instant) = taken.advance_to {
                let refolds = self.fold.advance_to(instant)?;
                self.refold(&refolds, so_far)?;
            }
            let offered = |batch: &Vec<&JourneyEvent>| {
                let own = batch.iter().filter(|event| self.steering.offers(event, self.index, self.of));
                let mut own: Vec<&JourneyEvent> = own.copied().collect();
                // Half of them come as from a log that is clustered.
                if number % 2 == 1 {
                    own.sort_by_key(|event| (&event.customer, place(event)));
                }
                EventBatch::from_events(own)
            };
            let batches = taken.batches.iter().map(offered).collect::<Result<Vec<_>>>()?;
            if !batches.is_empty() {
                let refolds = self.fold.apply(&batches).refolds;
                self.refold(&refolds, so_far)?;
            }
        }
        Ok(())
    }

    fn refold(&mut self, refolds: &[Refold], log: &[Taken<'_>]) -> Result<()> {
        for refold in refolds {
            let all = log.iter().flat_map(|taken| &taken.batches).flatten().copied();
            let offered = all.filter(|event| self.steering.offers(event, self.index, self.of));
            let needed: Vec<&JourneyEvent> = if self.arrival.whole_history {
                offered.collect()
            } else {
                offered.filter(|event| is_needed(refold, event)).collect()
            };
            let Some(history) = self.steering.history(refold, needed) else { continue };
            let half = history.len() / 2;
            // A history comes in several batches, as from a store.
            let batches = [&history[..half], &history[half..]]
                .map(|part| EventBatch::from_events(part.iter().copied()));
            let [first, second] = batches;
            self.fold.refold(refold, &[first?, second?]);
            self.refolds.all += 1;
            self.refolds.from_checkpoint += u64::from(refold.after.is_some());
        }
        Ok(())
    }
}

/// The least that a refold must be handed: the customer's events after its start, and all its retractions.
fn is_needed(refold: &Refold, event: &JourneyEvent) -> bool {
    event.customer == refold.customer
        && (event.kind() == EventKind::EventRetracted
            || refold.after.is_none_or(|after| place(event) > after))
}

/// The place in the order in which a customer's events are folded.
fn place(event: &JourneyEvent) -> OrderKey {
    OrderKey {
        occurred_at: event.occurred_at.instant(),
        sequence: event.sequence,
        rank: event.kind().rank(),
        id: event.id,
    }
}

//! Drives one fold a shard over a log, and joins what the shards answer.

use std::thread;

use wayfold_core::{
    CustomerKey, CustomerView, EventBatch, EventKind, Fold, JourneyEvent, OrderKey, Population,
    ProjectionSet, Refold, Result, Rules, Tenant, Timestamp,
};

use super::{Answers, Refolds, Steering};
use crate::arrival::Arrival;

/// A delivery without what the log has taken before.
pub(super) struct Taken<'a> {
    pub(super) advance_to: Option<Timestamp>,
    pub(super) batches: Vec<Vec<&'a JourneyEvent>>,
}

/// The folds of all shards.
pub(super) struct Shards {
    pub(super) folds: Vec<Fold>,
    pub(super) refolds: Refolds,
}

impl Shards {
    pub(super) fn fold(
        steering: &dyn Steering,
        rules: &Rules,
        arrival: &Arrival,
        log: &[Taken<'_>],
    ) -> Result<Self> {
        let projections = ProjectionSet::new(rules.clone())?;
        let drive = |index: usize| {
            let fold = Fold::new(&projections).with_as_of(arrival.start);
            let fold = steering.shard(fold, index, arrival.shards);
            let mut shard = Shard { steering, arrival, index, fold, refolds: Refolds::default() };
            shard.drive(log)?;
            Ok((shard.fold, shard.refolds))
        };
        let driven: Vec<Result<(Fold, Refolds)>> = if arrival.shards == 1 {
            vec![drive(0)]
        } else {
            thread::scope(|scope| {
                let drive = &drive;
                let threads: Vec<_> =
                    (0..arrival.shards).map(|index| scope.spawn(move || drive(index))).collect();
                let join = |thread: thread::ScopedJoinHandle<'_, _>| {
                    thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
                };
                threads.into_iter().map(join).collect()
            })
        };
        let mut shards = Self { folds: Vec::new(), refolds: Refolds::default() };
        for shard in driven {
            let (fold, refolds) = shard?;
            shards.folds.push(fold);
            shards.refolds.all += refolds.all;
            shards.refolds.from_checkpoint += refolds.from_checkpoint;
        }
        Ok(shards)
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
    fold: Fold,
    refolds: Refolds,
}

impl Shard<'_> {
    fn drive(&mut self, log: &[Taken<'_>]) -> Result<()> {
        for (number, taken) in log.iter().enumerate() {
            let so_far = &log[..=number];
            if let Some(instant) = taken.advance_to {
                let refolds = self.fold.advance_to(instant)?;
                self.refold(&refolds, so_far)?;
            }
            let offered = |batch: &Vec<&JourneyEvent>| {
                let own =
                    |event: &&&JourneyEvent| self.steering.offers(event, self.index, self.arrival.shards);
                EventBatch::from_events(batch.iter().filter(own).copied())
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
            let offered = all.filter(|event| self.steering.offers(event, self.index, self.arrival.shards));
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
    let place = OrderKey {
        occurred_at: event.occurred_at.instant(),
        sequence: event.sequence,
        rank: event.kind().rank(),
        id: event.id,
    };
    event.customer == refold.customer
        && (event.kind() == EventKind::EventRetracted || refold.after.is_none_or(|after| place > after))
}

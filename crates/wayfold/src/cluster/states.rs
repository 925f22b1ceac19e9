//! The states of some virtual shards of one database: restored at whatever position each was kept, and folded on together.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tracing::warn;
use wayfold_core::{EventBatch, Fingerprint, Position, ProjectionSet, Timestamp, VirtualShard};
use wayfold_postgres::PostgresStore;
use wayfold_store::{ErrorKind as StoreErrorKind, EventStore, Scan};

use super::Database;
use crate::error::Result;
use crate::known::{Known, KnownAt};
use crate::shards::{Shards, readable};
use crate::snapshot::restored;

/// About how many events are in memory at once.
const EVENTS_PER_STEP: usize = 1 << 16;
/// How often a snapshot is read that somebody writes anew meanwhile.
const ATTEMPTS_MAX: usize = 3;

/// What states are called and mean.
#[derive(Debug)]
pub(super) struct Meaning {
    /// Under which name they are kept.
    pub(super) states: String,
    pub(super) projections: ProjectionSet,
    pub(super) fingerprint: Fingerprint,
}

/// The states of some shards of a database.
#[derive(Debug)]
pub(super) struct States {
    meaning: Arc<Meaning>,
    database: String,
    /// The shards that the map gives to the database; there are no events of others.
    owned: BTreeSet<VirtualShard>,
    /// Of these there may be copies that do not count.
    copies: BTreeSet<VirtualShard>,
    shards: BTreeMap<VirtualShard, Shards>,
}

/// What a step has read.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Stepped {
    /// Events that it folded.
    pub(super) events: u64,
    /// Events that it was sent, also those of other shards on the same pages.
    pub(super) read: u64,
}

impl Meaning {
    /// Where the snapshot of a shard stands.
    pub(super) fn place(&self, shard: VirtualShard) -> String {
        format!("wayfold/cluster/{}/{shard}", self.states)
    }
}

impl States {
    pub(super) fn new(meaning: &Arc<Meaning>, database: &Database) -> Self {
        let set = |shards: &[VirtualShard]| shards.iter().copied().collect();
        Self {
            meaning: meaning.clone(),
            database: database.name.clone(),
            owned: set(&database.shards),
            copies: set(&database.copies),
            shards: BTreeMap::new(),
        }
    }

    /// Takes a shard from its snapshot, or from nothing as of an instant; says whether there was a snapshot.
    pub(super) async fn take(
        &mut self,
        store: &dyn EventStore,
        shard: VirtualShard,
        head: Position,
        now: Timestamp,
    ) -> Result<bool> {
        let Meaning { projections, fingerprint, .. } = self.meaning.as_ref();
        let (place, mut attempts) = (self.meaning.place(shard), 1..ATTEMPTS_MAX);
        let begin = |as_of| Shards::of_shard(projections, as_of, shard.customers());
        let kept = loop {
            match restored(store, &place, fingerprint, Some(head), begin).await? {
                Some(Err(_)) if attempts.next().is_some() => {}
                kept => break kept,
            }
        };
        let is_kept = matches!(kept, Some(Ok(_)));
        let shards = match kept {
            Some(Ok(shards)) => shards,
            None => begin(now),
            Some(Err(why)) => {
                warn!(%why, %shard, "the snapshot of a shard is not used; the log is folded from its beginning");
                begin(now)
            }
        };
        self.shards.insert(shard, shards);
        Ok(is_kept)
    }

    /// Begins a shard from nothing as of an instant.
    pub(super) fn begin(&mut self, shard: VirtualShard, as_of: Timestamp) {
        let shards = Shards::of_shard(&self.meaning.projections, as_of, shard.customers());
        self.shards.insert(shard, shards);
    }

    /// Gives a shard up.
    pub(super) fn drop_shard(&mut self, shard: VirtualShard) {
        self.shards.remove(&shard);
    }

    pub(super) fn shard(&self, shard: VirtualShard) -> Option<&Shards> {
        self.shards.get(&shard)
    }

    pub(super) fn shards(&self) -> impl Iterator<Item = &Shards> {
        self.shards.values()
    }

    /// The position that every shard has come to.
    pub(super) fn position(&self) -> Option<Position> {
        self.shards.values().map(Shards::position).min()
    }

    /// Folds what has fallen due by an instant, where that lies ahead.
    pub(super) async fn advance_to(&mut self, store: &dyn EventStore, instant: Timestamp) -> Result<()> {
        for shards in self.shards.values_mut() {
            shards.begin_anew_if_torn();
            shards.advance_to(instant)?;
            shards.refold_pending(store, Known(None)).await?;
        }
        Ok(())
    }

    /// Folds the next part of the log, up to a position if one is given, for the shards that are behind the others; says
    /// what was read, or nothing if there is nothing left. The server is asked for the events of those shards alone, and of shards that
    /// the map does not give to the database.
    pub(super) async fn step(
        &mut self,
        store: &PostgresStore,
        until: Option<Position>,
    ) -> Result<Option<Stepped>> {
        let Some(from) = self.position().filter(|from| until.is_none_or(|until| *from < until)) else {
            return Ok(None);
        };
        let positions = self.shards.values().map(Shards::position);
        let bound = positions.filter(|position| *position > from).chain(until).min();
        let until = Known(bound.map(KnownAt::Position));
        let is_behind =
            |shard: &VirtualShard| self.shards.get(shard).is_some_and(|shards| shards.position() == from);
        let known = self.owned.union(&self.copies).copied();
        let others: Vec<_> = known.filter(|shard| !is_behind(shard)).collect();
        let scan = store.scan_shards(from, bound, EVENTS_PER_STEP, &others).await?;
        let (position, is_last) = (until.last(scan.position), scan.is_last);
        if is_last && position <= from {
            return Ok(None);
        }
        let read = scan.batches.iter().map(|batch| batch.len() as u64).sum();
        let (mut batches, mut events) = (self.by_shard(scan.batches)?, 0);
        for (shard, shards) in self.shards.iter_mut().filter(|(_, shards)| shards.position() == from) {
            let own = batches.remove(shard).into_iter().collect();
            events += shards.apply(Scan::of_batches(own, 1, position, is_last), until)?.events;
            shards.refold_pending(store, Known(None)).await?;
        }
        Ok(Some(Stepped { events, read }))
    }

    /// The events of each shard that is held.
    fn by_shard(&self, batches: Vec<EventBatch>) -> Result<BTreeMap<VirtualShard, EventBatch>> {
        let batches: Arc<[EventBatch]> = batches.into();
        let mut rows: BTreeMap<VirtualShard, Vec<(u32, u32)>> = BTreeMap::new();
        for (number, batch) in (0..).zip(batches.iter()) {
            for (row, event) in (0..).zip(batch.iter()) {
                let (tenant, customer) = event.customer_texts();
                let shard = VirtualShard::of_texts(tenant, customer);
                if !self.owned.contains(&shard) && !self.copies.contains(&shard) {
                    return Err(self.misplaced(customer, shard));
                }
                if self.shards.contains_key(&shard) {
                    rows.entry(shard).or_default().push((number, row));
                }
            }
            readable(batch)?;
        }
        Ok(rows.into_iter().map(|(shard, rows)| (shard, EventBatch::picked(&batches, rows))).collect())
    }

    fn misplaced(&self, customer: &str, shard: VirtualShard) -> crate::error::Error {
        let message = format_args!(
            "database {:?} holds events of customer {customer:?}, whose shard {shard} the map gives to another one; they \
             were appended past the cluster",
            self.database
        );
        wayfold_store::Error::new(StoreErrorKind::Corrupt, message).into()
    }

    /// Shards that hold an event later than an instant, so that they cannot be asked as of it.
    pub(super) fn ahead_of(&self, as_of: Timestamp) -> Vec<VirtualShard> {
        let ahead = self.shards.iter().filter(|(_, shards)| !shards.answers(as_of));
        ahead.map(|(shard, _)| *shard).collect()
    }

    /// Says whether all shards have come to the same position.
    pub(super) fn are_level(&self) -> bool {
        let mut positions = self.shards.values().map(Shards::position);
        let first = positions.next();
        positions.all(|position| Some(position) == first)
    }
}

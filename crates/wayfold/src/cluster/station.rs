//! A worker at one database: the leases that it holds there, and the states of their shards.

use std::collections::BTreeMap;
use std::ops::DerefMut;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use metrics::counter;
use tracing::warn;
use wayfold_core::{Position, VirtualShard};
use wayfold_postgres::{Lease, LeaseRequest, Leases};
use wayfold_store::EventStore;

use super::fenced::Fenced;
use super::states::{Meaning, States, Stepped};
use super::{Cluster, Database};
use crate::clock::Clock;
use crate::error::{ErrorKind, Result};
use crate::platform::atomic::{AtomicU64, Ordering};
use crate::platform::{Delay, Mutex, block_on};
use crate::snapshot::Taken;
use crate::wait::{Signal, first};

/// A lease is prolonged so often in its time.
const KEPT_PER_LEASE: u32 = 4;
/// After a failure a thread waits for so long, twice as long after each further one.
const WAIT_FIRST: Duration = Duration::from_millis(20);
const WAIT_MAX: Duration = Duration::from_secs(1);

/// What a worker has at one database.
#[derive(Debug)]
pub(super) struct Station {
    pub(super) database: Database,
    pub(super) request: LeaseRequest,
    meaning: Arc<Meaning>,
    clock: Arc<Clock>,
    snapshot_every: u64,
    /// Locked while leases are asked for or given back, so that what is noted is what was answered last.
    held: Mutex<Leases>,
    /// Told when what is held changes; closed when no more is to be folded.
    pub(super) work: Signal,
    /// Closed when leases are not to be prolonged any more.
    pub(super) keep: Signal,
    pub(super) worked: Counts,
}

/// What the thread that folds has at hand.
#[derive(Debug)]
pub(super) struct Shift {
    states: States,
    leases: BTreeMap<VirtualShard, Lease>,
    /// Up to where the states of each shard are kept.
    kept: BTreeMap<VirtualShard, Position>,
    /// Events that were folded since states were kept.
    since_kept: u64,
}

#[derive(Debug, Default)]
pub(super) struct Counts {
    pub(super) restored: AtomicU64,
    pub(super) events: AtomicU64,
    pub(super) read: AtomicU64,
    pub(super) snapshots: AtomicU64,
    pub(super) handed_over: AtomicU64,
    pub(super) lost: AtomicU64,
}

/// Prolongs leases and takes others until the worker ends.
pub(super) fn keep(station: &Station) {
    let pause = station.request.lease / KEPT_PER_LEASE;
    while !station.keep.is_closed() {
        if let Err(error) = station.keep_leases() {
            warn!(%error, database = station.database.name, "leases could not be prolonged; trying again");
        }
        let signal = station.keep.listen();
        if !station.keep.is_closed() {
            block_on(first(Delay::new(pause), signal));
        }
    }
}

/// Lets leases run out that a thread has held which ends by a panic.
struct Release<'a>(&'a Station);

impl Drop for Release<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.keep.close();
        }
    }
}

/// Folds until the worker ends.
pub(super) fn work(station: &Station) -> Shift {
    let _release = Release(station);
    let states = States::new(&station.meaning, &station.database);
    let mut shift = Shift { states, leases: BTreeMap::new(), kept: BTreeMap::new(), since_kept: 0 };
    let mut wait = WAIT_FIRST;
    while !station.work.is_closed() {
        let Err(error) = block_on(station.turn(&mut shift)) else {
            wait = WAIT_FIRST;
            continue;
        };
        counter!("wayfold_worker_failures_total").increment(1);
        warn!(%error, database = station.database.name, "a worker could not go on; trying again");
        let signal = station.work.listen();
        if !station.work.is_closed() {
            block_on(first(Delay::new(wait), signal));
        }
        wait = (wait * 2).min(WAIT_MAX);
    }
    shift
}

impl Station {
    pub(super) fn new(
        cluster: &Cluster,
        database: Database,
        request: LeaseRequest,
        snapshot_every: u64,
    ) -> Self {
        Self {
            database,
            request,
            meaning: cluster.meaning.clone(),
            clock: cluster.clock.clone(),
            snapshot_every,
            held: Mutex::default(),
            work: Signal::default(),
            keep: Signal::default(),
            worked: Counts::default(),
        }
    }

    /// The leases that are held, as far as is known.
    pub(super) fn held(&self) -> impl DerefMut<Target = Leases> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keep_leases(&self) -> Result<()> {
        let mut held = self.held();
        // By an older map it would look for shards elsewhere; whoever knows the new one takes over.
        block_on(self.database.store.check_map_version())?;
        let leases = block_on(self.database.store.keep_leases(&self.request))?;
        let has_changed = *held != leases;
        *held = leases;
        drop(held);
        if has_changed {
            self.work.tell();
        }
        Ok(())
    }

    /// Folds what comes next and waits if nothing does.
    async fn turn(&self, shift: &mut Shift) -> Result<()> {
        let (signal, store) = (self.work.listen(), self.database.store.as_ref());
        self.take_and_drop(shift).await?;
        shift.states.advance_to(store, self.clock.now()).await?;
        let stepped = shift.states.step(store, None).await?;
        let Stepped { events, read } = stepped.unwrap_or_default();
        shift.since_kept += events;
        self.worked.events.fetch_add(events, Ordering::Relaxed);
        self.worked.read.fetch_add(read, Ordering::Relaxed);
        if shift.since_kept >= self.snapshot_every {
            self.keep_all(shift).await?;
        }
        self.hand_over(shift).await?;
        if stepped.is_some() || self.work.is_closed() {
            return Ok(());
        }
        let told = async {
            signal.await;
            Ok(())
        };
        match shift.states.position() {
            None => told.await,
            Some(position) => first(async { Ok(store.wait_past(position).await.map(drop)?) }, told).await,
        }
    }

    /// Gives up the states of shards that are not held any more, and takes those that are held since.
    async fn take_and_drop(&self, shift: &mut Shift) -> Result<()> {
        let held = self.held().held.clone();
        let is_held = |lease: &Lease| held.contains(lease);
        let gone: Vec<_> = shift.leases.values().filter(|lease| !is_held(lease)).map(Lease::shard).collect();
        gone.into_iter().for_each(|shard| shift.give_up(shard));
        let new: Vec<Lease> =
            held.into_iter().filter(|lease| !shift.leases.contains_key(&lease.shard())).collect();
        if new.is_empty() {
            return Ok(());
        }
        let (store, now) = (self.database.store.as_ref(), self.clock.now());
        let head = store.head().await?;
        for lease in new {
            let shard = lease.shard();
            if shift.states.take(store, shard, head, now).await? {
                self.worked.restored.fetch_add(1, Ordering::Relaxed);
            }
            shift.kept.extend(shift.states.shard(shard).map(|shards| (shard, shards.position())));
            shift.leases.insert(shard, lease);
        }
        Ok(())
    }

    /// Keeps the states of all shards.
    pub(super) async fn keep_all(&self, shift: &mut Shift) -> Result<()> {
        let shards: Vec<_> = shift.leases.keys().copied().collect();
        for shard in shards {
            self.keep_states(shift, shard).await?;
        }
        shift.since_kept = 0;
        Ok(())
    }

    /// Keeps the states of a shard where the next worker finds them, if they have moved.
    async fn keep_states(&self, shift: &mut Shift, shard: VirtualShard) -> Result<()> {
        let (Some(lease), Some(shards)) = (shift.leases.get(&shard), shift.states.shard(shard)) else {
            return Ok(());
        };
        let position = shards.position();
        if !shards.is_settled() || shift.kept.get(&shard) == Some(&position) {
            return Ok(());
        }
        let fenced = Fenced { store: &self.database.store, lease };
        match Taken::of(shards)?.write(&fenced, &self.meaning.place(shard)).await {
            Ok(_) => {
                shift.kept.insert(shard, position);
                self.worked.snapshots.fetch_add(1, Ordering::Relaxed);
                Ok(())
            }
            Err(error) if error.kind() == ErrorKind::LeaseLost => {
                warn!(%error, database = self.database.name, "a shard is somebody else's");
                counter!("wayfold_leases_lost_total").increment(1);
                self.worked.lost.fetch_add(1, Ordering::Relaxed);
                let lost = shift.leases.get(&shard).cloned();
                self.held().held.retain(|held| Some(held) != lost.as_ref());
                shift.give_up(shard);
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    /// Gives back what is more than the fair part, for others to go on with.
    async fn hand_over(&self, shift: &mut Shift) -> Result<()> {
        let surplus = self.held().surplus;
        let shards: Vec<_> = shift.leases.keys().rev().take(surplus).copied().collect();
        for shard in &shards {
            self.keep_states(shift, *shard).await?;
        }
        if shards.is_empty() {
            return Ok(());
        }
        let mut held = self.held();
        for shard in shards {
            let Some(lease) = shift.leases.get(&shard) else { continue };
            // Waiting here with the lock held is the point: nobody asks for leases meanwhile.
            block_on(self.database.store.release_lease(lease))?;
            held.held.retain(|held| held != lease);
            held.surplus = held.surplus.saturating_sub(1);
            shift.give_up(shard);
            self.worked.handed_over.fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    }
}

impl Shift {
    fn give_up(&mut self, shard: VirtualShard) {
        self.leases.remove(&shard);
        self.kept.remove(&shard);
        self.states.drop_shard(shard);
    }
}

//! A worker: it shares the shards of each database with all others by leases, folds those that it holds, and keeps their
//! states where the next one finds them.

use std::collections::BTreeMap;
use std::ops::DerefMut;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use metrics::counter;
use serde::Deserialize;
use tracing::warn;
use uuid::Uuid;
use wayfold_core::{Position, VirtualShard};
use wayfold_postgres::{Lease, LeaseRequest, Leases};
use wayfold_store::EventStore;

use super::fenced::Fenced;
use super::states::{Meaning, States};
use super::{Cluster, Database};
use crate::clock::Clock;
use crate::error::{Error, ErrorKind, Result};
use crate::platform::atomic::{AtomicU64, Ordering};
use crate::platform::thread::{Builder, JoinHandle};
use crate::platform::{Delay, Mutex, block_on};
use crate::snapshot::Taken;
use crate::wait::{Signal, first};

/// A lease is prolonged so often in its time.
const KEPT_PER_LEASE: u32 = 4;
/// After a failure a thread waits for so long, twice as long after each further one.
const WAIT_FIRST: Duration = Duration::from_millis(20);
const WAIT_MAX: Duration = Duration::from_secs(1);

/// How a worker works; every field has a default.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct WorkerConfig {
    /// What the table of leases shows of it, such as the name of its host; 1 to 64 bytes. Something that tells it from all
    /// others is added. Default `worker`.
    pub name: String,
    /// How long a lease lasts, in milliseconds. A worker that is gone is replaced after that; one that cannot reach a
    /// database for so long loses what it holds there. Default 10,000.
    pub lease_ms: u64,
    /// After how many events of a database the states of the shards that are held there are kept. Default 65,536.
    pub snapshot_every: u64,
}

impl Default for WorkerConfig {
    fn default() -> Self {
        Self { name: "worker".to_owned(), lease_ms: 10_000, snapshot_every: 1 << 16 }
    }
}

impl WorkerConfig {
    /// Chooses the name.
    pub fn with_name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// Chooses how long a lease lasts, in milliseconds.
    pub fn with_lease_ms(mut self, lease_ms: u64) -> Self {
        self.lease_ms = lease_ms;
        self
    }

    /// Chooses after how many events of a database its states are kept.
    pub fn with_snapshot_every(mut self, events: u64) -> Self {
        self.snapshot_every = events;
        self
    }
}

/// What a worker has done since it was started.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Worked {
    /// Shards that it took from the states that another one, or an earlier one, had kept.
    pub restored: u64,
    /// Events that it read and folded.
    pub events: u64,
    /// States of single shards that it kept.
    pub snapshots: u64,
    /// Shards that it gave to others, with their states.
    pub handed_over: u64,
    /// Leases that it had lost when it wanted to write, so that nothing was written.
    pub lost: u64,
}

/// A worker of a cluster, with two threads for each database: one prolongs leases, and one folds. Started by
/// [`Cluster::start_worker`].
#[derive(Debug)]
pub struct Worker {
    name: String,
    stations: Vec<Arc<Station>>,
    working: Vec<JoinHandle<Shift>>,
    keeping: Vec<JoinHandle<()>>,
}

/// What a worker has at one database.
#[derive(Debug)]
struct Station {
    database: Database,
    request: LeaseRequest,
    meaning: Arc<Meaning>,
    clock: Arc<Clock>,
    snapshot_every: u64,
    /// Locked while leases are asked for or given back, so that what is noted is what was answered last.
    held: Mutex<Leases>,
    /// Told when what is held changes; closed when no more is to be folded.
    work: Signal,
    /// Closed when leases are not to be prolonged any more.
    keep: Signal,
    worked: Counts,
}

/// What the thread that folds has at hand.
#[derive(Debug)]
struct Shift {
    states: States,
    leases: BTreeMap<VirtualShard, Lease>,
    /// Up to where the states of each shard are kept.
    kept: BTreeMap<VirtualShard, Position>,
    /// Events that were read since states were kept.
    since_kept: u64,
}

#[derive(Debug, Default)]
struct Counts {
    restored: AtomicU64,
    events: AtomicU64,
    snapshots: AtomicU64,
    handed_over: AtomicU64,
    lost: AtomicU64,
}

impl Worker {
    pub(super) fn start(cluster: &Cluster, config: &WorkerConfig) -> Result<Self> {
        if config.name.is_empty() || config.name.len() > 64 || config.lease_ms == 0 {
            let message = "a worker has a name of 1 to 64 bytes, and leases that last";
            return Err(Error::new(ErrorKind::InvalidConfiguration, message));
        }
        let name = format!("{}/{}", config.name, Uuid::now_v7());
        let station = |database: &Database| {
            let request = LeaseRequest {
                states: cluster.meaning.states.clone(),
                worker: name.clone(),
                shards: database.shards.clone(),
                lease: Duration::from_millis(config.lease_ms),
            };
            Arc::new(Station {
                database: database.clone(),
                request,
                meaning: cluster.meaning.clone(),
                clock: cluster.clock.clone(),
                snapshot_every: config.snapshot_every.max(1),
                held: Mutex::default(),
                work: Signal::default(),
                keep: Signal::default(),
                worked: Counts::default(),
            })
        };
        let stations = cluster.databases.iter().map(station).collect();
        // Dropped half way, it ends those that were started.
        let mut worker = Self { name, stations, working: Vec::new(), keeping: Vec::new() };
        for station in &worker.stations {
            let (keeper, folder) = (station.clone(), station.clone());
            worker.keeping.push(spawn("wayfold-keep", move || keep(&keeper))?);
            worker.working.push(spawn("wayfold-work", move || work(&folder))?);
        }
        Ok(worker)
    }

    /// What the table of leases calls it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The leases that it holds as far as it knows, each with the name of its database: under them rows of the caller's own
    /// are written, see [`PostgresStore::hold_lease_in`](wayfold_postgres::PostgresStore::hold_lease_in).
    pub fn held(&self) -> Vec<(&str, Lease)> {
        let mut all = Vec::new();
        for station in &self.stations {
            let name = station.database.name.as_str();
            all.extend(station.held().held.iter().map(|lease| (name, lease.clone())));
        }
        all
    }

    /// What it has done.
    pub fn worked(&self) -> Worked {
        let sum = |count: fn(&Counts) -> &AtomicU64| {
            self.stations.iter().map(|station| count(&station.worked).load(Ordering::Relaxed)).sum()
        };
        Worked {
            restored: sum(|counts| &counts.restored),
            events: sum(|counts| &counts.events),
            snapshots: sum(|counts| &counts.snapshots),
            handed_over: sum(|counts| &counts.handed_over),
            lost: sum(|counts| &counts.lost),
        }
    }

    /// Hands everything over: keeps the states of all shards that it holds, gives the leases back, and ends.
    ///
    /// Dropping a worker ends it too, after what it folds just now; its leases run out then, and the next one folds what
    /// came since states were kept.
    ///
    /// # Errors
    /// As the databases: what could not be handed over runs out.
    pub fn close(mut self) -> Result<()> {
        let shifts = self.end_work();
        let mut kept = Ok(());
        for (station, shift) in self.stations.iter().zip(shifts) {
            if let Some(mut shift) = shift {
                kept = kept.and(block_on(station.keep_all(&mut shift)));
            }
        }
        self.end_keeping();
        for station in &self.stations {
            kept =
                kept.and(block_on(station.database.store.leave_leases(&station.request)).map_err(Into::into));
        }
        kept
    }

    /// What the thread that folds had at hand at each database; a panic of one is a defect that its message has told by
    /// now.
    fn end_work(&mut self) -> Vec<Option<Shift>> {
        self.stations.iter().for_each(|station| station.work.close());
        self.working.drain(..).map(|thread| thread.join().ok()).collect()
    }

    fn end_keeping(&mut self) {
        self.stations.iter().for_each(|station| station.keep.close());
        for thread in self.keeping.drain(..) {
            let _ = thread.join();
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.end_work();
        self.end_keeping();
    }
}

fn spawn<T: Send + 'static>(name: &str, work: impl FnOnce() -> T + Send + 'static) -> Result<JoinHandle<T>> {
    Builder::new()
        .name(name.to_owned())
        .spawn(work)
        .map_err(|error| Error::new(ErrorKind::Unavailable, format_args!("no thread for a worker: {error}")))
}

/// Prolongs leases and takes others until the worker ends.
fn keep(station: &Station) {
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
fn work(station: &Station) -> Shift {
    let _release = Release(station);
    let states = States::new(&station.meaning, &station.database.name, &station.database.shards);
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
    fn held(&self) -> impl DerefMut<Target = Leases> {
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
        let events = shift.states.step(store, None).await?;
        shift.since_kept += events.unwrap_or_default();
        self.worked.events.fetch_add(events.unwrap_or_default(), Ordering::Relaxed);
        if shift.since_kept >= self.snapshot_every {
            self.keep_all(shift).await?;
        }
        self.hand_over(shift).await?;
        if events.is_some() || self.work.is_closed() {
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
    async fn keep_all(&self, shift: &mut Shift) -> Result<()> {
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

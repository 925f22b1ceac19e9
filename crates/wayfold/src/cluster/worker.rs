//! A worker: it shares the shards of each database with all others by leases, folds those that it holds, and keeps their
//! states where the next one finds them.

use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use uuid::Uuid;
use wayfold_postgres::{Lease, LeaseRequest};

use super::station::{Counts, Shift, Station, keep, work};
use super::{Cluster, Database};
use crate::error::{Error, ErrorKind, Result};
use crate::platform::atomic::{AtomicU64, Ordering};
use crate::platform::block_on;
use crate::platform::thread::{Builder, JoinHandle};

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
    /// After how many events of the shards that are held at a database their states are kept. Default 65,536.
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

    /// Chooses after how many events of the shards that are held at a database their states are kept.
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
    /// Events that it folded.
    pub events: u64,
    /// Events that it was sent for that: few more, which stand on the same pages of sealed blocks.
    pub read: u64,
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
            Arc::new(Station::new(cluster, database.clone(), request, config.snapshot_every.max(1)))
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
            read: sum(|counts| &counts.read),
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

//! Customers in several PostgreSQL databases, and workers that share them by leases.
//!
//! Customers fall into 256 virtual shards by their names, for ever. A [`ShardMap`], which every database of the cluster
//! holds, says which of them has which shards. A [`Cluster`] sends appends and questions about one customer to its
//! database. [`Worker`]s, in as many processes as there are, share the shards of each database by leases: each folds its
//! own, keeps their states in that database, and hands over. A [`ClusterView`] brings the kept states together and folds
//! what has come since: it answers about all customers as one engine over one log would, to the byte.
//!
//! The guide is `docs/guide/cluster.md`; why it is so, in `docs/adr/0016-shards-leases-and-kept-states.md`.

mod fenced;
mod map;
mod states;
mod station;
mod view;
mod worker;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use wayfold_core::{CustomerKey, CustomerView, EventBatch, Fold, Shard, Timestamp};
use wayfold_postgres::PostgresStore;
use wayfold_store::{AppendCondition, AppendOutcome, EventStore};

use self::states::Meaning;
pub use self::view::ClusterView;
pub use self::worker::{Worked, Worker, WorkerConfig};
use crate::builder::Builder;
use crate::clock::Clock;
use crate::error::{Error, ErrorKind, Result};
use crate::known::Known;
use crate::shards::{history, readable};
use crate::versions::hold_to_version;
#[doc(inline)]
pub use wayfold_core::VirtualShard;
#[doc(inline)]
pub use wayfold_postgres::{Lease, MoveStage, ShardMap};

/// How states are named unless another name is given.
const LIVE: &str = "live";
const STATES_BYTES_MAX: usize = 64;

/// Several databases as one log of customers, each of whom has one of them.
///
/// # What holds, and what does not
/// - Whatever holds over one log holds for each customer: its events stand in one database, in one order, ids taken once,
///   conditions checked with the append.
/// - Positions are of one database, and an id is taken once in each. There is no order over several, and no commit.
/// - Events that were appended past the cluster to a database that does not have their customer are found and refused as
///   `Corrupt` by workers and views.
#[derive(Debug)]
pub struct Cluster {
    map: ShardMap,
    databases: Vec<Database>,
    meaning: Arc<Meaning>,
    clock: Arc<Clock>,
}

/// A database and the shards that it has.
#[derive(Debug, Clone)]
struct Database {
    name: String,
    store: Arc<PostgresStore>,
    shards: Vec<VirtualShard>,
    /// Shards of which there may be copies that do not count.
    copies: Vec<VirtualShard>,
}

impl Cluster {
    /// Opens the databases of a cluster, each by its name. Where none holds a map of shards, the first one is made: it deals
    /// the shards out to the databases in the order of their names. A change of the map that somebody has begun and not
    /// ended is ended; a move of shards that hold events waits for [`Cluster::finish_move`].
    ///
    /// Of the builder, rules, projections and the clock count; rules and projections decide what workers keep and views
    /// answer.
    ///
    /// # Errors
    /// `InvalidConfiguration` if the databases are not those that the map names, each by its own name, if a database that
    /// is to be the first map's holds events that another one is to have, or if rules of the same version were used with
    /// other thresholds; `Unavailable` or `Corrupt` if a database cannot be read.
    pub async fn open(
        builder: Builder,
        databases: impl IntoIterator<Item = (impl Into<String>, PostgresStore)>,
    ) -> Result<Self> {
        let databases: Vec<(String, PostgresStore)> =
            databases.into_iter().map(|(name, store)| (name.into(), store)).collect();
        let map = map::common(&databases).await?;
        let database = |(name, store): (String, PostgresStore)| Database {
            shards: map.shards_of(&name),
            copies: map.copies_in(&name),
            store: Arc::new(store.with_map_version(map.version()).with_closed_shards(map.closed())),
            name,
        };
        // In the order of the map, by whose places they are found.
        let mut databases: Vec<Database> = databases.into_iter().map(database).collect();
        databases.sort_by_key(|database| map.databases().iter().position(|name| *name == database.name));
        Self::with(builder, LIVE, map, databases).await
    }

    /// The same databases under other rules or projections, whose states are kept under another name beside these: to be
    /// filled by workers of their own, compared by [`ClusterView::difference`], and then used in the place of these.
    ///
    /// # Errors
    /// `InvalidConfiguration` if the name has not 1 to 64 bytes, or as [`Cluster::open`].
    pub async fn beside(&self, states: &str, builder: Builder) -> Result<Self> {
        Self::with(builder, states, self.map.clone(), self.databases.clone()).await
    }

    async fn with(builder: Builder, states: &str, map: ShardMap, databases: Vec<Database>) -> Result<Self> {
        if states.is_empty() || states.len() > STATES_BYTES_MAX {
            let message = format_args!("states {states:?} have no name of 1 to {STATES_BYTES_MAX} bytes");
            return Err(Error::new(ErrorKind::InvalidConfiguration, message));
        }
        for database in &databases {
            hold_to_version(database.store.as_ref(), builder.projections.rules()).await?;
        }
        let Builder { projections, clock, .. } = builder;
        let fingerprint = projections.fingerprint();
        let meaning = Arc::new(Meaning { states: states.to_owned(), projections, fingerprint });
        Ok(Self { map, databases, meaning, clock: Arc::new(clock) })
    }

    /// Which database has which customers.
    pub fn map(&self) -> &ShardMap {
        &self.map
    }

    /// Gives shards to another database, with their events, and returns the map that stands then. This cluster goes by the
    /// map before: open it again, and so every other process; their appends are refused as `MapChanged` until then.
    ///
    /// # Behavior
    /// - Shards without events are given at once. Those with events are copied, counted, and taken out where they were;
    ///   while they are copied nothing is appended to them, which is refused as `MapChanged` too. Everything else goes on.
    /// - What is copied is recorded anew: positions are of the new database, and what was known of a customer at a time
    ///   before the move is not known any more. Who follows the log of the new database hears of it.
    /// - A move that ends half way, as the process does, is ended by [`Cluster::finish_move`]. Each event counts once
    ///   meanwhile.
    /// - The first database of the map decides who changes it, if several do at the same time.
    /// - Roles need the right to delete events, and to change the map.
    ///
    /// # Errors
    /// `IdReused` if an id of an event is taken in the other database: the move is given up. `Corrupt` if that holds events of
    /// these shards already, which were appended past the cluster. `MapChanged` if another process has changed the map. `Unsupported` if there is no such
    /// database, a move is not ended, or the role may not. `Unavailable` if a database cannot be read.
    pub async fn move_shards(&self, shards: &[VirtualShard], to: &str) -> Result<ShardMap> {
        map::move_shards(&self.databases, &self.map, shards, to).await
    }

    /// Ends a move that somebody has begun: goes on from wherever it is. Where nothing moves there is nothing to do.
    ///
    /// # Errors
    /// As [`Cluster::move_shards`].
    pub async fn finish_move(&self) -> Result<ShardMap> {
        map::finish(&self.databases, self.map.clone()).await
    }

    /// Adds an empty database, without shards, and returns the map that stands then. Open the cluster again, with that
    /// database, and give it shards by [`Cluster::move_shards`].
    ///
    /// # Errors
    /// `InvalidConfiguration` if it holds events or is of a cluster; `Unsupported` if the name is there or a move is not
    /// ended; `MapChanged` if another process has changed the map; `Unavailable` if a database cannot be read.
    pub async fn add_database(&self, name: &str, store: &PostgresStore) -> Result<ShardMap> {
        map::add(&self.databases, &self.map, name, store).await
    }

    /// The name of the database that has a customer.
    pub fn database(&self, customer: &CustomerKey) -> &str {
        &self.of(customer).name
    }

    /// The log that has a customer, as for decisions about it or an append in the caller's own transaction. What is
    /// appended there is not checked to be of its customers.
    pub fn store(&self, customer: &CustomerKey) -> &Arc<PostgresStore> {
        &self.of(customer).store
    }

    fn of(&self, customer: &CustomerKey) -> &Database {
        &self.databases[self.map.place(VirtualShard::of(customer))]
    }

    /// Appends a batch of customers of one database, whole or not at all, if the condition holds.
    ///
    /// # Behavior
    /// - As [`EventStore::append`]; positions are of that database.
    /// - The condition names a customer of the same database. Any other one could be broken by what stands in a database
    ///   that is not looked at.
    /// - An empty batch with a condition goes to the customer of the condition; without one there is nothing to do.
    ///
    /// # Errors
    /// `SeveralDatabases` if the customers of the batch and of the condition are not of one database, or the condition
    /// names none: nothing was written. [`Cluster::append_each`] appends such a batch in parts. `MapChanged` if another
    /// process has changed the map: nothing was written. Else as [`EventStore::append`].
    pub async fn append(
        &self,
        batch: EventBatch,
        condition: Option<AppendCondition>,
    ) -> Result<AppendOutcome> {
        let of_condition = match condition.as_ref().map(|condition| condition.filter.customer.as_ref()) {
            Some(None) => {
                let message = "a condition has to name the customer that it is about: others may stand in other \
                               databases, which have no commit in common";
                return Err(Error::new(ErrorKind::SeveralDatabases, message));
            }
            Some(Some(customer)) => Some(self.map.place(VirtualShard::of(customer))),
            None => None,
        };
        let places = batch.customers().map(|customer| self.map.place(VirtualShard::of(&customer)));
        let places: BTreeSet<usize> = of_condition.into_iter().chain(places).collect();
        let mut places = places.into_iter();
        let Some(place) = places.next() else {
            return Ok(AppendOutcome::Appended { positions: Vec::new(), new: 0 });
        };
        if let Some(other) = places.next() {
            let message = format_args!(
                "the events are of customers in databases {:?} and {:?}, which have no commit in common; append those of \
                 each by themselves",
                self.databases[place].name, self.databases[other].name
            );
            return Err(Error::new(ErrorKind::SeveralDatabases, message));
        }
        Ok(EventStore::append(&self.databases[place].store, batch, condition).await?)
    }

    /// Appends a batch of any customers in parts, one for each database that has some of them, without a condition: as for
    /// imports. Each part is written whole or not at all; there is no commit of all.
    ///
    /// Says what became of each part, by the name of its database. Where one fails, the others are tried all the same;
    /// trying the same batch again is safe, as ids are taken once.
    pub async fn append_each(&self, batch: &EventBatch) -> BTreeMap<&str, Result<AppendOutcome>> {
        let mut rows: BTreeMap<usize, Vec<(u32, u32)>> = BTreeMap::new();
        for (row, event) in (0..).zip(batch.iter()) {
            let (tenant, customer) = event.customer_texts();
            let place = self.map.place(VirtualShard::of_texts(tenant, customer));
            rows.entry(place).or_default().push((0, row));
        }
        let (whole, mut outcomes): (Arc<[EventBatch]>, _) = ([batch.clone()].into(), BTreeMap::new());
        for (place, rows) in rows {
            let Database { name, store, .. } = &self.databases[place];
            let outcome = EventStore::append(store, EventBatch::picked(&whole, rows), None).await;
            outcomes.insert(name.as_str(), outcome.map_err(Into::into));
        }
        outcomes
    }

    /// Answers about a customer as of an instant, from its events; `None` if nothing is known of it by then.
    ///
    /// # Errors
    /// `MapChanged` if another process has changed the map; `Unavailable` or `Corrupt` if they cannot be read.
    pub async fn customer_as_of(
        &self,
        key: &CustomerKey,
        as_of: impl Into<Timestamp>,
    ) -> Result<Option<CustomerView>> {
        let as_of = as_of.into();
        let history = history(self.store(key), key, Known(None)).await?;
        // It may be another database that has the customer since.
        self.store(key).check_map_version().await?;
        let mut fold = Fold::new(&self.meaning.projections).with_as_of(as_of);
        let applied = fold.apply_of(Shard::of(key), &history);
        debug_assert!(applied.refolds.is_empty(), "a history that is folded at once has no late event");
        history.iter().try_for_each(readable)?;
        Ok(fold.view(key, as_of)?)
    }

    /// Starts a worker on threads of its own, see [`Worker`]. Any number may work on the same states, in any processes.
    ///
    /// # Errors
    /// `InvalidConfiguration` if it has no name of 1 to 64 bytes or its leases do not last; `Unavailable` if no thread can
    /// be started.
    pub fn start_worker(&self, config: &WorkerConfig) -> Result<Worker> {
        Worker::start(self, config)
    }

    /// All customers as of an instant, with every event that was acknowledged before the call.
    ///
    /// The states that workers have kept are read from the databases, and what has come since is folded; so it costs the
    /// more the less workers have done, and is right without any.
    ///
    /// # Errors
    /// `MapChanged` if another process has changed the map; `Unavailable` or `Corrupt` if a database cannot be read.
    pub async fn view(&self, as_of: impl Into<Timestamp>) -> Result<ClusterView> {
        ClusterView::new(self, as_of.into()).await
    }
}

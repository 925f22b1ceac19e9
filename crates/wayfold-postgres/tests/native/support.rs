//! A server of the test's own, a log on it, a session beside the log, and short forms of calls.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use pollster::block_on;
use tokio::runtime::Runtime;
use tokio_postgres::types::FromSqlOwned;
use tokio_postgres::{Client, NoTls, Transaction};
use wayfold_core::{
    CustomerKey, EventBatch, EventBody, EventId, JourneyEvent, Position, Registered, Tag, Timestamp,
};
use wayfold_postgres::{PostgresConfig, PostgresStore};
use wayfold_store::{
    AppendCondition, AppendOutcome, EventFilter, EventStore, EventStoreExt, ReadPage, ReadQuery, Result,
};
use wayfold_testkit::PostgresServer;

const PATIENCE: Duration = Duration::from_secs(30);

/// A server, or `None` where none is installed.
pub(crate) fn server(test: &str) -> Option<PostgresServer> {
    PostgresServer::for_test(env!("CARGO_TARGET_TMPDIR"), test)
}

pub(crate) fn config(server: &PostgresServer) -> PostgresConfig {
    PostgresConfig::new(server.connection())
}

pub(crate) fn open(config: PostgresConfig) -> Arc<PostgresStore> {
    Arc::new(block_on(PostgresStore::open(config)).unwrap())
}

/// A connection that knows nothing of the store.
pub(crate) struct Session {
    runtime: Runtime,
    client: Client,
}

impl Session {
    pub(crate) fn open(connection: &str) -> Self {
        Self::try_open(connection).unwrap()
    }

    /// The same, or `None` if the server cannot be reached.
    pub(crate) fn try_open(connection: &str) -> Option<Self> {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let connection = format!("{connection} application_name=beside");
        let (client, task) = runtime.block_on(tokio_postgres::connect(&connection, NoTls)).ok()?;
        runtime.spawn(task);
        Some(Self { runtime, client })
    }

    pub(crate) fn run(&self, sql: &str) {
        self.try_run(sql).unwrap_or_else(|error| panic!("{sql}: {error:?}"));
    }

    pub(crate) fn try_run(&self, sql: &str) -> std::result::Result<(), tokio_postgres::Error> {
        self.runtime.block_on(self.client.batch_execute(sql))
    }

    /// Does something in a transaction, which is rolled back if it is not committed.
    pub(crate) fn transact<T>(&mut self, work: impl AsyncFnOnce(Transaction<'_>) -> T) -> T {
        self.try_transact(work).unwrap()
    }

    /// The same where the connection may be cut.
    pub(crate) fn try_transact<T>(&mut self, work: impl AsyncFnOnce(Transaction<'_>) -> T) -> Option<T> {
        block_on(async { Some(work(self.client.transaction().await.ok()?).await) })
    }

    /// The first column of every row.
    pub(crate) fn column<T: FromSqlOwned>(&self, sql: &str) -> Vec<T> {
        let rows = self.runtime.block_on(self.client.query(sql, &[])).unwrap();
        rows.iter().map(|row| row.get(0)).collect()
    }
}

/// Waits for something.
#[track_caller]
pub(crate) fn until(what: &str, is_so: impl Fn() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < PATIENCE, "{what} does not come");
        thread::sleep(Duration::from_millis(2));
    }
}

pub(crate) fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

pub(crate) fn key(customer: &str) -> CustomerKey {
    CustomerKey::new(customer).unwrap()
}

pub(crate) fn tag(text: &str) -> Tag {
    Tag::parse(text).unwrap()
}

pub(crate) fn event(id: u128, customer: &str, body: impl Into<EventBody>) -> JourneyEvent {
    JourneyEvent::new(EventId::from_u128(id), key(customer), at("2024-01-01"), body)
}

pub(crate) fn registered(id: u128, customer: &str) -> JourneyEvent {
    event(id, customer, Registered {})
}

pub(crate) fn append(store: &PostgresStore, events: &[JourneyEvent]) -> Result<AppendOutcome> {
    block_on(store.append(EventBatch::from_events(events).unwrap(), None))
}

pub(crate) fn append_if(
    store: &PostgresStore,
    events: &[JourneyEvent],
    filter: EventFilter,
    after: Position,
) -> Result<AppendOutcome> {
    let condition = AppendCondition { filter, after };
    block_on(store.append(EventBatch::from_events(events).unwrap(), Some(condition)))
}

pub(crate) async fn append_in(
    store: &PostgresStore,
    transaction: &mut Transaction<'_>,
    events: &[JourneyEvent],
    condition: Option<AppendCondition>,
) -> Result<AppendOutcome> {
    store.append_in(transaction, EventBatch::from_events(events).unwrap(), condition).await
}

/// Appends new events; where they stand.
pub(crate) fn put(store: &PostgresStore, events: &[JourneyEvent]) -> Vec<Position> {
    match append(store, events).unwrap() {
        AppendOutcome::Appended { positions, new } if new == events.len() => positions,
        other => panic!("{other:?}"),
    }
}

pub(crate) fn page(store: &PostgresStore, from: Position, limit: usize) -> Result<ReadPage> {
    block_on(store.read(ReadQuery::all(), from, limit))
}

pub(crate) fn find(store: &PostgresStore, filter: EventFilter) -> Result<Vec<JourneyEvent>> {
    let batches = block_on(store.read_all(filter))?;
    Ok(batches.iter().flat_map(EventBatch::to_events).collect())
}

/// The ids of a set in the order of the log.
pub(crate) fn ids(store: &PostgresStore, filter: EventFilter) -> Vec<u128> {
    find(store, filter).unwrap().iter().map(|event| event.id.as_u128()).collect()
}

pub(crate) fn all(store: &PostgresStore) -> Vec<u128> {
    ids(store, EventFilter::all())
}

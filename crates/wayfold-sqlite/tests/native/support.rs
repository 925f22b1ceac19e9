//! Events, and short forms of calls.

use std::path::PathBuf;

pub(crate) use super::folder::Folder;
use pollster::block_on;
use wayfold_core::{
    CustomerKey, EventBatch, EventBody, EventId, JourneyEvent, NeedIdentified, Position, Registered,
    Timestamp,
};
use wayfold_sqlite::{SqliteConfig, SqliteStore};
use wayfold_store::{
    AppendCondition, AppendOutcome, EventFilter, EventStore, EventStoreExt, ReadQuery, Result,
};

impl Folder {
    pub(crate) fn path(&self) -> PathBuf {
        self.file().parent().unwrap().to_owned()
    }

    pub(crate) fn open(&self) -> SqliteStore {
        SqliteStore::open(self.file(), SqliteConfig::default()).unwrap()
    }

    /// Changes the file behind the back of the library.
    pub(crate) fn tamper(&self, sql: &str) {
        rusqlite::Connection::open(self.file()).unwrap().execute_batch(sql).unwrap();
    }
}

pub(crate) fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

pub(crate) fn event(id: u128, customer: &str, body: impl Into<EventBody>) -> JourneyEvent {
    let customer = CustomerKey::new(customer).unwrap();
    JourneyEvent::new(EventId::from_u128(id), customer, at("2024-01-01"), body)
}

pub(crate) fn registered(id: u128, customer: &str) -> JourneyEvent {
    event(id, customer, Registered {})
}

/// An event with the same id and other content.
pub(crate) fn other(id: u128, customer: &str) -> JourneyEvent {
    event(id, customer, NeedIdentified { category: None })
}

pub(crate) fn batch(events: &[JourneyEvent]) -> EventBatch {
    EventBatch::from_events(events).unwrap()
}

pub(crate) fn append(store: &SqliteStore, events: &[JourneyEvent]) -> Result<AppendOutcome> {
    block_on(store.append(batch(events), None))
}

pub(crate) fn append_if(
    store: &SqliteStore,
    events: &[JourneyEvent],
    filter: EventFilter,
    after: Position,
) -> Result<AppendOutcome> {
    block_on(store.append(batch(events), Some(AppendCondition { filter, after })))
}

pub(crate) fn positions(outcome: AppendOutcome) -> Vec<Position> {
    match outcome {
        AppendOutcome::Appended { positions, .. } | AppendOutcome::AlreadyTaken { positions } => positions,
        AppendOutcome::Conflict { position } => panic!("conflict at {position}"),
    }
}

pub(crate) fn place(number: u64) -> Position {
    Position::from_bytes(u128::from(number).to_be_bytes())
}

pub(crate) fn head(store: &SqliteStore) -> Position {
    block_on(store.head()).unwrap()
}

/// Every event of a set in position order.
pub(crate) fn all(store: &SqliteStore, filter: EventFilter) -> Vec<JourneyEvent> {
    let batches = block_on(store.read_all(filter)).unwrap();
    batches.iter().flat_map(EventBatch::to_events).collect()
}

pub(crate) fn ids(store: &SqliteStore, filter: EventFilter) -> Vec<u128> {
    all(store, filter).iter().map(|event| event.id.as_u128()).collect()
}

/// The ids of one page.
pub(crate) fn page(
    store: &SqliteStore,
    query: ReadQuery,
    from: Position,
    limit: usize,
) -> (Vec<u128>, Option<Position>) {
    let page = block_on(store.read(query, from, limit)).unwrap();
    (page.batch.iter().map(|event| event.id().as_u128()).collect(), page.next)
}

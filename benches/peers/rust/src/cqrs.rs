//! cqrs-es: every customer is an aggregate that is built anew, from the typed events in its memory store, and loaded
//! through its persisted store from rows of JSON text that are in memory, as a database would hand them out.
//!
//! The memory store prints a line for every customer that it loads; what it does but for that is done here.

use std::collections::HashMap;

use cqrs_es::event_sink::EventSink;
use cqrs_es::mem_store::MemStore;
use cqrs_es::persist::{
    PersistedEventRepository, PersistedEventStore, PersistenceError, ReplayStream, SerializedEvent,
    SerializedSnapshot,
};
use cqrs_es::{Aggregate, AggregateContext, DomainEvent, EventStore};
use pollster::block_on;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use wayfold_benches::Planned;
use wayfold_benches::by_hand::{History, Row, State};
use wayfold_core::CustomerKey;

use crate::{Result, measure};

/// What happened to a customer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Happened(Row);

impl DomainEvent for Happened {
    fn event_type(&self) -> String {
        "happened".to_owned()
    }

    fn event_version(&self) -> String {
        "1".to_owned()
    }
}

/// A customer with what answer A keeps of it.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Customer(State);

impl Aggregate for Customer {
    const TYPE: &'static str = "customer";
    type Command = ();
    type Event = Happened;
    type Error = std::io::Error;
    type Services = ();

    async fn handle(
        &mut self,
        (): (),
        (): &(),
        _sink: &EventSink<Self>,
    ) -> std::result::Result<(), std::io::Error> {
        Ok(())
    }

    fn apply(&mut self, event: Happened) {
        self.0.evolve(&event.0);
    }
}

/// The rows of each customer, in their order.
fn by_customer(history: History) -> Vec<(CustomerKey, Vec<Row>)> {
    let mut customers: Vec<_> = history.customers.into_iter().map(|key| (key, Vec::new())).collect();
    history.rows.into_iter().for_each(|row| customers[row.customer as usize].1.push(row));
    customers
}

/// From typed events in memory.
pub(crate) fn memory(planned: &Planned) -> Result<Value> {
    let store = MemStore::<Customer>::default();
    let mut keys = Vec::new();
    for (key, rows) in by_customer(History::new(planned)) {
        let context = block_on(store.load_aggregate(key.customer.as_str()))?;
        let events = rows.into_iter().map(Happened).collect();
        block_on(store.commit(events, context, HashMap::new()))?;
        keys.push(key);
    }
    #[expect(deprecated, reason = "what is there instead prints")]
    let events = store.get_events();
    measure(planned.as_of(), || {
        let events = events.read().map_err(|_| "the memory store is poisoned")?;
        let state = |key: &CustomerKey| {
            let mut customer = Customer::default();
            let loaded: Vec<_> = events.get(key.customer.as_str()).into_iter().flatten().cloned().collect();
            loaded.into_iter().for_each(|envelope| customer.apply(envelope.payload));
            (key.clone(), customer.0)
        };
        Ok(keys.iter().map(state).collect())
    })
}

/// Rows of JSON text by customer.
struct JsonRows(HashMap<String, Vec<String>>);

impl PersistedEventRepository for JsonRows {
    async fn get_events<A: Aggregate>(
        &self,
        aggregate_id: &str,
    ) -> std::result::Result<Vec<SerializedEvent>, PersistenceError> {
        self.get_last_events::<A>(aggregate_id, 0).await
    }

    async fn get_last_events<A: Aggregate>(
        &self,
        aggregate_id: &str,
        last_sequence: usize,
    ) -> std::result::Result<Vec<SerializedEvent>, PersistenceError> {
        let rows = self.0.get(aggregate_id).into_iter().flatten().zip(1..).skip(last_sequence);
        let read = |(row, sequence): (&String, usize)| {
            let payload = serde_json::from_str(row);
            Ok(SerializedEvent::new(
                aggregate_id.to_owned(),
                sequence,
                A::TYPE.to_owned(),
                "happened".to_owned(),
                "1".to_owned(),
                payload.map_err(|error| PersistenceError::DeserializationError(error.into()))?,
                Value::Object(serde_json::Map::new()),
            ))
        };
        rows.map(read).collect()
    }

    async fn get_snapshot<A: Aggregate>(
        &self,
        _aggregate_id: &str,
    ) -> std::result::Result<Option<SerializedSnapshot>, PersistenceError> {
        Ok(None)
    }

    async fn persist<A: Aggregate>(
        &self,
        _events: &[SerializedEvent],
        _snapshot_update: Option<(String, Value, usize)>,
    ) -> std::result::Result<(), PersistenceError> {
        Err(PersistenceError::UnknownError("the rows are only read".into()))
    }

    async fn stream_events<A: Aggregate>(
        &self,
        _aggregate_id: &str,
    ) -> std::result::Result<ReplayStream, PersistenceError> {
        Err(PersistenceError::UnknownError("customers are loaded".into()))
    }

    async fn stream_all_events<A: Aggregate>(&self) -> std::result::Result<ReplayStream, PersistenceError> {
        Err(PersistenceError::UnknownError("customers are loaded".into()))
    }
}

/// From rows of JSON.
pub(crate) fn json(planned: &Planned) -> Result<Value> {
    let (mut keys, mut rows) = (Vec::new(), HashMap::new());
    for (key, of_customer) in by_customer(History::new(planned)) {
        let texts = of_customer.into_iter().map(|row| serde_json::to_string(&Happened(row)));
        rows.insert(key.customer.to_string(), texts.collect::<serde_json::Result<_>>()?);
        keys.push(key);
    }
    let store = PersistedEventStore::<_, Customer>::new_event_store(JsonRows(rows));
    measure(planned.as_of(), || {
        let load = |key: &CustomerKey| {
            let mut context = block_on(store.load_aggregate(key.customer.as_str()))?;
            Ok((key.clone(), context.aggregate().0.clone()))
        };
        keys.iter().map(load).collect()
    })
}

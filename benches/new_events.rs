//! Events that no store has, and the least that storing their bytes can cost.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use wayfold_core::{EventBatch, EventId, JourneyEvent, Position, Tag};
use wayfold_store::{AppendCondition, EventFilter};

/// Events for ever, each with an id that no store has.
#[derive(Debug)]
pub struct NewEvents {
    template: Vec<JourneyEvent>,
    next: AtomicU64,
}

/// How ids are made.
#[derive(Debug, Clone, Copy)]
pub enum Ids {
    /// They grow with time, as a service makes them.
    V7,
    /// They are spread evenly, as an import makes them.
    V5,
}

impl NewEvents {
    /// Events that are like others in all but their ids, over and over.
    pub fn like(events: impl IntoIterator<Item = JourneyEvent>) -> Self {
        Self { template: events.into_iter().collect(), next: AtomicU64::new(0) }
    }

    /// The next event.
    pub fn event(&self, ids: Ids) -> JourneyEvent {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let mut event = self.template[number as usize % self.template.len()].clone();
        event.id = match ids {
            Ids::V7 => {
                let random = u128::from(number).wrapping_mul(0x9e37_79b9_7f4a_7c15) & 0x3fff_ffff_ffff_ffff;
                let millis = 1_800_000_000_000 + u128::from(number / 8);
                EventId::from_u128(millis << 80 | 7 << 76 | 2 << 62 | random)
            }
            Ids::V5 => v5_id(number),
        };
        event
    }

    /// The next events as one batch.
    pub fn batch(&self, ids: Ids, size: usize) -> EventBatch {
        let events: Vec<_> = (0..size).map(|_| self.event(ids)).collect();
        EventBatch::from_events(&events).expect("events of a workload are valid")
    }
}

/// An id as an import makes it.
pub(crate) fn v5_id(number: u64) -> EventId {
    EventId::from_natural_key("bench", "event", &[&number.to_string()])
}

/// A batch of one event on a tag that no other event has, to be appended if that tag is not there.
pub fn new_tag(event: JourneyEvent) -> (EventBatch, AppendCondition) {
    let tag = Tag::new("bench", event.id.to_string()).expect("a tag");
    let filter = EventFilter::all().with_tag(tag.clone());
    let batch = EventBatch::from_events([&event.with_tag(tag)]).expect("a valid event");
    (batch, AppendCondition { filter, after: Position::START })
}

/// A table of a blank SQLite file, as durable as the store: what is left to gain.
#[derive(Debug)]
pub struct Bare(rusqlite::Connection);

impl Bare {
    /// Makes the file.
    pub fn open(path: &Path) -> Self {
        let connection = rusqlite::Connection::open(path).expect("the file can be opened");
        connection
            .execute_batch(
                "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
                 CREATE TABLE log (id INTEGER PRIMARY KEY, bytes BLOB);",
            )
            .expect("a blank file takes a table");
        Self(connection)
    }

    /// Inserts bytes, durably.
    pub fn insert(&self, bytes: &[u8]) {
        let insert = self.0.prepare_cached("INSERT INTO log (bytes) VALUES (?1)");
        insert.and_then(|mut insert| insert.execute([bytes])).expect("the file can be written");
    }
}

//! UmaDB in this process: events with a tag for their customer and JSON as their bytes, read from the first to the last.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use serde_json::Value;
use umadb_core::db::UmaDb;
use umadb_core::mvcc::{Mvcc, StorageOptions};
use umadb_dcb::{DcbEvent, DcbEventStoreSync};
use wayfold_benches::by_hand::{History, Row, State};
use wayfold_core::{CustomerKey, Timestamp};

use crate::{Result, measure as measure_replay};

const EVENTS_PER_APPEND: usize = 10_000;
const EVENTS_PER_READ: u32 = 10_000;

fn open(path: &Path) -> Result<UmaDb> {
    let mvcc = Mvcc::new(false, StorageOptions::default().db_path(path))?;
    Ok(UmaDb::from_arc(Arc::new(mvcc)))
}

/// Writes all events.
pub(crate) fn make(history: &History, path: &Path) -> Result<()> {
    let store = open(path)?;
    for rows in history.rows.chunks(EVENTS_PER_APPEND) {
        let event = |row: &Row| {
            let customer = &history.customers[row.customer as usize].customer;
            let event = DcbEvent::new().event_type("happened").tags([customer.to_string()]);
            Ok(event.data(serde_json::to_vec(row)?))
        };
        store.append(rows.iter().map(event).collect::<Result<_>>()?, None, None)?;
    }
    Ok(())
}

/// Reads all events and folds them.
pub(crate) fn measure(as_of: Timestamp, path: &Path) -> Result<Value> {
    measure_replay(as_of, || {
        let store = open(path)?;
        let mut states: HashMap<String, State> = HashMap::new();
        let mut start = None;
        loop {
            let (events, head) = store.read_with_head(None, start, false, Some(EVENTS_PER_READ))?;
            let Some(head) = head else { break };
            for event in events {
                let row: Row = serde_json::from_slice(&event.event.data)?;
                let customer = event.event.tags.into_iter().next().ok_or("an event has no customer")?;
                states.entry(customer).or_default().evolve(&row);
            }
            start = Some(head + 1);
        }
        states.into_iter().map(|(customer, state)| Ok((CustomerKey::new(customer)?, state))).collect()
    })
}

//! Whole histories of customers, one after the other, for measures that look at all of it at once.

use std::collections::BTreeSet;

use super::cluster::{Clusters, Gathered, may_retract};
use super::customers::Customers;
use super::merged::Merged;
use crate::batch::{EventBatch, EventView, RowRef, sort_rows};
use crate::event::EventKind;
use crate::shard::Shard;
use crate::time::Timestamp;

/// The events of one customer in the order in which they are folded, without retracted ones and the retractions.
#[derive(Clone, Copy)]
pub struct History<'a> {
    customer: (&'a str, &'a str),
    events: &'a [EventView<'a>],
}

impl<'a> History<'a> {
    /// Tenant and customer as texts.
    pub fn customer(&self) -> (&'a str, &'a str) {
        self.customer
    }

    /// The events; there is at least one, unless the history was cut.
    pub fn events(&self) -> &'a [EventView<'a>] {
        self.events
    }

    /// The history up to an instant; there may be no event.
    pub fn until(&self, as_of: Timestamp) -> Self {
        let known = self.events.partition_point(|event| event.occurred_at() <= as_of);
        Self { customer: self.customer, events: &self.events[..known] }
    }
}

impl std::fmt::Debug for History<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("History")
            .field("customer", &self.customer)
            .field("events", &self.events.len())
            .finish()
    }
}

/// Calls with the history of each customer of a shard, up to an instant: by the spreads of their keys where each batch stands
/// in that order, and else as customers first occur.
///
/// The batches hold all events of these customers, in any order. A retraction counts whenever it happened, as in a
/// fold; who has nothing else is left out.
pub fn for_each_history(
    batches: &[EventBatch],
    customers: Shard,
    as_of: Timestamp,
    mut take: impl FnMut(&History<'_>),
) {
    let mut events = Vec::new();
    for_each_customer(batches, customers, as_of, |customer, whole| {
        events.clear();
        match whole {
            Gathered::Stretches(stretches) => {
                stretches.iter().for_each(|stretch| events.extend(stretch.views()));
            }
            Gathered::Rows(rows) => events.extend(rows.iter().map(|row| row.event(batches))),
        }
        if !events.is_empty() {
            take(&History { customer, events: &events });
        }
    });
}

/// Calls with tenant and customer of each customer of a shard, and with its events up to an instant, in the order in which they
/// are folded.
pub(super) fn for_each_customer<'a>(
    batches: &'a [EventBatch],
    customers: Shard,
    as_of: Timestamp,
    mut take: impl FnMut((&str, &str), Gathered<'a, '_>),
) {
    let may_retract = may_retract(batches);
    let mut rows = Vec::new();
    let mut take = |customer: (&str, &str), gathered: Gathered<'a, '_>| {
        if gathered.is_plain(as_of, may_retract) {
            take(customer, gathered);
        } else {
            gathered.put_rows(&mut rows);
            drop_retracted(batches, &mut rows);
            rows.retain(|row| row.hot.occurred_at <= as_of);
            sort_rows(batches, &mut rows);
            take(customer, Gathered::Rows(&rows));
        }
    };
    if let Some(merged) = Merged::new(batches, customers) {
        return merged.for_each(take);
    }
    let (mut clusters, mut numbers) = (Clusters::default(), Customers::default());
    clusters.gather(batches, &mut numbers, customers);
    clusters.iter().for_each(|(number, rows)| take(numbers.texts(number as usize), Gathered::Rows(rows)));
}

fn drop_retracted(batches: &[EventBatch], rows: &mut Vec<RowRef>) {
    let retracts = |row: &RowRef| row.hot.kind == EventKind::EventRetracted;
    if rows.iter().any(retracts) {
        let target = |row: &RowRef| row.event(batches).event_id("event");
        let targets: BTreeSet<_> = rows.iter().filter(|row| retracts(row)).filter_map(target).collect();
        rows.retain(|row| !retracts(row) && !targets.contains(&row.event(batches).id()));
    }
}

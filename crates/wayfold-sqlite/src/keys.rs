//! Numbers by which events are looked up: of their ids, customers and tags.

use std::hash::BuildHasher;

use hashbrown::DefaultHashBuilder;
use wayfold_core::{EventBatch, EventView};

/// Makes the numbers; seeded anew by every handle, so that nobody can choose names that fall together.
///
/// A number narrows down and never decides: whoever finds an event by it looks at the event.
#[derive(Debug, Clone, Default)]
pub(crate) struct Hasher(DefaultHashBuilder);

impl Hasher {
    /// Of the id of a tenant's event.
    pub(crate) fn id(&self, tenant: &str, event: &EventView<'_>) -> u64 {
        self.0.hash_one((tenant, event.id().as_u128()))
    }

    pub(crate) fn customer(&self, texts: (&str, &str)) -> u64 {
        self.0.hash_one(texts)
    }

    pub(crate) fn tag(&self, tag: &str) -> u64 {
        self.0.hash_one(tag)
    }
}

/// The numbers of the events of a batch, row by row.
#[derive(Debug, Clone, Default)]
pub(crate) struct Keys {
    pub(crate) ids: Vec<u64>,
    pub(crate) customers: Vec<u64>,
    tags: Vec<u64>,
    /// Where the tags of each row end.
    tag_ends: Vec<usize>,
}

impl Keys {
    pub(crate) fn of(hasher: &Hasher, batch: &EventBatch) -> Self {
        let mut keys = Self::with_capacity(batch.len());
        for event in batch.iter() {
            let texts = event.customer_texts();
            keys.ids.push(hasher.id(texts.0, &event));
            keys.customers.push(hasher.customer(texts));
            keys.tags.extend(event.tags().map(|tag| hasher.tag(tag)));
            keys.tag_ends.push(keys.tags.len());
        }
        keys
    }

    fn with_capacity(rows: usize) -> Self {
        Self {
            ids: Vec::with_capacity(rows),
            customers: Vec::with_capacity(rows),
            tags: Vec::with_capacity(rows),
            tag_ends: Vec::with_capacity(rows),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.ids.len()
    }

    pub(crate) fn tags(&self, row: usize) -> &[u64] {
        let start = row.checked_sub(1).map_or(0, |before| self.tag_ends[before]);
        &self.tags[start..self.tag_ends[row]]
    }

    /// The numbers of some rows, in the order given.
    pub(crate) fn select(&self, rows: &[usize]) -> Self {
        let mut keys = Self::with_capacity(rows.len());
        rows.iter().for_each(|row| keys.push(self, *row));
        keys
    }

    /// Adds the numbers of other rows behind these.
    pub(crate) fn extend(&mut self, others: &Self) {
        let before = self.tags.len();
        self.ids.extend_from_slice(&others.ids);
        self.customers.extend_from_slice(&others.customers);
        self.tags.extend_from_slice(&others.tags);
        self.tag_ends.extend(others.tag_ends.iter().map(|end| before + end));
    }

    fn push(&mut self, from: &Self, row: usize) {
        self.ids.push(from.ids[row]);
        self.customers.push(from.customers[row]);
        self.tags.extend_from_slice(from.tags(row));
        self.tag_ends.push(self.tags.len());
    }
}

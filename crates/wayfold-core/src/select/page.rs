//! A page of customers: the best of those seen, and the pages of shards joined.

use std::collections::BinaryHeap;

use super::cursor::Cursor;
use super::rank::Rank;
use crate::key::Tenant;
use crate::time::Timestamp;
use crate::view::CustomerView;

/// The answer to a [`Selection`](super::Selection): customers in order, and how many there are.
///
/// Pages of the shards of one log, each asked the same, merge into the page of the whole, in any order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    pub(super) asked: Asked,
    pub(super) entries: Vec<(Rank, CustomerView)>,
    pub(super) matching: u64,
    /// How many of them stand behind the cursor, on this page or later.
    pub(super) ahead: u64,
}

/// What a page answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) question: u64,
    pub(super) tenant: Tenant,
    pub(super) as_of: Timestamp,
    pub(super) rules: String,
    pub(super) limit: usize,
    pub(super) after: Option<Cursor>,
}

impl Page {
    /// The customers of the page, in order.
    pub fn customers(&self) -> impl ExactSizeIterator<Item = &CustomerView> {
        self.entries.iter().map(|(_, view)| view)
    }

    /// The customers of the page, in order.
    pub fn into_customers(self) -> Vec<CustomerView> {
        self.entries.into_iter().map(|(_, view)| view).collect()
    }

    /// How many customers the filter selects, on all pages together.
    pub fn matching(&self) -> u64 {
        self.matching
    }

    /// Where the next page begins; `None` if this is the last one, or was asked for no customer.
    pub fn next(&self) -> Option<Cursor> {
        let (last, _) = self.entries.last()?;
        (self.ahead > self.entries.len() as u64).then(|| Cursor::new(self.asked.question, last.clone()))
    }

    /// Joins pages of shards of one log, asked about the same tenant and instant, under the same rules, by the
    /// same selection.
    ///
    /// # Panics
    /// If the pages do not answer the same question.
    pub fn merge(mut self, other: Self) -> Self {
        assert_eq!(self.asked, other.asked, "only answers to one question can be merged");
        self.entries.extend(other.entries);
        self.entries.sort_by(|(a, _), (b, _)| a.cmp(b));
        self.entries.truncate(self.asked.limit);
        self.matching += other.matching;
        self.ahead += other.ahead;
        self
    }
}

/// A customer who may stand on the page.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Candidate {
    pub(super) rank: Rank,
    pub(super) customer: usize,
}

/// The best candidates, never more than the limit.
#[derive(Debug)]
pub(super) struct Best {
    limit: usize,
    heap: BinaryHeap<Candidate>,
}

impl Best {
    pub(super) fn new(limit: usize) -> Self {
        Self { limit, heap: BinaryHeap::new() }
    }

    pub(super) fn offer(&mut self, candidate: Candidate) {
        if self.heap.len() < self.limit {
            self.heap.push(candidate);
        } else if let Some(mut worst) = self.heap.peek_mut()
            && candidate < *worst
        {
            *worst = candidate;
        }
    }

    pub(super) fn into_sorted(self) -> Vec<Candidate> {
        self.heap.into_sorted_vec()
    }
}

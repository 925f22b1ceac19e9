//! What every import has in common: it gives batches of events and says how far it is.

use std::collections::BTreeMap;

use wayfold_core::EventBatch;

use crate::error::{Problem, Result};

/// A file, or anything else, that gives events in batches.
pub trait EventSource {
    /// Gives the next events, or `None` at the end.
    ///
    /// # Behavior
    /// - A batch holds at least one event.
    /// - The same input gives the same events in the same order, whatever the size of the batches.
    /// - After the end it gives `None` again; after an error it gives the same error again.
    ///
    /// # Errors
    /// What stops the import. Events that were built but not yet handed out are dropped, so that the caller
    /// never holds half of a batch; a new import gives them again under the same ids.
    fn next_batch(&mut self) -> Result<Option<EventBatch>>;

    /// Says how far the import is.
    fn progress(&self) -> Progress;
}

/// How far an import is, and what became of the rows so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// The file's name, as the import was given it.
    pub file: String,
    /// Bytes read, as they lie in the file, compressed or not.
    pub bytes_read: u64,
    /// Bytes of the file, where that is known.
    pub bytes_total: Option<u64>,
    /// Rows read, without the header.
    pub rows: u64,
    /// Events handed out.
    pub events: u64,
    /// Rows that became no event because the mapping says so.
    pub skipped_rows: u64,
    /// Rows that were rejected.
    pub rejected_rows: u64,
    /// Skipped rows by the reason that the mapping states; see [`NO_RULE`].
    pub skipped_by_reason: BTreeMap<String, u64>,
    /// Rejected rows by what is wrong with them.
    pub rejected_by_problem: BTreeMap<Problem, u64>,
    /// Events of kinds that this version does not know, by the name of the kind.
    pub unknown_kinds: BTreeMap<String, u64>,
}

/// The reason that is counted for rows to which no rule of the mapping applies.
pub const NO_RULE: &str = "no rule applies";

impl Progress {
    pub(crate) fn skip(&mut self, reason: &str) {
        self.skipped_rows += 1;
        match self.skipped_by_reason.get_mut(reason) {
            Some(count) => *count += 1,
            None => {
                self.skipped_by_reason.insert(reason.to_owned(), 1);
            }
        }
    }

    pub(crate) fn reject(&mut self, problem: Problem) {
        self.rejected_rows += 1;
        *self.rejected_by_problem.entry(problem).or_default() += 1;
    }
}

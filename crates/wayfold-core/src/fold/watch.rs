//! Filters that a teller watches: who is selected, and what an answer that fails leads to.

use std::sync::{Arc, OnceLock};

use super::Fold;
use crate::error::{Error, Result};
use crate::projection::ProjectionSet;
use crate::select::{FilterVerdict, PreparedFilter};
use crate::time::Timestamp;

/// The watched filters of a set, made ready.
#[derive(Debug, Default)]
pub(super) struct Watched {
    filters: Vec<(Arc<str>, u32, PreparedFilter)>,
    /// The first answer that failed; from then on nothing is told.
    failure: OnceLock<Error>,
}

impl Watched {
    pub(super) fn of(projections: &ProjectionSet) -> Result<Arc<Self>> {
        let prepared = projections.watched().iter().map(|watched| {
            let filter = PreparedFilter::new(projections, &watched.filter);
            let filter = filter.map_err(|error| error.at(format_args!("segment {:?}", watched.segment)))?;
            Ok((Arc::from(watched.segment.as_str()), watched.version, filter))
        });
        Ok(Arc::new(Self { filters: prepared.collect::<Result<_>>()?, failure: OnceLock::new() }))
    }

    pub(super) fn failure(&self) -> Option<&Error> {
        self.failure.get()
    }

    /// The number of a filter by its name, and its version: of several the newest.
    pub(super) fn number(&self, segment: &str) -> Option<(usize, u32)> {
        let named = self.filters.iter().enumerate().filter(|(_, (name, ..))| **name == *segment);
        named.map(|(number, (_, version, _))| (number, *version)).max_by_key(|(_, version)| *version)
    }
}

impl Fold {
    /// Which of the watched filters select a customer, and the last microsecond up to which that stays so.
    pub(super) fn memberships(&self, customer: usize, at: Timestamp) -> (Vec<Membership>, Timestamp) {
        let mut until = Timestamp::MAX;
        let mut memberships = Vec::new();
        for (segment, version, filter) in &self.watched.filters {
            let verdict = filter.judge(self, customer, at).unwrap_or_else(|error| {
                let _ = self.watched.failure.set(error.at(format_args!("segment {segment:?}")));
                FilterVerdict { holds: false, until: None }
            });
            until = until.min(verdict.until.unwrap_or(Timestamp::MAX));
            memberships.push(Membership {
                segment: segment.clone(),
                version: *version,
                is_member: verdict.holds,
            });
        }
        (memberships, until)
    }

    /// Whether a watched filter selects a customer.
    pub(super) fn is_member(&self, number: usize, customer: usize, at: Timestamp) -> Result<bool> {
        Ok(self.watched.filters[number].2.judge(self, customer, at)?.holds)
    }
}

/// Whether a customer belongs to a segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Membership {
    pub(crate) segment: Arc<str>,
    pub(crate) version: u32,
    pub(crate) is_member: bool,
}

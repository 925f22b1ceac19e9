//! How an import runs: sizes, limits, the clock, and what happens to bad rows.

use std::fmt;

use wayfold_core::{Limits, Timestamp, Upcasters};

use crate::rejects::Rejects;
use crate::source::Progress;

/// What happens to a row that cannot become an event.
#[derive(Debug, Default)]
#[non_exhaustive]
pub enum OnBadRow {
    /// The import stops with an error. The default.
    #[default]
    Stop,
    /// The row is written to the rejects and the import goes on; a group with a bad row is rejected whole.
    Reject(Rejects),
}

/// A callback that learns how far an import is.
pub type OnProgress = Box<dyn FnMut(&Progress) + Send>;

/// How an import runs.
#[non_exhaustive]
pub struct ImportOptions {
    /// Events of a batch; the last one may hold fewer, and one ends early where [`Limits`] say so. Default
    /// 10,000.
    pub batch_events: usize,
    /// What an event and a batch may hold.
    pub limits: Limits,
    /// The clock. With it, events beyond `now` plus [`Limits::future_max`] are bad rows; without it, which is
    /// the default, nobody looks: no import reads the clock by itself.
    pub now: Option<Timestamp>,
    /// What happens to bad rows. Default: the import stops.
    pub on_bad_row: OnBadRow,
    /// Bytes of a row or line of text; a longer one stops the import, because it is most often a quote that is never
    /// closed. In JSON Lines and OCEL a longer one is a bad row, and only one 16 times as long stops the import. Default 4 MiB.
    pub row_bytes_max: u64,
    /// Bytes of memory for the ids and types of the objects of a log in OCEL, which its events refer to; a log with more
    /// stops the import. Default 1 GiB.
    pub objects_bytes_max: u64,
    /// The steps by which events of our own in older schema versions are lifted. Default: the library's own steps.
    pub upcasters: Upcasters,
    /// Is called after every batch, and at least every 65,536 rows.
    pub on_progress: Option<OnProgress>,
}

impl Default for ImportOptions {
    fn default() -> Self {
        Self {
            batch_events: 10_000,
            limits: Limits::default(),
            now: None,
            on_bad_row: OnBadRow::Stop,
            row_bytes_max: 4 << 20,
            objects_bytes_max: 1 << 30,
            upcasters: Upcasters::default(),
            on_progress: None,
        }
    }
}

impl ImportOptions {
    /// Sets how many events a batch holds; 0 counts as 1.
    pub fn with_batch_events(mut self, batch_events: usize) -> Self {
        self.batch_events = batch_events;
        self
    }

    /// Sets what an event and a batch may hold.
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Sets the clock by which events of the future are refused.
    pub fn with_now(mut self, now: Timestamp) -> Self {
        self.now = Some(now);
        self
    }

    /// Sets what happens to bad rows.
    pub fn with_on_bad_row(mut self, on_bad_row: OnBadRow) -> Self {
        self.on_bad_row = on_bad_row;
        self
    }

    /// Sets how many bytes a row may have.
    pub fn with_row_bytes_max(mut self, row_bytes_max: u64) -> Self {
        self.row_bytes_max = row_bytes_max;
        self
    }

    /// Sets how many bytes the objects of a log in OCEL may take.
    pub fn with_objects_bytes_max(mut self, objects_bytes_max: u64) -> Self {
        self.objects_bytes_max = objects_bytes_max;
        self
    }

    /// Sets the steps by which events of our own in older schema versions are lifted.
    pub fn with_upcasters(mut self, upcasters: Upcasters) -> Self {
        self.upcasters = upcasters;
        self
    }

    /// Sets who learns how far the import is.
    pub fn with_on_progress(mut self, on_progress: impl FnMut(&Progress) + Send + 'static) -> Self {
        self.on_progress = Some(Box::new(on_progress));
        self
    }
}

impl fmt::Debug for ImportOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ImportOptions")
            .field("batch_events", &self.batch_events)
            .field("limits", &self.limits)
            .field("now", &self.now)
            .field("on_bad_row", &self.on_bad_row)
            .field("row_bytes_max", &self.row_bytes_max)
            .field("objects_bytes_max", &self.objects_bytes_max)
            .field("upcasters", &self.upcasters)
            .finish_non_exhaustive()
    }
}

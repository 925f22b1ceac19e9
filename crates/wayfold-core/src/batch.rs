//! The currency of the library: events as columns, self-contained.

mod builder;
mod columns;
mod gather;
mod later;
mod lift;
mod picked;
mod raw;
mod run;
mod same;
mod view;

use std::sync::Arc;

pub use self::builder::BatchBuilder;
pub(crate) use self::columns::{Columns, NONE, OrderFacts};
pub use self::later::ColumnSource;
pub use self::raw::{
    ColumnGroup, RawBatch, RawColumn, RawOffsets, RawPacked, RawTexts, RawValues, is_label, is_numeric_field,
};
pub(crate) use self::run::{RowRef, Run, Stretch, rows_of, sort_rows};
pub(crate) use self::view::HotRow;
pub use self::view::{EventView, LineView};
use crate::error::Result;
use crate::event::{Extent, JourneyEvent, Limits};
use crate::key::{CustomerKey, Position};
use crate::time::Timestamp;

/// Events as columns, in the order in which they were built.
///
/// The dictionaries of its texts travel in it and its numbers are local, so that a batch can be stored,
/// sent and folded alone. It is built once by a [`BatchBuilder`] and never changed; cloning is cheap.
///
/// ```
/// use wayfold_core::{CustomerKey, EventBatch, EventId, EventKind, JourneyEvent, Registered, Timestamp};
///
/// let at = Timestamp::parse("2024-01-01")?;
/// let event = JourneyEvent::new(EventId::from_u128(7), CustomerKey::new("c1")?, at, Registered {});
/// let batch = EventBatch::from_events([&event])?;
/// assert_eq!(batch.event(0).kind(), EventKind::Registered);
/// assert_eq!(batch.event(0).to_event(), event);
/// # Ok::<(), wayfold_core::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct EventBatch {
    columns: Arc<Columns>,
}

impl EventBatch {
    /// Builds a batch with the default limits.
    ///
    /// # Errors
    /// As [`BatchBuilder::push`].
    pub fn from_events<'a>(events: impl IntoIterator<Item = &'a JourneyEvent>) -> Result<Self> {
        let mut builder = BatchBuilder::new(Limits::default());
        for event in events {
            builder.push(event)?;
        }
        Ok(builder.finish())
    }

    /// A batch without events.
    pub fn empty() -> Self {
        BatchBuilder::new(Limits::default()).finish()
    }

    /// How many events it holds.
    pub fn len(&self) -> usize {
        self.columns.kind.len()
    }

    /// Says whether it holds no event.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The bytes of all texts, each counted once.
    pub fn text_bytes(&self) -> usize {
        self.columns.whole().texts.bytes.len()
    }

    /// What it holds of all that limits count.
    pub fn extent(&self) -> Extent {
        let count = || self.iter().fold(Extent::default(), |sum, event| sum.with(&event.to_event()));
        self.columns.extent.unwrap_or_else(count)
    }

    /// The event in a row.
    ///
    /// # Panics
    /// If the row is not below [`EventBatch::len`].
    #[inline]
    pub fn event(&self, row: usize) -> EventView<'_> {
        assert!(row < self.len(), "row {row} of a batch of {}", self.len());
        EventView::new(&self.columns, row)
    }

    /// The events in the order of the rows.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = EventView<'_>> {
        (0..self.len()).map(|row| EventView::new(&self.columns, row))
    }

    /// Owned events in the order of the rows.
    pub fn to_events(&self) -> Vec<JourneyEvent> {
        self.iter().map(|event| event.to_event()).collect()
    }

    /// The distinct customers by their number in the batch.
    pub fn customers(&self) -> impl ExactSizeIterator<Item = CustomerKey> {
        (0..self.columns.customers.len()).map(|number| self.columns.customer_key(number))
    }

    /// The [`CustomerKey::spread`] of each distinct customer, by its number in the batch.
    pub fn spreads(&self) -> &[u64] {
        self.columns.spreads()
    }

    /// A batch of events of other batches, in the order given, with what their stores recorded; if one of the
    /// events is not recorded, none is.
    pub fn from_views<'a>(events: impl IntoIterator<Item = EventView<'a>>) -> Self {
        gather::gather(events)
    }

    /// The same events with the positions and the recording time that a store gave them.
    ///
    /// # Panics
    /// If there is not one position for each event.
    pub fn recorded(self, positions: Vec<Position>, recorded_at: Timestamp) -> Self {
        assert_eq!(positions.len(), self.len(), "a store gives one position to each event");
        let mut columns = match &self.columns.later {
            None => Arc::unwrap_or_clone(self.columns),
            Some(later) => later.whole().clone(),
        };
        columns.recorded_at = vec![recorded_at.as_micros(); positions.len()];
        columns.positions = positions;
        Self { columns: Arc::new(columns) }
    }

    pub(crate) fn columns(&self) -> &Columns {
        &self.columns
    }
}

impl PartialEq for EventBatch {
    /// Compares the events; two batches may number their texts differently.
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.iter().zip(other.iter()).all(|(a, b)| a.to_event() == b.to_event())
    }
}

//! Parts of a log for a fold: read by customer, by several readers side by side.

use std::fmt;

use wayfold_core::{EventBatch, EventView, Position, Shard};

use crate::error::Result;

/// A part of the log for a fold.
///
/// Each lane is read once, from one end to the other, by whichever thread; what it reads may be decoded on the way. A
/// part that is not read to the end of each lane, or of which a lane fails, is as if it had not been read.
pub struct Scan<'a> {
    /// One for each that was asked for: lane *i* of *n* holds the customers of [`Shard::new`]`(i, n)`.
    pub lanes: Vec<Lane<'a>>,
    /// How many events there are in all lanes.
    pub events: u64,
    /// Up to where the log is read.
    pub position: Position,
    /// Whether that was the end of the log.
    pub is_last: bool,
}

/// What a lane reads, part by part.
pub type Lane<'a> = Box<dyn Iterator<Item = Result<ScanPart>> + Send + 'a>;

/// Events that are folded together.
#[derive(Debug, Clone)]
pub struct ScanPart {
    /// The customers whose events these are.
    pub customers: Shard,
    /// Their events, with positions and recording times, in no particular order; events of other customers among
    /// them are not meant. A batch may be read and decoded as far as it is looked at: whoever has folded it asks for its
    /// [`EventBatch::failure`], and drops it, because until then its store may keep a transaction open for it.
    pub batches: Vec<EventBatch>,
}

impl ScanPart {
    /// The events that are meant.
    pub fn events(&self) -> impl Iterator<Item = EventView<'_>> {
        let is_meant = |event: &EventView<'_>| {
            let (tenant, customer) = event.customer_texts();
            self.customers.holds(tenant, customer)
        };
        self.batches.iter().flat_map(EventBatch::iter).filter(is_meant)
    }
}

impl<'a> Scan<'a> {
    /// A part that is in memory, up to a position.
    pub fn of_batches(mut batches: Vec<EventBatch>, lanes: usize, position: Position, is_last: bool) -> Self {
        batches.retain(|batch| !batch.is_empty());
        let events = batches.iter().map(|batch| batch.len() as u64).sum();
        let lane = |index| -> Lane<'a> {
            let part = ScanPart { customers: Shard::new(index, lanes), batches: batches.clone() };
            Box::new((events > 0).then_some(Ok(part)).into_iter())
        };
        Self { lanes: (0..lanes).map(lane).collect(), events, position, is_last }
    }

    /// Reads every lane, one after the other.
    ///
    /// # Errors
    /// As the lanes.
    pub fn read(self) -> Result<Vec<ScanPart>> {
        self.lanes.into_iter().flatten().collect()
    }
}

impl fmt::Debug for Scan<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scan")
            .field("lanes", &self.lanes.len())
            .field("events", &self.events)
            .field("position", &self.position)
            .field("is_last", &self.is_last)
            .finish()
    }
}

//! The port between Wayfold and a log: what a store must do, and the memory store that shows how.
//!
//! ```
//! use wayfold_core::{CustomerKey, EventBatch, EventId, JourneyEvent, Position, Registered, Timestamp};
//! use wayfold_store::{AppendOutcome, EventStore, MemoryStore, ReadQuery};
//!
//! # pollster::block_on(async {
//! let store = MemoryStore::new();
//! let at = Timestamp::parse("2024-01-01")?;
//! let event = JourneyEvent::new(EventId::from_u128(7), CustomerKey::new("c1")?, at, Registered {});
//! let batch = EventBatch::from_events([&event])?;
//!
//! assert!(matches!(store.append(batch.clone(), None).await?, AppendOutcome::Appended { .. }));
//! assert!(matches!(store.append(batch, None).await?, AppendOutcome::AlreadyTaken { .. }));
//! let page = store.read(ReadQuery::all(), Position::START, 100).await?;
//! assert_eq!(page.batch.len(), 1);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # }).unwrap();
//! ```
//!
//! The main types are [`EventStore`], which adapters implement, [`MemoryStore`], [`ReadQuery`],
//! [`AppendCondition`] and [`AppendOutcome`]. [`TracedStore`] and [`FaultStore`] stand around any store, also an
//! `Arc<dyn EventStore>`: the one tells what it does, the other fails as planned. This crate has no threads and needs no runtime.

mod admit;
mod error;
mod layer;
mod memory;
mod outcome;
mod query;
mod scan;
mod store;
mod today;

pub use self::admit::{admit, admit_instant};
pub use self::error::{Error, ErrorKind, Result, Written};
pub use self::layer::{FaultStore, TracedStore};
pub use self::memory::MemoryStore;
pub use self::outcome::{AppendOutcome, Capabilities, Checkpoint, CheckpointName, ReadPage};
pub use self::query::{AppendCondition, Direction, EventFilter, KindFilter, ReadQuery};
pub use self::scan::{Lane, Scan, ScanPart};
pub use self::store::{BoxFuture, EventStore, EventStoreExt};
pub use self::today::{is_same_event, lifted};

//! The embedded store of Wayfold: the whole log in one SQLite file, durable, for many threads and processes.
//!
//! ```
//! use wayfold_core::{CustomerKey, EventBatch, EventId, JourneyEvent, Position, Registered, Timestamp};
//! use wayfold_sqlite::{SqliteConfig, SqliteStore};
//! use wayfold_store::{AppendOutcome, EventStore, ReadQuery};
//!
//! # pollster::block_on(async {
//! # let folder = std::env::temp_dir().join(format!("wayfold-doc-{}", std::process::id()));
//! # std::fs::create_dir_all(&folder)?;
//! let store = SqliteStore::open(folder.join("customers.wayfold"), SqliteConfig::default())?;
//! let at = Timestamp::parse("2024-01-01")?;
//! let event = JourneyEvent::new(EventId::from_u128(7), CustomerKey::new("c1")?, at, Registered {});
//! let batch = EventBatch::from_events([&event])?;
//!
//! assert!(matches!(store.append(batch, None).await?, AppendOutcome::Appended { new: 1, .. }));
//! let page = store.read(ReadQuery::all(), Position::START, 100).await?;
//! assert_eq!(page.batch.len(), 1);
//! store.close()?;
//! # std::fs::remove_dir_all(&folder)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # }).unwrap();
//! ```
//!
//! The main types are [`SqliteStore`], its [`SqliteConfig`] and the [`CheckReport`] of a whole look at the file.
//! It is not for a network file system: SQLite's write-ahead log needs the memory of one machine.
//!
//! # What it tells
//!
//! What a caller sees, [`TracedStore`](wayfold_store::TracedStore) tells. What happens inside is told here, by the
//! facades `tracing` and `metrics`: the spans `wayfold.sqlite.commit` (`calls`) and `wayfold.sqlite.seal` (`merges`)
//! of level `debug`, a warning when sealing fails, the histogram `wayfold_sqlite_group_calls` (calls of one commit)
//! and the counters `wayfold_sqlite_sealed_blocks_total`, `wayfold_sqlite_sealed_events_total` and
//! `wayfold_sqlite_sealed_bytes_total` (what sealing and merging wrote, each time anew) and
//! `wayfold_sqlite_seal_failures_total`.

mod archive;
mod backup;
mod build;
mod check;
mod compact;
mod config;
mod error;
mod group;
mod history;
mod identity;
mod judge;
mod keys;
mod lifted;
mod merging;
mod part;
mod plan;
mod pool;
mod read;
mod record;
mod reply;
mod scan;
mod schema;
mod sealed;
mod slice;
mod state;
mod store;
mod subscribe;
mod tail;
mod thread;
mod turn;
mod wal;
mod writer;

pub use self::check::CheckReport;
pub use self::config::{Durability, SqliteConfig};
pub use self::store::SqliteStore;

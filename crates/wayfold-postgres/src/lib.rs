//! The store of Wayfold for services: the log in a PostgreSQL database, for many processes at once, readable in SQL.
//!
//! ```no_run
//! use wayfold_core::{CustomerKey, EventBatch, EventId, JourneyEvent, Position, Registered, Timestamp};
//! use wayfold_postgres::{PostgresConfig, PostgresStore};
//! use wayfold_store::{AppendOutcome, EventStore, ReadQuery};
//!
//! # pollster::block_on(async {
//! let store = PostgresStore::open(PostgresConfig::new("host=db user=shop dbname=shop")).await?;
//! let at = Timestamp::parse("2024-01-01")?;
//! let event = JourneyEvent::new(EventId::from_u128(7), CustomerKey::new("c1")?, at, Registered {});
//! let batch = EventBatch::from_events([&event])?;
//!
//! assert!(matches!(store.append(batch, None).await?, AppendOutcome::Appended { new: 1, .. }));
//! let page = store.read(ReadQuery::all(), Position::START, 100).await?;
//! assert_eq!(page.batch.len(), 1);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # }).unwrap();
//! ```
//!
//! The main types are [`PostgresStore`] and its [`PostgresConfig`]. [`PostgresStore::append_in`] appends in a transaction of
//! the caller's own, by the driver [`tokio_postgres`], and [`PostgresStore::move_checkpoint_in`] keeps there how far tables
//! of the caller's follow the log. PostgreSQL 13 or newer is needed. The tables, the
//! rights of roles and queries for people are in the guide `docs/guide/postgres.md`; why the log is ordered as it is, in
//! `docs/adr/0011-the-log-in-postgresql.md` and `docs/adr/0014-places-are-drawn-in-order.md`; how it is sealed for folds, in
//! `docs/adr/0017-sealed-blocks-are-copies-of-rows.md`.
//!
//! # What it tells
//!
//! What a caller sees, [`TracedStore`](wayfold_store::TracedStore) tells. Here the histogram
//! `wayfold_postgres_held_back_seconds` says how long reads waited for transactions that hold back what is committed; a
//! warning is written when the log cannot be followed, and when sealing fails. Sealing has the span
//! `wayfold.postgres.seal` of level `debug`, and the counters `wayfold_postgres_sealed_blocks_total`,
//! `wayfold_postgres_sealed_events_total` and `wayfold_postgres_sealed_bytes_total` (what was written, each time anew) and
//! `wayfold_postgres_seal_failures_total`.
//!
//! # For clusters
//!
//! A [`ShardMap`] says which of several databases has which customers, and a [`Lease`] who alone may write the states of a
//! shard. `wayfold::cluster` stands on both.
//!
mod append;
mod backoff;
mod block;
mod check;
mod checkpoint;
mod compact;
mod config;
mod error;
mod frontier;
mod lease;
mod locks;
mod moving;
mod place;
mod read;
mod row;
mod runtime;
mod scan;
mod schema;
mod seal;
mod sealed;
mod session;
mod shard_map;
mod sql;
mod store;
mod subscribe;
mod text;
mod tls;
mod transaction;

pub use tokio_postgres;

pub use self::check::CheckReport;
pub use self::checkpoint::CheckpointOutcome;
pub use self::config::PostgresConfig;
pub use self::lease::{Lease, LeaseRequest, Leases};
pub use self::moving::Contents;
pub use self::scan::ShardScan;
pub use self::shard_map::{MapOutcome, MoveStage, ShardMap, StoredShardMap};
pub use self::store::PostgresStore;

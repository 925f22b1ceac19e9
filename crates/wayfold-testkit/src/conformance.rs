//! What every [`EventStore`](wayfold_store::EventStore) must do, as named cases that an adapter runs by one
//! macro call.
//!
//! The adapter says how to make a log; the suite does the rest. A complete `tests/conformance.rs`:
//!
//! ```
//! use std::sync::Arc;
//! use wayfold_store::MemoryStore;
//! use wayfold_testkit::conformance::{LogConfig, OpenLog, Opened, StoreBench};
//!
//! struct Bench;
//!
//! impl StoreBench for Bench {
//!     fn log(&self, config: LogConfig) -> OpenLog {
//!         // A store on disk makes its folder here, and moves it into the closure.
//!         Box::new(move || {
//!             let clock = config.clock.clone();
//!             let store = MemoryStore::with_limits(config.limits.clone()).with_clock(move || clock.now());
//!             let store = Arc::new(store);
//!             // A store that merges in the background does it where the suite asks for it.
//!             Opened::new(store.clone()).with_upkeep(move || drop(store.clone()))
//!         })
//!     }
//! }
//!
//! wayfold_testkit::conformance!(my_store, Bench);
//! # fn main() {}
//! ```
//!
//! The call makes a module `my_store` with one test for each case, the model test in four parts, and a test
//! that the cases that were left out are those which the store's
//! [`Capabilities`](wayfold_store::Capabilities) rule out, and no others. Nothing else leaves a case out; what
//! is left out prints `RULED OUT by capability: my_store::reopening::ids_stay_taken (durable)`.
//!
//! The model test does random operations on the store and on the memory store side by side. Every case has a
//! store that breaks its rule, in the tests of this crate.

mod append;
mod bench;
mod case;
mod checkpoints;
mod concurrency;
mod condition;
mod content;
mod events;
mod filters;
mod ids;
mod limits;
mod list;
mod model;
mod names;
mod order;
mod read;
mod reopening;
mod scan;
mod sharing;
mod snapshots;
mod subscription;
mod trial;
mod waiting;

pub use self::bench::{LogConfig, MemoryBench, OpenLog, Opened, StoreBench, TestClock};
pub use self::case::{Case, Need, Verdict};
pub use self::condition::condition_cells;
pub use self::list::{CASES, assert_ruled_out_as_declared, is_missing, run};
pub use self::model::{MODEL_PARTS, check_model};

//! Seeded histories and streams of events.

#[path = "workload/w.rs"]
pub mod stream;

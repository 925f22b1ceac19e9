//! Seeded histories and streams of events.

pub mod answer_a;
#[path = "workload/w.rs"]
pub mod stream;

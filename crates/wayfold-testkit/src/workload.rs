//! Seeded histories and streams of events.

pub mod s;
pub mod w;

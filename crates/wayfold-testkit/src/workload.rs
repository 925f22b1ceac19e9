//! Seeded histories and streams of events.

pub mod hostile;
pub mod s;
pub mod w;

//! Seeded histories and streams of events.

pub mod answer_a;
pub mod hostile;
pub mod s;
pub mod w;

//! Seeded histories and streams of events.

pub mod answer_a;
pub mod answer_b;
pub mod hostile;
pub mod s;
pub mod w;

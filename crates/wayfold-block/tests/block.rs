//! Blocks give back what was put in, at their best and at their worst.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "block/hostile.rs"]
mod hostile;
#[path = "block/limits.rs"]
mod limits;
#[path = "block/sealed.rs"]
mod sealed;
#[path = "block/support.rs"]
mod support;

//! Blocks give back what was put in, at their best and at their worst.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "block/document.rs"]
mod document;
#[path = "block/golden.rs"]
mod golden;
#[path = "block/hostile.rs"]
mod hostile;
#[path = "block/limits.rs"]
mod limits;
#[path = "block/reference.rs"]
mod reference;
#[path = "block/sealed.rs"]
mod sealed;
#[path = "block/support.rs"]
mod support;

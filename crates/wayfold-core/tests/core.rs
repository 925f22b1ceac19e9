//! Tests of the core through its public interface.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "core/alone.rs"]
mod alone;
#[path = "core/explain.rs"]
mod explain;
#[path = "core/fold.rs"]
mod fold;
#[path = "core/golden.rs"]
mod golden;
#[path = "core/interest.rs"]
mod interest;
#[path = "core/invalid.rs"]
mod invalid;
#[path = "core/loyalty.rs"]
mod loyalty;
#[path = "core/packed.rs"]
mod packed;
#[path = "core/population.rs"]
mod population;
#[path = "core/projection.rs"]
mod projection;
#[path = "core/raw.rs"]
mod raw;
#[path = "core/roundtrip.rs"]
mod roundtrip;
#[path = "core/select.rs"]
mod select;
#[path = "core/select_document.rs"]
mod select_document;
#[path = "core/select_pages.rs"]
mod select_pages;
#[path = "core/snapshot.rs"]
mod snapshot;
#[path = "core/snapshot_damage.rs"]
mod snapshot_damage;
#[path = "core/support.rs"]
mod support;
#[path = "core/upcast.rs"]
mod upcast;
#[path = "core/verdict.rs"]
mod verdict;

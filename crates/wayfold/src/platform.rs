//! What the engine takes of the platform: threads, locks and waits.
//!
//! In the unit tests their twins of `shuttle` stand in for them, which decides at each of them who goes on, so that a
//! test tries many orders in which threads and tasks meet.

#[cfg(not(test))]
mod real {
    pub(crate) use std::sync::{Mutex, RwLock, atomic};
    pub(crate) use std::thread;

    pub(crate) use event_listener::Event;
    pub(crate) use futures_timer::Delay;
    pub(crate) use pollster::block_on;

    /// Locks that a task waits for without holding its thread.
    pub(crate) mod task {
        pub(crate) use async_lock::{Mutex, RwLock, RwLockReadGuard};
    }
}

#[cfg(test)]
mod explored;

#[cfg(test)]
pub(crate) use explored::*;
#[cfg(not(test))]
pub(crate) use real::*;

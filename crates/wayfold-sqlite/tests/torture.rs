//! The store is cut off from power, killed, failed by its file system, and damaged; it loses nothing.

#![allow(clippy::unwrap_used, reason = "a test that meets an unexpected error fails there")]

mod torture {
    pub(crate) mod disk;
    pub(crate) mod panics;
    pub(crate) mod run;
    pub(crate) mod script;
    pub(crate) mod verify;
    pub(crate) mod vfs;

    mod fault;
    mod flip;
    mod kill;
    mod power;
}

//! The store is cut off from power, killed, failed by its file system, and damaged; it loses nothing.

#![allow(clippy::unwrap_used, reason = "a test that meets an unexpected error fails there")]

mod torture {
    pub(crate) mod child;
    pub(crate) mod disk;
    pub(crate) mod effort;
    pub(crate) mod run;
    pub(crate) mod scratch;
    pub(crate) mod script;
    pub(crate) mod verify;
    pub(crate) mod vfs;

    mod fault;
    mod kill;
    mod power;
}

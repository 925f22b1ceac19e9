//! What is special to this store: transactions that end out of order, a server that is far away, and SQL.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod native {
    pub(crate) mod support;

    mod convergence;
    mod cut;
    mod failover;
    mod faults;
    mod full;
    mod held_back;
    mod leases;
    mod listening;
    mod pages;
    mod races;
    mod reach;
    mod read_model;
    mod restored;
    mod rights;
    mod schema;
    mod sealed;
    mod secrets;
    mod shard_map;
    mod sql;
    #[cfg(feature = "tls")]
    mod tls;
    mod told;
    mod transaction;
    mod upcasting;
    mod writers;
}

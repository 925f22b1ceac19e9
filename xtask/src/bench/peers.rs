//! The other engines: which file each reads, and what it is called.

use anyhow::Result;

use super::Bench;
use super::files::{Files, PARQUET, TABLE};
use super::process::{Contender, Who, text};

/// What a peer is asked with.
#[derive(Debug)]
pub(super) struct Peer {
    pub(super) name: &'static str,
    /// The package, which is also what the script calls the engine.
    package: &'static str,
    file: &'static str,
}

pub(super) const DUCKDB: &str = "DuckDB, Parquet";
pub(super) const DUCKDB_TABLE: &str = "DuckDB, own table";
pub(super) const POLARS: &str = "Polars, Parquet";
/// Runs beside a fold in memory.
pub(super) const BOUND: &str = "written by hand, answer A alone";

const PEERS: [Peer; 3] = [
    Peer { name: DUCKDB, package: "duckdb", file: PARQUET },
    Peer { name: DUCKDB_TABLE, package: "duckdb", file: TABLE },
    Peer { name: POLARS, package: "polars", file: PARQUET },
];

/// Threads of every peer.
const THREADS: &str = "2";

/// Those of the named peers that are there.
pub(super) fn contenders(
    bench: &Bench,
    files: &Files,
    question: &str,
    as_of_us: i64,
    wanted: &[&str],
) -> Result<Vec<Contender>> {
    // All files are made by DuckDB, so that without it nobody has one.
    let is_there = |peer: &&Peer| bench.python.has("duckdb") && bench.python.has(peer.package);
    let peers = PEERS.iter().filter(|peer| wanted.contains(&peer.name)).filter(is_there);
    let contender = |peer: &Peer| {
        let (script, file) = (bench.python.scripts.join("answer.py"), files.peers_file(bench, peer.file)?);
        let as_of_us = as_of_us.to_string();
        let arguments = [text(&script)?, question, peer.package, text(&file)?, THREADS, &as_of_us];
        Ok(Contender::new(Who::Peer(peer.name), &bench.python.program, &arguments))
    };
    peers.map(contender).collect()
}

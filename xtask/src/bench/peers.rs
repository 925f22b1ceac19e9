//! The other engines: how each is asked, and from which file.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use super::Bench;
use super::files::{Files, PARQUET, TABLE};
use super::process::{Contender, Who, finish, text};

pub(super) const DUCKDB: &str = "DuckDB, Parquet";
pub(super) const DUCKDB_TABLE: &str = "DuckDB, own table";
pub(super) const POLARS: &str = "Polars, Parquet";
/// Runs beside a fold in memory.
pub(super) const BOUND: &str = "written by hand, answer A alone";
pub(super) const CQRS_MEMORY: &str = "cqrs-es, typed in memory";
pub(super) const CQRS_JSON: &str = "cqrs-es, rows of JSON";
pub(super) const UMADB: &str = "UmaDB, in process";
pub(super) const EVENTSOURCING: &str = "Python eventsourcing, SQLite";

/// Threads of every engine that is asked by a query.
const THREADS: &str = "2";

/// How a peer is asked.
#[derive(Debug, Clone, Copy)]
enum How {
    /// By a query of an engine, which is also its package, over a file.
    Query { engine: &'static str, file: &'static str },
    /// By a command of the program of Rust peers, which makes its events itself.
    Rust(&'static str),
    /// By the same program, over a file of UmaDB.
    UmaDb,
    /// By a script over a file of the library eventsourcing.
    Eventsourcing,
}

const PEERS: [(&str, How); 7] = [
    (DUCKDB, How::Query { engine: "duckdb", file: PARQUET }),
    (DUCKDB_TABLE, How::Query { engine: "duckdb", file: TABLE }),
    (POLARS, How::Query { engine: "polars", file: PARQUET }),
    (CQRS_MEMORY, How::Rust("cqrs-memory")),
    (CQRS_JSON, How::Rust("cqrs-json")),
    (UMADB, How::UmaDb),
    (EVENTSOURCING, How::Eventsourcing),
];

/// What everybody is asked.
#[derive(Debug)]
pub(super) struct Asked<'a> {
    pub(super) files: &'a Files,
    pub(super) question: &'static str,
    pub(super) as_of_us: String,
}

/// The named peers; those that are not there are noted as missing.
pub(super) fn contenders(bench: &mut Bench, asked: &Asked<'_>, wanted: &[&str]) -> Result<Vec<Contender>> {
    let mut contenders = Vec::new();
    for (name, how) in PEERS.into_iter().filter(|(name, _)| wanted.contains(name)) {
        match how.command(bench, asked) {
            Ok((program, arguments)) => {
                let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
                contenders.push(Contender::new(Who::Peer(name), &program, &arguments));
            }
            Err(error) => bench.missing.push(format!("{name}, {}: {error:#}", asked.files.label())),
        }
    }
    Ok(contenders)
}

impl How {
    /// The program and its arguments, after all that has to be there.
    fn command(self, bench: &Bench, asked: &Asked<'_>) -> Result<(PathBuf, Vec<String>)> {
        let Asked { files, question, as_of_us } = asked;
        let python = |script: &str, arguments: &[&str]| {
            let script = text(&bench.python.scripts.join(script))?.to_owned();
            let arguments = arguments.iter().map(|argument| (*argument).to_owned());
            Ok((bench.python.program.clone(), std::iter::once(script).chain(arguments).collect()))
        };
        let rust = |arguments: &[&str]| {
            let arguments = arguments.iter().map(|argument| (*argument).to_owned()).collect();
            Ok((bench.programs.peers()?.to_owned(), arguments))
        };
        match self {
            Self::Query { engine, file } => {
                bench.python.ensure(engine)?;
                let file = files.peers_file(bench, file)?;
                python("answer.py", &[question, engine, text(&file)?, THREADS, as_of_us])
            }
            Self::Rust(command) => rust(&[command, files.workload, &files.events]),
            Self::UmaDb => {
                let file = files.made("umadb", |making| {
                    let arguments = ["umadb-make", files.workload, &files.events, text(making)?];
                    finish(Command::new(bench.programs.peers()?).args(arguments))
                })?;
                rust(&["umadb", as_of_us, text(&file)?])
            }
            Self::Eventsourcing => {
                bench.python.ensure("eventsourcing")?;
                let events = files.peers_file(bench, PARQUET)?;
                let script = bench.python.scripts.join("eventsourcing_answer.py");
                let file = files.made("eventsourcing.db", |making| {
                    let mut command = Command::new(&bench.python.program);
                    finish(command.arg(&script).arg("make").arg(&events).arg(making))
                })?;
                python("eventsourcing_answer.py", &["time", text(&file)?, as_of_us])
            }
        }
    }
}

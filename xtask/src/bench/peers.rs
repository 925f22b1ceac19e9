//! The other engines: their virtual environment, their files and how they are asked.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use super::ours::Ours;
use super::process::{Contender, Who, finish, text};
use crate::cargo::Workspace;

/// What a peer is asked with.
struct Peer {
    name: &'static str,
    /// The package, which is also what the script calls the engine.
    package: &'static str,
    file: &'static str,
}

const PARQUET: &str = "events.parquet";
const TABLE: &str = "events.duckdb";

pub(super) const DUCKDB: &str = "DuckDB, Parquet";
pub(super) const DUCKDB_TABLE: &str = "DuckDB, own table";
pub(super) const POLARS: &str = "Polars, Parquet";

const PEERS: [Peer; 3] = [
    Peer { name: DUCKDB, package: "duckdb", file: PARQUET },
    Peer { name: DUCKDB_TABLE, package: "duckdb", file: TABLE },
    Peer { name: POLARS, package: "polars", file: PARQUET },
];

/// Threads of every peer.
const THREADS: &str = "2";

#[derive(Debug)]
pub(super) struct Peers {
    pub(super) contenders: Vec<Contender>,
    /// Who cannot be asked, and why.
    pub(super) missing: Vec<String>,
}

/// Installs what can be installed and makes the files that are not there.
pub(super) fn prepare(workspace: &Workspace, folder: &Path, ours: &Ours) -> Result<Peers> {
    let scripts = workspace.root.join("benches/peers");
    let python = folder.join("venv/bin/python");
    let requirements = scripts.join("requirements.txt");
    let requirements = fs::read_to_string(&requirements)
        .with_context(|| format!("failed to read {}", requirements.display()))?;
    let absent: Vec<(&str, String)> = requirements
        .lines()
        .filter_map(|line| {
            let package = line.split("==").next()?;
            let failed = install(&python, &folder.join("venv"), line).err()?;
            // The installer ends with what it could not do, after all that it tried.
            let why = failed.to_string().lines().last().unwrap_or_default().to_owned();
            Some((package, why))
        })
        .collect();
    let mut peers = Peers { contenders: Vec::new(), missing: Vec::new() };
    // All files are made by DuckDB, so that without it nobody has one.
    if absent.iter().all(|(package, _)| *package != "duckdb") {
        make_files(&python, &scripts, ours)?;
    }
    for peer in &PEERS {
        let needed = ["duckdb", peer.package];
        match absent.iter().find(|(package, _)| needed.contains(package)) {
            Some((package, why)) => peers.missing.push(format!("{}: {package}: {why}", peer.name)),
            None => peers.contenders.push(peer.contender(&python, &scripts, ours)?),
        }
    }
    Ok(peers)
}

/// Installs one pinned package, in an environment that is made if it is not there.
fn install(python: &Path, environment: &Path, pinned: &str) -> Result<()> {
    if !python.exists() {
        finish(Command::new("python3").arg("-m").arg("venv").arg(environment))?;
    }
    let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", pinned];
    finish(Command::new(python).args(pip))
}

/// Makes the peers' files by DuckDB's own copy of our JSON Lines, which are large and not kept.
fn make_files(python: &Path, scripts: &Path, ours: &Ours) -> Result<()> {
    let (parquet, table) = (ours.file(PARQUET), ours.file(TABLE));
    if parquet.exists() && table.exists() {
        return Ok(());
    }
    let lines = ours.file("events.jsonl");
    ours.write_jsonl(&lines)?;
    let making = [ours.file("making.parquet"), ours.file("making.duckdb")];
    for path in &making {
        // What a try before has left, if any.
        let _ = fs::remove_file(path);
    }
    finish(Command::new(python).arg(scripts.join("make_files.py")).arg(&lines).args(&making))?;
    for (made, path) in making.iter().zip([&parquet, &table]) {
        fs::rename(made, path).with_context(|| format!("failed to name {}", path.display()))?;
    }
    fs::remove_file(&lines).with_context(|| format!("failed to remove {}", lines.display()))
}

impl Peer {
    fn contender(&self, python: &Path, scripts: &Path, ours: &Ours) -> Result<Contender> {
        let (script, file) = (scripts.join("answer_a.py"), ours.file(self.file));
        let arguments = [text(&script)?, self.package, text(&file)?, THREADS];
        Ok(Contender::new(Who::Peer(self.name), python, &arguments))
    }
}

//! The files of one workload: made once, and kept.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use super::Bench;
use super::process::{finish, text};
use super::programs::ANSWER;

/// The workloads, and the one by which the other is judged first.
pub(super) const WORKLOADS: [&str; 2] = ["W", "S"];

pub(super) const PARQUET: &str = "events.parquet";
pub(super) const TABLE: &str = "events.duckdb";

/// Names the files of so many events of a workload.
#[derive(Debug)]
pub(super) struct Files {
    pub(super) workload: &'static str,
    pub(super) events: String,
    folder: PathBuf,
}

impl Files {
    pub(super) fn new(bench: &Bench, workload: &'static str) -> Self {
        Self::of(workload, bench.options.events, &bench.folder)
    }

    pub(super) fn of(workload: &'static str, events: u64, folder: &Path) -> Self {
        Self { workload, events: events.to_string(), folder: folder.to_owned() }
    }

    /// How a row names the workload.
    pub(super) fn label(&self) -> String {
        format!("{}, {} events", self.workload, self.events)
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{}-{}-{name}", self.workload, self.events))
    }

    /// A closed store, made if it is not there.
    pub(super) fn store(&self, bench: &Bench, state: &str) -> Result<PathBuf> {
        let path = self.path(&format!("{state}.wayfold"));
        let arguments = ["make", state, self.workload, &self.events, text(&path)?];
        finish(bench.programs.command(ANSWER)?.args(arguments))?;
        Ok(path)
    }

    /// A file that DuckDB has made by its own copy of our JSON Lines, which are large and not kept.
    pub(super) fn peers_file(&self, bench: &Bench, name: &str) -> Result<PathBuf> {
        bench.python.ensure("duckdb")?;
        let script = bench.python.scripts.join("make_files.py");
        let python =
            |arguments: &[&Path]| finish(Command::new(&bench.python.program).arg(&script).args(arguments));
        let parquet = self.made(PARQUET, |making| {
            let lines = self.path("events.jsonl");
            let arguments = ["jsonl", self.workload, &self.events, text(&lines)?];
            finish(bench.programs.command(ANSWER)?.args(arguments))?;
            python(&[&lines, making])?;
            fs::remove_file(&lines).with_context(|| format!("failed to remove {}", lines.display()))
        })?;
        match name {
            TABLE => self.made(TABLE, |making| python(&[&parquet, making])),
            _ => Ok(parquet),
        }
    }

    /// A file, made if it is not there; it has its name once it is whole.
    pub(super) fn made(&self, name: &str, make: impl FnOnce(&Path) -> Result<()>) -> Result<PathBuf> {
        let (path, making) = (self.path(name), self.path(&format!("making-{name}")));
        if !path.exists() {
            // What a try before has left, if any.
            let _ = fs::remove_file(&making);
            make(&making)?;
            fs::rename(&making, &path).with_context(|| format!("failed to name {}", path.display()))?;
        }
        Ok(path)
    }
}

//! Our side: the program `answer` of the benches, and the closed stores that it reads.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use super::process::{self, Contender, Who, text};
use super::rows::Goal;
use crate::cargo::{self, Workspace};

/// Beyond so many events nobody hashes the states.
const HASHED_EVENTS_MAX: u64 = 1_000_000;

pub(super) const STATES: [&str; 2] = ["fresh", "compacted"];

#[derive(Debug)]
pub(super) struct Ours {
    program: PathBuf,
    folder: PathBuf,
    events: u64,
}

#[derive(Debug, Deserialize)]
struct Reference {
    export_crc32: u32,
}

/// What cargo says of something that it has built.
#[derive(Debug, Deserialize)]
struct Artifact {
    executable: Option<PathBuf>,
}

impl Ours {
    /// Builds the program.
    pub(super) fn build(workspace: &Workspace, folder: &Path, events: u64) -> Result<Self> {
        let choice = ["--package", "wayfold-benches", "--bench", "answer", "--no-run", "--quiet"];
        let mut command = cargo::command(&[&["bench"], &choice[..], &["--message-format=json"]].concat());
        let output = command.current_dir(&workspace.root).stderr(Stdio::inherit()).output();
        let output = output.context("failed to start cargo bench")?;
        ensure!(output.status.success(), "the program of the benches does not build");
        let built = String::from_utf8_lossy(&output.stdout);
        let artifacts = built.lines().filter_map(|line| serde_json::from_str::<Artifact>(line).ok());
        let program = artifacts.filter_map(|artifact| artifact.executable).next_back();
        let program = program.context("cargo names no program of the benches")?;
        Ok(Self { program, folder: folder.to_owned(), events })
    }

    /// The hash of the states that a fold without store and engine gives.
    pub(super) fn reference(&self) -> Result<Option<u32>> {
        if self.events > HASHED_EVENTS_MAX {
            return Ok(None);
        }
        let reference: Reference =
            process::answer(self.command().args(["reference", &self.events.to_string()]))?;
        Ok(Some(reference.export_crc32))
    }

    /// A file that belongs to this many events.
    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.folder.join(format!("W-{}-{name}", self.events))
    }

    /// Writes W as JSON Lines.
    pub(super) fn write_jsonl(&self, path: &Path) -> Result<()> {
        process::finish(self.command().args(["jsonl", &self.events.to_string(), text(path)?]))
    }

    /// One contender a state of the store and a number of threads, each with its store.
    pub(super) fn contenders(&self, goals: &[Goal]) -> Result<Vec<Contender>> {
        let mut contenders = Vec::new();
        for threads in [2, 1].into_iter().filter(|threads| goals.iter().any(|goal| goal.threads == *threads))
        {
            for state in STATES {
                let store = self.store(state)?;
                let arguments = ["time", &threads.to_string(), text(&store)?];
                contenders.push(Contender::new(Who::Ours { state, threads }, &self.program, &arguments));
            }
        }
        Ok(contenders)
    }

    /// A closed store, made if it is not there.
    fn store(&self, state: &str) -> Result<PathBuf> {
        let path = self.file(&format!("{state}.wayfold"));
        process::finish(self.command().args(["make", state, &self.events.to_string(), text(&path)?]))?;
        Ok(path)
    }

    fn command(&self) -> Command {
        Command::new(&self.program)
    }
}

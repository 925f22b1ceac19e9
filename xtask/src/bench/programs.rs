//! Our side: the programs of the benches.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use crate::cargo::{self, Workspace};

#[derive(Debug)]
pub(super) struct Programs(Vec<(String, PathBuf)>);

/// What cargo says of something that it has built.
#[derive(Debug, Deserialize)]
struct Artifact {
    target: Target,
    executable: Option<PathBuf>,
}

#[derive(Debug, Deserialize)]
struct Target {
    name: String,
}

/// Answers about a whole workload.
pub(super) const ANSWER: &str = "answer";
/// What single calls cost.
pub(super) const CALLS: &str = "calls";
/// Counts the memory of states.
pub(super) const STATE: &str = "state";

impl Programs {
    /// Builds the programs.
    pub(super) fn build(workspace: &Workspace) -> Result<Self> {
        let choice = ["--package", "wayfold-benches", "--bench", ANSWER, "--bench", CALLS, "--bench", STATE];
        let mut command = cargo::command(
            &[&["bench"], &choice[..], &["--no-run", "--quiet", "--message-format=json"]].concat(),
        );
        let output = command.current_dir(&workspace.root).stderr(Stdio::inherit()).output();
        let output = output.context("failed to start cargo bench")?;
        ensure!(output.status.success(), "the programs of the benches do not build");
        let built = String::from_utf8_lossy(&output.stdout);
        let artifacts = built.lines().filter_map(|line| serde_json::from_str::<Artifact>(line).ok());
        let named = artifacts.filter_map(|artifact| Some((artifact.target.name, artifact.executable?)));
        Ok(Self(named.collect()))
    }

    pub(super) fn path(&self, name: &str) -> Result<&Path> {
        let found = self.0.iter().find(|(known, _)| known == name);
        Ok(&found.with_context(|| format!("cargo names no program {name}"))?.1)
    }

    pub(super) fn command(&self, name: &str) -> Result<Command> {
        Ok(Command::new(self.path(name)?))
    }
}

//! Our side: the programs of the benches.

use std::cell::OnceCell;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, anyhow, ensure};
use serde::Deserialize;

use crate::cargo::{self, Workspace};

#[derive(Debug)]
pub(super) struct Programs {
    ours: Vec<(String, PathBuf)>,
    /// The manifest of the Rust peers, and where programs are built.
    peers: (PathBuf, PathBuf),
    /// The program of the Rust peers, or why there is none; built when it is first asked for.
    built_peers: OnceCell<Result<PathBuf, String>>,
}

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
/// Measures journeys.
pub(super) const JOURNEYS: &str = "journeys";
/// Fits models of lifetime value.
pub(super) const LIFETIME: &str = "lifetime";
/// Keeps who belongs to a segment.
pub(super) const SEGMENTS: &str = "segments";
/// Counts the memory of states.
pub(super) const STATE: &str = "state";
/// Walks the hot paths.
pub(super) const HOT: &str = "hot";

impl Programs {
    /// Builds these programs of ours.
    pub(super) fn build(workspace: &Workspace, names: &[&str]) -> Result<Self> {
        let mut command = cargo::command(&["bench", "--no-run", "--package", "wayfold-benches"]);
        command.args(names.iter().flat_map(|name| ["--bench", name]));
        let ours = build(command.current_dir(&workspace.root))?;
        let manifest = workspace.root.join("benches/peers/rust/Cargo.toml");
        let folder = workspace.target.clone();
        Ok(Self { ours, peers: (manifest, folder), built_peers: OnceCell::new() })
    }

    /// The program of the Rust peers.
    pub(super) fn peers(&self) -> Result<&Path> {
        let build_peers = || {
            let (manifest, folder) = &self.peers;
            let mut command = cargo::command(&["build", "--release", "--locked", "--manifest-path"]);
            let built = build(command.arg(manifest).arg("--target-dir").arg(folder));
            let program = built.and_then(|mut built| built.pop().context("cargo names no program"));
            program.map(|(_, path)| path).map_err(|error| format!("{error:#}"))
        };
        let built = self.built_peers.get_or_init(build_peers).as_ref();
        Ok(built.map_err(|why| anyhow!("{why}"))?)
    }

    pub(super) fn path(&self, name: &str) -> Result<&Path> {
        let found = self.ours.iter().find(|(known, _)| known == name);
        Ok(&found.with_context(|| format!("cargo names no program {name}"))?.1)
    }

    pub(super) fn command(&self, name: &str) -> Result<Command> {
        Ok(Command::new(self.path(name)?))
    }
}

/// Runs a build and lists the programs that it makes, by name.
fn build(command: &mut Command) -> Result<Vec<(String, PathBuf)>> {
    command.args(["--quiet", "--message-format=json"]).stderr(Stdio::inherit());
    let output = command.output().with_context(|| format!("failed to start {command:?}"))?;
    ensure!(output.status.success(), "{command:?} failed");
    let built = String::from_utf8_lossy(&output.stdout);
    let artifacts = built.lines().filter_map(|line| serde_json::from_str::<Artifact>(line).ok());
    let named = artifacts.filter_map(|artifact| Some((artifact.target.name, artifact.executable?)));
    Ok(named.collect())
}

//! Contenders as processes: each starts anew, measures itself and prints one line of JSON.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// Who is measured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Who {
    Ours { state: &'static str, threads: usize },
    Peer(&'static str),
}

#[derive(Debug)]
pub(super) struct Contender {
    pub(super) who: Who,
    program: std::path::PathBuf,
    arguments: Vec<String>,
}

/// What a contender says of one run.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Run {
    pub(super) seconds: f64,
    pub(super) peak_rss_kib: u64,
    /// The check figures, in one order for all.
    pub(super) check: Vec<i64>,
    /// The hash of all states; peers have none.
    pub(super) export_crc32: Option<u32>,
}

/// What every run is held against, as far as it is known.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct Reference {
    /// As of when to ask, in microseconds since 1970.
    pub(super) as_of_us: i64,
    /// The hash of the states that a fold without store and engine gives.
    pub(super) export_crc32: Option<u32>,
    /// Check figures that are published.
    pub(super) check: Option<Vec<i64>>,
}

impl Contender {
    pub(super) fn new(who: Who, program: &Path, arguments: &[&str]) -> Self {
        let arguments = arguments.iter().map(|argument| (*argument).to_owned()).collect();
        Self { who, program: program.to_owned(), arguments }
    }

    pub(super) fn run(&self) -> Result<Run> {
        answer(Command::new(&self.program).args(&self.arguments))
    }
}

/// Runs a program to its end.
pub(super) fn finish(command: &mut Command) -> Result<()> {
    output(command).map(drop)
}

/// Runs a program and reads the last line that it prints; libraries of peers print lines of their own before.
pub(super) fn answer<T: DeserializeOwned>(command: &mut Command) -> Result<T> {
    let output = output(command)?;
    let output = String::from_utf8_lossy(&output);
    let line = output.lines().next_back().unwrap_or_default();
    serde_json::from_str(line).with_context(|| format!("failed to read the answer of {command:?}: {line}"))
}

fn output(command: &mut Command) -> Result<Vec<u8>> {
    let output = command.stderr(Stdio::piped()).output();
    let output = output.with_context(|| format!("failed to start {command:?}"))?;
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{command:?} failed: {}", errors.trim());
    Ok(output.stdout)
}

/// A path as an argument.
pub(super) fn text(path: &Path) -> Result<&str> {
    path.to_str().with_context(|| format!("{} is no Unicode", path.display()))
}

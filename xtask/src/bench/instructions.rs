//! `cargo xtask bench --instructions`: how many instructions the hot paths take, held against those that are committed.
//!
//! Counts hardly depend on what else the machine does, so that they show a slow erosion that no stopwatch would. They
//! say nothing of memory that is waited for.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context, Result, ensure};

use super::process::{finish, text};
use super::programs::{HOT, Programs};
use crate::cargo::Workspace;

const PATHS: [&str; 4] = ["scan", "fold-W", "fold-S", "append"];
/// Events of a pass.
const EVENTS: u64 = 60_000;
/// What hash seeds and threads move a count by stays below this.
const TOLERANCE_PERCENT: u64 = 3;

/// Instructions of a pass by path.
type Counts = BTreeMap<String, u64>;

/// What is done with the counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Counted {
    /// They are held against those that are committed.
    Compared,
    /// They are written, to be committed.
    Accepted,
}

/// Counts; growth is a failure.
pub(crate) fn run(counted: Counted) -> Result<ExitCode> {
    let workspace = Workspace::read()?;
    let programs = Programs::build(&workspace, &[HOT])?;
    let store = super::folder(&workspace)?.join("hot.wayfold");
    finish(programs.command(HOT)?.args(["prepare", text(&store)?]))?;
    let counts = PATHS.into_iter().map(|path| Ok((path.to_owned(), count(&programs, path, &store)?)));
    let counts: Counts = counts.collect::<Result<_>>()?;

    let file = workspace.root.join("benches/instructions.json");
    if counted == Counted::Accepted {
        let lines = serde_json::to_string_pretty(&counts)? + "\n";
        fs::write(&file, lines).with_context(|| format!("failed to write {}", file.display()))?;
        println!("written to {}", file.display());
    }
    let committed = fs::read(&file).with_context(|| format!("failed to read {}", file.display()))?;
    let committed: Counts = serde_json::from_slice(&committed)
        .with_context(|| format!("failed to read the counts in {}", file.display()))?;
    println!("| path | instructions an event | committed | change |\n|---|---|---|---|");
    for (path, count) in &counts {
        println!("{}", line(path, *count, committed.get(path).copied()));
    }
    let grown = grown(&counts, &committed);
    if grown.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    println!(
        "\ngrown by more than {TOLERANCE_PERCENT} %: {}; make it less, or keep it by --accept",
        grown.join(", ")
    );
    Ok(ExitCode::FAILURE)
}

/// What a second pass adds to a run.
fn count(programs: &Programs, path: &str, store: &Path) -> Result<u64> {
    let [one, two] = [1, 2].map(|passes| instructions(programs, path, passes, store));
    let (one, two) = (one?, two?);
    two.checked_sub(one).with_context(|| format!("{path}: two passes take fewer instructions than one"))
}

fn instructions(programs: &Programs, path: &str, passes: u32, store: &Path) -> Result<u64> {
    let mut command = Command::new("valgrind");
    command.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]).arg(programs.path(HOT)?);
    command.args([path, &passes.to_string(), text(store)?]).stdout(Stdio::null());
    let output = command.output().context("failed to start valgrind; it has to be installed")?;
    let told = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{command:?} failed: {told}");
    collected(&told).with_context(|| format!("valgrind tells no count: {told}"))
}

/// The count in what valgrind tells, as `==17== Collected : 123`.
fn collected(told: &str) -> Option<u64> {
    told.lines().find_map(|line| line.split_once("Collected : ")?.1.trim().parse().ok())
}

fn line(path: &str, count: u64, committed: Option<u64>) -> String {
    let per_event = |count: u64| format!("{:.1}", count as f64 / EVENTS as f64);
    let change = committed.map(|before| 100.0 * (count as f64 / before as f64 - 1.0));
    let change = change.map_or_else(|| "new".to_owned(), |percent| format!("{percent:+.1} %"));
    let committed = committed.map_or_else(|| "-".to_owned(), per_event);
    format!("| {path} | {} | {committed} | {change} |", per_event(count))
}

/// The paths that take more than is committed, or have nothing to be held against.
fn grown(counts: &Counts, committed: &Counts) -> Vec<String> {
    let most = |before: u64| before + before * TOLERANCE_PERCENT / 100;
    let is_grown = |path: &str, count: u64| committed.get(path).is_none_or(|before| count > most(*before));
    counts.iter().filter(|(path, count)| is_grown(path, **count)).map(|(path, _)| path.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(of_scan: u64) -> Counts {
        [("scan".to_owned(), of_scan)].into()
    }

    #[test]
    fn growth_beyond_the_tolerance_is_found_and_less_is_not() {
        assert_eq!(grown(&counts(104), &counts(100)), ["scan"]);
        assert!(grown(&counts(103), &counts(100)).is_empty());
        assert!(grown(&counts(50), &counts(100)).is_empty());
        assert_eq!(grown(&counts(1), &Counts::new()), ["scan"]);
    }

    #[test]
    fn the_count_is_read_from_what_valgrind_tells() {
        let told =
            "==17== Callgrind, a call-graph generating cache profiler\n==17== Collected : 12345\n==17== \n";
        assert_eq!(collected(told), Some(12_345));
        assert_eq!(collected("==17== nothing"), None);
    }

    #[test]
    fn a_line_says_how_much_a_path_has_changed() {
        assert_eq!(line("scan", 66_000, Some(60_000)), "| scan | 1.1 | 1.0 | +10.0 % |");
        assert_eq!(line("scan", 66_000, None), "| scan | 1.1 | - | new |");
    }
}

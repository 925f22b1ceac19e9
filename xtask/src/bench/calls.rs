//! What single calls cost: our programs measure them beside something bare, each run on a copy of a store.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde::Deserialize;

use super::Bench;
use super::files::{Files, WORKLOADS};
use super::goals::{SINGLES, Single, Target};
use super::process::{Reference, answer, text};
use super::programs::{ANSWER, CALLS, STATE};
use super::rounds::median;
use super::rows::{Row, is_rate};

/// What one command measures.
#[derive(Debug)]
struct Group {
    command: &'static str,
    /// How its rows begin.
    rows: &'static [&'static str],
    workloads: &'static [&'static str],
    states: &'static [&'static str],
}

const COMPACTED: &[&str] = &["compacted"];
/// W again, with ids as an import makes them.
const W5: &str = "W5";

const GROUPS: [Group; 5] = [
    Group { command: "append", rows: &["A1", "A2", "A3", "A4"], workloads: &WORKLOADS, states: COMPACTED },
    Group { command: "view", rows: &["V1"], workloads: &WORKLOADS, states: &["compacted", "fresh"] },
    Group { command: "open", rows: &["V2"], workloads: &WORKLOADS, states: COMPACTED },
    Group { command: "live", rows: &["L1", "L2"], workloads: &WORKLOADS, states: COMPACTED },
    Group { command: "disk", rows: &["D1"], workloads: &["W", W5, "S"], states: COMPACTED },
];

/// What a program says of one run.
#[derive(Debug, Deserialize)]
struct Measured {
    id: String,
    value: f64,
    unit: String,
    peer: Option<String>,
    peer_value: Option<f64>,
}

/// The rows of single calls that are asked for.
pub(super) fn rows(bench: &Bench) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    if bench.wants(&["R3-state"]) {
        rows.extend(state(bench)?);
    }
    for group in GROUPS.iter().filter(|group| bench.wants(group.rows)) {
        for workload in group.workloads {
            for state in group.states {
                rows.extend(group.rows(bench, &Files::new(bench, workload), state)?);
            }
        }
    }
    rows.retain(|row| row.id.starts_with(&bench.options.only));
    Ok(rows)
}

/// The memory of states, which is the same in every run.
fn state(bench: &Bench) -> Result<Vec<Row>> {
    let files = Files::new(bench, WORKLOADS[0]);
    let run = answer(bench.programs.command(STATE)?.args([files.workload, &files.events]))?;
    Ok(combined(&[run], &files, "memory"))
}

impl Group {
    fn rows(&self, bench: &Bench, files: &Files, state: &'static str) -> Result<Vec<Row>> {
        let store = files.store(bench, state)?;
        let about = ["about", "A", files.workload, &files.events];
        let reference: Reference = answer(bench.programs.command(ANSWER)?.args(about))?;
        let as_of_us = reference.as_of_us.to_string();
        let copy = files.path("copy.wayfold");
        let mut runs = Vec::new();
        for round in 1..=bench.options.pairs {
            eprintln!("{} on {}, {state}: round {round}", self.command, files.label());
            copy_file(&store, &copy)?;
            let arguments = [self.command, files.workload, &files.events, &as_of_us, text(&copy)?];
            runs.push(answer(bench.programs.command(CALLS)?.args(arguments))?);
        }
        remove_file(&copy)?;
        Ok(combined(&runs, files, state))
    }
}

fn copy_file(from: &Path, to: &Path) -> Result<()> {
    let copied = fs::copy(from, to);
    copied.map(drop).with_context(|| format!("failed to copy {} to {}", from.display(), to.display()))
}

fn remove_file(path: &Path) -> Result<()> {
    fs::remove_file(path).with_context(|| format!("failed to remove {}", path.display()))
}

/// A row for each measure, in the order of the first run: medians of the values, and of the ratio of each run.
fn combined(runs: &[Vec<Measured>], files: &Files, state: &'static str) -> Vec<Row> {
    let mut by_id: HashMap<&str, Vec<&Measured>> = HashMap::new();
    runs.iter().flatten().for_each(|measured| by_id.entry(&measured.id).or_default().push(measured));
    let row = |first: &Measured| {
        let all = &by_id[first.id.as_str()];
        let better = |measured: &&Measured| {
            let ratio = measured.value / measured.peer_value?;
            Some(if is_rate(&measured.unit) { ratio } else { 1.0 / ratio })
        };
        let row = Row {
            id: first.id.clone(),
            workload: files.label(),
            state,
            value: median(all.iter().map(|measured| measured.value).collect()),
            unit: first.unit.clone(),
            peer: first.peer.clone(),
            peer_value: median(all.iter().filter_map(|measured| measured.peer_value).collect()),
            ratio: median(all.iter().filter_map(better).collect()),
            ..Row::default()
        };
        let target = target(&row.id, state).filter(|_| files.workload != WORKLOADS[1]);
        row.judged(target)
    };
    runs.first().into_iter().flatten().map(row).collect()
}

fn target(id: &str, state: &str) -> Option<Target> {
    let of_it = |single: &&Single| single.id == id && single.state.is_none_or(|only| only == state);
    SINGLES.iter().find(of_it).map(|single| single.target)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(value: f64, unit: &str, peer_value: f64) -> Measured {
        let (peer, peer_value) = (Some("bare".to_owned()), Some(peer_value));
        Measured { id: "A1".to_owned(), value, unit: unit.to_owned(), peer, peer_value }
    }

    #[track_caller]
    fn check(unit: &str, ratio: f64) {
        let files = Files::of("W", 20, Path::new("folder"));
        let runs = [[10.0, 5.0], [20.0, 10.0], [90.0, 9.0]];
        let runs = runs.map(|[value, peer]| vec![measured(value, unit, peer)]);
        let rows = combined(&runs, &files, "compacted");
        assert_eq!((rows[0].value, rows[0].peer_value, rows[0].ratio), (Some(20.0), Some(9.0), Some(ratio)));
    }

    #[test]
    fn a_cost_is_better_when_it_is_less_and_a_rate_when_it_is_more() {
        check("us", 0.5);
        check("events/s", 2.0);
    }

    #[test]
    fn goals_may_be_of_one_state_alone() {
        assert_ne!(target("V1-uniform-p99", "fresh"), target("V1-uniform-p99", "compacted"));
        assert_eq!(target("V1-uniform-p50", "fresh"), None);
    }
}

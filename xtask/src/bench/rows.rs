//! The rows of the results: what is compared with whom, and what is to be reached.

use anyhow::{Result, ensure};
use serde::Serialize;

use super::ours::STATES;
use super::peers::{DUCKDB, DUCKDB_TABLE, POLARS};
use super::process::{Run, Who};
use super::rounds::Rounds;

const KIB_PER_MIB: f64 = 1024.0;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Measure {
    Speed,
    Memory,
}

/// What the results cannot say yet, and why.
pub(super) const MISSING: &str = "R1a, answer A alone: the built-in projections cannot be left out";

/// How many times better than the peers we are to be, with the four built-in projections and answer A.
///
/// At a million events the rows R1b-2t are what is asked as R2.
#[derive(Debug, Clone, Copy)]
pub(super) struct Goal {
    id: &'static str,
    measure: Measure,
    pub(super) threads: usize,
    goal: f64,
    floor: Option<f64>,
    /// Whom it is about.
    peers: &'static [&'static str],
    /// Who is reported beside them.
    beside: &'static [&'static str],
}

const fn speed(id: &'static str, threads: usize, goal: f64, floor: f64) -> Goal {
    let (peers, beside) = (&[DUCKDB, POLARS], &[DUCKDB_TABLE]);
    Goal { id, measure: Measure::Speed, threads, goal, floor: Some(floor), peers, beside }
}

const GOALS: [Goal; 3] = [
    speed("R1b-2t", 2, 4.0, 2.0),
    speed("R1b-1t", 1, 2.0, 1.3),
    Goal {
        id: "R3",
        measure: Measure::Memory,
        threads: 2,
        goal: 1.0,
        floor: None,
        peers: &[DUCKDB],
        beside: &[],
    },
];

/// One line of `results.json`; a peer that is missing has no value.
#[derive(Debug, Serialize)]
pub(super) struct Row {
    pub(super) id: &'static str,
    pub(super) workload: String,
    pub(super) state: &'static str,
    pub(super) value: Option<f64>,
    pub(super) unit: &'static str,
    pub(super) peer: &'static str,
    pub(super) peer_value: Option<f64>,
    /// How many times better than the peer; the median of the pairs.
    pub(super) ratio: Option<f64>,
    pub(super) goal: Option<f64>,
    pub(super) floor: Option<f64>,
    pub(super) met: Option<bool>,
}

/// The goals whose ids begin so.
pub(super) fn goals(only: &str) -> Result<Vec<Goal>> {
    let goals: Vec<Goal> = GOALS.into_iter().filter(|goal| goal.id.starts_with(only)).collect();
    let ids = GOALS.map(|goal| goal.id).join(", ");
    ensure!(!goals.is_empty(), "no row begins with {only:?}; there is {ids}");
    Ok(goals)
}

pub(super) fn all(goals: &[Goal], events: u64, rounds: &Rounds) -> Vec<Row> {
    let mut rows = Vec::new();
    for goal in goals {
        for state in STATES {
            for (peers, counts) in [(goal.peers, true), (goal.beside, false)] {
                rows.extend(peers.iter().map(|peer| row(goal, state, peer, counts, events, rounds)));
            }
        }
    }
    rows
}

fn row(
    goal: &Goal,
    state: &'static str,
    peer: &'static str,
    counts: bool,
    events: u64,
    rounds: &Rounds,
) -> Row {
    let ours = Who::Ours { state, threads: goal.threads };
    let them = Who::Peer(peer);
    let cost = |run: &Run| match goal.measure {
        Measure::Speed => run.seconds,
        Measure::Memory => run.peak_rss_kib as f64 / KIB_PER_MIB,
    };
    let value = |who: &Who| {
        rounds.median(who, cost).map(|cost| match goal.measure {
            Measure::Speed => events as f64 / cost / 1e6,
            Measure::Memory => cost,
        })
    };
    let ratio = rounds.ratio(&them, &ours, cost);
    Row {
        id: goal.id,
        workload: format!("W, {events} events"),
        state,
        value: value(&ours),
        unit: if goal.measure == Measure::Speed { "M events/s" } else { "MiB" },
        peer,
        peer_value: value(&them),
        ratio,
        goal: counts.then_some(goal.goal),
        floor: goal.floor.filter(|_| counts),
        met: ratio.filter(|_| counts).map(|ratio| ratio >= goal.goal),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(only: &str, expected: &[&str]) {
        let ids: Vec<_> = goals(only).unwrap().iter().map(|goal| goal.id).collect();
        assert_eq!(ids, expected);
    }

    #[test]
    fn goals_are_chosen_by_how_their_ids_begin() {
        check("", &["R1b-2t", "R1b-1t", "R3"]);
        check("R1b", &["R1b-2t", "R1b-1t"]);
        assert!(goals("R9").is_err());
    }
}

//! What is to be reached, row by row; goals are for W.

use super::peers::{BOUND, DUCKDB, DUCKDB_TABLE, POLARS};

/// What is asked of all contenders.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Question {
    /// A rebuild from a closed store, with answer A.
    A,
    /// A rebuild from a closed store, with answer B.
    B,
    /// A fold in memory.
    Memory,
}

impl Question {
    pub(super) const ALL: [Self; 3] = [Self::A, Self::B, Self::Memory];

    /// What our events lie in.
    pub(super) fn states(self) -> &'static [&'static str] {
        match self {
            Self::A | Self::B => &["fresh", "compacted"],
            Self::Memory => &["memory"],
        }
    }

    /// The name that the programs know it by.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::A | Self::Memory => "A",
            Self::B => "B",
        }
    }
}

/// What of a run is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Measure {
    Speed,
    Memory,
}

impl Measure {
    pub(super) fn unit(self) -> &'static str {
        match self {
            Self::Speed => "M events/s",
            Self::Memory => "MiB",
        }
    }
}

/// What has to be so good.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Target {
    /// As many times better than each peer.
    Ratio { goal: f64, floor: Option<f64> },
    /// The value itself.
    Value { goal: f64, floor: Option<f64> },
}

/// A row of a contest.
#[derive(Debug, Clone, Copy)]
pub(super) struct Goal {
    pub(super) id: &'static str,
    pub(super) question: Question,
    pub(super) measure: Measure,
    pub(super) threads: usize,
    pub(super) target: Target,
    /// Whom it is about.
    pub(super) peers: &'static [&'static str],
    /// Who is reported beside them.
    pub(super) beside: &'static [&'static str],
}

const fn ratio(goal: f64, floor: f64) -> Target {
    Target::Ratio { goal, floor: Some(floor) }
}

const fn value(goal: f64, floor: f64) -> Target {
    Target::Value { goal, floor: Some(floor) }
}

const fn rebuild(id: &'static str, threads: usize, target: Target) -> Goal {
    let (peers, beside) = (&[DUCKDB, POLARS], &[DUCKDB_TABLE]);
    Goal { id, question: Question::A, measure: Measure::Speed, threads, target, peers, beside }
}

const fn in_memory(id: &'static str, target: Target, peers: &'static [&'static str]) -> Goal {
    Goal { id, question: Question::Memory, measure: Measure::Speed, threads: 1, target, peers, beside: &[] }
}

/// At a million events the rows R1b-2t are what is asked as R2.
pub(super) const CONTESTS: [Goal; 6] = [
    rebuild("R1b-2t", 2, ratio(4.0, 2.0)),
    rebuild("R1b-1t", 1, ratio(2.0, 1.3)),
    Goal {
        measure: Measure::Memory,
        peers: &[DUCKDB],
        beside: &[],
        ..rebuild("R3", 2, Target::Ratio { goal: 1.0, floor: None })
    },
    in_memory("R5", ratio(0.5, 0.25), &[BOUND]),
    in_memory("R5-rate", value(25.0, 15.0), &[]),
    Goal {
        question: Question::B,
        peers: &[DUCKDB],
        beside: &[DUCKDB_TABLE],
        ..rebuild("R6", 2, ratio(6.0, 4.0))
    },
];

/// What the results cannot say, and why.
pub(super) const MISSING: [&str; 1] = ["R1a, answer A alone: the built-in projections cannot be left out"];

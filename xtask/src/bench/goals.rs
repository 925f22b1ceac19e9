//! What is to be reached, row by row; goals are for W.

use anyhow::{Result, ensure};

use super::peers::{BOUND, CQRS_JSON, CQRS_MEMORY, DUCKDB, DUCKDB_TABLE, EVENTSOURCING, POLARS, UMADB};

/// What is asked of all contenders.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Question {
    /// A rebuild from a closed store, of answer A alone.
    AloneA,
    /// A rebuild from a closed store, of the built-in projections and answer A.
    A,
    /// A rebuild from a closed store, of answer B alone.
    AloneB,
    /// A fold in memory.
    Memory,
}

impl Question {
    pub(super) const ALL: [Self; 4] = [Self::AloneA, Self::A, Self::AloneB, Self::Memory];

    /// What our events lie in.
    pub(super) fn states(self) -> &'static [&'static str] {
        match self {
            Self::AloneA | Self::A | Self::AloneB => &["fresh", "compacted"],
            Self::Memory => &["memory"],
        }
    }

    /// The name that the programs know it by.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::AloneA | Self::A | Self::Memory => "A",
            Self::AloneB => "B",
        }
    }

    /// The command that measures ours.
    pub(super) fn command(self) -> &'static str {
        match self {
            Self::AloneA | Self::AloneB => "alone",
            Self::A => "time",
            Self::Memory => "fold",
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

/// A rebuild beside an event-sourcing peer.
const fn beside(id: &'static str, target: Target, peers: &'static [&'static str]) -> Goal {
    Goal { peers, beside: &[], ..rebuild(id, 2, target) }
}

const fn in_memory(id: &'static str, target: Target, peers: &'static [&'static str]) -> Goal {
    Goal { id, question: Question::Memory, measure: Measure::Speed, threads: 1, target, peers, beside: &[] }
}

/// At a million events the rows R1b-2t are what is asked as R2.
pub(super) const CONTESTS: [Goal; 12] = [
    Goal { question: Question::AloneA, ..rebuild("R1a-2t", 2, ratio(6.0, 4.0)) },
    Goal { question: Question::AloneA, ..rebuild("R1a-1t", 1, ratio(3.5, 2.5)) },
    rebuild("R1b-2t", 2, ratio(4.0, 2.0)),
    rebuild("R1b-1t", 1, ratio(2.0, 1.3)),
    Goal { measure: Measure::Memory, ..beside("R3", Target::Ratio { goal: 1.0, floor: None }, &[DUCKDB]) },
    beside("R4-cqrs-memory", ratio(8.0, 5.0), &[CQRS_MEMORY]),
    beside("R4-cqrs-json", ratio(100.0, 50.0), &[CQRS_JSON]),
    beside("R4-umadb", ratio(30.0, 15.0), &[UMADB]),
    beside("R4-eventsourcing", ratio(300.0, 150.0), &[EVENTSOURCING]),
    in_memory("R5", ratio(0.5, 0.25), &[BOUND]),
    in_memory("R5-rate", value(25.0, 15.0), &[]),
    Goal {
        question: Question::AloneB,
        peers: &[DUCKDB],
        beside: &[DUCKDB_TABLE],
        ..rebuild("R6", 2, ratio(6.0, 4.0))
    },
];

/// A row that one program measures beside something bare, or alone.
#[derive(Debug)]
pub(super) struct Single {
    pub(super) id: &'static str,
    /// The state that it is about, where it is about one alone.
    pub(super) state: Option<&'static str>,
    pub(super) target: Target,
}

const fn single(id: &'static str, target: Target) -> Single {
    Single { id, state: None, target }
}

/// Of a store in one state.
const fn in_state(id: &'static str, state: &'static str, target: Target) -> Single {
    Single { id, state: Some(state), target }
}

const fn exactly(goal: f64) -> Target {
    Target::Value { goal, floor: None }
}

/// So many times better than the peer.
const fn times(goal: f64) -> Target {
    Target::Ratio { goal, floor: None }
}

/// At most 1.2 times what is bare.
const NEARLY_BARE: Target = Target::Ratio { goal: 1.0 / 1.2, floor: None };
/// At most 2 times the peer.
const HALF: Target = Target::Ratio { goal: 0.5, floor: None };

pub(super) const SINGLES: [Single; 38] = [
    single("R3-state", exactly(450.0)),
    single("A1", NEARLY_BARE),
    single("A2-rate", value(300e3, 150e3)),
    single("A2-p99", exactly(3.0)),
    single("A3-100-v7-rate", value(300e3, 200e3)),
    single("A3-100-v5-rate", value(300e3, 200e3)),
    single("A3-10000-v7-rate", value(4e6, 2e6)),
    single("A3-10000-v5-rate", value(4e6, 2e6)),
    single("A4", NEARLY_BARE),
    in_state("V1-uniform-p50", "compacted", exactly(60.0)),
    in_state("V1-uniform-p99", "compacted", exactly(500.0)),
    in_state("V1-uniform-p99", "fresh", exactly(2_000.0)),
    in_state("V1-weighted-p50", "compacted", exactly(60.0)),
    in_state("V1-weighted-p99", "compacted", exactly(3_000.0)),
    in_state("V1-weighted-p99", "fresh", exactly(12_000.0)),
    single("V2-customer", exactly(50.0)),
    single("V2-population", exactly(400.0)),
    single("L1-p50", exactly(1.0)),
    single("L1-p99", exactly(5.0)),
    single("L2-rate", exactly(1e6)),
    single("L2-p99", exactly(1.0)),
    single("I1", HALF),
    single("I1-rate", exactly(600e3)),
    single("D1-v7", exactly(36.0)),
    single("D1-v5", exactly(44.0)),
    single("M1-bg", times(15.0)),
    single("M1-pareto", times(15.0)),
    single("M2-bg", times(10.0)),
    single("M3-bg", times(8.0)),
    single("S1", times(20.0)),
    single("J1-process-mining", times(20.0)),
    single("J1-pm4py", times(50.0)),
    single("J1-store", times(10.0)),
    single("J2-memory", times(1.0)),
    single("J2-store", times(1.0)),
    single("J3-funnel", times(1.0)),
    single("J3-retention", times(1.0)),
    single("J4-ten", times(2.0)),
];

/// Refuses what begins no row.
pub(super) fn ensure_known(only: &str) -> Result<()> {
    let ids: Vec<&str> =
        CONTESTS.iter().map(|goal| goal.id).chain(SINGLES.iter().map(|single| single.id)).collect();
    let is_known = ids.iter().any(|id| id.starts_with(only));
    ensure!(is_known, "no row begins with {only:?}; there is {}", ids.join(", "));
    Ok(())
}

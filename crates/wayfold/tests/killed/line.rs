//! What a process tells, a line before and after each step.

use serde::{Deserialize, Serialize};
use wayfold::{NoticeId, Position};
use wayfold_testkit::process;

use crate::history::Rulebook;

/// Where a process is meant to be killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    Snapshot,
    Rebuild,
    Swap,
}

impl Phase {
    pub(crate) const ALL: [Self; 3] = [Self::Snapshot, Self::Rebuild, Self::Swap];
}

/// How far states are folded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Point {
    pub(crate) position: Position,
    pub(crate) events: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Line {
    Opened {
        snapshot: Option<Position>,
        dropped: Option<String>,
        folded: u64,
    },
    Appending(usize),
    Appended(usize),
    Snapshotting(Position),
    Snapshotted,
    Rebuilding(Rulebook),
    Resumed(Point),
    Keeping(Point),
    Kept,
    Rebuilt,
    Swapping(Position),
    Swapped,
    /// The notices of a delivery: which holds, and which does not any more.
    Told(Vec<(NoticeId, bool)>),
}

impl Line {
    pub(crate) fn say(&self) {
        process::say(&serde_json::to_string(self).unwrap());
    }

    pub(crate) fn parse(text: &str) -> Self {
        serde_json::from_str(text).unwrap_or_else(|error| panic!("a line of a process: {text:?}: {error}"))
    }

    /// The phase that it says to begin.
    pub(crate) fn begins(&self) -> Option<Phase> {
        match self {
            Self::Snapshotting(_) => Some(Phase::Snapshot),
            Self::Rebuilding(_) => Some(Phase::Rebuild),
            Self::Swapping(_) => Some(Phase::Swap),
            _ => None,
        }
    }

    /// Says whether it ends a phase.
    pub(crate) fn ends(&self) -> bool {
        matches!(self, Self::Snapshotted | Self::Rebuilt | Self::Swapped)
    }
}

//! The questions: which projection of one's own answers each, and what everybody has to agree on.

use std::str::FromStr;

use wayfold_benches::Planned;
use wayfold_core::{ProjectionSet, Rules};
use wayfold_testkit::answer_a::{AnswerA, CheckFigures};
use wayfold_testkit::answer_b::AnswerB;

use crate::Result;

/// A question about everybody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Question {
    A,
    B,
}

impl FromStr for Question {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        match text {
            "A" => Ok(Self::A),
            "B" => Ok(Self::B),
            _ => Err(format!("a question is A or B, not {text:?}")),
        }
    }
}

impl Question {
    /// The four built-in projections and the one that answers.
    pub(crate) fn projections(self) -> Result<ProjectionSet> {
        let mut projections = ProjectionSet::new(Rules::default())?;
        match self {
            Self::A => projections.register(AnswerA).map(drop)?,
            Self::B => projections.register(AnswerB).map(drop)?,
        }
        Ok(projections)
    }

    /// The figures that are published of W, in the order in which peers print theirs.
    pub(crate) fn published(self, planned: &Planned) -> Option<Vec<i64>> {
        match (self, planned) {
            (Self::A, Planned::W(events)) => {
                CheckFigures::published(*events).map(|figures| figures.as_row().to_vec())
            }
            _ => None,
        }
    }
}

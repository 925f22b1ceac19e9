use serde::Serialize;

use super::{Cause, Change, Explanation, Step};
use crate::time::Timestamp;

/// Where two tellings of one history part, as under two versions of rules.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Parting {
    /// The first instant at which they say different things.
    pub at: Timestamp,
    /// What happened there: an event of both, or time that changed something in one of them.
    pub cause: Cause,
    /// What changed in the one.
    pub here: Vec<Change>,
    /// What changed in the other.
    pub there: Vec<Change>,
}

impl Explanation {
    /// Says where another telling of the same history parts from this one; `None` if it never does.
    pub fn parting(&self, other: &Self) -> Option<Parting> {
        let equal = self.steps.iter().zip(&other.steps).take_while(|(here, there)| here == there).count();
        let (here, there) = (self.steps.get(equal), other.steps.get(equal));
        let first = here.into_iter().chain(there).min_by_key(|step| place(step))?;
        let changes = |step: Option<&Step>| {
            step.filter(|step| place(step) == place(first))
                .map(|step| step.changes.clone())
                .unwrap_or_default()
        };
        let (at, cause) = (first.at, first.cause.clone());
        Some(Parting { at, cause, here: changes(here), there: changes(there) })
    }
}

/// Time passes up to an instant before its events happen.
fn place(step: &Step) -> (Timestamp, bool) {
    (step.at, step.cause != Cause::Time)
}

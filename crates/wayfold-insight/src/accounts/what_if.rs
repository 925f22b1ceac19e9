use serde::Serialize;
use wayfold_core::{Amount, ProcurementStep, Span, Timestamp};

use super::facts::{AccountTotal, Accounts};
use super::procurement::{ProcurementCase, ProcurementVisit, worth};
use crate::measure::Durations;

/// How the waits in a step would change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum WaitChange {
    /// Nobody waits longer than this.
    Cap(Span),
    /// Everybody waits so many hundredths of the time.
    ScaleToPercent(u32),
}

impl WaitChange {
    fn apply(self, wait: Span) -> Span {
        match self {
            Self::Cap(longest) => wait.min(longest),
            Self::ScaleToPercent(percent) => {
                let scaled = i128::from(wait.as_micros()) * i128::from(percent) / 100;
                Span::from_micros(i64::try_from(scaled).unwrap_or(i64::MAX))
            }
        }
    }
}

/// What a change of the waits in one step would have done to the cases that there were.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WhatIf {
    /// The step.
    pub step: ProcurementStep,
    /// The change.
    pub change: WaitChange,
    /// How many cases were ordered.
    pub ordered: u64,
    /// Their mean time from the first step to the order; `None` where none was ordered.
    pub mean_before: Option<Span>,
    /// What it would have been.
    pub mean_after: Option<Span>,
    /// The median, by nearest rank.
    pub median_before: Option<Span>,
    /// What it would have been.
    pub median_after: Option<Span>,
    /// What the cases are worth that wait in the step.
    pub value_waiting: Amount,
    /// What those of them are worth that would be through: who waits longer than the cap, or than the scaled median of
    /// the waits that ended, as it is not known how long they will wait.
    pub value_released: Amount,
    /// The cases that it rests on: all that came through the step or wait there, by account and journey.
    pub cases: Vec<CaseChange>,
}

/// A case, and how long it would have waited.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CaseChange {
    /// The account.
    pub account: String,
    /// The journey.
    pub journey: Option<String>,
    /// How long it waited in the step, all visits together; up to the instant of the question if it still waits.
    pub waited: Span,
    /// How long it would have.
    pub would_wait: Span,
    /// Whether it still waits.
    pub is_waiting: bool,
    /// What it is worth.
    pub value: Option<Amount>,
}

impl Accounts {
    /// Recomputes the time to order as if waits in one step had been shorter or longer, as of the instant up to which
    /// histories were measured. All else stays as it was: it is assumed that the next step would have taken as long.
    ///
    /// A case that still waits would have waited as the rule for [`WhatIf::value_released`] says, or not less than now.
    pub fn what_if(
        &self,
        total: &AccountTotal,
        step: ProcurementStep,
        change: WaitChange,
        as_of: Timestamp,
    ) -> WhatIf {
        let cases = self.procurement(total);
        let in_step = |case: &ProcurementCase| -> Vec<ProcurementVisit> {
            case.visits.iter().copied().filter(|visit| visit.step == step).collect()
        };
        let mut waits = Durations::default();
        for wait in cases.iter().flat_map(in_step).filter_map(|visit| visit.waited()) {
            waits.add(wait.as_micros(), 1);
        }
        // After which wait an open case would be through.
        let through = match change {
            WaitChange::Cap(longest) => Some(longest),
            WaitChange::ScaleToPercent(_) => waits.figures().map(|figures| change.apply(figures.median)),
        };
        let would_wait = |visit: &ProcurementVisit| match visit.waited() {
            Some(waited) => change.apply(waited),
            None => through.map_or(as_of.since(visit.at), |through| through.min(as_of.since(visit.at))),
        };
        let (mut before, mut after, mut ordered) = (Durations::default(), Durations::default(), 0);
        let (mut changes, mut released) = (Vec::new(), Vec::new());
        for case in &cases {
            let visits = in_step(case);
            let sum = |of: &dyn Fn(&ProcurementVisit) -> Span| {
                visits.iter().map(of).fold(Span::ZERO, |sum, of| sum + of)
            };
            let waited = sum(&|visit| visit.waited().unwrap_or(as_of.since(visit.at)));
            let would_wait = sum(&would_wait);
            if let Some(time) = case.time_to_order() {
                ordered += 1;
                before.add(time.as_micros(), 1);
                after.add(time.as_micros() - waited.as_micros() + would_wait.as_micros(), 1);
            }
            let is_waiting = case.waits_in().is_some_and(|visit| visit.step == step);
            if is_waiting && would_wait < waited {
                released.push(case);
            }
            if !visits.is_empty() {
                let (account, journey) = (case.account.clone(), case.journey.clone());
                changes.push(CaseChange {
                    account,
                    journey,
                    waited,
                    would_wait,
                    is_waiting,
                    value: case.value,
                });
            }
        }
        let (before, after) = (before.figures(), after.figures());
        let waiting = cases.iter().filter(|case| case.waits_in().is_some_and(|visit| visit.step == step));
        WhatIf {
            step,
            change,
            ordered,
            mean_before: before.as_ref().map(|figures| figures.mean),
            mean_after: after.as_ref().map(|figures| figures.mean),
            median_before: before.as_ref().map(|figures| figures.median),
            median_after: after.as_ref().map(|figures| figures.median),
            value_waiting: worth(waiting),
            value_released: worth(released.into_iter()),
            cases: changes,
        }
    }
}

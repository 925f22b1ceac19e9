use std::collections::BTreeMap;

use serde::Serialize;
use wayfold_core::{Amount, ProcurementStep, Span, Timestamp};

use super::facts::{AccountTotal, Accounts, Fact, What};
use crate::measure::{Durations, amount};

/// A purchase on its way through an account's procurement (采购流程): the events of one account and journey.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ProcurementCase {
    /// The account.
    pub account: String,
    /// The journey; `None` for what names none.
    pub journey: Option<String>,
    /// The steps in the order in which they were reached; one that is reached again while it is waited in is one visit.
    pub visits: Vec<ProcurementVisit>,
    /// The first purchase from the first step on.
    pub ordered_at: Option<Timestamp>,
    /// When the deal was lost, if it was not ordered and no step follows.
    pub lost_at: Option<Timestamp>,
    /// What it is worth: its purchases, else the newest quote.
    pub value: Option<Amount>,
}

/// A step that a case reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct ProcurementVisit {
    /// Which one.
    pub step: ProcurementStep,
    /// When.
    pub at: Timestamp,
    /// When the next step was reached, an approval granted or rejected, or it was ordered or lost; `None` while it waits.
    pub until: Option<Timestamp>,
}

impl ProcurementVisit {
    /// How long it waited; `None` while it does.
    pub fn waited(&self) -> Option<Span> {
        Some(self.until?.since(self.at))
    }
}

/// How long cases wait in a step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ProcurementStepRow {
    /// Which one.
    pub step: ProcurementStep,
    /// How many waits ended.
    pub waits: u64,
    /// All time of these.
    pub total: Span,
    /// Their mean; `None` where none ended.
    pub mean: Option<Span>,
    /// Their median, by nearest rank.
    pub median: Option<Span>,
    /// Their 90th percentile, by nearest rank.
    pub p90: Option<Span>,
    /// How many cases wait there.
    pub waiting: u64,
    /// What they are worth.
    pub value_waiting: Amount,
}

impl ProcurementCase {
    /// The step in which it waits; `None` if it was ordered or lost, or between an approval and the next step.
    pub fn waits_in(&self) -> Option<&ProcurementVisit> {
        waits_in(&self.visits)
    }

    /// From the first step to the order.
    pub fn time_to_order(&self) -> Option<Span> {
        Some(self.ordered_at?.since(self.visits.first()?.at))
    }

    fn of(account: &str, journey: Option<&str>, facts: &[&Fact]) -> Option<Self> {
        let mut visits: Vec<ProcurementVisit> = Vec::new();
        let (mut ordered_at, mut lost_at) = (None, None);
        let (mut ordered, mut quoted) = (None, None);
        for fact in facts {
            match &fact.what {
                What::Step { step, .. } => {
                    lost_at = None;
                    if ordered_at.is_none() && waits_in(&visits).is_none_or(|waits| waits.step != *step) {
                        end(&mut visits, fact.at);
                        visits.push(ProcurementVisit { step: *step, at: fact.at, until: None });
                    }
                }
                What::Ordered(value) => {
                    ordered = value.map_or(ordered, |value| Some(ordered.unwrap_or(0) + i128::from(value)));
                    if !visits.is_empty() && ordered_at.is_none() {
                        ordered_at = Some(fact.at);
                    }
                }
                What::Decided
                    if waits_in(&visits).is_some_and(|waits| waits.step == ProcurementStep::Approval) =>
                {
                    end(&mut visits, fact.at);
                }
                What::Quoted(value) => quoted = Some(i128::from(*value)),
                What::Lost => lost_at = Some(fact.at),
                _ => {}
            }
        }
        let lost_at = lost_at.filter(|_| ordered_at.is_none());
        if let Some(at) = ordered_at.or(lost_at) {
            end(&mut visits, at);
        }
        (!visits.is_empty()).then(|| Self {
            account: account.to_owned(),
            journey: journey.map(str::to_owned),
            visits,
            ordered_at,
            lost_at,
            value: ordered.or(quoted).map(amount),
        })
    }
}

fn waits_in(visits: &[ProcurementVisit]) -> Option<&ProcurementVisit> {
    visits.last().filter(|visit| visit.until.is_none())
}

fn end(visits: &mut [ProcurementVisit], at: Timestamp) {
    if let Some(last) = visits.last_mut() {
        last.until.get_or_insert(at);
    }
}

impl Accounts {
    /// The cases of procurement, by account and journey. Several people of an account who name the same journey are on one
    /// way.
    pub fn procurement(&self, total: &AccountTotal) -> Vec<ProcurementCase> {
        let mut cases = Vec::new();
        for (account, facts) in total.by_account() {
            let mut journeys: BTreeMap<Option<&str>, Vec<&Fact>> = BTreeMap::new();
            facts.iter().for_each(|fact| journeys.entry(fact.journey.as_deref()).or_default().push(fact));
            let case =
                |(journey, facts): (Option<&str>, Vec<&Fact>)| ProcurementCase::of(account, journey, &facts);
            cases.extend(journeys.into_iter().filter_map(case));
        }
        cases
    }

    /// How long cases wait in each step, in the order of procurement.
    pub fn procurement_steps(&self, total: &AccountTotal) -> Vec<ProcurementStepRow> {
        let cases = self.procurement(total);
        let row = |step: &ProcurementStep| {
            let mut waits = Durations::default();
            let visits = cases.iter().flat_map(|case| &case.visits).filter(|visit| visit.step == *step);
            let ended =
                visits.filter_map(ProcurementVisit::waited).inspect(|wait| waits.add(wait.as_micros(), 1));
            let count = ended.count() as u64;
            let waiting =
                || cases.iter().filter(|case| case.waits_in().is_some_and(|visit| visit.step == *step));
            let figures = waits.figures();
            let total = figures.as_ref().map_or(0, |figures| figures.total_micros);
            ProcurementStepRow {
                step: *step,
                waits: count,
                total: Span::from_micros(i64::try_from(total).unwrap_or(i64::MAX)),
                mean: figures.as_ref().map(|figures| figures.mean),
                median: figures.as_ref().map(|figures| figures.median),
                p90: figures.as_ref().map(|figures| figures.p90),
                waiting: waiting().count() as u64,
                value_waiting: worth(waiting()),
            }
        };
        ProcurementStep::ALL.iter().map(row).collect()
    }

    /// The step in which most time is waited, the earlier of equals; `None` where no wait ended.
    pub fn bottleneck(&self, total: &AccountTotal) -> Option<ProcurementStepRow> {
        let steps = self.procurement_steps(total).into_iter().filter(|row| row.waits > 0);
        steps.rev().max_by_key(|row| row.total)
    }
}

/// What cases are worth together.
pub(super) fn worth<'a>(cases: impl Iterator<Item = &'a ProcurementCase>) -> Amount {
    let values = cases.filter_map(|case| case.value).map(|value| i128::from(value.as_ten_thousandths()));
    amount(values.sum())
}

//! The questions, and the figures on which everybody has to agree.

use std::str::FromStr;

use wayfold::insight::{
    ActivityLifecycle, Attribution, BucketUnit, Calendar, Cases, CohortBy, DirectlyFollows,
    DirectlyFollowsReport, EventTest, Funnel, FunnelTotal, JourneyMap, Paths, ProcessMap, ProcessMapReport,
    Retention, RetentionTotal, SatisfactionMethod, StageDurations, TemporalProfile, Tz, Variants,
};
use wayfold::{Currency, EventKind, Span};

use crate::Result;

/// What a closed store is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Question {
    Graph,
    Funnel,
    Retention,
    Once,
    Each,
}

impl FromStr for Question {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        match text {
            "graph" => Ok(Self::Graph),
            "funnel" => Ok(Self::Funnel),
            "retention" => Ok(Self::Retention),
            "once" => Ok(Self::Once),
            "each" => Ok(Self::Each),
            _ => Err(format!("there is no question {text:?}")),
        }
    }
}

/// Which kind of event directly follows which, by customer: what peers count.
pub(crate) fn graph() -> DirectlyFollows {
    DirectlyFollows::new(Cases::new())
}

/// The same with times, values and rework.
pub(crate) fn map() -> ProcessMap {
    ProcessMap::new(Cases::new())
}

/// Cases, activities and edges, and their counts in the order of their names.
pub(crate) fn graph_figures(graph: &DirectlyFollowsReport) -> Vec<i64> {
    let edges = graph.edges.iter().map(|edge| (&edge.from, &edge.to, edge.count)).collect();
    figures([graph.cases, graph.events], graph.steps.iter().map(|step| step.events).collect(), edges)
}

/// The same figures of a process map.
pub(crate) fn map_figures(map: &ProcessMapReport) -> Vec<i64> {
    let edges = map.edges.iter().map(|edge| (&edge.from, &edge.to, edge.count)).collect();
    figures([map.cases, map.events], map.activities.iter().map(|activity| activity.events).collect(), edges)
}

fn figures(sizes: [u64; 2], activities: Vec<u64>, mut edges: Vec<(&String, &String, u64)>) -> Vec<i64> {
    edges.sort_unstable();
    let lengths = [activities.len() as u64, edges.len() as u64];
    let counts = activities.into_iter().chain(edges.into_iter().map(|(.., count)| count));
    sizes.into_iter().chain(lengths).chain(counts).map(|count| count as i64).collect()
}

/// A need, an order, its delivery, within thirty days of the need.
pub(crate) fn funnel() -> Result<Funnel> {
    let steps = [EventKind::NeedIdentified, EventKind::OrderPlaced, EventKind::Delivered];
    Ok(Funnel::new(steps.map(EventTest::kind).to_vec(), Span::from_days(30))?)
}

/// How many come to each step.
pub(crate) fn funnel_figures(funnel: &Funnel, total: &FunnelTotal) -> Vec<i64> {
    let reports = funnel.report(total);
    reports.iter().flat_map(|report| &report.steps).map(|step| step.customers as i64).collect()
}

/// Months by the first event ever, and any event behind it.
pub(crate) fn retention() -> Retention {
    let calendar = Calendar::new(Tz::UTC, BucketUnit::Month);
    Retention::new(calendar, EventTest::any(), EventTest::any()).with_cohort(CohortBy::First)
}

/// Of each cohort, how many came back so many months later; only what is not zero.
pub(crate) fn retention_figures(retention: &Retention, total: &RetentionTotal) -> Vec<i64> {
    let rows = total.buckets().map(|buckets| retention.report(total, buckets).cohorts).unwrap_or_default();
    let returned = rows.iter().flat_map(|row| &row.returned);
    returned.copied().filter(|customers| *customers > 0).collect()
}

/// The other seven, as the report asks them.
pub(crate) struct Others {
    pub(crate) variants: Variants,
    pub(crate) lifecycle: ActivityLifecycle,
    pub(crate) paths: Paths,
    pub(crate) stages: StageDurations,
    pub(crate) attribution: Attribution,
    pub(crate) profile: TemporalProfile,
    pub(crate) journey: JourneyMap,
}

impl Others {
    pub(crate) fn new() -> Result<Self> {
        let weeks = Calendar::new(Tz::UTC, BucketUnit::Week);
        let order = EventTest::kind(EventKind::OrderPlaced);
        let touch = EventTest::kind(EventKind::InformationGathered);
        Ok(Self {
            variants: Variants::new(Cases::new()),
            lifecycle: ActivityLifecycle::new(weeks, EventTest::any()),
            paths: Paths::new(Cases::new().valued_in(Currency::EUR)).from(EventKind::OrderPlaced.name()),
            stages: StageDurations::new(),
            attribution: Attribution::new(touch, order, Span::from_days(30))?.valued_in(Currency::EUR),
            profile: TemporalProfile::new(Cases::new()),
            journey: JourneyMap::new(SatisfactionMethod::Nps),
        })
    }
}

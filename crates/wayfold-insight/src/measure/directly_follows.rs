//! The directly-follows graph: how often which step directly follows which, and nothing else.

use serde::Serialize;
use wayfold_core::History;

use super::Measure;
use super::cases::{Case, Cases, StepNames};
use super::names::value_of;
use super::pairs::Pairs;

/// Counts how often which step of a case directly follows which, and with which cases start and end: what process mining
/// calls the directly-follows graph.
///
/// [`ProcessMap`](super::ProcessMap) says of the same graph how long each edge takes, what it is worth and what is done
/// again; this one keeps no durations, takes no memory that grows with the log, and is twice as fast.
///
/// ```
/// use wayfold_core::{
///     CustomerKey, EventBatch, EventId, JourneyEvent, ProductViewed, Registered, Shard, Timestamp, for_each_history,
/// };
/// use wayfold_insight::{Cases, DirectlyFollows, Measure};
///
/// let ada = CustomerKey::new("ada")?;
/// let at = |hour: u32| Timestamp::parse(&format!("2024-03-01T{hour:02}:00:00Z"));
/// let batch = EventBatch::from_events(&[
///     JourneyEvent::new(EventId::from_u128(1), ada.clone(), at(8)?, Registered {}),
///     JourneyEvent::new(EventId::from_u128(2), ada.clone(), at(9)?, ProductViewed {}),
///     JourneyEvent::new(EventId::from_u128(3), ada, at(12)?, ProductViewed {}),
/// ])?;
/// let (graph, mut total) = (DirectlyFollows::new(Cases::new()), Default::default());
/// for_each_history(&[batch], Shard::ALL, Timestamp::MAX, |history| graph.add(history, 1, &mut total));
///
/// let report = graph.report(&total);
/// assert_eq!((report.cases, report.events), (1, 3));
/// assert_eq!(report.count("registered", "product_viewed"), 1);
/// assert_eq!(report.count("product_viewed", "registered"), 0);
/// # Ok::<(), wayfold_core::Error>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct DirectlyFollows {
    cases: Cases,
}

impl DirectlyFollows {
    /// Counts in cases that are made so; what a case is worth is not looked at.
    pub fn new(cases: Cases) -> Self {
        Self { cases }
    }

    /// What was counted how, in words, for who reads the figures.
    pub fn semantics(&self) -> String {
        let cases = self.cases.semantics();
        format!("directly-follows graph of {cases}; an edge is a step directly behind another of its case")
    }

    /// The figures.
    pub fn report(&self, total: &DirectlyFollowsTotal) -> DirectlyFollowsReport {
        let count = |count: i64| count.max(0) as u64;
        let DirectlyFollowsTotal { names, cases, steps, edges } = total;
        let of_step = |(step, of): (usize, &StepTotal)| StepCount {
            name: names.name(step as u32).to_owned(),
            events: count(of.events),
            starts: count(of.starts),
            ends: count(of.ends),
        };
        let mut steps: Vec<_> = steps.iter().enumerate().map(of_step).filter(|row| row.events > 0).collect();
        steps.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        let of_edge = |((from, to), of): &((u32, u32), i64)| EdgeCount {
            from: names.name(*from).to_owned(),
            to: names.name(*to).to_owned(),
            count: count(*of),
        };
        let mut edges: Vec<_> = edges.iter().map(of_edge).filter(|row| row.count > 0).collect();
        edges.sort_unstable_by(|a, b| {
            b.count.cmp(&a.count).then_with(|| (&a.from, &a.to).cmp(&(&b.from, &b.to)))
        });
        DirectlyFollowsReport {
            semantics: self.semantics(),
            cases: count(*cases),
            events: steps.iter().map(|row| row.events).sum(),
            steps,
            edges,
        }
    }
}

/// What [`DirectlyFollows`] adds up.
#[derive(Debug, Clone, Default)]
pub struct DirectlyFollowsTotal {
    names: StepNames,
    cases: i64,
    /// By the number of the step.
    steps: Vec<StepTotal>,
    edges: Pairs<i64>,
}

#[derive(Debug, Clone, Copy, Default)]
struct StepTotal {
    events: i64,
    starts: i64,
    ends: i64,
}

impl Measure for DirectlyFollows {
    type Total = DirectlyFollowsTotal;

    fn add(&self, history: &History<'_>, times: i64, total: &mut DirectlyFollowsTotal) {
        let DirectlyFollowsTotal { names, cases, steps, edges } = total;
        self.cases.for_each(history, names, |Case { steps: case, .. }, _| {
            *cases += times;
            for step in case {
                value_of(steps, step.activity).events += times;
            }
            for [from, to] in case.array_windows() {
                *edges.of(from.activity, to.activity) += times;
            }
            if let (Some(first), Some(last)) = (case.first(), case.last()) {
                value_of(steps, first.activity).starts += times;
                value_of(steps, last.activity).ends += times;
            }
        });
    }

    fn merge(&self, total: &mut DirectlyFollowsTotal, other: DirectlyFollowsTotal) {
        let numbers = total.names.take_over(&other.names);
        total.cases += other.cases;
        for (from, number) in other.steps.into_iter().zip(&numbers) {
            let to = value_of(&mut total.steps, *number);
            to.events += from.events;
            to.starts += from.starts;
            to.ends += from.ends;
        }
        for ((from, to), count) in other.edges.into_pairs() {
            *total.edges.of(numbers[from as usize], numbers[to as usize]) += count;
        }
    }
}

/// The directly-follows graph in figures.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DirectlyFollowsReport {
    /// What was counted how.
    pub semantics: String,
    /// How many cases have a step.
    pub cases: u64,
    /// How many steps they have.
    pub events: u64,
    /// The steps, by name.
    pub steps: Vec<StepCount>,
    /// Which directly follows which: the most frequent first, then by name.
    pub edges: Vec<EdgeCount>,
}

/// How often a step is done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StepCount {
    /// What it is called.
    pub name: String,
    /// How often it is done.
    pub events: u64,
    /// How many cases begin with it.
    pub starts: u64,
    /// How many end with it.
    pub ends: u64,
}

/// How often a step directly follows another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EdgeCount {
    /// The step before.
    pub from: String,
    /// The step behind.
    pub to: String,
    /// How often.
    pub count: u64,
}

impl DirectlyFollowsReport {
    /// How often a step directly follows another.
    pub fn count(&self, from: &str, to: &str) -> u64 {
        self.edges.iter().find(|row| row.from == from && row.to == to).map_or(0, |row| row.count)
    }
}

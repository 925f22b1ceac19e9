//! The process map: which step directly follows which, how often, how long after, and what it is worth.

use serde::Serialize;
use wayfold_core::{Amount, History, Span};

use super::Measure;
use super::cases::{Case, Cases, StepNames};
use super::durations::Durations;
use super::names::value_of;
use super::pairs::Pairs;

/// Measures the directly-follows graph of cases, with starts, ends, and rework.
///
/// ```
/// use wayfold_core::{
///     CustomerKey, EventBatch, EventId, JourneyEvent, ProductViewed, Registered, Shard, Span, Timestamp, for_each_history,
/// };
/// use wayfold_insight::{Cases, Measure, ProcessMap};
///
/// let ada = CustomerKey::new("ada")?;
/// let at = |hour: u32| Timestamp::parse(&format!("2024-03-01T{hour:02}:00:00Z"));
/// let batch = EventBatch::from_events(&[
///     JourneyEvent::new(EventId::from_u128(1), ada.clone(), at(8)?, Registered {}),
///     JourneyEvent::new(EventId::from_u128(2), ada.clone(), at(9)?, ProductViewed {}),
///     JourneyEvent::new(EventId::from_u128(3), ada, at(12)?, ProductViewed {}),
/// ])?;
/// let (map, mut total) = (ProcessMap::new(Cases::new()), Default::default());
/// for_each_history(&[batch], Shard::ALL, Timestamp::MAX, |history| map.add(history, 1, &mut total));
///
/// let report = map.report(&total);
/// assert_eq!((report.cases, report.events, report.edges.len()), (1, 3, 2));
/// let again = report.edge("product_viewed", "product_viewed").expect("one view follows another");
/// assert_eq!((again.count, again.median), (1, Span::from_micros(10_800_000_000)));
/// assert_eq!(report.activity("product_viewed").expect("it is there").reworked_cases, 1);
/// assert!(report.semantics.starts_with("process map of cases by customer, steps by kind"));
/// # Ok::<(), wayfold_core::Error>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct ProcessMap {
    cases: Cases,
}

impl ProcessMap {
    /// Measures cases that are made so.
    pub fn new(cases: Cases) -> Self {
        Self { cases }
    }

    /// What was counted how, in words, for who reads the figures.
    pub fn semantics(&self) -> String {
        format!(
            "process map of {}; an edge is a step directly behind another of its case; a case counts once and whole for the \
             value of each edge; mean cut to microseconds, median and 90th percentile by nearest rank",
            self.cases.semantics()
        )
    }
}

/// What a [`ProcessMap`] adds up.
#[derive(Debug, Clone, Default)]
pub struct ProcessMapTotal {
    steps: StepNames,
    cases: i64,
    value: i128,
    /// By the number of the step.
    activities: Vec<ActivityTotal>,
    edges: Pairs<EdgeTotal>,
    /// Counts the cases that were looked at, so that each is known where it was already.
    looked_at: u64,
}

#[derive(Debug, Clone, Copy, Default)]
struct ActivityTotal {
    events: i64,
    cases: i64,
    reworked: i64,
    starts: i64,
    ends: i64,
    /// The case that came by last, and whether it came twice.
    last_case: u64,
    is_reworked: bool,
}

#[derive(Debug, Clone, Default)]
struct EdgeTotal {
    count: i64,
    cases: i64,
    value: i128,
    durations: Durations,
    /// The case that passed last.
    last_case: u64,
}

impl Measure for ProcessMap {
    type Total = ProcessMapTotal;

    fn add(&self, history: &History<'_>, times: i64, total: &mut ProcessMapTotal) {
        let ProcessMapTotal { steps, cases, value, activities, edges, looked_at } = total;
        self.cases.for_each(history, steps, |case, _| {
            *looked_at += 1;
            *cases += times;
            *value += case.value * i128::from(times);
            add_activities(case, times, *looked_at, activities);
            add_edges(case, times, *looked_at, edges);
        });
    }

    fn merge(&self, total: &mut ProcessMapTotal, other: ProcessMapTotal) {
        let numbers = total.steps.take_over(&other.steps);
        total.cases += other.cases;
        total.value += other.value;
        for (from, number) in other.activities.into_iter().zip(&numbers) {
            let to = value_of(&mut total.activities, *number);
            to.events += from.events;
            to.cases += from.cases;
            to.reworked += from.reworked;
            to.starts += from.starts;
            to.ends += from.ends;
        }
        for ((from, to), edge) in other.edges.into_pairs() {
            let known = total.edges.of(numbers[from as usize], numbers[to as usize]);
            known.count += edge.count;
            known.cases += edge.cases;
            known.value += edge.value;
            known.durations.merge(edge.durations);
        }
    }
}

fn add_activities(case: &Case, times: i64, looked_at: u64, activities: &mut Vec<ActivityTotal>) {
    for step in &case.steps {
        let activity = value_of(activities, step.activity);
        activity.events += times;
        if activity.last_case != looked_at {
            (activity.last_case, activity.is_reworked) = (looked_at, false);
            activity.cases += times;
        } else if !activity.is_reworked {
            activity.is_reworked = true;
            activity.reworked += times;
        }
    }
    if let (Some(first), Some(last)) = (case.steps.first(), case.steps.last()) {
        value_of(activities, first.activity).starts += times;
        value_of(activities, last.activity).ends += times;
    }
}

fn add_edges(case: &Case, times: i64, looked_at: u64, edges: &mut Pairs<EdgeTotal>) {
    for [from, to] in case.steps.array_windows() {
        let edge = edges.of(from.activity, to.activity);
        edge.count += times;
        edge.durations.add(to.at - from.at, times);
        if edge.last_case != looked_at {
            edge.last_case = looked_at;
            edge.cases += times;
            edge.value += case.value * i128::from(times);
        }
    }
}

/// The process map in figures.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ProcessMapReport {
    /// What was counted how.
    pub semantics: String,
    /// How many cases have a step.
    pub cases: u64,
    /// How many steps they have.
    pub events: u64,
    /// What they are worth, in the currency that was asked for.
    pub value: Amount,
    /// The steps, by name.
    pub activities: Vec<ActivityRow>,
    /// Which directly follows which: the most frequent first, then by name.
    pub edges: Vec<EdgeRow>,
}

/// A step of a process map.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ActivityRow {
    /// What it is called.
    pub name: String,
    /// How often it is done.
    pub events: u64,
    /// In how many cases.
    pub cases: u64,
    /// In how many of them more than once.
    pub reworked_cases: u64,
    /// How many cases begin with it.
    pub starts: u64,
    /// How many end with it.
    pub ends: u64,
}

/// A step that directly follows another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EdgeRow {
    /// The step before.
    pub from: String,
    /// The step behind.
    pub to: String,
    /// How often.
    pub count: u64,
    /// In how many cases.
    pub cases: u64,
    /// What these cases are worth; a case counts whole for each edge that it passes, and once.
    pub value: Amount,
    /// The mean time from one to the other, cut to microseconds.
    pub mean: Span,
    /// The median, by nearest rank.
    pub median: Span,
    /// The 90th percentile, by nearest rank.
    pub p90: Span,
    /// All time that was spent between the two; at most some 292 thousand years.
    pub total: Span,
}

impl ProcessMap {
    /// The figures.
    pub fn report(&self, total: &ProcessMapTotal) -> ProcessMapReport {
        let count = |count: i64| count.max(0) as u64;
        let ProcessMapTotal { steps, cases, value, activities, edges, .. } = total;
        let of_activity = |(activity, of): (usize, &ActivityTotal)| ActivityRow {
            name: steps.name(activity as u32).to_owned(),
            events: count(of.events),
            cases: count(of.cases),
            reworked_cases: count(of.reworked),
            starts: count(of.starts),
            ends: count(of.ends),
        };
        let mut activities: Vec<_> =
            activities.iter().enumerate().map(of_activity).filter(|row| row.events > 0).collect();
        activities.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        let of_edge = |((from, to), of): &((u32, u32), EdgeTotal)| {
            let figures = of.durations.figures()?;
            Some(EdgeRow {
                from: steps.name(*from).to_owned(),
                to: steps.name(*to).to_owned(),
                count: count(of.count),
                cases: count(of.cases),
                value: amount(of.value),
                mean: figures.mean,
                median: figures.median,
                p90: figures.p90,
                total: Span::from_micros(i64::try_from(figures.total_micros).unwrap_or(i64::MAX)),
            })
        };
        let mut edges: Vec<_> = edges.iter().filter_map(of_edge).collect();
        let names = |row: &EdgeRow| (row.from.clone(), row.to.clone());
        edges.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| names(a).cmp(&names(b))));
        ProcessMapReport {
            semantics: self.semantics(),
            cases: count(*cases),
            events: activities.iter().map(|row| row.events).sum(),
            value: amount(*value),
            activities,
            edges,
        }
    }
}

/// An amount of ten-thousandths; more than the greatest is the greatest.
pub(crate) fn amount(ten_thousandths: i128) -> Amount {
    let nearest = ten_thousandths.clamp(i64::MIN.into(), i64::MAX.into());
    Amount::from_ten_thousandths(nearest as i64)
}

impl ProcessMapReport {
    /// A step by name.
    pub fn activity(&self, name: &str) -> Option<&ActivityRow> {
        self.activities.iter().find(|row| row.name == name)
    }

    /// A step that directly follows another, by name.
    pub fn edge(&self, from: &str, to: &str) -> Option<&EdgeRow> {
        self.edges.iter().find(|row| row.from == from && row.to == to)
    }

    /// The edges at which most time is spent, the most first: where a shorter wait saves most.
    pub fn bottlenecks(&self) -> Vec<&EdgeRow> {
        let mut edges: Vec<_> = self.edges.iter().collect();
        edges.sort_by_key(|row| std::cmp::Reverse(row.total));
        edges
    }

    /// The map as a Mermaid flow chart, edges labelled by count and median; names may hold anything.
    pub fn mermaid(&self) -> String {
        let mut text = "flowchart TD\n".to_owned();
        let place = |name: &str| self.activities.iter().position(|row| row.name == name);
        for (number, row) in self.activities.iter().enumerate() {
            text += &format!("    a{number}[\"{} ({})\"]\n", escaped(&row.name), row.events);
        }
        for row in &self.edges {
            if let (Some(from), Some(to)) = (place(&row.from), place(&row.to)) {
                text += &format!("    a{from} -->|\"{} x, {}\"| a{to}\n", row.count, in_words(row.median));
            }
        }
        text
    }
}

/// Mermaid reads `#NUMBER;` as the character of that number.
fn escaped(name: &str) -> String {
    let is_plain = |letter: char| letter.is_alphanumeric() || matches!(letter, ' ' | '_' | '-' | '.' | ':');
    let one = |letter: char| match is_plain(letter) {
        true => letter.to_string(),
        false => format!("#{};", u32::from(letter)),
    };
    name.chars().map(one).collect()
}

/// A duration in the largest unit of which there is one.
fn in_words(span: Span) -> String {
    let seconds = span.as_micros() as f64 / 1e6;
    let units = [("d", 86_400.0), ("h", 3_600.0), ("min", 60.0)];
    let unit = units.into_iter().find(|(_, length)| seconds >= *length).unwrap_or(("s", 1.0));
    format!("{:.1} {}", seconds / unit.1, unit.0)
}

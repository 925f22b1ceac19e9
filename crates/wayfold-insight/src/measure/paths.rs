//! Paths: which steps customers take next from a step on, or took before one, most frequent first.

use std::collections::BTreeMap;

use hashbrown::HashMap;
use serde::Serialize;
use wayfold_core::{Amount, History, Span};

use super::Measure;
use super::cases::{Case, CaseStep, Cases, StepNames};
use super::names::Names;
use super::process_map::amount;
use super::ties::Ties;
use crate::error::{Error, ErrorKind, Result};

/// Measures the ways of sessions through steps: from their beginning, from a step on, or to a step.
///
/// A case is cut into sessions where nothing happens for the gap (30 minutes, and exactly so long cuts too). Steps of one
/// instant stand in the order of their names, unless the cases say otherwise; equal neighbours count as one step. A session that has the step goes once into
/// the figures: from its first occurrence on, or up to it. A session is worth what was ordered from its first to its last
/// step, in the currency of the cases.
///
/// A total holds each different way once, as many steps of it as the depth says, so its size is bounded by how differently
/// customers behave and not by how much they do.
#[derive(Debug, Clone)]
pub struct Paths {
    cases: Cases,
    anchor: Anchor,
    gap: Option<Span>,
    depth: usize,
    keeps_repeats: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Anchor {
    Beginning,
    From(String),
    To(String),
}

impl Paths {
    /// The most steps of a way that are told apart.
    pub const DEPTH_MAX: usize = 20;

    /// The first five steps of the sessions of cases that are made so.
    pub fn new(cases: Cases) -> Self {
        let gap = Some(Span::from_micros(30 * 60_000_000));
        let cases = cases.or_ties(Ties::ByName);
        Self { cases, anchor: Anchor::Beginning, gap, depth: 5, keeps_repeats: false }
    }

    /// Looks at what comes next from a step on; the way begins with it.
    pub fn from(mut self, step: impl Into<String>) -> Self {
        self.anchor = Anchor::From(step.into());
        self
    }

    /// Looks at what came before a step; the way ends with it.
    pub fn to(mut self, step: impl Into<String>) -> Self {
        self.anchor = Anchor::To(step.into());
        self
    }

    /// Sets for how long nothing happens between two sessions; `None` makes each case one session.
    pub fn with_gap(mut self, gap: Option<Span>) -> Self {
        self.gap = gap;
        self
    }

    /// Sets how many steps of a way are told apart.
    ///
    /// # Errors
    /// `InvalidParameter` for none, and for more than [`Paths::DEPTH_MAX`].
    pub fn with_depth(mut self, steps: usize) -> Result<Self> {
        if steps == 0 || steps > Self::DEPTH_MAX {
            let message = format_args!("paths of {steps} steps; give them 1 to {}", Self::DEPTH_MAX);
            return Err(Error::new(ErrorKind::InvalidParameter, message));
        }
        self.depth = steps;
        Ok(self)
    }

    /// Keeps equal neighbours as steps of their own.
    pub fn keeping_repeats(mut self) -> Self {
        self.keeps_repeats = true;
        self
    }

    /// What was counted how, in words, for who reads the figures.
    pub fn semantics(&self) -> String {
        let anchor = match &self.anchor {
            Anchor::Beginning => "from the beginning of sessions".to_owned(),
            Anchor::From(step) => format!("from the first {step} of sessions on"),
            Anchor::To(step) => format!("to the first {step} of sessions"),
        };
        let sessions = match self.gap {
            Some(gap) => format!("a gap of {gap} ends a session"),
            None => "each case is one session".to_owned(),
        };
        let repeats = if self.keeps_repeats { "each" } else { "once" };
        format!(
            "paths of at most {} steps {anchor}, {sessions}, equal neighbours count {repeats}; {}",
            self.depth,
            self.cases.semantics()
        )
    }

    /// The ways of a case's sessions, from the anchor away: towards the end, or towards the beginning. A way is lent for its
    /// memory.
    fn ways(&self, case: &Case, names: &Names, way: &mut Way, mut take: impl FnMut(&Way, i128)) {
        let anchor = match &self.anchor {
            Anchor::Beginning => None,
            Anchor::From(step) | Anchor::To(step) => match names.known(step) {
                Some(number) => Some(number),
                None => return,
            },
        };
        let gap = self.gap.map(Span::as_micros);
        let goes_on = |a: &CaseStep, b: &CaseStep| gap.is_none_or(|gap| b.at - a.at < gap);
        for session in case.steps.chunk_by(goes_on) {
            if self.follow(session, anchor, way) {
                let during = session[0].at..=session[session.len() - 1].at;
                let orders = case.orders.iter().filter(|(at, _)| during.contains(at));
                take(way, orders.map(|(_, value)| value).sum());
            }
        }
    }

    /// Reads the way of a session, if it has the anchor.
    fn follow(&self, session: &[CaseStep], anchor: Option<u32>, way: &mut Way) -> bool {
        let is_anchor = |step: &CaseStep| Some(step.activity) == anchor;
        let Some(first) = anchor.map_or(Some(0), |_| session.iter().position(is_anchor)) else {
            return false;
        };
        let (behind, before) = (session[first..].iter(), session[..=first].iter().rev());
        match &self.anchor {
            Anchor::Beginning | Anchor::From(_) => self.take_steps(behind, way),
            Anchor::To(_) => self.take_steps(before, way),
        }
        true
    }

    fn take_steps<'a>(&self, steps: impl Iterator<Item = &'a CaseStep>, way: &mut Way) {
        way.steps.clear();
        way.is_cut = false;
        for CaseStep { activity, .. } in steps {
            if !self.keeps_repeats && way.steps.last() == Some(activity) {
                continue;
            }
            if way.steps.len() == self.depth {
                way.is_cut = true;
                break;
            }
            way.steps.push(*activity);
        }
    }
}

/// Steps from the anchor away, and whether the session has more of them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
struct Way {
    steps: Vec<u32>,
    is_cut: bool,
}

/// What [`Paths`] add up.
#[derive(Debug, Clone, Default)]
pub struct PathsTotal {
    steps: StepNames,
    ways: HashMap<Way, Counted>,
    /// For the memory of the way before.
    way: Way,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Counted {
    sessions: i64,
    value: i128,
}

impl Counted {
    fn add(&mut self, other: Self) {
        self.sessions += other.sessions;
        self.value += other.value;
    }
}

fn add(ways: &mut HashMap<Way, Counted>, way: &Way, counted: Counted) {
    match ways.get_mut(way) {
        None => {
            ways.insert(way.clone(), counted);
        }
        Some(known) => {
            known.add(counted);
            if *known == Counted::default() {
                ways.remove(way);
            }
        }
    }
}

impl Measure for Paths {
    type Total = PathsTotal;

    fn add(&self, history: &History<'_>, times: i64, total: &mut PathsTotal) {
        let PathsTotal { steps, ways, way } = total;
        self.cases.for_each(history, steps, |case, names| {
            self.ways(case, names, way, |way, value| {
                add(ways, way, Counted { sessions: times, value: value * i128::from(times) });
            });
        });
    }

    fn merge(&self, total: &mut PathsTotal, other: PathsTotal) {
        let numbers = total.steps.take_over(&other.steps);
        for (mut way, counted) in other.ways {
            way.steps.iter_mut().for_each(|step| *step = numbers[*step as usize]);
            add(&mut total.ways, &way, counted);
        }
    }
}

/// Paths in figures.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PathsReport {
    /// What was counted how.
    pub semantics: String,
    /// Sessions that have the step from which or to which paths are measured.
    pub sessions: u64,
    /// What they are worth.
    pub value: Amount,
    /// The tree of steps from the anchor away: towards the end, or towards the beginning of paths to a step.
    pub tree: Vec<PathNode>,
    /// Whole ways in the order of time, the most frequent first, then by their steps.
    pub ways: Vec<PathWay>,
    /// How many different ways are left out.
    pub other_ways: u64,
}

/// A step of the tree, behind the steps that lead to it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PathNode {
    /// What it is called.
    pub step: String,
    /// Sessions that come to it on this way.
    pub sessions: u64,
    /// The percentage of the sessions at the step before, or of all.
    pub share: f64,
    /// What these sessions are worth.
    pub value: Amount,
    /// Sessions that have no further step; of paths to a step, those that began here.
    pub ended: u64,
    /// The next steps, the most frequent first, then by name.
    pub next: Vec<PathNode>,
    /// Sessions at next steps that are left out.
    pub others: u64,
}

/// A way in the order of time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PathWay {
    /// Its steps.
    pub steps: Vec<String>,
    /// Whether the sessions have more steps than are told apart: behind the last, or before the first of a path to a step.
    pub is_cut: bool,
    /// How many sessions took it.
    pub sessions: u64,
    /// What they are worth.
    pub value: Amount,
}

impl Paths {
    /// The figures, with at most so many next steps at each step, and so many whole ways.
    pub fn report(&self, total: &PathsTotal, most: usize) -> PathsReport {
        let named = total.ways.iter().filter(|(_, counted)| counted.sessions > 0).map(|(way, counted)| {
            let steps: Vec<&str> = way.steps.iter().map(|step| total.steps.name(*step)).collect();
            ((steps, way.is_cut), *counted)
        });
        let ways: BTreeMap<(Vec<&str>, bool), Counted> = named.collect();
        let mut all = Counted::default();
        ways.values().for_each(|counted| all.add(*counted));
        let rows: Vec<_> =
            ways.iter().map(|((steps, is_cut), counted)| (&steps[..], *is_cut, *counted)).collect();
        let (tree, _) = nodes(&rows, all.sessions, most);
        let mut told: Vec<PathWay> =
            ways.iter().map(|((steps, is_cut), counted)| self.told(steps, *is_cut, *counted)).collect();
        told.sort_by(|a, b| b.sessions.cmp(&a.sessions).then_with(|| a.steps.cmp(&b.steps)));
        let other_ways = told.len().saturating_sub(most) as u64;
        told.truncate(most);
        PathsReport {
            semantics: self.semantics(),
            sessions: all.sessions.max(0) as u64,
            value: amount(all.value),
            tree,
            ways: told,
            other_ways,
        }
    }

    fn told(&self, steps: &[&str], is_cut: bool, counted: Counted) -> PathWay {
        let mut steps: Vec<String> = steps.iter().map(|step| (*step).to_owned()).collect();
        if matches!(self.anchor, Anchor::To(_)) {
            steps.reverse();
        }
        PathWay { steps, is_cut, sessions: counted.sessions as u64, value: amount(counted.value) }
    }
}

/// What is left of a way, whether the session has more, and how often it was taken.
type Rest<'a> = (&'a [&'a str], bool, Counted);

/// The next steps of ways that are alike so far, and how many sessions take those that are left out.
fn nodes(ways: &[Rest<'_>], of: i64, most: usize) -> (Vec<PathNode>, u64) {
    let mut by_step: BTreeMap<&str, Vec<Rest<'_>>> = BTreeMap::new();
    for (steps, is_cut, counted) in ways {
        if let Some((step, rest)) = steps.split_first() {
            by_step.entry(step).or_default().push((rest, *is_cut, *counted));
        }
    }
    let node = |(step, ways): (&str, Vec<Rest<'_>>)| {
        let (mut here, mut ended) = (Counted::default(), 0);
        for (rest, is_cut, counted) in &ways {
            here.add(*counted);
            ended += if rest.is_empty() && !is_cut { counted.sessions } else { 0 };
        }
        let (next, others) = nodes(&ways, here.sessions, most);
        PathNode {
            step: step.to_owned(),
            sessions: here.sessions as u64,
            share: 100.0 * here.sessions as f64 / of as f64,
            value: amount(here.value),
            ended: ended as u64,
            next,
            others,
        }
    };
    let mut nodes: Vec<PathNode> = by_step.into_iter().map(node).collect();
    nodes.sort_by_key(|node| std::cmp::Reverse(node.sessions));
    let others = nodes.iter().skip(most).map(|node| node.sessions).sum();
    nodes.truncate(most);
    (nodes, others)
}

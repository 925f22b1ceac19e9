//! Funnels: how far customers come through given steps within a window.

mod reach;

use std::collections::BTreeMap;
use std::fmt;
use std::ops::RangeInclusive;

use hashbrown::HashMap;
use serde::Serialize;
use wayfold_core::{History, Span, Timestamp};

pub use self::reach::Reach;
use self::reach::Reached;
use super::durations::Durations;
use super::event_test::EventTest;
use super::like::{Tool, after};
use super::names::Names;
use super::stages::StageTime;
use super::{Measure, SegmentOf, Tally, by_segment};
use crate::error::{Error, ErrorKind, Result};

/// In which order the steps of a funnel count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FunnelOrder {
    /// One after the other, with anything in between.
    #[default]
    Ordered,
    /// One after the other: any event that is not the next step ends the attempt, but for repeats of the step where it
    /// stands. As `strict_order` of ClickHouse's `windowFunnel`.
    Strict,
    /// As strict, but steps that were reached already may come again. As `strict_order` with `allow_reentry` there.
    StrictWithReentry,
    /// In any order.
    Unordered,
}

/// From which entry the window runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FunnelEntry {
    /// Each step keeps the latest entry that reached it.
    #[default]
    Latest,
    /// The first entry alone.
    First,
}

/// What an excluded event does between the entry and the last step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Exclusion {
    /// The customer is left out.
    #[default]
    DropsCustomer,
    /// The attempt ends, and a new one may begin behind it.
    EndsAttempt,
}

/// How events of one instant count in a funnel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FunnelTies {
    /// In whatever order reaches furthest, each for one step; what is excluded counts before them.
    #[default]
    Furthest,
    /// In the order in which they are folded: by the source's sequence, then the causal rank of the kind, then the id.
    AsFolded,
    /// Not together: an instant reaches one step at most, so that each step is later than the one before. As
    /// `strict_increase` of ClickHouse's `windowFunnel`.
    Apart,
}

/// What a range of time is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RangeOf {
    /// The entry: later steps may lie behind the range.
    #[default]
    Entry,
    /// Every step.
    EveryStep,
}

/// Measures how far customers come through steps, each counted once and with the furthest step.
///
/// The window runs from the entry to each later step, and includes its end. An event is used for one step. Events of one
/// instant count in whatever order reaches furthest, unless [`FunnelTies`] say otherwise. The first attempt that reaches the furthest step gives the times.
#[derive(Clone)]
pub struct Funnel {
    steps: Vec<EventTest>,
    window: Span,
    order: FunnelOrder,
    entry: FunnelEntry,
    exclusions: Vec<EventTest>,
    exclusion: Exclusion,
    range: RangeInclusive<Timestamp>,
    range_of: RangeOf,
    ties: FunnelTies,
    segment: SegmentOf,
    /// How many of those who came no further are named, of each step.
    named: usize,
    like: Option<Tool>,
}

impl fmt::Debug for Funnel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.semantics())
    }
}

impl Funnel {
    /// The most steps of a funnel.
    pub const STEPS_MAX: usize = 64;

    /// Measures steps within a window from the entry.
    ///
    /// # Errors
    /// `InvalidParameter` if there is no step or more than [`Funnel::STEPS_MAX`], or the window is not positive.
    pub fn new(steps: Vec<EventTest>, window: Span) -> Result<Self> {
        if steps.is_empty() || steps.len() > Self::STEPS_MAX {
            let message = format_args!("a funnel of {} steps; give it 1 to {}", steps.len(), Self::STEPS_MAX);
            return Err(Error::new(ErrorKind::InvalidParameter, message));
        }
        if window.as_micros() <= 0 {
            let message = "a funnel without a window; say how long a customer may take";
            return Err(Error::new(ErrorKind::InvalidParameter, message));
        }
        Ok(Self {
            steps,
            window,
            order: FunnelOrder::default(),
            entry: FunnelEntry::default(),
            exclusions: Vec::new(),
            exclusion: Exclusion::default(),
            range: Timestamp::MIN..=Timestamp::MAX,
            range_of: RangeOf::default(),
            ties: FunnelTies::default(),
            segment: SegmentOf::default(),
            named: 0,
            like: None,
        })
    }

    /// Sets in which order the steps count.
    pub fn with_order(mut self, order: FunnelOrder) -> Self {
        self.order = order;
        self
    }

    /// Sets from which entry the window runs.
    pub fn with_entry(mut self, entry: FunnelEntry) -> Self {
        self.entry = entry;
        self
    }

    /// Excludes events between the entry and the last step.
    pub fn excluding(mut self, exclusions: Vec<EventTest>, exclusion: Exclusion) -> Self {
        (self.exclusions, self.exclusion) = (exclusions, exclusion);
        self
    }

    /// Looks at a range of time alone.
    pub fn within(mut self, range: RangeInclusive<Timestamp>, range_of: RangeOf) -> Self {
        (self.range, self.range_of) = (range, range_of);
        self
    }

    /// Sets what the range of time is about.
    pub fn over(mut self, range_of: RangeOf) -> Self {
        self.range_of = range_of;
        self
    }

    /// Sets how events of one instant count.
    pub fn with_ties(mut self, ties: FunnelTies) -> Self {
        self.ties = ties;
        self
    }

    /// Also says of every step at once who came no further and what they did next, so many of each step; the total then holds
    /// all who did not come to the end.
    pub fn naming(mut self, most: usize) -> Self {
        self.named = most;
        self
    }

    pub(super) fn named_like(mut self, tool: Tool) -> Self {
        self.like = Some(tool);
        self
    }

    by_segment! {
        /// Measures segments apart; who has none is left out.
    }

    /// What was counted how, in words, for who reads the figures.
    pub fn semantics(&self) -> String {
        let steps: Vec<_> = self.steps.iter().map(EventTest::name).collect();
        let exclusions: Vec<_> = self.exclusions.iter().map(EventTest::name).collect();
        let order = match self.order {
            FunnelOrder::Ordered => "in order, anything in between",
            FunnelOrder::Strict => "in order, a foreign event ends the attempt",
            FunnelOrder::StrictWithReentry => {
                "in order, a foreign event ends the attempt, reached steps may come again"
            }
            FunnelOrder::Unordered => "in any order",
        };
        let entry = match self.entry {
            FunnelEntry::Latest => "the latest entry that reached a step counts",
            FunnelEntry::First => "the first entry alone counts",
        };
        let ties = match self.ties {
            FunnelTies::Furthest => "in the order that reaches furthest",
            FunnelTies::AsFolded => "as they are folded (sequence, causal rank, id)",
            FunnelTies::Apart => "for one step at most",
        };
        let exclusion = match (exclusions.is_empty(), self.exclusion) {
            (true, _) => String::new(),
            (false, Exclusion::DropsCustomer) => {
                format!(", who does {} in between is left out", exclusions.join(" or "))
            }
            (false, Exclusion::EndsAttempt) => {
                format!(", {} in between ends the attempt", exclusions.join(" or "))
            }
        };
        let end = |at: &Timestamp| match *at {
            Timestamp::MIN => "the beginning".to_owned(),
            Timestamp::MAX => "the end".to_owned(),
            at => at.to_string(),
        };
        let range = match self.range_of {
            RangeOf::Entry => "entries",
            RangeOf::EveryStep => "steps",
        };
        format!(
            "{}funnel {} within {} s of the entry (inclusive), {order}, {entry}, events of one instant count {ties}{exclusion}, \
             {range} from {} to {}; a customer counts once, with the furthest step; medians by nearest rank",
            after(self.like),
            steps.join(" > "),
            self.window.as_micros() / 1_000_000,
            end(self.range.start()),
            end(self.range.end()),
        )
    }

    /// How far a customer comes; `None` if it does not enter or is left out.
    pub fn reach(&self, history: &History<'_>) -> Option<Reach> {
        let Reached { times, next } = reach::reach(self, history)?;
        Some(Reach { times, next: next.map(|(name, _)| name.to_owned()), next_at: next.map(|(_, at)| at) })
    }
}

/// What a [`Funnel`] adds up, by segment.
#[derive(Debug, Clone, Default)]
pub struct FunnelTotal(BTreeMap<String, SegmentTotal>);

#[derive(Debug, Clone, Default)]
struct SegmentTotal {
    /// How many customers came as far as each step and no further.
    furthest: Vec<i64>,
    /// How long from the entry to each step, and from the step before.
    from_entry: Vec<Durations>,
    from_before: Vec<Durations>,
    /// What those who came no further did next, by step and name.
    next: HashMap<(usize, u32), i64>,
    names: Names,
    /// Who came no further than each step, where they are asked for.
    dropped: Tally<(usize, DroppedOut)>,
}

impl Measure for Funnel {
    type Total = FunnelTotal;

    fn add(&self, history: &History<'_>, times: i64, total: &mut FunnelTotal) {
        let Some(reach) = reach::reach(self, history) else { return };
        let Some(segment) = self.segment.asked(history) else { return };
        let dropped = || DroppedOut::of(history, &reach);
        let dropped = (self.named > 0 && reach.times.len() < self.steps.len()).then(dropped);
        let total = total.0.entry(segment.unwrap_or_default()).or_default();
        total.grow(self.steps.len());
        let furthest = reach.times.len() - 1;
        total.furthest[furthest] += times;
        for (step, at) in reach.times.iter().enumerate() {
            total.from_entry[step].add(at.since(reach.times[0]).as_micros(), times);
            total.from_before[step].add(at.since(reach.times[step.saturating_sub(1)]).as_micros(), times);
        }
        if let Some(dropped) = dropped {
            total.dropped.add((furthest, dropped), times);
        }
        if let Some((next, _)) = reach.next.filter(|_| furthest + 1 < self.steps.len()) {
            let next = total.names.number(next);
            *total.next.entry((furthest, next)).or_default() += times;
        }
    }

    fn merge(&self, total: &mut FunnelTotal, other: FunnelTotal) {
        for (segment, from) in other.0 {
            let to = total.0.entry(segment).or_default();
            to.grow(self.steps.len());
            for (step, customers) in from.furthest.into_iter().enumerate() {
                to.furthest[step] += customers;
            }
            for (to, from) in to.from_entry.iter_mut().zip(from.from_entry) {
                to.merge(from);
            }
            for (to, from) in to.from_before.iter_mut().zip(from.from_before) {
                to.merge(from);
            }
            to.dropped.merge(from.dropped);
            let numbers = to.names.take_over(&from.names);
            for ((step, next), customers) in from.next {
                *to.next.entry((step, numbers[next as usize])).or_default() += customers;
            }
        }
    }
}

impl SegmentTotal {
    /// Who came no further than a step.
    fn who(&self, step: usize) -> impl Iterator<Item = &DroppedOut> {
        self.dropped.iter().filter(move |(of, _)| *of == step).map(|(_, dropped)| dropped)
    }

    fn grow(&mut self, steps: usize) {
        self.furthest.resize(steps, 0);
        self.from_entry.resize(steps, Durations::default());
        self.from_before.resize(steps, Durations::default());
    }
}

/// The steps of a funnel in figures, of one segment.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FunnelReport {
    /// What was counted how.
    pub semantics: String,
    /// Which segment; empty where there are none.
    pub segment: String,
    /// The steps.
    pub steps: Vec<FunnelStep>,
}

/// A step of a funnel.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FunnelStep {
    /// What it is called.
    pub name: String,
    /// How many customers came as far at least.
    pub customers: u64,
    /// How many of them came no further.
    pub dropped: u64,
    /// The share of those who came as far as the step before; of the first step 1.
    pub of_before: f64,
    /// The share of those who entered.
    pub of_entered: f64,
    /// The time from the step before; `None` of the first step or if nobody came.
    pub from_before: Option<StageTime>,
    /// The time from the entry.
    pub from_entry: Option<StageTime>,
    /// What those who came no further did next, the most frequent first.
    pub next: Vec<(String, u64)>,
    /// Who came no further, by tenant and customer: as many as [`Funnel::naming`] says.
    pub who: Vec<DroppedOut>,
}

/// Who came no further than a step of a funnel.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct DroppedOut {
    /// The tenant.
    pub tenant: String,
    /// The customer.
    pub customer: String,
    /// When it came to its furthest step.
    pub at: Timestamp,
    /// The kind of its next event behind that instant; `None` if it did nothing more.
    pub next: Option<String>,
    /// When that was.
    pub next_at: Option<Timestamp>,
}

impl DroppedOut {
    fn of(history: &History<'_>, reach: &Reached<'_>) -> Self {
        let (tenant, customer) = history.customer();
        Self {
            tenant: tenant.to_owned(),
            customer: customer.to_owned(),
            at: reach.times[reach.times.len() - 1],
            next: reach.next.map(|(name, _)| name.to_owned()),
            next_at: reach.next.map(|(_, at)| at),
        }
    }
}

impl Funnel {
    /// The figures, by segment.
    pub fn report(&self, total: &FunnelTotal) -> Vec<FunnelReport> {
        let of_segment = |(segment, total): (&String, &SegmentTotal)| FunnelReport {
            semantics: self.semantics(),
            segment: segment.clone(),
            steps: self.steps_of(total),
        };
        let reports = total.0.iter().map(of_segment);
        reports.filter(|report| report.steps.iter().any(|step| step.customers > 0)).collect()
    }

    fn steps_of(&self, total: &SegmentTotal) -> Vec<FunnelStep> {
        let reached = |step: usize| total.furthest[step..].iter().sum::<i64>().max(0) as u64;
        let share = |part: u64, of: u64| if of == 0 { 0.0 } else { part as f64 / of as f64 };
        let times =
            |step: usize, of: &[Durations]| of[step].figures().filter(|_| step > 0).map(StageTime::from);
        let row = |(step, test): (usize, &EventTest)| {
            let of_step = total.next.iter().filter(|((of, _), customers)| *of == step && **customers > 0);
            let mut next: Vec<_> = of_step
                .map(|((_, name), customers)| (total.names.name(*name).to_owned(), *customers as u64))
                .collect();
            next.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
            FunnelStep {
                name: test.name().to_owned(),
                customers: reached(step),
                dropped: total.furthest[step].max(0) as u64,
                of_before: share(reached(step), reached(step.saturating_sub(1))),
                of_entered: share(reached(step), reached(0)),
                from_before: times(step, &total.from_before),
                from_entry: times(step, &total.from_entry),
                next,
                who: total.who(step).take(self.named).cloned().collect(),
            }
        };
        self.steps.iter().enumerate().map(row).collect()
    }
}

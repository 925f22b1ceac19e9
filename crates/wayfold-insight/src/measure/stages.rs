//! The five stages: how many journeys come to each, how long they stay, and where they end.

use std::collections::BTreeMap;

use serde::Serialize;
use wayfold_core::{EventView, History, Span, Stage, Timestamp};

use super::durations::DurationFigures;
use super::{Durations, Measure, SegmentOf, by_segment};

/// Measures the journeys of the customer business process by stage, as the journey view says them: an event of a stage's kind
/// moves the journey there, outcome events and neutral ones move nothing, and time in a stage is the sum of its visits.
///
/// Events without a journey key belong to no journey. A journey that no event has moved is counted and in no stage. Visits
/// that go on are no time yet: a long one that has not ended is in no figure.
#[derive(Debug, Clone, Default)]
pub struct StageDurations {
    segment: SegmentOf,
}

/// What journeys add up to, by segment.
#[derive(Debug, Clone, Default)]
pub struct StageTotal(BTreeMap<Option<String>, Counted>);

#[derive(Debug, Clone, Default)]
struct Counted {
    journeys: i64,
    stages: [StageCounts; 5],
    /// Moves to an earlier stage.
    back: BTreeMap<(Stage, Stage), i64>,
}

#[derive(Debug, Clone, Default)]
struct StageCounts {
    entered: i64,
    visits: i64,
    /// Journeys that came no further.
    furthest: i64,
    now: i64,
    time: Durations,
}

/// The stages of one segment's journeys.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StageReport {
    /// What was counted how.
    pub semantics: String,
    /// The segment; `None` where none are told apart.
    pub segment: Option<String>,
    /// Journeys, also those that nothing has moved.
    pub journeys: u64,
    /// The five stages, in causal order.
    pub stages: Vec<StageRow>,
    /// How often a journey moved from a stage to an earlier one, in causal order.
    pub steps_back: Vec<StepBack>,
}

/// A stage of many journeys.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StageRow {
    /// Which one.
    pub stage: Stage,
    /// Journeys that entered it.
    pub entered: u64,
    /// How often it was entered.
    pub visits: u64,
    /// Journeys that entered it and no later one: those that ended here, and those that are still on their way.
    pub came_no_further: u64,
    /// The percentage of those that entered which came no further; `None` if none entered.
    pub drop_off: Option<f64>,
    /// Journeys that are in it.
    pub here_now: u64,
    /// The time in it of the journeys that have left it, each the sum of its ended visits; `None` if none has.
    pub time: Option<StageTime>,
}

/// How long it took: figures of many durations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct StageTime {
    /// The mean, cut to microseconds.
    pub mean: Span,
    /// The median, by nearest rank.
    pub median: Span,
    /// The 90th percentile, by nearest rank.
    pub p90: Span,
    /// The shortest.
    pub min: Span,
    /// The longest.
    pub max: Span,
    /// All together; at most some 292 thousand years.
    pub total: Span,
}

impl From<DurationFigures> for StageTime {
    fn from(figures: DurationFigures) -> Self {
        Self {
            mean: figures.mean,
            median: figures.median,
            p90: figures.p90,
            min: figures.min,
            max: figures.max,
            total: Span::from_micros(i64::try_from(figures.total_micros).unwrap_or(i64::MAX)),
        }
    }
}

/// Moves from a stage to an earlier one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct StepBack {
    /// The later stage.
    pub from: Stage,
    /// The earlier one.
    pub to: Stage,
    /// How often.
    pub times: u64,
}

impl StageDurations {
    /// Measures all journeys together.
    pub fn new() -> Self {
        Self::default()
    }

    by_segment! {
        /// Measures segments apart; who has none is left out.
    }

    /// What was counted how, in words, for who reads the figures.
    pub fn semantics(&self) -> String {
        let segments = if self.segment.is_asked() { ", segments apart, who has none left out" } else { "" };
        format!(
            "stages of journeys, by the events that move them{segments}; events without a journey belong to none; time in a stage \
             is the sum of its ended visits, a visit that goes on is no time yet; mean cut to microseconds, median and 90th \
             percentile by nearest rank; events of one instant as they are folded"
        )
    }

    /// The stages of each segment, by its name.
    pub fn report(&self, total: &StageTotal) -> Vec<StageReport> {
        let seen = total.0.iter().filter(|(_, counted)| counted.journeys != 0);
        seen.map(|(segment, counted)| counted.report(self.semantics(), segment.clone())).collect()
    }
}

impl Measure for StageDurations {
    type Total = StageTotal;

    fn add(&self, history: &History<'_>, times: i64, total: &mut StageTotal) {
        let Some(segment) = self.segment.asked(history) else { return };
        let mut journeys: BTreeMap<&str, Journey> = BTreeMap::new();
        for event in history.events() {
            if let Some(key) = event.journey() {
                journeys.entry(key).or_default().follow(event);
            }
        }
        if journeys.is_empty() {
            return;
        }
        let counted = total.0.entry(segment).or_default();
        journeys.values().for_each(|journey| counted.add(journey, times));
    }

    fn merge(&self, total: &mut StageTotal, other: StageTotal) {
        for (segment, other) in other.0 {
            total.0.entry(segment).or_default().merge(other);
        }
    }
}

/// One journey as it moves.
#[derive(Default)]
struct Journey {
    /// The stage in which it is, and since when.
    now: Option<(Stage, Timestamp)>,
    visits: [i64; 5],
    ended: [Option<Span>; 5],
    back: Vec<(Stage, Stage)>,
}

impl Journey {
    fn follow(&mut self, event: &EventView<'_>) {
        let moves_to = event.kind().stage().filter(|_| event.kind().moves_stage());
        let Some(stage) = moves_to else { return };
        let at = event.occurred_at();
        match self.now {
            Some((left, _)) if left == stage => return,
            Some((left, since)) => {
                let ended = &mut self.ended[left.index()];
                *ended = Some(ended.unwrap_or(Span::ZERO) + at.since(since));
                if stage < left {
                    self.back.push((left, stage));
                }
            }
            None => {}
        }
        self.visits[stage.index()] += 1;
        self.now = Some((stage, at));
    }
}

impl Counted {
    fn add(&mut self, journey: &Journey, times: i64) {
        self.journeys += times;
        for (counts, (visits, ended)) in self.stages.iter_mut().zip(journey.visits.iter().zip(&journey.ended))
        {
            counts.entered += times * i64::from(*visits > 0);
            counts.visits += times * visits;
            if let Some(ended) = ended {
                counts.time.add(ended.as_micros(), times);
            }
        }
        if let Some(furthest) = journey.visits.iter().rposition(|visits| *visits > 0) {
            self.stages[furthest].furthest += times;
        }
        if let Some((stage, _)) = journey.now {
            self.stages[stage.index()].now += times;
        }
        for step in &journey.back {
            *self.back.entry(*step).or_default() += times;
        }
    }

    fn merge(&mut self, other: Self) {
        self.journeys += other.journeys;
        for (counts, other) in self.stages.iter_mut().zip(other.stages) {
            counts.entered += other.entered;
            counts.visits += other.visits;
            counts.furthest += other.furthest;
            counts.now += other.now;
            counts.time.merge(other.time);
        }
        for (step, times) in other.back {
            *self.back.entry(step).or_default() += times;
        }
    }

    fn report(&self, semantics: String, segment: Option<String>) -> StageReport {
        let count = |number: i64| number.max(0) as u64;
        let row = |(stage, counts): (&Stage, &StageCounts)| StageRow {
            stage: *stage,
            entered: count(counts.entered),
            visits: count(counts.visits),
            came_no_further: count(counts.furthest),
            drop_off: (counts.entered > 0).then(|| counts.furthest as f64 * 100.0 / counts.entered as f64),
            here_now: count(counts.now),
            time: counts.time.figures().map(StageTime::from),
        };
        let back = self.back.iter().filter(|(_, times)| **times > 0);
        StageReport {
            semantics,
            segment,
            journeys: count(self.journeys),
            stages: Stage::ALL.iter().zip(&self.stages).map(row).collect(),
            steps_back: back
                .map(|((from, to), times)| StepBack { from: *from, to: *to, times: count(*times) })
                .collect(),
        }
    }
}

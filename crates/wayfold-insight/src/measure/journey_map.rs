//! The journey map (客户旅程地图): stage by touchpoint, with how often, how long, and how customers feel.

use std::collections::BTreeMap;
use std::fmt;

use hashbrown::HashMap;
use serde::Serialize;
use wayfold_core::{EventKind, EventView, History, Sentiment, Span, Stage};

use super::cases::{Activity, StepNames};
use super::durations::Durations;
use super::names::Names;
use super::pairs::Pairs;
use super::stages::StageTime;
use super::tally::Tally;
use super::{Measure, SegmentOf, by_segment};
use crate::error::Result;
use crate::interval::{self, Confidence, Interval};
use crate::satisfaction::{Answers, SatisfactionMethod, SatisfactionScore};

/// Measures, of each stage at each touchpoint, contacts and customers, what touchpoints say of time and errors, and how
/// customers feel by surveys and feedback.
///
/// - A touchpoint is the channel of an event, or what [`JourneyMap::named_by`] says; what has none stands for itself.
/// - An event's stage is its kind's, or the one that it names, else the one in which its journey is then.
/// - Every event is a contact, but for answers to surveys, what becomes of feedback, and facts about the customer.
/// - An answer counts where it was given; answers to other instruments are passed over. The feeling of a feedback is that
///   which it was last classified as, else that with which it was given, and counts where it was given.
#[derive(Clone)]
pub struct JourneyMap {
    method: SatisfactionMethod,
    touchpoint: Activity,
    segment: SegmentOf,
}

impl fmt::Debug for JourneyMap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.semantics())
    }
}

/// What journeys add up to, by segment, stage and touchpoint.
#[derive(Debug, Clone, Default)]
pub struct JourneyMapTotal {
    segments: Names,
    touchpoints: StepNames,
    cells: Pairs<Counted>,
    /// Counts the histories that were looked at, so that each is known where it was already.
    looked_at: u64,
}

/// Where something happened; segments and touchpoints by number.
#[derive(Debug, Clone, Copy)]
struct Cell {
    segment: Option<u32>,
    stage: Option<Stage>,
    touchpoint: Option<u32>,
}

const STAGES: u32 = Stage::ALL.len() as u32 + 1;

impl Cell {
    /// The touchpoint, and segment and stage, each counted from 1; 0 is none.
    #[inline]
    fn pair(self) -> (u32, u32) {
        let number = |number: Option<u32>| number.map_or(0, |number| number + 1);
        let stage = self.stage.map_or(0, |stage| stage.index() as u32 + 1);
        (number(self.touchpoint), number(self.segment) * STAGES + stage)
    }

    fn of_pair((touchpoint, segment_and_stage): (u32, u32)) -> Self {
        let stage = (segment_and_stage % STAGES).checked_sub(1);
        Self {
            segment: (segment_and_stage / STAGES).checked_sub(1),
            stage: stage.map(|stage| Stage::ALL[stage as usize]),
            touchpoint: touchpoint.checked_sub(1),
        }
    }
}

/// Segment, stage and touchpoint by name, in the order of a report.
type Place<'a> = (Option<&'a str>, Option<Stage>, Option<&'a str>);

impl JourneyMapTotal {
    /// The cells that somebody visited, with the names of segment and touchpoint, in their order.
    fn in_order(&self) -> BTreeMap<Place<'_>, &Counted> {
        let mut cells = BTreeMap::new();
        for (pair, counted) in self.cells.iter() {
            let Cell { segment, stage, touchpoint } = Cell::of_pair(*pair);
            let segment = segment.map(|number| self.segments.name(number));
            let touchpoint = touchpoint.map(|number| self.touchpoints.name(number));
            if counted.customers > 0 {
                cells.insert((segment, stage, touchpoint), counted);
            }
        }
        cells
    }

    #[inline]
    fn of(&mut self, cell: Cell) -> &mut Counted {
        let (touchpoint, segment_and_stage) = cell.pair();
        self.cells.of(touchpoint, segment_and_stage)
    }

    /// The cell of a customer who has a contact there or answers.
    fn visited(&mut self, cell: Cell, times: i64) -> &mut Counted {
        let looked_at = self.looked_at;
        let counted = self.of(cell);
        if counted.last_history != looked_at {
            counted.last_history = looked_at;
            counted.customers += times;
        }
        counted
    }
}

#[derive(Debug, Clone, Default)]
struct Counted {
    contacts: i64,
    customers: i64,
    errors: i64,
    dwell: Durations,
    load: Durations,
    answers: Tally<i64>,
    /// Negative, neutral, positive.
    feelings: [i64; 3],
    /// The history that was here last.
    last_history: u64,
}

impl Counted {
    fn merge(&mut self, other: Self) {
        self.contacts += other.contacts;
        self.customers += other.customers;
        self.errors += other.errors;
        self.dwell.merge(other.dwell);
        self.load.merge(other.load);
        self.answers.merge(other.answers);
        for (to, from) in self.feelings.iter_mut().zip(other.feelings) {
            *to += from;
        }
    }
}

/// The journey map in figures.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct JourneyMapReport {
    /// What was counted how.
    pub semantics: String,
    /// The cells with anything in them, by segment, stage and touchpoint.
    pub cells: Vec<JourneyMapCell>,
}

/// A stage at a touchpoint.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct JourneyMapCell {
    /// The segment of the customers, where they are told apart.
    pub segment: Option<String>,
    /// The stage; `None` of what belongs to none.
    pub stage: Option<Stage>,
    /// The touchpoint; `None` of what names none.
    pub touchpoint: Option<String>,
    /// How many contacts.
    pub contacts: u64,
    /// How many customers have one, or answered here.
    pub customers: u64,
    /// How many touchpoints told of an error.
    pub errors: u64,
    /// How long customers stayed at touchpoints that say so; `None` where none does.
    pub dwell: Option<StageTime>,
    /// The sum of that.
    pub time_spent: Span,
    /// How long touchpoints took to load that say so; `None` where none does.
    pub load: Option<StageTime>,
    /// What answers to surveys say; `None` without one.
    pub satisfaction: Option<SatisfactionScore>,
    /// What feedback says; `None` without any that has a feeling.
    pub feeling: Option<FeelingScore>,
}

/// What feedback feels like.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FeelingScore {
    /// How much is displeased.
    pub negative: u64,
    /// How much is neither.
    pub neutral: u64,
    /// How much is pleased.
    pub positive: u64,
    /// The percentage that is pleased less that which is displeased, from -100 to 100.
    pub value: f64,
    /// Where that of all customers lies, if those who told are like the others: Bonett and Price's adjusted Wald interval.
    pub interval: Option<Interval>,
}

impl JourneyMap {
    /// Takes how answers become a figure; touchpoints are channels.
    pub fn new(method: SatisfactionMethod) -> Self {
        Self { method, touchpoint: Activity::Channel, segment: SegmentOf::default() }
    }

    /// Says what names a touchpoint.
    pub fn named_by(mut self, touchpoint: Activity) -> Self {
        self.touchpoint = touchpoint;
        self
    }

    by_segment! {
        /// Tells segments apart; who has none is left out.
    }

    /// What was counted how, in words, for who reads the figures.
    pub fn semantics(&self) -> String {
        format!(
            "journey map by stage and {:?}; satisfaction by {:?}; a contact is any event but survey answers, what becomes of \
             feedback, and facts about the customer; stage of the event, else of its journey then",
            self.touchpoint, self.method
        )
    }

    /// The figures.
    ///
    /// # Errors
    /// `InvalidParameter` if an answer lies outside of the scale.
    pub fn report(&self, total: &JourneyMapTotal, confidence: Confidence) -> Result<JourneyMapReport> {
        let mut cells = Vec::new();
        for ((segment, stage, touchpoint), counted) in total.in_order() {
            let mut answers = Answers::default();
            counted.answers.counts().for_each(|(score, times)| answers.add(*score, times));
            let dwell = counted.dwell.figures();
            let spent = dwell.as_ref().map_or(0, |figures| figures.total_micros);
            let count = |number: i64| number.max(0) as u64;
            cells.push(JourneyMapCell {
                segment: segment.map(str::to_owned),
                stage,
                touchpoint: touchpoint.map(str::to_owned),
                contacts: count(counted.contacts),
                customers: count(counted.customers),
                errors: count(counted.errors),
                dwell: dwell.map(StageTime::from),
                time_spent: Span::from_micros(i64::try_from(spent).unwrap_or(i64::MAX)),
                load: counted.load.figures().map(StageTime::from),
                satisfaction: self.method.measure(&answers, confidence)?,
                feeling: feeling(counted.feelings.map(count), confidence),
            });
        }
        Ok(JourneyMapReport { semantics: self.semantics(), cells })
    }
}

fn feeling([negative, neutral, positive]: [u64; 3], confidence: Confidence) -> Option<FeelingScore> {
    let all = negative + neutral + positive;
    (all > 0).then(|| {
        let (value, interval) = interval::difference(positive, negative, all, confidence);
        FeelingScore { negative, neutral, positive, value, interval }
    })
}

impl JourneyMapReport {
    /// The cell with the least satisfaction of those with enough answers, the first of equals: where to look first. `None` if
    /// none has.
    pub fn worst(&self, answers_min: u64) -> Option<&JourneyMapCell> {
        let scored = self.cells.iter().filter_map(|cell| Some((cell, cell.satisfaction?)));
        let enough = scored.filter(|(_, score)| score.answers >= answers_min);
        enough.min_by(|a, b| a.1.value.total_cmp(&b.1.value)).map(|(cell, _)| cell)
    }
}

impl Measure for JourneyMap {
    type Total = JourneyMapTotal;

    fn add(&self, history: &History<'_>, times: i64, total: &mut JourneyMapTotal) {
        let Some(segment) = self.segment.asked(history) else { return };
        let segment = segment.map(|segment| total.segments.number(&segment));
        total.looked_at += 1;
        let instrument = self.method.instrument();
        let mut stages: HashMap<&str, Stage> = HashMap::new();
        let mut told: BTreeMap<Option<&str>, Told> = BTreeMap::new();
        let mut feelings: Vec<Told> = Vec::new();
        for event in history.events() {
            if let (Some(journey), Some(stage), true) =
                (event.journey(), event.stage(), event.kind().moves_stage())
            {
                stages.insert(journey, stage);
            }
            let cell = |touchpoints: &mut StepNames| Cell {
                segment,
                stage: event.stage().or_else(|| stages.get(event.journey()?).copied()),
                touchpoint: self.touchpoint.number(event, touchpoints, |_| true),
            };
            match event.kind() {
                EventKind::SurveyAnswered => {
                    let score = event
                        .integer("score")
                        .filter(|_| event.text("instrument") == Some(instrument.as_str()));
                    if let Some(score) = score {
                        let cell = cell(&mut total.touchpoints);
                        total.visited(cell, times).answers.add(score, times);
                    }
                }
                kind if is_contact(kind) => {
                    let cell = cell(&mut total.touchpoints);
                    contact(total.visited(cell, times), event, times);
                }
                _ => {}
            }
            follow_feedback(event, || cell(&mut total.touchpoints), &mut told, &mut feelings);
        }
        feelings.extend(told.into_values());
        for (cell, feeling) in feelings.into_iter().filter_map(|told| Some((told.cell?, told.feeling?))) {
            total.of(cell).feelings[feeling as usize] += times;
        }
    }

    fn merge(&self, total: &mut JourneyMapTotal, other: JourneyMapTotal) {
        let segments = total.segments.take_over(&other.segments);
        let touchpoints = total.touchpoints.take_over(&other.touchpoints);
        for (pair, counted) in other.cells.into_pairs() {
            let cell = Cell::of_pair(pair);
            let segment = cell.segment.map(|number| segments[number as usize]);
            let touchpoint = cell.touchpoint.map(|number| touchpoints[number as usize]);
            total.of(Cell { segment, touchpoint, ..cell }).merge(counted);
        }
    }
}

fn is_contact(kind: EventKind) -> bool {
    let becomes = matches!(
        kind,
        EventKind::FeedbackClassified
            | EventKind::FeedbackAnswered
            | EventKind::FeedbackResultTold
            | EventKind::FeedbackUsed
    );
    let is_fact = || matches!(kind.section(), "customer" | "corrections");
    !becomes && (kind.stage().is_some() || !is_fact())
}

fn contact(counted: &mut Counted, event: &EventView<'_>, times: i64) {
    counted.contacts += times;
    if event.kind() == EventKind::TouchpointReached {
        let micros = |field: &str| event.integer(field).map(|millis| millis.saturating_mul(1_000));
        counted.errors += if event.text("error").is_some() { times } else { 0 };
        if let Some(dwell) = micros("dwell_ms") {
            counted.dwell.add(dwell, times);
        }
        if let Some(load) = micros("load_ms") {
            counted.load.add(load, times);
        }
    }
}

/// A feedback: where it was given, and with what feeling.
#[derive(Default)]
struct Told {
    cell: Option<Cell>,
    feeling: Option<Sentiment>,
}

/// Follows feedback as the feedback loop does: by its `feedback:` tag, or else the one that was given last.
fn follow_feedback<'a>(
    event: &EventView<'a>,
    cell: impl FnOnce() -> Cell,
    told: &mut BTreeMap<Option<&'a str>, Told>,
    before: &mut Vec<Told>,
) {
    let is_given = event.kind() == EventKind::FeedbackGiven;
    if !is_given && event.kind() != EventKind::FeedbackClassified {
        return;
    }
    let name = event.tags().find_map(|tag| tag.strip_prefix("feedback:"));
    if is_given && name.is_none() {
        before.extend(told.remove(&None));
    }
    let told = told.entry(name).or_default();
    if is_given && told.cell.is_none() {
        told.cell = Some(cell());
    }
    let feeling = event.text("sentiment").and_then(|text| Sentiment::parse(text).ok());
    told.feeling = feeling.or(told.feeling);
}

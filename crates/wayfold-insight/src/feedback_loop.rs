//! The feedback loop (反馈): given, classified, answered, told, used.

use std::collections::BTreeMap;

use serde::Serialize;
use wayfold_core::{EventKind, EventView, History, Span, Timestamp};

use crate::interval::{self, Confidence, Interval};
use crate::measure::{Durations, Measure, Tally};

/// A state of feedback.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FeedbackState {
    /// It was given (收集).
    Given,
    /// It was classified (分类).
    Classified,
    /// It was dealt with (处理).
    Answered,
    /// The customer was told what came of it (告知).
    Told,
    /// It led to something (利用): the loop is closed.
    Used,
}

impl FeedbackState {
    /// Every state, in order.
    pub const ALL: [Self; 5] = [Self::Given, Self::Classified, Self::Answered, Self::Told, Self::Used];

    fn of(kind: EventKind) -> Option<Self> {
        Some(match kind {
            EventKind::FeedbackGiven => Self::Given,
            EventKind::FeedbackClassified => Self::Classified,
            EventKind::FeedbackAnswered => Self::Answered,
            EventKind::FeedbackResultTold => Self::Told,
            EventKind::FeedbackUsed => Self::Used,
            _ => return None,
        })
    }
}

/// Measures how far feedback comes, and how long it lies in each state.
///
/// A feedback is what its `feedback:` tag names; events of a customer without such a tag are about one feedback, begun anew
/// whenever some is given. It may skip states; one that is reached again counts as first reached.
#[derive(Debug, Clone, Copy)]
pub struct FeedbackLoop;

/// The feedback that there was.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FeedbackTotal(Tally<Feedback>);

/// A feedback.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Feedback {
    /// Whose.
    pub customer: String,
    /// Its name, as in its tag.
    pub feedback: Option<String>,
    /// About what, as last told.
    pub theme: Option<String>,
    /// With what feeling, likewise.
    pub sentiment: Option<String>,
    /// The states that it reached and when, in the order of time.
    pub states: Vec<(FeedbackState, Timestamp)>,
}

/// What became of feedback in a state.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FeedbackRow {
    /// The state.
    pub state: FeedbackState,
    /// How many reached it.
    pub reached: u64,
    /// The percentage of all, with Wilson's interval; that of [`FeedbackState::Used`] is the share closed.
    pub share: (f64, Interval),
    /// How many stand in it.
    pub standing: u64,
    /// How long those lay in it that came to another: the median, by nearest rank.
    pub median: Option<Span>,
    /// The 90th percentile, by nearest rank.
    pub p90: Option<Span>,
}

impl FeedbackTotal {
    /// The feedback, by customer and name.
    pub fn iter(&self) -> impl Iterator<Item = &Feedback> {
        self.0.iter()
    }

    /// What became of it, by state; empty where none was given.
    pub fn report(&self, confidence: Confidence) -> Vec<FeedbackRow> {
        let all = self.iter().count() as u64;
        let row = |state: FeedbackState| {
            let (mut reached, mut standing, mut waits) = (0, 0, Durations::default());
            for feedback in self.iter() {
                let Some(place) = feedback.states.iter().position(|known| known.0 == state) else { continue };
                reached += 1;
                match feedback.states.get(place + 1) {
                    Some(next) => waits.add(next.1.since(feedback.states[place].1).as_micros(), 1),
                    None => standing += 1,
                }
            }
            let figures = waits.figures();
            FeedbackRow {
                state,
                reached,
                share: interval::share(reached, all, confidence),
                standing,
                median: figures.as_ref().map(|figures| figures.median),
                p90: figures.as_ref().map(|figures| figures.p90),
            }
        };
        FeedbackState::ALL.into_iter().filter(|_| all > 0).map(row).collect()
    }
}

impl Measure for FeedbackLoop {
    type Total = FeedbackTotal;

    fn add(&self, history: &History<'_>, times: i64, total: &mut FeedbackTotal) {
        let mut known: BTreeMap<Option<&str>, Feedback> = BTreeMap::new();
        for event in history.events() {
            let Some(state) = FeedbackState::of(event.kind()) else { continue };
            let name = event.tags().find_map(|tag| tag.strip_prefix("feedback:"));
            if name.is_none()
                && state == FeedbackState::Given
                && let Some(before) = known.remove(&None)
            {
                total.0.add(before, times);
            }
            let feedback = known.entry(name).or_insert_with(|| Feedback {
                customer: history.customer().1.to_owned(),
                feedback: name.map(str::to_owned),
                theme: None,
                sentiment: None,
                states: Vec::new(),
            });
            follow(feedback, event, state);
        }
        known.into_values().for_each(|feedback| total.0.add(feedback, times));
    }

    fn merge(&self, total: &mut FeedbackTotal, other: FeedbackTotal) {
        total.0.merge(other.0);
    }
}

fn follow(feedback: &mut Feedback, event: &EventView<'_>, state: FeedbackState) {
    let text = |field: &str| event.text(field).map(str::to_owned);
    feedback.theme = text("theme").or(feedback.theme.take());
    feedback.sentiment = text("sentiment").or(feedback.sentiment.take());
    if feedback.states.iter().all(|known| known.0 != state) {
        feedback.states.push((state, event.occurred_at()));
    }
}

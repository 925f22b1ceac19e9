use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use hashbrown::HashMap;
use serde::Serialize;
use wayfold_core::{Channel, EventKind, History, Stage};

use super::{Answers, SatisfactionMethod, SatisfactionScore};
use crate::error::Result;
use crate::interval::Confidence;
use crate::measure::{Calendar, Measure, SegmentOf, Tally, by_segment};

/// Measures satisfaction by dimension, period, channel, stage and segment, or by any of them: with stage and channel it is
/// the journey map (客户旅程地图).
///
/// An answer's channel is the event's, its stage the one that the event names, else the one in which its journey is then.
#[derive(Debug, Clone)]
pub struct Satisfaction {
    method: SatisfactionMethod,
    calendar: Calendar,
    segment: SegmentOf,
}

/// By what answers are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SatisfactionBy {
    /// What was asked about.
    Dimension,
    /// The bucket of the calendar.
    Period,
    /// Where it was answered.
    Channel,
    /// The stage of the journey.
    Stage,
    /// The segment of the customer.
    Segment,
}

/// The answers, by all that tells them apart.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SatisfactionTotal(Tally<(Cell, i64)>);

#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Cell {
    dimension: Option<String>,
    period: Option<i64>,
    channel: Option<Channel>,
    stage: Option<Stage>,
    segment: Option<String>,
}

/// A figure, and what it is about; what was not asked for, or what answers have none of, is `None`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SatisfactionRow {
    /// What was asked about.
    pub dimension: Option<String>,
    /// The first day of the period.
    pub period: Option<NaiveDate>,
    /// Where it was answered.
    pub channel: Option<Channel>,
    /// The stage of the journey.
    pub stage: Option<Stage>,
    /// The segment of the customers.
    pub segment: Option<String>,
    /// The figure.
    pub score: SatisfactionScore,
}

/// How alike channels serve.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Consistency {
    /// The best figure less the worst.
    pub spread: f64,
    /// The channel of the best.
    pub best: SatisfactionRow,
    /// The channel of the worst.
    pub worst: SatisfactionRow,
}

impl Satisfaction {
    /// Takes how answers become a figure, and the calendar of the periods.
    pub fn new(method: SatisfactionMethod, calendar: Calendar) -> Self {
        Self { method, calendar, segment: SegmentOf::default() }
    }

    by_segment! {
        /// Tells segments apart.
    }

    /// The figures by what is asked for, in the order of [`SatisfactionBy`].
    ///
    /// # Errors
    /// `InvalidParameter` if an answer lies outside of the scale.
    pub fn report(
        &self,
        total: &SatisfactionTotal,
        by: &[SatisfactionBy],
        confidence: Confidence,
    ) -> Result<Vec<SatisfactionRow>> {
        let mut cells: BTreeMap<Cell, Answers> = BTreeMap::new();
        let asked: BTreeSet<SatisfactionBy> = by.iter().copied().collect();
        let is_asked = |by| asked.contains(&by);
        for ((cell, score), times) in total.0.counts() {
            let cell = Cell {
                dimension: cell.dimension.clone().filter(|_| is_asked(SatisfactionBy::Dimension)),
                period: cell.period.filter(|_| is_asked(SatisfactionBy::Period)),
                channel: cell.channel.filter(|_| is_asked(SatisfactionBy::Channel)),
                stage: cell.stage.filter(|_| is_asked(SatisfactionBy::Stage)),
                segment: cell.segment.clone().filter(|_| is_asked(SatisfactionBy::Segment)),
            };
            cells.entry(cell).or_default().add(*score, times);
        }
        let mut rows = Vec::new();
        for (cell, answers) in cells {
            let Some(score) = self.method.measure(&answers, confidence)? else { continue };
            let Cell { dimension, period, channel, stage, segment } = cell;
            let period = period.map(|bucket| self.calendar.starts_on(bucket));
            rows.push(SatisfactionRow { dimension, period, channel, stage, segment, score });
        }
        Ok(rows)
    }

    /// The worst figure of those with enough answers, the first of equals: where to look first. `None` if none has.
    ///
    /// # Errors
    /// As [`Satisfaction::report`].
    pub fn worst(
        &self,
        total: &SatisfactionTotal,
        by: &[SatisfactionBy],
        answers_min: u64,
        confidence: Confidence,
    ) -> Result<Option<SatisfactionRow>> {
        let rows = self.report(total, by, confidence)?.into_iter();
        let enough = rows.filter(|row| row.score.answers >= answers_min);
        Ok(enough.min_by(|a, b| a.score.value.total_cmp(&b.score.value)))
    }

    /// How far apart the channels with enough answers are; `None` below two of them.
    ///
    /// # Errors
    /// As [`Satisfaction::report`].
    pub fn consistency(
        &self,
        total: &SatisfactionTotal,
        answers_min: u64,
        confidence: Confidence,
    ) -> Result<Option<Consistency>> {
        let mut rows = self.report(total, &[SatisfactionBy::Channel], confidence)?;
        rows.retain(|row| row.channel.is_some() && row.score.answers >= answers_min);
        rows.sort_by(|a, b| a.score.value.total_cmp(&b.score.value));
        Ok(match &rows[..] {
            [worst, .., best] => {
                let spread = best.score.value - worst.score.value;
                Some(Consistency { spread, best: best.clone(), worst: worst.clone() })
            }
            _ => None,
        })
    }
}

impl Measure for Satisfaction {
    type Total = SatisfactionTotal;

    fn add(&self, history: &History<'_>, times: i64, total: &mut SatisfactionTotal) {
        let instrument = self.method.instrument();
        let segment = self.segment.of(history);
        let mut stages: HashMap<&str, Stage> = HashMap::new();
        for event in history.events() {
            if let (Some(journey), Some(stage), true) =
                (event.journey(), event.stage(), event.kind().moves_stage())
            {
                stages.insert(journey, stage);
            }
            if event.kind() != EventKind::SurveyAnswered
                || event.text("instrument") != Some(instrument.as_str())
            {
                continue;
            }
            let Some(score) = event.integer("score") else { continue };
            let in_journey = event.journey().and_then(|journey| stages.get(journey)).copied();
            let cell = Cell {
                dimension: event.text("dimension").map(str::to_owned),
                period: Some(self.calendar.bucket(event.occurred_at())),
                channel: event.channel(),
                stage: event.stage().or(in_journey),
                segment: segment.clone(),
            };
            total.0.add((cell, score), times);
        }
    }

    fn merge(&self, total: &mut SatisfactionTotal, other: SatisfactionTotal) {
        total.0.merge(other.0);
    }
}

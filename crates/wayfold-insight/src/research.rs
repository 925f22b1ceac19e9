//! Market research (市场调研): what people answered, by study, method, theme and period, also people who have bought nothing.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use serde::Serialize;
use wayfold_core::{EventKind, EventView, History, OrderBook};

use crate::interval::{self, Confidence, Interval};
use crate::measure::{Calendar, Measure, SegmentOf, Tally, by_segment};

/// Measures `research_answered` events: how many answers of how many people, by study, method, theme, period, segment, and by
/// whether who answers had bought by then, or by any of these.
///
/// A person counts once in a row, however often it answers. The total keeps no key: all that a person answered is one record,
/// and equal ones are counted.
///
/// ```
/// use wayfold_core::{
///     CustomerKey, EventBatch, EventId, JourneyEvent, ResearchAnswered, Shard, Timestamp, for_each_history,
/// };
/// use wayfold_insight::{BucketUnit, Calendar, Confidence, Measure, Research, ResearchBy, Tz};
///
/// let answer = |id, name, theme: &str| {
///     let body = ResearchAnswered { study: Some("spring".to_owned()), method: None, theme: Some(theme.to_owned()) };
///     let at = Timestamp::parse("2024-03-01")?;
///     Ok::<_, wayfold_core::Error>(JourneyEvent::new(EventId::from_u128(id), CustomerKey::new(name)?, at, body))
/// };
/// let events = [answer(1, "ada", "price")?, answer(2, "ada", "price")?, answer(3, "bob", "colour")?];
/// let measure = Research::new(Calendar::new(Tz::UTC, BucketUnit::Month));
/// let mut total = Default::default();
/// for_each_history(&[EventBatch::from_events(&events)?], Shard::ALL, Timestamp::MAX, |history| {
///     measure.add(history, 1, &mut total);
/// });
/// let rows = measure.report(&total, &[ResearchBy::Study, ResearchBy::Theme], Confidence::P95);
/// assert_eq!((rows[1].theme.as_deref(), rows[1].answers, rows[1].people), (Some("price"), 2, 1));
/// assert_eq!(rows[1].share.unwrap().0, 50.0);
/// # Ok::<(), wayfold_core::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Research {
    calendar: Calendar,
    segment: SegmentOf,
}

/// By what answers are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResearchBy {
    /// The study.
    Study,
    /// How it was asked.
    Method,
    /// The bucket of the calendar.
    Period,
    /// Whether who answers had by then placed an order that is a purchase as of the measure.
    Buyer,
    /// The segment of who answers.
    Segment,
    /// What the answer is about.
    Theme,
}

/// What people answered.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ResearchTotal(Tally<BTreeMap<Cell, u64>>);

#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Cell {
    study: Option<String>,
    method: Option<String>,
    period: Option<i64>,
    is_buyer: Option<bool>,
    segment: Option<String>,
    theme: Option<String>,
}

/// Answers, and what they are about; what was not asked for, or what answers have none of, is `None`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ResearchRow {
    /// The study.
    pub study: Option<String>,
    /// How it was asked.
    pub method: Option<String>,
    /// The first day of the period.
    pub period: Option<NaiveDate>,
    /// Whether who answers had bought by then.
    pub is_buyer: Option<bool>,
    /// The segment of who answers.
    pub segment: Option<String>,
    /// What the answers are about.
    pub theme: Option<String>,
    /// How many answers.
    pub answers: u64,
    /// How many people gave them.
    pub people: u64,
    /// The percentage of the people who answered about any theme, or about none, where all else is as in this row; with
    /// Wilson's interval. `None` where themes are not told apart. A person may answer about several, so that shares may add
    /// up to more than 100.
    pub share: Option<(f64, Interval)>,
}

impl Research {
    /// Takes the calendar of the periods.
    pub fn new(calendar: Calendar) -> Self {
        Self { calendar, segment: SegmentOf::default() }
    }

    by_segment! {
        /// Tells segments apart.
    }

    /// The answers by what is asked for, in the order of [`ResearchBy`]; those that have none of it come first.
    pub fn report(
        &self,
        total: &ResearchTotal,
        by: &[ResearchBy],
        confidence: Confidence,
    ) -> Vec<ResearchRow> {
        let mut rows: BTreeMap<Cell, (u64, u64)> = BTreeMap::new();
        let mut bases: BTreeMap<Cell, u64> = BTreeMap::new();
        for (answers, people) in total.0.counts() {
            let mut own: BTreeMap<Cell, u64> = BTreeMap::new();
            for (cell, times) in answers {
                *own.entry(cell.only(by)).or_default() += times;
            }
            let base: BTreeSet<Cell> = own.keys().map(Cell::without_theme).collect();
            base.into_iter().for_each(|cell| *bases.entry(cell).or_default() += people);
            for (cell, times) in own {
                let row = rows.entry(cell).or_default();
                *row = (row.0 + times * people, row.1 + people);
            }
        }
        let by_theme = by.contains(&ResearchBy::Theme);
        let row = |(cell, (answers, people)): (Cell, (u64, u64))| {
            let base = bases[&cell.without_theme()];
            let Cell { study, method, period, is_buyer, segment, theme } = cell;
            let period = period.map(|bucket| self.calendar.starts_on(bucket));
            let share = by_theme.then(|| interval::share(people, base, confidence));
            ResearchRow { study, method, period, is_buyer, segment, theme, answers, people, share }
        };
        rows.into_iter().filter(|(_, (_, people))| *people > 0).map(row).collect()
    }
}

impl Cell {
    /// What is asked for of it.
    fn only(&self, by: &[ResearchBy]) -> Self {
        let is_asked = |what| by.contains(&what);
        Self {
            study: self.study.clone().filter(|_| is_asked(ResearchBy::Study)),
            method: self.method.clone().filter(|_| is_asked(ResearchBy::Method)),
            period: self.period.filter(|_| is_asked(ResearchBy::Period)),
            is_buyer: self.is_buyer.filter(|_| is_asked(ResearchBy::Buyer)),
            segment: self.segment.clone().filter(|_| is_asked(ResearchBy::Segment)),
            theme: self.theme.clone().filter(|_| is_asked(ResearchBy::Theme)),
        }
    }

    fn without_theme(&self) -> Self {
        Self { theme: None, ..self.clone() }
    }
}

impl Measure for Research {
    type Total = ResearchTotal;

    fn add(&self, history: &History<'_>, times: i64, total: &mut ResearchTotal) {
        let is_answer = |event: &&EventView<'_>| event.kind() == EventKind::ResearchAnswered;
        let mut asked = history.events().iter().filter(is_answer).peekable();
        if asked.peek().is_none() {
            return;
        }
        let book = OrderBook::of(history.events());
        let first_purchase_at = book.purchases().first().map(|purchase| purchase.placed_at);
        let segment = self.segment.of(history);
        let mut answers: BTreeMap<Cell, u64> = BTreeMap::new();
        for event in asked {
            let text = |field| event.text(field).map(str::to_owned);
            let at = event.occurred_at();
            let cell = Cell {
                study: text("study"),
                method: text("method"),
                period: Some(self.calendar.bucket(at)),
                is_buyer: Some(first_purchase_at.is_some_and(|first| first <= at)),
                segment: segment.clone(),
                theme: text("theme"),
            };
            *answers.entry(cell).or_default() += 1;
        }
        total.0.add(answers, times);
    }

    fn merge(&self, total: &mut ResearchTotal, other: ResearchTotal) {
        total.0.merge(other.0);
    }
}

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use wayfold_core::{CustomerAt, EventKind, EventView, Projection, Timestamp};

/// Answers to one question, counted by score. Parts merge in any order.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Answers(BTreeMap<i64, u64>);

impl Answers {
    /// Adds so many answers of a score.
    pub fn add(&mut self, score: i64, answers: u64) {
        let count = self.0.entry(score).or_default();
        *count = count.saturating_add(answers);
    }

    /// Adds the answers of others.
    pub fn merge(&mut self, other: &Self) {
        other.iter().for_each(|(score, answers)| self.add(score, answers));
    }

    /// Scores and how many gave them, by score.
    pub fn iter(&self) -> impl Iterator<Item = (i64, u64)> + Clone {
        self.0.iter().map(|(score, answers)| (*score, *answers))
    }

    /// How many answers there are.
    pub fn total(&self) -> u64 {
        self.count(|_| true)
    }

    pub(super) fn count(&self, is: impl Fn(i64) -> bool) -> u64 {
        self.iter().filter(|(score, _)| is(*score)).map(|(_, answers)| answers).fold(0, u64::saturating_add)
    }
}

impl FromIterator<i64> for Answers {
    fn from_iter<I: IntoIterator<Item = i64>>(scores: I) -> Self {
        let mut answers = Self::default();
        scores.into_iter().for_each(|score| answers.add(score, 1));
        answers
    }
}

/// Folds a customer's answers to surveys, by instrument and dimension.
///
/// ```
/// use wayfold_core::{
///     CustomerKey, EventBatch, EventId, Fold, Instrument, JourneyEvent, ProjectionSet, Rules, SurveyAnswered, Tenant, Timestamp,
/// };
/// use wayfold_insight::{Confidence, SatisfactionMethod, SurveyAnswers, SurveyTable};
///
/// let answer = |id: u128, customer: &str, dimension: &str, score| -> wayfold_core::Result<JourneyEvent> {
///     let body = SurveyAnswered { instrument: Instrument::Nps, dimension: Some(dimension.into()), score };
///     Ok(JourneyEvent::new(EventId::from_u128(id), CustomerKey::new(customer)?, Timestamp::parse("2024-03-01")?, body))
/// };
/// let events = [answer(1, "ada", "speed", 10)?, answer(2, "bob", "speed", 9)?, answer(3, "bob", "service", 3)?];
/// let mut projections = ProjectionSet::new(Rules::default())?;
/// let surveys = projections.register(SurveyAnswers)?;
/// let mut fold = Fold::new(&projections);
/// let _ = fold.apply(&[EventBatch::from_events(&events)?]);
///
/// let mut table = SurveyTable::default();
/// let as_of = Timestamp::parse("2024-04-01")?;
/// for (_, answers) in fold.own_views(surveys, &Tenant::default(), as_of)?.iter() {
///     table.merge(answers);
/// }
/// let nps = |dimension| {
///     let answers = table.answers("nps", Some(dimension)).expect("it was asked for");
///     SatisfactionMethod::Nps.measure(answers, Confidence::P95)
/// };
/// assert_eq!(nps("speed")?.expect("there are answers").value, 100.0);
/// assert_eq!(nps("service")?.expect("there are answers").value, -100.0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub struct SurveyAnswers;

/// Answers by instrument, such as `nps`, and dimension; of one customer, or of many put together.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SurveyTable(BTreeMap<String, BTreeMap<String, Answers>>);

impl SurveyTable {
    /// The answers to an instrument about a dimension, or about none in particular.
    pub fn answers(&self, instrument: &str, dimension: Option<&str>) -> Option<&Answers> {
        self.0.get(instrument)?.get(dimension.unwrap_or_default())
    }

    /// The dimensions that an instrument was asked about, in order; `None` is no dimension in particular.
    pub fn dimensions(&self, instrument: &str) -> impl Iterator<Item = (Option<&str>, &Answers)> {
        let of_instrument = self.0.get(instrument).into_iter().flatten();
        of_instrument.map(|(name, answers)| ((!name.is_empty()).then_some(name.as_str()), answers))
    }

    /// Adds the answers of others.
    pub fn merge(&mut self, other: &Self) {
        for (instrument, dimensions) in &other.0 {
            let ours = self.0.entry(instrument.clone()).or_default();
            for (dimension, answers) in dimensions {
                ours.entry(dimension.clone()).or_default().merge(answers);
            }
        }
    }
}

impl Projection for SurveyAnswers {
    type State = SurveyTable;
    type View = SurveyTable;

    fn name(&self) -> &str {
        "survey_answers"
    }

    fn version(&self) -> u32 {
        1
    }

    fn evolve(&self, state: &mut SurveyTable, event: &EventView<'_>) {
        if event.kind() != EventKind::SurveyAnswered {
            return;
        }
        if let Some((instrument, score)) = event.text("instrument").zip(event.integer("score")) {
            let dimensions = state.0.entry(instrument.to_owned()).or_default();
            let dimension = event.text("dimension").unwrap_or_default();
            dimensions.entry(dimension.to_owned()).or_default().add(score, 1);
        }
    }

    fn view(&self, state: &SurveyTable, _customer: &CustomerAt<'_>) -> SurveyTable {
        state.clone()
    }

    fn holds_until(&self, _state: &SurveyTable, _customer: &CustomerAt<'_>) -> Option<Timestamp> {
        None
    }
}

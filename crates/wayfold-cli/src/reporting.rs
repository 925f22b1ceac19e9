//! What stands in a report: all questions asked, as sections.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use anyhow::Result;
use chrono::{Datelike, NaiveDate};
use wayfold::insight::{
    Activity, ActivityLifecycle, Attribution, AttributionModel, BucketUnit, BuyingDays, Calendar, CaseBy,
    Cases, CohortBy, Confidence, EventTest, Funnel, Leavers, ProcessMap, Retention, SatisfactionMethod,
    SurveyAnswers, SurveyTable, Transitions, Tz, Variants,
};
use wayfold::{
    Builder, Currency, CustomerKey, EventKind, Handle, LifecycleStage, Member, Population, Span, Stage,
    Timestamp,
};
use wayfold_report::{Report, Section};

use crate::ask::Asked;
use crate::worth::{judge, middle, predict};

/// What a report is about.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) title: String,
    pub(crate) source: String,
    pub(crate) zone: Tz,
    pub(crate) cases: CaseBy,
    /// The steps of the funnel; without any, the five stages.
    pub(crate) steps: Vec<EventTest>,
    pub(crate) window: Span,
    /// From where movements are told.
    pub(crate) from: Option<Timestamp>,
    /// Who has a page; without any, the most valuable.
    pub(crate) customers: Vec<String>,
}

/// What is folded for a report beside the built-in views.
pub(crate) struct Folded {
    currency: Option<Currency>,
    buying: Option<Handle<BuyingDays>>,
    surveys: Handle<SurveyAnswers>,
}

/// How many instants of the lifecycle are shown.
const QUARTERS_MAX: usize = 12;
/// How many customers have a page if none is named.
const CUSTOMERS: usize = 2;
/// How long back movements are told if nothing is said.
const MOVED_WITHIN_DAYS: u32 = 180;
/// How long a touch counts for a conversion.
const LOOKBACK_DAYS: u32 = 30;

impl Folded {
    /// Adds to an engine what a report in a currency folds.
    pub(crate) fn register(builder: &mut Builder, currency: Option<Currency>) -> Result<Self> {
        let buying = currency.map(|currency| builder.register(BuyingDays::new(currency))).transpose()?;
        Ok(Self { currency, buying, surveys: builder.register(SurveyAnswers)? })
    }
}

impl Plan {
    /// Asks everything, and makes the report. Says what it leaves out, and why.
    pub(crate) fn report(&self, asked: &Asked, folded: &Folded) -> Result<(Report, Vec<String>)> {
        let population = asked.population()?;
        let mut report = Report::new(&self.title, asked.as_of).with_zone(self.zone).with_source(&self.source);
        report = report.with_population(&population);
        report = report.with(over_time(asked, &population)?);
        let mut missing = Vec::new();
        let from = self.from.unwrap_or(asked.as_of - Span::from_days(MOVED_WITHIN_DAYS));
        for section in self.movements(asked, &population, from, &mut missing)? {
            report = report.with(section);
        }
        for section in self.measures(asked, folded.currency)? {
            report = report.with(section);
        }
        // Projections of one's own are asked about the tenant without a name.
        if asked.tenant.is_default() {
            for section in worth(asked, folded, &population, &mut missing) {
                report = report.with(section);
            }
            if let Some(section) = satisfaction(asked, folded)? {
                report = report.with(section);
            }
        }
        for key in self.keys(asked, &population, folded.currency)? {
            if let Some(explanation) = asked.wayfold.explain_as_of(&key, asked.as_of)? {
                report = report.with(Section::customer(explanation));
            } else {
                missing.push(format!("customer {key}: nothing is known of it by then"));
            }
        }
        Ok((report, missing))
    }

    fn movements(
        &self,
        asked: &Asked,
        after: &Population,
        from: Timestamp,
        missing: &mut Vec<String>,
    ) -> Result<Vec<Section>> {
        let before = asked.wayfold.population_of(&asked.tenant, from)?;
        let stages = |of: &Population| -> Vec<(CustomerKey, LifecycleStage)> {
            of.members().iter().map(|member| (member.key.clone(), member.lifecycle)).collect()
        };
        let transitions = Transitions::between(stages(&before), stages(after))?;
        let mut sections = vec![Section::transitions(&transitions, from, asked.as_of)];
        let known: BTreeMap<&CustomerKey, &Member> = before
            .members()
            .iter()
            .filter(|member| member.purchases > 0)
            .map(|member| (&member.key, member))
            .collect();
        let has_left = |of: &Population| -> Vec<(CustomerKey, bool)> {
            let buyers = of.members().iter().filter(|member| known.contains_key(&member.key));
            buyers.map(|member| (member.key.clone(), member.lifecycle == LifecycleStage::Churned)).collect()
        };
        match Leavers::between(has_left(&before), has_left(after)) {
            Ok(leavers) => {
                let shared = leavers.shared(|key| traits(known[key]), Confidence::P95);
                sections.push(Section::churn(&leavers, shared));
            }
            Err(error) => missing.push(format!("who leaves: {error}")),
        }
        Ok(sections)
    }

    /// Everything that is measured, in one pass over the log.
    fn measures(&self, asked: &Asked, currency: Option<Currency>) -> Result<Vec<Section>> {
        let unit = BucketUnit::Month;
        let calendar = Calendar::new(self.zone, unit);
        let ordered = || EventTest::kind(EventKind::OrderPlaced);
        let mut cases = Cases::new().by(self.cases);
        let mut retention = Retention::new(calendar, ordered(), ordered()).with_cohort(CohortBy::First);
        let mut attribution = Attribution::new(EventTest::any(), ordered(), Span::from_days(LOOKBACK_DAYS))?
            .named_by(Activity::Channel);
        if let Some(currency) = currency {
            cases = cases.valued_in(currency);
            retention = retention.valued_in(currency);
            attribution = attribution.valued_in(currency);
        }
        let funnel = Funnel::new(self.steps(), self.window)?;
        let activity = ActivityLifecycle::new(calendar, EventTest::any());
        let questions = (
            (ProcessMap::new(cases.clone()), Variants::new(cases)),
            ((&funnel, &retention), (&activity, &attribution)),
        );
        let ((map, variants), ((reached, returned), (active, touched))) =
            asked.wayfold.measure_of(&asked.tenant, &questions, asked.as_of)?;
        let mut sections = vec![
            Section::process_map(map.report(), currency),
            Section::variants(variants.report(), currency),
        ];
        let reports = funnel.report(&reached);
        if !reports.is_empty() {
            sections.push(Section::funnel(reports));
        }
        let last = calendar.bucket(asked.as_of);
        let upto = |buckets: RangeInclusive<i64>| *buckets.start()..=last.max(*buckets.start());
        if let Some(buckets) = active.buckets() {
            sections.push(Section::activity(activity.report(&active, upto(buckets)), unit));
        }
        if let Some(buckets) = returned.buckets() {
            let rows = retention.report(&returned, upto(buckets));
            sections.push(Section::retention(rows.clone(), unit));
            sections.extend(currency.map(|currency| Section::cohort_value(rows, unit, currency)));
        }
        let models = [
            AttributionModel::First,
            AttributionModel::Last,
            AttributionModel::Linear,
            AttributionModel::Markov,
        ];
        let reports: Vec<_> = models.iter().map(|model| attribution.report(&touched, model)).collect();
        if reports.iter().any(|report| !report.channels.is_empty()) {
            sections.push(Section::attribution(reports, currency));
        }
        Ok(sections)
    }

    fn steps(&self) -> Vec<EventTest> {
        if !self.steps.is_empty() {
            return self.steps.clone();
        }
        let of_stage = |stage: &Stage| {
            let stage = *stage;
            EventTest::new(stage.as_str(), move |event| event.stage() == Some(stage))
        };
        Stage::ALL.iter().map(of_stage).collect()
    }

    fn keys(
        &self,
        asked: &Asked,
        population: &Population,
        currency: Option<Currency>,
    ) -> Result<Vec<CustomerKey>> {
        if !self.customers.is_empty() {
            return self.customers.iter().map(|name| asked.key(name)).collect();
        }
        let top = currency.map_or_else(Vec::new, |currency| population.top(currency, CUSTOMERS));
        Ok(top.iter().map(|member| member.key.clone()).collect())
    }
}

/// What was known of a buyer at the beginning, to be compared between who left and who stayed.
fn traits(member: &Member) -> [String; 2] {
    let often = match member.purchases {
        1 => "bought once",
        2..=4 => "bought two to four times",
        _ => "bought five times or more",
    };
    let class = member.class.map_or_else(|| "no class".to_owned(), |class| format!("class {class}"));
    [often.to_owned(), class]
}

/// The lifecycle at the end of each of the last quarters, and as of the instant of the report.
fn over_time(asked: &Asked, population: &Population) -> Result<Section> {
    let mut summaries = Vec::new();
    let mut end = quarter_start(population.as_of());
    let first = population.members().iter().map(|member| member.first_seen_at).min();
    while let Some(at) =
        end.filter(|at| summaries.len() + 1 < QUARTERS_MAX && first.is_some_and(|first| first < *at))
    {
        summaries.push(asked.wayfold.population_of(&asked.tenant, at.previous())?.summary());
        end = quarter_start(at.previous());
    }
    summaries.reverse();
    summaries.push(population.summary());
    Ok(Section::lifecycle_over_time(&summaries))
}

/// The first instant of the quarter that holds an instant.
fn quarter_start(at: Timestamp) -> Option<Timestamp> {
    let date = at.to_chrono().date_naive();
    let day = NaiveDate::from_ymd_opt(date.year(), date.month0() / 3 * 3 + 1, 1)?;
    Timestamp::parse(&day.to_string()).ok()
}

/// What customers are worth, where there is enough to say so.
fn worth(asked: &Asked, folded: &Folded, population: &Population, missing: &mut Vec<String>) -> Vec<Section> {
    let Some((currency, buying)) = folded.currency.zip(folded.buying) else { return Vec::new() };
    let prediction = predict(asked, buying, currency).map(|values| Section::prediction(values, currency));
    let judged = middle(population).and_then(|split| judge(asked, buying, currency, split));
    let calibration = judged.map(|judged| judged.evaluations.into_iter().next().map(Section::calibration));
    let mut sections = Vec::new();
    for (what, section) in
        [("what they will be worth", prediction.map(Some)), ("how well models tell", calibration)]
    {
        match section {
            Ok(section) => sections.extend(section),
            Err(error) => missing.push(format!("{what}: {error:#}")),
        }
    }
    sections
}

/// Figures of satisfaction, if anybody was asked.
fn satisfaction(asked: &Asked, folded: &Folded) -> Result<Option<Section>> {
    let mut table = SurveyTable::default();
    for (_, answers) in asked.wayfold.own_views(folded.surveys, asked.as_of)? {
        table.merge(&answers);
    }
    let mut scores = Vec::new();
    for (instrument, method) in [("nps", SatisfactionMethod::Nps), ("csat", SatisfactionMethod::Csat)] {
        for (dimension, answers) in table.dimensions(instrument) {
            if let Some(score) = method.measure(answers, Confidence::P95)? {
                scores.push((dimension.unwrap_or(instrument).to_owned(), score));
            }
        }
    }
    Ok((!scores.is_empty()).then(|| Section::satisfaction(scores)))
}

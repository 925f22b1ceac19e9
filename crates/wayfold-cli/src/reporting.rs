//! What stands in a report: all questions asked, as sections.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

use anyhow::Result;
use chrono::{Datelike, NaiveDate};
use wayfold::insight::{
    Activity, ActivityLifecycle, ActivityLifecycleTotal, Answers, Attribution, AttributionModel,
    AttributionTotal, BucketUnit, BuyingDays, Calendar, CaseBy, Cases, CohortBy, Confidence, EventTest,
    Funnel, GapChurn, IntendedPath, JourneyMap, JourneyMapReport, Leavers, Market, MarketTotal, NeedShift,
    Needs, Norm, Norms, Opportunities, OpportunityTotal, OwnFigure, Paths, ProcessMap, Retention,
    RetentionTotal, Rule, SatisfactionMethod, StageDurations, StageReport, SurveyAnswers, SurveyTable,
    SwotRules, TemporalDeviations, TemporalProfile, Transitions, Tz, Variants, VariantsReport,
    default_stages, own_figure,
};
use wayfold::{
    Builder, Currency, CustomerKey, EventKind, Handle, LifecycleStage, Member, Population, Span, Stage,
    Timestamp,
};
use wayfold_report::{Report, Section};

use crate::actions::{Actions, FoldedActions, offered, offers};
use crate::ask::Asked;
use crate::command::goals::GoalFile;
use crate::figures::{clusters, count_members, drivers, has_deals, of_population, on_time, won};
use crate::worth::{Predicted, judge, middle, predict};

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
    /// The path that cases are meant to take.
    pub(crate) path: Option<IntendedPath>,
    /// Norms beside that of promised deliveries.
    pub(crate) norms: Vec<Norm>,
    /// Segments by rules.
    pub(crate) rules: Vec<Rule>,
    /// What makes a line of the SWOT page.
    pub(crate) swot: SwotRules,
    /// What is done for customers.
    pub(crate) actions: Actions,
    /// Who has a page; without any, the most valuable.
    pub(crate) customers: Vec<String>,
}

/// What is folded for a report beside the built-in views.
pub(crate) struct Folded {
    currency: Option<Currency>,
    buying: Option<Handle<BuyingDays>>,
    surveys: Handle<SurveyAnswers>,
    gaps: Handle<GapChurn>,
    actions: FoldedActions,
}

/// How many instants of the lifecycle are shown.
const QUARTERS_MAX: usize = 12;
/// How many customers have a page if none is named.
const CUSTOMERS: usize = 2;
/// How long back movements are told if nothing is said.
const MOVED_WITHIN_DAYS: u32 = 180;
/// After how many gaps of its own a buyer has left, and after how many days at least.
const GAPS: u32 = 3;
const SILENCE_DAYS: u32 = 30;
/// How many cases are named for each norm, and ways of sessions.
const WORST: usize = 10;
const WAYS: usize = 50;
/// How many standard deviations from the mean are out of the ordinary, and how many pairs of steps are looked at.
const DEVIATIONS: f64 = 3.0;
const PAIRS_MAX: u64 = 20_000_000;
/// How long a touch counts for a conversion.
const LOOKBACK_DAYS: u32 = 30;

impl Folded {
    /// Adds to an engine what a report in a currency folds, and what its rules ask of events.
    pub(crate) fn register(builder: &mut Builder, currency: Option<Currency>, plan: &Plan) -> Result<Self> {
        let of_goals = plan.actions.goals.iter().flat_map(GoalFile::rules);
        let measures: BTreeSet<_> = plan.rules.iter().chain(of_goals).flat_map(Rule::measures).collect();
        for measure in measures {
            let _ = builder.register(measure.clone())?;
        }
        let buying = currency.map(|currency| builder.register(BuyingDays::new(currency))).transpose()?;
        let gaps = builder.register(GapChurn::new(GAPS, SILENCE_DAYS))?;
        let actions = plan.actions.register(builder)?;
        Ok(Self { currency, buying, surveys: builder.register(SurveyAnswers)?, gaps, actions })
    }
}

impl Plan {
    /// Asks everything, and makes the report. Says what it leaves out, and why.
    pub(crate) fn report(&self, asked: &Asked, folded: &Folded) -> Result<(Report, Vec<String>)> {
        let population = asked.population()?;
        let mut missing = Vec::new();
        let mut sections = vec![over_time(asked, &population)?];
        let from = self.from.unwrap_or(asked.as_of - Span::from_days(MOVED_WITHIN_DAYS));
        sections.extend(self.movements(asked, &population, folded.currency, from, &mut missing)?);
        sections.extend(self.groups(asked, &population, folded.currency, &mut missing)?);
        sections.extend(self.actions.to_do(asked, &folded.actions)?);
        let gaps = asked.wayfold.own_views_of(&asked.tenant, folded.gaps, asked.as_of)?.into_vec();
        let gaps: Vec<_> =
            gaps.into_iter().map(|(_, view)| view).filter(|view| view.has_left.is_some()).collect();
        sections.extend((!gaps.is_empty()).then(|| Section::gaps(gaps, asked.as_of)));
        let surveys = surveys(asked, folded)?;
        let method = asked_most(&surveys);
        let measured = self.measures(asked, folded.currency, method, &mut missing)?;
        let Measured { sections: more, mut own, market, shift } = measured;
        sections.extend(more);
        sections.extend(worth(asked, folded, &population, &mut missing));
        let (satisfied, scores) = satisfaction(&surveys)?;
        sections.extend(satisfied);
        own.extend(scores);
        sections.extend(self.actions.goals(asked, &own, &mut missing)?);
        own.extend(of_population(&population, folded.currency));
        let swot = Section::swot(self.swot.judge(&own, &market, shift.as_ref())?);

        let mut report = Report::new(&self.title, asked.as_of).with_zone(self.zone).with_source(&self.source);
        report = report.with_playbooks(self.actions.playbooks.clone());
        report = report.with_population(&population).with(swot);
        for section in sections {
            report = report.with(section);
        }
        for key in self.keys(asked, &population, folded.currency)? {
            if let Some(explanation) = asked.wayfold.explain_as_of(&key, asked.as_of)? {
                let next = self.actions.next_of(asked, &folded.actions, &explanation)?;
                let section = Section::customer(explanation);
                report = report.with(match next {
                    Some(next) => section.with_note(next),
                    None => section,
                });
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
        currency: Option<Currency>,
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
        match currency.map(|currency| drivers(&before, after, currency)) {
            Some(Ok(fit)) => sections.push(Section::drivers(fit, "leaving")),
            Some(Err(error)) => missing.push(format!("what goes with leaving: {error}")),
            None => {}
        }
        Ok(sections)
    }

    /// Everything that is measured, in one pass over the log but for what needs the result of another.
    fn measures(
        &self,
        asked: &Asked,
        currency: Option<Currency>,
        feeling: SatisfactionMethod,
        missing: &mut Vec<String>,
    ) -> Result<Measured> {
        let calendar = Calendar::new(self.zone, BucketUnit::Month);
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
        let (stages, journey_map) = (StageDurations::new(), JourneyMap::new(feeling));
        let norms = Norms::new(self.norms()?, cases.clone());
        let mut paths = Paths::new(cases.clone());
        if self.cases == CaseBy::Journey {
            // A journey goes on for days.
            paths = paths.with_gap(None);
        }
        let needs = Needs::new(calendar);
        // Without any purchase there may be deals without a value.
        let deal_currency = currency.unwrap_or(Currency::EUR);
        let deals = Opportunities::new(default_stages(), deal_currency)?;
        let (map, ways) = (ProcessMap::new(cases.clone()), Variants::new(cases.clone()));
        let customers = ((&funnel, &retention), (&activity, &attribution));
        let journeys = ((&stages, &journey_map), (&norms, &paths));
        let market = (&deals, (&needs, &Market));
        let offers = offers(deal_currency, self.zone);
        let questions = ((((&map, &ways), customers), (journeys, market)), (&offers.0, &offers.1));
        let ((of_cases, of_journeys), bought) =
            asked.wayfold.measure_of(&asked.tenant, &questions, asked.as_of)?;
        let ((edges, variants), customers) = of_cases;
        let (journeys, (opportunities, (needed, market))) = of_journeys;
        let ((reached, returned), (active, touched)) = customers;
        let ((stayed, met), (kept, walked)) = journeys;

        let variants = ways.report(&variants);
        let mut sections = vec![Section::process_map(map.report(&edges), currency)];
        sections.extend(self.conformance(asked, &cases)?);
        sections.extend(self.deviations(asked, &cases, &variants, missing)?);
        sections.push(Section::variants(variants, currency));
        let reports = funnel.report(&reached);
        sections.extend((!reports.is_empty()).then(|| Section::funnel(reports)));
        sections.extend(stages_of(stages.report(&stayed)));
        sections.extend(map_of(journey_map.report(&met, Confidence::P95)?));
        let kept = norms.report(&kept, asked.as_of, WORST, Confidence::P95);
        let own = kept.norms.first().and_then(on_time).into_iter().chain(won(&deals, &opportunities));
        let own = own.collect();
        let has_cases = kept.norms.iter().any(|row| row.kept + row.broken + row.pending > 0);
        sections.extend(has_cases.then(|| Section::norms(kept)));
        let walked = paths.report(&walked, WAYS);
        sections.extend((!walked.ways.is_empty()).then(|| Section::paths(walked, currency)));
        let pipeline = || pipeline_of(&deals, &opportunities, deal_currency, asked.as_of);
        sections.extend(has_deals(&opportunities).then(pipeline));
        sections.extend(by_month(
            (&activity, &active),
            (&retention, &returned),
            currency,
            calendar,
            asked.as_of,
        ));
        sections.extend(attributed(&attribution, &touched, currency));
        sections.extend(offered(&offers, &bought, &self.actions.costs, deal_currency)?);
        // The last twelve months beside the twelve before; too little for a test is told by the SWOT page.
        let last = calendar.bucket(asked.as_of);
        let shift = needs.shift(&needed, last - 23..=last - 12, last - 11..=last).ok();
        Ok(Measured { sections, own, market, shift })
    }

    /// Who follows the intended path, of the steps that it names.
    fn conformance(&self, asked: &Asked, cases: &Cases) -> Result<Option<Section>> {
        let Some(path) = &self.path else { return Ok(None) };
        let names: BTreeSet<String> = path.names().map(str::to_owned).collect();
        let cases = cases.clone().keeping_only("those of the path", move |name| names.contains(name));
        let variants = Variants::new(cases);
        let total = asked.wayfold.measure_of(&asked.tenant, &variants, asked.as_of)?;
        let note = "Of the steps that the path names; others may come in between.";
        Ok(Some(Section::conformance(path.check(&variants.report(&total))).with_note(note)))
    }

    /// The norm of promised deliveries first, of which the SWOT page speaks.
    fn norms(&self) -> Result<Vec<Norm>> {
        let promised: Norm = "promised delivery".parse()?;
        Ok(std::iter::once(promised).chain(self.norms.iter().cloned()).collect())
    }

    /// Times out of the ordinary, where cases are not too long for each pair of their steps to be looked at.
    fn deviations(
        &self,
        asked: &Asked,
        cases: &Cases,
        variants: &VariantsReport,
        missing: &mut Vec<String>,
    ) -> Result<Option<Section>> {
        let pairs =
            variants.variants.iter().map(|row| row.cases * (row.steps.len() * row.steps.len() / 2) as u64);
        let pairs: u64 = pairs.sum();
        if pairs > PAIRS_MAX {
            missing
                .push(format!("times out of the ordinary: cases are too long, with {pairs} pairs of steps"));
            return Ok(None);
        }
        let profile = TemporalProfile::new(cases.clone());
        let profile = profile.report(&asked.wayfold.measure_of(&asked.tenant, &profile, asked.as_of)?);
        let deviations = TemporalDeviations::new(cases.clone(), profile, DEVIATIONS);
        let found = asked.wayfold.measure_of(&asked.tenant, &deviations, asked.as_of)?;
        Ok((!found.is_empty()).then(|| Section::deviations(deviations.report(&found))))
    }

    /// Customers by rules, and in clusters.
    fn groups(
        &self,
        asked: &Asked,
        population: &Population,
        currency: Option<Currency>,
        missing: &mut Vec<String>,
    ) -> Result<Vec<Section>> {
        let mut sections = Vec::new();
        if !self.rules.is_empty() {
            let mut members = Vec::new();
            for rule in &self.rules {
                members.push((rule.to_string(), count_members(asked, rule)?));
            }
            sections.push(Section::rules(members, population.len() as u64));
        }
        match currency.map(|currency| clusters(population, currency)) {
            Some(Ok((clusters, features))) => sections.push(Section::clusters(clusters, features)),
            Some(Err(error)) => missing.push(format!("clusters of buyers: {error}")),
            None => {}
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

/// What is measured.
struct Measured {
    sections: Vec<Section>,
    /// What the SWOT page is made of.
    own: Vec<OwnFigure>,
    market: MarketTotal,
    shift: Option<NeedShift>,
}

/// The stages, if a journey has entered one.
fn stages_of(reports: Vec<StageReport>) -> Option<Section> {
    let is_entered = |report: &StageReport| report.stages.iter().any(|row| row.entered > 0);
    reports.iter().any(is_entered).then(|| Section::stages(reports))
}

/// The journey map, if events name touchpoints.
fn map_of(report: JourneyMapReport) -> Option<Section> {
    report.cells.iter().any(|cell| cell.touchpoint.is_some()).then(|| Section::journey_map(report))
}

fn pipeline_of(
    deals: &Opportunities,
    total: &OpportunityTotal,
    currency: Currency,
    as_of: Timestamp,
) -> Section {
    let (wins, lost) = (deals.win_rates(total, Confidence::P95), deals.lost(total));
    Section::pipeline(deals.pipeline(total), wins, lost, deals.slipping(total, as_of), currency)
}

/// Who is active and who comes back, month by month.
fn by_month(
    (activity, active): (&ActivityLifecycle, &ActivityLifecycleTotal),
    (retention, returned): (&Retention, &RetentionTotal),
    currency: Option<Currency>,
    calendar: Calendar,
    as_of: Timestamp,
) -> Vec<Section> {
    let (unit, last) = (BucketUnit::Month, calendar.bucket(as_of));
    let upto = |buckets: RangeInclusive<i64>| *buckets.start()..=last.max(*buckets.start());
    let mut sections = Vec::new();
    if let Some(buckets) = active.buckets() {
        sections.push(Section::activity(activity.report(active, upto(buckets)), unit));
    }
    if let Some(buckets) = returned.buckets() {
        let report = retention.report(returned, upto(buckets));
        sections.push(Section::retention(report.clone(), unit));
        sections.extend(currency.map(|currency| Section::cohort_value(report, unit, currency)));
    }
    sections
}

/// Which channels conversions are owed to, if any was touched.
fn attributed(
    attribution: &Attribution,
    touched: &AttributionTotal,
    currency: Option<Currency>,
) -> Option<Section> {
    let models =
        [AttributionModel::First, AttributionModel::Last, AttributionModel::Linear, AttributionModel::Markov];
    let reports: Vec<_> = models.iter().map(|model| attribution.report(touched, model)).collect();
    let is_owed = reports.iter().any(|report| !report.channels.is_empty());
    is_owed.then(|| Section::attribution(reports, currency))
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
    let (mut sections, what) = (Vec::new(), "what they will be worth, and who is still there");
    match predict(asked, buying, currency) {
        Ok(Predicted { values, alive }) => {
            sections.push(Section::alive(alive, "the Pareto/NBD model"));
            sections.push(Section::prediction(values, currency));
        }
        Err(error) => missing.push(format!("{what}: {error:#}")),
    }
    match middle(population).and_then(|split| judge(asked, buying, currency, split)) {
        Ok(judged) => sections.extend(judged.evaluations.into_iter().next().map(Section::calibration)),
        Err(error) => missing.push(format!("how well models tell: {error:#}")),
    }
    sections
}

/// All answers to surveys.
fn surveys(asked: &Asked, folded: &Folded) -> Result<SurveyTable> {
    let mut table = SurveyTable::default();
    for (_, answers) in asked.wayfold.own_views_of(&asked.tenant, folded.surveys, asked.as_of)?.iter() {
        table.merge(answers);
    }
    Ok(table)
}

/// The instrument with the most answers, NPS or CSAT.
fn asked_most(table: &SurveyTable) -> SatisfactionMethod {
    let answers = |instrument| table.dimensions(instrument).map(|(_, answers)| answers.total()).sum::<u64>();
    if answers("csat") > answers("nps") { SatisfactionMethod::Csat } else { SatisfactionMethod::Nps }
}

/// Figures of satisfaction, if anybody was asked, by what was asked about and as figures of one's own.
fn satisfaction(table: &SurveyTable) -> Result<(Option<Section>, Vec<OwnFigure>)> {
    let (mut scores, mut own) = (Vec::new(), Vec::new());
    for (instrument, method, name, unit) in [
        ("nps", SatisfactionMethod::Nps, own_figure::NPS, "points"),
        ("csat", SatisfactionMethod::Csat, own_figure::CSAT, "%"),
    ] {
        let mut all = Answers::default();
        for (dimension, answers) in table.dimensions(instrument) {
            all.merge(answers);
            if let Some(score) = method.measure(answers, Confidence::P95)? {
                scores.push((dimension.unwrap_or(instrument).to_owned(), score));
            }
        }
        own.extend(method.measure(&all, Confidence::P95)?.map(|score| OwnFigure {
            name: name.to_owned(),
            value: score.value,
            unit: unit.to_owned(),
            interval: score.interval,
            evidence: score.answers,
            source: format!("survey_answered by {instrument}"),
        }));
    }
    Ok(((!scores.is_empty()).then(|| Section::satisfaction(scores)), own))
}

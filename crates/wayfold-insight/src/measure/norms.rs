//! Norms (规范): a limit on a stage, on a step or on a promise, and who breaks it, how often and by how much.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use hashbrown::HashMap;
use serde::{Deserialize, Serialize};
use wayfold_core::{EventKind, EventView, History, OrderBook, Span, Stage, Timestamp};

use super::Measure;
use super::cases::{CaseBy, Cases};
use super::durations::Durations;
use super::reading::{Reading, written};
use super::stages::StageTime;
use super::tally::Tally;
use crate::error::{Error, Result};
use crate::interval::{self, Confidence, Interval};

/// A limit, as a small text; by serde it is that text.
///
/// - `stage decision within 30 days`: a journey's time in a stage, the sum of its visits.
/// - `approval_requested -> approval_granted | approval_rejected within 3 days`: from a step to the next of one or several.
/// - `promised delivery`: the newest promise of an order; `promised delivery within 2 days` allows so much more.
///
/// Steps bear the names of the [`Activity`](crate::Activity); names with blanks or signs stand between double quotes. A norm is kept up to
/// its limit and broken beyond it.
///
/// ```
/// use wayfold_insight::Norm;
///
/// let norm: Norm = "approval_requested -> approval_granted within 72 hours".parse()?;
/// assert_eq!(norm.to_string(), "approval_requested -> approval_granted within 3 days");
/// let error = "stage decision".parse::<Norm>().unwrap_err();
/// assert_eq!(error.to_string(), "norm, character 15: \"within\" and a span are missing, such as within 3 days");
/// # Ok::<(), wayfold_insight::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Norm {
    of: NormOf,
    within: Span,
}

/// After how many days without an event of a stage a journey without a purchase is abandoned, if nothing is said.
const ABANDONED_AFTER_DAYS: u32 = 90;

/// What a norm that is not about steps begins with.
const RESERVED: [&str; 2] = ["stage", "promised"];

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum NormOf {
    Stage(Stage),
    Steps { from: Vec<String>, to: Vec<String> },
    PromisedDelivery,
}

impl Norm {
    /// How long it may take; behind a promised date, how much later it may be.
    pub fn within(&self) -> Span {
        self.within
    }
}

impl fmt::Display for Norm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.of {
            NormOf::Stage(stage) => write!(f, "stage {stage} within {}", self.within),
            NormOf::Steps { from, to } => {
                write!(f, "{} -> {} within {}", written(from, &RESERVED), written(to, &[]), self.within)
            }
            NormOf::PromisedDelivery if self.within == Span::ZERO => f.write_str("promised delivery"),
            NormOf::PromisedDelivery => write!(f, "promised delivery within {}", self.within),
        }
    }
}

impl From<Norm> for String {
    fn from(norm: Norm) -> Self {
        norm.to_string()
    }
}

impl TryFrom<String> for Norm {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl FromStr for Norm {
    type Err = Error;

    /// Reads a norm.
    ///
    /// # Errors
    /// `InvalidRule` if it is none; the message says at which character.
    fn from_str(text: &str) -> Result<Self> {
        let mut reading = Reading::new("norm", text);
        let of = read_subject(&mut reading)?;
        if of == NormOf::PromisedDelivery && reading.rest().is_empty() {
            return Ok(Self { of, within: Span::ZERO });
        }
        if !reading.take_word("within") {
            return Err(reading.wrong("\"within\" and a span are missing, such as within 3 days"));
        }
        let span = Span::parse(reading.rest().trim_end()).map_err(|error| reading.wrong(error))?;
        if span < Span::ZERO {
            return Err(reading.wrong("a span below zero"));
        }
        Ok(Self { of, within: span })
    }
}

fn read_subject(reading: &mut Reading<'_>) -> Result<NormOf> {
    if reading.take_word("promised") {
        if reading.take_word("delivery") {
            return Ok(NormOf::PromisedDelivery);
        }
        return Err(reading.wrong("\"delivery\" is missing behind \"promised\""));
    }
    if reading.take_word("stage") {
        let stage = Stage::ALL.iter().find(|stage| reading.take_word(stage.as_str()));
        let known = || Stage::ALL.iter().map(|stage| stage.as_str()).collect::<Vec<_>>().join(", ");
        return stage
            .map(|stage| NormOf::Stage(*stage))
            .ok_or_else(|| reading.wrong(format_args!("no stage; write one of {}", known())));
    }
    let from = reading.names()?;
    if !reading.take("->") {
        return Err(reading.wrong("\"->\" is missing"));
    }
    Ok(NormOf::Steps { from, to: reading.names()? })
}

/// Measures which cases keep norms.
///
/// - Of a stage: each journey that entered it. A visit ends when the journey moves on, or closes by a lost deal or a
///   cancelled order; one that goes on counts up to the instant of the report.
/// - Of steps: each time that the first step is done while none is waited for. Whatever answers it first counts, and a case
///   that has not been answered runs on.
/// - Of a promised delivery: each order with a promise that was not cancelled, up to its first delivery.
///
/// A case that still runs in a journey that was abandoned, which holds no purchase and has had no event of a stage for longer
/// than 90 days, never ended and is not late: it is counted by itself. Of a customer's steps together, and of a promise,
/// nothing is abandoned.
///
/// All questions are asked of the total, as of the instant up to which histories were measured. The total holds a record of
/// each case.
#[derive(Debug, Clone)]
pub struct Norms {
    norms: Vec<Norm>,
    cases: Cases,
    abandoned_after: Span,
}

/// What cases took, by norm.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NormTotal(Tally<NormCase>);

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct NormCase {
    norm: usize,
    tenant: String,
    customer: String,
    /// The journey, or the order of a promise.
    case: Option<String>,
    began_at: Timestamp,
    /// What it took, but for what is running.
    spent: Span,
    runs_since: Option<Timestamp>,
    /// The last event of a stage in its journey, where it runs and the journey holds no purchase.
    quiet_since: Option<Timestamp>,
}

impl NormCase {
    fn is_abandoned(&self, as_of: Timestamp, after: Span) -> bool {
        self.quiet_since.is_some_and(|since| as_of.since(since) > after)
    }

    fn took(&self, as_of: Timestamp) -> Span {
        self.runs_since.map_or(self.spent, |since| self.spent + as_of.since(since))
    }
}

/// How norms are kept.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct NormsReport {
    /// What was counted how.
    pub semantics: String,
    /// The instant up to which running cases count.
    pub as_of: Timestamp,
    /// The norms in their order.
    pub norms: Vec<NormRow>,
}

/// How a norm is kept.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct NormRow {
    /// Which one.
    pub norm: Norm,
    /// Cases that were within it when they ended.
    pub kept: u64,
    /// Cases beyond it, ended or not.
    pub broken: u64,
    /// Cases that run and are still within it.
    pub pending: u64,
    /// Cases that run in journeys that were abandoned; they are neither kept nor broken.
    pub abandoned: u64,
    /// The percentage of those broken of those kept and broken, with Wilson's interval; `None` where there is neither.
    pub broken_share: Option<(f64, Interval)>,
    /// By how much cases are beyond it; `None` where none is.
    pub over: Option<StageTime>,
    /// How many customers have a case that is beyond it.
    pub customers: u64,
    /// The cases that are furthest beyond it, as many as were asked for, then by customer and case.
    pub worst: Vec<NormBreach>,
}

/// A case beyond a norm.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct NormBreach {
    /// The tenant.
    pub tenant: String,
    /// The customer.
    pub customer: String,
    /// The journey, or the order of a promise; `None` where a case is all that a customer does.
    pub case: Option<String>,
    /// When it began; of a promise, the promised instant.
    pub since: Timestamp,
    /// What it took by the instant of the report; of a promise, how much later it was.
    pub took: Span,
    /// By how much that is beyond the norm.
    pub over: Span,
    /// Whether it still runs.
    pub is_running: bool,
}

impl Norms {
    /// Looks at norms. Cases say which events belong together and what names a step for norms of steps; those of stages are always
    /// about journeys.
    pub fn new(norms: Vec<Norm>, cases: Cases) -> Self {
        Self { norms, cases, abandoned_after: Span::from_days(ABANDONED_AFTER_DAYS) }
    }

    /// Sets how long a journey without a purchase is quiet until it is abandoned. Default: 90 days, as of the rules.
    pub fn with_abandoned_after(mut self, abandoned_after: Span) -> Self {
        self.abandoned_after = abandoned_after;
        self
    }

    /// What was counted how, in words, for who reads the figures.
    pub fn semantics(&self) -> String {
        format!(
            "norms are kept up to their limit (inclusive); steps of each {:?}, named by {:?}; running cases count up to the \
             instant of the report, but for those of journeys abandoned after {}; a lost deal or a cancelled order ends a visit \
             of a stage",
            self.cases.case_by(),
            self.cases.activity(),
            self.abandoned_after
        )
    }

    /// How the norms are kept as of an instant, in their order, each with so many of its worst cases.
    pub fn report(
        &self,
        total: &NormTotal,
        as_of: Timestamp,
        worst: usize,
        confidence: Confidence,
    ) -> NormsReport {
        let row = |(number, norm): (usize, &Norm)| {
            let (abandoned, cases) =
                total.of(number).partition(|case| case.is_abandoned(as_of, self.abandoned_after));
            let abandoned: Vec<&NormCase> = abandoned;
            NormRow { abandoned: abandoned.len() as u64, ..row(norm, cases, as_of, worst, confidence) }
        };
        let norms = self.norms.iter().enumerate().map(row).collect();
        NormsReport { semantics: self.semantics(), as_of, norms }
    }
}

impl NormTotal {
    fn of(&self, norm: usize) -> impl Iterator<Item = &NormCase> {
        self.0.iter().filter(move |case| case.norm == norm)
    }
}

fn row(norm: &Norm, cases: Vec<&NormCase>, as_of: Timestamp, most: usize, confidence: Confidence) -> NormRow {
    let (mut kept, mut pending, mut over, mut worst) = (0, 0, Durations::default(), Vec::new());
    for case in cases {
        let took = case.took(as_of);
        let beyond = took.as_micros().saturating_sub(norm.within.as_micros());
        if beyond > 0 {
            over.add(beyond, 1);
            worst.push(NormBreach {
                tenant: case.tenant.clone(),
                customer: case.customer.clone(),
                case: case.case.clone(),
                since: case.began_at,
                took,
                over: Span::from_micros(beyond),
                is_running: case.runs_since.is_some(),
            });
        } else if case.runs_since.is_some() {
            pending += 1;
        } else {
            kept += 1;
        }
    }
    let broken = worst.len() as u64;
    let customers: BTreeSet<_> = worst.iter().map(|case| (&case.tenant, &case.customer)).collect();
    let customers = customers.len() as u64;
    worst.sort_by(|a, b| b.over.cmp(&a.over).then_with(|| a.cmp(b)));
    worst.truncate(most);
    NormRow {
        norm: norm.clone(),
        kept,
        broken,
        pending,
        abandoned: 0,
        broken_share: (kept + broken > 0).then(|| interval::share(broken, kept + broken, confidence)),
        over: over.figures().map(StageTime::from),
        customers,
        worst,
    }
}

impl Measure for Norms {
    type Total = NormTotal;

    fn add(&self, history: &History<'_>, times: i64, total: &mut NormTotal) {
        let (tenant, customer) = history.customer();
        let mut take = |norm: usize, case: Option<&str>, clock: Clock| {
            let Some(began_at) = clock.began_at else { return };
            let case = NormCase {
                norm,
                tenant: tenant.to_owned(),
                customer: customer.to_owned(),
                case: case.map(str::to_owned),
                began_at,
                spent: clock.spent,
                runs_since: clock.runs_since,
                quiet_since: clock.runs_since.and(clock.quiet_since),
            };
            total.0.add(case, times);
        };
        let quiet = Quiet::of(history);
        for (number, norm) in self.norms.iter().enumerate() {
            let mut take = |case: Option<&str>, clock: Clock| take(number, case, clock);
            match &norm.of {
                NormOf::Stage(stage) => {
                    of_stage(history, *stage, &mut |case, clock| take(case, quiet.told(case, clock)));
                }
                NormOf::Steps { from, to } => {
                    let mut take = |case: Option<&str>, clock: Clock| take(case, quiet.told(case, clock));
                    self.of_steps(history, (from, to), &mut take);
                }
                NormOf::PromisedDelivery => of_promises(history, &mut take),
            }
        }
    }

    fn merge(&self, total: &mut NormTotal, other: NormTotal) {
        total.0.merge(other.0);
    }
}

/// What a case took so far.
#[derive(Debug, Clone, Copy, Default)]
struct Clock {
    began_at: Option<Timestamp>,
    spent: Span,
    runs_since: Option<Timestamp>,
    quiet_since: Option<Timestamp>,
}

/// Since when journeys without a purchase are quiet.
struct Quiet<'a>(HashMap<&'a str, Timestamp>);

impl<'a> Quiet<'a> {
    fn of(history: &History<'a>) -> Self {
        let book = OrderBook::of(history.events());
        let bought: BTreeSet<&str> =
            book.placed().filter(|order| order.is_purchase).map(|order| order.order).collect();
        let (mut quiet, mut won) = (HashMap::new(), BTreeSet::new());
        for event in history.events() {
            let Some(journey) = event.journey() else { continue };
            if event.kind().moves_stage() {
                quiet.insert(journey, event.occurred_at());
            }
            if event.kind() == EventKind::OrderPlaced
                && event.order().is_some_and(|order| bought.contains(order))
            {
                won.insert(journey);
            }
        }
        quiet.retain(|journey, _| !won.contains(journey));
        Self(quiet)
    }

    /// The clock of a journey with that told; a case that is no journey has no such time.
    fn told(&self, journey: Option<&str>, clock: Clock) -> Clock {
        Clock { quiet_since: journey.and_then(|journey| self.0.get(journey)).copied(), ..clock }
    }
}

impl Clock {
    fn start(&mut self, at: Timestamp) {
        self.began_at.get_or_insert(at);
        self.runs_since.get_or_insert(at);
    }

    fn stop(&mut self, at: Timestamp) {
        if let Some(since) = self.runs_since.take() {
            self.spent = self.spent + at.since(since);
        }
    }
}

fn of_stage(history: &History<'_>, stage: Stage, take: &mut impl FnMut(Option<&str>, Clock)) {
    let mut journeys: BTreeMap<&str, Clock> = BTreeMap::new();
    for event in history.events() {
        let Some(journey) = event.journey() else { continue };
        let clock = journeys.entry(journey).or_default();
        if event.kind().moves_stage() && event.kind().stage() == Some(stage) {
            clock.start(event.occurred_at());
        } else if event.kind().moves_stage()
            || matches!(event.kind(), EventKind::DealLost | EventKind::OrderCancelled)
        {
            clock.stop(event.occurred_at());
        }
    }
    journeys.into_iter().for_each(|(journey, clock)| take(Some(journey), clock));
}

fn of_promises(history: &History<'_>, take: &mut impl FnMut(Option<&str>, Clock)) {
    let book = OrderBook::of(history.events());
    for order in book.placed().filter(|order| !order.is_cancelled) {
        let Some(promised_at) = order.promised_at else { continue };
        let mut clock = Clock::default();
        clock.start(promised_at);
        if let Some(delivered_at) = order.delivered_at {
            clock.stop(delivered_at);
        }
        take(Some(order.order), clock);
    }
}

impl Norms {
    fn of_steps(
        &self,
        history: &History<'_>,
        (from, to): (&[String], &[String]),
        take: &mut impl FnMut(Option<&str>, Clock),
    ) {
        let mut cases: HashMap<Option<&str>, Clock> = HashMap::new();
        let is = |event: &EventView<'_>, names: &[String]| {
            self.cases.name(event).is_some_and(|name| names.iter().any(|known| *known == name))
        };
        for event in history.events() {
            let case = match self.cases.case_by() {
                CaseBy::Customer => None,
                CaseBy::Journey if event.journey().is_none() => continue,
                CaseBy::Journey => event.journey(),
            };
            let clock = cases.entry(case).or_default();
            // What answers comes first, so that a step that is both begins anew.
            if clock.runs_since.is_some() && is(event, to) {
                clock.stop(event.occurred_at());
                take(case, std::mem::take(clock));
            }
            if is(event, from) {
                clock.start(event.occurred_at());
            }
        }
        cases.into_iter().for_each(|(case, clock)| take(case, clock));
    }
}

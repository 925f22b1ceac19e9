//! The one check: every arrival of a history gives the same, and that is what the oracle says.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use wayfold_core::{
    Currency, CustomerKey, CustomerView, Error, JourneyEvent, Population, PopulationSummary, RfmScores,
    Rules, Span, Tenant, TieRule, Timestamp,
};

use crate::arrival::{Arrival, Clock, Order};
use crate::coverage::Coverage;
use crate::oracle::Oracle;
use crate::random::Random;
use crate::subject::{Answers, Subject};
use crate::workload::hostile;
use crate::workload::s::{Shop, ShopConfig};

/// The first finding is the only one: a check stops there.
type Found<T> = Result<T, Box<Catch>>;

/// How many instants before the last are asked about.
const EARLIER_INSTANTS: usize = 3;

/// A history and the question asked about it.
#[derive(Debug, Clone)]
pub struct Case {
    /// The seed from which the history, and every arrival of it, comes.
    pub seed: u64,
    /// The events, each once.
    pub events: Vec<JourneyEvent>,
    /// The rules.
    pub rules: Rules,
    /// The instant as of which every arrival is asked.
    pub as_of: Timestamp,
}

impl Case {
    /// The hostile history of a seed.
    pub fn hostile(seed: u64) -> Self {
        let hostile::Hostile { seed, events, rules, as_of } = hostile::history(seed);
        Self { seed, events, rules, as_of }
    }

    /// The hostile history of a seed with tiers and answers, under rules of the lifecycle that look at them, and at the
    /// customers' own gaps.
    pub fn loyal(seed: u64) -> Self {
        let hostile::Hostile { seed, events, rules, as_of } = hostile::loyal_history(seed);
        Self { seed, events, rules, as_of }
    }

    /// A few stories of the seeded shop under the default rules, asked about at an instant amid them.
    pub fn of_shop(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let config = ShopConfig::of(random.between(180, 420) as u64).with_seed(seed).with_customers(4);
        let events: Vec<JourneyEvent> = Shop::new(config).distinct().collect();
        let as_of = random.pick(&events).occurred_at.instant();
        Self { seed, events, rules: Rules::default(), as_of }
    }
}

impl fmt::Display for Case {
    /// The rules, the instant, and one line an event, by time.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "seed {}, as of {}, {:?}", self.seed, self.as_of, self.rules)?;
        let mut events: Vec<&JourneyEvent> = self.events.iter().collect();
        events.sort_by_key(|event| (event.occurred_at.instant(), event.sequence));
        for event in events {
            let JourneyEvent { id, customer, occurred_at, sequence, body, .. } = event;
            let journey = event.journey.as_ref().map_or("-", |journey| journey.as_str());
            let tags: Vec<&str> = event.tags.iter().map(|tag| tag.as_str()).collect();
            let at = occurred_at.instant();
            writeln!(f, "{at} #{sequence} {id} {customer} {journey} {tags:?} {:?} {body:?}", event.stage)?;
        }
        Ok(())
    }
}

/// What a check found wrong.
#[derive(Debug)]
pub enum Catch {
    /// The subject refused a question that has an answer.
    Refused {
        /// How the events arrived.
        arrival: Arrival,
        /// What it said.
        error: Error,
    },
    /// Two arrivals of one set of events gave different exports.
    ExportsDiffer {
        /// One arrival.
        one: Arrival,
        /// The other arrival.
        other: Arrival,
        /// The first lines that differ.
        lines: Box<(String, String)>,
    },
    /// The subject knows other customers than the oracle.
    CustomersDiffer {
        /// How the events arrived.
        arrival: Arrival,
    },
    /// The counts, sums or scores of a tenant are not the oracle's.
    PopulationDiffers {
        /// How the events arrived.
        arrival: Arrival,
        /// What differs, of the subject and of the oracle.
        answers: Box<(String, String)>,
    },
    /// A view is not the oracle's.
    ViewDiffers {
        /// How the events arrived.
        arrival: Arrival,
        /// The subject's view.
        subject: Box<Option<CustomerView>>,
        /// The oracle's view.
        oracle: Box<Option<CustomerView>>,
    },
}

impl Catch {
    /// Which part of the check found it.
    pub fn by(&self) -> &'static str {
        match self {
            Self::Refused { .. } => "refusal",
            Self::ExportsDiffer { .. } => "exports of two arrivals",
            Self::CustomersDiffer { .. } => "customers against the oracle",
            Self::PopulationDiffers { .. } => "population against the oracle",
            Self::ViewDiffers { .. } => "view against the oracle",
        }
    }
}

impl fmt::Display for Catch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused { arrival, error } => write!(f, "refused: {error}\n{arrival:?}"),
            Self::ExportsDiffer { one, other, lines } => {
                write!(f, "exports differ\n{}\n{}\n{one:?}\n{other:?}", lines.0, lines.1)
            }
            Self::CustomersDiffer { arrival } => write!(f, "customers are not the oracle's\n{arrival:?}"),
            Self::PopulationDiffers { arrival, answers } => {
                writeln!(
                    f,
                    "the population is not the oracle's; the subject (-) and the oracle (+) differ in"
                )?;
                difference(f, &answers.0, &answers.1)?;
                write!(f, "{arrival:?}")
            }
            Self::ViewDiffers { arrival, subject, oracle } => {
                let (subject, oracle) = (format!("{subject:#?}"), format!("{oracle:#?}"));
                writeln!(f, "the view is not the oracle's; the subject (-) and the oracle (+) differ in")?;
                difference(f, &subject, &oracle)?;
                write!(f, "{arrival:?}")
            }
        }
    }
}

/// Holds a subject against itself and against the oracle.
///
/// The history arrives in five orders, cut, repeated and sharded by the seed: the exports must be equal byte
/// by byte, and every customer's view as of the instant the oracle's. Then it arrives anew for instants amid
/// its events, as a view before a folded event asks for, and each view must again be the oracle's.
///
/// # Errors
/// The first thing that is wrong.
pub fn check(subject: &dyn Subject, case: &Case, coverage: &mut Coverage) -> Result<(), Box<Catch>> {
    coverage.note_history(&case.events, case.as_of);
    let oracle = Oracle::new(case.events.clone(), case.rules.clone());
    let mut random = Random::new(case.seed ^ 0x5eed);
    let expected = Expected::new(&oracle, case.as_of);
    let mut first: Option<(Arrival, Vec<u8>)> = None;
    for order in Order::ALL {
        let arrival = Arrival::new(&case.events, order, clock(&mut random), case.as_of, random.next());
        let (answers, export) = fold(subject, case, &arrival, coverage)?;
        match &first {
            Some((one, expected)) if *expected != export => {
                let lines = Box::new(first_difference(expected, &export));
                return Err(Box::new(Catch::ExportsDiffer { one: one.clone(), other: arrival, lines }));
            }
            Some(_) => {}
            None => first = Some((arrival.clone(), export)),
        }
        check_answers(&*answers, &oracle, &expected, &arrival, &mut random, coverage)?;
    }
    let instants = oracle.instants();
    for _ in 0..EARLIER_INSTANTS.min(instants.len()) {
        let as_of = *random.pick(&instants) + Span::from_micros(*random.pick(&[-1, 0, 0, 1]));
        let order = *random.pick(&Order::ALL);
        let arrival = Arrival::new(&case.events, order, clock(&mut random), as_of, random.next());
        let (answers, _) = fold(subject, case, &arrival, coverage)?;
        let expected = Expected::new(&oracle, as_of);
        check_answers(&*answers, &oracle, &expected, &arrival, &mut random, coverage)?;
    }
    Ok(())
}

fn clock(random: &mut Random) -> Clock {
    if random.percent(50) { Clock::Fixed } else { Clock::Stepped }
}

/// Takes away events as long as the check still fails, so that the finding can be read.
pub fn minimal(subject: &dyn Subject, case: &Case) -> Case {
    let fails = |case: &Case| check(subject, case, &mut Coverage::new()).is_err();
    let mut least = case.clone();
    let mut size = case.events.len().div_ceil(2);
    while size > 0 {
        let mut place = 0;
        while place < least.events.len() {
            let mut fewer = least.clone();
            fewer.events.drain(place..(place + size).min(least.events.len()));
            if fails(&fewer) { least = fewer } else { place += size }
        }
        size /= 2;
    }
    least
}

fn fold(
    subject: &dyn Subject,
    case: &Case,
    arrival: &Arrival,
    coverage: &mut Coverage,
) -> Found<(Box<dyn Answers>, Vec<u8>)> {
    let refused = |error| Box::new(Catch::Refused { arrival: arrival.clone(), error });
    let answers = subject.fold(&case.rules, arrival).map_err(refused)?;
    let export = answers.export().map_err(refused)?;
    coverage.note_arrival(arrival, answers.refolds());
    Ok((answers, export))
}

/// What the oracle says as of an instant.
struct Expected {
    views: Vec<CustomerView>,
    populations: Vec<(Tenant, ExpectedPopulation)>,
}

/// Counts, sums and scores of a tenant; scores are asked for in one currency under every tie rule.
#[derive(Debug, PartialEq, Eq)]
struct ExpectedPopulation {
    summary: PopulationSummary,
    scores: [BTreeMap<CustomerKey, RfmScores>; TIE_RULES.len()],
}

const SCORED: Currency = Currency::EUR;
const TIE_RULES: [TieRule; 3] = [TieRule::Shared, TieRule::Ntile, TieRule::Quantile];

impl Expected {
    fn new(oracle: &Oracle, as_of: Timestamp) -> Self {
        let tenants: BTreeSet<Tenant> = oracle.customers().into_iter().map(|key| key.tenant).collect();
        let population = |tenant: Tenant| {
            let summary = oracle.population(&tenant, as_of);
            let scores = TIE_RULES.map(|ties| oracle.rfm(&tenant, SCORED, as_of, ties));
            (tenant, ExpectedPopulation { summary, scores })
        };
        Self { views: oracle.views(as_of), populations: tenants.into_iter().map(population).collect() }
    }
}

impl From<Population> for ExpectedPopulation {
    fn from(population: Population) -> Self {
        let scores = TIE_RULES.map(|ties| {
            let table = population.rfm(SCORED, ties);
            table.customers.into_iter().map(|customer| (customer.key, customer.scores)).collect()
        });
        Self { summary: population.summary(), scores }
    }
}

/// Compares what is answered as of the arrival's instant: customers, populations, and every customer's view,
/// also as of an instant between its last event and that one.
fn check_answers(
    answers: &dyn Answers,
    oracle: &Oracle,
    expected: &Expected,
    arrival: &Arrival,
    random: &mut Random,
    coverage: &mut Coverage,
) -> Found<()> {
    let known = expected.views.iter().map(|view| view.key.clone()).collect::<Vec<_>>();
    if answers.customers() != known {
        return Err(Box::new(Catch::CustomersDiffer { arrival: arrival.clone() }));
    }
    for key in oracle.customers() {
        let view = expected.views.iter().find(|view| view.key == key).cloned();
        let quiet = view.as_ref().map(|view| arrival.as_of.since(view.last_seen_at).as_micros());
        compare(answers, arrival, &key, arrival.as_of, view)?;
        coverage.note("views compared", 1);
        if let Some(quiet) = quiet {
            let between = arrival.as_of - Span::from_micros(random.between(0, quiet));
            compare(answers, arrival, &key, between, oracle.view(&key, between))?;
            coverage.note("views compared", 1);
        }
    }
    for (tenant, expected) in &expected.populations {
        let refused = |error| Box::new(Catch::Refused { arrival: arrival.clone(), error });
        let found = ExpectedPopulation::from(answers.population(tenant, arrival.as_of).map_err(refused)?);
        if found != *expected {
            let answers = Box::new((format!("{found:#?}"), format!("{expected:#?}")));
            return Err(Box::new(Catch::PopulationDiffers { arrival: arrival.clone(), answers }));
        }
        coverage.note("populations compared", 1);
    }
    Ok(())
}

fn compare(
    answers: &dyn Answers,
    arrival: &Arrival,
    key: &CustomerKey,
    as_of: Timestamp,
    expected: Option<CustomerView>,
) -> Found<()> {
    let view = answers
        .view(key, as_of)
        .map_err(|error| Box::new(Catch::Refused { arrival: arrival.clone(), error }))?;
    if view == expected {
        return Ok(());
    }
    let (subject, oracle) = (Box::new(view), Box::new(expected));
    Err(Box::new(Catch::ViewDiffers { arrival: arrival.clone(), subject, oracle }))
}

/// Writes the lines between the first and the last that differ, and where they stand.
fn difference(f: &mut fmt::Formatter<'_>, one: &str, other: &str) -> fmt::Result {
    let (one, other): (Vec<&str>, Vec<&str>) = (one.lines().collect(), other.lines().collect());
    let equal = |pairs: &mut dyn Iterator<Item = (&&str, &&str)>| pairs.take_while(|(a, b)| a == b).count();
    let start = equal(&mut one.iter().zip(&other));
    let end = equal(&mut one[start..].iter().rev().zip(other[start..].iter().rev()));
    for line in &one[start.saturating_sub(3)..start] {
        writeln!(f, "  {line}")?;
    }
    one[start..one.len() - end].iter().try_for_each(|line| writeln!(f, "- {line}"))?;
    other[start..other.len() - end].iter().try_for_each(|line| writeln!(f, "+ {line}"))
}

fn first_difference(one: &[u8], other: &[u8]) -> (String, String) {
    let (one, other) = (String::from_utf8_lossy(one), String::from_utf8_lossy(other));
    let (mut left, mut right) = (one.lines(), other.lines());
    loop {
        match (left.next(), right.next()) {
            (Some(a), Some(b)) if a == b => {}
            (a, b) => return (a.unwrap_or("").to_owned(), b.unwrap_or("").to_owned()),
        }
    }
}

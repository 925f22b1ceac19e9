//! The answers of a replay.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result};
use chrono::{Datelike, NaiveDate};
use serde::Serialize;
use wayfold::blocking::Wayfold;
use wayfold::ingest::Progress;
use wayfold::{
    BehaviourClass, Currency, CustomerKey, Explanation, Imported, LifecycleStage, Member, MoneySum,
    NamedSegments, Population, PopulationSummary, TieRule, Timestamp,
};

/// What is asked; what is not named is chosen from the data.
pub(crate) struct Question {
    pub(crate) as_of: Option<Timestamp>,
    pub(crate) currency: Option<Currency>,
    pub(crate) customer: Option<CustomerKey>,
}

/// Everything that is answered; its JSON form is documented in docs/guide/replay-json.md.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    pub(crate) read: Read,
    pub(crate) as_of: Timestamp,
    pub(crate) summary: PopulationSummary,
    pub(crate) lifecycle_by_quarter: Vec<Quarter>,
    pub(crate) segments: Option<Segments>,
    pub(crate) top: Vec<TopCustomer>,
    pub(crate) story: Option<Explanation>,
}

/// What was read.
#[derive(Debug, Serialize)]
pub(crate) struct Read {
    pub(crate) file: String,
    pub(crate) rows: u64,
    pub(crate) events: u64,
    pub(crate) new_events: u64,
    pub(crate) skipped_rows: BTreeMap<String, u64>,
    pub(crate) rejected_rows: BTreeMap<String, u64>,
    pub(crate) unknown_kinds: BTreeMap<String, u64>,
    #[serde(skip)]
    pub(crate) time: Duration,
}

/// Customers by stage of the lifecycle at the end of a quarter, or at the as-of instant.
#[derive(Debug, Serialize)]
pub(crate) struct Quarter {
    pub(crate) label: String,
    pub(crate) as_of: Timestamp,
    pub(crate) lifecycle: BTreeMap<LifecycleStage, u64>,
}

/// Named segments in one currency.
#[derive(Debug, Serialize)]
pub(crate) struct Segments {
    pub(crate) currency: Currency,
    pub(crate) ties: TieRule,
    pub(crate) score_sizes: ScoreSizes,
    pub(crate) named: Vec<Segment>,
}

/// How many customers have each score, from 1 to 5.
#[derive(Debug, Serialize)]
pub(crate) struct ScoreSizes {
    pub(crate) recency: [u64; 5],
    pub(crate) frequency: [u64; 5],
    pub(crate) monetary: [u64; 5],
}

/// One named segment.
#[derive(Debug, Serialize)]
pub(crate) struct Segment {
    pub(crate) name: String,
    pub(crate) customers: u64,
    pub(crate) purchases: u64,
    pub(crate) net: MoneySum,
}

/// One of the most valuable customers.
#[derive(Debug, Serialize)]
pub(crate) struct TopCustomer {
    pub(crate) key: CustomerKey,
    pub(crate) lifecycle: LifecycleStage,
    pub(crate) class: Option<BehaviourClass>,
    pub(crate) purchases: u32,
    pub(crate) net: MoneySum,
    pub(crate) last_purchase_at: Option<Timestamp>,
}

impl Read {
    pub(crate) fn new(progress: &Progress, imported: Imported, time: Duration) -> Self {
        let rejected = progress.rejected_by_problem.iter();
        Self {
            file: progress.file.clone(),
            rows: progress.rows,
            events: imported.events,
            new_events: imported.new,
            skipped_rows: progress.skipped_by_reason.clone(),
            rejected_rows: rejected.map(|(problem, count)| (problem.to_string(), *count)).collect(),
            unknown_kinds: progress.unknown_kinds.clone(),
            time,
        }
    }
}

impl Report {
    pub(crate) fn ask(wayfold: &Wayfold, read: Read, question: &Question) -> Result<Self> {
        let newest = wayfold.newest()?.context("the log is empty")?;
        let as_of = question.as_of.unwrap_or(newest);
        let population = wayfold.population(as_of)?;
        let summary = population.summary();
        let most_bought =
            summary.totals.iter().max_by_key(|total| total.purchases).map(|total| total.currency);
        let currency = question.currency.or(most_bought);
        let top: Vec<&Member> = currency.map_or_else(Vec::new, |currency| population.top(currency, 10));
        let story = match &question.customer {
            Some(key) => Some(
                wayfold
                    .explain_as_of(key, as_of)?
                    .with_context(|| format!("no customer {key} by {as_of}"))?,
            ),
            None => most_eventful(wayfold, &top, as_of)?,
        };
        Ok(Self {
            read,
            as_of,
            lifecycle_by_quarter: quarters(wayfold, &population)?,
            segments: currency.map(|currency| segments(&population, currency)),
            top: currency.map_or_else(Vec::new, |currency| {
                top.iter().map(|member| top_customer(member, currency)).collect()
            }),
            summary,
            story,
        })
    }
}

/// The lifecycle at the end of each quarter since the first event, and as of the asked instant.
fn quarters(wayfold: &Wayfold, population: &Population) -> Result<Vec<Quarter>> {
    let as_of = population.as_of();
    let mut quarters = Vec::new();
    let Some(first) = population.members().iter().map(|member| member.first_seen_at).min() else {
        return Ok(quarters);
    };
    let (mut year, mut quarter) = (first.to_chrono().year(), first.to_chrono().month0() / 3);
    loop {
        let label = format!("{year} Q{}", quarter + 1);
        (year, quarter) = if quarter == 3 { (year + 1, 0) } else { (year, quarter + 1) };
        let next = NaiveDate::from_ymd_opt(year, quarter * 3 + 1, 1).context("the next quarter")?;
        let end = Timestamp::parse(&next.to_string())?.previous();
        if end >= as_of {
            let lifecycle = population.summary().lifecycle;
            quarters.push(Quarter { label: format!("{label}, so far"), as_of, lifecycle });
            return Ok(quarters);
        }
        quarters.push(Quarter { label, as_of: end, lifecycle: wayfold.population(end)?.summary().lifecycle });
    }
}

fn segments(population: &Population, currency: Currency) -> Segments {
    let table = population.rfm(currency, TieRule::Shared);
    let names = NamedSegments::default();
    let named = names.names().map(|name| {
        let own = || table.customers.iter().filter(|customer| names.name(customer.scores) == name);
        Segment {
            name: name.to_owned(),
            customers: own().count() as u64,
            purchases: own().map(|customer| u64::from(customer.frequency)).sum(),
            net: MoneySum::new(own().map(|customer| customer.monetary.as_ten_thousandths()).sum(), currency),
        }
    });
    let [recency, frequency, monetary] = table.sizes();
    let score_sizes = ScoreSizes { recency, frequency, monetary };
    Segments { currency, ties: table.ties, score_sizes, named: named.collect() }
}

fn top_customer(member: &Member, currency: Currency) -> TopCustomer {
    let value = member.value(currency);
    TopCustomer {
        key: member.key.clone(),
        lifecycle: member.lifecycle,
        class: member.class,
        purchases: value.map_or(0, |value| value.purchases),
        net: value.map_or(MoneySum::new(0, currency), |value| value.net),
        last_purchase_at: value.and_then(|value| value.last_purchase_at),
    }
}

/// The story with the most changes of the lifecycle; the more valuable customer's among equals.
fn most_eventful(wayfold: &Wayfold, top: &[&Member], as_of: Timestamp) -> Result<Option<Explanation>> {
    let mut best: Option<(usize, Explanation)> = None;
    for member in top {
        let Some(story) = wayfold.explain_as_of(&member.key, as_of)? else { continue };
        let fields = story.steps.iter().flat_map(|step| &step.changes);
        let changes = fields.filter(|change| change.field == "lifecycle.stage").count();
        if best.as_ref().is_none_or(|(most, _)| changes > *most) {
            best = Some((changes, story));
        }
    }
    Ok(best.map(|(_, story)| story))
}

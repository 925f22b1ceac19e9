use std::collections::BTreeSet;

use anyhow::Result;
use clap::{Args, ValueEnum};
use serde::Serialize;
use wayfold::insight::{
    Activity, CaseBy, Cases, ConformanceReport, EdgeRow, IntendedPath, PathDeviation, PathDeviationRow,
    ProcessMap, ProcessMapReport, Steps, Ties, VariantRow, Variants, VariantsReport,
};
use wayfold::{AttributeName, Currency};

use crate::ask::{AskArguments, currency_of};
use crate::failure::usage;
use crate::output::Output;
use crate::table::Table;
use crate::words::{count, duration, many};

/// How many different steps of a variant are told; JSON has all.
const RUNS_MAX: usize = 8;

/// Shows the process map: which step directly follows which, how often and how long after, and the ways through it.
#[derive(Debug, Args)]
pub(crate) struct Map {
    /// Which events belong together
    #[arg(long, value_enum, default_value = "customer")]
    cases: By,
    /// What names a step: `kind`, `kind+ATTRIBUTE`, `attribute:NAME`, `person`, `team` or `channel`
    #[arg(long, value_name = "WHAT", default_value = "kind")]
    activity: String,
    /// Leaves all other steps out; by name, or by how names begin if it ends in *
    #[arg(long, value_name = "STEPS", value_delimiter = ',')]
    only: Vec<String>,
    /// In which order steps of one instant stand
    #[arg(long, value_enum, default_value = "folded")]
    ties: StepTies,
    /// The currency of what cases are worth [default: the one with the most purchases]
    #[arg(long, value_name = "CODE")]
    currency: Option<String>,
    /// How many edges and variants are shown; JSON has all
    #[arg(long, value_name = "NUMBER", default_value_t = 20)]
    limit: usize,
    /// Puts the edges at which most time is spent first, instead of the most frequent
    #[arg(long)]
    bottlenecks: bool,
    /// Says how cases follow a path, such as 'product_viewed+ -> cart_changed? -> order_placed'
    #[arg(long, value_name = "STEPS")]
    path: Option<IntendedPath>,
    /// Prints the map as a Mermaid flow chart
    #[arg(long, conflicts_with = "json")]
    mermaid: bool,
    #[command(flatten)]
    ask: AskArguments,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum By {
    /// All events of a customer
    Customer,
    /// The events of a customer that name the same journey
    Journey,
}

impl From<By> for CaseBy {
    fn from(by: By) -> Self {
        match by {
            By::Customer => Self::Customer,
            By::Journey => Self::Journey,
        }
    }
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum StepTies {
    /// As they are folded: by sequence, causal rank and id
    Folded,
    /// By name
    Name,
}

impl From<StepTies> for Ties {
    fn from(ties: StepTies) -> Self {
        match ties {
            StepTies::Folded => Self::AsFolded,
            StepTies::Name => Self::ByName,
        }
    }
}

/// The answer; its JSON is documented in docs/guide/command.md.
#[derive(Debug, Serialize)]
struct Answer {
    currency: Option<Currency>,
    map: ProcessMapReport,
    variants: VariantsReport,
    #[serde(skip_serializing_if = "Option::is_none")]
    conformance: Option<ConformanceReport>,
}

impl Map {
    pub(crate) fn run(&self, output: &mut Output) -> Result<()> {
        let activity = activity(&self.activity)?;
        let asked = self.ask.open()?;
        let currency = currency_of(self.currency.as_deref(), &asked.population()?)?;
        let mut cases = Cases::new().by(self.cases.into()).named_by(activity).with_ties(self.ties.into());
        if let Some(currency) = currency {
            cases = cases.valued_in(currency);
        }
        if !self.only.is_empty() {
            let only = Only::new(&self.only);
            cases = cases.keeping_only(self.only.join(", "), move |name| only.keeps(name));
        }
        let measure = (ProcessMap::new(cases.clone()), Variants::new(cases));
        let (edges, ways) = asked.wayfold.measure_of(&asked.tenant, &measure, asked.as_of)?;
        let (map, variants) = (measure.0.report(&edges), measure.1.report(&ways));
        let conformance = self.path.as_ref().map(|path| path.check(&variants));
        let answer = Answer { currency, map, variants, conformance };
        if output.is_json() {
            output.object(&answer)
        } else if self.mermaid {
            answer.map.mermaid().lines().try_for_each(|line| output.line(line))
        } else {
            self.tell(output, &answer)
        }
    }

    fn tell(&self, output: &mut Output, answer: &Answer) -> Result<()> {
        let Answer { currency, map, variants, conformance } = answer;
        let (cases, ways) = (many(map.cases, "case"), many(variants.variants.len() as u64, "variant"));
        let edges = many(map.edges.len() as u64, "edge");
        output.heading(&format!("{cases}, {}, {edges}, {ways}", many(map.events, "step")))?;
        output.line("")?;
        let rows = map.activities.iter().map(|row| {
            let counts = [row.events, row.cases, row.reworked_cases, row.starts, row.ends].map(count);
            std::iter::once(row.name.clone()).chain(counts).collect()
        });
        let header = ["step", "times", "cases", "cases with rework", "starts", "ends"];
        output.table(Table::new(&header, 1).with_rows(rows))?;
        self.tell_edges(output, *currency, map)?;
        self.tell_variants(output, *currency, variants)?;
        conformance.as_ref().map_or(Ok(()), |conformance| self.tell_conformance(output, conformance))
    }

    fn tell_conformance(&self, output: &mut Output, conformance: &ConformanceReport) -> Result<()> {
        output.line("")?;
        let ConformanceReport { semantics, path, cases, fitting, fitness, deviations } = conformance;
        let fitness = fitness.map_or(String::new(), |fitness| format!("; mean fitness {fitness:.3}"));
        output.heading(&format!("{} of {} follow {path}{fitness}", count(*fitting), many(*cases, "case")))?;
        let row = |row: &PathDeviationRow| {
            let (what, step, after) = match &row.deviation {
                PathDeviation::Missing { step } => ("missing", step.clone(), String::new()),
                PathDeviation::Unexpected { activity, after } => {
                    ("not expected", activity.clone(), after.clone().unwrap_or_default())
                }
                other => ("deviation", format!("{other:?}"), String::new()),
            };
            vec![what.to_owned(), step, after, count(row.cases), count(row.times)]
        };
        let table = Table::new(&["deviation", "step", "after", "cases", "times"], 3);
        output.table(table.with_rows(deviations.iter().take(self.limit).map(row)))?;
        output.line(semantics)
    }

    fn tell_edges(
        &self,
        output: &mut Output,
        currency: Option<Currency>,
        map: &ProcessMapReport,
    ) -> Result<()> {
        let edges: Vec<&EdgeRow> =
            if self.bottlenecks { map.bottlenecks() } else { map.edges.iter().collect() };
        let row = |edge: &&EdgeRow| {
            let times = [edge.mean, edge.median, edge.p90, edge.total].map(duration);
            let counts = [edge.from.clone(), edge.to.clone(), count(edge.count), count(edge.cases)];
            counts.into_iter().chain(times).chain(currency.map(|_| edge.value.to_string())).collect()
        };
        let header = ["from", "to", "times", "cases", "mean", "median", "90 %", "total"];
        let table = Table::new(&with_worth(&header, currency), 2);
        output.table(table.with_rows(edges.iter().take(self.limit).map(row)))?;
        output.line(&map.semantics)?;
        output.line("")
    }

    fn tell_variants(
        &self,
        output: &mut Output,
        currency: Option<Currency>,
        variants: &VariantsReport,
    ) -> Result<()> {
        let row = |row: &VariantRow| {
            let counts = [way(&row.steps), count(row.cases)];
            counts.into_iter().chain(currency.map(|_| row.value.to_string())).collect()
        };
        let table = Table::new(&with_worth(&["variant", "cases"], currency), 1);
        output.table(table.with_rows(variants.variants.iter().take(self.limit).map(row)))?;
        match variants.variants.len().saturating_sub(self.limit) {
            0 => {}
            more => output.line(format!("And {}; --limit shows more.", many(more as u64, "variant")))?,
        }
        output.line(&variants.semantics)
    }
}

/// The steps of a variant, repeats told as a number, and not more of them than one can read.
fn way(steps: &Steps) -> String {
    let told = steps.runs().take(RUNS_MAX).map(|(name, times)| match times {
        1 => name.to_owned(),
        times => format!("{name} x {times}"),
    });
    let rest: usize = steps.runs().skip(RUNS_MAX).map(|(_, times)| times).sum();
    let rest = (rest > 0).then(|| format!("({})", many(rest as u64, "more step")));
    told.chain(rest).collect::<Vec<_>>().join(" > ")
}

/// A header with what cases are worth behind it, where anything was bought.
pub(super) fn with_worth(header: &[&str], currency: Option<Currency>) -> Vec<String> {
    let worth = currency.map(|currency| format!("worth {currency}"));
    header.iter().map(|name| (*name).to_owned()).chain(worth).collect()
}

pub(super) fn activity(text: &str) -> Result<Activity> {
    let attribute = |name: &str| AttributeName::new(name).map_err(usage);
    Ok(match text {
        "kind" => Activity::Kind,
        "person" => Activity::Person,
        "team" => Activity::Team,
        "channel" => Activity::Channel,
        _ => match (text.strip_prefix("kind+"), text.strip_prefix("attribute:")) {
            (Some(name), _) => Activity::KindAnd(attribute(name)?),
            (_, Some(name)) => Activity::Attribute(attribute(name)?),
            _ => {
                return Err(usage(format_args!(
                    "{text:?} names no step; write kind, kind+ATTRIBUTE, attribute:NAME, person, team or channel"
                )));
            }
        },
    })
}

/// Which steps are kept.
struct Only {
    names: BTreeSet<String>,
    beginnings: Vec<String>,
}

impl Only {
    fn new(texts: &[String]) -> Self {
        let (open, closed): (Vec<&String>, Vec<&String>) = texts.iter().partition(|text| text.ends_with('*'));
        Self {
            names: closed.into_iter().cloned().collect(),
            beginnings: open.iter().map(|text| text.trim_end_matches('*').to_owned()).collect(),
        }
    }

    fn keeps(&self, name: &str) -> bool {
        self.names.contains(name)
            || self.beginnings.iter().any(|beginning| name.starts_with(beginning.as_str()))
    }
}

use anyhow::Result;
use clap::{Args, ValueEnum};
use serde::Serialize;
use wayfold::{Currency, MoneySum, NamedSegments, Population, PopulationSummary, RfmTable, TieRule};

use crate::ask::{AskArguments, currency_of};
use crate::output::Output;
use crate::table::Table;
use crate::words::{count, or_none, percent};

/// Counts all customers by stage and class, adds up their money, and scores them by recency, frequency and value.
#[derive(Debug, Args)]
pub(crate) struct PopulationCommand {
    /// The currency of the scores [default: the one with the most purchases]
    #[arg(long, value_name = "CODE")]
    currency: Option<String>,
    /// How customers with equal values are scored
    #[arg(long, value_enum, default_value = "shared")]
    ties: Ties,
    #[command(flatten)]
    ask: AskArguments,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Ties {
    /// Equal values share a score
    Shared,
    /// Five groups of equal size
    Ntile,
    /// By quantiles, as the R package rfm does
    Quantile,
}

impl From<Ties> for TieRule {
    fn from(ties: Ties) -> Self {
        match ties {
            Ties::Shared => Self::Shared,
            Ties::Ntile => Self::Ntile,
            Ties::Quantile => Self::Quantile,
        }
    }
}

/// The answer; its JSON is documented in docs/guide/command.md.
#[derive(Debug, Serialize)]
struct Answer {
    summary: PopulationSummary,
    rfm: Option<Scores>,
}

#[derive(Debug, Serialize)]
struct Scores {
    currency: Currency,
    ties: TieRule,
    recency: [u64; 5],
    frequency: [u64; 5],
    monetary: [u64; 5],
    segments: Vec<SegmentRow>,
}

/// A named segment: how many belong to it and what they are worth.
#[derive(Debug, Serialize)]
pub(super) struct SegmentRow {
    pub(super) name: String,
    pub(super) customers: u64,
    pub(super) purchases: u64,
    pub(super) net: MoneySum,
}

impl PopulationCommand {
    pub(crate) fn run(&self, output: &mut Output) -> Result<()> {
        let asked = self.ask.open()?;
        let population = asked.population()?;
        let currency = currency_of(self.currency.as_deref(), &population)?;
        let rfm = currency.map(|currency| scores(&population.rfm(currency, self.ties.into())));
        let answer = Answer { summary: population.summary(), rfm };
        if output.is_json() { output.object(&answer) } else { tell(output, &answer) }
    }
}

fn scores(table: &RfmTable) -> Scores {
    let [recency, frequency, monetary] = table.sizes();
    Scores {
        currency: table.currency,
        ties: table.ties,
        recency,
        frequency,
        monetary,
        segments: named(table),
    }
}

/// The named segments of a table of scores.
fn named(table: &RfmTable) -> Vec<SegmentRow> {
    let names = NamedSegments::default();
    let of_name = |name: &str| {
        let own = || table.customers.iter().filter(|customer| names.name(customer.scores) == name);
        SegmentRow {
            name: name.to_owned(),
            customers: own().count() as u64,
            purchases: own().map(|customer| u64::from(customer.frequency)).sum(),
            net: MoneySum::new(
                own().map(|customer| customer.monetary.as_ten_thousandths()).sum(),
                table.currency,
            ),
        }
    };
    names.names().map(of_name).collect()
}

/// The named segments of a population in a currency.
pub(super) fn named_segments(population: &Population, currency: Currency) -> Vec<SegmentRow> {
    named(&population.rfm(currency, TieRule::Shared))
}

fn tell(output: &mut Output, answer: &Answer) -> Result<()> {
    let Answer { summary, rfm } = answer;
    let (customers, events) = (count(summary.customers), count(summary.events));
    output.heading(&format!("{customers} customers, {events} events"))?;
    output.line(format!("As of {} under rules {:?}.", summary.as_of, summary.rules))?;
    output.line("")?;
    let share = |part: u64| {
        percent(if summary.customers == 0 { 0.0 } else { part as f64 / summary.customers as f64 })
    };
    let stages =
        summary.lifecycle.iter().map(|(stage, part)| vec![stage.to_string(), count(*part), share(*part)]);
    output.table(Table::new(&["stage", "customers", "share"], 1).with_rows(stages))?;

    let rest = ("in none of these".to_owned(), summary.unclassified);
    let classes = summary.classes.iter().map(|(class, part)| (class.to_string(), *part)).chain([rest]);
    let rows = classes.map(|(class, part)| vec![class, count(part), share(part)]);
    output.table(Table::new(&["class", "customers", "share"], 1).with_rows(rows))?;

    let rows = summary.totals.iter().map(|total| {
        let counts = [total.currency.to_string(), count(total.buyers), count(total.purchases)];
        let sums = [Some(total.revenue), Some(total.refunds), Some(total.net), total.margin].map(or_none);
        counts.into_iter().chain(sums).collect()
    });
    let header = ["currency", "buyers", "purchases", "revenue", "refunds", "net", "margin"];
    output.table(Table::new(&header, 1).with_rows(rows))?;

    let journeys = summary.outcomes.iter().map(|(outcome, part)| vec![outcome.to_string(), count(*part)]);
    output.table(Table::new(&["outcome", "journeys"], 1).with_rows(journeys))?;
    rfm.as_ref().map_or(Ok(()), |scores| tell_scores(output, scores))
}

fn tell_scores(output: &mut Output, scores: &Scores) -> Result<()> {
    let currency = scores.currency;
    output.line(format!("Scores of 1 to 5 in {currency}, 5 the best: how many customers have each."))?;
    let rows = [("recency", scores.recency), ("frequency", scores.frequency), ("monetary", scores.monetary)];
    let rows = rows.into_iter().map(|(name, sizes)| {
        std::iter::once(name.to_owned()).chain(sizes.iter().map(|size| count(*size))).collect()
    });
    output.table(Table::new(&["score", "1", "2", "3", "4", "5"], 1).with_rows(rows))?;
    output.table(segment_table(&scores.segments))
}

/// The named segments as a table.
pub(super) fn segment_table(segments: &[SegmentRow]) -> Table {
    let rows = segments
        .iter()
        .map(|row| vec![row.name.clone(), count(row.customers), count(row.purchases), row.net.to_string()]);
    Table::new(&["segment", "customers", "purchases", "net"], 1).with_rows(rows)
}

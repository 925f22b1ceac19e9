use anyhow::Result;
use clap::Args;
use wayfold::insight::{Cases, PathNode, PathWay, Paths, PathsReport};
use wayfold::{Currency, Span};

use super::map::{By, StepTies, activity, with_worth};
use crate::ask::{AskArguments, currency_of};
use crate::failure::usage;
use crate::output::Output;
use crate::table::Table;
use crate::words::{count, many};

/// Shows which ways customers take: from the beginning of sessions, from a step on, or to a step.
#[derive(Debug, Args)]
pub(crate) struct PathsCommand {
    /// Looks at what comes next from this step on
    #[arg(long, value_name = "STEP", conflicts_with = "to")]
    from: Option<String>,
    /// Looks at what came before this step
    #[arg(long, value_name = "STEP")]
    to: Option<String>,
    /// How many steps of a way are told apart
    #[arg(long, value_name = "STEPS", default_value_t = 5)]
    depth: usize,
    /// For how long nothing happens between two sessions; `none` makes all of a case one session
    #[arg(long, value_name = "SPAN", default_value = "30 minutes")]
    gap: String,
    /// Keeps equal neighbours as steps of their own
    #[arg(long)]
    repeats: bool,
    /// Which events belong together
    #[arg(long, value_enum, default_value = "customer")]
    cases: By,
    /// What names a step: `kind`, `kind+ATTRIBUTE`, `attribute:NAME`, `person`, `team` or `channel`
    #[arg(long, value_name = "WHAT", default_value = "kind")]
    activity: String,
    /// In which order steps of one instant stand
    #[arg(long, value_enum, default_value = "name")]
    ties: StepTies,
    /// The currency of what sessions are worth [default: the one with the most purchases]
    #[arg(long, value_name = "CODE")]
    currency: Option<String>,
    /// How many ways, and how many next steps at each step
    #[arg(long, value_name = "NUMBER", default_value_t = 10)]
    limit: usize,
    #[command(flatten)]
    ask: AskArguments,
}

impl PathsCommand {
    pub(crate) fn run(&self, output: &mut Output) -> Result<()> {
        let gap = match self.gap.as_str() {
            "none" => None,
            span => Some(Span::parse(span).map_err(usage)?),
        };
        let cases = Cases::new().by(self.cases.into()).named_by(activity(&self.activity)?);
        let mut cases = cases.with_ties(self.ties.into());
        let asked = self.ask.open()?;
        let currency = currency_of(self.currency.as_deref(), &asked.population()?)?;
        if let Some(currency) = currency {
            cases = cases.valued_in(currency);
        }
        let mut paths = Paths::new(cases).with_gap(gap).with_depth(self.depth).map_err(usage)?;
        if self.repeats {
            paths = paths.keeping_repeats();
        }
        paths = match (&self.from, &self.to) {
            (Some(from), _) => paths.from(from),
            (None, Some(to)) => paths.to(to),
            (None, None) => paths,
        };
        let total = asked.wayfold.measure_of(&asked.tenant, &paths, asked.as_of)?;
        let report = paths.report(&total, self.limit);
        if output.is_json() { output.object(&report) } else { self.tell(output, &report, currency) }
    }

    fn tell(&self, output: &mut Output, report: &PathsReport, currency: Option<Currency>) -> Result<()> {
        output.heading(&many(report.sessions, "session"))?;
        let direction = if self.to.is_some() { "from" } else { "to" };
        let mut rows = Vec::new();
        add_nodes(&report.tree, 0, &mut rows);
        let table = Table::new(&[direction, "sessions", "of before", "no further"], 1);
        output.table(table.with_rows(rows))?;
        let row = |way: &PathWay| {
            let more = if way.is_cut { " ..." } else { "" };
            let cells = [way.steps.join(" > ") + more, count(way.sessions)];
            cells.into_iter().chain(currency.map(|_| way.value.to_string())).collect()
        };
        let table = Table::new(&with_worth(&["way", "sessions"], currency), 1);
        output.table(table.with_rows(report.ways.iter().map(row)))?;
        if report.other_ways > 0 {
            output.line(format!("And {}; --limit shows more.", many(report.other_ways, "way")))?;
        }
        output.line(&report.semantics)
    }
}

/// The steps of the tree, each further in than the one before it; JSON has those that are left out here.
fn add_nodes(nodes: &[PathNode], depth: usize, rows: &mut Vec<Vec<String>>) {
    for node in nodes.iter().take(NEXT_MAX) {
        rows.push(vec![
            format!("{}{}", "  ".repeat(depth), node.step),
            count(node.sessions),
            format!("{:.1} %", node.share),
            count(node.ended),
        ]);
        if depth < DEPTH_MAX {
            add_nodes(&node.next, depth + 1, rows);
        }
    }
}

/// How much of the tree is told.
const NEXT_MAX: usize = 3;
const DEPTH_MAX: usize = 2;

use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Args;
use serde::Deserialize;
use wayfold::insight::{Cases, Confidence, Norm, NormBreach, NormRow, Norms, NormsReport};

use super::map::{By, activity};
use crate::ask::AskArguments;
use crate::file::read_toml;
use crate::output::Output;
use crate::table::Table;
use crate::words::{NONE, count, duration, instant};

/// Says who breaks norms, how often and by how much, and which cases are furthest beyond them.
#[derive(Debug, Args)]
pub(crate) struct NormsCommand {
    /// Norms such as 'stage decision within 30 days', 'approval_requested -> approval_granted within 3 days' or 'promised delivery'
    #[arg(value_name = "NORM", required_unless_present = "file")]
    norms: Vec<Norm>,
    /// A file of TOML with more of them: norms = ["...", "..."]
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Which events belong together for norms of steps; those of stages are always about journeys
    #[arg(long, value_enum, default_value = "customer")]
    cases: By,
    /// What names a step: `kind`, `kind+ATTRIBUTE`, `attribute:NAME`, `person`, `team` or `channel`
    #[arg(long, value_name = "WHAT", default_value = "kind")]
    activity: String,
    /// How many of the cases furthest beyond a norm are shown
    #[arg(long, value_name = "NUMBER", default_value_t = 5)]
    limit: usize,
    #[command(flatten)]
    ask: AskArguments,
}

/// A file of norms.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct NormFile {
    norms: Vec<Norm>,
}

/// Reads a file of norms.
pub(crate) fn read_norms(path: &Path) -> Result<Vec<Norm>> {
    let file: NormFile = read_toml(path, "norms")?;
    Ok(file.norms)
}

impl NormsCommand {
    pub(crate) fn run(&self, output: &mut Output) -> Result<()> {
        let mut norms = self.norms.clone();
        if let Some(file) = &self.file {
            norms.extend(read_norms(file)?);
        }
        let cases = Cases::new().by(self.cases.into()).named_by(activity(&self.activity)?);
        let norms = Norms::new(norms, cases);
        let asked = self.ask.open()?;
        let total = asked.wayfold.measure_of(&asked.tenant, &norms, asked.as_of)?;
        let report = norms.report(&total, asked.as_of, self.limit, Confidence::P95);
        if output.is_json() { output.object(&report) } else { tell(output, &report) }
    }
}

fn tell(output: &mut Output, report: &NormsReport) -> Result<()> {
    let row = |row: &NormRow| {
        let [low, high] = row.broken_share.map_or([f64::NAN; 2], |(_, ends)| [ends.low, ends.high]);
        let share = row
            .broken_share
            .map_or_else(|| NONE.to_owned(), |(share, _)| format!("{share:.1} % ({low:.1} to {high:.1})"));
        let over = row.over.map_or_else(|| NONE.to_owned(), |over| duration(over.median));
        let counts = [row.kept, row.broken, row.pending, row.abandoned, row.customers].map(count);
        std::iter::once(row.norm.to_string()).chain(counts).chain([share, over]).collect()
    };
    let header =
        ["norm", "kept", "broken", "within", "abandoned", "customers", "share broken", "median beyond"];
    output.table(Table::new(&header, 1).with_rows(report.norms.iter().map(row)))?;
    for norm in report.norms.iter().filter(|row| !row.worst.is_empty()) {
        output.heading(&format!("Furthest beyond: {}", norm.norm))?;
        let row = |case: &NormBreach| {
            vec![
                case.customer.clone(),
                case.case.clone().unwrap_or_else(|| NONE.to_owned()),
                instant(case.since),
                if case.is_running { "running" } else { "ended" }.to_owned(),
                duration(case.took),
                duration(case.over),
            ]
        };
        let header = ["customer", "journey or order", "since", "state", "took", "beyond"];
        output.table(Table::new(&header, 4).with_rows(norm.worst.iter().map(row)))?;
    }
    output.line(&report.semantics)
}

use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Args;
use serde::Deserialize;
use wayfold::insight::{Rule, Segment};
use wayfold::{Currency, CustomerView, MoneySum, Selection};

use crate::ask::{AskArguments, Asked, currency_of};
use crate::command::population::{SegmentRow, named_segments, segment_table};
use crate::failure::not_found;
use crate::file::read_toml;
use crate::output::Output;

/// Shows how many customers belong to segments and what they are worth: the ten named segments of recency and frequency,
/// or segments by rules of one's own.
#[derive(Debug, Args)]
pub(crate) struct Segments {
    /// Rules (docs/guide/segments.md), each a segment that is called by its text
    #[arg(value_name = "RULE")]
    texts: Vec<String>,
    /// Segments with names as TOML: `[[segment]]` with `name`, `version` and `rule`
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// The currency of what they are worth [default: the one with the most purchases]
    #[arg(long, value_name = "CODE")]
    currency: Option<String>,
    #[command(flatten)]
    ask: AskArguments,
}

/// A file of segments.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SegmentFile {
    segment: Vec<Segment>,
}

impl Segments {
    pub(crate) fn run(&self, output: &mut Output) -> Result<()> {
        let segments = self.segments()?;
        let rules: Vec<&Rule> = segments.iter().map(|segment| &segment.rule).collect();
        let asked = self.ask.open_for(&rules)?;
        let population = asked.population()?;
        let Some(currency) = currency_of(self.currency.as_deref(), &population)? else {
            return Err(not_found("nobody has bought by then; name a --currency, or a later --as-of"));
        };
        let rows = if segments.is_empty() {
            named_segments(&population, currency)
        } else {
            segments.iter().map(|segment| measured(&asked, segment, currency)).collect::<Result<_>>()?
        };
        tell(output, &rows, &asked)
    }

    /// The segments of the file, and those of the rules behind them.
    fn segments(&self) -> Result<Vec<Segment>> {
        let mut segments = self.file.as_deref().map_or(Ok(Vec::new()), read)?;
        for text in &self.texts {
            let rule: Rule = text.parse()?;
            segments.push(Segment { name: rule.to_string(), version: 1, rule });
        }
        Ok(segments)
    }
}

fn read(path: &Path) -> Result<Vec<Segment>> {
    let file: SegmentFile = read_toml(path, "segments")?;
    Ok(file.segment)
}

fn measured(asked: &Asked, segment: &Segment, currency: Currency) -> Result<SegmentRow> {
    let selection = Selection::new(segment.rule.filter().clone()).with_limit(usize::MAX);
    let page = asked.wayfold.customers_of(&asked.tenant, &selection, asked.as_of)?;
    let of =
        |view: &CustomerView| view.value.currencies.iter().find(|value| value.currency == currency).cloned();
    let values: Vec<_> = page.customers().filter_map(of).collect();
    Ok(SegmentRow {
        name: segment.name.clone(),
        customers: page.matching(),
        purchases: values.iter().map(|value| u64::from(value.purchases)).sum(),
        net: MoneySum::new(values.iter().map(|value| value.net.as_ten_thousandths()).sum(), currency),
    })
}

fn tell(output: &mut Output, rows: &[SegmentRow], asked: &Asked) -> Result<()> {
    if output.is_json() {
        return rows.iter().try_for_each(|row| output.object_line(row));
    }
    output.table(segment_table(rows))?;
    output.line(format!("As of {} under rules {:?}.", asked.as_of, asked.wayfold.rules().version))
}

use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Args;
use wayfold::Span;
use wayfold::insight::{CareCalendar, CareDue, CareRules};

use crate::ask::{AskArguments, parse_time};
use crate::failure::usage;
use crate::file::read_toml;
use crate::output::Output;
use crate::table::Table;
use crate::words::{NONE, instant, many, or_none};

/// Lists whom to contact when: at birthdays, holidays and return visits, after long silence, and before something ends.
#[derive(Debug, Args)]
pub(crate) struct CareCommand {
    /// The occasions as TOML (docs/guide/care.md)
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// From when on [default: the instant of the answer]
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// For how long
    #[arg(long, value_name = "SPAN", default_value = "30 days")]
    within: String,
    /// Leaves out what was done
    #[arg(long)]
    open: bool,
    /// How many are listed; JSON has all
    #[arg(long, value_name = "NUMBER", default_value_t = 20)]
    limit: usize,
    #[command(flatten)]
    ask: AskArguments,
}

/// Reads a file of occasions.
pub(crate) fn read_calendar(path: &Path) -> Result<CareCalendar> {
    let calendar = CareCalendar::new(read_toml::<CareRules>(path, "occasions")?)?;
    if let Some(end) = calendar.ends_told().next() {
        return Err(usage(format_args!(
            "{} does not say which attribute tells when {end:?} ends; write one such as attribute = \"contract_until\"",
            path.display()
        )));
    }
    Ok(calendar)
}

impl CareCommand {
    pub(crate) fn run(&self, output: &mut Output) -> Result<()> {
        let calendar = read_calendar(&self.file)?;
        let within = Span::parse(&self.within).map_err(usage)?;
        let from = self.from.as_deref().map(parse_time).transpose()?;
        let mut builder = self.ask.builder()?;
        let record = builder.register(calendar.record())?;
        let asked = self.ask.open_built(builder)?;
        let from = from.unwrap_or(asked.as_of);
        let records = asked.wayfold.own_views_of(&asked.tenant, record, asked.as_of)?.into_vec();
        let mut due = calendar.due(records, from..from + within);
        due.retain(|of| !self.open || of.done_at.is_none());
        if output.is_json() {
            return due.iter().try_for_each(|of| output.object_line(of));
        }
        self.tell(output, &due)
    }

    fn tell(&self, output: &mut Output, due: &[CareDue]) -> Result<()> {
        if due.is_empty() {
            return output.line("Nobody is due.");
        }
        let row = |of: &CareDue| {
            let order = of.order.as_ref().map(|order| order.as_str());
            let done = of.done_at.map_or_else(|| NONE.to_owned(), instant);
            vec![of.on.to_string(), of.customer.to_string(), of.name.clone(), or_none(order), done]
        };
        let header = ["on", "customer", "occasion", "order", "done"];
        output.table(Table::new(&header, header.len()).with_rows(due.iter().take(self.limit).map(row)))?;
        let open = due.iter().filter(|of| of.done_at.is_none()).count();
        let all = many(due.len() as u64, "contact");
        let listed = if due.len() > self.limit {
            format!(", of which {} are listed (--limit)", self.limit)
        } else {
            String::new()
        };
        output.line(format!("{all}{listed}, {open} open."))
    }
}

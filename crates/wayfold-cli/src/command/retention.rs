use anyhow::Result;
use clap::{Args, ValueEnum};
use wayfold::insight::{
    BucketUnit, Calendar, CohortBy, EventTest, Retention, RetentionReport, RetentionRow, ReturnIn,
};

use crate::ask::{AskArguments, parse_zone};
use crate::kinds::event_test;
use crate::output::Output;
use crate::table::Table;
use crate::words::{count, percent};

/// Shows how many of those who started in a month, week or day came back in the ones behind it.
#[derive(Debug, Args)]
pub(crate) struct RetentionCommand {
    /// How long a cohort's bucket is
    #[arg(long, value_enum, default_value = "month")]
    by: Unit,
    /// The kind of event that starts
    #[arg(long, value_name = "KIND", default_value = "order_placed")]
    start: String,
    /// The kind of event by which a customer comes back [default: the one that starts]
    #[arg(long, value_name = "KIND")]
    back: Option<String>,
    /// Makes each customer part of the cohort of every bucket in which it starts, instead of the first
    #[arg(long)]
    every: bool,
    /// Counts who came back in a bucket or any behind it
    #[arg(long)]
    or_after: bool,
    /// The time zone of days, such as Europe/London
    #[arg(long, value_name = "ZONE", default_value = "UTC")]
    zone: String,
    /// How many of the newest cohorts with customers are shown, and how many buckets behind each; JSON has all
    #[arg(long, value_name = "NUMBER", default_value_t = 12)]
    limit: usize,
    #[command(flatten)]
    ask: AskArguments,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum Unit {
    Day,
    Week,
    Month,
}

impl From<Unit> for BucketUnit {
    fn from(unit: Unit) -> Self {
        match unit {
            Unit::Day => Self::Day,
            Unit::Week => Self::Week,
            Unit::Month => Self::Month,
        }
    }
}

impl RetentionCommand {
    pub(crate) fn run(&self, output: &mut Output) -> Result<()> {
        let zone = parse_zone(&self.zone)?;
        let calendar = Calendar::new(zone, self.by.into());
        let start = event_test(&self.start)?;
        let back: EventTest = self.back.as_deref().map_or(Ok(start.clone()), event_test)?;
        let cohort = if self.every { CohortBy::Every } else { CohortBy::First };
        let returns = if self.or_after { ReturnIn::OnOrAfter } else { ReturnIn::On };
        let retention = Retention::new(calendar, start, back).with_cohort(cohort).with_return(returns);
        let asked = self.ask.open()?;
        let total = asked.wayfold.measure_of(&asked.tenant, &retention, asked.as_of)?;
        let Some(buckets) = total.buckets() else {
            return output.line(format!("Nobody started by {}.", asked.as_of));
        };
        let last = calendar.bucket(asked.as_of);
        let report = retention.report(&total, *buckets.start()..=last.max(*buckets.end()));
        if output.is_json() { output.object(&report) } else { self.tell(output, &report) }
    }

    fn tell(&self, output: &mut Output, report: &RetentionReport) -> Result<()> {
        let started: Vec<&RetentionRow> = report.cohorts.iter().filter(|row| row.customers > 0).collect();
        let newest = &started[started.len().saturating_sub(self.limit)..];
        let later = newest.iter().map(|row| row.returned.len()).max().unwrap_or_default().min(self.limit + 1);
        let header: Vec<String> = ["from".to_owned(), "customers".to_owned()]
            .into_iter()
            .chain((1..later).map(|later| format!("+{later}")))
            .collect();
        let cells = |row: &&RetentionRow| {
            let share = |later: usize| {
                let returned = row.returned.get(later).filter(|_| row.customers > 0);
                returned.map_or_else(String::new, |back| percent(*back as f64 / row.customers as f64))
            };
            let fixed = [row.starts_on.to_string(), count(row.customers.max(0) as u64)];
            fixed.into_iter().chain((1..later).map(share)).collect()
        };
        output.table(Table::new(&header, 1).with_rows(newest.iter().map(cells)))?;
        output.line(&report.semantics)
    }
}

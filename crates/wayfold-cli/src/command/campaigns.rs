use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::{Args, ValueEnum};
use serde::Deserialize;
use wayfold::insight::{
    BucketUnit, Calendar, CampaignBy, CampaignCost, CampaignRow, CampaignStep, CampaignTouch, Campaigns,
    Confidence,
};
use wayfold::{Currency, Span};

use crate::ask::{AskArguments, currency_of, parse_zone};
use crate::by::segment_of;
use crate::failure::{not_found, usage};
use crate::file::read_toml;
use crate::output::Output;
use crate::table::Table;
use crate::words::{NONE, count, many, or_none};

/// Shows what was sent and offered, how customers reacted, what they ordered, and what came of the money.
#[derive(Debug, Args)]
pub(crate) struct CampaignsCommand {
    /// What is told apart, with commas between: campaign, offer, channel (on which it was sent), a period (day, week, month),
    /// and stage, class or attribute:NAME of the customer
    #[arg(long, value_name = "WHAT", value_delimiter = ',', default_value = "campaign")]
    by: Vec<String>,
    /// How long after a touch a purchase belongs to it
    #[arg(long, value_name = "SPAN", default_value = "30 days")]
    within: String,
    /// What it takes for a purchase to belong to a campaign
    #[arg(long, value_enum, default_value = "sent")]
    touch: Touch,
    /// What campaigns cost, as TOML: [[cost]] with campaign, amount and, for a part of it, channel, offer, segment or on (a day)
    #[arg(long, value_name = "FILE")]
    costs: Option<PathBuf>,
    /// The currency of purchases and costs [default: the one with the most purchases]
    #[arg(long, value_name = "CODE")]
    currency: Option<String>,
    /// The time zone of periods, such as Europe/London
    #[arg(long, value_name = "ZONE", default_value = "UTC")]
    zone: String,
    #[command(flatten)]
    ask: AskArguments,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Touch {
    /// Something was sent or offered
    Sent,
    /// It was opened, clicked or redeemed
    Opened,
    /// It was clicked or redeemed
    Clicked,
}

impl From<Touch> for CampaignTouch {
    fn from(touch: Touch) -> Self {
        match touch {
            Touch::Sent => Self::Sent,
            Touch::Opened => Self::Opened,
            Touch::Clicked => Self::Clicked,
        }
    }
}

/// A file of costs.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CostFile {
    cost: Vec<CampaignCost>,
}

/// Reads what campaigns cost.
pub(crate) fn read_costs(path: &Path) -> Result<Vec<CampaignCost>> {
    let file: CostFile = read_toml(path, "costs")?;
    Ok(file.cost)
}

impl CampaignsCommand {
    pub(crate) fn run(&self, output: &mut Output) -> Result<()> {
        let within = Span::parse(&self.within).map_err(usage)?;
        let costs = self.costs.as_deref().map(read_costs).transpose()?.unwrap_or_default();
        let zone = parse_zone(&self.zone)?;
        let asked = self.ask.open()?;
        let Some(currency) = currency_of(self.currency.as_deref(), &asked.population()?)? else {
            return Err(not_found("nobody has bought by then; name a --currency, or a later --as-of"));
        };
        let mut campaigns = Campaigns::new(within, currency).with_touch(self.touch.into());
        let mut by = Vec::new();
        let (mut segment, mut period) = (None, None);
        for what in &self.by {
            let unit = match what.as_str() {
                "day" => Some(BucketUnit::Day),
                "week" => Some(BucketUnit::Week),
                "month" => Some(BucketUnit::Month),
                _ => None,
            };
            by.push(match (what.as_str(), unit) {
                ("campaign", _) => CampaignBy::Campaign,
                ("offer", _) => CampaignBy::Offer,
                ("channel", _) => CampaignBy::Channel,
                (_, Some(unit)) => {
                    once(&mut period, what)?;
                    campaigns = campaigns.by_period(Calendar::new(zone, unit));
                    CampaignBy::Period
                }
                _ => {
                    once(&mut segment, what)?;
                    campaigns = campaigns.by_segment(segment_of(what, &asked)?);
                    CampaignBy::Segment
                }
            });
        }
        let total = asked.wayfold.measure_of(&asked.tenant, &campaigns, asked.as_of)?;
        let rows = campaigns.report(&total, &by, &costs, Confidence::P95);
        if output.is_json() {
            return rows.iter().try_for_each(|row| output.object_line(row));
        }
        self.tell(output, &rows, &by, currency)
    }

    fn tell(
        &self,
        output: &mut Output,
        rows: &[CampaignRow],
        by: &[CampaignBy],
        currency: Currency,
    ) -> Result<()> {
        if rows.is_empty() {
            return output.line("Nothing was sent or offered by then.");
        }
        let row = |row: &CampaignRow| {
            let named = by.iter().map(|by| named(row, *by));
            let rates = [&row.opened, &row.clicked, &row.redeemed, &row.ordered].map(rate);
            let [opened, clicked, redeemed, ordered] = rates;
            let back =
                row.return_percent.map_or_else(|| NONE.to_owned(), |percent| format!("{percent:.0} %"));
            let counts = [count(row.customers), count(row.sent.customers), opened, clicked];
            let offers = [count(row.issued.customers), redeemed, ordered];
            let money = [row.net.to_string(), or_none(row.cost), back];
            named.chain(counts).chain(offers).chain(money).collect()
        };
        let (net, cost) = (format!("net {currency}"), "cost");
        let figures = [
            "customers",
            "sent",
            "opened",
            "clicked",
            "offered",
            "redeemed",
            "ordered",
            &net,
            cost,
            "return",
        ];
        let header: Vec<&str> = self.by.iter().map(String::as_str).chain(figures).collect();
        // What customers only reacted to is told in a line.
        let (begun, others): (Vec<_>, Vec<_>) =
            rows.iter().partition(|row| row.sent.events + row.issued.events > 0 || row.cost.is_some());
        if !begun.is_empty() {
            output.table(Table::new(&header, by.len()).with_rows(begun.into_iter().map(row)))?;
        }
        if !others.is_empty() {
            let rows = many(others.len() as u64, "row");
            output.line(format!("And {rows} of which the log sent and offered nothing; --json has them."))?;
        }
        output.line(format!(
            "Opened and clicked of those who were sent something, redeemed of those who were offered something, ordered of all in \
             the row within {} of it. That an order follows is not that it comes from it: see `wayfold effect`.",
            self.within
        ))
    }
}

/// Refuses a second way to tell the same thing apart.
fn once<'a>(known: &mut Option<&'a str>, what: &'a str) -> Result<()> {
    match known.replace(what) {
        Some(before) => Err(usage(format_args!("--by {before},{what}: only one of the two at a time"))),
        None => Ok(()),
    }
}

fn named(row: &CampaignRow, by: CampaignBy) -> String {
    match by {
        CampaignBy::Campaign => or_none(row.campaign.as_ref()),
        CampaignBy::Offer => or_none(row.offer.as_ref()),
        CampaignBy::Channel => or_none(row.channel),
        CampaignBy::Segment => or_none(row.segment.as_ref()),
        CampaignBy::Period => or_none(row.starts_on),
    }
}

fn rate(step: &CampaignStep) -> String {
    step.rate.map_or_else(|| NONE.to_owned(), |(rate, _)| format!("{rate:.1} %"))
}

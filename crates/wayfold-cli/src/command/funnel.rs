use anyhow::Result;
use clap::{Args, ValueEnum};
use wayfold::insight::{
    DroppedOut, Exclusion, Funnel, FunnelEntry, FunnelOrder, FunnelReport, FunnelStep, FunnelTies, RangeOf,
    Tool,
};
use wayfold::{Span, Timestamp};

use crate::ask::{AskArguments, parse_time};
use crate::by::segment_of;
use crate::failure::usage;
use crate::kinds::event_tests;
use crate::output::Output;
use crate::table::Table;
use crate::words::{NONE, count, duration, instant, or_none, percent};

/// How long a customer may take if nothing is said.
const WITHIN_DAYS: u32 = 30;
/// How many of the things that came next are named.
const NEXT_MAX: usize = 3;

/// Shows how far customers come through steps within a window, and what those do who come no further.
#[derive(Debug, Args)]
pub(crate) struct FunnelCommand {
    /// Kinds of events in their order, such as `product_viewed cart_item_added order_placed`; one's own are `custom:NAME`
    #[arg(required = true, value_name = "KIND")]
    steps: Vec<String>,
    /// How long a customer may take from the first step on, such as `7 days` or `90 minutes` [default: 30 days, or as the tool]
    #[arg(long, value_name = "SPAN")]
    within: Option<String>,
    /// In which order the steps count [default: ordered]
    #[arg(long, value_enum)]
    order: Option<StepOrder>,
    /// From which entry the window runs [default: latest, or as the tool]
    #[arg(long, value_enum)]
    entry: Option<Entry>,
    /// How events of one instant count [default: furthest]
    #[arg(long, value_enum)]
    ties: Option<EventTies>,
    /// Names so many of those who came no further than each step, and says what they did next
    #[arg(long, value_name = "NUMBER")]
    who: Option<usize>,
    /// Takes the defaults of a tool; what is said beside stands instead
    #[arg(long, value_enum, value_name = "TOOL")]
    like: Option<Like>,
    /// Tells customers apart: `stage`, `class`, `channel` or `attribute:NAME`
    #[arg(long, value_name = "WHAT")]
    by: Option<String>,
    /// Leaves out who does one of these in between
    #[arg(long, value_name = "KIND")]
    exclude: Vec<String>,
    /// Counts entries from this instant on
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// Counts entries before this instant
    #[arg(long, value_name = "TIME")]
    to: Option<String>,
    #[command(flatten)]
    ask: AskArguments,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Like {
    /// 14 days, and every step within --from and --to
    Posthog,
    /// 7 days from the first entry
    Mixpanel,
    /// 30 days
    Amplitude,
    /// As `windowFunnel`; the window has to be given by --within
    Clickhouse,
}

impl From<Like> for Tool {
    fn from(like: Like) -> Self {
        match like {
            Like::Posthog => Self::PostHog,
            Like::Mixpanel => Self::Mixpanel,
            Like::Amplitude => Self::Amplitude,
            Like::Clickhouse => Self::ClickHouse,
        }
    }
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum StepOrder {
    /// One after the other, with anything in between
    Ordered,
    /// One after the other, with nothing else in between
    Strict,
    /// As strict, but steps may come again
    StrictWithReentry,
    /// In any order
    Unordered,
}

impl From<StepOrder> for FunnelOrder {
    fn from(order: StepOrder) -> Self {
        match order {
            StepOrder::Ordered => Self::Ordered,
            StepOrder::Strict => Self::Strict,
            StepOrder::StrictWithReentry => Self::StrictWithReentry,
            StepOrder::Unordered => Self::Unordered,
        }
    }
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum EventTies {
    /// In whatever order reaches furthest
    Furthest,
    /// As they are folded: by sequence, causal rank and id
    Folded,
    /// For one step at most
    Apart,
}

impl From<EventTies> for FunnelTies {
    fn from(ties: EventTies) -> Self {
        match ties {
            EventTies::Furthest => Self::Furthest,
            EventTies::Folded => Self::AsFolded,
            EventTies::Apart => Self::Apart,
        }
    }
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Entry {
    /// The latest one that reached each step
    Latest,
    /// The first one alone
    First,
}

impl From<Entry> for FunnelEntry {
    fn from(entry: Entry) -> Self {
        match entry {
            Entry::Latest => Self::Latest,
            Entry::First => Self::First,
        }
    }
}

impl FunnelCommand {
    pub(crate) fn run(&self, output: &mut Output) -> Result<()> {
        let mut funnel = self.funnel()?;
        let asked = self.ask.open()?;
        if let Some(by) = &self.by {
            funnel = funnel.by_segment(segment_of(by, &asked)?);
        }
        let total = asked.wayfold.measure_of(&asked.tenant, &funnel, asked.as_of)?;
        let reports = funnel.report(&total);
        if output.is_json() {
            return reports.iter().try_for_each(|report| output.object_line(report));
        }
        for report in &reports {
            if self.by.is_some() {
                output.heading(&report.segment)?;
            }
            tell(output, report)?;
            if self.who.is_some() {
                tell_who(output, report)?;
            }
        }
        match reports.first() {
            None => output.line(format!("Nobody entered by {}.", asked.as_of)),
            Some(report) => output.line(&report.semantics),
        }
    }

    fn funnel(&self) -> Result<Funnel> {
        let window = self.within.as_deref().map(Span::parse).transpose().map_err(usage)?;
        let steps = event_tests(&self.steps)?;
        let mut funnel = match self.like {
            Some(tool) => Funnel::like(tool.into(), steps, window).map_err(usage)?,
            None => Funnel::new(steps, window.unwrap_or(Span::from_days(WITHIN_DAYS)))?,
        };
        if let Some(order) = self.order {
            funnel = funnel.with_order(order.into());
        }
        if let Some(entry) = self.entry {
            funnel = funnel.with_entry(entry.into());
        }
        if let Some(ties) = self.ties {
            funnel = funnel.with_ties(ties.into());
        }
        let from = self.from.as_deref().map_or(Ok(Timestamp::MIN), parse_time)?;
        let to = self.to.as_deref().map(parse_time).transpose()?.map_or(Timestamp::MAX, Timestamp::previous);
        let range_of = match self.like {
            Some(Like::Posthog) => RangeOf::EveryStep,
            _ => RangeOf::Entry,
        };
        Ok(funnel
            .naming(self.who.unwrap_or_default())
            .excluding(event_tests(&self.exclude)?, Exclusion::DropsCustomer)
            .within(from..=to, range_of))
    }
}

fn tell(output: &mut Output, report: &FunnelReport) -> Result<()> {
    let row = |step: &FunnelStep| {
        let next: Vec<String> = step
            .next
            .iter()
            .take(NEXT_MAX)
            .map(|(name, number)| format!("{name} {}", count(*number)))
            .collect();
        vec![
            step.name.clone(),
            count(step.customers),
            percent(step.of_before),
            percent(step.of_entered),
            step.from_before.map_or_else(|| NONE.to_owned(), |wait| duration(wait.median)),
            count(step.dropped),
            if next.is_empty() { NONE.to_owned() } else { next.join(", ") },
        ]
    };
    let header = ["step", "customers", "of before", "of entered", "median wait", "no further", "did next"];
    output.table(Table::new(&header, 1).with_rows(report.steps.iter().map(row)))
}

/// Who came no further than each step but the last, and what they did next.
fn tell_who(output: &mut Output, report: &FunnelReport) -> Result<()> {
    let row = |step: &FunnelStep, who: &DroppedOut| {
        let after = who.next_at.map(|next| duration(next.since(who.at)));
        vec![
            step.name.clone(),
            who.customer.clone(),
            instant(who.at),
            or_none(who.next.clone()),
            or_none(after),
        ]
    };
    let rows = report.steps.iter().flat_map(|step| step.who.iter().map(move |who| row(step, who)));
    let table = Table::new(&["came no further than", "customer", "at", "did next", "after"], 2);
    output.table(table.with_rows(rows))
}

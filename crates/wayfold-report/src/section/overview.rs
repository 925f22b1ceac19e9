//! What the log holds, in numbers.

use wayfold_core::{LifecycleStage, Outcome, PopulationSummary};

use super::Section;
use crate::content::{Block, Content, Figure};
use crate::show::{Show, worded};
use crate::table::{Cell, Table};

impl Section {
    /// What the log holds as of an instant: customers, events, journeys and money. It stands at the head of a report.
    pub fn overview(summary: &PopulationSummary) -> Self {
        let summary = summary.clone();
        Self::new(None, "overview", "At a glance", move |show| content(&summary, show))
    }
}

fn content(summary: &PopulationSummary, show: &Show) -> Content {
    let stage = |stage: LifecycleStage| summary.lifecycle.get(&stage).copied().unwrap_or_default();
    let mut content = Content::default();
    let active = summary.customers - stage(LifecycleStage::Prospect) - stage(LifecycleStage::Churned);
    let of_all = |part: u64| format!("{} of all", show.share(part as f64 / summary.customers.max(1) as f64));
    content.blocks.push(Block::Figures(vec![
        Figure::new("Customers", Cell::count(summary.customers)),
        Figure::new("Active buyers", Cell::count(active)).with_note(of_all(active)),
        Figure::new("Churned", Cell::count(stage(LifecycleStage::Churned)))
            .with_note(of_all(stage(LifecycleStage::Churned))),
        Figure::new("Events", Cell::count(summary.events)),
    ]));
    if summary.unknown_events > 0 {
        content.finding(format!(
            "{} events are of kinds that this version does not know; they are kept and not counted.",
            show.count(summary.unknown_events)
        ));
    }
    if !summary.totals.is_empty() {
        let columns = ["Currency", "Buyers", "Purchases", "Revenue", "Refunds", "Net", "Margin"];
        let rows = summary.totals.iter().map(|total| {
            vec![
                Cell::text(total.currency.as_str()),
                Cell::count(total.buyers),
                Cell::count(total.purchases),
                Cell::Money(total.revenue),
                Cell::Money(total.refunds),
                Cell::Money(total.net),
                total.margin.map_or(Cell::Empty, Cell::Money),
            ]
        });
        content.blocks.push(Block::Table(Table::new("Money by currency", columns, rows).opened()));
    }
    let journeys: u64 = summary.outcomes.values().sum();
    if journeys > 0 {
        let rows = Outcome::ALL.iter().map(|outcome| {
            let count = summary.outcomes.get(outcome).copied().unwrap_or_default();
            vec![Cell::text(worded(outcome.as_str())), Cell::count(count), Cell::share(count, journeys)]
        });
        let table = Table::new("Journeys by outcome", ["Outcome", "Journeys", "Share"], rows);
        content.blocks.push(Block::Table(table));
    }
    content.method.push(format!(
        "As of {} under rules \u{201c}{}\u{201d}.",
        show.instant(summary.as_of),
        summary.rules
    ));
    content
}

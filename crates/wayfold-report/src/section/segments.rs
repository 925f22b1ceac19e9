//! Segments by behaviour, with what to do about each.

use wayfold_core::{BehaviourClass, PopulationSummary};
use wayfold_insight::Playbooks;

use super::{Management, Section};
use crate::chart::{Bar, Bars};
use crate::content::{Block, Chart, Content};
use crate::show::{Show, worded};
use crate::table::{Cell, Table};

impl Section {
    /// Customers by behaviour class, with the strategy of the playbooks for each.
    pub fn segments(summary: &PopulationSummary, playbooks: &Playbooks) -> Self {
        let playbooks = playbooks.clone();
        let mut counts: Vec<_> =
            summary.classes.iter().map(|(class, count)| (Some(*class), *count)).collect();
        counts.push((None, summary.unclassified));
        Self::new(Management::Relationship, "segments", "Segments", move |show| {
            content(&counts, &playbooks, show)
        })
    }
}

fn name(class: Option<BehaviourClass>) -> String {
    class.map_or_else(|| "In none".to_owned(), |class| worded(class.as_str()))
}

fn content(counts: &[(Option<BehaviourClass>, u64)], playbooks: &Playbooks, show: &Show) -> Content {
    let all: u64 = counts.iter().map(|(_, count)| count).sum();
    let share = |count: u64| count as f64 / all.max(1) as f64;
    let mut content = Content::default();
    let risk = counts.iter().find(|(class, _)| *class == Some(BehaviourClass::AtRisk));
    if let Some((_, count)) = risk.filter(|(_, count)| *count > 0) {
        content.finding(format!(
            "{} customers ({}) have gone quiet and are at risk of leaving.",
            show.count(*count),
            show.share(share(*count))
        ));
    }
    let bars = counts.iter().map(|(class, count)| Bar {
        name: name(*class),
        figure: *count as f64,
        shown: format!("{} ({})", show.count(*count), show.share(share(*count))),
        class: if class.is_some() { "bar" } else { "c6" },
    });
    let bars = Bars { bars: bars.collect(), tick: &|tick| show.short(tick) };
    let rows = counts.iter().map(|(class, count)| {
        let playbook = class.and_then(|class| playbooks.of_class(class));
        let strategy = playbook.map_or(Cell::Empty, |of| Cell::text(worded(&of.strategy())));
        vec![Cell::text(name(*class)), Cell::count(*count), Cell::share(*count, all), strategy]
    });
    let columns = ["Segment", "Customers", "Share", "Strategy"];
    let table = Table::new("Customers by behaviour", columns, rows).opened();
    content.blocks.push(Block::Chart(Chart::new("classes", "Customers in each segment.", &bars, table)));
    content
}

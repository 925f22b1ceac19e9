//! The RFM heat map: how recently against how often, with the named segments upon it.

use wayfold_core::{MoneySum, NamedSegments, RfmScores, RfmTable};

use crate::chart::{Grid, GridCell};
use crate::content::{Block, Chart, Content};
use crate::section::{Management, Section};
use crate::show::Show;
use crate::table::{Cell, Table};

impl Section {
    /// Customers by scores of recency and frequency, with the named segment of each cell, and what each segment brings.
    pub fn rfm(table: RfmTable, segments: NamedSegments) -> Self {
        let title = format!("Recency, frequency, value in {}", table.currency);
        Self::new(Management::Value, "rfm", title, move |show| content(&table, &segments, show))
    }
}

/// What is counted of a cell or a segment.
#[derive(Debug, Clone, Copy, Default)]
struct Part {
    customers: u64,
    net: i128,
}

impl Part {
    fn add(&mut self, net: MoneySum) {
        self.customers += 1;
        self.net += net.as_ten_thousandths();
    }
}

fn content(table: &RfmTable, segments: &NamedSegments, show: &Show) -> Content {
    let mut content = Content::default();
    let mut cells = [[Part::default(); 5]; 5];
    let mut named: Vec<(&str, Part)> = segments.names().map(|name| (name, Part::default())).collect();
    for customer in &table.customers {
        let RfmScores { recency, frequency, .. } = customer.scores;
        cells[place(recency)][place(frequency)].add(customer.monetary);
        let name = segments.name(customer.scores);
        if let Some((_, part)) = named.iter_mut().find(|(of, _)| *of == name) {
            part.add(customer.monetary);
        }
    }
    let all = table.customers.len() as u64;
    let net: i128 = named.iter().map(|(_, part)| part.net).sum();
    if let Some((name, part)) = named.iter().max_by_key(|(_, part)| part.net).filter(|_| net > 0) {
        content.finding(format!(
            "\u{201c}{name}\u{201d} are {} of the buyers and bring {} of the net value in {}.",
            show.share(part.customers as f64 / all.max(1) as f64),
            show.share(part.net as f64 / net as f64),
            table.currency
        ));
    }
    let most = cells.iter().flatten().map(|part| part.customers).max().unwrap_or(1).max(1) as f64;
    let cell = |recency: u8, frequency: u8| {
        let part = cells[place(recency)][place(frequency)];
        let name = segments.name(RfmScores { recency, frequency, monetary: 1 });
        let count = show.count(part.customers);
        Some(GridCell {
            shade: part.customers as f64 / most,
            tip: format!("{name}: {count} customers, recency {recency}, frequency {frequency}"),
            lines: vec![count, name.to_owned()],
        })
    };
    let grid = Grid {
        rows: (1..=5).rev().map(|recency: u8| format!("R {recency}")).collect(),
        columns: (1..=5).map(|frequency| format!("F {frequency}")).collect(),
        cells: (1..=5)
            .rev()
            .map(|recency| (1..=5).map(|frequency| cell(recency, frequency)).collect())
            .collect(),
        across: "Frequency: 5 bought most often \u{2192}".to_owned(),
        down: "Recency".to_owned(),
        cell_height: 52.0,
    };
    let money = |net: i128| Cell::Money(MoneySum::new(net, table.currency));
    let rows = named.iter().map(|(name, part)| {
        let each = part.net / i128::from(part.customers.max(1));
        let share = if net > 0 { Cell::Share(part.net as f64 / net as f64) } else { Cell::Empty };
        vec![
            Cell::text(*name),
            Cell::count(part.customers),
            Cell::share(part.customers, all),
            money(part.net),
            share,
            money(each),
        ]
    });
    let heads = ["Segment", "Customers", "Of the buyers", "Net", "Of the net value", "Net per buyer"];
    let segments = Table::new("Buyers by recency and frequency", heads, rows);
    let axes = "Customers by scores from 1 to 5; 5 bought last and most often. Stronger cells hold more.";
    content.blocks.push(Block::Chart(Chart::of_grid("grid", axes, &grid, segments)));
    content.method.push(format!(
        "Scores by quintiles, ties {:?}, as of {}.",
        table.ties,
        show.instant(table.as_of)
    ));
    content
}

/// The place of a score from 1 to 5; a score beyond counts as the nearest.
fn place(score: u8) -> usize {
    usize::from(score.clamp(1, 5)) - 1
}

//! The pipeline: open deals by stage, how many are won, and why others are lost.

use wayfold_core::{Amount, Currency, Money};
use wayfold_insight::{LostRow, PipelineRow, SlippingDeal, WinRow};

use super::{Management, Section};
use crate::chart::{Axis, Bar, Bars, Intervals, Range};
use crate::content::{Block, Chart, Content, Figure};
use crate::show::Show;
use crate::table::{Cell, Table};

impl Section {
    /// Open deals by stage with their weighted value, how many were won by source, why and to whom others were lost, and which
    /// stand for too long.
    pub fn pipeline(
        stages: Vec<PipelineRow>,
        wins: Vec<WinRow>,
        lost: Vec<LostRow>,
        slipping: Vec<SlippingDeal>,
        currency: Currency,
    ) -> Self {
        Self::new(Management::Value, "pipeline", "Pipeline", move |show| {
            let mut content = open(&stages, currency, show);
            won(&wins, currency, show, &mut content);
            why_lost(&lost, currency, show, &mut content);
            too_long(&slipping, currency, show, &mut content);
            content
        })
    }
}

fn money(amount: Amount, currency: Currency) -> Cell {
    Cell::Money(Money::new(amount, currency).into())
}

fn units(amount: Amount) -> f64 {
    amount.as_ten_thousandths() as f64 / 1e4
}

fn open(stages: &[PipelineRow], currency: Currency, show: &Show) -> Content {
    let mut content = Content::default();
    let weighted: f64 = stages.iter().map(|row| units(row.weighted_value)).sum();
    let deals: u64 = stages.iter().map(|row| row.open).sum();
    content.blocks.push(Block::Figures(vec![
        Figure::new("Open deals", Cell::count(deals)),
        Figure::new(format!("Weighted value ({currency})"), Cell::Number(weighted, 0)),
    ]));
    if deals > 0 {
        content.finding(format!(
            "{} deals are open; weighted by their stages they are worth {} {currency}.",
            show.count(deals),
            show.short(weighted),
        ));
    }
    let bars = stages.iter().map(|row| Bar {
        name: format!("{} ({} %)", row.stage, row.probability_percent),
        figure: units(row.value).max(0.0),
        shown: format!("{} ({})", show.short(units(row.value)), show.short(units(row.weighted_value))),
        class: "bar",
    });
    let bars = Bars { bars: bars.collect(), tick: &|tick| show.short(tick) };
    let rows = stages.iter().map(|row| {
        vec![
            Cell::text(&row.stage),
            Cell::Share(f64::from(row.probability_percent) / 100.0),
            Cell::count(row.open),
            money(row.value, currency),
            money(row.weighted_value, currency),
        ]
    });
    let table =
        Table::new("Open deals by stage", ["Stage", "Probability", "Deals", "Value", "Weighted value"], rows);
    let axes = format!(
        "Value of the open deals in {currency}; in brackets, weighted by the probability of the stage."
    );
    content.blocks.push(Block::Chart(Chart::new("open", axes, &bars, table)));
    content
}

fn source(row: &WinRow) -> String {
    row.source.clone().unwrap_or_else(|| "No source".to_owned())
}

fn won(wins: &[WinRow], currency: Currency, show: &Show, content: &mut Content) {
    let decided: Vec<_> = wins.iter().filter_map(|row| Some((row, row.rate?))).collect();
    if decided.is_empty() {
        return;
    }
    let (won, lost) = wins.iter().fold((0, 0), |sum, row| (sum.0 + row.won, sum.1 + row.lost));
    content.finding(format!(
        "Of {} decided deals {} were won.",
        show.count(won + lost),
        show.share(won as f64 / (won + lost) as f64)
    ));
    let ranges = decided.iter().map(|(row, (rate, ends))| Range {
        name: source(row),
        figure: Some(*rate),
        low: ends.low,
        high: ends.high,
        shown: show.share(rate / 100.0),
        tells: ends.low > 50.0 || ends.high < 50.0,
    });
    let intervals = Intervals {
        ranges: ranges.take(ROWS).collect(),
        neutral: 50.0,
        neutral_means: "half",
        axis: Axis::Even([0.0, 100.0]),
        tick: &|tick| format!("{} %", show.number(tick, 0)),
    };
    let rows = wins.iter().map(|row| {
        vec![
            Cell::text(source(row)),
            Cell::count(row.won),
            Cell::count(row.lost),
            row.rate.map_or(Cell::Empty, |(rate, _)| Cell::Share(rate / 100.0)),
            row.rate.map_or(Cell::Empty, |(_, ends)| Cell::Share(ends.low / 100.0)),
            row.rate.map_or(Cell::Empty, |(_, ends)| Cell::Share(ends.high / 100.0)),
            money(row.value, currency),
        ]
    });
    let heads = ["Source of the lead", "Won", "Lost", "Share won", "At least", "At most", "Worth"];
    let table = Table::new("Deals won by source", heads, rows);
    let axes = "Deals won in percent of those won and lost, with the interval it may lie in; hollow dots may be chance.";
    content.blocks.push(Block::Chart(Chart::new("won", axes, &intervals, table)));
}

/// More rows than these make no picture.
const ROWS: usize = 15;

fn why_lost(lost: &[LostRow], currency: Currency, show: &Show, content: &mut Content) {
    if lost.is_empty() {
        return;
    }
    let mut lost: Vec<&LostRow> = lost.iter().collect();
    lost.sort_by_key(|row| std::cmp::Reverse(row.deals));
    let name = |row: &LostRow| {
        let to = row.competitor.as_ref().map_or_else(String::new, |to| format!(", to {to}"));
        format!("{}{to}", row.reason.as_deref().unwrap_or("no reason told"))
    };
    let bars = lost.iter().take(ROWS).map(|row| Bar {
        name: name(row),
        figure: row.deals as f64,
        shown: show.count(row.deals),
        class: "bar",
    });
    let bars = Bars { bars: bars.collect(), tick: &|tick| show.short(tick) };
    let rows = lost.iter().map(|row| {
        vec![
            row.reason.as_ref().map_or(Cell::Empty, Cell::text),
            row.competitor.as_ref().map_or(Cell::Empty, Cell::text),
            Cell::count(row.deals),
            money(row.value, currency),
        ]
    });
    let table =
        Table::new("Why deals were lost, and to whom", ["Reason", "Competitor", "Deals", "Worth"], rows);
    let axes =
        format!("Lost deals.{}", crate::content::drawn(ROWS, lost.len(), "reasons, the most frequent"));
    content.blocks.push(Block::Chart(Chart::new("lost", axes, &bars, table)));
}

fn too_long(slipping: &[SlippingDeal], currency: Currency, show: &Show, content: &mut Content) {
    if slipping.is_empty() {
        return;
    }
    content.finding(format!(
        "{} open deals stand in their stage for longer than it allows.",
        show.count(slipping.len())
    ));
    let rows = slipping.iter().map(|deal| {
        vec![
            Cell::text(&deal.customer),
            Cell::text(&deal.journey),
            Cell::text(&deal.stage),
            Cell::Instant(deal.since),
            deal.value.map_or(Cell::Empty, |value| money(value, currency)),
        ]
    });
    let heads = ["Customer", "Deal", "Stage", "Since", "Worth"];
    content.blocks.push(Block::Table(Table::new("Deals that stand for too long", heads, rows)));
}

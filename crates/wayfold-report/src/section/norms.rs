//! What was meant and what was done: norms, the intended path, and times out of the ordinary.

use std::collections::BTreeMap;

use wayfold_insight::{
    ConformanceReport, Deviation, DeviationRow, NormRow, NormsReport, PathDeviation, TemporalDeviationsReport,
};

use super::{Management, Section};
use crate::chart::{Axis, Bar, Bars, Intervals, Range};
use crate::content::{Block, Chart, Content, Figure, drawn};
use crate::show::Show;
use crate::table::{Cell, Table};

impl Section {
    /// Which norms are broken, how often and by how much, and the cases that are furthest beyond them.
    pub fn norms(report: NormsReport) -> Self {
        Self::new(Management::Experience, "norms", "Norms", move |show| norms(&report, show))
    }

    /// How cases follow an intended path, and where they leave it.
    pub fn conformance(report: ConformanceReport) -> Self {
        let title = "The intended path";
        Self::new(Management::Experience, "path", title, move |show| conformance(&report, show))
    }

    /// Pairs of steps that lie further apart or closer together than the standard deviations that are allowed.
    pub fn deviations(report: TemporalDeviationsReport) -> Self {
        Self::new(Management::Experience, "deviations", "Out of the ordinary", move |show| {
            out_of_the_ordinary(&report, show)
        })
    }
}

/// More rows than these make no picture.
const ROWS: usize = 15;

fn norms(report: &NormsReport, show: &Show) -> Content {
    let mut content = Content::default();
    let rows = &report.norms;
    let broken = rows.iter().filter(|row| row.broken > 0).filter_map(|row| Some((row, row.broken_share?.0)));
    if let Some((row, share)) = broken.max_by(|a, b| a.1.total_cmp(&b.1)) {
        let over = row
            .over
            .map_or_else(String::new, |over| format!(", by {} in the median", show.span(over.median)));
        content.finding(format!(
            "The norm \u{201c}{}\u{201d} is broken in {} of its cases{over}, by {} customers.",
            row.norm,
            show.share(share / 100.0),
            show.count(row.customers),
        ));
    }
    let range = |row: &NormRow| {
        let (share, ends) = row.broken_share?;
        Some(Range {
            name: row.norm.to_string(),
            figure: Some(share),
            low: ends.low,
            high: ends.high,
            shown: show.share(share / 100.0),
            tells: true,
        })
    };
    let intervals = Intervals {
        ranges: rows.iter().filter_map(range).take(ROWS).collect(),
        neutral: 0.0,
        neutral_means: "kept",
        axis: Axis::Even([0.0, 100.0]),
        tick: &|tick| format!("{} %", show.number(tick, 0)),
    };
    let table = figures(rows);
    let axes = format!(
        "Cases beyond the norm in percent of those decided, with the interval it may lie in.{}",
        drawn(ROWS, rows.len(), "norms")
    );
    content
        .blocks
        .push(Block::Chart(Chart::new("broken", axes, &intervals, table).measured(&report.semantics)));
    content.blocks.extend(furthest(rows).map(Block::Table));
    content
}

fn figures(rows: &[NormRow]) -> Table {
    let cells = rows.iter().map(|row| {
        let ends = row.broken_share.map(|(_, ends)| ends);
        vec![
            Cell::text(row.norm.to_string()),
            Cell::count(row.kept),
            Cell::count(row.broken),
            Cell::count(row.pending),
            Cell::count(row.abandoned),
            row.broken_share.map_or(Cell::Empty, |(share, _)| Cell::Share(share / 100.0)),
            ends.map_or(Cell::Empty, |ends| Cell::Share(ends.low / 100.0)),
            ends.map_or(Cell::Empty, |ends| Cell::Share(ends.high / 100.0)),
            Cell::count(row.customers),
            row.over.map_or(Cell::Empty, |over| Cell::Span(over.median)),
            row.over.map_or(Cell::Empty, |over| Cell::Span(over.p90)),
        ]
    });
    let heads = [
        "Norm",
        "Kept",
        "Broken",
        "Still within",
        "Abandoned",
        "Share broken",
        "At least",
        "At most",
        "Customers",
        "Beyond it, median",
        "Beyond it, 90th percentile",
    ];
    Table::new("How norms are kept", heads, cells)
}

fn furthest(rows: &[NormRow]) -> Option<Table> {
    let worst = rows.iter().flat_map(|row| row.worst.iter().map(move |case| (row, case)));
    let cells: Vec<_> = worst
        .map(|(row, case)| {
            vec![
                Cell::text(&case.customer),
                case.case.as_ref().map_or(Cell::Empty, Cell::text),
                Cell::text(row.norm.to_string()),
                Cell::Instant(case.since),
                Cell::Span(case.took),
                Cell::Span(case.over),
                Cell::text(if case.is_running { "still running" } else { "ended" }),
            ]
        })
        .collect();
    let heads = ["Customer", "Journey or order", "Norm", "Since", "Took", "Beyond the norm", "State"];
    (!cells.is_empty()).then(|| Table::new("The cases furthest beyond", heads, cells))
}

fn conformance(report: &ConformanceReport, show: &Show) -> Content {
    let mut content = Content::default();
    let fitness = report.fitness.map_or(Cell::Empty, |fitness| Cell::Number(fitness, 3));
    content.blocks.push(Block::Figures(vec![
        Figure::new("Cases", Cell::count(report.cases)),
        Figure::new("Follow it", Cell::count(report.fitting)),
        Figure::new("Share that follows it", Cell::share(report.fitting, report.cases)),
        Figure::new("Mean fitness", fitness).with_note("1 follows it"),
    ]));
    let name = |deviation: &PathDeviation| match deviation {
        PathDeviation::Missing { step } => format!("missing: {step}"),
        PathDeviation::Unexpected { activity, after: Some(after) } => {
            format!("not expected: {activity} after {after}")
        }
        PathDeviation::Unexpected { activity, after: None } => {
            format!("not expected: {activity} at the beginning")
        }
        other => format!("{other:?}"),
    };
    if let Some(first) = report.deviations.first() {
        content.finding(format!(
            "{} of {} cases follow the intended path; where they leave it most often: {}, in {} cases.",
            show.count(report.fitting),
            show.count(report.cases),
            name(&first.deviation),
            show.count(first.cases),
        ));
    }
    let bars = report.deviations.iter().take(ROWS).map(|row| Bar {
        name: name(&row.deviation),
        figure: row.cases as f64,
        shown: show.count(row.cases),
        class: "bar",
    });
    let bars = Bars { bars: bars.collect(), tick: &|tick| show.short(tick) };
    let rows = report.deviations.iter().map(|row| {
        vec![
            Cell::text(name(&row.deviation)),
            Cell::count(row.cases),
            Cell::share(row.cases, report.cases),
            Cell::count(row.times),
        ]
    });
    let table =
        Table::new("Where cases leave the path", ["Deviation", "Cases", "Of all cases", "Times"], rows);
    let axes = format!(
        "Cases by deviation.{}",
        drawn(ROWS, report.deviations.len(), "deviations, the most frequent")
    );
    content.blocks.push(Block::Chart(Chart::new("leaving", axes, &bars, table).measured(&report.semantics)));
    content
}

fn out_of_the_ordinary(report: &TemporalDeviationsReport, show: &Show) -> Content {
    let mut content = Content::default();
    let mut pairs: BTreeMap<(&str, &str), u64> = BTreeMap::new();
    for DeviationRow { deviation, times } in &report.deviations {
        *pairs.entry((&deviation.from, &deviation.to)).or_default() += times;
    }
    let mut pairs: Vec<_> =
        pairs.into_iter().map(|((from, to), times)| (format!("{from} \u{203a} {to}"), times)).collect();
    // It is stable, so that equal ones stay by name.
    pairs.sort_by_key(|(_, times)| std::cmp::Reverse(*times));
    if let Some((pair, times)) = pairs.first() {
        content.finding(format!(
            "Most often out of the ordinary is the time of {pair}: {} times.",
            show.count(*times)
        ));
    }
    let bars = pairs.iter().take(ROWS).map(|(pair, times)| Bar {
        name: pair.clone(),
        figure: *times as f64,
        shown: show.count(*times),
        class: "bar",
    });
    let bars = Bars { bars: bars.collect(), tick: &|tick| show.short(tick) };
    let rows = pairs.iter().map(|(pair, times)| vec![Cell::text(pair), Cell::count(*times)]);
    let table = Table::new("Pairs of steps with unusual times", ["From and to", "Times"], rows);
    let axes = format!("How often.{}", drawn(ROWS, pairs.len(), "pairs, the most frequent"));
    content.blocks.push(Block::Chart(Chart::new("pairs", axes, &bars, table).measured(&report.semantics)));
    let mut longest: Vec<&Deviation> = report.deviations.iter().map(|row| &row.deviation).collect();
    longest.sort_by(|a, b| b.after.cmp(&a.after).then_with(|| a.cmp(b)));
    let rows = longest.into_iter().map(|of| {
        vec![Cell::text(&of.customer), Cell::text(&of.from), Cell::text(&of.to), Cell::Span(of.after)]
    });
    content.blocks.push(Block::Table(Table::new("Unusual times", ["Customer", "From", "To", "Took"], rows)));
    content
}

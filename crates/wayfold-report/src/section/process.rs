//! Process maps and variants.

use wayfold_core::{Currency, Money};
use wayfold_insight::{ProcessMapReport, Steps, VariantsReport};

use super::{Management, Section};
use crate::chart::{Bar, Bars, MapPicture};
use crate::content::{Block, Chart, Content, Figure, drawn};
use crate::show::Show;
use crate::table::{Cell, Table};

impl Section {
    /// Which step follows which, how often and how long after, as a picture with its bottlenecks. The picture holds the
    /// most frequent steps and arrows, as many as fit on a page, and says how many it leaves out; the table has all.
    ///
    /// The currency is the one in which cases were valued, if they were.
    pub fn process_map(map: ProcessMapReport, currency: Option<Currency>) -> Self {
        Self::new(Management::Experience, "map", "Process map", move |show| process_map(&map, currency, show))
    }

    /// The most frequent sequences of steps, and how much of all they cover.
    ///
    /// The currency is the one in which cases were valued, if they were.
    pub fn variants(variants: VariantsReport, currency: Option<Currency>) -> Self {
        Self::new(Management::Experience, "variants", "Variants", move |show| {
            content(&variants, currency, show)
        })
    }
}

fn process_map(map: &ProcessMapReport, currency: Option<Currency>, show: &Show) -> Content {
    let mut content = Content::default();
    let reworked: u64 = map.activities.iter().map(|row| row.reworked_cases).max().unwrap_or_default();
    let figures = [
        ("Cases", Cell::count(map.cases)),
        ("Steps done", Cell::count(map.events)),
        ("Kinds of steps", Cell::count(map.activities.len())),
        ("Kinds of arrows", Cell::count(map.edges.len())),
    ];
    content.blocks.push(Block::Figures(figures.map(|(label, value)| Figure::new(label, value)).into()));
    if let Some(slow) = map.bottlenecks().first().filter(|row| row.total.as_micros() > 0) {
        let between = match slow.from == slow.to {
            true => format!("one \u{201c}{}\u{201d} and the next", slow.from),
            false => format!("\u{201c}{}\u{201d} and \u{201c}{}\u{201d}", slow.from, slow.to),
        };
        content.finding(format!(
            "Most time is spent between {between}: {} on average, {} times in {} cases.",
            show.span(slow.mean),
            show.count(slow.count),
            show.count(slow.cases),
        ));
    }
    if let Some(again) = map.activities.iter().find(|row| row.reworked_cases == reworked && reworked > 0) {
        content.finding(format!(
            "\u{201c}{}\u{201d} is done more than once in {} of the cases that have it.",
            again.name,
            show.share(again.reworked_cases as f64 / again.cases as f64),
        ));
    }
    let picture = MapPicture::new(map, show);
    let mut axes = "Boxes are steps, stronger if done more often. Arrows say how often one step directly follows another, \
                    thicker if more often, and the median time between. Dashed arrows lead back. \
                    \u{2460} to \u{2462} mark where most time is spent in all, with the mean."
        .to_owned();
    let left_out = map.edges.len() - picture.drawn_edges;
    if left_out > 0 || picture.drawn_activities < map.activities.len() {
        axes += &format!(
            " Drawn are {} of {} kinds of steps and {} of {} kinds of arrows, the most frequent; the table has all.",
            picture.drawn_activities,
            map.activities.len(),
            picture.drawn_edges,
            map.edges.len()
        );
    }
    content.blocks.push(Block::Chart(
        Chart::of_own_size("map", axes, picture.drawing, edges(map, currency)).measured(&map.semantics),
    ));
    content.blocks.push(Block::Table(activities(map)));
    content.blocks.push(Block::Mermaid(map.mermaid()));
    content
}

fn edges(map: &ProcessMapReport, currency: Option<Currency>) -> Table {
    let mut columns: Vec<String> =
        ["From", "To", "Count", "Cases", "Median wait", "Mean wait", "90th percentile", "Time in all"]
            .map(Into::into)
            .into();
    columns.extend(currency.map(|currency| format!("Worth ({currency})")));
    let rows = map.edges.iter().map(|row| {
        let mut cells = vec![
            Cell::text(&row.from),
            Cell::text(&row.to),
            Cell::count(row.count),
            Cell::count(row.cases),
            Cell::Span(row.median),
            Cell::Span(row.mean),
            Cell::Span(row.p90),
            Cell::Span(row.total),
        ];
        cells.extend(currency.map(|currency| Cell::Money(Money::new(row.value, currency).into())));
        cells
    });
    Table::new("Which step follows which", columns, rows)
}

fn activities(map: &ProcessMapReport) -> Table {
    let rows = map.activities.iter().map(|row| {
        vec![
            Cell::text(&row.name),
            Cell::count(row.events),
            Cell::count(row.cases),
            Cell::share(row.cases, map.cases),
            Cell::count(row.reworked_cases),
            Cell::share(row.reworked_cases, row.cases),
            Cell::count(row.starts),
            Cell::count(row.ends),
        ]
    });
    let columns =
        ["Step", "Times", "Cases", "Of all cases", "Done again in", "Of these", "Cases begin", "Cases end"];
    Table::new("The steps", columns, rows)
}

/// A way as a picture names it: a step that is done several times in a row once, with how many times.
fn runs(steps: &Steps) -> String {
    let run = |(name, times): (&str, usize)| match times {
        1 => name.to_owned(),
        times => format!("{name} \u{d7}{times}"),
    };
    steps.runs().map(run).collect::<Vec<_>>().join(" \u{203a} ")
}

/// So many variants are drawn.
const VARIANTS: usize = 10;

fn content(variants: &VariantsReport, currency: Option<Currency>, show: &Show) -> Content {
    let mut content = Content::default();
    let first: u64 = variants.variants.iter().take(VARIANTS).map(|row| row.cases).sum();
    let once = variants.variants.iter().filter(|row| row.cases == 1).count();
    content.blocks.push(Block::Figures(vec![
        Figure::new("Variants", Cell::count(variants.variants.len())),
        Figure::new(format!("Cases in the first {VARIANTS}"), Cell::share(first, variants.cases)),
        Figure::new("Variants of one case", Cell::count(once)),
    ]));
    if variants.variants.len() > VARIANTS {
        content.finding(format!(
            "{} different ways lead through the process; the {VARIANTS} most frequent hold {} of the cases.",
            show.count(variants.variants.len()),
            show.share(first as f64 / variants.cases.max(1) as f64),
        ));
    }
    let bars = variants.variants.iter().take(VARIANTS).map(|row| Bar {
        name: runs(&row.steps),
        figure: row.cases as f64,
        shown: format!(
            "{} ({})",
            show.count(row.cases),
            show.share(row.cases as f64 / variants.cases as f64)
        ),
        class: "bar",
    });
    let bars = Bars { bars: bars.collect(), tick: &|tick| show.short(tick) };
    let mut columns: Vec<String> = ["Way", "Steps", "Cases", "Of all cases"].map(Into::into).into();
    columns.extend(currency.map(|currency| format!("Worth ({currency})")));
    let rows = variants.variants.iter().map(|row| {
        let mut cells = vec![
            Cell::text(row.steps.join(" \u{203a} ")),
            Cell::count(row.steps.len()),
            Cell::count(row.cases),
            Cell::share(row.cases, variants.cases),
        ];
        cells.extend(currency.map(|currency| Cell::Money(Money::new(row.value, currency).into())));
        cells
    });
    let axes = "Cases by sequence of steps.".to_owned()
        + &drawn(VARIANTS, variants.variants.len(), "ways, the most frequent");
    let table = Table::new("The most frequent ways", columns, rows);
    content
        .blocks
        .push(Block::Chart(Chart::new("frequent", axes, &bars, table).measured(&variants.semantics)));
    content
}

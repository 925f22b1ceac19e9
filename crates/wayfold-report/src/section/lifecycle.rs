//! The lifecycle: where customers stand, stood and went, who is active, and what sets those apart who left.

use std::fmt::Display;

use wayfold_core::{LifecycleStage, PopulationSummary, Timestamp};
use wayfold_insight::{
    ActivityLifecycleReport, BucketUnit, Leavers, LifecycleRow, Playbooks, SharedTrait, Transitions,
};

use super::{Management, Section};
use crate::chart::{Axis, Bar, Bars, Columns, Flow, Intervals, Range, Series, Stream};
use crate::content::{Block, Chart, Content, Figure, drawn};
use crate::show::{Show, unit_name, worded};
use crate::table::{Cell, Table};

impl Section {
    /// Customers by stage of the lifecycle, with the strategy of the playbooks for each.
    pub fn lifecycle(summary: &PopulationSummary, playbooks: &Playbooks) -> Self {
        let (counts, playbooks) = (counts(summary), playbooks.clone());
        Self::new(Management::Relationship, "lifecycle", "Lifecycle", move |show| {
            now(&counts, &playbooks, show)
        })
    }

    /// Customers by stage at several instants, the earliest first: the summary of the population at each.
    pub fn lifecycle_over_time(summaries: &[PopulationSummary]) -> Self {
        let instants: Vec<_> = summaries.iter().map(|summary| (summary.as_of, counts(summary))).collect();
        let title = "Lifecycle over time";
        Self::new(Management::Relationship, "over-time", title, move |show| over_time(&instants, show))
    }

    /// Where customers stood at one instant and where at a later one: stages, classes or any other label.
    pub fn transitions<L: Ord + Clone + Display>(
        transitions: &Transitions<L>,
        before: Timestamp,
        after: Timestamp,
    ) -> Self {
        let label = |label: Option<&L>| label.map(ToString::to_string);
        let moves: Vec<Move> =
            transitions.iter().map(|(from, to, count)| (label(from), label(to), count)).collect();
        // In the order of the labels' own, who was not there last.
        let mut labels: Vec<&L> = transitions.iter().flat_map(|(from, to, _)| [from, to]).flatten().collect();
        labels.sort();
        labels.dedup();
        let names: Vec<Option<String>> = labels.into_iter().map(|of| label(Some(of))).chain([None]).collect();
        let title = "From stage to stage";
        Self::new(Management::Relationship, "flow", title, move |show| {
            flow(&names, &moves, [before, after], show)
        })
    }

    /// How many customers are active, bucket by bucket, and how they were before.
    pub fn activity(report: ActivityLifecycleReport, unit: BucketUnit) -> Self {
        Self::new(Management::Relationship, "activity", "Activity", move |show| activity(&report, unit, show))
    }

    /// Who left in a period, and what they share against who stayed.
    pub fn churn(leavers: &Leavers, shared: Vec<SharedTrait>) -> Self {
        let sizes = [leavers.left().len(), leavers.stayed().len()];
        Self::new(Management::Relationship, "churn", "Who leaves", move |show| churn(sizes, &shared, show))
    }
}

type Counts = Vec<(LifecycleStage, u64)>;
/// From where, to where, how many.
type Move = (Option<String>, Option<String>, u64);

fn counts(summary: &PopulationSummary) -> Counts {
    summary.lifecycle.iter().map(|(stage, count)| (*stage, *count)).collect()
}

/// The class of a stage's colour.
pub(super) fn colour(stage: LifecycleStage) -> &'static str {
    match stage {
        LifecycleStage::Prospect => "c0",
        LifecycleStage::FirstTime => "c1",
        LifecycleStage::Repeat => "c2",
        LifecycleStage::Loyal => "c3",
        LifecycleStage::Churned => "c4",
        LifecycleStage::WonBack => "c5",
    }
}

fn now(counts: &Counts, playbooks: &Playbooks, show: &Show) -> Content {
    let all: u64 = counts.iter().map(|(_, count)| count).sum();
    let share = |count: u64| count as f64 / all.max(1) as f64;
    let mut content = Content::default();
    let of = |wanted: LifecycleStage| {
        counts.iter().find(|(stage, _)| *stage == wanted).map_or(0, |(_, count)| *count)
    };
    let (churned, loyal) = (of(LifecycleStage::Churned), of(LifecycleStage::Loyal));
    if all > 0 {
        content.finding(format!(
            "Of {} customers, {} are loyal and {} have churned.",
            show.count(all),
            show.share(share(loyal)),
            show.share(share(churned))
        ));
    }
    let bars = counts.iter().map(|(stage, count)| Bar {
        name: worded(stage.as_str()),
        figure: *count as f64,
        shown: format!("{} ({})", show.count(*count), show.share(share(*count))),
        class: colour(*stage),
    });
    let bars = Bars { bars: bars.collect(), tick: &|tick| show.short(tick) };
    let rows = counts.iter().map(|(stage, count)| {
        let name = Cell::text(worded(stage.as_str()));
        let strategy =
            playbooks.of_stage(*stage).map_or(Cell::Empty, |of| Cell::text(worded(&of.strategy())));
        vec![name, Cell::count(*count), Cell::share(*count, all), strategy]
    });
    let table = Table::new("Customers by stage", ["Stage", "Customers", "Share", "Strategy"], rows).opened();
    content.blocks.push(Block::Chart(Chart::new("stages", "Customers in each stage.", &bars, table)));
    content
}

fn over_time(instants: &[(Timestamp, Counts)], show: &Show) -> Content {
    let mut content = Content::default();
    let stages = LifecycleStage::ALL;
    let count = |counts: &Counts, stage: LifecycleStage| {
        counts.iter().find(|(of, _)| *of == stage).map_or(0, |(_, count)| *count)
    };
    let series = stages.iter().map(|stage| Series {
        name: worded(stage.as_str()),
        class: colour(*stage),
        figures: instants.iter().map(|(_, counts)| count(counts, *stage) as f64).collect(),
    });
    let names = instants.iter().map(|(at, _)| show.day(show.day_of(*at)));
    let columns =
        Columns { names: names.collect(), series: series.collect(), shown: &|figure| show.short(figure) };
    let rows = instants.iter().map(|(at, counts)| {
        let of_stages = stages.iter().map(|stage| Cell::count(count(counts, *stage)));
        std::iter::once(Cell::Day(show.day_of(*at))).chain(of_stages).collect()
    });
    let heads = std::iter::once("Day".to_owned()).chain(stages.iter().map(|stage| worded(stage.as_str())));
    let table = Table::new("Customers by stage over time", heads, rows);
    content.blocks.push(Block::Chart(Chart::new(
        "stages",
        "Customers, as of the day below.",
        &columns,
        table,
    )));
    content
}

fn flow(names: &[Option<String>], moves: &[Move], at: [Timestamp; 2], show: &Show) -> Content {
    const COLOURS: [&str; 8] = ["c0", "c1", "c2", "c3", "c4", "c5", "c6", "c7"];
    let mut content = Content::default();
    let name =
        |label: &Option<String>| label.as_ref().map_or_else(|| "Not there".to_owned(), |name| worded(name));
    let place = |label: &Option<String>| names.iter().position(|of| of == label).unwrap_or_default();
    let all: u64 = moves.iter().filter(|(from, _, _)| from.is_some()).map(|(_, _, count)| count).sum();
    let moved = moves.iter().filter(|(from, to, _)| from.is_some() && from != to);
    if let Some((from, to, count)) = moved.max_by_key(|(_, _, count)| *count) {
        content.finding(format!(
            "The largest move: {} customers went from \u{201c}{}\u{201d} to \u{201c}{}\u{201d}.",
            show.count(*count),
            name(from),
            name(to)
        ));
    }
    let mut streams: Vec<Stream> = moves
        .iter()
        .map(|(from, to, customers)| Stream {
            from: place(from),
            to: place(to),
            customers: *customers,
            tip: format!("{} \u{2192} {}: {}", name(from), name(to), show.count(*customers)),
        })
        .collect();
    streams.sort_by_key(|stream| (stream.from, stream.to));
    let days = at.map(|at| show.day(show.day_of(at)));
    let last = names.len() - 1;
    let classes =
        (0..names.len()).map(|name| if name == last { "c6" } else { COLOURS[name % COLOURS.len()] });
    let flow = Flow {
        names: names.iter().map(name).collect(),
        classes: classes.collect(),
        streams,
        heads: days.clone(),
        shown: &|count| show.count(count),
    };
    let rows = moves.iter().map(|(from, to, count)| {
        let stood: u64 = moves.iter().filter(|(of, _, _)| of == from).map(|(_, _, count)| count).sum();
        vec![Cell::text(name(from)), Cell::text(name(to)), Cell::count(*count), Cell::share(*count, stood)]
    });
    let title = format!("From {} to {}", days[0], days[1]);
    let table = Table::new(title, ["From", "To", "Customers", "Of those who stood there"], rows);
    let axes = format!(
        "Customers; bands are as thick as they are many. {} stood somewhere before.",
        show.count(all)
    );
    content.blocks.push(Block::Chart(Chart::new("moves", axes, &flow, table)));
    content
}

/// So many buckets are drawn.
const BUCKETS: usize = 120;

fn activity(report: &ActivityLifecycleReport, unit: BucketUnit, show: &Show) -> Content {
    let (mut content, rows) = (Content::default(), &report.buckets);
    type Part = (&'static str, &'static str, fn(&LifecycleRow) -> i64);
    let parts: [Part; 4] = [
        ("Returning", "c3", |row| row.returning),
        ("New", "c1", |row| row.new),
        ("Resurrecting", "c5", |row| row.resurrecting),
        ("Dormant", "c4", |row| row.dormant),
    ];
    let newest = &rows[rows.len().saturating_sub(BUCKETS)..];
    let series = parts.map(|(name, class, of)| Series {
        name: name.to_owned(),
        class,
        figures: newest.iter().map(|row| of(row) as f64).collect(),
    });
    let names = newest.iter().map(|row| show.bucket(row.starts_on, unit)).collect();
    let columns = Columns { names, series: series.into(), shown: &|figure| show.short(figure) };
    let cells = rows.iter().map(|row| {
        let figures = [row.new, row.returning, row.resurrecting, row.dormant].map(Cell::Count);
        std::iter::once(Cell::Day(row.starts_on)).chain(figures).collect()
    });
    let heads = ["First day", "New", "Returning", "Resurrecting", "Dormant"];
    let table = Table::new(format!("Active customers by {}", unit_name(unit)), heads, cells);
    let axes = format!(
        "Customers per {}. Above the axis who is active: before too (returning), for the first time (new), or again after a \
         pause (resurrecting). Below it who was active before and is not now (dormant).{}",
        unit_name(unit),
        drawn(BUCKETS, rows.len(), "buckets, the newest")
    );
    content
        .blocks
        .push(Block::Chart(Chart::new("buckets", axes, &columns, table).measured(&report.semantics)));
    content
}

/// So many traits are drawn.
const TRAITS: usize = 12;

fn churn([left, stayed]: [usize; 2], shared: &[SharedTrait], show: &Show) -> Content {
    let mut content = Content::default();
    content.blocks.push(Block::Figures(vec![
        Figure::new("Left", Cell::count(left)),
        Figure::new("Stayed", Cell::count(stayed)),
        Figure::new("Share that left", Cell::share(left as u64, (left + stayed) as u64)),
    ]));
    let lift = |of: &SharedTrait| of.lift.map(|lift| format!("{}\u{a0}\u{d7}", show.number(lift, 1)));
    if let Some((found, lift)) =
        shared.first().filter(|found| found.interval.low > 1.0).zip(shared.first().and_then(lift))
    {
        content.finding(format!(
            "\u{201c}{}\u{201d} is {lift} as common among those who left as among those who stayed.",
            found.name
        ));
    }
    let ranges = shared.iter().take(TRAITS).map(|found| Range {
        name: found.name.clone(),
        figure: found.lift,
        low: found.interval.low,
        high: found.interval.high,
        shown: lift(found).unwrap_or_else(|| "only left".to_owned()),
        tells: found.tells(),
    });
    let intervals = Intervals {
        ranges: ranges.collect(),
        neutral: 1.0,
        neutral_means: "as common",
        axis: Axis::Powers,
        tick: &|tick| format!("{}\u{d7}", show.short(tick)),
    };
    let rows = shared.iter().map(|found| {
        vec![
            Cell::text(&found.name),
            Cell::count(found.left),
            Cell::share(found.left, left as u64),
            Cell::count(found.stayed),
            Cell::share(found.stayed, stayed as u64),
            found.lift.map_or(Cell::Empty, |lift| Cell::Number(lift, 2)),
            Cell::Number(found.interval.low, 2),
            Cell::Number(found.interval.high, 2),
        ]
    });
    let heads =
        ["Trait", "Left", "Of who left", "Stayed", "Of who stayed", "Times as common", "At least", "At most"];
    let table = Table::new("What those who left share", heads, rows);
    let axes = "How many times as common among those who left as among those who stayed, with the interval it may lie in; \
                hollow dots may be chance."
        .to_owned()
        + &drawn(TRAITS, shared.len(), "traits");
    if !shared.is_empty() {
        content.blocks.push(Block::Chart(Chart::new("traits", axes, &intervals, table)));
    }
    content
}

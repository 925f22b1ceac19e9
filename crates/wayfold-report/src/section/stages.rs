//! The five stages in time, and the paths that sessions take.

use wayfold_core::{Currency, Money, Span};
use wayfold_insight::{PathsReport, StageReport};

use super::{Management, Section};
use crate::chart::{Bar, Bars};
use crate::content::{Block, Chart, Content};
use crate::show::{Show, worded};
use crate::table::{Cell, Table};

impl Section {
    /// How many journeys come to each of the five stages, how long they stay, and where they end; pictures for each segment.
    pub fn stages(reports: Vec<StageReport>) -> Self {
        let title = "Stages of the journey";
        Self::new(Management::Experience, "stages", title, move |show| stages(&reports, show))
    }

    /// The most frequent ways of sessions from a step on, or to one.
    ///
    /// The currency is the one in which cases were valued, if they were.
    pub fn paths(paths: PathsReport, currency: Option<Currency>) -> Self {
        Self::new(Management::Experience, "paths", "Paths", move |show| ways(&paths, currency, show))
    }
}

/// So many segments have pictures; the others have their tables.
const SEGMENTS: usize = 6;
/// So many ways are drawn.
const WAYS: usize = 12;

fn stages(reports: &[StageReport], show: &Show) -> Content {
    let mut content = Content::default();
    for (number, report) in reports.iter().enumerate() {
        let of = report.segment.as_ref().map_or_else(String::new, |segment| format!(" of {segment}"));
        if number == 0 {
            tell_stages(report, &of, show, &mut content);
        }
        let table = stage_table(format!("Journeys by stage{of}"), report);
        if number >= SEGMENTS {
            content.blocks.push(Block::Table(table));
            continue;
        }
        let bars = report.stages.iter().map(|row| Bar {
            name: worded(row.stage.as_str()),
            figure: row.entered as f64,
            shown: match row.drop_off {
                Some(ended) => {
                    format!("{} ({})", show.count(row.entered), show.share(ended / 100.0))
                }
                None => show.count(row.entered),
            },
            class: "bar",
        });
        let bars = Bars { bars: bars.collect(), tick: &|tick| show.short(tick) };
        let axes = format!(
            "Journeys that entered a stage, of {}; in brackets, how many of these came no further.",
            show.count(report.journeys)
        );
        content
            .blocks
            .push(Block::Chart(Chart::new("entered", axes, &bars, table).measured(&report.semantics)));
        let medians = report.stages.iter().filter_map(|row| Some((row, row.time?)));
        let longest = medians.clone().map(|(_, time)| time.median).max().unwrap_or_default();
        let (unit, micros) = unit_of(longest);
        let bars: Vec<Bar> = medians
            .map(|(row, time)| Bar {
                name: worded(row.stage.as_str()),
                figure: (time.median.as_micros() as f64 / micros).max(0.0),
                shown: show.span(time.median),
                class: "bar",
            })
            .collect();
        if !bars.is_empty() {
            let bars = Bars { bars, tick: &|tick| show.short(tick) };
            let axes = format!("Median time in a stage of the journeys that have left it, in {unit}.");
            let table = time_table(format!("Time in stages{of}"), report);
            content
                .blocks
                .push(Block::Chart(Chart::new("times", axes, &bars, table).measured(&report.semantics)));
        }
        if !report.steps_back.is_empty() {
            let rows = report.steps_back.iter().map(|step| {
                vec![
                    Cell::text(worded(step.from.as_str())),
                    Cell::text(worded(step.to.as_str())),
                    Cell::count(step.times),
                ]
            });
            let table = Table::new(format!("Steps back{of}"), ["From", "Back to", "Times"], rows);
            content.blocks.push(Block::Table(table));
        }
    }
    content
}

fn tell_stages(report: &StageReport, of: &str, show: &Show, content: &mut Content) {
    let ended = report.stages.iter().filter(|row| row.came_no_further > 0);
    // The last stage is where journeys are meant to end.
    let before_last = ended.filter(|row| Some(row.stage) != report.stages.last().map(|last| last.stage));
    if let Some(row) = before_last.max_by_key(|row| row.came_no_further) {
        content.finding(format!(
            "Most journeys{of} that end early end in {}: {} of {} that came there.",
            worded(row.stage.as_str()).to_lowercase(),
            show.count(row.came_no_further),
            show.count(row.entered),
        ));
    }
    let timed = report.stages.iter().filter_map(|row| Some((row.stage, row.time?)));
    if let Some((stage, time)) =
        timed.max_by_key(|(_, time)| time.median).filter(|(_, time)| time.median > Span::ZERO)
    {
        content.finding(format!(
            "Journeys{of} stay longest in {}: {} in the median.",
            worded(stage.as_str()).to_lowercase(),
            show.span(time.median),
        ));
    }
}

/// The unit of an axis of time, and its length in microseconds.
fn unit_of(longest: Span) -> (&'static str, f64) {
    let micros = longest.as_micros() as f64;
    let units = [("days", 86_400e6), ("hours", 3_600e6), ("minutes", 60e6)];
    units.into_iter().find(|(_, length)| micros >= 2.0 * length).unwrap_or(("seconds", 1e6))
}

fn stage_table(title: String, report: &StageReport) -> Table {
    let rows = report.stages.iter().map(|row| {
        vec![
            Cell::text(worded(row.stage.as_str())),
            Cell::count(row.entered),
            Cell::share(row.entered, report.journeys),
            Cell::count(row.visits),
            Cell::count(row.here_now),
            Cell::count(row.came_no_further),
            row.drop_off.map_or(Cell::Empty, |ended| Cell::Share(ended / 100.0)),
        ]
    });
    let heads = ["Stage", "Entered", "Of all journeys", "Visits", "Here now", "Came no further", "Of these"];
    Table::new(title, heads, rows)
}

fn time_table(title: String, report: &StageReport) -> Table {
    let timed = report.stages.iter().filter_map(|row| Some((row.stage, row.time?)));
    let rows = timed.map(|(stage, time)| {
        vec![
            Cell::text(worded(stage.as_str())),
            Cell::Span(time.median),
            Cell::Span(time.mean),
            Cell::Span(time.p90),
        ]
    });
    Table::new(title, ["Stage", "Median", "Mean", "90th percentile"], rows)
}

fn ways(paths: &PathsReport, currency: Option<Currency>, show: &Show) -> Content {
    let mut content = Content::default();
    let share = |sessions: u64| sessions as f64 / paths.sessions.max(1) as f64;
    let way = |steps: &[String], is_cut: bool| {
        let more = if is_cut { " \u{2026}" } else { "" };
        format!("{}{more}", steps.join(" \u{203a} "))
    };
    if let Some(first) = paths.ways.first() {
        content.finding(format!(
            "The most frequent way: {}, in {} of {} sessions.",
            way(&first.steps, first.is_cut),
            show.share(share(first.sessions)),
            show.count(paths.sessions),
        ));
    }
    let bars = paths.ways.iter().take(WAYS).map(|row| Bar {
        name: way(&row.steps, row.is_cut),
        figure: row.sessions as f64,
        shown: format!("{} ({})", show.count(row.sessions), show.share(share(row.sessions))),
        class: "bar",
    });
    let bars = Bars { bars: bars.collect(), tick: &|tick| show.short(tick) };
    let mut columns: Vec<String> = ["Way", "Sessions", "Of all sessions"].map(Into::into).into();
    columns.extend(currency.map(|currency| format!("Worth ({currency})")));
    let rows = paths.ways.iter().map(|row| {
        let mut cells = vec![
            Cell::text(way(&row.steps, row.is_cut)),
            Cell::count(row.sessions),
            Cell::share(row.sessions, paths.sessions),
        ];
        cells.extend(currency.map(|currency| Cell::Money(Money::new(row.value, currency).into())));
        cells
    });
    let (told, all) = (paths.ways.len(), paths.ways.len() as u64 + paths.other_ways);
    let more = match all > told.min(WAYS) as u64 {
        true => format!(
            " Drawn are {} of {} ways, the most frequent; the table has {}.",
            told.min(WAYS),
            show.count(all),
            show.count(told)
        ),
        false => String::new(),
    };
    let axes = format!("Sessions by way.{more}");
    let table = Table::new("The ways of sessions", columns, rows);
    content.blocks.push(Block::Chart(Chart::new("ways", axes, &bars, table).measured(&paths.semantics)));
    content
}

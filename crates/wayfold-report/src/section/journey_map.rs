//! The journey map: touchpoints by stage, with contacts and feelings.

use std::collections::BTreeMap;

use wayfold_core::Stage;
use wayfold_insight::{JourneyMapCell, JourneyMapReport};

use super::experience::scale_of;
use super::{Management, Section};
use crate::chart::{Grid, GridCell};
use crate::content::{Block, Chart, Content, drawn};
use crate::show::{Show, worded};
use crate::table::{Cell, Table};

impl Section {
    /// The journey map (客户旅程地图): what customers meet in which stage, how often, and how it feels; two pictures for each
    /// segment.
    pub fn journey_map(map: JourneyMapReport) -> Self {
        let title = "Journey map";
        Self::new(Management::Experience, "journey", title, move |show| content(&map, show))
    }
}

/// So many touchpoints of a segment are drawn, those with the most contacts, and so many segments.
const TOUCHPOINTS: usize = 16;
const SEGMENTS: usize = 4;
/// Figures of fewer answers are not told as findings.
const ANSWERS_MIN: u64 = 10;

fn content(map: &JourneyMapReport, show: &Show) -> Content {
    let mut content = Content::default();
    let named = map.cells.iter().filter(|cell| cell.stage.is_some() && cell.touchpoint.is_some());
    let scored = named.filter_map(|cell| Some((cell, cell.satisfaction?)));
    let enough = scored.filter(|(_, score)| score.answers >= ANSWERS_MIN);
    if let Some((cell, score)) = enough.min_by(|a, b| a.1.value.total_cmp(&b.1.value)) {
        content.finding(format!(
            "Customers are least pleased in {} at \u{201c}{}\u{201d}: {} {} of {} answers.",
            stage_name(cell.stage).to_lowercase(),
            touchpoint_name(cell),
            scale_of(score.method).0,
            show.number(score.value, 1),
            show.count(score.answers),
        ));
    }
    let failing = map.cells.iter().filter(|cell| cell.errors > 0).max_by_key(|cell| cell.errors);
    if let Some(cell) = failing {
        content.finding(format!(
            "Most errors are met in {} at \u{201c}{}\u{201d}: {} in {} contacts.",
            stage_name(cell.stage).to_lowercase(),
            touchpoint_name(cell),
            show.count(cell.errors),
            show.count(cell.contacts),
        ));
    }
    let mut segments: BTreeMap<&Option<String>, Vec<&JourneyMapCell>> = BTreeMap::new();
    map.cells.iter().for_each(|cell| segments.entry(&cell.segment).or_default().push(cell));
    for (number, (segment, cells)) in segments.into_iter().enumerate() {
        let of = segment.as_ref().map_or_else(String::new, |segment| format!(" of {segment}"));
        if number < SEGMENTS {
            draw(&cells, &of, show, &mut content);
        } else {
            content.blocks.push(Block::Table(figures(format!("Contacts{of}"), &cells)));
        }
    }
    for block in &mut content.blocks {
        if let Block::Chart(chart) = block {
            chart.semantics = Some(map.semantics.clone());
        }
    }
    content
}

fn stage_name(stage: Option<Stage>) -> String {
    stage.map_or_else(|| "No stage".to_owned(), |stage| worded(stage.as_str()))
}

fn touchpoint_name(cell: &JourneyMapCell) -> String {
    cell.touchpoint.as_ref().map_or_else(|| "None named".to_owned(), |name| worded(name))
}

fn draw(cells: &[&JourneyMapCell], of: &str, show: &Show, content: &mut Content) {
    let mut contacts: BTreeMap<String, u64> = BTreeMap::new();
    cells.iter().for_each(|cell| *contacts.entry(touchpoint_name(cell)).or_default() += cell.contacts);
    let mut names: Vec<(String, u64)> = contacts.into_iter().collect();
    names.sort_by_key(|(_, contacts)| std::cmp::Reverse(*contacts));
    let all = names.len();
    let names: Vec<String> = names.into_iter().take(TOUCHPOINTS).map(|(name, _)| name).collect();
    let more = drawn(TOUCHPOINTS, all, "touchpoints, those with the most contacts");
    let most = cells.iter().map(|cell| cell.contacts).max().unwrap_or_default().max(1) as f64;
    let by_contacts = grid(cells, &names, &|cell| {
        Some(GridCell {
            shade: cell.contacts as f64 / most,
            lines: vec![
                show.short(cell.contacts as f64),
                format!("by {}", show.short(cell.customers as f64)),
            ],
            tip: format!(
                "{}, {}: {}",
                touchpoint_name(cell),
                stage_name(cell.stage),
                show.count(cell.contacts)
            ),
        })
    });
    let axes = format!("Contacts, and by how many customers, the more the darker.{more}");
    let table = figures(format!("Contacts{of}"), cells);
    content.blocks.push(Block::Chart(Chart::of_own_size(
        "contacts",
        axes,
        by_contacts.draw_readable(WIDE),
        table,
    )));

    let Some(score) = cells.iter().find_map(|cell| cell.satisfaction) else { return };
    let (name, unit, [low, high]) = scale_of(score.method);
    let by_score = grid(cells, &names, &|cell| {
        let score = cell.satisfaction?;
        Some(GridCell {
            shade: (score.value - low) / (high - low),
            lines: vec![show.number(score.value, 0), format!("of {}", show.short(score.answers as f64))],
            tip: format!(
                "{}, {}: {}",
                touchpoint_name(cell),
                stage_name(cell.stage),
                show.number(score.value, 1)
            ),
        })
    });
    let axes = format!(
        "{name} ({unit}), and of how many answers, the better the darker; empty without an answer.{more}"
    );
    let table = feelings(format!("Satisfaction{of}: {name}"), cells);
    content.blocks.push(Block::Chart(Chart::of_own_size(
        "feelings",
        axes,
        by_score.draw_readable(WIDE),
        table,
    )));
}

/// Touchpoints by stage; stages of which there is nothing to say have no column.
fn grid(
    cells: &[&JourneyMapCell],
    names: &[String],
    cell: &dyn Fn(&JourneyMapCell) -> Option<GridCell>,
) -> Grid {
    let is_told =
        |stage: &Option<Stage>| cells.iter().any(|found| found.stage == *stage && cell(found).is_some());
    let stages = Stage::ALL.iter().map(|stage| Some(*stage)).chain([None]).filter(is_told);
    let stages: Vec<Option<Stage>> = stages.collect();
    let of_name = |name: &String| {
        let at = |stage: &Option<Stage>| {
            cells.iter().find(|found| found.stage == *stage && touchpoint_name(found) == *name)
        };
        stages.iter().map(|stage| at(stage).and_then(|found| cell(found))).collect()
    };
    Grid {
        rows: names.to_vec(),
        columns: stages.iter().map(|stage| stage_name(*stage)).collect(),
        cells: names.iter().map(of_name).collect(),
        across: "Stage of the journey".to_owned(),
        down: "Touchpoint".to_owned(),
        cell_height: 42.0,
    }
}

/// Wide enough for the names of five stages; on a phone the picture is moved under the finger.
const WIDE: f64 = 860.0;

fn figures(title: String, cells: &[&JourneyMapCell]) -> Table {
    let rows = cells.iter().map(|cell| {
        vec![
            Cell::text(stage_name(cell.stage)),
            Cell::text(touchpoint_name(cell)),
            Cell::count(cell.contacts),
            Cell::count(cell.customers),
            Cell::count(cell.errors),
            cell.dwell.map_or(Cell::Empty, |dwell| Cell::Span(dwell.median)),
            cell.dwell.map_or(Cell::Empty, |_| Cell::Span(cell.time_spent)),
            cell.load.map_or(Cell::Empty, |load| Cell::Span(load.median)),
        ]
    });
    let heads = [
        "Stage",
        "Touchpoint",
        "Contacts",
        "Customers",
        "Errors",
        "Median stay",
        "Time spent in all",
        "Median load",
    ];
    Table::new(title, heads, rows)
}

fn feelings(title: String, cells: &[&JourneyMapCell]) -> Table {
    let felt = cells.iter().filter(|cell| cell.satisfaction.is_some() || cell.feeling.is_some());
    let number = |value: Option<f64>| value.map_or(Cell::Empty, |value| Cell::Number(value, 1));
    let rows = felt.map(|cell| {
        let (score, feeling) = (cell.satisfaction, cell.feeling.as_ref());
        let ends = score.and_then(|score| score.interval);
        vec![
            Cell::text(stage_name(cell.stage)),
            Cell::text(touchpoint_name(cell)),
            score.map_or(Cell::Empty, |score| Cell::count(score.answers)),
            number(score.map(|score| score.value)),
            number(ends.map(|ends| ends.low)),
            number(ends.map(|ends| ends.high)),
            feeling.map_or(Cell::Empty, |of| Cell::count(of.positive)),
            feeling.map_or(Cell::Empty, |of| Cell::count(of.negative)),
            number(feeling.map(|of| of.value)),
        ]
    });
    let heads = [
        "Stage",
        "Touchpoint",
        "Answers",
        "Figure",
        "At least",
        "At most",
        "Pleased feedback",
        "Displeased feedback",
        "Pleased less displeased, points",
    ];
    Table::new(title, heads, rows)
}

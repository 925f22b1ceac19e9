//! One customer: where it stands, what happened, and why it is so.

use std::collections::BTreeMap;

use wayfold_core::{Cause, Explanation, LifecycleStage, Step, Timestamp};

use super::lifecycle::colour;
use super::{Management, Section};
use crate::chart::{Mark, Period, Timeline};
use crate::content::{Block, Chart, Content, Figure, drawn};
use crate::show::{Show, worded};
use crate::table::{Cell, Table};

impl Section {
    /// One customer's timeline, and what each event changed.
    pub fn customer(explanation: Explanation) -> Self {
        let title = explanation.view.key.customer.as_str().to_owned();
        Self::new(Management::Information, "customer", title, move |show| content(&explanation, show))
    }
}

fn content(explanation: &Explanation, show: &Show) -> Content {
    let view = &explanation.view;
    let mut content = Content::default();
    let class = view.segment.class.map_or("in none", |class| class.as_str());
    let mut figures = vec![
        Figure::new("Stage", Cell::text(worded(view.lifecycle.stage.as_str()))).with_note(why(
            explanation,
            "lifecycle.stage",
            show,
        )),
        Figure::new("Segment", Cell::text(worded(class))).with_note(why(explanation, "segment.class", show)),
        Figure::new("Purchases", Cell::count(view.value.purchases)),
    ];
    figures.extend(view.value.currencies.iter().map(|value| {
        let field = format!("value.currencies[{}].net", value.currency);
        Figure::new(format!("Net value in {}", value.currency), Cell::Money(value.net)).with_note(why(
            explanation,
            &field,
            show,
        ))
    }));
    figures.push(Figure::new("Last seen", Cell::Day(show.day_of(view.last_seen_at))));
    content.blocks.push(Block::Figures(figures));
    content.blocks.push(Block::Chart(timeline(explanation, show)));
    if !view.journeys.journeys.is_empty() {
        let mut journeys: Vec<_> = view.journeys.journeys.iter().collect();
        journeys.sort_by_key(|journey| journey.started_at);
        let rows = journeys.into_iter().map(|journey| {
            vec![
                Cell::text(journey.key.as_str()),
                Cell::text(journey.stage.map_or_else(String::new, |stage| worded(stage.as_str()))),
                Cell::text(worded(journey.outcome.as_str())),
                Cell::Instant(journey.started_at),
                Cell::Instant(journey.last_event_at),
                Cell::count(journey.steps_back),
                Cell::count(journey.promises.broken),
            ]
        });
        let heads = ["Journey", "Stage", "Outcome", "Started", "Last event", "Steps back", "Promises broken"];
        content.blocks.push(Block::Table(Table::new("Journeys", heads, rows).opened()));
    }
    content.method.push(format!(
        "As of {} under rules \u{201c}{}\u{201d}.",
        show.instant(view.as_of),
        view.rules
    ));
    for report in &explanation.reports {
        content.method.push(format!("Left out or unfitting: {report:?}."));
    }
    content
}

/// What made a field what it is.
fn why(explanation: &Explanation, field: &str, show: &Show) -> String {
    explanation.why(field).map_or_else(String::new, |(step, _)| {
        format!("since {}, by {}", show.day(show.day_of(step.at)), cause(step))
    })
}

fn cause(step: &Step) -> &str {
    match &step.cause {
        Cause::Event { kind, .. } => kind,
        Cause::Time => "the passing of time",
    }
}

/// More kinds of events share the last lane.
const LANES: usize = 12;

/// So many steps are drawn.
const STEPS: usize = 1_000;

fn days(at: Timestamp) -> f64 {
    at.as_micros() as f64 / 86_400e6
}

fn timeline(explanation: &Explanation, show: &Show) -> Chart {
    let view = &explanation.view;
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for step in &explanation.steps {
        if let Cause::Event { kind, .. } = &step.cause {
            *counts.entry(kind).or_default() += 1;
        }
    }
    let mut kinds: Vec<(&str, usize)> = counts.into_iter().collect();
    kinds.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let own = if kinds.len() > LANES { LANES - 1 } else { kinds.len() };
    let mut lanes: Vec<String> = kinds[..own].iter().map(|(kind, _)| (*kind).to_owned()).collect();
    if own < kinds.len() {
        lanes.push("other".to_owned());
    }
    let lane = |kind: &str| kinds[..own].iter().position(|(of, _)| *of == kind).unwrap_or(own);
    let skipped = explanation.steps.len().saturating_sub(STEPS);
    let marks = explanation.steps[skipped..].iter().filter_map(|step| match &step.cause {
        Cause::Time => None,
        Cause::Event { kind, .. } => Some(Mark {
            at: days(step.at),
            lane: lane(kind),
            tip: format!("{kind}, {}", show.instant(step.at)),
        }),
    });
    let timeline = Timeline {
        from: days(view.first_seen_at),
        to: days(view.as_of),
        periods: periods(explanation),
        lanes,
        marks: marks.collect(),
    };
    let rows = explanation
        .steps
        .iter()
        .map(|step| vec![Cell::Instant(step.at), Cell::text(cause(step)), Cell::text(changes(step))]);
    let table = Table::new("What happened, and what it changed", ["When", "What", "Changes"], rows);
    let axes = "Events by kind over time; at the top the stage of the lifecycle.".to_owned()
        + &drawn(STEPS, explanation.steps.len(), "steps, the newest");
    Chart::new("timeline", axes, &timeline, table)
}

/// The stages of the lifecycle from change to change.
fn periods(explanation: &Explanation) -> Vec<Period> {
    let changes = explanation.steps.iter().filter_map(|step| {
        let change = step.changes.iter().find(|change| change.field == "lifecycle.stage")?;
        Some((days(step.at), LifecycleStage::parse(change.after.as_ref()?).ok()?))
    });
    let changes: Vec<_> = changes.collect();
    let ends = changes.iter().skip(1).map(|(at, _)| *at).chain([days(explanation.view.as_of)]);
    let period = |((from, stage), to): (&(f64, LifecycleStage), f64)| Period {
        from: *from,
        to,
        name: worded(stage.as_str()),
        class: colour(*stage),
    };
    changes.iter().zip(ends).map(period).collect()
}

/// So many changes of a step are told; the first say most.
const CHANGES: usize = 4;

fn changes(step: &Step) -> String {
    let mut told: Vec<String> = step
        .changes
        .iter()
        .take(CHANGES)
        .map(|change| {
            let (before, after) = (change.before.as_deref(), change.after.as_deref());
            let none = "\u{2013}";
            format!("{}: {} \u{2192} {}", change.field, before.unwrap_or(none), after.unwrap_or(none))
        })
        .collect();
    if step.changes.len() > CHANGES {
        told.push(format!("and {} more", step.changes.len() - CHANGES));
    }
    told.join("; ")
}

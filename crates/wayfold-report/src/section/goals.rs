//! Goals: what is to be reached, what is, and what is missing.

use wayfold_insight::{Goal, GoalMetric, GoalState, GoalStatus};

use super::{Management, Section};
use crate::chart::{Bar, Bars};
use crate::content::{Block, Chart, Content};
use crate::show::Show;
use crate::table::{Cell, Table};

impl Section {
    /// Goals beside what is, in their order.
    pub fn goals(goals: Vec<(Goal, GoalStatus)>) -> Self {
        Self::new(Management::Value, "goals", "Goals", move |show| content(&goals, show))
    }
}

fn state(state: GoalState) -> &'static str {
    match state {
        GoalState::NotBegun => "Not begun",
        GoalState::Reached => "Reached",
        GoalState::OnPace => "On pace",
        GoalState::Behind => "Behind",
        GoalState::Open => "Open",
        GoalState::Missed => "Missed",
    }
}

fn metric(metric: &GoalMetric) -> String {
    match metric {
        GoalMetric::NetRevenue(currency) => format!("Net revenue in {currency}"),
        GoalMetric::Stage(stage) => format!("Customers who are {stage}"),
        GoalMetric::Class(class) => format!("Customers of class {class}"),
        GoalMetric::Figure(name) => name.clone(),
    }
}

fn content(goals: &[(Goal, GoalStatus)], show: &Show) -> Content {
    let mut content = Content::default();
    let late = |status: &GoalStatus| matches!(status.state, GoalState::Behind | GoalState::Missed);
    let names: Vec<&str> =
        goals.iter().filter(|(_, status)| late(status)).map(|(goal, _)| goal.name.as_str()).collect();
    if !names.is_empty() {
        content.finding(format!("Behind their goals or short of them: {}.", names.join(", ")));
    }
    // Who is behind an own beginning has done nothing of the way.
    let bar = |(goal, status): &(Goal, GoalStatus)| {
        let percent = status.reached_percent?;
        Some(Bar {
            name: goal.name.clone(),
            figure: percent.max(0.0),
            shown: format!("{} ({})", show.share(percent / 100.0), state(status.state).to_lowercase()),
            class: if late(status) { "c4" } else { "bar" },
        })
    };
    let bars = Bars {
        bars: goals.iter().filter_map(bar).collect(),
        tick: &|tick| format!("{} %", show.number(tick, 0)),
    };
    let figure = |of: wayfold_core::Amount| Cell::Number(of.as_ten_thousandths() as f64 / 1e4, 2);
    let rows = goals.iter().map(|(goal, status)| {
        vec![
            Cell::text(&goal.name),
            Cell::text(metric(&goal.metric)),
            goal.segment.as_ref().map_or(Cell::Empty, Cell::text),
            Cell::text(state(status.state)),
            Cell::Instant(goal.from),
            Cell::Instant(goal.until),
            figure(status.target),
            figure(status.actual),
            figure(status.gap),
            status.reached_percent.map_or(Cell::Empty, |percent| Cell::Share(percent / 100.0)),
            status.expected.map_or(Cell::Empty, figure),
        ]
    });
    let heads = [
        "Goal",
        "Metric",
        "Segment",
        "State",
        "From",
        "Until",
        "Target",
        "Actual",
        "Gap",
        "Of the way",
        "Even pace",
    ];
    let table = Table::new("How goals stand", heads, rows).opened();
    let axes = "The way from where it began to the target that is done, in percent; goals without a beginning have a row in the \
                table alone.";
    content.blocks.push(Block::Chart(Chart::new("way", axes, &bars, table)));
    content
}

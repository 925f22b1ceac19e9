//! The SWOT page.

use wayfold_insight::{Swot, SwotLine};

use super::Section;
use crate::content::{Block, Content};
use crate::show::Show;
use crate::table::{Cell, Table};

impl Section {
    /// Strengths, weaknesses, opportunities and threats, each line with its figure and where that comes from, and of what the
    /// log holds no evidence. It stands at the head of a report.
    pub fn swot(swot: Swot) -> Self {
        Self::new(None, "swot", "SWOT", move |show| content(&swot, show))
    }
}

fn content(swot: &Swot, show: &Show) -> Content {
    let mut content = Content::default();
    let quadrants = [
        ("Strengths", &swot.strengths),
        ("Weaknesses", &swot.weaknesses),
        ("Opportunities", &swot.opportunities),
        ("Threats", &swot.threats),
    ];
    for (title, lines) in quadrants {
        let one = title
            .trim_end_matches('s')
            .replace("Weaknesse", "Weakness")
            .replace("Opportunitie", "Opportunity");
        if let Some(line) = lines.first() {
            content.finding(format!("{one}: {}, {}.", line.says, figure(line, show)));
        }
        content.blocks.push(Block::Table(table(title, lines, show).opened()));
    }
    if !swot.neither.is_empty() {
        content.blocks.push(Block::Table(table("Figures in between", &swot.neither, show)));
    }
    if !swot.missing.is_empty() {
        let rows = swot.missing.iter().map(|line| vec![Cell::text(line)]);
        content.blocks.push(Block::Table(Table::new("What the log holds no evidence of", ["What"], rows)));
    }
    content.method.push(format!(
        "By the thresholds of the rules \u{201c}{}\u{201d}: own figures make strengths and weaknesses, comparisons, lost deals, \
         research and needs make opportunities and threats. Shares have Wilson's interval, differences Newcombe's.",
        swot.rules
    ));
    content
}

fn figure(line: &SwotLine, show: &Show) -> String {
    format!("{} {}", show.number(line.figure, 1), line.unit)
}

fn table(title: &str, lines: &[SwotLine], show: &Show) -> Table {
    let nothing =
        [vec![Cell::text("No line: nothing in the log reaches a threshold, or there is no evidence")]];
    let rows = lines.iter().map(|line| {
        let ends = line
            .interval
            .map(|ends| format!("{} to {}", show.number(ends.low, 1), show.number(ends.high, 1)));
        vec![
            Cell::text(&line.says),
            Cell::text(figure(line, show)),
            ends.map_or(Cell::Empty, Cell::text),
            Cell::count(line.evidence),
            Cell::text(&line.against),
            Cell::text(&line.source),
        ]
    });
    let heads = ["What", "Figure", "May lie in", "Of how many", "Compared with", "Where it comes from"];
    match lines.is_empty() {
        true => Table::new(title, ["What"], nothing),
        false => Table::new(title, heads, rows),
    }
}

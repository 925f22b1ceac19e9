//! What a section says, before it becomes HTML or JSON.

use serde_json::{Value, json};

use crate::show::{Show, grouped};
use crate::svg::Drawing;
use crate::table::{Cell, Table};

/// What a section says.
#[derive(Debug, Default)]
pub(crate) struct Content {
    /// What stands out, in a sentence each; they are also told at the head of the report.
    pub(crate) findings: Vec<String>,
    /// How the figures were made, for who wants to check them.
    pub(crate) method: Vec<String>,
    pub(crate) blocks: Vec<Block>,
}

#[derive(Debug)]
pub(crate) enum Block {
    Figures(Vec<Figure>),
    Chart(Chart),
    /// A table that needs no chart.
    Table(Table),
    /// A process map as text for Mermaid.
    Mermaid(String),
}

/// One number with its name.
#[derive(Debug)]
pub(crate) struct Figure {
    pub(crate) label: String,
    pub(crate) value: Cell,
    /// What it is measured against.
    pub(crate) note: Option<String>,
}

impl Figure {
    pub(crate) fn new(label: impl Into<String>, value: Cell) -> Self {
        Self { label: label.into(), value, note: None }
    }

    pub(crate) fn with_note(mut self, note: impl Into<String>) -> Self {
        self.note = Some(note.into());
        self
    }
}

/// A picture, and the same figures as a table.
#[derive(Debug)]
pub(crate) struct Chart {
    /// Unique within its section.
    pub(crate) name: &'static str,
    pub(crate) title: String,
    /// What is on the axes, in which units.
    pub(crate) axes: String,
    /// For a page, and for paper.
    pub(crate) wide: Drawing,
    /// For a phone; without it the wide one is moved under the finger.
    pub(crate) narrow: Option<Drawing>,
    pub(crate) table: Table,
    /// What was counted how, as the measure says it.
    pub(crate) semantics: Option<String>,
}

impl Chart {
    pub(crate) fn measured(self, semantics: &str) -> Self {
        Self { semantics: Some(semantics.to_owned()), ..self }
    }
}

/// What is said below a picture that holds less than its table.
pub(crate) fn drawn(drawn: usize, all: usize, what: &str) -> String {
    if drawn >= all {
        return String::new();
    }
    let [drawn, all] = [drawn, all].map(|count| grouped(&count.to_string()));
    format!(" Drawn are {drawn} of {all} {what}; the table has all.")
}

impl Content {
    pub(crate) fn finding(&mut self, sentence: impl Into<String>) {
        self.findings.push(sentence.into());
    }

    pub(crate) fn json(&self, show: &Show) -> Value {
        let mut figures = serde_json::Map::new();
        let (mut tables, mut semantics) = (Vec::new(), Vec::new());
        for block in &self.blocks {
            match block {
                Block::Figures(all) => {
                    figures.extend(all.iter().map(|figure| (figure.label.clone(), figure.value.json(show))));
                }
                Block::Chart(chart) => {
                    tables.push(chart.table.json(show));
                    semantics.extend(chart.semantics.clone().filter(|known| !semantics.contains(known)));
                }
                Block::Table(table) => tables.push(table.json(show)),
                Block::Mermaid(_) => {}
            }
        }
        let method = self.method.iter().chain(&semantics).collect::<Vec<_>>();
        json!({ "findings": self.findings, "method": method, "figures": figures, "tables": tables })
    }
}

//! The report: sections in their order, as HTML, as charts, as JSON.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use wayfold_core::{NamedSegments, Population, TieRule, Timestamp};
use wayfold_insight::{Playbooks, Tz};

use crate::content::{Block, Content};
use crate::page;
use crate::section::{Management, Section};
use crate::show::Show;

/// A report as of an instant.
#[derive(Debug, Clone)]
pub struct Report {
    title: String,
    as_of: Timestamp,
    zone: Tz,
    source: Option<String>,
    playbooks: Playbooks,
    sections: Vec<Section>,
}

/// A chart by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedChart {
    /// Unique within the report, of lower-case letters, digits and hyphens: fit for the name of a file.
    pub name: String,
    /// What it shows.
    pub title: String,
    /// An SVG document with its own style, light or dark as the reader likes.
    pub svg: String,
}

/// A section with its place in the page.
pub(crate) struct Part<'a> {
    pub(crate) id: String,
    pub(crate) section: &'a Section,
    pub(crate) content: Content,
}

impl Report {
    /// A report without sections, in UTC.
    pub fn new(title: impl Into<String>, as_of: Timestamp) -> Self {
        let (title, playbooks) = (title.into(), Playbooks::default());
        Self { title, as_of, zone: Tz::UTC, source: None, playbooks, sections: Vec::new() }
    }

    /// Sets the zone in which dates and times are told. Calendar buckets are those of the measure.
    pub fn with_zone(mut self, zone: Tz) -> Self {
        self.zone = zone;
        self
    }

    /// Says where the events come from.
    pub fn with_source(mut self, source: impl Into<String>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Sets the playbooks whose strategies stand beside the stages and classes of a population that is added afterwards.
    /// Default: those of the business texts.
    pub fn with_playbooks(mut self, playbooks: Playbooks) -> Self {
        self.playbooks = playbooks;
        self
    }

    /// Adds a section.
    pub fn with(mut self, section: Section) -> Self {
        self.sections.push(section);
        self
    }

    /// Adds all that a population alone says: the overview, lifecycle and segments; and in the currency of most
    /// purchases the value and the RFM map with the ten named segments.
    pub fn with_population(mut self, population: &Population) -> Self {
        let summary = population.summary();
        // The first in the order of the codes, if several have as many.
        let most = summary.totals.iter().rev().max_by_key(|total| total.purchases);
        let currency = most.filter(|total| total.purchases > 0).map(|total| total.currency);
        self.sections.extend([
            Section::lifecycle(&summary, &self.playbooks),
            Section::segments(&summary, &self.playbooks),
            Section::overview(&summary),
        ]);
        if let Some(currency) = currency {
            let table = population.rfm(currency, TieRule::default());
            self.sections.push(Section::value(population, currency));
            self.sections.push(Section::rfm(table, NamedSegments::default()));
        }
        self
    }

    /// The title.
    pub fn title(&self) -> &str {
        &self.title
    }

    /// The sections, as they were added.
    pub fn sections(&self) -> &[Section] {
        &self.sections
    }

    /// The report as one HTML document that needs nothing from elsewhere.
    pub fn html(&self) -> String {
        page::page(&self.title, &self.subtitle(), &self.parts(), &self.show()).into_string()
    }

    /// Every chart by itself.
    pub fn charts(&self) -> Vec<NamedChart> {
        let mut names = Names::default();
        let mut charts = Vec::new();
        for part in self.parts() {
            for block in &part.content.blocks {
                let Block::Chart(chart) = block else { continue };
                let name = names.unique(&format!("{}-{}", part.id, chart.name));
                charts.push(NamedChart {
                    svg: page::standalone(chart, &name),
                    name,
                    title: chart.title.clone(),
                });
            }
        }
        charts
    }

    /// Process maps as text for Mermaid, with the names of their sections.
    pub fn maps(&self) -> Vec<(String, String)> {
        let maps = self.parts().into_iter().flat_map(|part| {
            let of_part = part.content.blocks.into_iter().filter_map(|block| match block {
                Block::Mermaid(text) => Some(text),
                _ => None,
            });
            of_part.map(move |text| (part.id.clone(), text)).collect::<Vec<_>>()
        });
        maps.collect()
    }

    /// All figures, also those of tables that are cut in HTML: money as its amount in decimal text with its currency,
    /// spans in seconds, shares of 1, instants in RFC 3339.
    pub fn json(&self) -> Value {
        let show = self.show();
        let section = |part: &Part<'_>| {
            let management = part.section.management.map(Management::title);
            let mut section = json!({ "id": part.id, "title": part.section.title, "management": management });
            if let (Value::Object(section), Value::Object(content)) = (&mut section, part.content.json(&show))
            {
                section.extend(content);
            }
            section
        };
        let sections: Vec<Value> = self.parts().iter().map(section).collect();
        json!({
            "title": self.title,
            "as_of": show.rfc3339(self.as_of),
            "zone": self.zone.name(),
            "source": self.source,
            "sections": sections,
        })
    }

    fn show(&self) -> Show {
        Show { zone: self.zone }
    }

    fn subtitle(&self) -> String {
        let source = self.source.as_ref().map_or_else(String::new, |source| format!(" \u{b7} {source}"));
        format!("As of {} ({}){source}", self.show().instant(self.as_of), self.zone.name())
    }

    /// The sections in the order of the page.
    fn parts(&self) -> Vec<Part<'_>> {
        let show = self.show();
        let mut names = Names::default();
        let mut sections: Vec<&Section> = self.sections.iter().collect();
        sections.sort_by_key(|section| section.management);
        let part = |section: &'_ Section| (names.unique(section.name), section.content(&show));
        let with_names: Vec<_> = sections.iter().copied().map(part).collect();
        let parts = sections.into_iter().zip(with_names);
        parts.map(|(section, (id, content))| Part { id, section, content }).collect()
    }
}

/// Gives names that come again a number.
#[derive(Debug, Default)]
pub(crate) struct Names(BTreeMap<String, usize>);

impl Names {
    pub(crate) fn unique(&mut self, name: &str) -> String {
        let times = self.0.entry(name.to_owned()).or_default();
        *times += 1;
        if *times == 1 { name.to_owned() } else { format!("{name}-{times}") }
    }
}

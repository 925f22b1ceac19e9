//! Sections: what a report may hold, each made of results that the core and the measures give.

mod campaigns;
mod care;
mod customer;
mod experience;
mod goals;
mod groups;
mod journey_map;
mod lifecycle;
mod norms;
mod overview;
mod pipeline;
mod prices;
mod process;
mod segments;
mod stages;
mod swot;
mod value;

use std::fmt;
use std::sync::Arc;

use crate::content::Content;
use crate::show::Show;

/// The four managements of the customer system (客户体系), by which a report is arranged.
///
/// Single customers come last: a reader wants to know about all of them first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Management {
    /// Who customers are to us: lifecycle, segments, and who leaves (客户关系管理).
    Relationship,
    /// What they go through: ways, waits and satisfaction (客户体验管理).
    Experience,
    /// What they bring (客户价值管理).
    Value,
    /// What is known of single customers (客户信息管理).
    Information,
}

impl Management {
    /// All, in the order of a report.
    pub const ALL: [Self; 4] = [Self::Relationship, Self::Experience, Self::Value, Self::Information];

    /// The heading.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Relationship => "Relationship",
            Self::Experience => "Experience",
            Self::Value => "Value",
            Self::Information => "Customers",
        }
    }
}

type Draw = Arc<dyn Fn(&Show) -> Content + Send + Sync>;

/// One section of a report: charts with their figures, under a heading.
#[derive(Clone)]
pub struct Section {
    /// `None` stands at the head of the report.
    pub(crate) management: Option<Management>,
    /// What names of charts and anchors begin with.
    pub(crate) name: &'static str,
    pub(crate) title: String,
    pub(crate) note: Option<String>,
    draw: Draw,
}

impl fmt::Debug for Section {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Section")
            .field("management", &self.management)
            .field("name", &self.name)
            .field("title", &self.title)
            .finish_non_exhaustive()
    }
}

impl Section {
    fn new(
        management: impl Into<Option<Management>>,
        name: &'static str,
        title: impl Into<String>,
        draw: impl Fn(&Show) -> Content + Send + Sync + 'static,
    ) -> Self {
        Self { management: management.into(), name, title: title.into(), note: None, draw: Arc::new(draw) }
    }

    /// Sets another heading, such as the name of a funnel where there are several.
    pub fn titled(mut self, title: impl Into<String>) -> Self {
        self.title = title.into();
        self
    }

    /// Adds a remark below the heading: where figures come from, what was left out.
    pub fn with_note(mut self, note: impl Into<String>) -> Self {
        self.note = Some(note.into());
        self
    }

    /// Under which management it stands; `None` of the one at the head of the report.
    pub fn management(&self) -> Option<Management> {
        self.management
    }

    /// The heading.
    pub fn title(&self) -> &str {
        &self.title
    }

    pub(crate) fn content(&self, show: &Show) -> Content {
        (self.draw)(show)
    }
}

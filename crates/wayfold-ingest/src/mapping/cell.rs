//! Where a text comes from: a column with its clean-ups, a constant, or the event's own id.

use std::collections::BTreeMap;

use super::section::{Item, Section};
use crate::error::{Problem, Result};
use crate::row::{ColumnId, Fault, Row};

/// The columns that a mapping names, each once, with the line that names it first.
#[derive(Debug, Clone, Default)]
pub(crate) struct Columns {
    names: Vec<(String, u64)>,
}

impl Columns {
    pub(crate) fn id(&mut self, name: String, line: u64) -> ColumnId {
        let known = self.names.iter().position(|(known, _)| *known == name);
        ColumnId(known.unwrap_or_else(|| {
            self.names.push((name, line));
            self.names.len() - 1
        }))
    }

    pub(crate) fn name(&self, column: ColumnId) -> &str {
        &self.names[column.0].0
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, u64)> {
        self.names.iter().map(|(name, line)| (name.as_str(), *line))
    }
}

/// How the rows of a group agree on a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Across {
    /// All rows must say the same.
    Same,
    /// The first row counts.
    First,
    /// The values are added up.
    Sum,
    /// Every row adds its own.
    All,
    /// The smallest counts.
    Min,
    /// The largest counts.
    Max,
}

impl Across {
    const NAMES: [(&'static str, Self); 6] = [
        ("same", Self::Same),
        ("first", Self::First),
        ("sum", Self::Sum),
        ("all", Self::All),
        ("min", Self::Min),
        ("max", Self::Max),
    ];

    /// Takes the key `across`; only the words that make sense for the value are let in.
    pub(super) fn take(section: &mut Section<'_>, allowed: &[Self]) -> Result<Option<Self>> {
        let Some(item) = section.take("across") else { return Ok(None) };
        let named =
            |across: &Self| Self::NAMES.iter().find(|(_, known)| known == across).map(|(name, _)| *name);
        let names = allowed.iter().filter_map(named).collect::<Vec<_>>().join(", ");
        let wrong = item.error_at(format_args!("{} is not one of: {names}", item.title));
        let text = item.into_text()?;
        let found = Self::NAMES.iter().find(|(name, across)| *name == text && allowed.contains(across));
        found.map(|(_, across)| Some(*across)).ok_or(wrong)
    }
}

/// A text of each row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Text {
    source: Source,
    cleanup: Option<Box<Cleanup>>,
    pub(crate) across: Across,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Source {
    Column(ColumnId),
    Constant(String),
    EventId,
}

/// What is done to a cell before it is read, in the order of the fields.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Cleanup {
    trim: bool,
    strip_prefix: String,
    strip_suffix: String,
    map: BTreeMap<String, String>,
    default: String,
}

/// The keys of a table that says where a text comes from.
pub(super) const CELL_KEYS: &[&str] =
    &["column", "constant", "trim", "strip_prefix", "strip_suffix", "map", "default"];
/// The word that stands for the id of the event that is being made.
const EVENT_ID: &str = "@event_id";

impl Text {
    /// A column as it stands.
    pub(super) fn column(column: ColumnId) -> Self {
        Self { source: Source::Column(column), cleanup: None, across: Across::Same }
    }

    /// A text that is the same for every row.
    pub(super) fn constant_of(text: impl Into<String>) -> Self {
        Self { source: Source::Constant(text.into()), cleanup: None, across: Across::Same }
    }

    /// Reads the name of a column, or a table.
    pub(super) fn parse(item: Item<'_>, columns: &mut Columns) -> Result<Self> {
        Self::parse_across(item, columns, &[Across::Same, Across::First])
    }

    fn parse_across(item: Item<'_>, columns: &mut Columns, across: &[Across]) -> Result<Self> {
        let Some(name) = item.as_text() else {
            let mut section = item.into_section_of_value()?;
            section.allow(&[CELL_KEYS, &["across"]])?;
            return Self::from_section(&mut section, columns, across);
        };
        if name.starts_with('@') {
            return Err(item.error_at(format_args!(
                "{} cannot be {name:?}; for a column of that name write {{ column = {name:?} }}",
                item.title
            )));
        }
        Ok(Self::column(columns.id(name.to_owned(), item.line)))
    }

    /// As [`Text::parse`], and takes `"@event_id"` and more words for `across` as well.
    pub(super) fn parse_or_event_id(
        item: Item<'_>,
        columns: &mut Columns,
        across: &[Across],
    ) -> Result<Self> {
        if item.as_text() == Some(EVENT_ID) {
            return Ok(Self { source: Source::EventId, cleanup: None, across: Across::Same });
        }
        Self::parse_across(item, columns, across)
    }

    /// Takes the keys of [`CELL_KEYS`] and `across` out of a table that may hold others.
    pub(super) fn from_section(
        section: &mut Section<'_>,
        columns: &mut Columns,
        across: &[Across],
    ) -> Result<Self> {
        let source = match (section.take("column"), section.take("constant")) {
            (Some(column), None) => {
                let line = column.line;
                Source::Column(columns.id(column.into_text()?, line))
            }
            (None, Some(constant)) => Source::Constant(constant.into_constant()?),
            (Some(_), Some(_)) => {
                return Err(
                    section.error(format_args!("{} names both a column and a constant", section.title))
                );
            }
            (None, None) => {
                return Err(
                    section.error(format_args!("{} needs the key \"column\" or \"constant\"", section.title))
                );
            }
        };
        let cleanup = Cleanup::take(section)?;
        let across = Across::take(section, across)?.unwrap_or(Across::Same);
        Ok(Self { source, cleanup: cleanup.map(Box::new), across })
    }

    /// The text of a row; empty where the cell is.
    pub(crate) fn get<'r>(&'r self, row: &Row<'r>) -> &'r str {
        let raw = match &self.source {
            Source::Column(column) => row.cell(*column),
            Source::Constant(text) => text,
            Source::EventId => row.event_id,
        };
        match &self.cleanup {
            None => raw,
            Some(cleanup) => cleanup.apply(raw),
        }
    }

    /// The text of a row, which must not be empty.
    pub(crate) fn required<'r>(&'r self, row: &Row<'r>, what: &str) -> std::result::Result<&'r str, Fault> {
        let text = self.get(row);
        if text.is_empty() {
            return Err(self.missing(what));
        }
        Ok(text)
    }

    pub(crate) fn missing(&self, what: &str) -> Fault {
        Fault {
            problem: Problem::MissingValue,
            column: self.column_id(),
            value: Some(String::new()),
            reason: format!("the {what} is empty; fill it in, or leave such rows out with a condition"),
        }
    }

    pub(crate) fn column_id(&self) -> Option<ColumnId> {
        match self.source {
            Source::Column(column) => Some(column),
            _ => None,
        }
    }

    pub(crate) fn is_event_id(&self) -> bool {
        matches!(self.source, Source::EventId)
    }

    /// The text, if it is the same for every row.
    pub(crate) fn constant(&self) -> Option<&str> {
        match &self.source {
            Source::Constant(text) => Some(text),
            _ => None,
        }
    }

    /// Says whether rows of a group must agree on it.
    pub(crate) fn must_agree(&self) -> bool {
        self.across == Across::Same && self.column_id().is_some()
    }
}

impl Cleanup {
    fn take(section: &mut Section<'_>) -> Result<Option<Self>> {
        let keys = ["trim", "strip_prefix", "strip_suffix", "map", "default"];
        if !keys.iter().any(|key| section.has(key)) {
            return Ok(None);
        }
        let mut map = BTreeMap::new();
        if let Some(item) = section.take("map") {
            for (from, to) in item.into_section("map")?.into_entries() {
                map.insert(from, to.into_text()?);
            }
        }
        Ok(Some(Self {
            trim: section.boolean("trim")?.unwrap_or_default(),
            strip_prefix: section.text("strip_prefix")?.unwrap_or_default(),
            strip_suffix: section.text("strip_suffix")?.unwrap_or_default(),
            map,
            default: section.text("default")?.unwrap_or_default(),
        }))
    }

    fn apply<'r>(&'r self, raw: &'r str) -> &'r str {
        let mut text = if self.trim { raw.trim() } else { raw };
        text = text.strip_prefix(self.strip_prefix.as_str()).unwrap_or(text);
        text = text.strip_suffix(self.strip_suffix.as_str()).unwrap_or(text);
        if let Some(mapped) = self.map.get(text) {
            text = mapped;
        }
        if text.is_empty() { &self.default } else { text }
    }
}

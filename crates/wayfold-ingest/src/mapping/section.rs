//! Reads the tables of a mapping, so that every complaint names the line and what is allowed there.

use std::collections::BTreeMap;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::error::{Error, ErrorKind, Place, Result};

/// The text of a mapping and its name, from which places in messages are made.
#[derive(Debug, Clone, Copy)]
pub(super) struct Document<'a> {
    pub(super) name: &'a str,
    pub(super) text: &'a str,
}

impl<'a> Document<'a> {
    /// Reads the whole document as its outermost table.
    pub(super) fn read(self) -> Result<Section<'a>> {
        let parsed = DeTable::parse(self.text).map_err(|error| {
            let line = error.span().map_or(1, |span| self.line_of(span.start));
            self.error(line, format_args!("it is no TOML: {}", error.message().trim_end()))
        })?;
        Ok(Section::new(self, parsed.into_inner(), "the mapping".to_owned(), 1))
    }

    fn line_of(self, offset: usize) -> u64 {
        let before = &self.text.as_bytes()[..offset.min(self.text.len())];
        before.iter().filter(|byte| **byte == b'\n').count() as u64 + 1
    }

    pub(super) fn error(self, line: u64, reason: impl std::fmt::Display) -> Error {
        Error::new(ErrorKind::Mapping, Place::line(self.name, line), reason)
    }
}

/// A table of the mapping.
pub(super) struct Section<'a> {
    document: Document<'a>,
    /// What messages call it, such as `[time]`.
    pub(super) title: String,
    pub(super) line: u64,
    entries: BTreeMap<String, Item<'a>>,
}

/// A value of the mapping with its key and line.
pub(super) struct Item<'a> {
    document: Document<'a>,
    /// What messages call it, such as `"format" in [time]`.
    pub(super) title: String,
    pub(super) line: u64,
    value: DeValue<'a>,
}

/// A line of the mapping, for complaints about what was read from there.
#[derive(Debug, Clone, Copy)]
pub(super) struct LinePlace<'a> {
    document: Document<'a>,
    line: u64,
}

impl LinePlace<'_> {
    pub(super) fn at_line(self, line: u64) -> Self {
        Self { line, ..self }
    }

    pub(super) fn error(self, reason: impl std::fmt::Display) -> Error {
        self.document.error(self.line, reason)
    }
}

impl<'a> Section<'a> {
    fn new(document: Document<'a>, table: DeTable<'a>, title: String, line: u64) -> Self {
        let entries = table
            .into_iter()
            .map(|(key, value)| {
                let line = document.line_of(key.span().start);
                let key = key.into_inner().into_owned();
                let item_title =
                    if title == "the mapping" { format!("{key:?}") } else { format!("{key:?} in {title}") };
                let value = value.into_inner();
                (key, Item { document, title: item_title, line, value })
            })
            .collect();
        Self { document, title, line, entries }
    }

    /// Refuses keys that are not on the lists; before anything else, so that a slip of the pen is named and
    /// not what it leaves missing.
    pub(super) fn allow(&self, lists: &[&[&str]]) -> Result<()> {
        let known = || lists.iter().flat_map(|list| list.iter());
        for (key, item) in &self.entries {
            if !known().any(|known| known == key) {
                let names = known().copied().collect::<Vec<_>>().join(", ");
                let names = if names.is_empty() { "none" } else { &names };
                return Err(item.error_at(format_args!(
                    "unknown key {key:?} in {}; the keys here are: {names}",
                    self.title
                )));
            }
        }
        Ok(())
    }

    pub(super) fn take(&mut self, key: &str) -> Option<Item<'a>> {
        self.entries.remove(key)
    }

    pub(super) fn require(&mut self, key: &str) -> Result<Item<'a>> {
        self.take(key).ok_or_else(|| self.error(format_args!("{} needs the key {key:?}", self.title)))
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.entries.contains_key(key)
    }

    pub(super) fn text(&mut self, key: &str) -> Result<Option<String>> {
        self.take(key).map(Item::into_text).transpose()
    }

    pub(super) fn boolean(&mut self, key: &str) -> Result<Option<bool>> {
        self.take(key).map(Item::into_boolean).transpose()
    }

    /// Every entry that is left, for tables whose keys are the user's own.
    pub(super) fn into_entries(self) -> impl Iterator<Item = (String, Item<'a>)> {
        self.entries.into_iter()
    }

    pub(super) fn error(&self, reason: impl std::fmt::Display) -> Error {
        self.document.error(self.line, reason)
    }
}

impl<'a> Item<'a> {
    pub(super) fn is_text(&self) -> bool {
        matches!(self.value, DeValue::String(_))
    }

    pub(super) fn as_text(&self) -> Option<&str> {
        match &self.value {
            DeValue::String(text) => Some(text),
            _ => None,
        }
    }

    pub(super) fn has_key(&self, key: &str) -> bool {
        match &self.value {
            DeValue::Table(table) => table.keys().any(|known| known.get_ref() == key),
            _ => false,
        }
    }

    /// Takes a key out of a table, before it is known what else the table may hold.
    pub(super) fn take_key(&mut self, key: &str) -> Option<Item<'a>> {
        let DeValue::Table(table) = &mut self.value else { return None };
        let found = table.keys().find(|known| known.get_ref() == key)?.clone();
        let value = table.remove(&found)?;
        let line = self.document.line_of(found.span().start);
        let title = format!("{key:?} in {}", self.title);
        Some(Item { document: self.document, title, line, value: value.into_inner() })
    }

    pub(super) fn is_array(&self) -> bool {
        matches!(self.value, DeValue::Array(_))
    }

    pub(super) fn into_text(self) -> Result<String> {
        match self.value {
            DeValue::String(text) => Ok(text.into_owned()),
            _ => Err(self.wrong("a text in quotes")),
        }
    }

    pub(super) fn into_boolean(self) -> Result<bool> {
        match self.value {
            DeValue::Boolean(value) => Ok(value),
            _ => Err(self.wrong("true or false")),
        }
    }

    pub(super) fn into_count(self) -> Result<u64> {
        match &self.value {
            DeValue::Integer(number) => u64::from_str_radix(number.as_str(), number.radix()).map_err(|_| {
                self.error_at(format_args!(
                    "{} is {number}; it must lie between 0 and {}",
                    self.title,
                    u64::MAX
                ))
            }),
            _ => Err(self.wrong("a whole number that is not negative")),
        }
    }

    /// A number as its decimal text; floats as they are written, so that nothing is rounded.
    pub(super) fn into_number_text(self) -> Result<String> {
        match &self.value {
            DeValue::Integer(number) if number.radix() == 10 => Ok(number.as_str().to_owned()),
            DeValue::Float(number) => Ok(number.as_str().to_owned()),
            DeValue::String(text) => Ok(text.clone().into_owned()),
            _ => Err(self.wrong("a decimal number")),
        }
    }

    /// A constant as the text that a cell would hold.
    pub(super) fn into_constant(self) -> Result<String> {
        match &self.value {
            DeValue::Boolean(value) => Ok(value.to_string()),
            DeValue::String(_) | DeValue::Integer(_) | DeValue::Float(_) => self.into_number_text(),
            _ => Err(self.wrong("a text, a number, or true or false")),
        }
    }

    pub(super) fn into_array(self) -> Result<Vec<Item<'a>>> {
        let DeValue::Array(values) = self.value else {
            return Err(self.wrong("a list in square brackets"));
        };
        let (document, title) = (self.document, self.title);
        let item = |value: Spanned<DeValue<'a>>| {
            let line = document.line_of(value.span().start);
            Item { document, title: title.clone(), line, value: value.into_inner() }
        };
        Ok(values.into_iter().map(item).collect())
    }

    /// One value or a list of them.
    pub(super) fn into_list(self) -> Result<Vec<Item<'a>>> {
        if self.is_array() { self.into_array() } else { Ok(vec![self]) }
    }

    pub(super) fn into_section(self, title: impl Into<String>) -> Result<Section<'a>> {
        match self.value {
            DeValue::Table(table) => Ok(Section::new(self.document, table, title.into(), self.line)),
            _ => Err(self.wrong("a table")),
        }
    }

    /// A table that says where a value comes from.
    pub(super) fn into_section_of_value(self) -> Result<Section<'a>> {
        let title = format!("the table of {}", self.title);
        match self.value {
            DeValue::Table(table) => Ok(Section::new(self.document, table, title, self.line)),
            _ => Err(self.wrong("the name of a column, or a table")),
        }
    }

    pub(super) fn wrong(&self, expected: &str) -> Error {
        let found = match &self.value {
            DeValue::String(_) => "a text",
            DeValue::Integer(_) => "a whole number",
            DeValue::Float(_) => "a decimal number",
            DeValue::Boolean(_) => "true or false",
            DeValue::Datetime(_) => "a date",
            DeValue::Array(_) => "a list",
            DeValue::Table(_) => "a table",
        };
        self.error_at(format_args!("{} is {found}; it must be {expected}", self.title))
    }

    pub(super) fn place(&self) -> LinePlace<'a> {
        LinePlace { document: self.document, line: self.line }
    }

    pub(super) fn error_at(&self, reason: impl std::fmt::Display) -> Error {
        self.document.error(self.line, reason)
    }
}

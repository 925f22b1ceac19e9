//! Conditions: which rows a rule is about.

use std::cmp::Ordering;

use super::cell::{CELL_KEYS, Columns, Text};
use super::section::{Item, Section};
use crate::decimal::Decimal;
use crate::error::{Problem, Result};
use crate::row::{Fault, Row};

/// What must hold for a row.
#[derive(Debug, Clone)]
pub(crate) enum Condition {
    All(Vec<Condition>),
    Any(Vec<Condition>),
    Not(Box<Condition>),
    Test { text: Text, test: Test },
}

/// What must hold for one cell.
#[derive(Debug, Clone)]
pub(crate) enum Test {
    Equals(Vec<String>),
    NotEquals(Vec<String>),
    StartsWith(Vec<String>),
    NotStartsWith(Vec<String>),
    IsEmpty(bool),
    /// The orderings of the cell to the number that hold.
    Compare {
        holds: &'static [Ordering],
        number: Decimal,
    },
}

type MakeTest = fn(Vec<String>) -> Test;
const TEXT_TESTS: [(&str, MakeTest); 4] = [
    ("equals", Test::Equals),
    ("not_equals", Test::NotEquals),
    ("starts_with", Test::StartsWith),
    ("not_starts_with", Test::NotStartsWith),
];
const NUMBER_TESTS: [(&str, &[Ordering]); 4] = [
    ("gt", &[Ordering::Greater]),
    ("ge", &[Ordering::Greater, Ordering::Equal]),
    ("lt", &[Ordering::Less]),
    ("le", &[Ordering::Less, Ordering::Equal]),
];
const KEYS: &[&str] = &[
    "equals",
    "not_equals",
    "starts_with",
    "not_starts_with",
    "is_empty",
    "not_empty",
    "gt",
    "ge",
    "lt",
    "le",
];
const JOINS: &[&str] = &["all", "any", "not"];

impl Condition {
    /// Holds for every row.
    pub(super) fn always() -> Self {
        Self::All(Vec::new())
    }

    /// Reads a condition; a list means that all of them hold.
    pub(super) fn parse(item: Item<'_>, columns: &mut Columns) -> Result<Self> {
        if item.is_array() {
            return Self::list(item, columns).map(Self::All);
        }
        let title = format!("the condition {}", item.title);
        let mut section = item.into_section(title)?;
        section.allow(&[JOINS, CELL_KEYS, KEYS])?;
        let joins = JOINS.iter().filter(|join| section.has(join)).count();
        match joins {
            0 => Self::tests(&mut section, columns),
            1 => Self::join(&mut section, columns),
            _ => Err(section.error("a condition holds one of all, any and not; put one into the other")),
        }
    }

    fn list(item: Item<'_>, columns: &mut Columns) -> Result<Vec<Self>> {
        item.into_array()?.into_iter().map(|item| Self::parse(item, columns)).collect()
    }

    fn join(section: &mut Section<'_>, columns: &mut Columns) -> Result<Self> {
        section.allow(&[JOINS])?;
        if let Some(item) = section.take("all") {
            return Self::list(item, columns).map(Self::All);
        }
        if let Some(item) = section.take("any") {
            return Self::list(item, columns).map(Self::Any);
        }
        Ok(Self::Not(Box::new(Self::parse(section.require("not")?, columns)?)))
    }

    fn tests(section: &mut Section<'_>, columns: &mut Columns) -> Result<Self> {
        let mut tests = Vec::new();
        for (key, test) in TEXT_TESTS {
            if let Some(item) = section.take(key) {
                let texts = item.into_list()?.into_iter().map(Item::into_text).collect::<Result<_>>()?;
                tests.push(test(texts));
            }
        }
        for (key, expected) in [("is_empty", true), ("not_empty", false)] {
            if let Some(value) = section.boolean(key)? {
                tests.push(Test::IsEmpty(value == expected));
            }
        }
        for (key, holds) in NUMBER_TESTS {
            if let Some(item) = section.take(key) {
                let wrong = item.wrong("a decimal number");
                let number = Decimal::parse(&item.into_number_text()?).map_err(|_| wrong)?;
                tests.push(Test::Compare { holds, number });
            }
        }
        if tests.is_empty() {
            let names = KEYS.join(", ");
            return Err(
                section.error(format_args!("{} tests nothing; it needs one of: {names}", section.title))
            );
        }
        let text = Text::from_section(section, columns, &[])?;
        Ok(Self::All(tests.into_iter().map(|test| Self::Test { text: text.clone(), test }).collect()))
    }

    /// Says whether the condition holds; parts are looked at in their order, and no more than are needed.
    pub(crate) fn holds(&self, row: &Row<'_>) -> std::result::Result<bool, Fault> {
        match self {
            Self::All(parts) => {
                for part in parts {
                    if !part.holds(row)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            Self::Any(parts) => {
                for part in parts {
                    if part.holds(row)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            Self::Not(part) => part.holds(row).map(|holds| !holds),
            Self::Test { text, test } => test.holds(text, text.get(row)),
        }
    }
}

impl Test {
    fn holds(&self, text: &Text, cell: &str) -> std::result::Result<bool, Fault> {
        match self {
            Self::Equals(texts) => Ok(texts.iter().any(|text| text == cell)),
            Self::NotEquals(texts) => Ok(texts.iter().all(|text| text != cell)),
            Self::StartsWith(texts) => Ok(texts.iter().any(|text| cell.starts_with(text.as_str()))),
            Self::NotStartsWith(texts) => Ok(!texts.iter().any(|text| cell.starts_with(text.as_str()))),
            Self::IsEmpty(expected) => Ok(cell.is_empty() == *expected),
            Self::Compare { holds, number } => match Decimal::parse(cell) {
                Ok(found) => Ok(holds.contains(&found.compare(*number))),
                Err(_) => Err(Fault::cell(
                    Problem::Number,
                    text.column_id(),
                    cell,
                    "is no number to compare; mend it, or test not_empty or another column first",
                )),
            },
        }
    }
}

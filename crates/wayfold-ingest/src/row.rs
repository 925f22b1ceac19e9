//! A row as rules see it, and what can be wrong with it.

use csv::StringRecord;
use wayfold_core::{Error as CoreError, ErrorKind as CoreErrorKind, EventId};

use crate::error::{Problem, shown};

/// A column that the mapping names, by its place in the mapping's list of columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ColumnId(pub(crate) usize);

/// A row of a file, with the place of each column that the mapping names.
#[derive(Clone, Copy)]
pub(crate) struct Row<'a> {
    pub(crate) record: &'a StringRecord,
    pub(crate) places: &'a [usize],
    /// The id of the event that is being made, once it is known and where a rule asks for it.
    pub(crate) event_id: &'a str,
}

impl<'a> Row<'a> {
    pub(crate) fn cell(&self, column: ColumnId) -> &'a str {
        self.record.get(self.places[column.0]).expect("rows have as many cells as the header")
    }
}

/// What is wrong with a row, before its place is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) problem: Problem,
    pub(crate) column: Option<ColumnId>,
    pub(crate) value: Option<String>,
    pub(crate) reason: String,
}

impl Fault {
    pub(crate) fn new(problem: Problem, reason: impl std::fmt::Display) -> Self {
        Self { problem, column: None, value: None, reason: reason.to_string() }
    }

    /// A fault of one cell; the reason begins with what stands in it.
    pub(crate) fn cell(problem: Problem, column: Option<ColumnId>, value: &str, reason: &str) -> Self {
        Self { problem, column, value: Some(value.to_owned()), reason: format!("{} {reason}", shown(value)) }
    }

    /// Takes over what the core says about a cell.
    pub(crate) fn core(column: Option<ColumnId>, value: &str, error: &CoreError) -> Self {
        let problem = match error.kind() {
            CoreErrorKind::InvalidMoney => Problem::Money,
            CoreErrorKind::InvalidTime => Problem::Time,
            CoreErrorKind::InvalidName => Problem::Name,
            CoreErrorKind::LimitExceeded => Problem::Limit,
            _ => Problem::Word,
        };
        Self { problem, column, value: Some(value.to_owned()), reason: error.to_string() }
    }

    /// Names the rule whose event is wrong, where no cell tells.
    pub(crate) fn of_rule(self, rule: &str) -> Self {
        if self.column.is_some() || !matches!(self.problem, Problem::InvalidEvent | Problem::Limit) {
            return self;
        }
        Self { reason: format!("rule {rule:?}: {}", self.reason), ..self }
    }

    /// Takes over what the core says about a whole event, but for the id: the row says which event it is.
    pub(crate) fn event(event: EventId, error: &CoreError) -> Self {
        let problem = match error.kind() {
            CoreErrorKind::LimitExceeded => Problem::Limit,
            _ => Problem::InvalidEvent,
        };
        let message = error.to_string();
        Self::new(problem, message.strip_prefix(&format!("event {event}: ")).unwrap_or(&message))
    }
}

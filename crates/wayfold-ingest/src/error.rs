//! The crate's one error, and what can be wrong with a row.

use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::sync::Arc;

/// What a caller can act on when an import stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A file could not be opened, read or written.
    Io,
    /// A compressed file, or a Parquet file, ends too early or is damaged.
    Truncated,
    /// The mapping cannot be understood; the message names its line.
    Mapping,
    /// The file is not what it should be: a column is missing or of another type, a row tells that the file is of
    /// another form than the mapping says, or a newer version of the library wrote it.
    Mismatch,
    /// A row cannot become an event; [`Error::problem`] says what is wrong with it.
    BadRow,
    /// The rows of a group lie further apart than the mapping says.
    NotAdjacent,
    /// More rows wait for their group to end than the mapping allows.
    TooManyOpenRows,
}

/// What is wrong with a row; rejected rows are counted by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Problem {
    /// It has more or fewer cells than the header.
    Ragged,
    /// It is not UTF-8.
    Encoding,
    /// It is longer than a row may be.
    TooLong,
    /// A cell that is needed is empty.
    MissingValue,
    /// A time cannot be read, or does not exist or is ambiguous in its zone.
    Time,
    /// A time lies too far beyond the clock.
    Future,
    /// An amount or a currency cannot be read.
    Money,
    /// A number, or true or false, cannot be read.
    Number,
    /// A word is not on its closed list.
    Word,
    /// A name is too long or malformed.
    Name,
    /// Rows of one group contradict each other.
    Contradiction,
    /// Another row of its group is bad, so the group is rejected whole.
    Group,
    /// The event breaks a rule of its kind.
    InvalidEvent,
    /// The event exceeds a stated limit.
    Limit,
    /// A line is no JSON event, or a cell holds no JSON or no id where one should be.
    Malformed,
}

impl Problem {
    /// The word that stands for the problem in a rejects file.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ragged => "ragged",
            Self::Encoding => "encoding",
            Self::TooLong => "too_long",
            Self::MissingValue => "missing_value",
            Self::Time => "time",
            Self::Future => "future",
            Self::Money => "money",
            Self::Number => "number",
            Self::Word => "word",
            Self::Name => "name",
            Self::Contradiction => "contradiction",
            Self::Group => "group",
            Self::InvalidEvent => "invalid_event",
            Self::Limit => "limit",
            Self::Malformed => "malformed",
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The crate's one error: a kind to act on, the place, and a message that says what to do.
///
/// Cloning is cheap: an import that has stopped gives the same error again when it is asked for more.
#[derive(Debug, Clone)]
pub struct Error(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    kind: ErrorKind,
    place: Place,
    reason: String,
    problem: Option<Problem>,
    source: Option<io::Error>,
}

/// Where in the input something is wrong.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) file: String,
    pub(crate) row: Option<u64>,
    pub(crate) line: Option<u64>,
    pub(crate) column: Option<String>,
    pub(crate) value: Option<String>,
}

impl Place {
    pub(crate) fn file(file: &str) -> Self {
        Self { file: file.to_owned(), ..Self::default() }
    }

    pub(crate) fn line(file: &str, line: u64) -> Self {
        Self { line: Some(line), ..Self::file(file) }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        match (self.row, self.line) {
            (Some(row), Some(line)) => write!(f, ", row {row} (line {line})")?,
            (Some(row), None) => write!(f, ", row {row}")?,
            (None, Some(line)) => write!(f, ", line {line}")?,
            (None, None) => {}
        }
        match &self.column {
            Some(column) => write!(f, ", column {column}"),
            None => Ok(()),
        }
    }
}

/// The result of a call that reads or writes files.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    pub(crate) fn new(kind: ErrorKind, place: Place, reason: impl fmt::Display) -> Self {
        let reason = reason.to_string();
        Self(Arc::new(Inner { kind, place, reason, problem: None, source: None }))
    }

    pub(crate) fn io(place: Place, reason: impl fmt::Display, source: io::Error) -> Self {
        let kind = match source.kind() {
            io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData => {
                ErrorKind::Truncated
            }
            _ => ErrorKind::Io,
        };
        let reason = reason.to_string();
        Self(Arc::new(Inner { kind, place, reason, problem: None, source: Some(source) }))
    }

    pub(crate) fn bad_row(problem: Problem, place: Place, reason: impl fmt::Display) -> Self {
        let (kind, reason) = (ErrorKind::BadRow, reason.to_string());
        Self(Arc::new(Inner { kind, place, reason, problem: Some(problem), source: None }))
    }

    /// Says what went wrong, for a caller to act on.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// What is wrong with the row, if a row is what the import stopped at.
    pub fn problem(&self) -> Option<Problem> {
        self.0.problem
    }

    /// The file or mapping.
    pub fn file(&self) -> &str {
        &self.0.place.file
    }

    /// The number of the row among the rows of data, from 1; the header is not counted.
    pub fn row(&self) -> Option<u64> {
        self.0.place.row
    }

    /// The number of the line in the file or mapping, from 1.
    pub fn line(&self) -> Option<u64> {
        self.0.place.line
    }

    /// The name of the column.
    pub fn column(&self) -> Option<&str> {
        self.0.place.column.as_deref()
    }

    /// What stands in the cell.
    pub fn value(&self) -> Option<&str> {
        self.0.place.value.as_deref()
    }

    /// What is wrong and what to do, without the place.
    pub fn reason(&self) -> &str {
        &self.0.reason
    }

    /// Says whether a new import may succeed unchanged: where reading was interrupted or timed out.
    pub fn is_retryable(&self) -> bool {
        let kind = self.0.source.as_ref().map(io::Error::kind);
        matches!(kind, Some(io::ErrorKind::Interrupted | io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.0.place, self.0.reason)
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_ref().map(|source| source as &(dyn StdError + 'static))
    }
}

/// The longest part of a cell that a message shows, in characters.
const SHOWN_CHARS_MAX: usize = 60;

/// A cell as messages show it: quoted, escaped, and cut where it is long.
pub(crate) fn shown(text: &str) -> String {
    match text.char_indices().nth(SHOWN_CHARS_MAX) {
        Some((end, _)) => format!("{:?} ...", &text[..end]),
        None => format!("{text:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn message_names_the_place_and_cuts_long_cells() {
        let mut place = Place::line("a.csv", 3);
        (place.row, place.column) = (Some(2), Some("Price".to_owned()));
        let error = Error::bad_row(Problem::Money, place, "it is odd");
        assert_eq!(error.to_string(), "a.csv, row 2 (line 3), column Price: it is odd");
        assert_eq!(shown(&"x".repeat(61)), format!("{:?} ...", "x".repeat(60)));
    }

    #[test]
    fn interrupted_reading_can_be_tried_again_and_a_bad_row_cannot() {
        let source = io::Error::from(io::ErrorKind::TimedOut);
        assert!(Error::io(Place::file("a.csv"), "cannot be read", source).is_retryable());
        assert!(!Error::bad_row(Problem::Time, Place::file("a.csv"), "no time").is_retryable());
    }
}

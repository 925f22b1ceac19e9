//! Tables of typed cells: one source for what is read in HTML and what programs read as JSON.

use chrono::NaiveDate;
use serde_json::{Value, json};
use wayfold_core::{MoneySum, Span, Timestamp};

use crate::show::Show;

/// One figure or text.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Cell {
    Empty,
    Text(String),
    Count(i64),
    /// A number and how many decimals of it are shown.
    Number(f64, usize),
    /// A share of 1, shown in percent.
    Share(f64),
    Money(MoneySum),
    Span(Span),
    Day(NaiveDate),
    Instant(Timestamp),
}

impl Cell {
    pub(crate) fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    pub(crate) fn count(count: impl TryInto<i64>) -> Self {
        Self::Count(count.try_into().unwrap_or(i64::MAX))
    }

    /// A part of a whole, or nothing where there is no whole.
    pub(crate) fn share(part: u64, whole: u64) -> Self {
        if whole == 0 { Self::Empty } else { Self::Share(part as f64 / whole as f64) }
    }

    /// For people.
    pub(crate) fn shown(&self, show: &Show) -> String {
        match self {
            Self::Empty => String::new(),
            Self::Text(text) => text.clone(),
            Self::Count(count) => show.count(*count),
            Self::Number(number, decimals) => show.number(*number, *decimals),
            Self::Share(share) => show.share(*share),
            Self::Money(sum) => show.money(*sum),
            Self::Span(span) => show.span(*span),
            Self::Day(day) => show.day(*day),
            Self::Instant(at) => show.instant(*at),
        }
    }

    /// What rows are sorted by; texts by what they show, and what is empty first.
    pub(crate) fn sort_key(&self) -> Option<f64> {
        match self {
            Self::Empty | Self::Text(_) => None,
            Self::Count(count) => Some(*count as f64),
            Self::Number(number, _) | Self::Share(number) => Some(*number),
            Self::Money(sum) => Some(sum.as_ten_thousandths() as f64),
            Self::Span(span) => Some(span.as_micros() as f64),
            Self::Day(day) => Some(day.signed_duration_since(NaiveDate::default()).num_days() as f64),
            Self::Instant(at) => Some(at.as_micros() as f64),
        }
    }

    pub(crate) fn is_number(&self) -> bool {
        !matches!(self, Self::Text(_))
    }

    /// For programs: money as its amount in decimal text with its currency, spans in seconds, instants in RFC 3339.
    pub(crate) fn json(&self, show: &Show) -> Value {
        match self {
            Self::Empty => Value::Null,
            Self::Text(text) => json!(text),
            Self::Count(count) => json!(count),
            Self::Number(number, _) | Self::Share(number) => json!(number),
            Self::Money(sum) => json!(sum),
            Self::Span(span) => json!(span.as_micros() as f64 / 1e6),
            Self::Day(day) => json!(day.to_string()),
            Self::Instant(at) => json!(show.rfc3339(*at)),
        }
    }
}

/// Figures in columns; the first column names the row.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) title: String,
    pub(crate) columns: Vec<String>,
    pub(crate) rows: Vec<Vec<Cell>>,
    /// Whether it is shown at once.
    pub(crate) is_open: bool,
}

impl Table {
    pub(crate) fn new<C: Into<String>>(
        title: impl Into<String>,
        columns: impl IntoIterator<Item = C>,
        rows: impl IntoIterator<Item = Vec<Cell>>,
    ) -> Self {
        let columns = columns.into_iter().map(Into::into).collect();
        Self { title: title.into(), columns, rows: rows.into_iter().collect(), is_open: false }
    }

    /// Shows it at once, because it says more than a picture.
    pub(crate) fn opened(self) -> Self {
        Self { is_open: true, ..self }
    }

    pub(crate) fn is_number(&self, column: usize) -> bool {
        let cells = || self.rows.iter().filter_map(|row| row.get(column));
        cells().all(Cell::is_number) && cells().any(|cell| *cell != Cell::Empty)
    }

    pub(crate) fn json(&self, show: &Show) -> Value {
        let rows: Vec<Vec<Value>> =
            self.rows.iter().map(|row| row.iter().map(|cell| cell.json(show)).collect()).collect();
        json!({ "title": self.title, "columns": self.columns, "rows": rows })
    }
}

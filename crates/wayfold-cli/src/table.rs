//! Tables for people.

use comfy_table::presets::UTF8_BORDERS_ONLY;
use comfy_table::{CellAlignment, ColumnConstraint, ContentArrangement};

use crate::printable::printable_line;

/// How many letters of a cell are shown: a name may have thousands. JSON has all.
const CELL_LETTERS_MAX: usize = 200;

/// A table with a header; columns of numbers stand right.
pub(crate) struct Table {
    inner: comfy_table::Table,
}

impl Table {
    /// Begins a table whose first so many columns hold texts, and the others numbers.
    pub(crate) fn new<T: AsRef<str>>(header: &[T], texts: usize) -> Self {
        let mut inner = comfy_table::Table::new();
        let cells = header.iter().map(|cell| printable_line(cell.as_ref()).into_owned());
        inner.load_style(UTF8_BORDERS_ONLY).set_header(cells.collect::<Vec<_>>());
        for column in texts..header.len() {
            if let Some(column) = inner.column_mut(column) {
                // A number on two lines is none.
                column.set_cell_alignment(CellAlignment::Right);
                column.set_constraint(ColumnConstraint::ContentWidth);
            }
        }
        Self { inner }
    }

    /// Adds a row.
    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.inner.add_row(cells.into_iter().map(|cell| shown(&cell)).collect::<Vec<_>>());
    }

    /// The same with rows added.
    pub(crate) fn with_rows(mut self, rows: impl IntoIterator<Item = Vec<String>>) -> Self {
        rows.into_iter().for_each(|row| self.row(row));
        self
    }

    /// The text, no wider than a terminal; as wide as it needs without one.
    pub(crate) fn drawn(mut self, width: Option<u16>) -> String {
        if let Some(width) = width {
            self.inner.set_width(width).set_content_arrangement(ContentArrangement::Dynamic);
        }
        self.inner.trim_fmt()
    }
}

fn shown(cell: &str) -> String {
    let cell = printable_line(cell);
    match cell.char_indices().nth(CELL_LETTERS_MAX) {
        Some((end, _)) => format!("{}..", &cell[..end]),
        None => cell.into_owned(),
    }
}

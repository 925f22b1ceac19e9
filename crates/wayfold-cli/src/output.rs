//! Standard output: lines and tables for people, JSON for programs, and nothing that a terminal would obey.

use std::io::{self, BufWriter, IsTerminal, Write};

use anyhow::{Context, Result};
use serde::Serialize;

use crate::printable::{printable_json, printable_line};
use crate::table::Table;

/// Where answers go.
pub(crate) struct Output {
    out: BufWriter<io::Stdout>,
    is_json: bool,
}

impl Output {
    /// Standard output, for people or for programs.
    pub(crate) fn standard(is_json: bool) -> Self {
        Self { out: BufWriter::new(io::stdout()), is_json }
    }

    /// Whether JSON was asked for.
    pub(crate) fn is_json(&self) -> bool {
        self.is_json
    }

    /// Whether people look at it as it comes.
    pub(crate) fn is_terminal(&self) -> bool {
        io::stdout().is_terminal()
    }

    /// Writes a line that stands out on a terminal.
    pub(crate) fn heading(&mut self, text: &str) -> Result<()> {
        let text = printable_line(text);
        Ok(writeln!(self.out, "{}", console::style(text).bold())?)
    }

    /// Writes a line.
    pub(crate) fn line(&mut self, text: impl AsRef<str>) -> Result<()> {
        Ok(writeln!(self.out, "{}", printable_line(text.as_ref()))?)
    }

    /// Writes a table, and an empty line behind it.
    pub(crate) fn table(&mut self, table: Table) -> Result<()> {
        let width = self.is_terminal().then(|| console::Term::stdout().size_checked()).flatten();
        Ok(writeln!(self.out, "{}\n", table.drawn(width.map(|(_, columns)| columns)))?)
    }

    /// Writes one object.
    pub(crate) fn object<T: Serialize>(&mut self, value: &T) -> Result<()> {
        let json = serde_json::to_string_pretty(value).context("failed to write the answer as JSON")?;
        Ok(writeln!(self.out, "{}", printable_json(&json))?)
    }

    /// Writes one of many objects, on a line of its own.
    pub(crate) fn object_line<T: Serialize>(&mut self, value: &T) -> Result<()> {
        let json = serde_json::to_string(value).context("failed to write the answer as JSON")?;
        Ok(writeln!(self.out, "{}", printable_json(&json))?)
    }

    /// The way of bytes that are written as they are.
    pub(crate) fn bytes(&mut self) -> &mut (impl Write + Send + use<>) {
        &mut self.out
    }

    /// Hands on what is held back.
    pub(crate) fn flush(&mut self) -> Result<()> {
        Ok(self.out.flush()?)
    }
}

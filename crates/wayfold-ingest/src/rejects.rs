//! The file that takes the rows which were refused, one entry a row.

use std::fmt;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use serde::Serialize;

use crate::error::{Error, Place, Result};

/// Takes rejected rows: file, row, line, column, value, what is wrong, and why.
///
/// Rows that share a group with a bad row are entries of their own with the problem `group`.
pub struct Rejects {
    writer: Box<dyn Write + Send>,
    form: Form,
    name: String,
}

#[derive(Debug, Clone, Copy)]
enum Form {
    Csv,
    Jsonl,
}

#[derive(Serialize)]
struct Entry<'a> {
    file: &'a str,
    row: Option<u64>,
    line: Option<u64>,
    column: Option<&'a str>,
    value: Option<&'a str>,
    problem: &'a str,
    reason: &'a str,
}

impl Rejects {
    /// Makes a new file: JSON Lines if the name ends in `.jsonl`, else CSV with a header.
    ///
    /// # Errors
    /// `Io` if it cannot be made, or if a file of that name is there already, whatever it holds: it may be the input.
    pub fn create(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let name = path.display().to_string();
        let file = File::create_new(path).map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => {
                let reason = "the file for rejected rows exists already; name a new one, or remove it";
                Error::io(Place::file(&name), reason, error)
            }
            _ => failed(&name, error),
        })?;
        let is_jsonl = path.extension().is_some_and(|extension| extension == "jsonl");
        let form = if is_jsonl { Form::Jsonl } else { Form::Csv };
        Ok(Self { writer: Box::new(BufWriter::new(file)), form, name })
    }

    /// Writes CSV with a header to a writer.
    pub fn csv(writer: impl Write + Send + 'static) -> Self {
        Self { writer: Box::new(writer), form: Form::Csv, name: "rejects".to_owned() }
    }

    /// Writes JSON Lines to a writer.
    pub fn jsonl(writer: impl Write + Send + 'static) -> Self {
        Self { writer: Box::new(writer), form: Form::Jsonl, name: "rejects".to_owned() }
    }

    /// Writes the header, so that an import which cannot write its rejects does not start.
    pub(crate) fn begin(&mut self) -> Result<()> {
        match self.form {
            Form::Csv => {
                let header = ["file", "row", "line", "column", "value", "problem", "reason"];
                self.write_csv(&header.map(str::to_owned))
            }
            Form::Jsonl => Ok(()),
        }
    }

    pub(crate) fn write(&mut self, bad: &Error) -> Result<()> {
        let entry = Entry {
            file: bad.file(),
            row: bad.row(),
            line: bad.line(),
            column: bad.column(),
            value: bad.value(),
            problem: bad.problem().map_or("", |problem| problem.as_str()),
            reason: bad.reason(),
        };
        match self.form {
            Form::Csv => {
                let number =
                    |number: Option<u64>| number.map(|number| number.to_string()).unwrap_or_default();
                self.write_csv(&[
                    entry.file.to_owned(),
                    number(entry.row),
                    number(entry.line),
                    entry.column.unwrap_or_default().to_owned(),
                    entry.value.unwrap_or_default().to_owned(),
                    entry.problem.to_owned(),
                    entry.reason.to_owned(),
                ])
            }
            Form::Jsonl => {
                let mut line = serde_json::to_vec(&entry).expect("texts and numbers have a JSON form");
                line.push(b'\n');
                self.write_bytes(&line)
            }
        }
    }

    /// Passes on what is buffered; after every batch, so that the file is complete up to there.
    pub(crate) fn flush(&mut self) -> Result<()> {
        self.writer.flush().map_err(|error| failed(&self.name, error))
    }

    fn write_csv(&mut self, cells: &[String; 7]) -> Result<()> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.write_record(cells).expect("a vector takes every byte");
        let line = writer.into_inner().expect("a vector takes every byte");
        self.write_bytes(&line)
    }

    fn write_bytes(&mut self, bytes: &[u8]) -> Result<()> {
        self.writer.write_all(bytes).map_err(|error| failed(&self.name, error))
    }
}

fn failed(name: &str, error: io::Error) -> Error {
    Error::io(Place::file(name), "the file of rejected rows cannot be written", error)
}

impl fmt::Debug for Rejects {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rejects").field("name", &self.name).field("form", &self.form).finish_non_exhaustive()
    }
}

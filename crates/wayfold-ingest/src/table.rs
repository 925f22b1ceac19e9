//! The rows of a file as cells.

use csv::{ByteRecord, ErrorKind as CsvErrorKind, StringRecord};

use crate::error::{Error, ErrorKind, Place, Result, shown};
use crate::input::{Input, Length, RowTooLong};
use crate::mapping::{Plan, Separation};

/// The rows of a file, header apart.
pub(crate) struct Table {
    rows: Rows,
    /// How many cells a row has.
    width: usize,
    row: u64,
    row_bytes_max: u64,
}

enum Rows {
    Delimited { reader: Box<csv::Reader<Input>>, ends: Option<RowEnd> },
    Whitespace { input: Box<Input>, line: u64, buffer: Vec<u8> },
}

/// How rows end: it decides which line the reader stands in after a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum RowEnd {
    Lf,
    /// The reader leaves the line feed after a carriage return for the next row.
    CrLf,
}

impl Table {
    /// Opens the rows and resolves the columns of the mapping to their places.
    pub(crate) fn open(input: Input, plan: &Plan, row_bytes_max: u64) -> Result<(Self, Vec<usize>)> {
        let form = &plan.form;
        let file = input.file().to_owned();
        let mut table = Self { rows: Rows::open(input, form.separation), width: 0, row: 0, row_bytes_max };
        let names = match &form.names {
            Some(names) => StringRecord::from(names.clone()),
            None => table.header(&file)?,
        };
        table.width = names.len();
        table.row = 0;
        let places = places(&file, &names, plan)?;
        Ok((table, places))
    }

    fn header(&mut self, file: &str) -> Result<StringRecord> {
        let mut header = ByteRecord::new();
        if self.read(&mut header)?.is_none() {
            let reason = "the file is empty; a header with the names of the columns is expected";
            return Err(Error::new(ErrorKind::Mismatch, Place::line(file, 1), reason));
        }
        StringRecord::from_byte_record(header).map_err(|_| {
            let reason = "the header is not UTF-8; save the file as UTF-8";
            Error::new(ErrorKind::Mismatch, Place::line(file, 1), reason)
        })
    }

    /// Reads the next row as it is, and gives the line in which it begins; `None` at the end.
    pub(crate) fn read(&mut self, record: &mut ByteRecord) -> Result<Option<u64>> {
        let line = match &mut self.rows {
            Rows::Delimited { reader, ends } => {
                reader.get_mut().allow(self.row_bytes_max);
                read_delimited(reader, ends, record)
            }
            Rows::Whitespace { input, line, buffer } => {
                read_words(input, line, buffer, self.row_bytes_max, record)
            }
        };
        let line = line.map_err(|stop| self.stopped(stop))?;
        self.row += u64::from(line.is_some());
        Ok(line)
    }

    fn stopped(&self, stop: Stop) -> Error {
        match stop {
            Stop::Unreadable(error) => error,
            Stop::TooLong(line) => {
                let mut place = Place::line(self.input().file(), line);
                place.row = Some(self.row + 1);
                let reason = format_args!(
                    "the row is longer than {} bytes; most often a quote is never closed: mend it, name another \
                     \"quote\" in [file], or raise row_bytes_max",
                    self.row_bytes_max
                );
                Error::new(ErrorKind::Mismatch, place, reason)
            }
        }
    }

    /// The number of the row that was read last, from 1.
    pub(crate) fn row(&self) -> u64 {
        self.row
    }

    pub(crate) fn width(&self) -> usize {
        self.width
    }

    pub(crate) fn input(&self) -> &Input {
        match &self.rows {
            Rows::Delimited { reader, .. } => reader.get_ref(),
            Rows::Whitespace { input, .. } => input,
        }
    }
}

impl Rows {
    fn open(input: Input, separation: Separation) -> Self {
        match separation {
            Separation::Whitespace => {
                Self::Whitespace { input: Box::new(input), line: 0, buffer: Vec::new() }
            }
            Separation::Delimited { delimiter, quote } => {
                let reader = csv::ReaderBuilder::new()
                    .has_headers(false)
                    .flexible(true)
                    .delimiter(delimiter)
                    .quote(quote.unwrap_or(b'"'))
                    .quoting(quote.is_some())
                    .buffer_capacity(64 * 1024)
                    .from_reader(input);
                Self::Delimited { reader: Box::new(reader), ends: None }
            }
        }
    }
}

/// Why no row could be read.
enum Stop {
    Unreadable(Error),
    TooLong(u64),
}

fn read_delimited(
    reader: &mut csv::Reader<Input>,
    ends: &mut Option<RowEnd>,
    record: &mut ByteRecord,
) -> std::result::Result<Option<u64>, Stop> {
    let line_before = reader.position().line();
    match reader.read_byte_record(record) {
        Ok(false) => return Ok(None),
        Ok(true) => {}
        Err(error) => return Err(stop(reader, error, line_before)),
    }
    let line_after = reader.position().line();
    let inside = match ends {
        // Passing one line end leaves none for the cells.
        Some(_) if line_after - line_before <= 1 => 0,
        _ => record.as_slice().iter().filter(|byte| **byte == b'\n').count() as u64,
    };
    // The last row may have no end at all, and then the reader stands in its line as well.
    let has_passed = line_after - line_before > inside;
    let ends = ends.get_or_insert(if has_passed { RowEnd::Lf } else { RowEnd::CrLf });
    let beyond = u64::from(*ends == RowEnd::Lf && has_passed);
    Ok(Some(line_after.saturating_sub(inside + beyond)))
}

fn stop(reader: &csv::Reader<Input>, error: csv::Error, line: u64) -> Stop {
    match error.into_kind() {
        CsvErrorKind::Io(error) if error.get_ref().is_some_and(|inner| inner.is::<RowTooLong>()) => {
            Stop::TooLong(line)
        }
        CsvErrorKind::Io(error) => Stop::Unreadable(reader.get_ref().unreadable(error)),
        other => Stop::Unreadable(reader.get_ref().unreadable(std::io::Error::other(format!("{other:?}")))),
    }
}

fn read_words(
    input: &mut Input,
    line: &mut u64,
    buffer: &mut Vec<u8>,
    bytes_max: u64,
    record: &mut ByteRecord,
) -> std::result::Result<Option<u64>, Stop> {
    loop {
        let Some(length) = input.read_line(buffer, bytes_max).map_err(Stop::Unreadable)? else {
            return Ok(None);
        };
        *line += 1;
        if length == Length::TooLong {
            return Err(Stop::TooLong(*line));
        }
        record.clear();
        for word in buffer.split(|byte| byte.is_ascii_whitespace()).filter(|word| !word.is_empty()) {
            record.push_field(word);
        }
        if !record.is_empty() {
            return Ok(Some(*line));
        }
    }
}

/// Finds each column of the mapping among the names of the file.
fn places(file: &str, names: &StringRecord, plan: &Plan) -> Result<Vec<usize>> {
    let (mapping, in_header) = (&plan.name, plan.form.names.is_none());
    let mismatch = |reason: String| Error::new(ErrorKind::Mismatch, Place::file(file), reason);
    let mut places = Vec::new();
    for (column, line) in plan.columns.iter() {
        let mut found = names.iter().enumerate().filter(|(_, name)| *name == column);
        match (found.next(), found.next()) {
            (Some((place, _)), None) => places.push(place),
            (Some(_), Some(_)) => {
                return Err(mismatch(format!(
                    "two columns are called {column:?}, which {mapping} names in line {line}; rename one"
                )));
            }
            (None, _) => {
                let known = names.iter().map(shown).collect::<Vec<_>>().join(", ");
                let place = if in_header { "the header" } else { "\"columns\" of [file]" };
                let hint = match names.len() {
                    1 if in_header => "; with one column only, look whether \"delimiter\" in [file] is right",
                    _ => "; rename it in the mapping",
                };
                return Err(mismatch(format!(
                    "column {column:?}, which {mapping} names in line {line}, is not in {place}: {known}{hint}"
                )));
            }
        }
    }
    Ok(places)
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;
    use crate::mapping::Mapping;

    #[track_caller]
    fn check_lines(text: &str, expected: &[u64]) {
        let input = Input::new("a.csv", Box::new(Cursor::new(text.as_bytes().to_vec())), None).unwrap();
        let mapping = "version = 1\nsource = \"s\"\ncustomer = \"a\"\ntime = \"b\"\n\
                       [[event]]\nrule = \"r\"\nkind = \"registered\"\n";
        let plan = Mapping::parse(mapping).unwrap().into_plan();
        let (mut table, _) = Table::open(input, &plan, 1_000_000).unwrap();
        let (mut record, mut lines) = (ByteRecord::new(), Vec::new());
        while let Some(line) = table.read(&mut record).unwrap() {
            lines.push(line);
        }
        assert_eq!(lines, expected, "{text:?}");
        assert_eq!(table.row(), expected.len() as u64);
    }

    #[test]
    fn lines_are_counted_through_quotes_blank_lines_and_either_end() {
        check_lines("a,b\n1,2\n3,4\n", &[2, 3]);
        check_lines("a,b\n1,2\n3,4", &[2, 3]);
        check_lines("a,b\r\n1,2\r\n3,4\r\n", &[2, 3]);
        check_lines("a,b\r\n1,2\r\n3,4", &[2, 3]);
        check_lines("a,b\n\"1\n1\",2\n\n\n3,4\n5,6", &[2, 6, 7]);
        check_lines("a,b\r\n\"1\r\n1\",2\r\n\r\n3,4\r\n", &[2, 5]);
    }
}

//! The elements of one list of a document, one after the other, each as its JSON text.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use struson::reader::{JsonReader, JsonStreamReader, ReaderError, TransferError};
use struson::writer::{JsonStreamWriter, JsonWriter};

use crate::error::{Error, ErrorKind, Place, Result};
use crate::input::{Input, NO_END_TIMES, RowTooLong, without_end};

/// Reads a document as it stands: nothing but one element is in memory.
pub(super) struct Elements {
    reader: Option<JsonStreamReader<Input>>,
    file: String,
    bytes_read: Arc<AtomicU64>,
    /// How many bytes may be read until something ends: names of members are in memory as a whole.
    allowance: Arc<AtomicU64>,
    /// The list whose elements are read; whatever else stands in the document is passed over.
    list: &'static str,
    is_inside: bool,
    bytes_max: u64,
}

/// An element, or that it was too long.
pub(super) enum Element {
    Text(String),
    TooLong,
}

impl Elements {
    pub(super) fn new(input: Input, list: &'static str, bytes_max: u64) -> Result<Self> {
        let (file, bytes_read, allowance) = (input.file().to_owned(), input.counter(), input.allowance());
        input.allow(bytes_max);
        let mut reader = JsonStreamReader::new(input);
        reader.begin_object().map_err(|error| malformed(&file, error))?;
        Ok(Self { reader: Some(reader), file, bytes_read, allowance, list, is_inside: false, bytes_max })
    }

    pub(super) fn file(&self) -> &str {
        &self.file
    }

    pub(super) fn bytes_read(&self) -> u64 {
        self.bytes_read.load(Ordering::Relaxed)
    }

    /// The next element; `None` at the end of the document.
    pub(super) fn next(&mut self) -> Result<Option<Element>> {
        let Some(reader) = &mut self.reader else { return Ok(None) };
        let next = next(reader, self.list, &mut self.is_inside, self.bytes_max, &self.allowance);
        match next.map_err(|error| malformed(&self.file, error))? {
            Some(element) => Ok(Some(element)),
            None => {
                let reader = self.reader.take().expect("it was there");
                reader.consume_trailing_whitespace().map_err(|error| malformed(&self.file, error))?;
                Ok(None)
            }
        }
    }
}

fn next(
    reader: &mut JsonStreamReader<Input>,
    list: &str,
    is_inside: &mut bool,
    bytes_max: u64,
    allowance: &AtomicU64,
) -> std::result::Result<Option<Element>, ReaderError> {
    let allow = |bytes| allowance.store(bytes, Ordering::Relaxed);
    loop {
        allow(bytes_max.saturating_mul(NO_END_TIMES));
        if *is_inside {
            if reader.has_next()? {
                return element(reader, bytes_max).map(Some);
            }
            reader.end_array()?;
            *is_inside = false;
        }
        if !reader.has_next()? {
            reader.end_object()?;
            return Ok(None);
        }
        if reader.next_name()? == list {
            reader.begin_array()?;
            *is_inside = true;
        } else {
            // Of what is passed over nothing is kept.
            allow(u64::MAX);
            reader.skip_value()?;
        }
    }
}

fn element(
    reader: &mut JsonStreamReader<Input>,
    bytes_max: u64,
) -> std::result::Result<Element, ReaderError> {
    let mut bytes = Bounded { bytes: Vec::new(), most: bytes_max, is_over: false };
    let mut writer = JsonStreamWriter::new(&mut bytes);
    match reader.transfer_to(&mut writer).map(|()| writer.finish_document()) {
        Err(TransferError::ReaderError(error)) => return Err(error),
        Err(TransferError::WriterError(_)) | Ok(Err(_)) => unreachable!("it takes every byte"),
        Ok(Ok(_)) => {}
    }
    if bytes.is_over {
        return Ok(Element::TooLong);
    }
    Ok(Element::Text(String::from_utf8(bytes.bytes).expect("the writer writes UTF-8")))
}

/// Keeps bytes up to a bound, and takes the others without keeping them.
struct Bounded {
    bytes: Vec<u8>,
    most: u64,
    is_over: bool,
}

impl Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.is_over |= (self.bytes.len() + bytes.len()) as u64 > self.most;
        if self.is_over {
            self.bytes = Vec::new();
        } else {
            self.bytes.extend_from_slice(bytes);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn malformed(file: &str, error: ReaderError) -> Error {
    match error {
        ReaderError::IoError { error, .. }
            if error.get_ref().is_some_and(|error| error.is::<RowTooLong>()) =>
        {
            without_end(file, "an element or a name")
        }
        ReaderError::IoError { error, .. } => {
            Error::io(Place::file(file), "the file cannot be read; copy or compress it again", error)
        }
        error => {
            let (what, at) = match error {
                ReaderError::SyntaxError(error) => (error.kind.to_string(), Some(error.location)),
                ReaderError::UnexpectedValueType { expected, actual, location } => {
                    (format!("{actual} where {expected} is to be"), Some(location))
                }
                ReaderError::UnexpectedStructure { kind, location } => (kind.to_string(), Some(location)),
                ReaderError::MaxNestingDepthExceeded { max_nesting_depth, location } => (
                    format!("more than {max_nesting_depth} lists and objects inside each other"),
                    Some(location),
                ),
                other => (other.to_string(), None),
            };
            // It counts lines from 0.
            let line = at.and_then(|at| at.line_pos).map(|place| place.line + 1);
            let place = Place { line, ..Place::file(file) };
            Error::new(ErrorKind::Mismatch, place, format_args!("it is no log in OCEL: {what}"))
        }
    }
}

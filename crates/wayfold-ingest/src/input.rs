//! The bytes of a file: decompressed, without a byte order mark, counted, and with an end to each row.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use flate2::bufread::MultiGzDecoder;

use crate::error::{Error, ErrorKind, Place, Problem, Result};

const BUFFER_BYTES: usize = 128 * 1024;

/// The bytes of one file in the order in which rows are read from them.
pub(crate) struct Input {
    reader: BufReader<Box<dyn Read + Send>>,
    file: String,
    is_gzip: bool,
    bytes_read: Arc<AtomicU64>,
    bytes_total: Option<u64>,
    /// How many bytes may be read until the next row begins.
    allowance: Arc<AtomicU64>,
}

/// A file's first bytes that tell what it is not.
const FOREIGN: [(&[u8], &str); 4] = [
    (b"PK\x03\x04", "is a ZIP archive or a spreadsheet; unpack it, or save the sheet as CSV"),
    (b"\xff\xfe", "is encoded as UTF-16; save it as UTF-8"),
    (b"\xfe\xff", "is encoded as UTF-16; save it as UTF-8"),
    (b"\x28\xb5\x2f\xfd", "is compressed with zstd; unpack it, or compress it with gzip"),
];
const GZIP: &[u8] = b"\x1f\x8b";
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

impl Input {
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let name = path.display().to_string();
        let file = File::open(path)
            .and_then(|file| Ok((file.metadata()?.len(), file)))
            .map_err(|error| Error::io(Place::file(&name), "the file cannot be opened", error))?;
        Self::new(&name, Box::new(file.1), Some(file.0))
    }

    pub(crate) fn new(file: &str, reader: Box<dyn Read + Send>, bytes_total: Option<u64>) -> Result<Self> {
        let bytes_read = Arc::new(AtomicU64::new(0));
        let counted = Counted { reader, bytes: Arc::clone(&bytes_read) };
        let mut raw = BufReader::with_capacity(BUFFER_BYTES, counted);
        let head = head_of(&mut raw).map_err(|error| unreadable(file, false, error))?;
        let is_gzip = head.starts_with(GZIP);
        let joined = Cursor::new(head).chain(raw);
        let mut plain: Box<dyn Read + Send> =
            if is_gzip { Box::new(MultiGzDecoder::new(joined)) } else { Box::new(joined) };
        let mut head = head_of(&mut plain).map_err(|error| unreadable(file, is_gzip, error))?;
        if let Some((_, what)) = FOREIGN.iter().find(|(magic, _)| head.starts_with(magic)) {
            return Err(Error::new(ErrorKind::Mismatch, Place::file(file), format_args!("the file {what}")));
        }
        if head.starts_with(BYTE_ORDER_MARK) {
            head.drain(..BYTE_ORDER_MARK.len());
        }
        let reader: Box<dyn Read + Send> = Box::new(Cursor::new(head).chain(plain));
        Ok(Self {
            reader: BufReader::with_capacity(BUFFER_BYTES, reader),
            file: file.to_owned(),
            is_gzip,
            bytes_read,
            bytes_total,
            allowance: Arc::new(AtomicU64::new(u64::MAX)),
        })
    }

    pub(crate) fn file(&self) -> &str {
        &self.file
    }

    pub(crate) fn bytes_read(&self) -> u64 {
        self.bytes_read.load(Ordering::Relaxed)
    }

    /// Counts what is read, for who gives the input away.
    pub(crate) fn counter(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.bytes_read)
    }

    pub(crate) fn bytes_total(&self) -> Option<u64> {
        self.bytes_total
    }

    /// Lets the next row have that many bytes beyond what is buffered already.
    pub(crate) fn allow(&self, bytes: u64) {
        self.allowance.store(bytes, Ordering::Relaxed);
    }

    /// How many bytes may still be read, for who gives the input away and goes on setting it.
    pub(crate) fn allowance(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.allowance)
    }

    pub(crate) fn unreadable(&self, error: io::Error) -> Error {
        unreadable(&self.file, self.is_gzip, error)
    }

    /// Reads the next line without its end into `line`; `None` at the end of the file.
    ///
    /// A line above `bytes_max` is passed over; its beginning is what `line` holds. One [`NO_END_TIMES`] as long is an error.
    pub(crate) fn read_line(&mut self, line: &mut Vec<u8>, bytes_max: u64) -> Result<Option<Length>> {
        line.clear();
        let mut length = 0_u64;
        loop {
            let buffer =
                self.reader.fill_buf().map_err(|error| unreadable(&self.file, self.is_gzip, error))?;
            if buffer.is_empty() {
                return Ok((length > 0).then(|| Length::of(length, bytes_max)));
            }
            let end = buffer.iter().position(|byte| *byte == b'\n');
            let taken = end.unwrap_or(buffer.len());
            if length <= bytes_max {
                line.extend_from_slice(&buffer[..taken]);
            }
            length += taken as u64;
            if length > bytes_max.saturating_mul(NO_END_TIMES) {
                return Err(without_end(&self.file, "a line"));
            }
            let consumed = taken + usize::from(end.is_some());
            self.reader.consume(consumed);
            if end.is_some() {
                if line.last() == Some(&b'\r') {
                    line.pop();
                }
                return Ok(Some(Length::of(length, bytes_max)));
            }
        }
    }
}

/// What is above the bound for rows is passed over and told as a bad row; what is so many times as long has no end, and stops
/// the import: so little of a file that expands without end is read.
pub(crate) const NO_END_TIMES: u64 = 16;

/// What is told of a row that has no end.
pub(crate) fn without_end(file: &str, what: &str) -> Error {
    let reason = format_args!(
        "{what} is longer than {NO_END_TIMES} times row_bytes_max; shorten it, or raise row_bytes_max"
    );
    Error::bad_row(Problem::TooLong, Place::file(file), reason)
}

/// Whether a line is as long as a line may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Length {
    Fits,
    TooLong,
}

impl Length {
    fn of(bytes: u64, most: u64) -> Self {
        if bytes > most { Self::TooLong } else { Self::Fits }
    }
}

/// The error inside of a read that says that a row has no end.
#[derive(Debug, thiserror::Error)]
#[error("the row has no end")]
pub(crate) struct RowTooLong;

impl Read for Input {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let allowance = self.allowance.load(Ordering::Relaxed);
        if allowance == 0 {
            return Err(io::Error::other(RowTooLong));
        }
        let count = self.reader.read(buffer)?;
        self.allowance.store(allowance.saturating_sub(count as u64), Ordering::Relaxed);
        Ok(count)
    }
}

fn unreadable(file: &str, is_gzip: bool, error: io::Error) -> Error {
    if is_gzip {
        let reason = "the compressed file ends too early or is damaged; copy or compress it again";
        return Error::io(Place::file(file), reason, error);
    }
    Error::io(Place::file(file), "the file cannot be read", error)
}

/// Takes the first bytes, which tell what a file is; fewer if it is shorter.
fn head_of(reader: &mut dyn Read) -> io::Result<Vec<u8>> {
    let mut head = Vec::with_capacity(4);
    reader.take(4).read_to_end(&mut head)?;
    Ok(head)
}

struct Counted {
    reader: Box<dyn Read + Send>,
    bytes: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.reader.read(buffer)?;
        self.bytes.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn text(bytes: Vec<u8>) -> io::Result<String> {
        let mut input = Input::new("a.csv", Box::new(Cursor::new(bytes)), None).map_err(io::Error::other)?;
        let mut text = String::new();
        input.read_to_string(&mut text)?;
        Ok(text)
    }

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn plain_and_gzip_files_with_or_without_byte_order_mark_read_alike() {
        for bytes in
            [b"a,b\n".to_vec(), b"\xef\xbb\xbfa,b\n".to_vec(), gzip(b"a,b\n"), gzip(b"\xef\xbb\xbfa,b\n")]
        {
            assert_eq!(text(bytes).unwrap(), "a,b\n");
        }
        assert_eq!(text(Vec::new()).unwrap(), "");
        assert_eq!(text(b"a".to_vec()).unwrap(), "a");
    }

    #[test]
    fn every_member_of_a_gzip_file_is_read() {
        assert_eq!(text([gzip(b"a,b\n"), gzip(b"1,2\n")].concat()).unwrap(), "a,b\n1,2\n");
    }

    #[test]
    fn lines_end_with_or_without_carriage_return_and_long_ones_are_passed_over() {
        let bytes = b"one\r\n\nthree is long\nfour".to_vec();
        let mut input = Input::new("a", Box::new(Cursor::new(bytes)), None).unwrap();
        let mut line = Vec::new();
        let mut lines = Vec::new();
        while let Some(length) = input.read_line(&mut line, 5).unwrap() {
            lines.push((String::from_utf8(line.clone()).unwrap(), length));
        }
        assert_eq!(lines[0], ("one".to_owned(), Length::Fits));
        assert_eq!(lines[1], (String::new(), Length::Fits));
        assert_eq!(lines[2].1, Length::TooLong);
        assert_eq!(lines[3], ("four".to_owned(), Length::Fits));
    }
}

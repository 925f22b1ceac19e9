//! A Parquet file into batches.

use std::error::Error as StdError;
use std::fs::File;
use std::io;
use std::path::Path;

use bytes::Bytes;
use parquet::errors::ParquetError;
use parquet::file::reader::{ChunkReader, FileReader};
use parquet::file::serialized_reader::SerializedFileReader;
use wayfold_core::EventBatch;

use super::event::Maker;
use super::layout::Layout;
use super::read::{Reader, Rows, contained};
use crate::account::Account;
use crate::error::{Error, ErrorKind, Place, Result};
use crate::options::ImportOptions;
use crate::outlet::Outlet;
use crate::row::Fault;
use crate::source::{EventSource, Progress};

/// Reads events from a Parquet file that [`ParquetWriter`](crate::ParquetWriter) wrote, also after another engine has
/// filtered or joined it, as long as columns keep their names and types.
///
/// Row groups are read as they are needed. Position and recording time are kept, for folds without a store; a store
/// that takes the events gives them anew. Events of kinds that this version does not know are kept and counted in
/// [`Progress::unknown_kinds`]; those in older schema versions are lifted by [`ImportOptions::upcasters`]. A bad row is
/// refused or rejected by its number, with the column named.
pub struct ParquetImport {
    reader: Reader,
    maker: Maker,
    /// The names of the columns, for messages.
    columns: Vec<String>,
    outlet: Outlet,
    account: Account,
}

impl ParquetImport {
    /// Opens a file.
    ///
    /// # Errors
    /// `Io` if the file cannot be opened or the rejects cannot be written; `Mismatch` if it is no Parquet, was written
    /// by a newer version of the library, or lacks a column or has one of another type; `Truncated` if it ends too
    /// early or is damaged.
    pub fn open(path: impl AsRef<Path>, options: ImportOptions) -> Result<Self> {
        let path = path.as_ref();
        let name = path.display().to_string();
        let file = File::open(path)
            .map_err(|error| Error::io(Place::file(&name), "the file cannot be opened", error))?;
        Self::start(&name, file, options)
    }

    /// Reads a file that is in memory; `name` stands for it in messages and nowhere else.
    ///
    /// # Errors
    /// As [`ParquetImport::open`].
    pub fn from_bytes(name: &str, bytes: impl Into<Vec<u8>>, options: ImportOptions) -> Result<Self> {
        Self::start(name, Bytes::from(bytes.into()), options)
    }

    fn start(name: &str, file: impl ChunkReader + 'static, mut options: ImportOptions) -> Result<Self> {
        let account = Account::begin(name, Some(file.len()), &mut options)?;
        check_magic(name, &file)?;
        let file = contained(|| SerializedFileReader::new(file))
            .map_err(|error| unreadable(Place::file(name), error))?;
        let layout = Layout::of(name, file.metadata())?;
        Ok(Self {
            reader: Reader::new(Box::new(file), &layout),
            outlet: Outlet::new(&options),
            maker: Maker::new(&layout, options.upcasters),
            columns: layout.columns.into_iter().map(|column| column.name).collect(),
            account,
        })
    }

    fn fill(&mut self) -> Result<Option<EventBatch>> {
        loop {
            if let Some(batch) = self.outlet.take_full() {
                return Ok(Some(batch));
            }
            let next = self.account.progress.rows + 1;
            let rows = contained(|| self.reader.next()).map_err(|error| {
                let place = Place { row: Some(next), ..Place::file(&self.account.progress.file) };
                unreadable(place, error)
            })?;
            match rows {
                Some(rows) => self.take(&rows)?,
                None => return Ok(self.outlet.take_rest()),
            }
        }
    }

    fn take(&mut self, rows: &Rows) -> Result<()> {
        let chunk = self.maker.chunk(rows);
        for row in 0..rows.count {
            self.account.progress.rows += 1;
            let made = self.maker.event(&chunk, row);
            let taken = made.and_then(|event| self.outlet.push_recorded(&event).map(|()| event));
            match taken {
                Ok(event) => self.account.count_unknown(&event),
                Err(fault) => self.refuse(&fault)?,
            }
        }
        Ok(())
    }

    fn refuse(&mut self, fault: &Fault) -> Result<()> {
        let place = Place {
            row: Some(self.account.progress.rows),
            column: fault.column.map(|column| self.columns[column.0].clone()),
            value: fault.value.clone(),
            ..Place::file(&self.account.progress.file)
        };
        self.account.refuse(Error::bad_row(fault.problem, place, &fault.reason))
    }
}

impl EventSource for ParquetImport {
    fn next_batch(&mut self) -> Result<Option<EventBatch>> {
        self.account.check()?;
        let batch = self.fill();
        self.account.hand_out(batch, self.reader.bytes_read())
    }

    fn progress(&self) -> Progress {
        self.account.progress.clone()
    }
}

/// What the first bytes of every Parquet file are.
const MAGIC: &[u8] = b"PAR1";

fn check_magic(name: &str, file: &impl ChunkReader) -> Result<()> {
    let place = || Place::file(name);
    let length = MAGIC.len().min(usize::try_from(file.len()).unwrap_or(usize::MAX));
    let head = file.get_bytes(0, length).map_err(|error| unreadable(place(), error))?;
    if head == MAGIC {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Mismatch, place(), "the file is not Parquet; import it by what it is"))
}

/// Says that a file is damaged or cannot be read.
fn unreadable(place: Place, error: ParquetError) -> Error {
    match error {
        ParquetError::External(source) if is_from_outside(source.as_ref()) => {
            let source = source.downcast::<io::Error>().map_or_else(io::Error::other, |source| *source);
            Error::io(place, "the file cannot be read", source)
        }
        error => {
            let reason = format!("the file ends too early or is damaged: {error}; copy or write it again");
            Error::new(ErrorKind::Truncated, place, reason)
        }
    }
}

/// Says whether an error is the operating system's; codecs say with the same type that bytes are damaged.
fn is_from_outside(error: &(dyn StdError + 'static)) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.raw_os_error().is_some())
}

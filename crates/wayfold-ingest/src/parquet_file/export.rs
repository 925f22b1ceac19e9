//! Batches into a Parquet file.

use std::fmt;
use std::io::{self, Write};
use std::sync::Arc;

use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::writer::SerializedFileWriter;
use wayfold_core::EventBatch;

use super::cells::Source;
use super::columns::{self, Column, LISTS};
use super::{FORMAT_KEY, FORMAT_VERSION, SCHEMA_KEY, schema_version};
use crate::error::{Error, Place, Result};

/// How a Parquet file is written.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ParquetOptions {
    /// Events of a row group: what readers skip and share out. Default 131,072.
    pub row_group_events: usize,
    /// Bytes of the texts of a row group, each counted once a batch: what the writer holds in memory. A single event
    /// may take more. Default 64 MiB.
    pub row_group_bytes: usize,
}

impl Default for ParquetOptions {
    fn default() -> Self {
        Self { row_group_events: 131_072, row_group_bytes: 64 << 20 }
    }
}

impl ParquetOptions {
    /// Sets how many events a row group holds; 0 counts as 1.
    pub fn with_row_group_events(mut self, row_group_events: usize) -> Self {
        self.row_group_events = row_group_events;
        self
    }

    /// Sets how many bytes of texts a row group holds.
    pub fn with_row_group_bytes(mut self, row_group_bytes: usize) -> Self {
        self.row_group_bytes = row_group_bytes;
        self
    }
}

/// Writes batches as one Parquet file, compressed with zstd: flat, self-explaining columns, one row an event.
///
/// The file is whole when [`ParquetWriter::finish`] has returned. What the columns mean is described in
/// `docs/guide/parquet.md`; [`ParquetImport`](crate::ParquetImport) reads them back without loss.
///
/// ```
/// use wayfold_core::{CustomerKey, EventBatch, EventId, JourneyEvent, Registered, Timestamp};
/// use wayfold_ingest::{EventSource, ImportOptions, ParquetImport, ParquetOptions, ParquetWriter};
///
/// let at = Timestamp::parse("2024-01-31T10:00:00Z")?;
/// let event = JourneyEvent::new(EventId::from_u128(1), CustomerKey::new("c1")?, at, Registered {});
/// let mut writer = ParquetWriter::new(Vec::new(), ParquetOptions::default())?;
/// writer.write(&EventBatch::from_events([&event])?)?;
/// let file = writer.finish()?;
///
/// let mut import = ParquetImport::from_bytes("events.parquet", file, ImportOptions::default())?;
/// assert_eq!(import.next_batch()?.expect("one event").to_events(), [event]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct ParquetWriter<W: Write + Send> {
    file: SerializedFileWriter<W>,
    columns: Vec<Column>,
    options: ParquetOptions,
    waiting: Vec<EventBatch>,
    waiting_events: usize,
    waiting_bytes: usize,
}

impl<W: Write + Send> ParquetWriter<W> {
    /// Begins a file.
    ///
    /// # Errors
    /// `Io` if the writer fails.
    pub fn new(writer: W, options: ParquetOptions) -> Result<Self> {
        let columns = columns::flat();
        let version = |key: &str, version: u32| KeyValue::new(key.to_owned(), version.to_string());
        let properties = WriterProperties::builder()
            .set_created_by(concat!("wayfold ", env!("CARGO_PKG_VERSION")).to_owned())
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_key_value_metadata(Some(vec![
                version(FORMAT_KEY, FORMAT_VERSION),
                version(SCHEMA_KEY, schema_version()),
            ]))
            // Those of pages would make the footer of a hundred columns long, and row groups are small.
            .set_statistics_enabled(EnabledStatistics::Chunk)
            .set_offset_index_disabled(true)
            .build();
        let file = SerializedFileWriter::new(writer, columns::schema(&columns), Arc::new(properties));
        let file = file.map_err(failed)?;
        Ok(Self { file, columns, options, waiting: Vec::new(), waiting_events: 0, waiting_bytes: 0 })
    }

    /// Adds the events of a batch, with position and recording time where a store gave them.
    ///
    /// They are held in memory until a row group is full.
    ///
    /// # Errors
    /// `Io` if the writer fails; then the file cannot be finished.
    pub fn write(&mut self, batch: &EventBatch) -> Result<()> {
        let (events, bytes) = (batch.len(), batch.text_bytes());
        let ParquetOptions { row_group_events, row_group_bytes } = self.options;
        if events > 1 && (events > row_group_events || bytes > row_group_bytes) {
            let half = |from, to| EventBatch::from_views((from..to).map(|row| batch.event(row)));
            self.write(&half(0, events / 2))?;
            return self.write(&half(events / 2, events));
        }
        let is_too_much =
            self.waiting_events + events > row_group_events || self.waiting_bytes + bytes > row_group_bytes;
        if is_too_much {
            self.write_row_group()?;
        }
        if events > 0 {
            self.waiting.push(batch.clone());
            self.waiting_events += events;
            self.waiting_bytes += bytes;
        }
        Ok(())
    }

    /// Ends the file and gives the writer back.
    ///
    /// # Errors
    /// `Io` if the writer fails; then the file is not whole.
    pub fn finish(mut self) -> Result<W> {
        self.write_row_group()?;
        self.file.into_inner().map_err(failed)
    }

    fn write_row_group(&mut self) -> Result<()> {
        let batches = std::mem::take(&mut self.waiting);
        (self.waiting_events, self.waiting_bytes) = (0, 0);
        if batches.is_empty() {
            return Ok(());
        }
        write_columns(&mut self.file, &self.columns, &batches).map_err(failed)
    }
}

/// Writes a row group: one column behind the other, each through all batches.
fn write_columns<W: Write + Send>(
    file: &mut SerializedFileWriter<W>,
    columns: &[Column],
    batches: &[EventBatch],
) -> parquet::errors::Result<()> {
    let sources: Vec<_> = batches.iter().map(Source::new).collect();
    let mut group = file.next_row_group()?;
    let mut place = 0;
    while let Some(mut writer) = group.next_column()? {
        for source in &sources {
            let cells = match columns.get(place) {
                Some(column) => source.flat(column),
                None => source.list(&LISTS[place - columns.len()]),
            };
            cells.write(writer.untyped())?;
        }
        writer.close()?;
        place += 1;
    }
    group.close().map(|_| ())
}

fn failed(error: ParquetError) -> Error {
    let source = match error {
        ParquetError::External(source) => match source.downcast::<io::Error>() {
            Ok(source) => *source,
            Err(source) => io::Error::other(source),
        },
        error => io::Error::other(error),
    };
    Error::io(Place::file("the output"), "the events cannot be written", source)
}

impl<W: Write + Send> fmt::Debug for ParquetWriter<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (options, events) = (&self.options, self.waiting_events);
        f.debug_struct("ParquetWriter")
            .field("options", options)
            .field("waiting_events", &events)
            .finish_non_exhaustive()
    }
}

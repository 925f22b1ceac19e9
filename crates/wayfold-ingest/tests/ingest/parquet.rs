//! Parquet files of the library's own events.

#[path = "parquet/golden.rs"]
mod golden;
#[path = "parquet/hostile.rs"]
mod hostile;
#[path = "parquet/round_trip.rs"]
mod round_trip;
#[path = "parquet/table.rs"]
mod table;

use wayfold_core::{EventBatch, JourneyEvent};
use wayfold_ingest::{ImportOptions, ParquetImport, ParquetOptions, ParquetWriter, Result};

use super::common::{Imported, drain};

fn write(batches: &[EventBatch], options: ParquetOptions) -> Vec<u8> {
    let mut writer = ParquetWriter::new(Vec::new(), options).unwrap();
    batches.iter().for_each(|batch| writer.write(batch).unwrap());
    writer.finish().unwrap()
}

fn write_events(events: &[JourneyEvent]) -> Vec<u8> {
    write(&[EventBatch::from_events(events).unwrap()], ParquetOptions::default())
}

fn open(file: Vec<u8>, options: ImportOptions) -> Result<ParquetImport> {
    ParquetImport::from_bytes("e.parquet", file, options)
}

/// Imports a file; refusals to open count as a stop.
fn import(file: Vec<u8>, options: ImportOptions) -> Imported {
    match open(file, options) {
        Ok(mut source) => drain(&mut source),
        Err(error) => Imported { batches: Vec::new(), progress: Default::default(), result: Err(error) },
    }
}

#[track_caller]
fn read(file: Vec<u8>) -> Vec<JourneyEvent> {
    let imported = import(file, ImportOptions::default());
    imported.result.as_ref().unwrap_or_else(|error| panic!("{error}"));
    imported.events()
}

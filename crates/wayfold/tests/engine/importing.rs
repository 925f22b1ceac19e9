//! Exported events come back into an engine.

use wayfold::blocking::Wayfold;
use wayfold::ingest::{ImportOptions, ParquetImport, ParquetOptions, ParquetWriter};
use wayfold::{EventBatch, MemoryStore, Position};

use super::support::{day, order, registered};

#[test]
fn what_another_store_recorded_is_recorded_anew_and_taken_once() {
    let events = [registered("ada", 1, 0), order("ada", 2, 1)];
    let positions = vec![Position::from_bytes([8; 16]), Position::from_bytes([9; 16])];
    let exported = EventBatch::from_events(&events).unwrap().recorded(positions, day(2));
    let mut writer = ParquetWriter::new(Vec::new(), ParquetOptions::default()).unwrap();
    writer.write(&exported).unwrap();
    let file = writer.finish().unwrap();

    let wayfold = Wayfold::open(MemoryStore::new()).unwrap();
    let open = || ParquetImport::from_bytes("e.parquet", file.clone(), ImportOptions::default()).unwrap();
    let first = wayfold.import(&mut open()).unwrap();
    let again = wayfold.import(&mut open()).unwrap();
    assert_eq!((first.events, first.new), (2, 2));
    assert_eq!((again.events, again.new), (2, 0));
}

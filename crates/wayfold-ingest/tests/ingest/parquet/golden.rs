//! The stored form that is read for ever. A golden file is added, never edited.
//!
//! `WAYFOLD_GOLDEN=write` writes the file where it is missing, and never where it is there.

use std::fs;
use std::path::PathBuf;

use wayfold_core::{EventBatch, Position, Timestamp};
use wayfold_ingest::ParquetOptions;

use super::round_trip::golden_events;
use super::{read, write};

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name)
}

/// What DuckDB 2.0.1, Polars 2.1.0, PyArrow 26.0.1 and Spark 4.3.0 made of the golden file by reading and writing it.
#[test]
fn files_that_other_engines_have_rewritten_are_read_as_the_same_events() {
    let original = read(fs::read(path("events.v1.parquet")).unwrap());
    for engine in ["duckdb", "polars", "pyarrow", "spark"] {
        let rewritten = read(fs::read(path(&format!("events.v1.{engine}.parquet"))).unwrap());
        assert_eq!(rewritten, original, "{engine}");
    }
}

#[test]
fn golden_file_is_read_as_the_events_that_it_was_made_of() {
    let path = path("events.v1.parquet");
    if std::env::var("WAYFOLD_GOLDEN").is_ok_and(|what| what == "write") && !path.exists() {
        let batch = EventBatch::from_events(&golden_events()).unwrap();
        let positions = (0..batch.len()).map(|row| Position::from_bytes([row as u8; 16])).collect();
        let recorded = batch.recorded(positions, Timestamp::parse("2024-06-01T00:00:00.000001Z").unwrap());
        fs::write(&path, write(&[recorded], ParquetOptions::default())).unwrap();
    }
    let known = golden_events();
    let events = read(fs::read(&path).unwrap());
    assert!(events.len() > 90, "{} events", events.len());
    for (row, event) in events.iter().enumerate() {
        assert!(known.iter().any(|known| event.same_content(known)), "{event:?}");
        assert_eq!(event.position, Some(Position::from_bytes([row as u8; 16])));
        assert_eq!(event.recorded_at.unwrap().to_string(), "2024-06-01T00:00:00.000001Z");
    }
}

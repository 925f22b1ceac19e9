//! JSON Lines of the library's own events.

use std::io::Cursor;

use wayfold_core::bodies::{Registered, Unknown};
use wayfold_core::{CustomerKey, EventBatch, EventId, JourneyEvent, Position, Timestamp};
use wayfold_ingest::{ErrorKind, EventSource, ImportOptions, JsonlImport, write_jsonl};

use super::common::{drain, gzip};

fn event(number: u128) -> JourneyEvent {
    let at = Timestamp::parse("2024-01-31T10:00:00Z").unwrap();
    JourneyEvent::new(EventId::from_u128(number), CustomerKey::new("c1").unwrap(), at, Registered {})
}

fn read(bytes: impl Into<Vec<u8>>) -> Vec<JourneyEvent> {
    let options = ImportOptions::default();
    let imported =
        drain(&mut JsonlImport::from_reader("e.jsonl", Cursor::new(bytes.into()), options).unwrap());
    imported.result.as_ref().unwrap();
    imported.events()
}

#[test]
fn what_a_store_added_is_written_and_dropped_on_reading() {
    let stated = EventBatch::from_events(&[event(1), event(2)]).unwrap();
    let positions = [1, 2].map(|number| Position::from_bytes([number; 16])).to_vec();
    let recorded = stated.clone().recorded(positions, Timestamp::parse("2024-02-01").unwrap());
    let mut written = Vec::new();
    write_jsonl(&recorded, &mut written).unwrap();
    let text = String::from_utf8(written.clone()).unwrap();
    assert_eq!(text.matches("\"recorded_at\":\"2024-02-01T00:00:00Z\"").count(), 2);
    assert!(text.contains("\"position\":\"01010101010101010101010101010101\""));
    assert_eq!(read(written.clone()), stated.to_events());
    assert_eq!(read(gzip(&written)), stated.to_events());
}

#[test]
fn unknown_kinds_are_kept_and_counted() {
    let unknown = Unknown::new("teleported", r#"{"to":{"x":[1,2.5,null]}}"#).unwrap();
    let mut events = vec![event(1), event(2)];
    events[1].body = unknown.into();
    events[1].schema_version = 9;
    let mut written = Vec::new();
    write_jsonl(&EventBatch::from_events(&events).unwrap(), &mut written).unwrap();
    let mut source =
        JsonlImport::from_reader("e.jsonl", Cursor::new(written), ImportOptions::default()).unwrap();
    assert_eq!(source.next_batch().unwrap().unwrap().to_events(), events);
    let kinds: Vec<_> = source.progress().unknown_kinds.into_iter().collect();
    assert_eq!(kinds, [("teleported".to_owned(), 1)]);
}

#[test]
fn blank_lines_and_a_last_line_without_end_are_fine() {
    let line = serde_json::to_string(&event(1)).unwrap();
    let other = serde_json::to_string(&event(2)).unwrap();
    assert_eq!(read(format!("\u{feff}{line}\r\n\n  \n{other}")), [event(1), event(2)]);
    assert_eq!(read(""), []);
}

#[test]
fn file_and_progress_are_named() {
    let folder = std::env::temp_dir().join(format!("wayfold-jsonl-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("events.jsonl");
    let line = serde_json::to_string(&event(1)).unwrap();
    std::fs::write(&path, &line).unwrap();
    let mut source = JsonlImport::open(&path, ImportOptions::default()).unwrap();
    let imported = drain(&mut source);
    let bytes = line.len() as u64;
    assert_eq!((imported.progress.bytes_read, imported.progress.bytes_total), (bytes, Some(bytes)));
    assert_eq!((imported.progress.rows, imported.progress.events), (1, 1));
    assert_eq!(imported.progress.file, path.display().to_string());
    std::fs::remove_dir_all(&folder).unwrap();
    assert_eq!(JsonlImport::open(&path, ImportOptions::default()).err().unwrap().kind(), ErrorKind::Io);
}

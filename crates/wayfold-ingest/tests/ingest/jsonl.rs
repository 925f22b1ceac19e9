//! JSON Lines of the library's own events.

use std::io::Cursor;

use wayfold_core::bodies::{Custom, Registered, Unknown};
use wayfold_core::{
    AttributeName, CustomKind, CustomerKey, EventBatch, EventId, JourneyEvent, Position, Timestamp, Upcasters,
};
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
fn older_schema_versions_are_lifted_by_the_steps_of_the_options() {
    let custom = Custom { name: CustomKind::new("store_visited").unwrap(), stage: None, amount: None };
    let mut old = event(1);
    old.body = custom.into();
    old.attributes = [(AttributeName::new("shop").unwrap(), "north".into())].into();
    let line = serde_json::to_string(&old).unwrap();
    let upcasters = Upcasters::builder()
        .step("custom:store_visited", 1, 2, |event| match event.attribute("shop") {
            Some(_) => Ok(event.rename_attribute("shop", "store")?),
            None => Err("it names no shop".into()),
        })
        .build()
        .unwrap();
    let options = || ImportOptions::default().with_upcasters(upcasters.clone());
    let open = |text: String| JsonlImport::from_reader("e.jsonl", Cursor::new(text), options()).unwrap();

    let new = open(line.clone()).next_batch().unwrap().unwrap().event(0).to_event();
    assert_eq!(new.attributes.keys().map(|name| name.as_str()).collect::<Vec<_>>(), ["store"]);
    assert_eq!(new.schema_version, 2);
    let written = serde_json::to_string(&new).unwrap();
    assert_eq!(open(written).next_batch().unwrap().unwrap().to_events(), [new]);

    let error = open(line.replace("shop\"", "place\"")).next_batch().unwrap_err().to_string();
    let message = "custom:store_visited from version 1 to 2: it names no shop";
    let expected = format!("e.jsonl, line 1: the line is no event: event {}: {message}", old.id);
    assert_eq!(error, expected);
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

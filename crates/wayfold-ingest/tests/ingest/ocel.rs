//! Object-centric logs: what becomes what, the way there and back, and files that are meant to harm.

use std::collections::BTreeSet;
use std::path::PathBuf;

use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::Value;
use wayfold_core::{AttributeValue, CustomerKey, EventBatch, Tag, Timestamp};
use wayfold_ingest::{ErrorKind, ImportOptions, OcelImport, OcelWriter, OnBadRow, Problem, Rejects};

use super::common::{Imported, Shared, drain, gzip};
use super::properties::event as any_event;

/// A file that is removed when it is dropped.
struct File(PathBuf);

impl File {
    fn new(bytes: &[u8]) -> Self {
        use std::sync::atomic::{AtomicU32, Ordering};
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("wayfold-ocel-{}-{number}.json", std::process::id()));
        std::fs::write(&path, bytes).unwrap();
        Self(path)
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

fn import(bytes: &[u8], options: ImportOptions) -> Imported {
    let file = File::new(bytes);
    match OcelImport::open(&file.0, "orders", "customer", options) {
        Ok(mut import) => drain(&mut import),
        Err(error) => Imported { batches: Vec::new(), progress: Default::default(), result: Err(error) },
    }
}

/// A log of some events with the objects of the example: a customer, another one, an order of the same id as an item's.
fn log(events: &str) -> Vec<u8> {
    format!(
        r#"{{"eventTypes":[],"events":[{events}],"objectTypes":[],"objects":[
        {{"id":"ada","type":"customer","attributes":[{{"name":"segment","time":"2024-01-01T00:00:00Z","value":"new"}}]}},
        {{"id":"customer:bob","type":"customer"}},{{"id":"o1","type":"order"}},{{"id":"item:i:1","type":"item"}}]}}"#
    )
    .into_bytes()
}

fn event(objects: &[&str], more: &str) -> String {
    let related: Vec<_> =
        objects.iter().map(|id| format!(r#"{{"objectId":"{id}","qualifier":"order"}}"#)).collect();
    format!(
        r#"{{"id":"e1","type":"Pay Order","time":"2024-03-01T10:00:00+01:00","relationships":[{}]{more}}}"#,
        related.join(",")
    )
}

#[test]
fn one_object_is_the_customer_and_the_others_are_tags() {
    let attributes = r#","attributes":[{"name":"total","value":12.5},{"name":"count","value":3},
        {"name":"rate","value":0.123456789},{"name":"late","value":true}]"#;
    let imported = import(
        &log(&[event(&["ada", "o1", "item:i:1"], attributes), event(&["customer:bob"], "")].join(",")),
        ImportOptions::default(),
    );
    assert!(imported.result.is_ok(), "{:?}", imported.result);
    let events = imported.events();
    assert_eq!(events[0].customer, CustomerKey::new("ada").unwrap());
    assert_eq!(events[1].customer, CustomerKey::new("bob").unwrap());
    let tags = [Tag::new("item", "i:1").unwrap(), Tag::new("order", "o1").unwrap()];
    assert_eq!(events[0].tags, BTreeSet::from(tags));
    let values: Vec<_> =
        events[0].attributes.iter().map(|(name, value)| (name.as_str(), format!("{value:?}"))).collect();
    assert_eq!(
        values,
        [
            ("count", "Integer(3)".to_owned()),
            ("late", "Boolean(true)".to_owned()),
            ("qualifier:item:i:1", "Text(\"order\")".to_owned()),
            ("rate", "Text(\"0.123456789\")".to_owned()),
            ("total", "Decimal(Amount(12.5))".to_owned()),
        ]
    );
    assert_eq!(events[0].occurred_at.to_string(), "2024-03-01T10:00:00+01:00");
}

#[test]
fn the_same_log_gives_the_same_ids_compressed_or_not() {
    let log = log(&event(&["ada"], ""));
    let ids = |bytes: &[u8]| import(bytes, ImportOptions::default()).events()[0].id;
    assert_eq!(ids(&log), ids(&gzip(&log)));
}

#[test]
fn events_that_say_too_little_are_rejected_and_the_others_taken() {
    let rejects = Shared::default();
    let options = ImportOptions::default()
        .with_on_bad_row(OnBadRow::Reject(Rejects::jsonl(rejects.clone())))
        .with_row_bytes_max(2_000);
    let long = format!(r#","attributes":[{{"name":"x","value":"{}"}}]"#, "x".repeat(3_000));
    let twice = r#","attributes":[{"name":"x","value":1},{"name":"x","value":2}]"#;
    let events = [
        event(&["o1"], ""),
        event(&["ada", "customer:bob"], ""),
        event(&["ada", "nobody"], ""),
        event(&["ada"], &long),
        event(&["ada"], twice),
        "17".to_owned(),
        event(&["ada"], "").replace("2024-03-01T10:00:00+01:00", "soon"),
        event(&["ada", "ada"], ""),
    ];
    let imported = import(&log(&events.join(",")), options);
    assert!(imported.result.is_ok(), "{:?}", imported.result);
    assert_eq!((imported.events().len(), imported.progress.rows), (1, 8));
    let counts: Vec<_> = imported.progress.rejected_by_problem.into_iter().collect();
    assert_eq!(
        counts,
        [
            (Problem::TooLong, 1),
            (Problem::MissingValue, 1),
            (Problem::Time, 1),
            (Problem::Contradiction, 2),
            (Problem::Malformed, 2),
        ]
    );
    assert!(
        rejects.text().contains("it relates to no object of type \\\"customer\\\""),
        "{}",
        rejects.text()
    );
}

#[test]
fn documents_that_are_none_stop_the_import_and_are_told() {
    let deep = format!("{{\"events\":{}", "[".repeat(100_000));
    let cut = &log(&event(&["ada"], ""))[..60];
    for bytes in [&b""[..], b"[]", b"{\"events\":7}", b"{\"objects\":[7]}", deep.as_bytes(), cut] {
        let error = import(bytes, ImportOptions::default()).result.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Mismatch, "{error}");
    }
    let error = import(b"{\n\"events\": 7}", ImportOptions::default()).result.unwrap_err();
    assert_eq!(error.line(), Some(2), "{error}");
    let two = r#"{"objects":[{"id":"a","type":"x"},{"id":"a","type":"y"}]}"#;
    let error = import(two.as_bytes(), ImportOptions::default()).result.unwrap_err();
    assert!(error.to_string().ends_with("object 2: \"a\" has two types"), "{error}");
}

fn written(events: &[wayfold_core::JourneyEvent]) -> Vec<u8> {
    let mut writer = OcelWriter::new(Vec::new()).unwrap();
    writer.write(&EventBatch::from_events(events).unwrap()).unwrap();
    writer.finish().unwrap()
}

#[test]
fn what_is_said_of_customers_stands_with_their_objects() {
    let mut writer = OcelWriter::new(Vec::new()).unwrap();
    let (ada, at) = (CustomerKey::new("ada").unwrap(), Timestamp::parse("2024-01-01").unwrap());
    writer.say_of_customer(&ada, "segment", at, &AttributeValue::from("new"));
    writer.say_of_customer(&ada, "orders", at, &AttributeValue::from(2));
    let document: Value = serde_json::from_slice(&writer.finish().unwrap()).unwrap();
    assert_eq!(document["objects"][0]["id"], "customer:ada");
    assert_eq!(document["objects"][0]["attributes"][1]["value"], 2);
    let declared = &document["objectTypes"][0];
    assert_eq!(
        (&declared["name"], &declared["attributes"][1]["type"]),
        (&"customer".into(), &"string".into())
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Whatever an event holds comes back, and each object that is related to is declared, as each type and attribute.
    #[test]
    fn logs_give_back_what_was_written_and_are_sound(events in vec(any_event(), 0..12)) {
        let bytes = written(&events);
        let imported = import(&bytes, ImportOptions::default());
        prop_assert!(imported.result.is_ok(), "{:?}", imported.result);
        prop_assert_eq!(imported.events(), events);
        let document: Value = serde_json::from_slice(&bytes).unwrap();
        let names = |list: &Value, key: &str| -> BTreeSet<String> {
            list.as_array().unwrap().iter().map(|entry| entry[key].as_str().unwrap().to_owned()).collect()
        };
        let (objects, types) = (names(&document["objects"], "id"), names(&document["objectTypes"], "name"));
        prop_assert!(names(&document["objects"], "type").is_subset(&types));
        for event in document["events"].as_array().unwrap() {
            prop_assert!(names(&event["relationships"], "objectId").is_subset(&objects));
            let of_type = |entry: &&Value| entry["name"] == event["type"];
            let declared = document["eventTypes"].as_array().unwrap().iter().find(of_type).unwrap();
            let attributes = names(&event["attributes"], "name");
            prop_assert!(attributes.is_subset(&names(&declared["attributes"], "name")));
            prop_assert_eq!(attributes.len(), event["attributes"].as_array().unwrap().len());
        }
    }

    #[test]
    fn no_bytes_make_reading_panic(text in "[\\[\\]{}\",:a-z0-9 ]{0,60}") {
        let _ = import(format!("{{\"objects\":[{text}],\"events\":[{text}]}}").as_bytes(), ImportOptions::default());
    }
}

//! Event logs in XES: what becomes what, the way there and back, and files that are meant to harm.

use std::io::Cursor;

use proptest::collection::vec;
use proptest::prelude::*;
use wayfold_core::{
    AttributeName, AttributeValue, CustomerKey, EventBatch, EventId, JourneyEvent, Shard, Timestamp,
    for_each_history,
};
use wayfold_ingest::{
    ErrorKind, EventSource, ImportOptions, OnBadRow, Problem, Rejects, XesImport, XesWriter,
};

use super::common::{Imported, Shared, drain, real_data};
use super::properties::event as any_event;

fn import(file: impl Into<Vec<u8>>, options: ImportOptions) -> Imported {
    drain(&mut XesImport::from_reader("log.xes", "loans", Cursor::new(file.into()), options).unwrap())
}

/// A log of one trace named c1.
fn trace(inside: &str) -> String {
    format!(r#"<log><trace><string key="concept:name" value="c1"/>{inside}</trace></log>"#)
}

fn event(more: &str) -> String {
    format!(
        r#"<event><string key="concept:name" value="seen"/>
        <date key="time:timestamp" value="2024-03-01T10:00:00+02:00"/>{more}</event>"#
    )
}

fn attribute(event: &JourneyEvent, name: &str) -> Option<AttributeValue> {
    event.attributes.get(&AttributeName::new(name).unwrap()).cloned()
}

fn written(events: &[JourneyEvent]) -> String {
    let batch = EventBatch::from_events(events).unwrap();
    let mut writer = XesWriter::new(Vec::new()).unwrap();
    for_each_history(&[batch], Shard::ALL, Timestamp::MAX, |history| writer.write(history).unwrap());
    String::from_utf8(writer.finish().unwrap()).unwrap()
}

#[test]
fn attributes_become_typed_values_or_json() {
    let found = import(
        trace(&format!(
            r#"<int key="AMOUNT_REQ" value="20000"/>{}{}"#,
            event(
                r#"<string key="lifecycle:transition" value="START"/><string key="org:resource" value="112"/>
                <string key="org:group" value="front &amp; back&#10;office"/><int key="n" value="-7"/>
                <float key="short" value="1.5"/><float key="long" value="1.23456"/><boolean key="ok" value="true"/>
                <id key="uid" value="u-1"/><date key="due" value="2024-03-02T00:00:00Z"/>
                <string key="nested" value="a"><int key="deep" value="1"/></string>
                <list key="several"><values><string key="x" value="1"/><string key="x" value="2"/></values></list>"#
            ),
            event(""),
        )),
        ImportOptions::default(),
    );
    found.result.as_ref().unwrap();
    let events = found.events();
    let [first, second] = &events[..] else { panic!("two events") };
    assert_eq!(first.actor.person.as_deref(), Some("112"));
    assert_eq!(first.actor.team.as_deref(), Some("front & back\noffice"));
    assert_eq!(first.occurred_at.offset_minutes(), 120);
    let json = |name: &str| match attribute(first, name) {
        Some(AttributeValue::Json(json)) => json.as_str().to_owned(),
        other => panic!("{other:?}"),
    };
    assert_eq!(attribute(first, "case:AMOUNT_REQ"), Some(AttributeValue::Integer(20_000)));
    assert_eq!(attribute(second, "case:AMOUNT_REQ"), None);
    assert_eq!(attribute(first, "lifecycle:transition"), Some(AttributeValue::Text("START".into())));
    assert_eq!(attribute(first, "n"), Some(AttributeValue::Integer(-7)));
    assert_eq!(attribute(first, "ok"), Some(AttributeValue::Boolean(true)));
    assert!(matches!(attribute(first, "short"), Some(AttributeValue::Decimal(_))));
    assert_eq!(json("long"), r#"{"type":"float","value":"1.23456"}"#);
    assert_eq!(json("uid"), r#"{"type":"id","value":"u-1"}"#);
    assert!(
        json("nested").contains(r#""children":[{"key":"deep","type":"int","value":"1"}]"#),
        "{}",
        json("nested")
    );
    assert!(json("several").contains("values"));
    assert_eq!((first.sequence, second.sequence), (0, 1));
    assert_ne!(first.id, second.id);
    // What was read is written so that it is read again, and needs no JSON of ours for it.
    let text = written(&events);
    assert!(!text.contains("wayfold:event"), "{text}");
    assert_eq!(import(text, ImportOptions::default()).events(), events);
}

#[test]
fn bad_events_are_told_by_their_number_and_the_rest_is_read() {
    let no_time = r#"<event><string key="concept:name" value="seen"/></event>"#;
    let bad = [
        (trace(no_time), Problem::MissingValue, "no time:timestamp"),
        (
            trace(&event(r#"<int key="n" value="many"/>"#)),
            Problem::Number,
            "\"many\", which is no whole number",
        ),
        (trace(&event(r#"<date key="d" value="soon"/>"#)), Problem::Time, "\"soon\""),
        (trace(&event(r#"<boolean key="b" value="1"/>"#)), Problem::Word, "no true or false"),
        (
            trace(&event(r#"<int key="n" value="1"/><int key="n" value="2"/>"#)),
            Problem::Contradiction,
            "\"n\" stands twice",
        ),
        (trace(&event(r#"<string key="wayfold:event" value="{}"/>"#)), Problem::Malformed, "is no event"),
        (format!("<log>{}</log>", event("")), Problem::Malformed, "outside of a trace"),
        (
            format!("<log><trace>{}</trace></log>", event("")),
            Problem::MissingValue,
            "the trace has no concept:name",
        ),
    ];
    for (file, problem, reason) in bad {
        let error = import(file.clone(), ImportOptions::default()).result.unwrap_err();
        assert_eq!(
            (error.kind(), error.problem(), error.row()),
            (ErrorKind::BadRow, Some(problem), Some(1)),
            "{file}"
        );
        assert!(error.to_string().contains(reason), "{error}");
    }
    let rejects = Shared::default();
    let options = ImportOptions::default().with_on_bad_row(OnBadRow::Reject(Rejects::jsonl(rejects.clone())));
    let found = import(trace(&format!("{}{no_time}{}", event(""), event(""))), options);
    found.result.as_ref().unwrap();
    assert_eq!((found.events().len(), found.progress.rows, found.progress.rejected_rows), (2, 3, 1));
    assert!(rejects.text().contains(r#""row":2"#), "{}", rejects.text());
}

#[test]
fn files_that_are_meant_to_harm_get_an_error_and_nothing_is_expanded() {
    let bomb = r#"<!DOCTYPE log [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>"#;
    let external = r#"<!DOCTYPE log [<!ENTITY x SYSTEM "file:///etc/hostname">]>"#;
    let deep = format!("{}{}", r#"<string key="k" value="v">"#.repeat(100_000), "</string>".repeat(100_000));
    let long = format!(r#"<string key="k" value="{}"/>"#, "x".repeat(8 << 20));
    let files = [
        (format!("{bomb}{}", trace(&event(r#"<string key="k" value="&b;"/>"#))), "document type"),
        (format!("{external}{}", trace(&event(r#"<string key="k" value="&x;"/>"#))), "document type"),
        (trace(&event(r#"<string key="k" value="&b;"/>"#)), "no well-formed XML"),
        (trace(&event(&deep)), "nested more than 32 deep"),
        (trace(&event(&long)), "longer than 4194304 bytes"),
        (
            trace(&event(&r#"<int key="k" value="1"/>"#.repeat(200_000))),
            "a trace or event is longer than 4194304 bytes",
        ),
        (
            trace(&r#"<int key="k" value="1"/>"#.repeat(200_000)),
            "a trace or event is longer than 4194304 bytes",
        ),
        ("<log><trace>".to_owned(), "in the middle of an element"),
        ("<log><trace></log>".to_owned(), "no well-formed XML"),
        ("<html><body/></html>".to_owned(), "begins with <html>"),
        ("a,b\n1,2\n".to_owned(), "holds no <log>"),
        (format!("<log><trace>{}", "<event>".repeat(50_000)), "holds a trace or another event"),
    ];
    // What is passed over is not kept, however much of it there is.
    let globals =
        format!("<global scope=\"event\">{}</global>", r#"<int key="k" value="1"/>"#.repeat(200_000));
    let found = import(format!("<log>{globals}<trace/>{globals}</log>"), ImportOptions::default());
    assert!(found.result.is_ok() && found.batches.is_empty(), "{:?}", found.result);
    for (file, reason) in files {
        let error = import(file, ImportOptions::default()).result.unwrap_err();
        assert!(error.to_string().contains(reason), "{error}: {reason}");
    }
}

#[test]
fn what_xml_cannot_hold_is_refused_and_nothing_of_the_history_is_written() {
    let body = wayfold_core::bodies::Registered {};
    let customer = CustomerKey::new("a\0b").unwrap();
    let event = JourneyEvent::new(EventId::from_u128(1), customer, Timestamp::MIN, body);
    let batch = EventBatch::from_events([&event]).unwrap();
    let mut writer = XesWriter::new(Vec::new()).unwrap();
    for_each_history(&[batch], Shard::ALL, Timestamp::MAX, |history| {
        let error = writer.write(history).unwrap_err();
        assert!(error.to_string().contains("U+0000"), "{error}");
    });
    assert!(!String::from_utf8(writer.finish().unwrap()).unwrap().contains("<trace>"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Events of every kind, with every envelope that XML can hold.
    #[test]
    fn every_event_comes_back(events in vec(any_event(), 0..12)) {
        let mut events: Vec<JourneyEvent> = events
            .into_iter()
            .filter(|event| event.validate().is_ok() && event.kind() != wayfold_core::EventKind::EventRetracted)
            .collect();
        events.sort_by_key(|event| event.id);
        events.dedup_by_key(|event| event.id);
        let batch = EventBatch::from_events(&events).unwrap();
        let mut writer = XesWriter::new(Vec::new()).unwrap();
        let mut kept = Vec::new();
        for_each_history(&[batch], Shard::ALL, Timestamp::MAX, |history| {
            if writer.write(history).is_ok() {
                kept.extend(history.events().iter().map(|event| event.to_event()));
            }
        });
        let text = String::from_utf8(writer.finish().unwrap()).unwrap();
        let mut found = import(text, ImportOptions::default()).events();
        found.sort_by_key(|event| event.id);
        kept.sort_by_key(|event| event.id);
        prop_assert_eq!(found, kept);
    }

    #[test]
    fn no_text_makes_reading_panic(text in "(<|>|/|log|trace|event|string|key=\"|value=\"|concept:name|&#1;|\\PC){0,40}") {
        let _ = import(text.clone(), ImportOptions::default());
        let _ = import(trace(&text), ImportOptions::default());
    }
}

#[test]
fn every_event_of_the_loan_applications_is_read() {
    let Some(file) = real_data("bpi_2012_xes", "bpi-2012/bpic2012.xes.gz") else { return };
    let mut import = XesImport::open(file, "bpi-2012", ImportOptions::default()).unwrap();
    let found = drain(&mut import);
    found.result.as_ref().unwrap();
    assert!(import.next_batch().unwrap().is_none(), "the end is the end");
    let events = found.events();
    assert_eq!((events.len(), found.progress.rows, found.progress.rejected_rows), (262_200, 262_200, 0));
    assert_eq!(events.iter().filter(|event| event.actor.person.is_none()).count(), 18_010);
    let amount = |event: &JourneyEvent| match attribute(event, "case:AMOUNT_REQ") {
        Some(AttributeValue::Text(text)) => text.parse::<u64>().unwrap(),
        other => panic!("{other:?}"),
    };
    let firsts: Vec<_> = events.iter().filter(|event| event.sequence == 0).collect();
    assert_eq!((firsts.len(), firsts.into_iter().map(amount).sum::<u64>()), (13_087, 177_634_511));
    let instants = || events.iter().map(|event| event.occurred_at.instant());
    assert_eq!(instants().min().unwrap().to_string(), "2011-09-30T22:38:44.546Z");
    assert_eq!(instants().max().unwrap().to_string(), "2012-03-14T15:04:54.681Z");
}

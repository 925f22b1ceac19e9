//! What was written is read, down to the last field.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use wayfold_core::{
    Actor, AttributeName, AttributeValue, Channel, EventId, EventKind, EventTime, JourneyEvent, JourneyKey,
    NestedJson, Position, Registered, Stage, Timestamp,
};
use wayfold_store::ReadQuery;

use super::events::{at, custom, event, key, key_in, plain, start, tag, unknown};
use super::trial::{Trial, assert_same_content};
use crate::workload::hostile;

/// One event of every kind, with every field, as the golden files hold them.
fn golden() -> Vec<JourneyEvent> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../wayfold-core/tests/golden/events");
    let files = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<_> = files.map(|file| file.expect("a folder is listed").path()).collect();
    paths.sort();
    let read = |(number, path): (usize, &std::path::PathBuf)| {
        let text = fs::read_to_string(path).expect("a golden file is text");
        let mut event: JourneyEvent = serde_json::from_str(&text).expect("a golden file is an event");
        event.id = EventId::from_u128(1_000 + number as u128);
        event
    };
    paths.iter().enumerate().map(read).collect()
}

fn is_identity(event: &JourneyEvent) -> bool {
    let kind = event.kind();
    matches!(kind, EventKind::IdentityLinked | EventKind::IdentityUnlinked | EventKind::CustomerErased)
}

#[track_caller]
fn assert_kept(trial: &Trial, events: &[JourneyEvent]) {
    let fresh = || {
        let own = trial.another();
        own.clock.set(trial.clock.now());
        own.caller()
    };
    let log = fresh();
    log.put(events);
    assert_same_content(&log.all(), events);
    let alone = fresh();
    for event in events {
        alone.put(std::slice::from_ref(event));
    }
    let mut back = alone.read(&ReadQuery::all().backward(), Position::END, 10);
    back.reverse();
    assert_same_content(&back, events);
}

pub(crate) fn every_kind_is_kept(trial: &Trial) {
    let takes_identity = trial.store().capabilities().identity;
    let events: Vec<_> = golden().into_iter().filter(|event| takes_identity || !is_identity(event)).collect();
    let kinds: BTreeSet<EventKind> = events.iter().map(JourneyEvent::kind).collect();
    let missing = EventKind::ALL.len() - kinds.len();
    assert_eq!(missing, if takes_identity { 0 } else { 3 }, "every kind has a golden file");
    trial.clock.set(at(400 * 86_400));
    assert_kept(trial, &events);
}

/// Each field alone, so that the columns of a batch are sparse, and at the ends of its range.
pub(crate) fn every_field_of_the_envelope_is_kept(trial: &Trial) {
    let mut events: Vec<JourneyEvent> = (1..=20).map(|id| plain(id, "a")).collect();
    let time = |instant, minutes| EventTime::new(instant, minutes).expect("an offset");
    events[0].customer = key_in("t", "a");
    events[1].journey = Some(JourneyKey::new("j").expect("a name of the suite"));
    events[2].occurred_at = time(start(), -1_080);
    events[3].occurred_at = time(at(1), 1_080);
    events[4].occurred_at = Timestamp::MIN.into();
    events[5].received_at = Some(Timestamp::MAX);
    events[6].received_at = Some(Timestamp::MIN);
    events[7].sequence = u32::MAX;
    events[8].tags = [tag("a:b:c"), tag("order:1"), tag("product: ")].into();
    events[9].channel = Some(Channel::Other);
    events[10].source = Some(String::new());
    events[11].source = Some("s".repeat(2_000));
    events[12].actor = Actor { team: Some("north".to_owned()), person: None };
    events[13].actor = Actor { team: None, person: Some(String::new()) };
    events[14].correlation = Some(EventId::from_u128(0).0);
    events[15].causation = Some(EventId::from_u128(u128::MAX));
    events[16].id = EventId::from_u128(u128::MAX);
    events[17].body = custom("seen", None).into();
    events[17].stage = Some(Stage::AfterSales);
    events[18].occurred_at = time(Timestamp::from_micros(1).expect("an instant"), 1);
    events[19].occurred_at = Timestamp::from_micros(-1).expect("an instant").into();
    assert_kept(trial, &events);
}

pub(crate) fn attributes_are_kept(trial: &Trial) {
    let name = |text: &str| AttributeName::new(text).expect("a name of the suite");
    let json = |text| AttributeValue::Json(NestedJson::new(text).expect("nested JSON of the suite"));
    let big = format!("[{}\"end\"]", "{\"a\":[1.10,1e400,null]},".repeat(300));
    let events = [
        plain(1, "a").with_attribute(name("x"), i64::MIN).with_attribute(name("X"), i64::MAX),
        plain(2, "a").with_attribute(name("x"), "text").with_attribute(name("y"), ""),
        plain(3, "a").with_attribute(name("x"), true),
        plain(4, "a").with_attribute(name("x"), AttributeValue::Time(Timestamp::MIN)),
        plain(5, "a").with_attribute(name("x"), json(r#"{"a":{"b":[1,2.50,"\u0000"]}}"#)),
        plain(6, "a").with_attribute(name("'; --\0"), json(&big)),
        plain(7, "a"),
    ];
    assert_kept(trial, &events);
}

pub(crate) fn unknown_kinds_are_kept(trial: &Trial) {
    let mut versioned = event(1, key("a"), unknown("moon_seen", r#"{"degrees":12.50,"list":[{"a":null}]}"#));
    versioned.schema_version = u16::MAX;
    let big = format!("{{\"n\":{}}}", "9".repeat(400));
    let events = [
        versioned,
        event(2, key("a"), unknown("Moon_Seen", "{}")),
        event(3, key("a"), unknown("Mond; 'gesehen'", &big)),
        event(4, key("b"), Registered {}),
    ];
    assert_kept(trial, &events);
}

/// Histories of everything that goes wrong in practice.
pub(crate) fn generated_histories_are_kept(trial: &Trial) {
    for seed in 0..30 {
        let events = hostile::history(seed).events;
        let own = trial.another();
        // The histories reach as far into the future as the calendar does.
        own.clock.set(Timestamp::MAX);
        let log = own.caller();
        for chunk in events.chunks(1 + seed as usize * 3) {
            log.put(chunk);
        }
        assert_same_content(&log.read(&ReadQuery::all(), Position::START, 11), &events);
    }
}

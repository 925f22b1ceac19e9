//! Older shapes of events, lifted to today's by chains of steps.

use proptest::collection::vec;
use proptest::prelude::*;
use wayfold_core::bodies::{Custom, Unknown};
use wayfold_core::{
    AttributeValue, CustomKind, ErrorKind, EventBatch, EventBody, EventKind, JourneyEvent, Position,
    RawEvent, RawFields, RawValues, Stage, Upcasters, UpcastersBuilder,
};

use super::support::{ada, day, event};

const VISITED: &str = "custom:store_visited";

/// The chain behind the golden files: a new name, then a stage and a number where a text was.
fn store_visited() -> Upcasters {
    let to_3 = |event: &mut RawFields| {
        let Some(AttributeValue::Text(minutes)) = event.attribute("minutes") else {
            return Err("minutes are no text".into());
        };
        let minutes: i64 = minutes.parse()?;
        event.set_attribute("minutes", minutes)?;
        Ok(event.set_field("stage", &Stage::Information)?)
    };
    Upcasters::builder()
        .step(VISITED, 2, 3, to_3)
        .step(VISITED, 1, 2, |event| Ok(event.rename_attribute("shop", "store")?))
        .build()
        .unwrap()
}

fn golden(version: u16) -> String {
    let file = format!("custom.store_visited.v{version}.json");
    super::golden::events().into_iter().find(|(name, _)| *name == file).unwrap().1
}

fn raw(text: &str) -> RawEvent {
    serde_json::from_str(text).unwrap()
}

/// An event with these members beside those that every event has.
fn json(rest: &str) -> String {
    format!(
        r#"{{"id":"00000000-0000-0000-0000-000000000007","customer":"ada","occurred_at":"2024-03-01T10:00:00Z",{rest}}}"#
    )
}

fn custom(name: &str) -> Custom {
    Custom { name: CustomKind::new(name).unwrap(), stage: None, amount: None }
}

#[test]
fn every_golden_version_of_a_users_own_kind_reads_to_the_same_value() {
    let upcasters = store_visited();
    let newest: JourneyEvent = serde_json::from_str(&golden(3)).unwrap();
    assert_eq!(newest.kind(), EventKind::CustomInformation);
    for version in 1..=3 {
        let text = golden(version);
        assert_eq!(JourneyEvent::from_json(&text, &upcasters).unwrap(), newest, "version {version}");
        assert_eq!(upcasters.lift_stored(raw(&text)).unwrap(), newest, "version {version}");
        let as_written: JourneyEvent = serde_json::from_str(&text).unwrap();
        assert_eq!(as_written.schema_version, version, "without a chain any version is read as it is");
        assert_eq!(upcasters.lift_event(as_written).unwrap(), newest, "version {version}");
    }
    assert_eq!(upcasters.current_version(VISITED), Some(3));
    assert_eq!(upcasters.current_version("custom:other"), None);
    assert_eq!(upcasters.current_version("moon_seen"), None);
    assert_eq!(format!("{upcasters:?}"), "Upcasters {\"store_visited\": 3}");
}

#[test]
fn what_a_step_refuses_or_spoils_names_event_kind_and_versions() {
    #[track_caller]
    fn check(builder: UpcastersBuilder, message: &str) {
        let upcasters = builder.build().unwrap();
        let old = event(7, day(0), custom("store_visited"));
        let text = serde_json::to_string(&old).unwrap();
        let expected = format!("event {}: {VISITED} {message}", old.id);
        let lifted = [
            JourneyEvent::from_json(&text, &upcasters),
            upcasters.lift_stored(raw(&text)),
            upcasters.lift_event(old),
        ];
        for error in lifted.map(Result::unwrap_err) {
            assert_eq!((error.kind(), error.to_string()), (ErrorKind::UpcastFailed, expected.clone()));
        }
    }
    let first = || Upcasters::builder().step(VISITED, 1, 2, |_| Ok(()));
    check(first().step(VISITED, 2, 3, |_| Err("no shop".into())), "from version 2 to 3: no shop");
    check(
        first().step(VISITED, 2, 3, |event| event.field::<u8>("name").map(|_| ()).map_err(Into::into)),
        "from version 2 to 3: field \"name\": invalid type: string \"store_visited\", expected u8",
    );
    check(
        first().step(VISITED, 2, 3, |event| Ok(event.set_field("colour", "red")?)),
        "from version 1 to 3: fields of \"custom\": unknown field `colour`, expected one of `name`, `stage`, `amount`",
    );
    check(
        first().step(VISITED, 2, 3, |event| Ok(event.set_field("name", "shop_visited")?)),
        "from version 1 to 3: a step gave the kind another name; steps keep it",
    );
}

#[test]
fn what_is_lifted_from_a_store_keeps_the_rules_of_its_kind() {
    let upcasters = Upcasters::builder()
        .step(VISITED, 1, 2, |event| Ok(event.set_field("stage", &Stage::Need)?))
        .build()
        .unwrap();
    let old = event(7, day(0), custom("store_visited")).with_stage(Stage::Decision);
    let error = upcasters.lift_event(old).unwrap_err();
    let message = "custom belongs to stage need, so it cannot name stage decision; leave it out";
    assert_eq!(error.kind(), ErrorKind::InvalidEvent);
    assert_eq!(error.to_string(), format!("event 00000000-0000-0000-0000-000000000007: {message}"));
}

#[test]
fn chains_with_gaps_cycles_or_forks_are_refused() {
    #[track_caller]
    fn check(steps: &[(&str, u16, u16)], message: &str) {
        let add = |builder: UpcastersBuilder, &(kind, from, to): &(&str, u16, u16)| {
            builder.step(kind, from, to, |_| Ok(()))
        };
        let error = steps.iter().fold(Upcasters::builder(), add).build().unwrap_err();
        assert_eq!((error.kind(), error.to_string().as_str()), (ErrorKind::InvalidUpcasters, message));
    }
    check(
        &[(VISITED, 1, 2), (VISITED, 3, 4)],
        "custom:store_visited: there is a step from version 3 but none from version 2",
    );
    check(&[(VISITED, 2, 3)], "custom:store_visited: there is a step from version 2 but none from version 1");
    check(
        &[(VISITED, 1, 3)],
        "custom:store_visited: step from version 1 to 3: it leaves out a version; a step goes to the next one",
    );
    check(
        &[(VISITED, 1, 2), (VISITED, 2, 1)],
        "custom:store_visited: step from version 2 to 1: it makes a cycle; a step goes to the next version",
    );
    check(
        &[(VISITED, 1, 1)],
        "custom:store_visited: step from version 1 to 1: it makes a cycle; a step goes to the next version",
    );
    check(&[(VISITED, 0, 1)], "custom:store_visited: step from version 0 to 1: versions begin at 1");
    check(
        &[(VISITED, 1, 2), ("custom:other", 1, 2), (VISITED, 1, 2)],
        "custom:store_visited: two steps from version 1; keep one of them",
    );
    check(
        &[("order_placed", 1, 2)],
        "kind \"order_placed\" is the library's own, whose steps come with it; give steps to kinds of your own",
    );
    for kind in ["store_visited", "custom", "unknown"] {
        let message = "is not known; write \"custom:NAME\" for a kind of your own";
        check(&[(kind, 1, 2)], &format!("kind {kind:?} {message}"));
    }
    check(&[("custom:", 1, 2)], "kind \"custom:\": custom kind is empty; give it at least one character");
}

/// One event of a newer program would stop an older one from reading the whole log.
#[test]
fn a_known_kind_in_a_newer_version_is_kept_where_it_is_stored_and_refused_where_it_comes_in() {
    let newer =
        json(r#""kind":"need_identified","schema_version":2,"fields":{"subject":"desk","size":1.10}"#);
    let upcasters = Upcasters::default();
    let kept = upcasters.lift_stored(raw(&newer)).unwrap();
    let EventBody::Unknown(unknown) = &kept.body else { panic!("{kept:?}") };
    assert_eq!(unknown.kind(), "need_identified");
    assert_eq!(unknown.fields_json(), r#"{"size":1.10,"subject":"desk"}"#);

    let written = serde_json::to_string(&kept).unwrap();
    assert_eq!(
        upcasters.lift_stored(raw(&written)).unwrap(),
        kept,
        "its JSON is what the newer program wrote"
    );
    for error in [
        JourneyEvent::from_json(&written, &upcasters).unwrap_err().to_string(),
        serde_json::from_str::<JourneyEvent>(&written).unwrap_err().to_string(),
    ] {
        let message = "kind \"need_identified\" has schema version 2, newer than 1, the last that this program \
                       knows; update the program";
        assert_eq!(error, message);
    }
    let error = EventBatch::from_events([&kept]).unwrap_err().to_string();
    let message =
        "need_identified in schema version 2 could not be read, so it is not taken; update the program";
    assert_eq!(error, format!("event {}: {message}", kept.id));
}

#[test]
fn what_a_store_kept_in_parts_is_lifted_as_its_json_is() {
    let upcasters = store_visited();
    let row: JourneyEvent = serde_json::from_str(&golden(1)).unwrap();
    let parts = RawEvent::new("custom", r#"{"name":"store_visited"}"#, row.clone()).unwrap();
    assert_eq!((parts.id(), parts.kind(), parts.schema_version()), (row.id, "custom", 1));
    assert_eq!(upcasters.lift_stored(parts).unwrap(), serde_json::from_str(&golden(3)).unwrap());
    let refused = |kind: &str, fields: &str| {
        let lifted = RawEvent::new(kind, fields, row.clone()).and_then(|raw| upcasters.lift_stored(raw));
        let error = lifted.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Malformed);
        error.to_string().replace(&format!("event {}: ", row.id), "")
    };
    assert_eq!(refused("registered", "{"), "fields of \"registered\": EOF while parsing an object");
    assert_eq!(refused("registered", "[]"), "fields of \"registered\": they are not a JSON object");
    assert_eq!(refused("moon_seen", "[]"), "fields of \"moon_seen\": they are not a JSON object");
}

#[test]
fn a_version_beyond_the_chain_of_a_users_own_kind_is_newer_too() {
    let upcasters = store_visited();
    let newer = event(7, day(0), custom("store_visited")).with_schema_version(4);
    let text = serde_json::to_string(&newer).unwrap();
    let error = JourneyEvent::from_json(&text, &upcasters).unwrap_err().to_string();
    assert!(error.starts_with("kind \"custom:store_visited\" has schema version 4, newer than 3"), "{error}");
    let kept = upcasters.lift_event(newer.clone()).unwrap();
    assert_eq!((kept.kind(), kept.schema_version), (EventKind::Unknown, 4));
    assert_eq!(upcasters.lift_stored(raw(&text)).unwrap(), kept);
    let updated = Upcasters::default().lift_event(kept).unwrap();
    assert_eq!(updated, newer, "a program that has no chain, or a longer one, reads it again");
}

/// What an older program took as unknown was checked by nobody, so it may have any fields.
#[test]
fn an_unknown_event_becomes_one_of_its_kind_once_the_program_knows_it() {
    let upcasters = Upcasters::default();
    // An older program's unknown kinds are known here; a newer version stands in for what it could not read.
    let taken_as_unknown = |version: u16, kind: &str, fields: &str| {
        let text = json(&format!(r#""kind":"{kind}","schema_version":2,"fields":{fields}"#));
        upcasters.lift_stored(raw(&text)).unwrap().with_schema_version(version)
    };
    let readable = taken_as_unknown(1, "need_identified", r#"{"category":"desk"}"#);
    assert_eq!(readable.kind(), EventKind::Unknown);
    let known = upcasters.lift_event(readable).unwrap();
    assert_eq!((known.kind(), &known.customer), (EventKind::NeedIdentified, &ada()));

    let order = r#"{"amount":{"amount":"1","currency":"EUR"}}"#;
    for stays in [
        taken_as_unknown(1, "need_identified", r#"{"colour":"red"}"#),
        taken_as_unknown(0, "need_identified", r#"{"category":"desk"}"#),
        taken_as_unknown(2, "need_identified", r#"{"category":"desk"}"#),
        // An order without an order tag breaks the rules of its kind.
        taken_as_unknown(1, "order_placed", order),
        event(1, day(0), Unknown::new("moon_seen", "{}").unwrap()).with_schema_version(9),
    ] {
        assert_eq!(upcasters.lift_event(stays.clone()).unwrap(), stays);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn the_empty_chain_changes_nothing(event in super::roundtrip::event()) {
        let text = serde_json::to_string(&event).unwrap();
        let upcasters = Upcasters::default();
        prop_assert_eq!(&upcasters.lift_event(event.clone()).unwrap(), &event);
        prop_assert_eq!(&JourneyEvent::from_json(&text, &upcasters).unwrap(), &event);
        if event.validate().is_ok() {
            prop_assert_eq!(&upcasters.lift_stored(raw(&text)).unwrap(), &event);
        }
    }

    #[test]
    fn a_chain_visits_each_version_once_and_in_order(
        others in vec(1_u16..20, 0..3),
        (last, first) in (2_u16..20).prop_flat_map(|last| (Just(last), 1..=last)),
    ) {
        let visit = |builder: UpcastersBuilder, kind: &str, last: u16| {
            // The steps are given backwards, as their order is nobody's business.
            (1..last).rev().fold(builder, |builder, from| {
                builder.step(kind, from, from + 1, move |event: &mut RawFields| {
                    let place = event.attribute("steps").cloned().unwrap_or(AttributeValue::Integer(0));
                    let AttributeValue::Integer(place) = place else { panic!("{place:?}") };
                    event.set_attribute(&format!("{place:03}"), i64::from(from))?;
                    Ok(event.set_attribute("steps", place + 1)?)
                })
            })
        };
        let builder = others.iter().enumerate().fold(Upcasters::builder(), |builder, (number, &last)| {
            visit(builder, &format!("custom:other{number}"), last)
        });
        let upcasters = visit(builder, VISITED, last).build().unwrap();
        let lifted = upcasters
            .lift_event(event(1, day(0), custom("store_visited")).with_schema_version(first))
            .unwrap();
        prop_assert_eq!(lifted.schema_version, last);
        let mut visited: Vec<_> = lifted.attributes.into_values().collect();
        let expected: Vec<_> = (first..last).map(|from| AttributeValue::Integer(from.into())).collect();
        if first < last {
            prop_assert_eq!(visited.pop(), Some(AttributeValue::Integer((last - first).into())));
        }
        prop_assert_eq!(visited, expected);
    }
}

/// What another version of the library would have stored: the same columns under another kind name or version.
fn stored_as(batch: &EventBatch, from: &str, to: &str, version: i64) -> EventBatch {
    assert_eq!(from.len(), to.len(), "texts are replaced in place");
    let mut raw = batch.to_raw();
    raw.texts.bytes = raw.texts.bytes.replace(from, to).into();
    let versions = raw.columns.iter_mut().find(|column| column.name == "kinds.version").unwrap();
    versions.values = RawValues::Integers(vec![version; versions.values.len()].into());
    EventBatch::from_raw(raw).unwrap()
}

#[test]
fn every_kind_is_kept_with_its_fields_where_a_newer_library_stored_it() {
    for (name, text) in super::golden::events() {
        let event: JourneyEvent = serde_json::from_str(&text).unwrap();
        if event.kind().is_custom() || event.kind() == EventKind::Unknown {
            continue;
        }
        let plain = EventBatch::from_events([&event]).unwrap();
        let newer = stored_as(&plain, "", "", 2);
        let kept = newer.event(0).to_event();
        let EventBody::Unknown(unknown) = &kept.body else { panic!("{name}: {kept:?}") };
        assert_eq!((unknown.kind(), kept.schema_version), (event.kind().name(), 2));
        // It is the document that the newer library would have written.
        let document = serde_json::to_value(&kept).unwrap();
        let mut expected = serde_json::to_value(&event).unwrap();
        expected["schema_version"] = 2.into();
        assert_eq!(document, expected, "{name}");
        assert_eq!(newer.lifted(&Upcasters::default()).unwrap(), newer, "{name}");
        assert_eq!(EventBatch::from_raw(newer.to_raw()).unwrap(), newer, "{name}");
    }
}

#[test]
fn a_kind_of_a_newer_library_is_kept_and_known_after_the_update() {
    let event = event(1, day(0), wayfold_core::NeedIdentified { category: Some("lamps".to_owned()) });
    let plain = EventBatch::from_events([&event]).unwrap().recorded(vec![Position::END], day(1));
    let newer = stored_as(&plain, "need_identified", "need_redescribe", 1);
    let EventBody::Unknown(unknown) = newer.event(0).to_event().body else { panic!("{newer:?}") };
    assert_eq!((unknown.kind(), unknown.fields_json()), ("need_redescribe", r#"{"category":"lamps"}"#));
    // A program that knows the kind reads what one that did not know it stored.
    let updated = stored_as(&newer, "need_redescribe", "need_identified", 1);
    assert!(matches!(updated.event(0).to_event().body, EventBody::Unknown(_)), "it is lifted when asked");
    let lifted = updated.lifted(&Upcasters::default()).unwrap();
    assert_eq!(lifted, plain);
    assert_eq!(lifted.event(0).position(), Some(Position::END));
}

#[test]
fn stored_events_of_ones_own_kind_are_lifted_among_others() {
    let old: Vec<JourneyEvent> =
        (1..=3).map(|version| serde_json::from_str(&golden(version)).unwrap()).collect();
    let others =
        [event(1, day(0), wayfold_core::Registered {}), event(2, day(1), wayfold_core::Registered {})];
    let batch = EventBatch::from_events([&others[0], &old[0], &old[2], &others[1], &old[1]]).unwrap();
    let lifted = batch.lifted(&store_visited()).unwrap();
    let new = JourneyEvent::from_json(&golden(1), &store_visited()).unwrap();
    let expected = [&others[0], &new, &new, &others[1], &new];
    assert_eq!(lifted.to_events(), expected.map(JourneyEvent::clone));
    assert_eq!(batch.lifted(&Upcasters::default()).unwrap(), batch);
    let fails = Upcasters::builder().step(VISITED, 1, 2, |_| Err("no".into())).build().unwrap();
    let error = batch.lifted(&fails).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UpcastFailed);
    assert!(error.to_string().contains(&old[0].id.to_string()), "{error}");
}

//! What goes in comes out: through batches, views and JSON.

use std::collections::BTreeSet;

use proptest::collection::vec;
use proptest::prelude::*;
use serde::Deserialize;
use wayfold_core::bodies::Unknown;
use wayfold_core::{
    AttributeName, AttributeValue, BatchBuilder, Channel, CustomerKey, EventBatch, EventBody, EventId,
    EventView, JourneyEvent, JourneyKey, Limits, NestedJson, Position, Stage, Tag, Tenant, Timestamp,
};

use super::support::{day, event as event_of};

fn name() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z]{1,8}", "\\PC{1,6}", Just("\0'\"\\".to_owned()), Just("\u{202e}x".to_owned())]
}

fn attribute() -> impl Strategy<Value = AttributeValue> {
    prop_oneof![
        name().prop_map(AttributeValue::Text),
        any::<i64>().prop_map(AttributeValue::Integer),
        any::<bool>().prop_map(AttributeValue::Boolean),
        (0..i64::MAX).prop_map(|micros| {
            AttributeValue::Time(Timestamp::from_micros(micros % 100_000_000_000_000_000).unwrap())
        }),
    ]
}

/// A golden event of any kind with another id, customer, time and envelope.
pub(crate) fn event() -> impl Strategy<Value = JourneyEvent> {
    let golden: Vec<JourneyEvent> =
        super::golden::events().iter().map(|(_, text)| serde_json::from_str(text).unwrap()).collect();
    let envelope = (any::<u128>(), name(), name(), 0..4_000_000_000_000_000_i64, any::<u32>());
    let rest = (
        proptest::option::of(name()),
        vec(name(), 0..4),
        proptest::collection::btree_map(name(), attribute(), 0..3),
    );
    (0..golden.len(), envelope, rest, 0..Channel::ALL.len()).prop_map(
        move |(number, (id, tenant, customer, micros, sequence), (journey, tags, attributes), channel)| {
            let mut event = golden[number].clone();
            event.id = EventId::from_u128(id);
            event.customer = CustomerKey::in_tenant(tenant, customer).unwrap();
            event.occurred_at = Timestamp::from_micros(micros).unwrap().into();
            event.sequence = sequence;
            event.journey = journey.map(|key| JourneyKey::new(key).unwrap());
            event.tags.extend(tags.into_iter().map(|tag| Tag::new("thing", tag).unwrap()));
            event.attributes = attributes
                .into_iter()
                .map(|(name, value)| (AttributeName::new(name).unwrap(), value))
                .collect();
            event.channel = Some(Channel::ALL[channel]);
            event
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn a_batch_gives_back_its_events(events in vec(event(), 0..40)) {
        let events: Vec<_> = events.into_iter().filter(|event| event.validate().is_ok()).collect();
        let batch = EventBatch::from_events(&events).unwrap();
        prop_assert_eq!(batch.to_events(), events.clone());
        let odd = EventBatch::from_views(batch.iter().enumerate().filter(|(row, _)| row % 2 == 1).map(|(_, view)| view));
        let expected: Vec<_> = events.into_iter().skip(1).step_by(2).collect();
        prop_assert_eq!(odd.to_events(), expected);
    }

    #[test]
    fn views_of_several_batches_in_any_order_give_their_events(
        events in vec(event(), 1..40),
        cuts in vec(1_usize..12, 8),
        picks in vec(any::<proptest::sample::Index>(), 0..80),
    ) {
        let events: Vec<_> = events.into_iter().filter(|event| event.validate().is_ok()).collect();
        prop_assume!(!events.is_empty());
        let mut batches = Vec::new();
        let mut rest = &events[..];
        for cut in cuts {
            let (now, later) = rest.split_at(cut.min(rest.len()));
            batches.push(EventBatch::from_events(now).unwrap());
            rest = later;
        }
        batches.push(EventBatch::from_events(rest).unwrap());
        let views: Vec<_> = batches.iter().flat_map(EventBatch::iter).collect();
        let numbers: Vec<_> = picks.iter().map(|pick| pick.index(events.len())).collect();
        let gathered = EventBatch::from_views(numbers.iter().map(|number| views[*number]));
        let expected: Vec<_> = numbers.iter().map(|number| events[*number].clone()).collect();
        prop_assert_eq!(gathered.extent(), EventBatch::from_events(&expected).unwrap().extent());
        prop_assert_eq!(gathered.to_events(), expected.clone());
        let alone: Vec<_> = expected.iter().map(|event| EventBatch::from_events([event]).unwrap()).collect();
        let gathered = EventBatch::from_views(alone.iter().flat_map(EventBatch::iter));
        prop_assert_eq!(gathered.to_events(), expected.clone());
        let recorded = |number: usize, batch: EventBatch| {
            batch.recorded(vec![Position::from_bytes((number as u128).to_be_bytes())], Timestamp::MAX)
        };
        let alone: Vec<_> = (0..).zip(alone).map(|(number, batch)| recorded(number, batch)).collect();
        let gathered = EventBatch::from_views(alone.iter().flat_map(EventBatch::iter));
        let alone: Vec<_> = alone.iter().flat_map(EventBatch::to_events).collect();
        prop_assert_eq!(gathered.to_events(), alone);
    }

    /// What is copied at once is looked at first, then what is copied apart, and all of it at the end.
    #[test]
    fn picked_rows_look_like_the_views_that_they_name(
        parts in vec((vec(event(), 0..12), any::<bool>()), 1..5),
        picks in vec((any::<proptest::sample::Index>(), any::<proptest::sample::Index>()), 0..40),
        all_are_recorded: bool,
    ) {
        let batches: Vec<_> = parts.into_iter().map(|(events, is_recorded)| {
            let events = events.into_iter().filter(|event| event.validate().is_ok()).collect::<Vec<_>>();
            let batch = EventBatch::from_events(&events).unwrap();
            let positions = (0..batch.len() as u128).map(|number| Position::from_bytes(number.to_be_bytes()));
            match is_recorded || all_are_recorded {
                true => batch.recorded(positions.collect(), Timestamp::MAX),
                false => batch,
            }
        }).filter(|batch| !batch.is_empty()).collect();
        prop_assume!(!batches.is_empty());
        let place = |(batch, row): &(proptest::sample::Index, proptest::sample::Index)| {
            let batch = batch.index(batches.len());
            (batch as u32, row.index(batches[batch].len()) as u32)
        };
        let rows: Vec<_> = picks.iter().map(place).collect();
        let views = || rows.iter().map(|(batch, row)| batches[*batch as usize].event(*row as usize));
        let expected = EventBatch::from_views(views());
        let picked = EventBatch::picked(&batches.clone().into(), rows.clone());
        let hot = |event: EventView<'_>| format!(
            "{:?}", (event.order_key(), event.kind(), event.schema_version(), event.customer_texts(), event.journey(),
                event.order(), event.money_amount(), event.stage(), event.time("promised_at")),
        );
        let apart = |event: EventView<'_>| format!(
            "{:?}", (event.position(), event.recorded_at(), event.event_id("event"), event.integer("score"),
                event.boolean("reached"), event.time("valid_until"), event.amount("fit"), event.money("value")),
        );
        for look in [&hot as &dyn Fn(EventView<'_>) -> String, &apart] {
            prop_assert_eq!(picked.iter().map(look).collect::<Vec<_>>(), expected.iter().map(look).collect::<Vec<_>>());
        }
        prop_assert_eq!(picked.spreads().len(), picked.customers().collect::<BTreeSet<_>>().len());
        prop_assert_eq!(picked.to_events(), expected.to_events());
        prop_assert!(picked.failure().is_none());
    }

    /// Compared by columns, as events with one thing changed, and against events that only a batch brings together.
    #[test]
    fn events_state_the_same_if_all_that_a_source_states_is_equal(
        events in vec(event(), 2..12),
        changes in vec((any::<proptest::sample::Index>(), any::<proptest::sample::Index>()), 12),
    ) {
        let events: Vec<_> = events.into_iter().filter(|event| event.validate().is_ok()).collect();
        prop_assume!(events.len() >= 2);
        let mut others = events.clone();
        for (event, (other, what)) in others.iter_mut().zip(changes) {
            let other = &events[other.index(events.len())];
            match what.index(16) {
                0 => event.body = other.body.clone(),
                1 => event.customer = other.customer.clone(),
                2 => event.occurred_at = other.occurred_at,
                3 => event.journey = other.journey.clone(),
                4 => event.tags = other.tags.clone(),
                5 => event.attributes = other.attributes.clone(),
                6 => event.channel = other.channel,
                7 => event.source = Some("elsewhere".to_owned()),
                8 => event.actor.team = Some("other".to_owned()),
                9 => event.correlation = Some(event.id.0),
                10 => event.causation = Some(other.id),
                11 => event.received_at = Some(Timestamp::MAX),
                12 => event.sequence = other.sequence,
                13 => event.attributes.values_mut().take(1).for_each(|value| *value = AttributeValue::Boolean(true)),
                _ => {}
            }
        }
        others.retain(|event| event.validate().is_ok());
        let (batch, other_batch) = (EventBatch::from_events(&events).unwrap(), EventBatch::from_events(&others).unwrap());
        for (view, event) in batch.iter().zip(&events) {
            for (other_view, other) in other_batch.iter().zip(&others) {
                prop_assert_eq!(view.same_content(&other_view), event.same_content(other));
            }
        }
    }

    #[test]
    fn plain_columns_give_back_their_batch(events in vec(event(), 0..40), recorded in any::<bool>()) {
        let events: Vec<_> = events.into_iter().filter(|event| event.validate().is_ok()).collect();
        let mut batch = EventBatch::from_events(&events).unwrap();
        if recorded {
            let place = |row: usize| wayfold_core::Position::from_bytes((row as u128 + 7).to_be_bytes());
            batch = batch.recorded((0..events.len()).map(place).collect(), Timestamp::MAX);
        }
        let raw = batch.to_raw();
        let read = EventBatch::from_raw(raw.clone()).unwrap();
        prop_assert_eq!(&read, &batch);
        prop_assert_eq!(read.to_raw().columns.len(), raw.columns.len());
        let again = EventBatch::from_raw(EventBatch::from_views(read.iter()).to_raw()).unwrap();
        prop_assert_eq!(again, batch);
    }

    #[test]
    fn json_gives_back_its_event(event in event()) {
        let text = serde_json::to_string(&event).unwrap();
        prop_assert_eq!(serde_json::from_str::<JourneyEvent>(&text).unwrap(), event);
    }

    #[test]
    fn no_text_makes_reading_panic(text in "\\PC{0,200}", golden in 0_usize..50, cut in 0_usize..400) {
        let _ = serde_json::from_str::<JourneyEvent>(&text);
        let (_, document) = &super::golden::events()[golden];
        let cut: String = document.chars().take(cut).collect();
        let _ = serde_json::from_str::<JourneyEvent>(&cut);
    }
}

#[test]
fn a_view_reads_each_typed_column() {
    let (_, text) =
        super::golden::events().into_iter().find(|(name, _)| name.starts_with("order_placed")).unwrap();
    let event: JourneyEvent = serde_json::from_str(&text).unwrap();
    let batch = EventBatch::from_events([&event]).unwrap();
    let view = batch.event(0);
    assert_eq!(view.order(), Some("o:1"));
    assert_eq!(view.money("amount").unwrap().to_string(), "129.95 EUR");
    assert_eq!(view.time("promised_at"), Some(Timestamp::parse("2024-03-20T10:00:00Z").unwrap()));
    assert_eq!(view.lines().map(|line| line.product()).collect::<Vec<_>>(), ["desk", "lamp"]);
    assert_eq!(view.tags().collect::<Vec<_>>(), ["account:a7", "order:o:1"]);
    assert_eq!(view.attribute("seats"), Some(AttributeValue::Integer(5)));
    assert_eq!(view.attribute("none"), None);
    assert_eq!(view.stage(), Some(Stage::Decision));
    assert_eq!(view.customer().tenant, Tenant::new("acme").unwrap());
}

/// The position of a recorded event once moved to one that was not recorded.
#[test]
fn positions_stand_for_all_events_of_a_batch_or_for_none() {
    let (_, text) = super::golden::events().remove(0);
    let event: JourneyEvent = serde_json::from_str(&text).unwrap();
    let plain = EventBatch::from_events([&event]).unwrap();
    let recorded = plain.clone().recorded(vec![Position::END], Timestamp::MIN);
    let mixed = EventBatch::from_views([plain.event(0), recorded.event(0)]);
    assert!(mixed.iter().all(|event| event.position().is_none() && event.recorded_at().is_none()));
    let whole = EventBatch::from_views([recorded.event(0)]);
    assert_eq!(whole.event(0).position(), Some(Position::END));
    let pushed = |events: &[JourneyEvent]| {
        let mut builder = BatchBuilder::new(Limits::default());
        events.iter().for_each(|event| builder.push_recorded(event).unwrap());
        builder.finish()
    };
    let exported = recorded.event(0).to_event();
    let exported = [exported];
    assert_eq!(pushed(&exported).to_events(), exported);
    let [exported] = exported;
    assert!(pushed(&[exported, event]).iter().all(|event| event.position().is_none()));
}

fn attribute_name(text: &str) -> AttributeName {
    AttributeName::new(text).unwrap()
}

fn read(text: &str) -> JourneyEvent {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// Nested JSON and the fields of unknown kinds once passed through floats: 0.1 with many digits moved at every
/// export and import, 1.10 became 1.1, long whole numbers became floats, and another crate's choice of
/// serde_json's features changed the text.
#[test]
fn numbers_that_no_type_describes_stay_as_they_were_written() {
    let numbers = "1.10,0.10000000000000000555,5e-324,1E+2,-0.0,123456789012345678901234567890,1e400";
    let nested = format!(r#"{{"b":[{numbers}],"a":{{"z":1.0,"y":"1.10"}}}}"#);
    let canonical = format!(r#"{{"a":{{"y":"1.10","z":1.0}},"b":[{numbers}]}}"#);
    let event = event_of(1, day(0), Unknown::new("moon_seen", &nested).unwrap())
        .with_attribute(attribute_name("nested"), AttributeValue::Json(NestedJson::new(&nested).unwrap()));

    let mut read_back = event.clone();
    for _ in 0..3 {
        let text = serde_json::to_string(&read_back).unwrap();
        assert!(text.contains(&format!(r#""fields":{canonical}"#)), "{text}");
        assert!(text.contains(&format!(r#"{{"nested":{{"json":{canonical}}}}}"#)), "{text}");
        read_back = EventBatch::from_events([&read(&text)]).unwrap().event(0).to_event();
        assert!(read_back.same_content(&event));
        assert_eq!(serde_json::from_reader::<_, JourneyEvent>(text.as_bytes()).unwrap(), event);
    }
}

/// Reading JSON as text must not depend on the source being text: a service may hold the event as a JSON value,
/// or inside a tagged enum, which serde buffers.
#[test]
fn events_are_read_from_json_values_and_buffers_too() {
    #[derive(Debug, Deserialize)]
    #[serde(tag = "type", rename_all = "snake_case")]
    enum Message {
        Event(JourneyEvent),
    }
    let documents = super::golden::events();
    for (name, text) in &documents {
        let event = read(text);
        let value = serde_json::to_value(&event).unwrap();
        assert_eq!(serde_json::from_value::<JourneyEvent>(value.clone()).unwrap(), event, "{name}");
        assert_eq!(JourneyEvent::deserialize(&value).unwrap(), event, "{name}");
        let message = text.replacen('{', r#"{"type":"event","#, 1);
        let Message::Event(buffered) = serde_json::from_str(&message).unwrap();
        assert_eq!(buffered, event, "{name}");
    }
}

/// Where another crate switched on serde_json's `arbitrary_precision`, every whole number was once refused.
#[test]
fn whole_numbers_are_attributes_up_to_64_bits() {
    let of = |number: &str| {
        let value: serde_json::Value = serde_json::from_str(number).unwrap();
        let from_text = serde_json::from_str::<AttributeValue>(number).map_err(|error| error.to_string());
        let from_value = serde_json::from_value::<AttributeValue>(value).map_err(|error| error.to_string());
        [from_text, from_value]
    };
    for number in [0, 1, -1, i64::MAX, i64::MIN] {
        for found in of(&number.to_string()) {
            assert_eq!(found, Ok(AttributeValue::Integer(number)));
        }
    }
    for number in ["9223372036854775808", "18446744073709551615", "1.5", "1e3"] {
        for found in of(number) {
            let error = found.unwrap_err();
            assert!(error.contains("is beyond 64 bits") || error.contains("is a float"), "{number}: {error}");
        }
    }
}

/// Events nested beyond the JSON reader's depth were once taken and written, but never read again.
#[test]
fn what_is_taken_at_the_greatest_depth_is_read_again() {
    let deep = |levels: usize| format!("{}{}", r#"{"a":"#.repeat(levels - 1) + "{}", "}".repeat(levels - 1));
    let event = event_of(1, day(0), Unknown::new("moon_seen", &deep(64)).unwrap())
        .with_attribute(attribute_name("deep"), AttributeValue::Json(NestedJson::new(&deep(64)).unwrap()));
    let text = serde_json::to_string(&event).unwrap();
    assert_eq!(read(&text), event);
    assert_eq!(
        serde_json::from_str::<serde_json::Value>(&text).unwrap(),
        serde_json::to_value(&event).unwrap()
    );
    let EventBody::Unknown(unknown) = &event.body else { panic!("the kind is unknown") };
    assert_eq!(unknown.fields_json(), deep(64));
}

//! What goes in comes out: through batches, views and JSON.

use proptest::collection::vec;
use proptest::prelude::*;
use wayfold_core::{
    AttributeName, AttributeValue, Channel, CustomerKey, EventBatch, EventId, JourneyEvent, JourneyKey,
    Stage, Tag, Tenant, Timestamp,
};

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
fn event() -> impl Strategy<Value = JourneyEvent> {
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
    let recorded = plain.clone().recorded(vec![wayfold_core::Position::END], Timestamp::MIN);
    let mixed = EventBatch::from_views([plain.event(0), recorded.event(0)]);
    assert!(mixed.iter().all(|event| event.position().is_none() && event.recorded_at().is_none()));
    let whole = EventBatch::from_views([recorded.event(0)]);
    assert_eq!(whole.event(0).position(), Some(wayfold_core::Position::END));
}

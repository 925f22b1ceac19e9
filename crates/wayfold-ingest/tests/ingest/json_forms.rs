//! Events of other specifications: what becomes what, what is refused, and the way there and back.

use std::io::Cursor;

use proptest::collection::vec;
use proptest::prelude::*;
use wayfold_core::{Currency, EventBatch, EventKind, JourneyEvent, Rounding, Stage};
use wayfold_ingest::{
    ForeignSpec, ImportOptions, JsonForm, JsonlImport, OnBadRow, Rejects, write_cloud_events,
};

use super::common::{Imported, Shared, drain, example};
use super::properties::event as any_event;

fn import(form: JsonForm, lines: &str, options: ImportOptions) -> Imported {
    let import = JsonlImport::from_reader("e.jsonl", Cursor::new(lines.to_owned()), options).unwrap();
    drain(&mut import.of_form(form))
}

fn shop() -> ForeignSpec {
    ForeignSpec::new("shop")
}

fn segment(lines: &str) -> Imported {
    import(JsonForm::Segment(shop()), lines, ImportOptions::default())
}

/// A `track` call of a user.
fn track(event: &str, properties: &str) -> String {
    format!(
        r#"{{"type":"track","event":"{event}","userId":"ada","messageId":"{event}","timestamp":"2024-01-31T10:00:00Z","properties":{properties}}}"#
    )
}

/// The one event of a `track` call.
#[track_caller]
fn tracked(event: &str, properties: &str) -> JourneyEvent {
    let imported = segment(&track(event, properties));
    imported.result.as_ref().unwrap_or_else(|error| panic!("{error}"));
    imported.events().remove(0)
}

/// What is said of a `track` call that is no event.
#[track_caller]
fn refused(event: &str, properties: &str) -> String {
    segment(&track(event, properties)).result.unwrap_err().to_string()
}

fn without_id(event: &JourneyEvent) -> String {
    let id = event.id.to_string();
    serde_json::to_string(event).unwrap().replacen(&id, "@", 1)
}

#[test]
fn worked_examples_of_the_guide_give_what_the_guide_says() {
    let guide = std::fs::read_to_string(example("../docs/guide/json-events.md")).unwrap();
    let blocks: Vec<&str> =
        guide.split("```jsonl\n").skip(1).map(|rest| rest.split_once("```").unwrap().0).collect();
    let euro = shop().with_currency(Currency::EUR);
    let forms = [JsonForm::Segment(euro.clone()), JsonForm::Ga4(euro), JsonForm::CloudEvents];
    assert_eq!(blocks.len(), 2 * forms.len());
    for (form, pair) in forms.into_iter().zip(blocks.chunks(2)) {
        let imported = import(form.clone(), pair[0], ImportOptions::default());
        assert!(imported.result.is_ok(), "{form:?}: {:?}", imported.result);
        let lines: Vec<_> = imported.events().iter().map(without_id).collect();
        assert_eq!(lines, pair[1].lines().collect::<Vec<_>>(), "{form:?}");
    }
}

/// The table of the events that the specification of e-commerce has, by the stage that each belongs to.
#[test]
fn events_of_segment_stand_at_their_stages() {
    let order = r#"{"order_id":"o1","revenue":12.5,"currency":"USD","total":"12.5"}"#;
    for (stage, names) in [
        (Stage::Need, &["Products Searched", "Promotion Clicked", "Signed Up", "Trial Started"][..]),
        (
            Stage::Information,
            &[
                "Product List Viewed",
                "Product List Filtered",
                "Product Viewed",
                "Product Added to Wishlist",
                "Email Opened",
            ],
        ),
        (
            Stage::Decision,
            &[
                "Product Added",
                "Cart Viewed",
                "Checkout Started",
                "Payment Info Entered",
                "Coupon Applied",
                "Order Completed",
            ],
        ),
        (Stage::AfterSales, &["Order Refunded", "Product Reviewed", "Unsubscribed"]),
    ] {
        for name in names {
            let batch = EventBatch::from_events(&[tracked(name, order)]).unwrap();
            assert_eq!(batch.event(0).stage(), Some(stage), "{name}");
        }
    }
    let other = EventBatch::from_events(&[tracked("Tea Brewed", "{}")]).unwrap();
    assert_eq!((other.event(0).stage(), &*other.event(0).kind_name()), (None, "custom:Tea Brewed"));
}

#[test]
fn an_order_is_worth_its_revenue_or_its_total_less_shipping_and_tax() {
    let amount = |properties: &str| {
        let batch = EventBatch::from_events(&[tracked("Order Completed", properties)]).unwrap();
        batch.event(0).money_amount().unwrap().to_string()
    };
    let all = r#"{"order_id":"o","currency":"USD","total":27.5,"revenue":25,"shipping":1.5,"tax":1}"#;
    assert_eq!(amount(all), "25.00 USD");
    assert_eq!(
        amount(r#"{"order_id":"o","currency":"USD","total":"27.5","shipping":1.5,"tax":0.25}"#),
        "25.75 USD"
    );
    assert_eq!(amount(r#"{"order_id":7,"currency":"USD","total":3}"#), "3.00 USD");
    let reason = refused("Order Completed", r#"{"order_id":"o","currency":"USD"}"#);
    assert!(reason.ends_with("revenue is missing"), "{reason}");
    let reason = refused("Order Completed", r#"{"order_id":"o","revenue":1}"#);
    assert!(reason.ends_with("currency is missing"), "{reason}");
}

#[test]
fn a_refund_without_an_amount_takes_the_whole_order_back() {
    let kind = |properties: &str| tracked("Order Refunded", properties).body.kind();
    assert_eq!(kind(r#"{"order_id":"o","total":2,"currency":"EUR"}"#), EventKind::Refunded);
    assert_eq!(kind(r#"{"order_id":"o"}"#), EventKind::OrderCancelled);
}

#[test]
fn amounts_of_floats_are_rounded_where_that_is_asked_for() {
    let line = track("Order Completed", r#"{"order_id":"o","revenue":19.989999999999998,"currency":"EUR"}"#);
    let reason = segment(&line).result.unwrap_err().to_string();
    assert!(reason.contains("more than four decimals"), "{reason}");
    let form = JsonForm::Segment(shop().with_rounding(Rounding::HalfEven));
    let imported = import(form, &line, ImportOptions::default());
    assert_eq!(imported.batches[0].event(0).money_amount().unwrap().to_string(), "19.99 EUR");
}

#[test]
fn the_same_call_is_the_same_event_and_visitors_are_no_users() {
    let call = |who: &str, message: &str| {
        format!(
            r#"{{"type":"page","{who}":"ada","messageId":"{message}","timestamp":"2024-01-31T10:00:00Z","userId":null}}"#
        )
        .replace(r#","userId":null"#, if who == "userId" { "" } else { r#","userId":null"# })
    };
    let events =
        segment(&[call("userId", "m1"), call("anonymousId", "m2"), call("userId", "m1")].join("\n")).events();
    assert_eq!((events[0].id, &events[0]), (events[2].id, &events[2]));
    let names: Vec<_> = events.iter().map(|event| event.customer.customer.as_str()).collect();
    assert_eq!(names, ["ada", "anonymous:ada", "ada"]);
}

#[test]
fn what_is_no_event_is_told_by_line_and_the_others_are_taken() {
    let rejects = Shared::default();
    let bad = OnBadRow::Reject(Rejects::jsonl(rejects.clone()));
    let lines = [
        r#"{"type":"alias","userId":"a","previousId":"b","messageId":"m"}"#,
        r#"{"type":"track","event":"X","messageId":"m","timestamp":"2024-01-31T10:00:00Z"}"#,
        r#"{"type":"dance","userId":"a","messageId":"m","timestamp":"2024-01-31T10:00:00Z"}"#,
        r#"{"type":"page","userId":"a","userId":"b","messageId":"m","timestamp":"2024-01-31T10:00:00Z"}"#,
        r#"{"type":"page","userId":"a","messageId":"m","timestamp":"yesterday"}"#,
        r#"{"type":"page","userId":"a","timestamp":"2024-01-31T10:00:00Z"}"#,
        "[1,2]",
        &"{\"a\":".repeat(10_000),
        r#"{"type":"page","userId":"a","messageId":"m","timestamp":"2024-01-31T10:00:00Z"}"#,
    ];
    let imported =
        import(JsonForm::Segment(shop()), &lines.join("\n"), ImportOptions::default().with_on_bad_row(bad));
    assert!(imported.result.is_ok(), "{:?}", imported.result);
    assert_eq!((imported.events().len(), imported.progress.rejected_rows), (1, 7));
    assert_eq!(imported.progress.skipped_by_reason["alias: identities are not linked yet"], 1);
    let reasons = rejects.text();
    for (line, reason) in [
        (2, "it names neither a user nor an anonymous visitor"),
        (3, "type is \\\"dance\\\""),
        (4, "\\\"userId\\\" stands twice"),
        (5, "timestamp is \\\"yesterday\\\""),
        (6, "messageId is missing"),
        (7, "the line is no event"),
    ] {
        let found = reasons.lines().find(|entry| entry.contains(&format!("\"line\":{line},"))).unwrap();
        assert!(found.contains(reason), "line {line}: {found}");
    }
}

#[test]
fn events_of_analytics_are_told_apart_by_what_the_export_gives() {
    let row = |more: &str| {
        format!(
            r#"{{"event_name":"view_item","event_timestamp":"1706695200000000","user_pseudo_id":"p1"{more}}}"#
        )
    };
    let lines = [row(""), row(r#","batch_event_index":1"#), row(r#","batch_event_index":2"#), row("")];
    let events = import(JsonForm::Ga4(shop()), &lines.join("\n"), ImportOptions::default()).events();
    assert_eq!(events[0].id, events[3].id);
    assert_eq!(
        [0, 1, 2]
            .map(|place: usize| events[place].id)
            .iter()
            .collect::<std::collections::BTreeSet<_>>()
            .len(),
        3
    );
}

#[test]
fn cloud_events_of_others_need_what_identity_rests_on() {
    let read = |text: &str| import(JsonForm::CloudEvents, text, ImportOptions::default());
    let line = r#"{"specversion":"1.0","id":"7","source":"/till","type":"tea.sold","subject":"ada","time":"2024-01-31T10:00:00Z","data":[1,2]}"#;
    assert_eq!(read(line).events().len(), 1);
    for name in ["specversion", "id", "source", "type", "subject", "time"] {
        let without = line.replacen(&format!("\"{name}\":"), &format!("\"{name}x\":"), 1);
        let reason = read(&without).result.unwrap_err().to_string();
        assert!(reason.contains(&format!("{name} is missing")), "{reason}");
    }
    let reason = read(&line.replacen("1.0", "0.3", 1)).result.unwrap_err().to_string();
    assert!(reason.contains("only 1.0 is known"), "{reason}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever an event holds comes back, whoever it is from.
    #[test]
    fn cloud_events_give_back_what_was_written(events in vec(any_event(), 1..20)) {
        let batch = EventBatch::from_events(&events).unwrap();
        let mut written = Vec::new();
        write_cloud_events(&batch, "tests", &mut written).unwrap();
        let text = String::from_utf8(written).unwrap();
        let imported = import(JsonForm::CloudEvents, &text, ImportOptions::default());
        prop_assert!(imported.result.is_ok(), "{:?}", imported.result);
        prop_assert_eq!(imported.events(), events);
    }

    #[test]
    fn no_text_makes_reading_panic(text in "[\\[\\]{}\",:a-z0-9_. -]{0,80}") {
        for form in [JsonForm::CloudEvents, JsonForm::Segment(shop()), JsonForm::Ga4(shop())] {
            let _ = import(form, &text, ImportOptions::default());
        }
    }
}

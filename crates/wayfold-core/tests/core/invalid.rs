//! Events that are refused, each with the message that says what to do.

use wayfold_core::bodies::{
    Custom, EventRetracted, Instrument, OfferIssued, OfferRedeemed, OrderCancelled, PointsEarned, Refunded,
    Registered, SurveyAnswered, Unknown,
};
use wayfold_core::{
    Amount, BatchBuilder, CustomKind, ErrorKind, EventId, EventKind, JourneyEvent, Limits, NAME_BYTES_MAX,
    NestedJson, OrderLine, OrderPlaced, Rules, Span, Stage, Tag,
};

use super::support::{about, day, eur, event, placed};

#[track_caller]
fn check(event: &JourneyEvent, message: &str) {
    let error = event.validate().unwrap_err().to_string();
    let expected = format!("event {}: {message}", event.id);
    assert_eq!(error, expected);
    let mut builder = BatchBuilder::new(Limits::default());
    assert_eq!(builder.push(event).unwrap_err().to_string(), expected);
    assert!(builder.is_empty(), "a refused event leaves the batch as it was");
}

#[test]
fn an_order_is_named_by_exactly_one_tag() {
    let cancelled = OrderCancelled { reason: None };
    check(
        &event(1, day(0), cancelled.clone()),
        "order_cancelled has 0 tags of type order; give it exactly one, such as order:o1",
    );
    let two = about("o1", 1, day(0), cancelled).with_tag(Tag::order("o2").unwrap());
    check(&two, "order_cancelled has 2 tags of type order; give it exactly one, such as order:o1");
    let refund = about("o1", 1, day(0), Refunded { amount: eur("1"), reason: None });
    check(
        &refund.with_tag(Tag::order("o2").unwrap()),
        "refunded has 2 tags of type order; it can be about one order only",
    );
}

#[test]
fn amounts_points_and_scores_lie_on_their_scales() {
    check(
        &placed("o1", 1, day(0), "-1"),
        "its amount is -1 EUR; amounts are not negative, money given back is a refund",
    );
    // The value of an offer was once the one amount that could be negative.
    let (offer_kind, campaign, value) = (None, None, Some(eur("-1")));
    let issued = OfferIssued { offer_kind: offer_kind.clone(), campaign: campaign.clone(), value };
    for body in [issued.into(), OfferRedeemed { offer_kind, campaign, value }.into()] {
        let body: wayfold_core::EventBody = body;
        check(
            &event(1, day(0), body),
            "its amount is -1 EUR; amounts are not negative, money given back is a refund",
        );
    }
    let custom = Custom { name: CustomKind::new("adjusted").unwrap(), stage: None, amount: value };
    assert!(event(1, day(0), custom).validate().is_ok(), "only the user knows what a custom amount means");
    check(
        &event(1, day(0), PointsEarned { points: -1, reason: None }),
        "it has -1 points; write a reversal instead of negative points",
    );
    let survey = SurveyAnswered { instrument: Instrument::Nps, dimension: None, score: 11 };
    check(&event(1, day(0), survey), "score 11 is not on the scale of nps, 0 to 10");
}

#[test]
fn lines_name_products_and_cannot_overflow() {
    let line = |product: &str, quantity, paid| OrderLine {
        product: product.into(),
        quantity,
        list: None,
        paid,
        cost: None,
    };
    let order = |lines| about("o1", 1, day(0), OrderPlaced { lines, amount: eur("1"), promised_at: None });
    check(&order(vec![line("a", 1, None), line("", 1, None)]), "line 2 names no product");
    let dear = Some(Amount::from_ten_thousandths(i64::MAX));
    check(
        &order(vec![line("a", i64::MIN, dear)]),
        "the lines are worth more than 64 bits of ten-thousandths together",
    );
    assert!(order(vec![line("a", 0, dear)]).validate().is_ok());
}

#[test]
fn only_neutral_events_name_a_stage() {
    check(
        &placed("o1", 1, day(0), "1").with_stage(Stage::Need),
        "order_placed belongs to stage decision, so it cannot name stage need; leave it out",
    );
    assert!(event(1, day(0), Registered {}).with_stage(Stage::Need).validate().is_ok());
}

#[test]
fn an_event_cannot_retract_itself_or_claim_a_version() {
    let itself = EventRetracted { event: EventId::from_u128(1), reason: None };
    check(&event(1, day(0), itself), "it retracts itself; name the event that was wrong");
    let mut newer = event(1, day(0), Registered {});
    newer.schema_version = 2;
    check(&newer, "schema version 2 of registered is not known; version 1 is");
    let custom = Custom { name: CustomKind::new("visited").unwrap(), stage: None, amount: None };
    assert!(event(1, day(0), custom.clone()).with_schema_version(u16::MAX).validate().is_ok());
    for body in [custom.into(), Unknown::new("moon_seen", "{}").unwrap().into(), Registered {}.into()] {
        let body: wayfold_core::EventBody = body;
        check(&event(1, day(0), body).with_schema_version(0), "it has schema version 0; versions begin at 1");
    }
}

#[test]
fn limits_are_stated_with_what_was_found() {
    let mut many = event(1, day(0), Registered {});
    many.tags.extend((0..65).map(|number| Tag::new("t", number.to_string()).unwrap()));
    check(&many, "65 tags in one event; at most 64 are taken");
    let mut large = event(1, day(0), Registered {});
    large.source = Some("x".repeat(300_000));
    check(&large, "300067 bytes in one event; at most 262144 are taken");
    let mut limits = Limits::default();
    limits.batch_events_max = 1;
    let mut builder = BatchBuilder::new(limits);
    builder.push(&event(1, day(0), Registered {})).unwrap();
    let error = builder.push(&event(2, day(0), Registered {})).unwrap_err();
    assert_eq!(error.to_string(), "2 events in a batch; at most 1 are taken");
    assert_eq!(builder.finish().len(), 1);
}

#[test]
fn the_far_future_is_refused_and_the_near_one_is_not() {
    let limits = Limits::default();
    assert!(limits.check_future(day(1), day(0)).is_ok());
    let error = limits.check_future(day(1) + Span::from_micros(1), day(0)).unwrap_err().to_string();
    assert_eq!(
        error,
        "it occurred at 2024-01-02T00:00:00.000001Z, more than 86400 s beyond the clock (2024-01-01T00:00:00Z); mend \
         the source's time or raise future_max"
    );
}

/// The error of reading an event with these members beside those that every event has.
#[track_caller]
fn json_error(rest: &str) -> String {
    let text = format!(
        r#"{{"id":"00000000-0000-0000-0000-000000000007","customer":"ada","occurred_at":"2024-03-01T10:00:00Z",{rest}}}"#
    );
    serde_json::from_str::<JourneyEvent>(&text).unwrap_err().to_string()
}

#[test]
fn json_errors_name_kind_and_field() {
    let cases = [
        (
            r#""kind":"order_placed","schema_version":1"#,
            r#"fields of "order_placed": missing field `amount`"#,
        ),
        (
            r#""kind":"registered","schema_version":1,"fields":{"x":1}"#,
            r#"fields of "registered": unknown field `x`"#,
        ),
        (
            r#""kind":"registered","schema_version":2"#,
            "kind \"registered\" has schema version 2, newer than 1, the last that this program knows; update",
        ),
        (
            r#""kind":"registered","schema_version":0"#,
            "kind \"registered\" has schema version 0; versions begin at 1",
        ),
        (r#""kind":"registered","schema_version":1,"colour":"red""#, "unknown field `colour`"),
        (
            r#""kind":"registered","schema_version":1,"channel":"pigeon""#,
            "\"pigeon\" is no channel; it is one of: web",
        ),
        (
            r#""kind":"registered","schema_version":1,"tags":["order"]"#,
            "tag \"order\" is not of the form type:id",
        ),
        (
            r#""kind":"registered","schema_version":1,"attributes":{"a":1.5}"#,
            r#"1.5 is a float; write it as {"decimal": "1.5"}"#,
        ),
        (
            r#""kind":"registered","schema_version":1,"attributes":{"a":null}"#,
            "invalid type: null, expected a text, a whole number, a boolean, or an object with one key",
        ),
        (
            r#""kind":"registered","schema_version":1,"fields":[]"#,
            r#"fields of "registered": they are not a JSON object"#,
        ),
        (
            r#""kind":"moon_seen","schema_version":1,"fields":[]"#,
            r#"fields of "moon_seen": they are not a JSON"#,
        ),
        (r#""kind":"registered""#, "missing field `schema_version`"),
    ];
    for (rest, expected) in cases {
        let error = json_error(rest);
        assert!(error.contains(expected), "{error}\nlacks\n{expected}");
    }
}

/// The last of two members with one key once won silently, so that half of what a source stated was lost.
#[test]
fn a_key_that_stands_twice_is_named() {
    let cases = [
        (
            r#""kind":"need_identified","schema_version":1,"fields":{"category":"a","category":"b"}"#,
            "`category`",
        ),
        (
            r#""kind":"moon_seen","schema_version":1,"fields":{"a":1,"b":2,"\u0061":1}"#,
            r#"key "a" stands twice"#,
        ),
        (
            r#""kind":"moon_seen","schema_version":1,"fields":{"x":[{"b":2,"b":2}]}"#,
            r#"key "b" stands twice"#,
        ),
        (
            r#""kind":"registered","schema_version":1,"attributes":{"a":1,"b":2,"a":3}"#,
            r#"attribute "a" is given twice"#,
        ),
        (
            r#""kind":"registered","schema_version":1,"attributes":{"a":{"json":{"c":1,"c":{}}}}"#,
            r#"key "c" stands twice"#,
        ),
    ];
    for (rest, expected) in cases {
        let error = json_error(rest);
        assert!(error.contains(expected), "{error}\nlacks\n{expected}");
    }
    assert_eq!(NestedJson::new(r#"{"a":1,"a":1}"#).unwrap_err().kind(), ErrorKind::Malformed);
    assert_eq!(Unknown::new("moon_seen", r#"{"a":1,"a":1}"#).unwrap_err().kind(), ErrorKind::Malformed);
}

/// Events nested beyond the JSON reader's depth were once taken and written, but never read again.
#[test]
fn depth_beyond_64_is_refused_with_what_was_found() {
    let deep = |levels: usize| format!("{}{}", r#"{"a":["#.repeat(levels / 2), "]}".repeat(levels / 2));
    let message = "JSON of 66 arrays and objects inside each other; at most 64 are taken";
    let nested = NestedJson::new(&deep(66)).unwrap_err();
    assert_eq!(
        (nested.kind(), nested.to_string()),
        (ErrorKind::Malformed, format!("nested JSON: {message}"))
    );
    let unknown = Unknown::new("moon_seen", &deep(66)).unwrap_err();
    let expected = format!("fields of \"moon_seen\": {message}");
    assert_eq!((unknown.kind(), unknown.to_string()), (ErrorKind::Malformed, expected));

    let json =
        |fields: &str| json_error(&format!(r#""kind":"moon_seen","schema_version":1,"fields":{fields}"#));
    assert!(json(&deep(66)).contains(message));
    assert!(json(&deep(1_000_000)).contains("JSON of 1000000 arrays"), "hostile depth needs no stack");
    let attribute =
        format!(r#""kind":"registered","schema_version":1,"attributes":{{"a":{{"json":{}}}}}"#, deep(66));
    assert!(json_error(&attribute).contains(message));
}

/// `custom` was once found as the first of the six custom kinds, and unknown kinds could have no name, one that
/// reads as a user's own, or one of any length.
#[test]
fn names_of_unknown_kinds_are_names_that_no_known_kind_has() {
    assert_eq!(EventKind::from_name("custom"), None);
    assert_eq!(EventKind::from_name("unknown"), None);
    assert_eq!(EventKind::from_name("registered"), Some(EventKind::Registered));
    let long = "x".repeat(NAME_BYTES_MAX + 1);
    let cases = [
        ("custom", ErrorKind::InvalidEvent, "kind \"custom\" is known"),
        ("registered", ErrorKind::InvalidEvent, "kind \"registered\" is known"),
        ("", ErrorKind::InvalidName, "kind is empty"),
        (
            "custom:visited",
            ErrorKind::InvalidName,
            "kind \"custom:visited\" is a user's own; write kind \"custom\"",
        ),
        (&long, ErrorKind::InvalidName, "kind has 16385 bytes; at most 16384 are taken"),
    ];
    for (kind, error_kind, message) in cases {
        let error = Unknown::new(kind, "{}").unwrap_err();
        assert_eq!(error.kind(), error_kind);
        assert!(error.to_string().contains(message), "{error}\nlacks\n{message}");
        if error_kind == ErrorKind::InvalidName {
            let error = json_error(&format!(r#""kind":"{kind}","schema_version":1"#));
            assert!(error.contains(message), "{error}\nlacks\n{message}");
        }
    }
    assert!(Unknown::new(&long[1..], "{}").is_ok());
}

#[test]
fn rules_that_contradict_themselves_are_refused() {
    let check = |change: fn(&mut Rules), message: &str| {
        let mut rules = Rules::default();
        change(&mut rules);
        assert!(rules.validate().unwrap_err().to_string().contains(message));
    };
    check(|rules| rules.version.clear(), "the rules have no version");
    check(|rules| rules.lifecycle.loyal_purchases_min = 1, "below repeat_purchases_min");
    check(|rules| rules.lifecycle.repeat_purchases_min = 1, "no customer could be a first-time buyer");
    check(
        |rules| rules.segment.high_value_min.extend([(wayfold_core::Currency::EUR, Amount::ZERO)]),
        "is not above zero",
    );
    check(|rules| rules.segment.frequent_purchases_min = 0, "every customer would be frequent");
}

//! The log in SQL, for people and reports.

use wayfold_core::{AttributeName, AttributeValue, Currency, Money, NestedJson, OrderPlaced, Tag};

use super::support::{Session, config, event, open, put, registered, server, tag};

#[test]
fn events_are_readable_in_sql() {
    let Some(server) = server("events_are_readable_in_sql") else { return };
    let store = open(config(&server));
    let order = |id, customer: &str, amount: &str| {
        let amount = Money::parse(amount, Currency::EUR).unwrap();
        event(id, customer, OrderPlaced { lines: vec![], amount, promised_at: None })
            .with_tag(Tag::order(id.to_string()).unwrap())
    };
    put(
        &store,
        &[order(1, "ada", "29.33"), order(2, "ben", "5"), registered(3, "ada").with_tag(tag("account:a7"))],
    );
    let beside = Session::open(&server.connection());
    let sums = "SELECT customer || ' ' || sum((fields->'amount'->>'amount')::numeric)
        FROM wayfold.event WHERE kind = 'order_placed' GROUP BY customer ORDER BY customer";
    assert_eq!(beside.column::<String>(sums), ["ada 29.33", "ben 5"]);
    let history = "SELECT kind FROM wayfold.history('', 'ada')";
    assert_eq!(beside.column::<String>(history), ["order_placed", "registered"]);
    let tagged = "SELECT customer FROM wayfold.event WHERE tags @> '{account:a7}'";
    assert_eq!(beside.column::<String>(tagged), ["ada"]);
}

/// One hostile event must not end everybody's queries.
#[test]
fn what_jsonb_does_not_take_is_null_in_views_and_kept_in_the_log() {
    let Some(server) = server("what_jsonb_does_not_take_is_null_in_views_and_kept_in_the_log") else {
        return;
    };
    let store = open(config(&server));
    let nested = AttributeValue::Json(NestedJson::new(r#"{"a":"\u0000"}"#).unwrap());
    put(
        &store,
        &[registered(1, "a\0b").with_attribute(AttributeName::new("x").unwrap(), nested), registered(2, "c")],
    );
    let beside = Session::open(&server.connection());
    let shown =
        "SELECT customer || ' ' || coalesce(attributes::text, 'NULL') FROM wayfold.event ORDER BY customer";
    assert_eq!(beside.column::<String>(shown), ["a\u{2400}0b NULL", "c {}"]);
    let kept = "SELECT attributes::text FROM wayfold.event_log ORDER BY log_number LIMIT 1";
    assert_eq!(beside.column::<String>(kept), [r#"{"x":{"json":{"a":"\u0000"}}}"#]);
}

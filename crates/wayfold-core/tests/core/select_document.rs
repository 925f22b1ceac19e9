//! Selections as configuration, and their limits.

use wayfold_core::{
    ErrorKind, FILTER_DEPTH_MAX, FILTER_NODES_MAX, Filter, LifecycleStage, Operand, Order, Selection, Span,
    Timestamp,
};

use super::support::projections;

fn read(json: &str) -> Result<Filter, String> {
    serde_json::from_str(json).map_err(|error| error.to_string())
}

#[track_caller]
fn check(json: &str, expected: Filter) {
    let written = serde_json::to_string(&expected).unwrap();
    assert_eq!(read(json), read(&written));
    assert_eq!(read(&written), Ok(expected));
}

#[track_caller]
fn refused(json: &str, part: &str) {
    let error = read(json).unwrap_err();
    assert!(error.contains(part), "{error}");
}

fn field(name: &str) -> wayfold_core::FilteredField {
    Filter::field(name)
}

#[test]
fn a_filter_reads_as_it_is_written() {
    check(r#"{"field": "a.b", "is": "x"}"#, field("a.b").is("x"));
    check(r#"{"is_not": -3, "field": "a"}"#, field("a").is_not(-3));
    check(r#"{"field": "a", "less": 1}"#, field("a").less(1));
    check(
        r#"{"field": "a", "older_than": "36 hours"}"#,
        field("a").older_than(Span::parse("36 hours").unwrap()),
    );
    check(r#"{"field": "a", "newer_than": "1 day"}"#, field("a").newer_than(Span::from_days(1)));
    check(r#"{"field": "a", "at_most": true}"#, field("a").at_most(true));
    check(r#"{"field": "a", "more": 18446744073709551615}"#, field("a").more(u64::MAX));
    check(
        r#"{"field": "a", "one_of": [1, "b"]}"#,
        field("a").one_of([Operand::Integer(1), Operand::from("b")]),
    );
    check(r#"{"field": "a", "contains": "b"}"#, field("a").contains("b"));
    check(r#"{"field": "a", "exists": true}"#, field("a").exists());
    check(r#"{"field": "a", "exists": false}"#, !field("a").exists());
    check(r#"{"field": "a", "at_least": 1, "less": 9}"#, field("a").at_least(1).and(field("a").less(9)));
    check(
        r#"{"any": [{"all": []}, {"not": {"field": "a", "is": 1}}]}"#,
        Filter::All(vec![]).or(!field("a").is(1)),
    );
}

#[test]
fn what_is_no_filter_is_refused_with_the_reason() {
    refused("{}", "one of `all`, `any`, `not`");
    refused("[]", "a filter: an object");
    refused(r#"{"field": "a"}"#, "no test");
    refused(r#"{"is": "a"}"#, "one of `all`");
    refused(r#"{"all": [], "any": []}"#, "one of `all`");
    refused(r#"{"all": [], "field": "a", "is": 1}"#, "one of `all`");
    refused(r#"{"field": "a", "equals": 1}"#, "unknown field `equals`");
    refused(r#"{"field": "a", "is": 1, "is": 2}"#, "duplicate field `is`");
    refused(r#"{"field": "a", "is": 9.5}"#, "9.5 is a float; write it as the text \"9.5\"");
    refused(r#"{"field": "a", "is": null}"#, "a text, a whole number or a boolean");
    refused(r#"{"field": "a", "is": {"b": 1}}"#, "expected a text, a whole number or a boolean");
    refused(r#"{"field": "a", "one_of": 1}"#, "sequence");
}

#[test]
fn filters_are_no_deeper_and_no_larger_than_stated() {
    let nested = |depth: usize| {
        let (open, close) = ("{\"not\":".repeat(depth - 1), "}".repeat(depth - 1));
        format!("{open}{{\"field\":\"events\",\"is\":1}}{close}")
    };
    assert!(Selection::new(read(&nested(FILTER_DEPTH_MAX)).unwrap()).validate(&projections()).is_ok());
    refused(&nested(FILTER_DEPTH_MAX + 1), "more than 32 filters stand inside each other");
    refused(&nested(100_000), "more than 32 filters stand inside each other");

    let wide =
        |tests: usize| format!("{{\"all\":[{}]}}", vec![r#"{"field":"events","is":1}"#; tests].join(","));
    assert!(read(&wide((FILTER_NODES_MAX - 1) / 2)).is_ok());
    refused(&wide(FILTER_NODES_MAX / 2 + 1), "more than 1024 filters and operands");
    refused(
        &format!("{{\"field\":\"a\",\"one_of\":[{}]}}", vec!["1"; FILTER_NODES_MAX].join(",")),
        "more than 1024",
    );
}

#[test]
fn a_filter_built_too_deep_or_too_large_is_refused_where_it_is_asked() {
    let check = |filter: Filter| {
        let error = Selection::new(filter).validate(&projections()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::LimitExceeded, "{error}");
    };
    check((0..5_000).fold(field("events").is(1), |filter, _| !filter));
    check(
        (0..FILTER_NODES_MAX as u32)
            .fold(Filter::default(), |filter, number| filter.and(field("events").is(number))),
    );
    check(field("events").one_of(0..FILTER_NODES_MAX as u32));
}

#[test]
fn a_selection_is_configuration_with_defaults() {
    let json = r#"{"filter": {"field": "lifecycle.stage", "is": "churned"}, "limit": 7,
        "order": {"field": "first_seen_at", "direction": "descending"}}"#;
    let filter = field("lifecycle.stage").is(LifecycleStage::Churned);
    let expected = Selection::new(filter).with_order(Order::descending("first_seen_at")).with_limit(7);
    assert_eq!(serde_json::from_str::<Selection>(json).unwrap(), expected);
    assert_eq!(serde_json::from_str::<Selection>("{}").unwrap(), Selection::default());
    assert!(serde_json::from_str::<Selection>(r#"{"limits": 7}"#).is_err());
    let written = serde_json::to_string(&expected).unwrap();
    assert_eq!(serde_json::from_str::<Selection>(&written).unwrap(), expected);
    assert_eq!(Operand::from(Timestamp::parse("2024-01-01").unwrap()), Operand::from("2024-01-01T00:00:00Z"));
}

//! Rules as text, and who belongs to a segment by them: at every instant as an oracle on bare events says.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use wayfold_core::{
    CartChanged, Currency, CustomerKey, ErrorKind as CoreErrorKind, EventBatch, EventBody, EventId, Fold,
    JourneyEvent, Money, OrderPlaced, ProductViewed, ProjectionSet, Registered, Rules, Selection, Span, Tag,
    Timestamp,
};
use wayfold_insight::{ErrorKind, EventMeasure, Members, Rule, Segment};

#[track_caller]
fn written(text: &str, expected: &str) {
    let rule: Rule = text.parse().unwrap();
    assert_eq!(rule.to_string(), expected);
    assert_eq!(expected.parse::<Rule>().unwrap(), rule);
}

#[track_caller]
fn refused(text: &str, expected: &str) {
    let error = text.parse::<Rule>().unwrap_err();
    assert_eq!((error.kind(), error.to_string().as_str()), (ErrorKind::InvalidRule, expected));
}

#[test]
fn a_rule_has_one_written_form() {
    written("  lifecycle.stage   is\n loyal ", "lifecycle.stage is loyal");
    written("((a is 1)) and (b is 2 and c is 3)", "a is 1 and (b is 2 and c is 3)");
    written("a is 1 and b is 2 or not (c is 3 or d is 4)", "a is 1 and b is 2 or not (c is 3 or d is 4)");
    written("(a is 1 or b is 2) and c is 3", "(a is 1 or b is 2) and c is 3");
    written("a >= 1 and a <= 2", "a between 1 and 2");
    written("not a between 2024-01-01 and 2024-02-01", "not a between 2024-01-01 and 2024-02-01");
    written("a in (x, \"y\", 3, \"4\", \"two words\")", "a in (x, y, 3, \"4\", \"two words\")");
    written("value.currencies[EUR].net >= \"9.5 EUR\"", "value.currencies[EUR].net >= 9.5 EUR");
    written("a is \"not\" and b is not true", "a is \"not\" and b is not true");
    written("a older than 48 hours", "a older than 2 days");
    written("count of \"order_placed\" within 7 day > 2", "count of order_placed within 7 days > 2");
    written(
        "cart_changed followed by custom:paid within 60 minutes",
        "cart_changed followed by custom:paid within 1 hour",
    );
}

#[test]
fn what_is_wrong_is_said_with_line_and_column() {
    refused(
        "",
        "line 1, column 1: expected a field, `count of`, a kind of event, `not` or `(`, found the end",
    );
    refused("a is 1 and\n  (b is 2", "line 2, column 10: expected `)`, found the end");
    refused("a is 1 b", "line 1, column 8: expected the end, `and` or `or`, found `b`");
    refused("é is 1 & b", "line 1, column 8: no word, number, text or sign begins here");
    refused("a is \"open", "line 1, column 6: no word, number, text or sign begins here");
    refused(
        "count of order_paced within 7 days > 1",
        "line 1, column 10: no kind of event is named \"order_paced\"; one of your own is written custom:NAME",
    );
    refused("count of order_placed within 0 days > 1", "line 1, column 30: a window is longer than nothing");
    refused(
        "a older than 99999999999999999999 days",
        "line 1, column 14: \"99999999999999999999 days\" is no span; write a whole number and a unit, such as 30 \
         days or 1 hour",
    );
    refused("a is 1.2.3", "line 1, column 6: 1.2.3 is no number and no instant; put a text in quotes");
    refused(
        "a is \"\\x\"",
        "line 1, column 6: \"\\x\" is no text of JSON: invalid escape at line 1 column 3",
    );
}

#[test]
fn no_text_is_too_deep_or_too_long_for_an_answer() {
    let deep = "more than 32 parts stand inside each other";
    for text in ["(".repeat(60_000), "not ".repeat(16_000), "(a is 1 and not ".repeat(4_000)] {
        assert!(text.parse::<Rule>().unwrap_err().to_string().ends_with(deep), "{}", &text[..20]);
    }
    let wide = vec!["a is 1"; 1_000].join(" and ");
    refused(&wide, "a filter holds more than 1024 filters and operands");
    refused(&" ".repeat(100_000), "a rule of 100000 bytes; it may have 65536");
    assert!(vec!["a is 1"; 500].join(" or ").parse::<Rule>().is_ok());
}

proptest! {
    #[test]
    fn any_text_is_a_rule_or_refused(text in any::<String>()) {
        let _ = text.parse::<Rule>();
    }

    #[test]
    fn any_words_are_a_rule_or_refused(words in prop::collection::vec(prop::sample::select(vec![
        "a", "and", "or", "not", "(", ")", "is", "in", "between", ",", "1", "-2.5", "EUR", "\"x\"", "count", "of",
        "order_placed", "followed", "by", "within", "days", "older", "than", "exists", "<=", "[", "\"", "\n", "é",
    ]), 0..24)) {
        if let Ok(rule) = words.join(" ").parse::<Rule>() {
            prop_assert_eq!(rule.to_string().parse::<Rule>().unwrap(), rule);
        }
    }
}

#[test]
fn a_segment_is_configuration() {
    let json = r#"{"name":"fans","version":3,"rule":"count of order_placed within 30 days >= 2"}"#;
    let segment: Segment = serde_json::from_str(json).unwrap();
    assert_eq!(serde_json::to_string(&segment).unwrap(), json);
    assert_eq!(
        segment.rule.measures(),
        [EventMeasure::parse("count of order_placed within 30 days").unwrap()]
    );
    let error = serde_json::from_str::<Segment>(r#"{"name":"fans","version":3,"rule":"a is"}"#).unwrap_err();
    assert!(error.to_string().starts_with("line 1, column 5: expected what to compare with"), "{error}");
}

#[test]
fn a_measure_that_is_not_registered_is_named() {
    let rule: Rule = "count of order_placed within 30 days >= 2".parse().unwrap();
    let set = ProjectionSet::new(Rules::default()).unwrap();
    let error = Selection::new(rule.filter().clone()).validate(&set).unwrap_err();
    assert_eq!(error.kind(), CoreErrorKind::InvalidSelection);
    assert!(error.to_string().contains("count of order_placed within 30 days"), "{error}");
}

/// An event as the oracle sees it: whose, at which hour, and what.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Happened {
    pub(crate) customer: usize,
    pub(crate) hour: i64,
    pub(crate) kind: usize,
    /// With which update it becomes known.
    pub(crate) arrives: usize,
}

pub(crate) const NAMES: [&str; 3] = ["ada", "bob", "eve"];
const VIEWED: usize = 0;
const CART: usize = 1;
const ORDER: usize = 2;
const REGISTERED: usize = 3;

pub(crate) fn hour(number: i64) -> Timestamp {
    Timestamp::parse("2024-01-01").unwrap() + Span::from_micros(number * 3_600_000_000)
}

pub(crate) fn key(customer: usize) -> CustomerKey {
    CustomerKey::new(NAMES[customer]).unwrap()
}

impl Happened {
    pub(crate) fn event(&self, id: usize) -> JourneyEvent {
        let amount = Money::parse("10", Currency::EUR).unwrap();
        let body: EventBody = match self.kind {
            VIEWED => ProductViewed {}.into(),
            CART => CartChanged { lines: vec![] }.into(),
            ORDER => OrderPlaced { lines: vec![], amount, promised_at: None }.into(),
            _ => Registered {}.into(),
        };
        let event =
            JourneyEvent::new(EventId::from_u128(id as u128), key(self.customer), hour(self.hour), body);
        event.with_tag(Tag::order(format!("o{id}")).unwrap())
    }
}

/// A rule, and what it means of one customer's events up to an hour.
pub(crate) type Case = (&'static str, fn(&[Happened], i64) -> bool);

fn count(events: &[Happened], at: i64, kind: usize, hours: i64) -> usize {
    events.iter().filter(|event| event.kind == kind && at - event.hour < hours).count()
}

fn last(events: &[Happened]) -> i64 {
    events.iter().map(|event| event.hour).max().unwrap()
}

pub(crate) const CASES: [Case; 5] = [
    ("count of product_viewed within 3 days >= 2", |events, at| count(events, at, VIEWED, 72) >= 2),
    ("cart_changed followed by order_placed within 2 days", |events, _| {
        let pair = |cart: &Happened, order: &Happened| (0..=48).contains(&(order.hour - cart.hour));
        let carts = events.iter().filter(|event| event.kind == CART);
        carts.clone().any(|cart| events.iter().any(|order| order.kind == ORDER && pair(cart, order)))
    }),
    ("count of registered within 10 days is 0 or not last_seen_at newer than 1 day", |events, at| {
        count(events, at, REGISTERED, 240) == 0 || at - last(events) >= 24
    }),
    (
        "last_seen_at older than 36 hours and not count of product_viewed within 3 days between 1 and 2",
        |events, at| at - last(events) > 36 && !(1..=2).contains(&count(events, at, VIEWED, 72)),
    ),
    ("lifecycle.last_purchase_at older than 60 hours or first_seen_at newer than 12 hours", |events, at| {
        let bought = events.iter().filter(|event| event.kind == ORDER).map(|event| event.hour).max();
        let first = events.iter().map(|event| event.hour).min().unwrap();
        bought.is_some_and(|bought| at - bought > 60) || at - first < 12
    }),
];

/// Who belongs to a segment by the oracle, of what has arrived and happened.
pub(crate) fn by_oracle(case: &Case, events: &[Happened], step: usize, at: i64) -> BTreeSet<CustomerKey> {
    let known = |customer| -> Vec<Happened> {
        let is_known =
            |event: &&Happened| event.customer == customer && event.arrives <= step && event.hour <= at;
        events.iter().filter(is_known).copied().collect()
    };
    let belongs = |customer: &usize| {
        let known = known(*customer);
        !known.is_empty() && (case.1)(&known, at)
    };
    (0..NAMES.len()).filter(belongs).map(key).collect()
}

pub(crate) fn happened() -> impl Strategy<Value = Happened> {
    (0..NAMES.len(), 0_i64..300, 0_usize..4, 0_usize..6)
        .prop_map(|(customer, hour, kind, arrives)| Happened { customer, hour, kind, arrives })
}

proptest! {
    #[test]
    fn members_are_kept_as_the_oracle_counts_them(
        events in prop::collection::vec(happened(), 1..40),
        waits in prop::collection::vec(0_i64..90, 6),
    ) {
        let mut segments: Vec<Members> = CASES.iter().map(|(text, _)| {
            Members::new(Segment { name: "s".to_owned(), version: 1, rule: text.parse().unwrap() })
        }).collect();
        let mut set = ProjectionSet::new(Rules::default()).unwrap();
        let measures: BTreeSet<_> =
            segments.iter().flat_map(|of| of.segment().rule.measures().to_vec()).collect();
        for measure in measures {
            set.register(measure).unwrap();
        }
        let mut at = 0;
        let mut batches = Vec::new();
        let mut fold = Fold::new(&set).with_as_of(hour(0));
        let mut told: Vec<BTreeMap<CustomerKey, bool>> = vec![BTreeMap::new(); CASES.len()];
        for (step, wait) in waits.iter().enumerate() {
            at += wait;
            let mut changed: BTreeSet<CustomerKey> = BTreeSet::new();
            let arrived = events.iter().enumerate().filter(|(_, event)| event.arrives == step);
            batches.push(EventBatch::from_events(&arrived.map(|(id, event)| event.event(id)).collect::<Vec<_>>()).unwrap());
            let mut refolds = fold.advance_to(hour(at)).unwrap();
            refolds.extend(fold.apply(&batches[step..]).refolds);
            for refold in refolds {
                fold.refold(&refold, &batches);
            }
            // Whoever has an event that arrived now, or whose instant has come.
            let came = |event: &&Happened| event.arrives == step || (event.hour > at - wait && event.hour <= at);
            changed.extend(events.iter().filter(came).map(|event| key(event.customer)));
            for ((case, members), told) in CASES.iter().zip(&mut segments).zip(&mut told) {
                let changes = members.update(&fold, changed.clone(), hour(at)).unwrap();
                for change in changes {
                    prop_assert_ne!(told.insert(change.customer, change.is_member).unwrap_or(false), change.is_member);
                }
                let expected = by_oracle(case, &events, step, at);
                let found: BTreeSet<CustomerKey> = members.iter().cloned().collect();
                prop_assert_eq!(&found, &expected, "{} at hour {}", case.0, at);
                let by_changes: BTreeSet<CustomerKey> =
                    told.iter().filter(|(_, is_member)| **is_member).map(|(key, _)| key.clone()).collect();
                prop_assert_eq!(by_changes, expected, "what was told adds up");
            }
        }
    }
}

/// Between two updates without events, each change is told at the very microsecond.
#[test]
fn what_time_alone_changes_is_told_at_its_instant() {
    let segment = Segment {
        name: "quiet".to_owned(),
        version: 2,
        rule: "last_seen_at older than 36 hours and last_seen_at newer than 60 hours".parse().unwrap(),
    };
    let event = Happened { customer: 0, hour: 0, kind: REGISTERED, arrives: 0 }.event(1);
    let mut fold = Fold::new(&ProjectionSet::new(Rules::default()).unwrap());
    let _ = fold.apply(&[EventBatch::from_events([&event]).unwrap()]);
    let mut members = Members::new(segment);
    assert_eq!(members.update(&fold, [key(0)], hour(0)).unwrap(), []);
    let changes = members.update(&fold, [], hour(100)).unwrap();
    let told: Vec<_> = changes.iter().map(|change| (change.at, change.is_member, change.version)).collect();
    assert_eq!(told, [(hour(36).next(), true, 2), (hour(60), false, 2)]);
    assert_eq!(members.update(&fold, [], hour(99)).unwrap_err().kind(), ErrorKind::Mismatch);
}

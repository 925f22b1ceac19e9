//! Verdicts: what a filter says of a customer, and up to when.

use wayfold_core::{ErrorKind, Filter, Fold, LifecycleStage, Registered, Selection, Span, Tenant, Timestamp};

use super::select::of;
use super::support::{day, event, fold_events, placed, projections};

/// Ada bought on days 0 and 40, Bob came on day 10 and bought nothing.
fn shop() -> Fold {
    let events = [
        of("ada", placed("o1", 1, day(0), "10")),
        of("ada", placed("o2", 2, day(40), "10")),
        of("bob", event(3, day(10), Registered {})),
    ];
    fold_events(&events)
}

fn last_purchase() -> wayfold_core::FilteredField {
    Filter::field("lifecycle.last_purchase_at")
}

#[track_caller]
fn check(filter: &Filter, as_of: Timestamp, holds: bool, until: Option<Timestamp>) {
    let ada = of("ada", event(9, day(0), Registered {})).customer;
    let verdict = shop().verdicts(filter, [(&ada, as_of)]).unwrap()[0].unwrap();
    assert_eq!((verdict.holds, verdict.until), (holds, until), "{filter:?}");
}

#[test]
fn an_age_is_older_after_the_span_and_newer_before_it() {
    // Up to day 220 nothing else of the lifecycle changes.
    let (older, newer) =
        (last_purchase().older_than(Span::from_days(30)), last_purchase().newer_than(Span::from_days(30)));
    let churns = Some(day(220));
    check(&older, day(60), false, Some(day(70)));
    check(&older, day(70), false, Some(day(70)));
    check(&older, day(70).next(), true, churns);
    check(&newer, day(60), true, Some(day(70).previous()));
    check(&newer, day(70).previous(), true, Some(day(70).previous()));
    check(&newer, day(70), false, churns);
    check(&newer, day(221), false, None);
}

#[test]
fn only_what_was_looked_at_ends_a_verdict() {
    let known = Filter::field("events").at_least(2_u64);
    check(&known, day(60), true, None);
    let old = last_purchase().older_than(Span::from_days(30));
    check(&known.clone().or(old.clone()), day(60), true, None);
    check(&known.and(old), day(60), false, Some(day(70)));
    check(&Filter::field("lifecycle.stage").is(LifecycleStage::Repeat), day(60), true, Some(day(220)));
}

#[test]
fn ages_beyond_the_end_of_time_stay_for_ever() {
    let ever = Span::from_micros(i64::MAX);
    for (filter, holds) in
        [(last_purchase().older_than(ever), false), (last_purchase().newer_than(ever), true)]
    {
        check(&filter, day(300), holds, None);
        check(&filter, Timestamp::MAX, holds, None);
    }
    let ahead = Span::from_micros(i64::MIN);
    check(&last_purchase().older_than(ahead), day(300), true, None);
}

#[test]
fn who_has_no_value_is_neither_older_nor_newer() {
    let fold = shop();
    let day = day(300);
    for filter in [
        last_purchase().older_than(Span::from_days(30)),
        last_purchase().newer_than(Span::from_days(3_000)),
        Filter::field("key.customer").is("nobody"),
    ] {
        let bob = of("bob", event(9, day, Registered {})).customer;
        assert!(!fold.verdicts(&filter, [(&bob, day)]).unwrap()[0].unwrap().holds, "{filter:?}");
    }
    let unknown = of("zoe", event(9, day, Registered {})).customer;
    assert_eq!(fold.verdicts(&Filter::default(), [(&unknown, day)]).unwrap(), [None]);
}

#[test]
fn what_has_no_age_is_refused() {
    let filter = Filter::field("lifecycle.purchases").older_than(Span::from_days(3));
    let error = Selection::new(filter).validate(&projections()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidSelection);
    assert!(error.to_string().contains("does not compare with an age of 3 days"), "{error}");
}

/// At every instant at which something could change, a verdict is what a selection says anew, and no verdict runs
/// beyond a change.
#[test]
fn a_verdict_holds_as_long_as_it_says() {
    let fold = shop();
    let filters = [
        last_purchase().older_than(Span::from_days(30)),
        !last_purchase().newer_than(Span::from_days(30)),
        Filter::field("first_seen_at")
            .older_than(Span::from_days(100))
            .and(last_purchase().newer_than(Span::from_days(250))),
        Filter::field("lifecycle.stage")
            .is(LifecycleStage::Churned)
            .or(Filter::field("last_seen_at").newer_than(Span::from_days(90))),
        Filter::field("holds_until").older_than(Span::from_days(0)),
    ];
    let instants: Vec<Timestamp> =
        (40..320).flat_map(|at| [day(at).previous(), day(at), day(at).next()]).skip(1).collect();
    for filter in &filters {
        for name in ["ada", "bob"] {
            let key = of(name, event(9, day(0), Registered {})).customer;
            let one = Selection::new(filter.clone().and(Filter::field("key.customer").is(name)));
            let anew = |at| fold.select(&Tenant::default(), at, &one).unwrap().matching() == 1;
            let judge = |at| fold.verdicts(filter, [(&key, at)]).unwrap()[0].unwrap();
            let mut last = judge(instants[0]);
            for at in &instants {
                if last.until.is_some_and(|until| until < *at) {
                    last = judge(*at);
                }
                assert_eq!(last.holds, anew(*at), "{name} at {at}: {filter:?}");
            }
        }
    }
}

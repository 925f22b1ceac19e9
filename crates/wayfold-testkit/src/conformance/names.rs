//! Names are kept to the byte, and stand for themselves alone.

use wayfold_core::{CustomKind, CustomerKey, EventBody, JourneyEvent, JourneyKey, Position};
use wayfold_store::{AppendOutcome, EventFilter};

use super::events::{custom, event, tag, tenant};
use super::trial::{Trial, ids};

pub(crate) fn quotes_and_separators(trial: &Trial) {
    assert_apart(
        trial,
        &["'", "''", "\"", "o'; DROP TABLE events; --", "\\", "\\'", "a/b", "a:b", "a,b", "$1", "?", "{}"],
    );
}

pub(crate) fn control_characters(trial: &Trial) {
    assert_apart(trial, &["a", "a\0", "a\0b", "\0", "\0a", "a\n", "a\r\n", "\u{1b}[0m", "\u{7f}"]);
}

pub(crate) fn blanks(trial: &Trial) {
    assert_apart(trial, &["a", " a", "a ", " ", "  ", "\t", "a\u{a0}", "\u{feff}a", "a\u{200b}"]);
}

pub(crate) fn wildcards(trial: &Trial) {
    assert_apart(trial, &["%", "_", "a%", "a_", "ab", "a*", "*", ">", "a.b", "a.*", "[ab]", "a|b", "^a$"]);
}

pub(crate) fn case(trial: &Trial) {
    assert_apart(trial, &["ada", "Ada", "ADA", "straße", "strasse", "STRASSE", "ı", "i", "I", "İ"]);
}

/// Texts that look alike and are equal in a normal form are different names.
pub(crate) fn normal_forms(trial: &Trial) {
    assert_apart(trial, &["é", "e\u{301}", "Å", "\u{212b}", "ﬁ", "fi", "한", "\u{1112}\u{1161}\u{11ab}"]);
}

pub(crate) fn scripts_and_marks(trial: &Trial) {
    assert_apart(trial, &["\u{202e}abc", "abc", "客户", "👩‍👩‍👧", "👩", "مرحبا", "\u{10ffff}", "\u{fffd}"]);
}

/// Long names that differ in their last byte only.
pub(crate) fn long_names(trial: &Trial) {
    let long = "n".repeat(10_239);
    let names = [format!("{long}a"), format!("{long}b"), long.clone(), format!("{}長", &long[..9_000])];
    assert_apart(trial, &names.each_ref().map(String::as_str));
}

/// Writes one event for every name as customer, tenant, tag, journey and kind, and finds exactly it by each.
#[track_caller]
fn assert_apart(trial: &Trial, names: &[&str]) {
    let log = trial.caller();
    let events: Vec<JourneyEvent> =
        names.iter().enumerate().map(|(number, name)| named(number as u128, name)).collect();
    log.put(&events);
    for (name, own) in names.iter().zip(&events) {
        let by = [
            ("customer", EventFilter::customer(own.customer.clone())),
            ("tenant", EventFilter { tenant: Some(tenant(name)), ..EventFilter::all() }),
            ("tag", EventFilter::all().with_tag(tag(&format!("t:{name}")))),
            ("kind", EventFilter::all().with_kind(kind(own))),
        ];
        for (what, filter) in by {
            let found = log.find(filter.clone());
            assert_eq!(ids(&found), [own.id], "{what} {name:?}");
            assert!(found[0].same_content(own), "{what} {name:?} came back as {:?}", found[0]);
            let position = found[0].position.expect("a store gives positions");
            let outcome = log.append_if(&[], filter.clone(), Position::START);
            assert_eq!(outcome, AppendOutcome::Conflict { position }, "{what} {name:?}");
            let outcome = log.append_if(&[], filter, position);
            assert!(matches!(outcome, AppendOutcome::Appended { .. }), "{what} {name:?}: {outcome:?}");
        }
    }
}

fn named(id: u128, name: &str) -> JourneyEvent {
    let customer = CustomerKey::in_tenant(name, name).expect("a name of the suite");
    let journey = JourneyKey::new(name).expect("a name of the suite");
    event(id, customer, custom(name, None)).with_tag(tag(&format!("t:{name}"))).with_journey(journey)
}

fn kind(event: &JourneyEvent) -> CustomKind {
    match &event.body {
        EventBody::Custom(custom) => custom.name.clone(),
        _ => panic!("the event is of a custom kind"),
    }
}

//! One of the library's own kinds with raised versions, as no kind has changed its shape yet.

use std::cell::RefCell;

use super::*;
use crate::batch::BatchBuilder;
use crate::event::Limits;
use crate::event::body::{EventKind, NeedIdentified};
use crate::event::upcast::steps::OwnStep;

thread_local! {
    /// The versions from which steps were taken; a step of the library's own can capture nothing.
    static TAKEN: RefCell<Vec<u16>> = const { RefCell::new(Vec::new()) };
}

fn to_2(event: &mut RawFields) -> UpcastResult {
    TAKEN.with_borrow_mut(|taken| taken.push(1));
    Ok(event.rename_field("category", "subject")?)
}

fn to_3(event: &mut RawFields) -> UpcastResult {
    TAKEN.with_borrow_mut(|taken| taken.push(2));
    let subject: String = event.field("subject")?.ok_or("no subject")?;
    event.set_field("subject", &subject.to_uppercase())?;
    Ok(event.rename_field("subject", "category")?)
}

/// Version 3 of `need_identified`; the other kinds are as they are.
fn raised() -> Upcasters {
    fn own(kind: EventKind) -> &'static [OwnStep] {
        match kind {
            EventKind::NeedIdentified => &[to_2, to_3],
            _ => &[],
        }
    }
    Upcasters { own, ..Upcasters::default() }
}

fn raw(version: u16, fields: &str) -> RawEvent {
    let text = format!(
        r#"{{"id":"00000000-0000-0000-0000-000000000007","customer":"ada","occurred_at":"2024-03-01T10:00:00Z",
        "kind":"need_identified","schema_version":{version},"fields":{fields}}}"#
    );
    serde_json::from_str(&text).unwrap()
}

#[test]
fn each_old_version_of_a_kind_reads_to_the_new_value() {
    let cases: [(u16, &str, &[u16]); 3] = [
        (1, r#"{"category":"desk"}"#, &[1, 2]),
        (2, r#"{"subject":"desk"}"#, &[2]),
        (3, r#"{"category":"DESK"}"#, &[]),
    ];
    for (version, fields, steps) in cases {
        for lift in [Upcasters::lift_input, Upcasters::lift_stored] {
            TAKEN.take();
            let event = lift(&raised(), raw(version, fields)).unwrap();
            assert_eq!(event.schema_version, 3);
            assert_eq!(event.body, NeedIdentified { category: Some("DESK".into()) }.into());
            assert_eq!(TAKEN.take(), steps, "version {version}");
        }
    }
    assert_eq!(raised().current_version("need_identified"), Some(3));
    assert_eq!(raised().current_version("registered"), Some(1));
}

#[test]
fn a_failing_step_names_event_kind_and_versions() {
    for lift in [Upcasters::lift_input, Upcasters::lift_stored] {
        let error = lift(&raised(), raw(1, "{}")).unwrap_err();
        let message =
            "event 00000000-0000-0000-0000-000000000007: need_identified from version 2 to 3: no subject";
        assert_eq!((error.kind(), error.to_string().as_str()), (ErrorKind::UpcastFailed, message));
        let error = lift(&raised(), raw(1, r#"{"category":"desk","more":1}"#)).unwrap_err().to_string();
        let message =
            "need_identified from version 1 to 3: fields of \"need_identified\": unknown field `more`";
        assert!(error.contains(message), "{error}");
        let error = lift(&raised(), raw(1, "[]")).unwrap_err().to_string();
        assert!(error.contains("need_identified from version 1 to 3: "), "{error}");
    }
}

/// An event is written in version 2 by a newer program, read by this one, and read again after the update.
#[test]
fn a_newer_version_waits_as_unknown_until_the_program_knows_it() {
    let stored = raw(2, r#"{"subject":"desk"}"#);
    let today = Upcasters::default();
    let waiting = today.lift_stored(stored.clone()).unwrap();
    assert!(matches!(waiting.body, EventBody::Unknown(_)));
    assert_eq!(today.lift_event(waiting.clone()).unwrap(), waiting);
    let mut batch = BatchBuilder::new(Limits::default());
    batch.push_trusted(&waiting);
    let batch = batch.finish();
    assert_eq!(
        (batch.event(0).to_event(), batch.event(0).kind_name().as_ref()),
        (waiting.clone(), "need_identified")
    );
    assert_eq!(today.lift_input(stored.clone()).unwrap_err().kind(), ErrorKind::Malformed);
    let updated = raised().lift_event(waiting).unwrap();
    assert_eq!(updated, raised().lift_stored(stored).unwrap());
    assert_eq!(updated.body, NeedIdentified { category: Some("DESK".into()) }.into());
}

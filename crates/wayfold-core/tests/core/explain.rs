//! Explanations: which event, or which instant, changed which field.

use wayfold_core::bodies::{EventRetracted, OrderCancelled, Unknown};
use wayfold_core::{Cause, EventId, Explanation, JourneyEvent, OrderId, Report, explain};

use super::support::{about, ada, batch, day, event, placed, projections};

fn told(events: &[JourneyEvent], number: u32) -> Explanation {
    explain(&projections(), &ada(), &[batch(events)], day(number)).unwrap().unwrap()
}

fn caused_by(id: u128, kind: &str) -> Cause {
    Cause::Event { id: EventId::from_u128(id), kind: kind.to_owned() }
}

#[test]
fn each_stage_names_the_event_or_the_instant_behind_it() {
    let told = told(&[placed("o1", 1, day(0), "10"), placed("o2", 2, day(200), "10")], 200);
    let stages: Vec<_> = told
        .steps
        .iter()
        .flat_map(|step| step.changes.iter().map(move |change| (step, change)))
        .filter(|(_, change)| change.field == "lifecycle.stage")
        .map(|(step, change)| (step.at, step.cause.clone(), change.after.clone().unwrap()))
        .collect();
    let expected = [
        (day(0), caused_by(1, "order_placed"), "first_time".to_owned()),
        (day(180).next(), Cause::Time, "churned".to_owned()),
        (day(200), caused_by(2, "order_placed"), "won_back".to_owned()),
    ];
    assert_eq!(stages, expected);
    let (step, change) = told
        .why("value.currencies[EUR].net.amount")
        .or_else(|| told.why("value.currencies[EUR].net"))
        .unwrap();
    assert_eq!(step.cause, caused_by(2, "order_placed"));
    assert!(change.after.as_deref().unwrap().contains("20"));
}

#[test]
fn what_does_not_fit_is_reported() {
    let retract =
        |id, target| event(id, day(9), EventRetracted { event: EventId::from_u128(target), reason: None });
    let unknown = Unknown::new("moon_seen", "{}").unwrap();
    let events = [
        placed("o1", 1, day(0), "10"),
        placed("o1", 2, day(1), "20"),
        placed("o3", 3, day(1), "20"),
        retract(4, 3),
        retract(5, 4),
        retract(6, 77),
        about("o9", 7, day(2), OrderCancelled { reason: None }),
        event(8, day(2), unknown),
    ];
    let id = EventId::from_u128;
    let order = |text: &str| OrderId::new(text).unwrap();
    assert_eq!(
        told(&events, 9).reports,
        [
            Report::RetractionWithoutTarget { event: id(6), target: id(77) },
            Report::RetractionOfRetraction { event: id(5), target: id(4) },
            Report::Retracted { event: id(3) },
            Report::SecondPlacement { event: id(2), order: order("o1") },
            Report::UnknownOrder { order: order("o9") },
            Report::UnknownKind { event: id(8), kind: "moon_seen".to_owned() },
        ]
    );
}

#[test]
fn the_end_of_an_explanation_is_the_view() {
    let events = [placed("o1", 1, day(0), "10")];
    let mut fold = wayfold_core::Fold::new(&projections());
    let _ = fold.apply(&[batch(&events)]);
    assert_eq!(told(&events, 400).view, fold.view(&ada(), day(400)).unwrap().unwrap());
    assert_eq!(explain(&projections(), &ada(), &[batch(&events)], day(0).previous()).unwrap(), None);
}

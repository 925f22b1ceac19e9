//! Explanations: which event, or which instant, changed which field.

use wayfold_core::bodies::{EventRetracted, NeedIdentified, OrderCancelled, Unknown};
use wayfold_core::{
    Cause, CustomerAt, EventId, EventView, Explanation, JourneyEvent, LifecycleStage, OrderId, Projection,
    ProjectionSet, Report, Rules, Timestamp, explain,
};

use super::support::{about, ada, batch, day, event, journey, placed, projections};

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
    let (step, change) = told.why("value.currencies[EUR].net").unwrap();
    assert_eq!((step.cause.clone(), change.after.as_deref()), (caused_by(2, "order_placed"), Some("20 EUR")));
    assert!(told.why("value.net").is_none());
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

/// The end of a window beyond the end of time once gave an end in the past, and the explanation never ended.
#[test]
fn an_explanation_ends_with_the_end_of_time() {
    let mut rules = Rules::default();
    rules.lifecycle.churned_after_days = u32::MAX;
    rules.lifecycle.loyal_window_days = u32::MAX;
    let set = ProjectionSet::new(rules).unwrap();
    let orders: Vec<_> = (0..5).map(|id| placed(&format!("o{id}"), id, day(id as u32), "10")).collect();
    let told = explain(&set, &ada(), &[batch(&orders)], Timestamp::MAX).unwrap().unwrap();
    assert_eq!((told.view.lifecycle.stage, told.view.holds_until), (LifecycleStage::Loyal, None));
}

/// Says of every instant that its view ended on the first day.
struct EndsInThePast;

impl Projection for EndsInThePast {
    type State = ();
    type View = ();

    fn name(&self) -> &str {
        "ends_in_the_past"
    }

    fn version(&self) -> u32 {
        1
    }

    fn evolve(&self, _state: &mut (), _event: &EventView<'_>) {}

    fn view(&self, _state: &(), _customer: &CustomerAt<'_>) {}

    fn holds_until(&self, _state: &(), _customer: &CustomerAt<'_>) -> Option<Timestamp> {
        Some(day(0))
    }
}

/// Such a projection, the likeliest mistake of a user, once kept the explanation from ending.
#[test]
fn an_end_in_the_past_counts_as_none() {
    let mut set = projections();
    set.register(EndsInThePast).unwrap();
    let told = explain(&set, &ada(), &[batch(&[placed("o1", 1, day(5), "10")])], day(500)).unwrap().unwrap();
    assert_eq!(told.view.holds_until, None);
}

#[test]
fn what_was_retracted_later_than_the_instant_is_not_reported() {
    let retract = event(9, day(1), EventRetracted { event: EventId::from_u128(2), reason: None });
    let told = told(&[placed("o1", 1, day(0), "10"), placed("o2", 2, day(50), "10"), retract], 5);
    assert_eq!(told.reports, []);
}

/// The journeys `a` and `a].stage[b` were once named by paths that could be read as each other's.
#[test]
fn a_key_that_could_be_misread_is_quoted() {
    let need = |id, key| journey(event(id, day(0), NeedIdentified { category: None }), key);
    let told = told(&[need(1, "a"), need(2, "a].stage[b"), need(3, "*")], 1);
    for key in ["a", r#""a].stage[b""#, r#""*""#] {
        let (_, change) = told.why(&format!("journey.journeys[{key}].stage")).unwrap();
        assert_eq!(change.after.as_deref(), Some("need"));
    }
}

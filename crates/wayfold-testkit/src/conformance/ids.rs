//! An id is taken once in its tenant.

use wayfold_core::{
    Actor, AttributeName, Channel, EventBatch, EventId, EventTime, JourneyEvent, JourneyKey, NeedIdentified,
    Position, Stage,
};
use wayfold_store::{AppendOutcome, ErrorKind, ReadQuery, Written};

use super::events::{at, custom, event, key, key_in, need, plain, plains, start, tag};
use super::trial::{Caller, Trial, assert_same_content, ids};

#[track_caller]
fn assert_reused(log: &Caller, events: &[JourneyEvent]) {
    let head = log.head();
    let outcome = log.try_append(events);
    let Err(error) = outcome else { panic!("an id was taken twice with other content: {outcome:?}") };
    assert_eq!(error.kind(), ErrorKind::IdReused, "{error}");
    assert_eq!((error.written(), error.is_retryable()), (Written::Nothing, false), "{error}");
    assert_eq!(log.head(), head, "nothing is written where an id is taken");
}

pub(crate) fn same_content_is_taken_where_it_stands(trial: &Trial) {
    let log = trial.caller();
    let events = plains(1, 4, "a");
    let first = log.put(&events);
    let mut reversed = events.clone();
    reversed.reverse();
    let positions = first.iter().rev().copied().collect();
    assert_eq!(log.append(&reversed), AppendOutcome::AlreadyTaken { positions });
    assert_eq!(log.append(&events[1..2]), AppendOutcome::AlreadyTaken { positions: vec![first[1]] });
    assert_same_content(&log.all(), &events);
}

pub(crate) fn other_content_is_refused(trial: &Trial) {
    let log = trial.caller();
    log.put(&plains(1, 3, "a"));
    assert_reused(&log, &[need(2, "a")]);
    assert_reused(&log, &[plain(2, "b")]);
    assert_reused(&log, &[plain(9, "a"), plain(1, "a"), need(3, "a")]);
    assert_eq!(log.all().len(), 3);
}

/// The message of a reused id is what a user has to find the culprit by.
pub(crate) fn refusal_names_the_id(trial: &Trial) {
    let log = trial.caller();
    log.put(&[plain(77, "a")]);
    let error = log.try_append(&[plain(1, "a"), need(77, "a")]).expect_err("id 77 is taken");
    let id = EventId::from_u128(77).to_string();
    assert!(error.to_string().contains(&id), "{error} does not name {id}");
}

/// Two events with one id that differ in any one thing that a source states.
pub(crate) fn every_field_is_content(trial: &Trial) {
    let log = trial.caller();
    let base = event(1, key("a"), custom("seen", None));
    log.put(std::slice::from_ref(&base));
    let name = AttributeName::new("note").expect("a name of the suite");
    let changes: [fn(&mut JourneyEvent); 11] = [
        |event| event.body = custom("seen", Some(Stage::Need)).into(),
        |event| event.journey = Some(JourneyKey::new("j").expect("a name of the suite")),
        |event| event.occurred_at = at(1).into(),
        |event| event.occurred_at = EventTime::new(start(), 60).expect("an offset"),
        |event| event.received_at = Some(start()),
        |event| event.sequence = 1,
        |event| event.channel = Some(Channel::Web),
        |event| event.source = Some("crm".to_owned()),
        |event| event.actor = Actor { team: None, person: Some("li".to_owned()) },
        |event| event.correlation = Some(EventId::from_u128(5).0),
        |event| event.causation = Some(EventId::from_u128(5)),
    ];
    let changed = changes.iter().map(|change| {
        let mut event = base.clone();
        change(&mut event);
        event
    });
    let named = [
        base.clone().with_tag(tag("order:o1")),
        base.clone().with_attribute(name, "text"),
        base.clone().with_stage(Stage::Need),
    ];
    for event in changed.chain(named) {
        assert_reused(&log, &[event]);
    }
    assert!(matches!(log.append(&[base]), AppendOutcome::AlreadyTaken { .. }));
}

/// What was read may be appended again, and copied into another log.
pub(crate) fn position_and_recording_time_are_not_content(trial: &Trial) {
    let log = trial.caller();
    let given = log.put(&plains(1, 3, "a"));
    trial.clock.set(at(60));
    let read = log.all();
    let pages = log.pages(&ReadQuery::all(), Position::START, 100);
    let recorded = || EventBatch::from_views(pages.iter().flat_map(|page| page.batch.iter()));
    let again = log.try_batch(recorded(), None).expect("what was read may be appended again");
    assert_eq!(again, AppendOutcome::AlreadyTaken { positions: given });
    let other = trial.another().caller();
    let before = other.put(&plains(10, 5, "b"));
    let copied = other.try_batch(recorded(), None).expect("what was read may be copied");
    let AppendOutcome::Appended { positions, new: 3 } = copied else { panic!("{copied:?}") };
    assert!(positions[0] > before[4], "a copy takes a place of its own");
    assert_same_content(&other.all()[5..], &read);
    assert!(matches!(other.append(&read), AppendOutcome::AlreadyTaken { .. }));
}

pub(crate) fn partly_taken_batch_adds_only_what_is_new(trial: &Trial) {
    let log = trial.caller();
    let first = log.put(&plains(1, 3, "a"));
    let outcome = log.append(&[plain(5, "a"), plain(2, "a"), plain(4, "a")]);
    let AppendOutcome::Appended { positions, new } = outcome else { panic!("{outcome:?}") };
    assert_eq!((positions.len(), new), (3, 2), "three events of which two are new");
    assert_eq!(positions[1], first[1], "what stands keeps its place");
    let all = log.all();
    assert_eq!(ids(&all), ids(&[1, 2, 3, 5, 4].map(|id| plain(id, "a"))));
    assert_eq!((all[3].position, all[4].position), (Some(positions[0]), Some(positions[2])));
}

pub(crate) fn twice_in_one_batch_counts_once(trial: &Trial) {
    let log = trial.caller();
    let outcome = log.append(&[plain(1, "a"), plain(2, "a"), plain(1, "a")]);
    let AppendOutcome::Appended { positions, new } = outcome else { panic!("{outcome:?}") };
    assert_eq!((positions.len(), new), (3, 2));
    assert_eq!(positions[0], positions[2], "one event stands in one place");
    assert_eq!(ids(&log.all()), ids(&plains(1, 2, "a")));
    let again = log.append(&[plain(2, "a"), plain(2, "a")]);
    assert_eq!(again, AppendOutcome::AlreadyTaken { positions: vec![positions[1]; 2] });
}

pub(crate) fn twice_in_one_batch_with_other_content_is_refused(trial: &Trial) {
    let log = trial.caller();
    assert_reused(&log, &[plain(1, "a"), need(1, "a")]);
    assert_reused(&log, &[plain(2, "a"), plain(3, "a"), plain(2, "b")]);
    assert!(log.all().is_empty());
}

pub(crate) fn tenants_have_ids_of_their_own(trial: &Trial) {
    let log = trial.caller();
    let foreign = |tenant| event(1, key_in(tenant, "a"), NeedIdentified { category: None });
    log.put(&[plain(1, "a"), foreign("t")]);
    log.put(&[foreign("u")]);
    assert_reused(&log, &[event(1, key_in("t", "b"), NeedIdentified { category: None })]);
    assert!(matches!(log.append(&[foreign("u"), foreign("t")]), AppendOutcome::AlreadyTaken { .. }));
    assert_eq!(log.all().len(), 3);
}

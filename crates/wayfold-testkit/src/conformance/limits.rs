//! What is too much is refused, and what a store cannot honour.

use wayfold_core::bodies::{CustomerErased, IdentityLinked, IdentityUnlinked};
use wayfold_core::{AttributeName, EventBody, JourneyEvent, Limits, Span};
use wayfold_store::{AppendOutcome, ErrorKind, Written};

use super::events::{at, event, key, plain, plains, start, tag};
use super::trial::{Caller, Trial};

#[track_caller]
fn assert_refused(log: &Caller, events: &[JourneyEvent], kind: ErrorKind) {
    let (head, outcome) = (log.head(), log.try_append(events));
    let Err(error) = outcome else { panic!("it should be refused, and the outcome is {outcome:?}") };
    assert_eq!((error.kind(), error.written()), (kind, Written::Nothing), "{error}");
    assert_eq!(log.head(), head, "what was refused was written");
}

/// A batch that reaches a limit of a log exactly, the limits, and the same batch with one more.
type Bound = (Vec<JourneyEvent>, Limits, Vec<JourneyEvent>);

fn limits(change: impl FnOnce(&mut Limits)) -> Limits {
    let mut limits = Limits::default();
    change(&mut limits);
    limits
}

fn bounds() -> Vec<Bound> {
    let attribute = |event: JourneyEvent, name: &str| {
        event.with_attribute(AttributeName::new(name).expect("a name of the suite"), 1)
    };
    let size = plain(1, "a").size_bytes();
    let tagged = plain(1, "a").with_tag(tag("a:1")).with_tag(tag("a:2"));
    let noted = attribute(attribute(plain(1, "a"), "x"), "y");
    vec![
        (plains(1, 3, "a"), limits(|limits| limits.batch_events_max = 3), plains(1, 4, "a")),
        (plains(1, 3, "a"), limits(|limits| limits.batch_bytes_max = 3 * size), plains(1, 4, "a")),
        (
            plains(1, 2, "a"),
            limits(|limits| limits.event_bytes_max = size),
            vec![plain(1, "a"), plain(2, "aa")],
        ),
        (
            vec![tagged.clone()],
            limits(|limits| limits.tags_max = 2),
            vec![plain(2, "a"), tagged.with_tag(tag("a:3"))],
        ),
        (
            vec![noted.clone()],
            limits(|limits| limits.attributes_max = 2),
            vec![plain(2, "a"), attribute(noted, "z")],
        ),
    ]
}

pub(crate) fn what_reaches_a_limit_is_taken(trial: &Trial) {
    for (at_most, limits, _) in bounds() {
        trial.another_with(limits).caller().put(&at_most);
    }
}

pub(crate) fn what_exceeds_a_limit_is_refused_whole(trial: &Trial) {
    for (at_most, limits, beyond) in bounds() {
        let log = trial.another_with(limits).caller();
        log.put(&plains(50, 1, "a"));
        assert_refused(&log, &beyond, ErrorKind::InvalidEvent);
        log.put(&at_most);
    }
}

/// An event may lie beyond the clock by the limit, and not by a microsecond more.
pub(crate) fn far_future_is_refused(trial: &Trial) {
    let log = trial.another_with(limits(|limits| limits.future_max = Span::from_days(2))).caller();
    let last = start() + Span::from_days(2);
    let mut allowed = plain(1, "a");
    allowed.occurred_at = last.into();
    log.put(&[allowed.clone()]);
    let mut far = plain(2, "a");
    far.occurred_at = last.next().into();
    assert_refused(&log, &[plain(3, "a"), far.clone()], ErrorKind::InvalidEvent);
    assert_refused(&log, &[allowed, far], ErrorKind::InvalidEvent);
}

/// A retry once failed when the clock had gone back between both attempts.
pub(crate) fn what_stands_is_not_asked_for_its_time(trial: &Trial) {
    let log = trial.caller();
    log.put(&[plain(1, "a")]);
    trial.clock.set(at(-10 * 86_400));
    assert!(matches!(log.append(&[plain(1, "a")]), AppendOutcome::AlreadyTaken { .. }));
    assert_refused(&log, &[plain(1, "a"), plain(2, "a")], ErrorKind::InvalidEvent);
    let mut past = plain(3, "a");
    past.occurred_at = at(-20 * 86_400).into();
    let outcome = log.append(&[plain(1, "a"), past]);
    assert!(matches!(outcome, AppendOutcome::Appended { new: 1, .. }), "{outcome:?}");
}

fn identity_bodies() -> [EventBody; 3] {
    let alias = || "b".to_owned();
    [
        IdentityLinked { alias: alias() }.into(),
        IdentityUnlinked { alias: alias() }.into(),
        CustomerErased { reason: None }.into(),
    ]
}

pub(crate) fn identity_kinds_are_refused(trial: &Trial) {
    let log = trial.caller();
    for body in identity_bodies() {
        let name = body.kind().name();
        let refused = event(9, key("a"), body);
        let error = log.try_append(std::slice::from_ref(&refused)).expect_err("it cannot be honoured");
        assert!(error.to_string().contains(name), "{error} does not name {name}");
        assert_refused(&log, &[plain(1, "a"), refused], ErrorKind::Unsupported);
    }
    assert!(log.all().is_empty());
}

pub(crate) fn identity_kinds_are_taken(trial: &Trial) {
    let log = trial.caller();
    for (number, body) in identity_bodies().into_iter().enumerate() {
        log.put(&[event(number as u128, key(&format!("c{number}")), body)]);
    }
}

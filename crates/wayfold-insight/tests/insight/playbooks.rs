//! Next best actions, worked by hand, and beside a walk through the playbooks that keeps to events alone.

use proptest::collection::vec;
use proptest::prelude::*;
use wayfold_core::{
    BehaviourClass, CareContacted, ConsentGiven, ConsentWithdrawn, CustomerKey, CustomerView, EventBatch,
    EventBody, Fold, JourneyEvent, LifecycleStage, MessageSent, MessageUnsubscribed, OfferIssued,
    OwnerAssigned, ProjectionSet, Registered, RetentionOfferMade, Rules, Span, StrategyApplied, Tag,
    Timestamp,
};
use wayfold_insight::{
    ActionKind, ConsentRule, ContactHistory, ContactHistoryView, ErrorKind, HoldOutGroup, NextAction,
    Playbook, PlaybookAction, Playbooks, WhyNot,
};

use super::made::{at, event, hour, placed};

/// What is known of Ada as of an instant.
fn ada(events: &[JourneyEvent], as_of: Timestamp) -> (CustomerView, ContactHistoryView) {
    let mut projections = ProjectionSet::new(Rules::default()).unwrap();
    let contacts = projections.register(ContactHistory).unwrap();
    let mut fold = Fold::new(&projections).with_as_of(as_of);
    let _ = fold.apply(&[EventBatch::from_events(events).unwrap()]);
    let key = CustomerKey::new("ada").unwrap();
    (fold.view(&key, as_of).unwrap().unwrap(), fold.own_view(contacts, &key, as_of).unwrap().unwrap())
}

fn next(playbooks: &Playbooks, events: &[JourneyEvent], as_of: Timestamp) -> NextAction {
    let (view, history) = ada(events, as_of);
    playbooks.next_action(&view, &history)
}

fn ordered(number: usize, day: &str) -> JourneyEvent {
    event(number, "ada", at(day), placed(20, &[], None)).with_tag(Tag::order(number.to_string()).unwrap())
}

fn did(number: usize, day: &str, body: impl Into<EventBody>) -> JourneyEvent {
    event(number, "ada", at(day), body)
}

fn consent(number: usize, day: &str) -> JourneyEvent {
    did(number, day, ConsentGiven { purpose: "marketing".to_owned() })
}

#[track_caller]
fn check(events: &[JourneyEvent], day: &str, expected: Option<(&str, &str)>) -> NextAction {
    let next = next(&Playbooks::default(), events, at(day));
    let told = next.action.as_ref().map(|action| (action.playbook.as_str(), action.name.as_str()));
    assert_eq!(told, expected);
    next
}

#[test]
fn each_stage_and_class_has_its_strategy() {
    let bought = |days: &[&str]| -> Vec<JourneyEvent> {
        days.iter().enumerate().map(|(number, day)| ordered(number, day)).collect()
    };
    check(
        &[did(0, "2024-01-01", Registered {}), consent(1, "2024-01-01")],
        "2024-01-02",
        Some(("attract", "introduction")),
    );
    check(&bought(&["2024-01-01"]), "2024-01-02", Some(("welcome", "welcome gift")));
    check(&bought(&["2024-01-01"]), "2024-05-01", Some(("keep", "what is missing")));
    check(&bought(&["2024-01-01"]), "2024-12-01", Some(("win_back", "what drove you away")));
    let days = ["2024-01-01", "2024-02-01", "2024-03-01", "2024-04-01", "2024-05-01", "2024-06-01"];
    check(&bought(&days), "2024-06-02", Some(("club", "priority delivery")));
    check(&bought(&days[..2]), "2024-02-02", None);
    let mut repeat = bought(&days[..2]);
    repeat.push(consent(9, "2024-01-01"));
    let next = check(&repeat, "2024-02-02", Some(("membership", "membership")));
    let action = next.action.unwrap();
    assert_eq!(action.reason, "the stage is repeat, with 2 purchases, the last on 2024-02-01T00:00:00Z");
    assert_eq!((action.playbook_version, next.version), (1, 1));
    assert_eq!((next.figures.purchases, next.figures.net[0].to_string()), (2, "40.00 EUR".to_owned()));

    // The texts name a strategy for every stage and class but the plainest.
    let all = Playbooks::default();
    all.validate().unwrap();
    for stage in LifecycleStage::ALL {
        assert!(all.playbooks.iter().any(|playbook| playbook.stages.contains(stage)), "{stage}");
    }
    for class in BehaviourClass::ALL.iter().filter(|class| **class != BehaviourClass::Dormant) {
        assert!(all.playbooks.iter().any(|playbook| playbook.classes.contains(class)), "{class}");
    }
}

#[test]
fn what_was_done_is_not_suggested_until_its_time_is_over() {
    let asked = CareContacted { occasion: Some("what drove you away".to_owned()) };
    let offered = RetentionOfferMade { offer: Some("win_back_offer".to_owned()) };
    let mut events = vec![ordered(0, "2023-01-01"), consent(1, "2023-01-01"), did(2, "2024-01-01", asked)];
    let next = check(&events, "2024-02-01", Some(("win_back", "win_back_offer")));
    let (done, again_at) = (events[2].id, Some(at("2024-12-31")));
    assert_eq!(next.passed_over.len(), 1);
    assert_eq!(next.passed_over[0].why, WhyNot::Done { at: at("2024-01-01"), event: done, again_at });
    // 2024 has 366 days.
    assert_eq!(next.holds_until, Some(at("2024-12-31").previous()));
    check(&events, "2024-12-31", Some(("win_back", "what drove you away")));

    events.push(did(3, "2024-02-01", offered));
    check(&events, "2024-02-02", Some(("win_back", "personal service")));
    events.push(did(4, "2024-02-03", CareContacted { occasion: Some("personal service".to_owned()) }));
    let next = check(&events, "2024-02-04", None);
    assert_eq!((next.passed_over.len(), next.holds_until), (3, Some(at("2024-07-30").previous())));
}

#[test]
fn who_withdrew_consent_is_not_sent_marketing() {
    let withdrawn = || ConsentWithdrawn { purpose: "marketing".to_owned() };
    let unsubscribed = || MessageUnsubscribed { campaign: None };
    let registered = || did(0, "2024-01-01", Registered {});
    for (number, body) in [EventBody::from(withdrawn()), unsubscribed().into()].into_iter().enumerate() {
        let events = [registered(), consent(1, "2024-01-01"), did(2, "2024-01-05", body)];
        let next = check(&events, "2024-01-06", None);
        assert_eq!(next.passed_over.len(), 2, "{number}");
        let (purpose, event) = ("marketing".to_owned(), events[2].id);
        let why = WhyNot::ConsentWithdrawn { purpose, at: at("2024-01-05"), event };
        assert!(next.passed_over.iter().all(|of| of.why == why), "{:?}", next.passed_over);
        let again = [&events[..], &[consent(3, "2024-02-01")]].concat();
        check(&again, "2024-02-02", Some(("attract", "introduction")));
    }

    let silent = [registered()];
    let next = check(&silent, "2024-01-06", None);
    assert_eq!(next.passed_over[0].why, WhyNot::NoConsent { purpose: "marketing".to_owned() });
    let lenient = Playbooks { consent: ConsentRule::NotWithdrawn, ..Playbooks::default() };
    assert_eq!(self::next(&lenient, &silent, at("2024-01-06")).action.unwrap().name, "introduction");
    let events = [registered(), did(1, "2024-01-02", unsubscribed())];
    assert_eq!(self::next(&lenient, &events, at("2024-01-06")).action, None);
}

#[test]
fn playbooks_rest_and_leave_customers_out() {
    let mut playbooks = Playbooks::default();
    let win_back = playbooks.playbooks.iter_mut().find(|playbook| playbook.name == "win_back").unwrap();
    win_back.rest_days = 30;
    let applied = StrategyApplied { playbook: "win_back".to_owned(), version: Some("1".to_owned()) };
    let events = [ordered(0, "2023-01-01"), did(1, "2024-01-01", applied)];
    let next = self::next(&playbooks, &events, at("2024-01-30"));
    assert_eq!((next.action, next.passed_over[0].action.clone()), (None, None));
    assert_eq!(next.holds_until, Some(at("2024-01-31").previous()));
    assert!(self::next(&playbooks, &events, at("2024-01-31")).action.is_some());

    let group = HoldOutGroup::new("win_back", 1_000).unwrap();
    let win_back = playbooks.playbooks.iter_mut().find(|playbook| playbook.name == "win_back").unwrap();
    win_back.hold_out = Some(group);
    let next = self::next(&playbooks, &events, at("2024-02-01"));
    assert_eq!(next.passed_over[0].why, WhyNot::HeldOut { group: "win_back".to_owned() });
    assert_eq!((next.action, next.holds_until), (None, None));
}

#[test]
fn playbooks_are_documents() {
    let all = Playbooks::default();
    let json = serde_json::to_string(&all).unwrap();
    assert_eq!(serde_json::from_str::<Playbooks>(&json).unwrap(), all);
    let small: Playbooks = serde_json::from_str(
        r#"{"version": 3, "consent": "not_withdrawn", "playbooks": [{"name": "thank", "version": 2, "goal": "to thank",
            "stages": ["loyal"], "hold_out": {"name": "thanks", "per_mille": 100},
            "actions": [{"name": "letter", "kind": "care", "again_after_days": 365}]}]}"#,
    )
    .unwrap();
    small.validate().unwrap();

    let action = || PlaybookAction {
        name: "a".to_owned(),
        kind: ActionKind::Care,
        again_after_days: None,
        purpose: None,
    };
    let with = |actions: Vec<PlaybookAction>| Playbook { actions, ..small.playbooks[0].clone() };
    for playbooks in [
        vec![with(vec![])],
        vec![with(vec![action(), action()])],
        vec![with(vec![action()]), with(vec![action()])],
    ] {
        let refused = Playbooks { playbooks, ..small.clone() }.validate().unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::InvalidParameter);
    }
}

#[test]
fn a_contact_history_keeps_the_newest_of_each() {
    let offer = |kind: &str| OfferIssued { offer_kind: Some(kind.to_owned()), campaign: None, value: None };
    let events = [
        did(0, "2024-01-01", offer("coupon")),
        did(1, "2024-01-03", offer("coupon")),
        did(
            2,
            "2024-01-02",
            OwnerAssigned {
                team: None,
                person: Some("eve".to_owned()),
                role: Some("success manager".to_owned()),
            },
        ),
        did(3, "2024-01-01", MessageSent { campaign: None })
            .with_tag(Tag::new("campaign", "spring").unwrap()),
        consent(4, "2024-01-05"),
        consent(5, "2024-01-07"),
    ];
    let history = ada(&events, at("2024-02-01")).1;
    let coupon = history.last(ActionKind::Offer, "coupon").unwrap();
    assert_eq!((coupon.times, coupon.last_at, coupon.event), (2, at("2024-01-03"), events[1].id));
    assert_eq!(history.last(ActionKind::Owner, "success manager").unwrap().event, events[2].id);
    assert!(history.last(ActionKind::Message, "spring").is_some());
    assert_eq!(history.last(ActionKind::Offer, "spring"), None);
    // What is said again holds since it was said first.
    assert_eq!(history.consents["marketing"].since, at("2024-01-05"));
    let json = serde_json::to_string(&history).unwrap();
    assert_eq!(serde_json::from_str::<ContactHistoryView>(&json).unwrap(), history);
}

fn random() -> impl Strategy<Value = Vec<JourneyEvent>> {
    vec((0..7_usize, 0..3_usize, 0..4_000_i64), 1..30).prop_map(|all| {
        let one = |(number, (kind, name, time)): (usize, (usize, usize, i64))| {
            let named = |names: [&str; 3]| Some(names[name].to_owned());
            let body: EventBody = match kind {
                0 => ConsentGiven { purpose: "marketing".to_owned() }.into(),
                1 => ConsentWithdrawn { purpose: "marketing".to_owned() }.into(),
                2 => OfferIssued {
                    offer_kind: named(["first_purchase_offer", "stay_offer", "x"]),
                    campaign: None,
                    value: None,
                }
                .into(),
                3 => CareContacted {
                    occasion: named(["welcome gift", "what is missing", "what drove you away"]),
                }
                .into(),
                4 => MessageSent { campaign: named(["introduction", "membership", "x"]) }.into(),
                5 => Registered {}.into(),
                _ => placed(9, &[], None).into(),
            };
            let made = event(number, "ada", hour(time) + Span::from_micros(number as i64), body);
            if kind == 6 { made.with_tag(Tag::order(number.to_string()).unwrap()) } else { made }
        };
        all.into_iter().enumerate().map(one).collect()
    })
}

/// What to do by the events alone.
fn plainly(view: &CustomerView, events: &[JourneyEvent]) -> Option<(String, String)> {
    let past = || events.iter().filter(|event| event.occurred_at.instant() <= view.as_of);
    let mut said: Vec<_> = past()
        .filter(|event| matches!(event.body, EventBody::ConsentGiven(_) | EventBody::ConsentWithdrawn(_)))
        .collect();
    said.sort_by_key(|event| event.occurred_at.instant());
    let consents = said.last().is_some_and(|event| matches!(event.body, EventBody::ConsentGiven(_)));
    for playbook in Playbooks::default().playbooks {
        let of_stage = playbook.stages.is_empty() || playbook.stages.contains(&view.lifecycle.stage);
        let of_class = playbook.classes.is_empty()
            || view.segment.class.is_some_and(|class| playbook.classes.contains(&class));
        if !of_stage || !of_class {
            continue;
        }
        for action in &playbook.actions {
            let is_it = |event: &JourneyEvent| match (&event.body, action.kind) {
                (EventBody::OfferIssued(of), ActionKind::Offer) => {
                    of.offer_kind.as_ref() == Some(&action.name)
                }
                (EventBody::CareContacted(of), ActionKind::Care) => {
                    of.occasion.as_ref() == Some(&action.name)
                }
                (EventBody::MessageSent(of), ActionKind::Message) => {
                    of.campaign.as_ref() == Some(&action.name)
                }
                _ => false,
            };
            let rests = past().filter(|event| is_it(event)).any(|event| {
                let days = action.again_after_days.unwrap_or(1_000_000);
                view.as_of.since(event.occurred_at.instant()) < Span::from_days(days)
            });
            if !rests && (action.purpose.is_none() || consents) {
                return Some((playbook.name, action.name.clone()));
            }
        }
    }
    None
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// The action is that of the events, whatever order they come in, and stays the same for as long as it says.
    #[test]
    fn actions_are_those_of_plain_loops_and_hold_as_long_as_they_say(events in random(), as_of in 0..12_000_i64) {
        let mut shuffled = events.clone();
        shuffled.sort_by_key(|event| event.id.as_u128().wrapping_mul(0x9E37_79B9_7F4A_7C15) % 1_009);
        let first = events.iter().map(|event| event.occurred_at.instant()).min().unwrap();
        let as_of = hour(as_of).max(first);
        let playbooks = Playbooks::default();
        let next = next(&playbooks, &shuffled, as_of);
        let told = |next: &NextAction| next.action.as_ref().map(|of| (of.playbook.clone(), of.name.clone()));
        prop_assert_eq!(told(&next), plainly(&ada(&events, as_of).0, &events));

        let (view, history) = ada(&events, as_of);
        let newest = events.iter().map(|event| event.occurred_at.instant()).max().unwrap();
        if let Some(until) = next.holds_until.filter(|_| newest <= as_of) {
            prop_assert!(until >= as_of);
            let (later, _) = ada(&events, until);
            prop_assert_eq!(told(&playbooks.next_action(&later, &history)), told(&next));
        } else if newest <= as_of {
            let (later, _) = ada(&events, Timestamp::MAX);
            prop_assert_eq!(told(&playbooks.next_action(&later, &history)), told(&playbooks.next_action(&view, &history)));
        }
    }
}

//! Leads, links and deals: worked cases, and deals beside plain loops.

use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::prelude::*;
use wayfold_core::{
    Actor, ContactMade, Currency, CustomerKey, DealLost, DemoAttended, Direction, EventBatch, EventBody,
    EventKind, Fold, JourneyEvent, JourneyKey, LeadAssigned, LeadCaptured, LeadDisqualified, LeadQualified,
    LeadReturned, ObjectionRaised, ObjectionResolved, OrderCancelled, ProfileChanged, ProjectionSet,
    QuoteIssued, Rules, Shipped, Span, SurveyAnswered, Tag, TicketOpened,
};
use wayfold_insight::{
    Confidence, CrmLink, CrmProcess, DealState, LeadEvidence, LeadFactor, LeadPart, LeadRules, LeadScore,
    Opportunities, Opportunity, OpportunityTotal, PipelineStage, default_stages,
};

use super::made::{check_laws, eur, event, hour, hours, placed, total};

fn captured(source: &str) -> LeadCaptured {
    LeadCaptured { source: Some(source.to_owned()), campaign: None, medium: None }
}

fn quote(amount: i64) -> QuoteIssued {
    QuoteIssued {
        amount: Some(eur(amount)),
        discount_percent: None,
        payment_terms: None,
        deliver_by: None,
        valid_until: None,
    }
}

fn contact(direction: Direction) -> ContactMade {
    ContactMade { medium: None, direction: Some(direction), reached: Some(true) }
}

fn assigned(person: &str) -> LeadAssigned {
    LeadAssigned { team: None, person: Some(person.to_owned()) }
}

fn lost(reason: &str, competitor: &str) -> DealLost {
    DealLost { reason: Some(reason.to_owned()), competitor: Some(competitor.to_owned()) }
}

/// Events of one customer's journey `j`, so many hours after the start.
fn deal(customer: &str, first: usize, events: Vec<(i64, EventBody)>) -> Vec<JourneyEvent> {
    let one = |(place, (time, body)): (usize, (i64, EventBody))| {
        let is_order = matches!(body, EventBody::OrderPlaced(_) | EventBody::OrderCancelled(_));
        let event =
            event(first + place, customer, hour(time), body).with_journey(JourneyKey::new("j").unwrap());
        if is_order { event.with_tag(Tag::order(customer).unwrap()) } else { event }
    };
    events.into_iter().enumerate().map(one).collect()
}

fn measure() -> Opportunities {
    Opportunities::new(default_stages(), Currency::EUR).unwrap()
}

/// Six deals: three of the web (won, lost, open), three of fairs (won, disqualified, open and slipping).
fn deals() -> Vec<JourneyEvent> {
    let raised = |theme: &str| ObjectionRaised { theme: Some(theme.to_owned()) };
    let resolved = |theme: &str, by: &str| ObjectionResolved {
        theme: Some(theme.to_owned()),
        concession: Some(by.to_owned()),
    };
    let mut events = deal(
        "ada",
        0,
        vec![
            (0, captured("web").into()),
            (2, contact(Direction::Outbound).into()),
            (10, quote(900).into()),
            (11, raised("price").into()),
            (12, resolved("price", "discount").into()),
            (20, placed(800, &[], None).into()),
        ],
    );
    events.extend(deal(
        "bob",
        10,
        vec![
            (0, captured("web").into()),
            (1, contact(Direction::Inbound).into()),
            (30, quote(500).into()),
            (31, raised("price").into()),
            (50, lost("price", "acme").into()),
        ],
    ));
    events.extend(deal(
        "cem",
        20,
        vec![
            (0, captured("web").into()),
            (1, assigned("kim").into()),
            (26, LeadQualified { reason: None }.into()),
        ],
    ));
    events.extend(deal(
        "dan",
        30,
        vec![
            (0, captured("fair").into()),
            (6, contact(Direction::Outbound).into()),
            (10, quote(300).into()),
            (40, placed(300, &[], None).into()),
        ],
    ));
    events.extend(deal(
        "eve",
        40,
        vec![
            (0, captured("fair").into()),
            (5, LeadDisqualified { reason: Some("student".to_owned()) }.into()),
        ],
    ));
    events.extend(deal(
        "fay",
        50,
        vec![(0, captured("fair").into()), (1, assigned("lee").into()), (2, quote(2_000).into())],
    ));
    for (event, team) in events.iter_mut().filter(|event| event.customer.customer.as_str() == "ada").zip([
        "marketing",
        "sales",
        "sales",
        "sales",
        "sales",
        "logistics",
    ]) {
        event.actor = Actor { team: Some(team.to_owned()), person: None };
    }
    events
}

#[test]
fn the_pipeline_is_that_of_the_worked_case() {
    let (measure, events) = (measure(), deals());
    let found = total(&measure, &events);
    let open: Vec<_> = measure
        .pipeline(&found)
        .into_iter()
        .filter(|row| row.open > 0)
        .map(|row| (row.stage, row.open, row.value.to_string(), row.weighted_value.to_string()))
        .collect();
    let row = |stage: &str, value: &str, weighted: &str| {
        (stage.to_owned(), 1, value.to_owned(), weighted.to_owned())
    };
    assert_eq!(open, [row("qualified", "0", "0"), row("quote", "2000", "1000")]);

    let three_weeks = hour(2) + Span::from_days(21);
    assert_eq!(measure.slipping(&found, three_weeks).len(), 1, "the qualified one has two weeks");
    let slipping = measure.slipping(&found, three_weeks.next());
    assert_eq!(slipping.iter().map(|deal| deal.customer.as_str()).collect::<Vec<_>>(), ["fay", "cem"]);

    let wins = measure.win_rates(&found, Confidence::P95);
    let told: Vec<_> = wins
        .iter()
        .map(|row| {
            (row.source.as_deref(), row.won, row.lost, row.rate.map(|rate| rate.0), row.value.to_string())
        })
        .collect();
    assert_eq!(
        told,
        [
            (Some("fair"), 1, 0, Some(100.0), "300".to_owned()),
            (Some("web"), 1, 1, Some(50.0), "800".to_owned()),
        ]
    );
    let lost = measure.lost(&found);
    assert_eq!(
        (lost[0].reason.as_deref(), lost[0].competitor.as_deref(), lost[0].deals, lost[0].value.to_string()),
        (Some("price"), Some("acme"), 1, "500".to_owned())
    );
    let concessions: Vec<_> = measure
        .concessions(&found, Confidence::P95)
        .into_iter()
        .map(|row| (row.theme, row.concession, row.objections, row.resolved, row.won, row.lost))
        .collect();
    assert_eq!(
        concessions,
        [
            ("price".to_owned(), None, 1, 0, 0, 1),
            ("price".to_owned(), Some("discount".to_owned()), 1, 1, 1, 0),
        ]
    );
    let hand_overs: Vec<_> =
        measure.hand_overs(&found).into_iter().map(|row| (row.from, row.to, row.count, row.median)).collect();
    assert_eq!(
        hand_overs,
        [
            ("marketing".to_owned(), "sales".to_owned(), 1, hours(2)),
            ("sales".to_owned(), "logistics".to_owned(), 1, hours(8)),
        ]
    );
}

#[test]
fn the_pace_is_that_of_the_worked_case() {
    let (measure, events) = (measure(), deals());
    let found = total(&measure, &events);
    let contacts = measure.first_contacts(&found, hours(4), Confidence::P95);
    let told: Vec<_> = contacts
        .iter()
        .map(|row| (row.source.as_deref(), row.deals, row.contacted, row.in_time.0.round(), row.median))
        .collect();
    assert_eq!(told, [(Some("fair"), 3, 1, 0.0, Some(hours(6))), (Some("web"), 3, 1, 33.0, Some(hours(2)))]);
    let quote = &measure.stage_times(&found)[4];
    assert_eq!((quote.ended, quote.median, quote.p90), (3, Some(hours(20)), Some(hours(30))));

    let untouched = |as_of| measure.untouched(&found, Span::from_days(3), as_of);
    let owners = |as_of| untouched(as_of).into_iter().map(|lead| lead.owner).collect::<Vec<_>>();
    assert_eq!(owners(hour(1 + 72)), Vec::<String>::new());
    assert_eq!(owners(hour(1 + 72).next()), ["kim"]);
    assert_eq!(owners(hour(2 + 72).next()), ["kim", "lee"], "a quote touches the lead");
}

#[test]
fn contradicting_stages_are_refused() {
    let stage = |name: &str, kind: &str, probability_percent| PipelineStage {
        name: name.to_owned(),
        kinds: vec![kind.to_owned()],
        probability_percent,
        slips_after_days: 1,
    };
    let (quote, own) = ("quote_issued", "custom:visit");
    assert!(Opportunities::new(vec![stage("a", quote, 100), stage("b", own, 1)], Currency::EUR).is_ok());
    for stages in [
        vec![],
        vec![stage("a", quote, 1), stage("a", own, 2)],
        vec![stage("a", quote, 1), stage("b", quote, 2)],
        vec![stage("a", quote, 101)],
        vec![stage("a", "quoted", 1)],
    ] {
        assert!(Opportunities::new(stages, Currency::EUR).is_err());
    }
}

fn random_deals() -> impl Strategy<Value = Vec<JourneyEvent>> {
    vec((0..4_usize, 0..2_usize, 0..11_usize, 0..50_i64), 0..60).prop_map(|all| {
        let mut events = Vec::new();
        for (number, (customer, journey, kind, time)) in all.into_iter().enumerate() {
            let order = format!("{customer}-{journey}");
            let body: EventBody = match kind {
                0 => captured("web").into(),
                1 => LeadQualified { reason: None }.into(),
                2 => contact(Direction::Outbound).into(),
                3 => assigned("kim").into(),
                4 => LeadReturned { reason: None }.into(),
                5 => quote(number as i64).into(),
                6 => lost("price", "acme").into(),
                7 => placed(7, &[], None).into(),
                8 => OrderCancelled { reason: None }.into(),
                9 => LeadDisqualified { reason: None }.into(),
                _ => contact(Direction::Inbound).into(),
            };
            let is_order = matches!(kind, 7 | 8);
            let made = event(number, &format!("c{customer}"), hour(time), body);
            let made = made.with_journey(JourneyKey::new(format!("j{journey}")).unwrap());
            events.push(if is_order { made.with_tag(Tag::order(order).unwrap()) } else { made });
        }
        events
    })
}

/// Customer, journey, state, stage, whether it is owned, and in hours when it was touched and first contacted.
type PlainDeal = (String, String, DealState, Option<usize>, bool, i64, Option<i64>);

/// What matters of a deal, by plain loops over its events in order.
fn plain(events: &[JourneyEvent]) -> Vec<PlainDeal> {
    let mut deals: BTreeMap<(String, String), Vec<&JourneyEvent>> = BTreeMap::new();
    for event in events {
        let key = (event.customer.customer.to_string(), event.journey.as_ref().unwrap().to_string());
        deals.entry(key).or_default().push(event);
    }
    let stages = [EventKind::LeadCaptured, EventKind::LeadQualified, EventKind::QuoteIssued];
    let mut found = Vec::new();
    for ((customer, journey), mut events) in deals {
        events.sort_by_key(|event| (event.occurred_at.instant(), event.kind(), event.id));
        let at =
            |event: &JourneyEvent| event.occurred_at.instant().since(hour(0)).as_micros() / 3_600_000_000;
        let last = |kinds: &[EventKind]| events.iter().rposition(|event| kinds.contains(&event.kind()));
        let has = |kind| last(&[kind]).is_some();
        let Some(stage) = last(&stages) else { continue };
        let ended = last(&[EventKind::DealLost, EventKind::OrderCancelled]);
        let moved = events.iter().rposition(|event| event.kind().moves_stage());
        let disqualified = last(&[EventKind::LeadDisqualified]);
        let state = if has(EventKind::OrderPlaced) && !has(EventKind::OrderCancelled) {
            DealState::Won
        } else if ended > moved {
            DealState::Lost
        } else if disqualified.is_some() && disqualified == moved {
            DealState::Disqualified
        } else {
            DealState::Open
        };
        let place = stages.iter().position(|kind| *kind == events[stage].kind()).unwrap();
        let owned = last(&[EventKind::LeadAssigned]) > last(&[EventKind::LeadReturned]);
        let touches = |event: &&&JourneyEvent| match &event.body {
            EventBody::ContactMade(body) => body.direction == Some(Direction::Outbound),
            EventBody::LeadAssigned(_) | EventBody::QuoteIssued(_) => true,
            _ => false,
        };
        let touched = events.iter().rfind(touches).unwrap_or(&events[0]);
        let contacted = events.iter().find(|event| {
            matches!(&event.body, EventBody::ContactMade(body) if body.direction == Some(Direction::Outbound))
        });
        let (touched, contacted) = (at(touched), contacted.map(|event| at(event)));
        found.push((customer, journey, state, Some(place), owned, touched, contacted));
    }
    found
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn deals_are_those_of_plain_loops(events in random_deals()) {
        let found = total(&measure(), &events);
        let hours_at = |at: wayfold_core::Timestamp| at.since(hour(0)).as_micros() / 3_600_000_000;
        let place = |deal: &Opportunity| match deal.entries.last().unwrap().stage {
            0 => 0,
            1 => 1,
            stage => { assert_eq!(stage, 4); 2 }
        };
        let told: Vec<_> = found.iter().map(|deal| (
            deal.customer.clone(), deal.journey.clone(), deal.state, Some(place(deal)), deal.owner.is_some(),
            hours_at(deal.untouched_since), deal.first_contact_at.map(hours_at),
        )).collect();
        prop_assert_eq!(told, plain(&events));
        for deal in found.iter() {
            prop_assert_eq!(deal.closed_at.is_some(), deal.state != DealState::Open);
            prop_assert!(deal.state != DealState::Won || deal.value == Some(eur(7).amount));
        }
    }

    #[test]
    fn opportunities_keep_the_laws(events in random_deals()) {
        check_laws(&measure(), &events, OpportunityTotal::clone);
    }
}

fn fold(
    events: &[JourneyEvent],
    rules: LeadRules,
) -> (Fold, wayfold_core::Handle<LeadScore>, wayfold_core::Handle<CrmProcess>) {
    let mut projections = ProjectionSet::new(Rules::default()).unwrap();
    let score = projections.register(LeadScore::new(rules).unwrap()).unwrap();
    let crm = projections.register(CrmProcess).unwrap();
    let mut fold = Fold::new(&projections);
    let applied = fold.apply(&[EventBatch::from_events(events).unwrap()]);
    assert!(applied.refolds.is_empty());
    (fold, score, crm)
}

fn rules() -> LeadRules {
    let is = ["retail".to_owned()].into();
    let factor =
        |name: &str, part, points, evidence| LeadFactor { name: name.to_owned(), part, points, evidence };
    LeadRules {
        name: "b2b".to_owned(),
        version: 1,
        factors: vec![
            factor(
                "industry",
                LeadPart::Fit,
                30,
                LeadEvidence::Attribute { name: "industry".to_owned(), is },
            ),
            factor(
                "demo",
                LeadPart::Intent,
                41,
                LeadEvidence::Events {
                    kind: "demo_attended".to_owned(),
                    counted_max: 2,
                    half_life_days: Some(10),
                },
            ),
            factor(
                "lost",
                LeadPart::Intent,
                -5,
                LeadEvidence::Events { kind: "deal_lost".to_owned(), counted_max: 1, half_life_days: None },
            ),
        ],
    }
}

#[test]
fn a_score_tells_its_reasons_and_fades() {
    let industry = |number, time, text: &str| {
        let name = wayfold_core::AttributeName::new("industry").unwrap();
        event(number, "ada", hour(time), ProfileChanged {}).with_attribute(name, text)
    };
    let day = |days: i64| 24 * days;
    let events = [
        industry(0, 0, "retail"),
        event(1, "ada", hour(day(0)), DemoAttended {}),
        event(2, "ada", hour(day(5)), DemoAttended {}),
        event(3, "ada", hour(day(6)), DemoAttended {}),
        event(4, "ada", hour(day(7)), DealLost { reason: None, competitor: None }),
        industry(5, day(30), "banking"),
    ];
    let ada = CustomerKey::new("ada").unwrap();
    let (all, score, _) = fold(&events[..5], rules());
    let view = |at| all.own_view(score, &ada, at).unwrap().unwrap();
    let now = view(hour(day(7)));
    // The newest two demos count; both are young.
    assert_eq!((now.fit, now.ability, now.intent, now.total), (30, 0, 82 - 5, 107));
    let told: Vec<_> =
        now.reasons.iter().map(|reason| (reason.factor.as_str(), reason.points, reason.events)).collect();
    assert_eq!(told, [("industry", 30, 0), ("demo", 82, 2), ("lost", -5, 1)]);
    assert_eq!(view(hour(day(15)).previous()).intent, 77);
    assert_eq!(view(hour(day(15))).intent, 20 + 41 - 5);
    assert_eq!(view(hour(day(16))).intent, 20 + 20 - 5);
    assert_eq!(view(hour(day(9_000))).intent, -5);
    let (later, score, _) = fold(&events, rules());
    assert_eq!(later.own_view(score, &ada, hour(day(30))).unwrap().unwrap().fit, 0);
}

#[test]
fn rules_of_leads_that_say_nothing_are_refused() {
    let with = |change: fn(&mut LeadRules)| {
        let mut rules = rules();
        change(&mut rules);
        LeadScore::new(rules)
    };
    assert!(with(|_| {}).is_ok());
    assert!(with(|rules| rules.factors.clear()).is_err());
    assert!(with(|rules| rules.factors[1].name = "industry".to_owned()).is_err());
    assert!(with(|rules| rules.factors[1].points = 2_000_000_000).is_err());
    let events = |kind: &str, counted_max, half_life_days| LeadEvidence::Events {
        kind: kind.to_owned(),
        counted_max,
        half_life_days,
    };
    for evidence in [
        events("demo", 1, None),
        events("demo_attended", 0, None),
        events("demo_attended", 1_001, None),
        events("demo_attended", 1, Some(0)),
    ] {
        let mut rules = rules();
        rules.factors[1].evidence = evidence;
        assert!(LeadScore::new(rules).is_err());
    }
}

#[test]
fn a_customer_stands_in_the_link_of_its_newest_event() {
    let survey = SurveyAnswered { instrument: wayfold_core::Instrument::Nps, dimension: None, score: 9 };
    let ticket = || TicketOpened { ticket_kind: None, priority: None };
    let events = [
        event(0, "ada", hour(0), captured("web")),
        event(1, "ada", hour(1), contact(Direction::Outbound)),
        event(2, "ada", hour(2), placed(5, &[], None)).with_tag(Tag::order("o").unwrap()),
        event(3, "ada", hour(3), Shipped { promised_at: None }).with_tag(Tag::order("o").unwrap()),
        event(4, "ada", hour(4), survey),
        event(5, "ada", hour(5), ticket()),
        event(6, "ada", hour(6), ProfileChanged {}),
    ];
    let (fold, _, crm) = fold(&events, rules());
    let view = fold.own_view(crm, &CustomerKey::new("ada").unwrap(), hour(9)).unwrap().unwrap();
    assert_eq!((view.link, view.since), (Some(CrmLink::Service), Some(hour(5))));
    let told: Vec<_> = view.links.iter().map(|link| (link.link, link.visits, link.events)).collect();
    assert_eq!(
        told,
        [
            (CrmLink::Acquisition, 1, 1),
            (CrmLink::FollowUp, 1, 2),
            (CrmLink::Service, 2, 2),
            (CrmLink::Analysis, 1, 1),
        ]
    );
    // Every kind of a stage is part of a link.
    assert!(EventKind::ALL.iter().all(|kind| kind.stage().is_none() || CrmLink::of(*kind).is_some()));
}

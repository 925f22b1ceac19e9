//! Projections beside recounts that share no code with them, whatever order events arrive in, in whatever batches, late
//! ones and retractions among them.

#[path = "arriving/recount.rs"]
mod recount;

use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::prelude::*;
use wayfold_core::{
    AttributeName, CareContacted, ContactMade, Currency, CustomerKey, Delivered, DemoAttended, EventBatch,
    EventBody, EventId, EventRetracted, Filter, Fold, Instrument, JourneyEvent, LeadCaptured, Money,
    OrderCancelled, OrderPlaced, PointsEarned, PointsReversed, ProfileChanged, Projection, ProjectionSet,
    Refunded, Rules, SurveyAnswered, Tag, Timestamp,
};
use wayfold_insight::{
    BuyingDays, CareCalendar, CareRecord, CareRules, CrmProcess, Downgrade, GapChurn, LeadRules, LeadScore,
    QualificationPeriod, SurveyAnswers, Tier, TierLedger, TierRules,
};

use super::made::{eur, event, hour};

/// A customer, an instant, a kind, and what else tells one event from another.
type Draft = (usize, (i64, i64), usize, usize);

/// What is asked about: events as they arrive, how many come at once, and an instant.
#[derive(Debug, Clone)]
struct Arrival {
    /// In the order in which they were made up.
    events: Vec<JourneyEvent>,
    arrived: Vec<JourneyEvent>,
    at_once: usize,
    as_of: Timestamp,
}

const CUSTOMERS: [&str; 2] = ["ada", "bob"];
const KINDS: usize = 13;

/// About three weeks a slot, at other hours of the day.
fn instant((slot, beside): (i64, i64)) -> Timestamp {
    hour(slot * 523 + beside)
}

fn body(kind: usize, detail: usize, place: usize) -> EventBody {
    match kind {
        0 => LeadCaptured { source: None, campaign: None, medium: None }.into(),
        1 => ContactMade { medium: None, direction: None, reached: None }.into(),
        2..5 => {
            let currency = if detail == 4 { Currency::USD } else { Currency::EUR };
            let amount = Money::new(eur(3 + place as i64 % 2).amount, currency);
            OrderPlaced { lines: vec![], amount, promised_at: None }.into()
        }
        5 => OrderCancelled { reason: None }.into(),
        6 => Refunded { amount: eur(2 + detail as i64 % 2), reason: None }.into(),
        7 => Delivered {}.into(),
        8 => {
            let instrument = if detail == 0 { Instrument::Csat } else { Instrument::Nps };
            let dimension = (detail > 2).then(|| "speed".to_owned());
            SurveyAnswered { instrument, dimension, score: 1 + detail as i64 % 5 }.into()
        }
        9 if detail == 0 => PointsReversed { points: 9, reason: None }.into(),
        9 => PointsEarned { points: 6 * detail as i64, reason: None }.into(),
        10 => ProfileChanged {}.into(),
        11 => DemoAttended {}.into(),
        _ => {
            let occasion = ["how is it", "is it there", "long time", "new year", "other"][detail];
            CareContacted { occasion: Some(occasion.to_owned()) }.into()
        }
    }
}

fn arrival(
    drafts: &[Draft],
    retracted: &[(usize, usize)],
    keys: &[u16],
    at_once: usize,
    as_of: (i64, i64),
) -> Arrival {
    let mut events: Vec<JourneyEvent> = Vec::new();
    for (place, (customer, at, kind, detail)) in drafts.iter().enumerate() {
        let mut made = event(place, CUSTOMERS[*customer], instant(*at), body(*kind, *detail, place));
        // Ties are told apart by the sequence, so that a recount needs no rank of kinds.
        made.sequence = place as u32;
        if (2..8).contains(kind) {
            made = made.with_tag(Tag::order(format!("{}-{detail}", CUSTOMERS[*customer])).unwrap());
        }
        if *kind == 10 {
            let (name, value) = if *detail == 0 {
                ("size", "small")
            } else {
                ("industry", ["", "retail", "mining", "retail", "farming"][*detail])
            };
            made = made.with_attribute(AttributeName::new(name).unwrap(), value);
        }
        events.push(made);
    }
    for (place, (customer, target)) in retracted.iter().enumerate() {
        let target = EventId::from_u128((target % events.len()) as u128 + 1);
        let body = EventRetracted { event: target, reason: None };
        events.push(event(500 + place, CUSTOMERS[*customer], hour(0), body));
    }
    let mut arrived: Vec<(u16, JourneyEvent)> = events
        .iter()
        .enumerate()
        .map(|(place, event)| (keys[place % keys.len()].rotate_left(place as u32), event.clone()))
        .collect();
    arrived.sort_by_key(|(key, _)| *key);
    let arrived = arrived.into_iter().map(|(_, event)| event).collect();
    Arrival { events, arrived, at_once, as_of: instant(as_of) }
}

fn arrivals() -> impl Strategy<Value = Arrival> {
    let drafts = vec((0..CUSTOMERS.len(), (0_i64..40, 0_i64..4), 0..KINDS, 0_usize..5), 1..40);
    let retracted = vec((0..CUSTOMERS.len(), 0_usize..40), 0..4);
    let keys = vec(any::<u16>(), 16);
    (drafts, retracted, keys, 1_usize..9, (10_i64..44, 0_i64..4)).prop_map(
        |(drafts, retracted, keys, at_once, as_of)| arrival(&drafts, &retracted, &keys, at_once, as_of),
    )
}

impl Arrival {
    /// Folds what arrives, with the refolds that it asks for.
    fn fold(&self, set: &ProjectionSet) -> Fold {
        let mut fold = Fold::new(set).with_as_of(self.as_of);
        let batches: Vec<EventBatch> = self
            .arrived
            .chunks(self.at_once)
            .map(|events| EventBatch::from_events(events).unwrap())
            .collect();
        for number in 0..batches.len() {
            for refold in fold.apply(&batches[number..=number]).refolds {
                fold.refold(&refold, &batches[..=number]);
            }
        }
        fold
    }

    /// The view of each customer that has one, beside what stands of its events by the instant, in order.
    fn views<P: Projection>(&self, projection: P) -> Vec<(CustomerKey, P::View, Vec<JourneyEvent>)> {
        let mut set = ProjectionSet::new(Rules::default()).unwrap();
        let handle = set.register(projection).unwrap();
        let fold = self.fold(&set);
        let mut views = Vec::new();
        for customer in CUSTOMERS {
            let key = CustomerKey::new(customer).unwrap();
            let standing = recount::standing(&self.events, &key, self.as_of);
            let view = fold.own_view(handle, &key, self.as_of).unwrap();
            assert_eq!(view.is_some(), !standing.is_empty(), "{customer}");
            views.extend(view.map(|view| (key, view, standing)));
        }
        views
    }
}

fn lead_rules() -> LeadRules {
    serde_json::from_str(
        r#"{"name": "b2b", "version": 1, "factors": [
            {"name": "our industry", "part": "fit", "points": 30,
                "evidence": {"attribute": {"name": "industry", "is": ["retail"]}}},
            {"name": "gave back", "part": "ability", "points": -7,
                "evidence": {"events": {"kind": "refunded", "counted_max": 3, "half_life_days": null}}},
            {"name": "saw a demo", "part": "intent", "points": 41,
                "evidence": {"events": {"kind": "demo_attended", "counted_max": 2, "half_life_days": 30}}}
        ]}"#,
    )
    .unwrap()
}

fn tier_rules(period: QualificationPeriod, downgrade: Downgrade) -> TierRules {
    let tier = |name: &str, points_min| Tier { name: name.to_owned(), points_min };
    let tiers = vec![tier("bronze", 10), tier("silver", 20), tier("gold", 40)];
    TierRules { tiers, period, downgrade, zone: "Asia/Shanghai".to_owned() }
}

fn care_rules() -> CareRules {
    serde_json::from_str(
        r#"{"zone": "UTC", "holidays": [{"name": "new year", "date": "2025-01-29"}],
            "return_visits": [{"name": "how is it", "after": "purchase", "days": 7},
                {"name": "is it there", "after": "delivery", "days": 3}],
            "silent": [{"name": "long time", "days": 40}], "early_days": 30, "late_days": 60}"#,
    )
    .unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn links_and_answers_are_those_of_a_recount(arrival in arrivals()) {
        for (key, view, events) in arrival.views(CrmProcess) {
            prop_assert_eq!(recount::link_view(&view), recount::links(&events), "{}", key);
        }
        for (key, view, events) in arrival.views(SurveyAnswers) {
            let expected = serde_json::to_value(recount::answers(&events)).unwrap();
            prop_assert_eq!(serde_json::to_value(view).unwrap(), expected, "{}", key);
        }
    }

    #[test]
    fn buying_days_and_own_gaps_are_those_of_a_recount(arrival in arrivals()) {
        for (key, view, events) in arrival.views(BuyingDays::new(Currency::EUR)) {
            let mut days: BTreeMap<String, i128> = BTreeMap::new();
            for bought in recount::purchases(&events).iter().filter(|of| of.amount.currency == Currency::EUR) {
                let amount = i128::from(bought.amount.amount.as_ten_thousandths());
                *days.entry(bought.at.to_string()[..10].to_owned()).or_default() += amount;
            }
            let found: Vec<_> = view.days.iter().map(|of| (of.day.to_string()[..10].to_owned(), of.spend.as_ten_thousandths())).collect();
            prop_assert_eq!(found, days.into_iter().collect::<Vec<_>>(), "{}", key);
        }
        for (key, view, events) in arrival.views(GapChurn::new(3, 30)) {
            let (mean, leaves) = recount::own_gap(&events, 3, 30);
            let found = (view.mean_gap_us.map(|gap| gap.as_micros()), view.leaves_after.map(Timestamp::as_micros));
            prop_assert_eq!(found, (mean, leaves), "{}", key);
            let has_left = leaves.map(|leaves| arrival.as_of.as_micros() > leaves);
            prop_assert_eq!(view.has_left, has_left, "{}", key);
        }
    }

    #[test]
    fn lead_scores_are_those_of_a_recount_and_hold_as_long_as_said(arrival in arrivals()) {
        let mut set = ProjectionSet::new(Rules::default()).unwrap();
        set.register(LeadScore::new(lead_rules()).unwrap()).unwrap();
        let fold = arrival.fold(&set);
        for (key, view, events) in arrival.views(LeadScore::new(lead_rules()).unwrap()) {
            let reasons: Vec<_> = view.reasons.iter().map(|of| (of.factor.clone(), of.points, of.events, of.last_at)).collect();
            let expected = recount::lead_reasons(&events, arrival.as_of);
            prop_assert_eq!(&reasons, &expected, "{}", key);
            let points = |factor: &str| expected.iter().filter(|of| of.0 == factor).map(|of| of.1).sum::<i64>();
            let parts = (points("our industry"), points("gave back"), points("saw a demo"));
            prop_assert_eq!((view.fit, view.ability, view.intent), parts);
            prop_assert_eq!(view.total, parts.0 + parts.1 + parts.2);

            let total = Filter::field("lead_b2b.total").exists();
            let held = fold.verdicts(&total, [(&key, arrival.as_of)]).unwrap()[0].unwrap().until;
            let until = held.unwrap_or_else(|| hour(24 * 4_000));
            let later = recount::lead_reasons(&events, until);
            prop_assert_eq!(later, expected, "{} until {}", key, until);
        }
    }

    #[test]
    fn tiers_are_those_of_a_recount(
        arrival in arrivals(),
        period in prop::sample::select(vec![QualificationPeriod::CalendarYear, QualificationPeriod::MembershipYear]),
        downgrade in prop::sample::select(vec![Downgrade::OneTier, Downgrade::ToQualified]),
    ) {
        let ledger = TierLedger::new("club", 1, tier_rules(period, downgrade)).unwrap();
        for (key, view, events) in arrival.views(ledger) {
            let (held, points) = recount::tier(&events, arrival.as_of, period, downgrade);
            let tier = [None, Some("bronze"), Some("silver"), Some("gold")][held];
            prop_assert_eq!(view.tier.as_deref(), tier, "{}", key);
            let found: Vec<i128> = view.periods.iter().map(|of| of.points).collect();
            prop_assert_eq!(found, points, "{}", key);
        }
    }

    #[test]
    fn care_lists_are_those_of_a_recount(arrival in arrivals(), (from, length) in (0_i64..900, 1_i64..500)) {
        let views = arrival.views(CareRecord::default());
        let mut expected = Vec::new();
        let between = hour(24 * from)..hour(24 * (from + length));
        for (key, _, events) in &views {
            let due = recount::care(events).into_iter().filter(|due| between.contains(&due.0));
            expected.extend(due.map(|(at, name, order, done)| (at, key.to_string(), name, order, done)));
        }
        expected.sort();
        let records = views.into_iter().map(|(key, view, _)| (key, view));
        let due = CareCalendar::new(care_rules()).unwrap().due(records, between);
        let mut found: Vec<_> = due
            .into_iter()
            .map(|of| (of.at, of.customer.to_string(), of.name, of.order.map(|order| order.to_string()), of.done_at))
            .collect();
        prop_assert!(found.is_sorted_by_key(|of| (of.0, of.1.clone())));
        found.sort();
        prop_assert_eq!(found, expected);
    }
}

//! A check that cannot fail proves nothing: each of these broken subjects is caught by the check of the
//! convergence test, on the first of its histories.
//!
//! A mutant is the real fold with other events reaching it, driven in another way, or with its answers
//! altered.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::thread;

use rmpv::Value;
use rmpv::decode::read_value;
use rmpv::encode::write_value;
use wayfold_core::{
    CustomerKey, CustomerView, DealLost, EventBody, EventId, EventKind, EventTime, Fold, JourneyEvent,
    OrderChanged, OrderKey, Population, Refold, Refunded, Registered, Result, Returned, Rules, Span, Tenant,
    Timestamp,
};
use wayfold_testkit::{
    Answers, Arrival, Case, Coverage, FoldSubject, Refolds, RestartSubject, Steering, Subject, check,
};

/// The histories: the hostile ones of the first seeds.
const HISTORIES: u64 = 100;

/// A way to drive the fold that is wrong in one thing.
struct Mutant {
    name: &'static str,
    arrival: fn(&Arrival) -> Arrival,
    takes: fn(&JourneyEvent, bool) -> bool,
    identity: fn(&JourneyEvent) -> (Tenant, EventId),
    shard: fn(Fold, usize, usize) -> Fold,
    offers: fn(&JourneyEvent, usize, usize) -> bool,
    history: for<'a> fn(&Refold, Vec<&'a JourneyEvent>) -> Option<Vec<&'a JourneyEvent>>,
}

/// Wrong in nothing.
const RIGHT: Mutant = Mutant {
    name: "nothing broken",
    arrival: |arrival| arrival.clone(),
    takes: |_, known| !known,
    identity: |event| (event.customer.tenant.clone(), event.id),
    shard: |fold, index, of| fold.with_shard(index, of),
    offers: |_, _, _| true,
    history: |_, needed| Some(needed),
};

impl Steering for &'static Mutant {
    fn name(&self) -> String {
        self.name.to_owned()
    }

    fn arrival(&self, arrival: &Arrival) -> Arrival {
        (self.arrival)(arrival)
    }

    fn takes(&self, event: &JourneyEvent, known: bool) -> bool {
        (self.takes)(event, known)
    }

    fn identity(&self, event: &JourneyEvent) -> (Tenant, EventId) {
        (self.identity)(event)
    }

    fn shard(&self, fold: Fold, index: usize, of: usize) -> Fold {
        (self.shard)(fold, index, of)
    }

    fn offers(&self, event: &JourneyEvent, index: usize, of: usize) -> bool {
        (self.offers)(event, index, of)
    }

    fn history<'a>(&self, refold: &Refold, needed: Vec<&'a JourneyEvent>) -> Option<Vec<&'a JourneyEvent>> {
        (self.history)(refold, needed)
    }
}

/// Every mutant, by what it gets wrong.
static MUTANTS: [Mutant; 24] = [
    // The order.
    Mutant { name: "ties go by the reversed id", arrival: reverse_ids, ..RIGHT },
    Mutant { name: "ties go by arrival", arrival: order_ties_by_arrival, ..RIGHT },
    Mutant { name: "sequence ignored", arrival: |arrival| change_each(arrival, |e| e.sequence = 0), ..RIGHT },
    Mutant { name: "kind rank ignored", arrival: order_ties_by_id, ..RIGHT },
    Mutant { name: "local time taken for the instant", arrival: take_local_time, ..RIGHT },
    // Late events.
    Mutant { name: "late events lost", arrival: lose_late_events, ..RIGHT },
    Mutant { name: "refold forgotten", history: |_, _| None, ..RIGHT },
    Mutant { name: "refold starts one event too late", history: start_late, ..RIGHT },
    Mutant { name: "refold without the last event", history: stop_early, ..RIGHT },
    // Retractions.
    Mutant { name: "retractions ignored", arrival: |a| keep(a, |_, e, _| !is_retraction(e)), ..RIGHT },
    Mutant { name: "retraction before its target lost", arrival: lose_early_retractions, ..RIGHT },
    Mutant { name: "retraction limited by its own time", arrival: lose_later_retractions, ..RIGHT },
    Mutant { name: "retraction reaches other customers", arrival: retract_across_customers, ..RIGHT },
    Mutant { name: "retraction of a retraction honoured", arrival: honour_retracted_retractions, ..RIGHT },
    // Identity.
    Mutant { name: "duplicates folded twice", takes: |_, _| true, ..RIGHT },
    Mutant { name: "ids taken once for all tenants", identity: |e| (Tenant::default(), e.id), ..RIGHT },
    Mutant { name: "customer split over shards", shard: |fold, _, _| fold, offers: split_by_id, ..RIGHT },
    // The instant.
    Mutant { name: "events after the as-of folded", arrival: fold_the_future, ..RIGHT },
    Mutant { name: "events at the as-of left out", arrival: leave_out_the_instant, ..RIGHT },
    Mutant { name: "events that fall due forgotten", arrival: forget_what_falls_due, ..RIGHT },
    // Orders and money.
    Mutant { name: "refund before its order lost", arrival: lose_early_refunds, ..RIGHT },
    Mutant { name: "cancel of an unknown order lost", arrival: lose_early_cancels, ..RIGHT },
    Mutant { name: "second placement overwrites the first", arrival: overwrite_placements, ..RIGHT },
    Mutant { name: "return takes money off", arrival: refund_returns, ..RIGHT },
];

/// What the hostile histories with tiers and answers must catch as well.
static LOYAL_MUTANTS: [Mutant; 3] = [
    Mutant { name: "tiers lost", arrival: |a| lose(a, EventKind::TierChanged), ..RIGHT },
    Mutant { name: "memberships never left", arrival: |a| lose(a, EventKind::MembershipLeft), ..RIGHT },
    Mutant { name: "answers lost", arrival: |a| lose(a, EventKind::SurveyAnswered), ..RIGHT },
];

/// Puts events that say nothing in the place of those of a kind.
fn lose(arrival: &Arrival, kind: EventKind) -> Arrival {
    change_each(arrival, |event| {
        if event.kind() == kind {
            event.body = Registered {}.into();
        }
    })
}

/// Changes every event of an arrival.
fn change_each(arrival: &Arrival, change: impl Fn(&mut JourneyEvent)) -> Arrival {
    arrival.with_each(|event| {
        let mut event = event.clone();
        change(&mut event);
        vec![event]
    })
}

/// Keeps the events of an arrival that a rule keeps, given all of them and which place it is.
fn keep(arrival: &Arrival, rule: impl Fn(&[JourneyEvent], &JourneyEvent, usize) -> bool) -> Arrival {
    let all: Vec<JourneyEvent> = arrival.delivered().cloned().collect();
    let mut place = 0;
    arrival.with_each(|event| {
        place += 1;
        if rule(&all, event, place - 1) { vec![event.clone()] } else { Vec::new() }
    })
}

fn at(event: &JourneyEvent) -> Timestamp {
    event.occurred_at.instant()
}

fn key(event: &JourneyEvent) -> OrderKey {
    OrderKey { occurred_at: at(event), sequence: event.sequence, rank: event.kind().rank(), id: event.id }
}

fn is_retraction(event: &JourneyEvent) -> bool {
    event.kind() == EventKind::EventRetracted
}

fn target(event: &JourneyEvent) -> Option<EventId> {
    match &event.body {
        EventBody::EventRetracted(retraction) => Some(retraction.event),
        _ => None,
    }
}

fn order(event: &JourneyEvent) -> Option<&str> {
    event.tags.iter().find(|tag| tag.object_type() == "order").map(|tag| tag.id())
}

fn reverse_ids(arrival: &Arrival) -> Arrival {
    let reversed = |id: EventId| EventId::from_u128(!id.as_u128());
    change_each(arrival, |event| {
        event.id = reversed(event.id);
        if let EventBody::EventRetracted(retraction) = &mut event.body {
            retraction.event = reversed(retraction.event);
        }
    })
}

fn order_ties_by_arrival(arrival: &Arrival) -> Arrival {
    let mut first: BTreeMap<(CustomerKey, EventId), u32> = BTreeMap::new();
    for (place, event) in arrival.delivered().enumerate() {
        first.entry((event.customer.clone(), event.id)).or_insert(place as u32);
    }
    change_each(arrival, |event| event.sequence = first[&(event.customer.clone(), event.id)])
}

/// Numbers the events of one customer and instant by sequence and id, so that the kind decides nothing.
fn order_ties_by_id(arrival: &Arrival) -> Arrival {
    let mut ties: BTreeMap<(CustomerKey, Timestamp), BTreeSet<(u32, EventId)>> = BTreeMap::new();
    for event in arrival.delivered() {
        ties.entry((event.customer.clone(), at(event))).or_default().insert((event.sequence, event.id));
    }
    change_each(arrival, |event| {
        let tied = &ties[&(event.customer.clone(), at(event))];
        event.sequence = tied.range(..(event.sequence, event.id)).count() as u32;
    })
}

fn take_local_time(arrival: &Arrival) -> Arrival {
    change_each(arrival, |event| {
        let offset = Span::from_micros(i64::from(event.occurred_at.offset_minutes()) * 60_000_000);
        event.occurred_at = EventTime::from(at(event) + offset);
    })
}

/// An event is late if one of the same customer that arrived before happened after it.
fn lose_late_events(arrival: &Arrival) -> Arrival {
    keep(arrival, |all, event, place| {
        let later = |other: &JourneyEvent| other.customer == event.customer && key(other) > key(event);
        is_retraction(event) || !all[..place].iter().any(later)
    })
}

fn start_late<'a>(refold: &Refold, mut needed: Vec<&'a JourneyEvent>) -> Option<Vec<&'a JourneyEvent>> {
    let due = |event: &&JourneyEvent| {
        let after = refold.after.is_none_or(|after| key(event) > after);
        after && event.customer == refold.customer && !is_retraction(event)
    };
    let first = needed.iter().copied().filter(due).min_by_key(|event| key(event))?;
    needed.retain(|event| event.id != first.id);
    Some(needed)
}

fn stop_early<'a>(refold: &Refold, mut needed: Vec<&'a JourneyEvent>) -> Option<Vec<&'a JourneyEvent>> {
    let own = |event: &&JourneyEvent| event.customer == refold.customer && !is_retraction(event);
    let last = needed.iter().copied().filter(own).max_by_key(|event| key(event))?;
    needed.retain(|event| event.id != last.id);
    Some(needed)
}

fn lose_early_retractions(arrival: &Arrival) -> Arrival {
    keep(arrival, |all, event, place| {
        target(event).is_none_or(|target| all[..place].iter().any(|other| other.id == target))
    })
}

fn lose_later_retractions(arrival: &Arrival) -> Arrival {
    let as_of = arrival.as_of;
    keep(arrival, |_, event, _| !is_retraction(event) || at(event) <= as_of)
}

/// A retraction becomes one of the customer whose event it names.
fn retract_across_customers(arrival: &Arrival) -> Arrival {
    let owner: BTreeMap<EventId, CustomerKey> =
        arrival.delivered().map(|event| (event.id, event.customer.clone())).collect();
    change_each(arrival, |event| {
        if let Some(owner) = target(event).and_then(|target| owner.get(&target)) {
            event.customer = owner.clone();
        }
    })
}

fn honour_retracted_retractions(arrival: &Arrival) -> Arrival {
    keep(arrival, |all, event, _| {
        let undoes =
            |other: &JourneyEvent| other.customer == event.customer && target(other) == Some(event.id);
        !is_retraction(event) || !all.iter().any(undoes)
    })
}

fn split_by_id(event: &JourneyEvent, index: usize, of: usize) -> bool {
    event.id.as_u128() % of as u128 == index as u128
}

fn fold_the_future(arrival: &Arrival) -> Arrival {
    let as_of = arrival.as_of;
    change_each(arrival, |event| event.occurred_at = EventTime::from(at(event).min(as_of)))
}

fn leave_out_the_instant(arrival: &Arrival) -> Arrival {
    let as_of = arrival.as_of;
    keep(arrival, |_, event, _| at(event) != as_of)
}

/// Loses events that arrive before the fold's instant has reached them.
fn forget_what_falls_due(arrival: &Arrival) -> Arrival {
    let mut changed = arrival.clone();
    let mut instant = arrival.start;
    for delivery in &mut changed.deliveries {
        instant = delivery.advance_to.unwrap_or(instant);
        for batch in &mut delivery.batches {
            batch.retain(|event| at(event) <= instant || is_retraction(event));
        }
    }
    changed
}

/// Says whether the order of an event is placed by one of the events that a rule picks.
fn is_placed_by(
    event: &JourneyEvent,
    events: &[JourneyEvent],
    picks: impl Fn(&JourneyEvent) -> bool,
) -> bool {
    let places = |other: &&JourneyEvent| {
        other.kind() == EventKind::OrderPlaced
            && other.customer == event.customer
            && order(other) == order(event)
    };
    events.iter().filter(places).any(picks)
}

/// Goods come back at that place instead of money, so that nothing but the money is lost.
fn lose_early_refunds(arrival: &Arrival) -> Arrival {
    let all: Vec<JourneyEvent> = arrival.delivered().cloned().collect();
    change_each(arrival, |event| {
        let known = || is_placed_by(event, &all, |placed| key(placed) < key(event));
        if event.kind() == EventKind::Refunded && order(event).is_some() && !known() {
            event.body = Returned { amount: None, reason: None }.into();
        }
    })
}

/// The deal is lost at that place instead, so that nothing but the cancel is lost.
fn lose_early_cancels(arrival: &Arrival) -> Arrival {
    let all: Vec<JourneyEvent> = arrival.delivered().cloned().collect();
    let place = Cell::new(0);
    change_each(arrival, |event| {
        place.set(place.get() + 1);
        let known = || is_placed_by(event, &all[..place.get()], |_| true);
        if event.kind() == EventKind::OrderCancelled && !known() {
            event.body = DealLost { reason: None, competitor: None }.into();
        }
    })
}

/// A placement of an order that is known by then becomes a change of it.
fn overwrite_placements(arrival: &Arrival) -> Arrival {
    let all: Vec<JourneyEvent> = arrival.delivered().cloned().collect();
    change_each(arrival, |event| {
        let known = is_placed_by(event, &all, |placed| key(placed) < key(event));
        if let (true, EventBody::OrderPlaced(placed)) = (known, event.body.clone()) {
            let (lines, amount, promised_at) = (placed.lines, Some(placed.amount), placed.promised_at);
            event.body = OrderChanged { lines, amount, promised_at }.into();
        }
    })
}

fn refund_returns(arrival: &Arrival) -> Arrival {
    change_each(arrival, |event| {
        if let EventBody::Returned(Returned { amount: Some(amount), .. }) = event.body {
            event.body = Refunded { amount, reason: None }.into();
        }
    })
}

/// The real fold, with one answer altered.
struct Altered {
    name: &'static str,
    view: fn(CustomerView) -> CustomerView,
    /// Which events reach the fold that answers for the population.
    counted: fn(&Arrival) -> Arrival,
    export: fn(Vec<u8>, &Arrival) -> Vec<u8>,
}

/// Alters nothing.
const UNALTERED: Altered = Altered {
    name: "nothing altered",
    view: |view| view,
    counted: |arrival| arrival.clone(),
    export: |bytes, _| bytes,
};

static ALTERED: [Altered; 4] = [
    Altered { name: "view said to hold a microsecond longer", view: hold_longer, ..UNALTERED },
    Altered {
        name: "view said to hold for ever",
        view: |v| CustomerView { holds_until: None, ..v },
        ..UNALTERED
    },
    Altered { name: "population without the first event", counted: lose_the_first, ..UNALTERED },
    Altered { name: "export that tells the number of shards", export: tell_shards, ..UNALTERED },
];

fn hold_longer(view: CustomerView) -> CustomerView {
    CustomerView { holds_until: view.holds_until.map(Timestamp::next), ..view }
}

fn lose_the_first(arrival: &Arrival) -> Arrival {
    let first = arrival.delivered().min_by_key(|event| key(event)).map(|event| event.id);
    keep(arrival, |_, event, _| Some(event.id) != first)
}

fn tell_shards(mut bytes: Vec<u8>, arrival: &Arrival) -> Vec<u8> {
    bytes.push(b'0' + arrival.shards as u8);
    bytes
}

impl Subject for &'static Altered {
    fn name(&self) -> String {
        self.name.to_owned()
    }

    fn fold(&self, rules: &Rules, arrival: &Arrival) -> Result<Box<dyn Answers>> {
        let right = FoldSubject::new();
        let (answers, counted) = (right.fold(rules, arrival)?, right.fold(rules, &(self.counted)(arrival))?);
        Ok(Box::new(AlteredAnswers { altered: self, arrival: arrival.clone(), answers, counted }))
    }
}

struct AlteredAnswers {
    altered: &'static Altered,
    arrival: Arrival,
    answers: Box<dyn Answers>,
    counted: Box<dyn Answers>,
}

impl Answers for AlteredAnswers {
    fn export(&self) -> Result<Vec<u8>> {
        Ok((self.altered.export)(self.answers.export()?, &self.arrival))
    }

    fn customers(&self) -> Vec<CustomerKey> {
        self.answers.customers()
    }

    fn view(&self, key: &CustomerKey, as_of: Timestamp) -> Result<Option<CustomerView>> {
        Ok(self.answers.view(key, as_of)?.map(self.altered.view))
    }

    fn population(&self, tenant: &Tenant, as_of: Timestamp) -> Result<Population> {
        self.counted.population(tenant, as_of)
    }

    fn refolds(&self) -> Refolds {
        self.answers.refolds()
    }
}

/// Restarts that restore something else than was saved.
fn restarts() -> [RestartSubject; 4] {
    [
        RestartSubject::altered("restart without retractions", |part| without(part, RETRACTED_FROM_THE_END)),
        RestartSubject::altered("restart without the schedule", |part| without(part, DUE_FROM_THE_END)),
        RestartSubject::altered("restart with an earlier last event", |part| {
            each_folded(part, |values| zero(&mut values[LAST], LAST_SEQUENCE))
        }),
        RestartSubject::altered("restart that forgets a count", |part| {
            each_folded(part, |values| zero(&mut values[RECORD], RECORD_UNKNOWN_EVENTS))
        }),
    ]
}

/// Where values of a customer stand, as docs/format.md says.
const LAST: usize = 2;
const RECORD: usize = 3;
const RETRACTED_FROM_THE_END: usize = 2;
const DUE_FROM_THE_END: usize = 1;
/// Where members stand in lists.
const LAST_SEQUENCE: usize = 1;
const RECORD_UNKNOWN_EVENTS: usize = 1;

fn zero(list: &mut Value, member: usize) {
    let Value::Array(members) = list else { panic!("a list, and not {list}") };
    members[member] = 0.into();
}

fn each_folded(part: &[u8], change: impl Fn(&mut Vec<Value>)) -> Option<Vec<u8>> {
    each_customer(part, |values| {
        if !values[LAST].is_nil() {
            change(values);
        }
        true
    })
}

fn without(part: &[u8], from_the_end: usize) -> Option<Vec<u8>> {
    each_customer(part, |values| {
        let place = values.len() - from_the_end;
        values[place] = Value::Array(Vec::new());
        let is_nothing = |value: &Value| value.is_nil() || value.as_array().is_some_and(Vec::is_empty);
        !values[LAST..].iter().all(is_nothing)
    })
}

/// Changes the values of the customers of a part, or leaves customers out, and tells the head.
fn each_customer(part: &[u8], change: impl Fn(&mut Vec<Value>) -> bool) -> Option<Vec<u8>> {
    let end = part.iter().position(|byte| *byte == b'\n').expect("a part has a head");
    let (head, mut rest) = (std::str::from_utf8(&part[..end]).expect("a head is text"), &part[end + 1..]);
    let (mut spreads, mut bytes) = (Vec::new(), Vec::new());
    while let Some((spread, after)) = rest.split_first_chunk() {
        let (length, after) = after.split_first_chunk().expect("a length follows the spread");
        let (mut own, after) = after.split_at(u32::from_be_bytes(*length) as usize);
        rest = after;
        let mut values = Vec::new();
        while !own.is_empty() {
            values.push(read_value(&mut own).expect("values follow each other"));
        }
        if change(&mut values) {
            let mut written = Vec::new();
            values.iter().for_each(|value| write_value(&mut written, value).expect("memory takes bytes"));
            spreads.push(u64::from_be_bytes(*spread));
            bytes.extend_from_slice(spread);
            bytes.extend_from_slice(&(written.len() as u32).to_be_bytes());
            bytes.extend_from_slice(&written);
        }
    }
    let (first, last) = (format!("{:016x}", spreads.first()?), format!("{:016x}", spreads.last()?));
    let (customers, length) = (spreads.len(), bytes.len());
    let entry = serde_json::json!({ "first": first, "last": last, "customers": customers, "bytes": length });
    let (before, _) = head.split_once(",\"part\":").expect("a head tells what the part holds");
    Some([format!("{before},\"part\":{entry}}}\n").into_bytes(), bytes].concat())
}

/// How many histories caught a mutant, by which part of the check, and the seed of the first.
#[derive(Default)]
struct Catches {
    by: BTreeMap<&'static str, u64>,
    first: Option<u64>,
}

fn catches(subject: &dyn Subject, cases: &[Case]) -> Catches {
    let mut catches = Catches::default();
    for case in cases {
        if let Err(catch) = check(subject, case, &mut Coverage::new()) {
            *catches.by.entry(catch.by()).or_default() += 1;
            catches.first = catches.first.or(Some(case.seed));
        }
    }
    catches
}

#[test]
fn every_mutant_is_caught_and_the_unbroken_fold_is_not() {
    let cases: Vec<Case> = (0..HISTORIES).map(Case::hostile).collect();
    for case in &cases {
        if let Err(catch) = check(&FoldSubject::new(), case, &mut Coverage::new()) {
            panic!("the unbroken fold fails on seed {}: {catch}", case.seed);
        }
    }
    let driven = |mutant| Box::new(FoldSubject::driven_by(mutant)) as Box<dyn Subject>;
    for subject in [driven(&RIGHT), Box::new(&UNALTERED)] {
        assert!(catches(&*subject, &cases).by.is_empty(), "{} must not be caught", subject.name());
    }
    let mutants: Vec<Box<dyn Subject>> = MUTANTS
        .iter()
        .map(driven)
        .chain(restarts().into_iter().map(|restart| Box::new(restart) as Box<dyn Subject>))
        .chain(ALTERED.iter().map(|altered| Box::new(altered) as Box<dyn Subject>))
        .collect();
    let (one, other) = mutants.split_at(mutants.len() / 2);
    let all =
        |mutants: &[Box<dyn Subject>]| mutants.iter().map(|mutant| catches(&**mutant, &cases)).collect();
    let found: Vec<Catches> = thread::scope(|scope| {
        let other = scope.spawn(|| all(other));
        let mut found: Vec<Catches> = all(one);
        found.extend(other.join().expect("a check reports and does not panic"));
        found
    });
    let mut parts: BTreeSet<&str> = BTreeSet::new();
    let mut survivors = Vec::new();
    for (mutant, Catches { by, first }) in mutants.iter().zip(&found) {
        let caught: u64 = by.values().sum();
        println!("{:<40} caught by {caught:>3} of {HISTORIES}, first {first:?}: {by:?}", mutant.name());
        parts.extend(by.keys());
        if caught == 0 {
            survivors.push(mutant.name());
        }
    }
    assert!(survivors.is_empty(), "not caught: {survivors:?}");
    assert_eq!(parts.len(), 5, "some part of the check has caught nothing; these have: {parts:?}");
}

#[test]
fn histories_with_tiers_and_answers_catch_who_loses_them() {
    let cases: Vec<Case> = (0..60).map(Case::loyal).collect();
    assert!(catches(&FoldSubject::driven_by(&RIGHT), &cases).by.is_empty());
    for mutant in &LOYAL_MUTANTS {
        let Catches { by, first } = catches(&FoldSubject::driven_by(mutant), &cases);
        println!("{:<40} first {first:?}: {by:?}", mutant.name);
        assert!(!by.is_empty(), "not caught: {}", mutant.name);
    }
}

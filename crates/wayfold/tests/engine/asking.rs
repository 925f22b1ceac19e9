//! Questions to the engine: as of, as known at, about all, with late events and corrections in between.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use pollster::block_on;
use wayfold::bodies::{CustomerErased, EventRetracted};
use wayfold::store::FaultStore;
use wayfold::{
    AppendCondition, AppendOutcome, AsOf, Builder, Currency, CustomerKey, ErrorKind, EventBody, EventFilter,
    EventId, Filter, JourneyEvent, LifecycleStage, MemoryStore, Money, OrderPlaced, Position, Registered,
    Rules, Selection, Span, Tag, Tenant, Timestamp, Wayfold,
};

fn day(number: u32) -> Timestamp {
    Timestamp::parse("2024-01-01").unwrap() + Span::from_days(number)
}

fn event(customer: &str, id: u128, at: Timestamp, body: impl Into<EventBody>) -> JourneyEvent {
    JourneyEvent::new(EventId::from_u128(id), CustomerKey::new(customer).unwrap(), at, body)
}

fn order(customer: &str, id: u128, number: u32) -> JourneyEvent {
    let amount = Money::parse("10", Currency::EUR).unwrap();
    let placed = OrderPlaced { lines: vec![], amount, promised_at: None };
    event(customer, id, day(number), placed).with_tag(Tag::order(format!("o{id}")).unwrap())
}

fn engine() -> Wayfold {
    block_on(Builder::new(Rules::default()).unwrap().with_threads(2).open(MemoryStore::new())).unwrap()
}

fn stages(wayfold: &Wayfold, at: Timestamp) -> Vec<(String, LifecycleStage)> {
    let population = block_on(wayfold.population(at)).unwrap();
    population.members().iter().map(|member| (member.key.to_string(), member.lifecycle)).collect()
}

#[test]
fn the_population_is_what_each_customer_is_at_any_instant() {
    let wayfold = engine();
    let events: Vec<_> =
        (0..60).map(|id| order(&format!("c{:02}", id % 9), id as u128, (id * 37 % 400) as u32)).collect();
    for part in events.chunks(7) {
        block_on(wayfold.append(part)).unwrap();
        block_on(wayfold.catch_up()).unwrap();
    }
    for number in [0, 50, 200, 399, 400, 900] {
        for (name, stage) in stages(&wayfold, day(number)) {
            let view =
                block_on(wayfold.customer_as_of(&CustomerKey::new(name).unwrap(), day(number))).unwrap();
            assert_eq!(view.unwrap().lifecycle.stage, stage, "day {number}");
        }
    }
    let fresh = engine();
    block_on(fresh.append(&events)).unwrap();
    assert!(block_on(fresh.export()).unwrap() == block_on(wayfold.export()).unwrap());
}

#[test]
fn a_late_event_and_a_retraction_reach_the_live_states() {
    let wayfold = engine();
    block_on(wayfold.append(&[order("ada", 1, 0), order("ada", 2, 200)])).unwrap();
    assert_eq!(stages(&wayfold, day(200)), [("ada".to_owned(), LifecycleStage::WonBack)]);
    let late = order("ada", 3, 100);
    let before = block_on(wayfold.append([&late])).unwrap().positions[0];
    assert_eq!(stages(&wayfold, day(200)), [("ada".to_owned(), LifecycleStage::Repeat)]);
    let retraction = event("ada", 4, day(300), EventRetracted { event: late.id, reason: None });
    block_on(wayfold.append([&retraction])).unwrap();
    assert_eq!(stages(&wayfold, day(200)), [("ada".to_owned(), LifecycleStage::WonBack)]);
    let known = block_on(wayfold.as_known_at(before).population(day(200))).unwrap();
    assert_eq!(known.members()[0].lifecycle, LifecycleStage::Repeat);
    let nothing = block_on(wayfold.as_known_at(Position::START).population(day(200))).unwrap();
    assert!(nothing.is_empty());
}

#[test]
fn a_conflict_is_an_outcome_and_writes_nothing() {
    let wayfold = engine();
    let ada = CustomerKey::new("ada").unwrap();
    let condition = AppendCondition { filter: EventFilter::customer(ada.clone()), after: Position::START };
    let first = block_on(wayfold.append_if(&[order("ada", 1, 0)], condition.clone())).unwrap();
    assert!(matches!(first, AppendOutcome::Appended { new: 1, .. }));
    let second = block_on(wayfold.append_if(&[order("ada", 2, 0)], condition)).unwrap();
    assert!(matches!(second, AppendOutcome::Conflict { .. }));
    assert_eq!(block_on(wayfold.customer_as_of(&ada, day(0))).unwrap().unwrap().events, 1);
}

#[test]
fn errors_say_what_a_caller_can_act_on() {
    let wayfold = engine();
    block_on(wayfold.append(&[order("ada", 1, 0)])).unwrap();
    let kind = |result: wayfold::Result<wayfold::Appended>| {
        let error = result.unwrap_err();
        assert!(!error.is_retryable() && !error.is_outcome_unknown());
        error.kind()
    };
    assert_eq!(kind(block_on(wayfold.append(&[order("ada", 1, 1)]))), ErrorKind::IdReused);
    let erased = event("ada", 2, day(0), CustomerErased { reason: None });
    assert_eq!(kind(block_on(wayfold.append([&erased]))), ErrorKind::Unsupported);
    let mut untagged = order("ada", 3, 0);
    untagged.tags.clear();
    assert_eq!(kind(block_on(wayfold.append([&untagged]))), ErrorKind::InvalidEvent);
    let mut rules = Rules::default();
    rules.version.clear();
    assert_eq!(Builder::new(rules).unwrap_err().kind(), ErrorKind::InvalidConfiguration);
}

#[test]
fn who_is_not_known_has_no_view_and_tenants_are_apart() {
    let wayfold = engine();
    let mut foreign = order("ada", 1, 0);
    foreign.customer = CustomerKey::in_tenant("shop", "ada").unwrap();
    block_on(wayfold.append([&foreign])).unwrap();
    assert_eq!(block_on(wayfold.customer_as_of(&CustomerKey::new("ada").unwrap(), day(1))).unwrap(), None);
    assert!(block_on(wayfold.explain_as_of(&CustomerKey::new("ada").unwrap(), day(1))).unwrap().is_none());
    assert!(block_on(wayfold.population(day(1))).unwrap().is_empty());
    assert_eq!(block_on(wayfold.population_of(&Tenant::new("shop").unwrap(), day(1))).unwrap().len(), 1);
}

#[test]
fn the_engine_is_shared_between_threads() {
    fn shared<T: Send + Sync>(_: &T) {}
    let wayfold = engine();
    shared(&wayfold);
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let wayfold = &wayfold;
            scope.spawn(move || {
                for number in 0..25 {
                    block_on(wayfold.append([&order("ada", thread * 100 + u128::from(number), number)]))
                        .unwrap();
                    block_on(wayfold.population(day(400))).unwrap();
                }
            });
        }
    });
    let view =
        block_on(wayfold.customer_as_of(&CustomerKey::new("ada").unwrap(), day(400))).unwrap().unwrap();
    assert_eq!(view.value.purchases, 100);
}

#[test]
fn customers_are_selected_a_page_at_a_time_at_any_instant() {
    let wayfold = engine();
    let events: Vec<_> =
        (0..60).map(|id| order(&format!("c{:02}", id % 9), id as u128, (id * 37 % 400) as u32)).collect();
    block_on(wayfold.append(&events)).unwrap();
    for number in [0, 50, 200, 399, 900] {
        let expected: Vec<String> = stages(&wayfold, day(number))
            .into_iter()
            .filter(|(_, stage)| *stage != LifecycleStage::Churned)
            .map(|(key, _)| key)
            .collect();
        let filter = !Filter::field("lifecycle.stage").is(LifecycleStage::Churned);
        let mut selection = Selection::new(filter).with_limit(2);
        let mut selected = Vec::new();
        loop {
            let page = block_on(wayfold.customers_of(&Tenant::default(), &selection, day(number))).unwrap();
            let next = page.next();
            selected.extend(page.into_customers().into_iter().map(|view| view.key.to_string()));
            let Some(next) = next else { break };
            selection = selection.with_after(next);
        }
        assert_eq!(selected, expected, "day {number}");
    }
    let typo = Selection::new(Filter::field("lifecycle.stagee").exists());
    let error = block_on(wayfold.customers(&typo)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidQuestion, "{error}");
}

/// Each time that somebody looks at the clock, a day has passed; something happens between the next look and the one
/// after it.
fn engine_of_a_busy_shop(store: Arc<FaultStore<MemoryStore>>) -> Wayfold {
    let days = AtomicU32::new(0);
    let clock = move || day(days.fetch_add(1, Ordering::SeqCst));
    let builder = Builder::new(Rules::default()).unwrap().with_clock(clock).on_demand();
    let wayfold = block_on(builder.open(store)).unwrap();
    let noon = Span::from_micros(Span::from_days(1).as_micros() / 2);
    let at = wayfold.now() + Span::from_days(1) + noon;
    block_on(wayfold.append([&event("ada", 1, at, Registered {})])).unwrap();
    wayfold
}

/// A page of customers as of now was once asked as of an instant that was read before the live states were brought up
/// to the log. Each event that came in between made them too new for it, and the whole log was folded anew: in a
/// service that records all the time, at almost every page.
#[test]
fn question_as_of_now_is_answered_by_the_live_states_while_events_come() {
    let all = Selection::new(Filter::All(vec![]));
    let questions: [fn(&Wayfold, &Selection); 2] = [
        |wayfold, all| drop(block_on(wayfold.customers(all)).unwrap()),
        |wayfold, _| drop(block_on(wayfold.population(AsOf::Now)).unwrap()),
    ];
    for question in questions {
        let store = Arc::new(FaultStore::new(MemoryStore::new()));
        let wayfold = engine_of_a_busy_shop(store.clone());
        block_on(wayfold.catch_up()).unwrap();
        let before = store.operations();
        question(&wayfold, &all);
        assert_eq!(store.operations() - before, 1, "what is new is read, and nothing again");
    }
}

/// As of an instant that was read from the clock there was no difference to be had in a busy shop.
#[test]
fn difference_as_of_now_is_told_while_events_come() {
    let wayfold = engine_of_a_busy_shop(Arc::new(FaultStore::new(MemoryStore::new())));
    let mut stricter = Rules::default();
    (stricter.version, stricter.lifecycle.churned_after_days) = ("churn-90".to_owned(), 90);
    let mut rebuild = block_on(wayfold.rebuild(Builder::new(stricter).unwrap())).unwrap();
    let _ = block_on(rebuild.difference(AsOf::Now)).unwrap();
    let early = block_on(rebuild.difference(day(0))).unwrap_err();
    assert_eq!(early.kind(), ErrorKind::InvalidQuestion, "{early}");
}

//! The four built-in projections on hand-worked histories.

use wayfold_core::bodies::{
    ContactMade, DealLost, Delivered, InformationGathered, NeedIdentified, OrderCancelled, OrderChanged,
    PaymentReceived, Refunded, Returned, Shipped,
};
use wayfold_core::{
    Amount, BehaviourClass, Currency, CustomerView, Fold, JourneyEvent, JourneyView, LifecycleStage, Money,
    Outcome, ProjectionSet, PromiseCounts, RevenueBasis, Rules, Span, Stage, Timestamp,
};

use super::support::{about, ada, batch, day, eur, event, fold_events, journey, placed};

fn view(events: &[JourneyEvent], as_of: Timestamp) -> CustomerView {
    fold_events(events).view(&ada(), as_of).unwrap().unwrap()
}

fn view_under(rules: Rules, events: &[JourneyEvent], as_of: Timestamp) -> CustomerView {
    let mut fold = Fold::new(&ProjectionSet::new(rules).unwrap());
    let _ = fold.apply(&[batch(events)]);
    fold.view(&ada(), as_of).unwrap().unwrap()
}

fn only_journey(events: &[JourneyEvent], as_of: Timestamp) -> JourneyView {
    view(events, as_of).journeys.journeys.remove(0)
}

fn need(id: u128, number: u32) -> JourneyEvent {
    journey(event(id, day(number), NeedIdentified { category: None }), "j")
}

fn information(id: u128, number: u32) -> JourneyEvent {
    journey(event(id, day(number), InformationGathered { topic: None }), "j")
}

#[test]
fn time_in_a_stage_is_the_sum_of_its_visits_and_steps_back_are_counted() {
    let events = [need(1, 0), information(2, 1), need(3, 4), information(4, 5), information(5, 6)];
    let journey = only_journey(&events, day(9));
    assert_eq!(
        (journey.stage, journey.stage_since, journey.steps_back),
        (Some(Stage::Information), Some(day(5)), 1)
    );
    let [need, information] = &journey.stages[..] else { panic!("{:?}", journey.stages) };
    assert_eq!((need.entered_at, need.visits, need.ended_visits_us), (Some(day(0)), 2, Span::from_days(2)));
    assert_eq!(
        (information.entered_at, information.visits, information.ended_visits_us),
        (Some(day(1)), 2, Span::from_days(3))
    );
    assert_eq!((need.events, information.events), (2, 3));
}

#[test]
fn neutral_events_count_for_the_stage_and_never_move_it() {
    let contact = |id, number| {
        journey(event(id, day(number), ContactMade { medium: None, direction: None, reached: None }), "j")
    };
    let events = [contact(1, 0), need(2, 1), contact(3, 2), contact(4, 3).with_stage(Stage::Delivery)];
    let journey = only_journey(&events, day(4));
    assert_eq!(
        (journey.stage, journey.started_at, journey.last_event_at),
        (Some(Stage::Need), day(0), day(3))
    );
    let counts: Vec<_> =
        journey.stages.iter().map(|stage| (stage.stage, stage.events, stage.entered_at)).collect();
    assert_eq!(counts, [(Stage::Need, 2, Some(day(1))), (Stage::Delivery, 1, None)]);
}

#[test]
fn outcome_is_won_else_lost_else_abandoned_else_open() {
    let order = journey(placed("o1", 2, day(1), "10"), "j");
    let lost = journey(event(3, day(2), DealLost { reason: None, competitor: None }), "j");
    let outcome = |events: &[JourneyEvent], number| only_journey(events, day(number)).outcome;
    assert_eq!(outcome(&[need(1, 0)], 90), Outcome::Open);
    assert_eq!(outcome(&[need(1, 0)], 91), Outcome::Abandoned);
    assert_eq!(outcome(&[need(1, 0), lost.clone()], 500), Outcome::Lost);
    assert_eq!(outcome(&[need(1, 0), lost.clone(), information(4, 3)], 3), Outcome::Open, "taken up again");
    assert_eq!(outcome(&[need(1, 0), order.clone(), lost], 500), Outcome::Won);
    let cancelled = about("o1", 5, day(3), OrderCancelled { reason: None });
    assert_eq!(
        outcome(&[need(1, 0), order.clone(), cancelled.clone()], 3),
        Outcome::Open,
        "the cancel is of no journey"
    );
    assert_eq!(outcome(&[need(1, 0), order, journey(cancelled, "j")], 3), Outcome::Lost);
}

#[test]
fn a_journey_holds_until_it_is_abandoned_or_a_promise_falls_due() {
    assert_eq!(view(&[need(1, 0)], day(0)).holds_until, Some(day(90)));
    assert_eq!(view(&[need(1, 0)], day(91)).holds_until, None);
    let shipped = about("o1", 2, day(1), Shipped { promised_at: Some(day(5)) });
    assert_eq!(view(&[need(1, 0), shipped], day(2)).holds_until, Some(day(5)));
}

#[test]
fn a_promise_is_the_newest_date_and_the_first_delivery_keeps_or_breaks_it() {
    let order = journey(placed("o1", 1, day(0), "10"), "j");
    let promise = |id, number, until| {
        about(
            "o1",
            id,
            day(number),
            OrderChanged { lines: vec![], amount: None, promised_at: Some(day(until)) },
        )
    };
    let delivered = |id, number| about("o1", id, day(number), Delivered {});
    let counts = |events: &[JourneyEvent], number| only_journey(events, day(number)).promises;
    let of = |kept, broken, pending| PromiseCounts { kept, broken, pending };
    assert_eq!(counts(std::slice::from_ref(&order), 1), of(0, 0, 0), "nothing was promised");
    assert_eq!(counts(&[order.clone(), promise(2, 1, 5)], 5), of(0, 0, 1));
    assert_eq!(counts(&[order.clone(), promise(2, 1, 5)], 6), of(0, 1, 0));
    assert_eq!(counts(&[order.clone(), promise(2, 1, 5), delivered(3, 5), delivered(4, 9)], 9), of(1, 0, 0));
    assert_eq!(counts(&[order.clone(), promise(2, 1, 5), promise(3, 2, 7), delivered(4, 6)], 9), of(1, 0, 0));
    let cancelled = about("o1", 3, day(2), OrderCancelled { reason: None });
    assert_eq!(counts(&[order, promise(2, 1, 5), cancelled], 9), of(0, 0, 0));
}

#[test]
fn an_undone_purchase_takes_the_customer_back() {
    let orders = [placed("o1", 1, day(0), "10"), placed("o2", 2, day(1), "20")];
    let with =
        |more: JourneyEvent| view(&[orders[0].clone(), orders[1].clone(), more], day(9)).lifecycle.stage;
    assert_eq!(view(&orders, day(9)).lifecycle.stage, LifecycleStage::Repeat);
    assert_eq!(with(about("o2", 3, day(2), OrderCancelled { reason: None })), LifecycleStage::FirstTime);
    assert_eq!(
        with(about("o2", 3, day(2), Refunded { amount: eur("20"), reason: None })),
        LifecycleStage::FirstTime
    );
    assert_eq!(
        with(about("o2", 3, day(2), Refunded { amount: eur("19.9999"), reason: None })),
        LifecycleStage::Repeat
    );
    assert_eq!(with(event(3, day(2), Refunded { amount: eur("20"), reason: None })), LifecycleStage::Repeat);
    let usd = Refunded { amount: Money::parse("20", Currency::USD).unwrap(), reason: None };
    assert_eq!(
        with(about("o2", 3, day(2), usd)),
        LifecycleStage::Repeat,
        "another currency pays back nothing"
    );
    let returned = Returned { amount: Some(eur("20")), reason: None };
    assert_eq!(with(about("o2", 3, day(2), returned)), LifecycleStage::Repeat, "a return changes no money");
}

#[test]
fn a_cancel_or_refund_counts_on_whichever_side_of_its_order_it_sorts() {
    let cancel = about("o1", 1, day(0), OrderCancelled { reason: None });
    let refund = about("o2", 2, day(0), Refunded { amount: eur("5"), reason: None });
    let events = [cancel, refund, placed("o1", 3, day(1), "10"), placed("o2", 4, day(1), "5")];
    let value = view(&events, day(1)).value;
    assert_eq!((value.purchases, value.cancelled, value.fully_refunded, value.unknown_orders), (0, 1, 1, 0));
    assert_eq!(view(&events[..2], day(1)).value.unknown_orders, 2);
}

#[test]
fn money_is_exact_and_by_currency() {
    let usd = |text: &str| Money::parse(text, Currency::USD).unwrap();
    let mut dollars = placed("o3", 3, day(2), "0");
    dollars.body =
        wayfold_core::OrderPlaced { lines: vec![], amount: usd("0.0001"), promised_at: None }.into();
    let events = [
        placed("o1", 1, day(0), "10"),
        placed("o2", 2, day(1), "5.0001"),
        dollars,
        about("o1", 4, day(3), Refunded { amount: eur("3"), reason: None }),
        event(5, day(3), Refunded { amount: eur("1"), reason: None }),
        placed("o4", 6, day(3), "100"),
        about("o4", 7, day(4), Refunded { amount: eur("50"), reason: None }),
        about("o4", 8, day(4), OrderCancelled { reason: None }),
        placed("o1", 9, day(4), "999"),
        about("o2", 10, day(5), OrderChanged { lines: vec![], amount: Some(eur("6")), promised_at: None }),
    ];
    let value = view(&events, day(5)).value;
    let [euros, dollars] = &value.currencies[..] else { panic!("{:?}", value.currencies) };
    assert_eq!(euros.revenue.to_decimal(), "16");
    assert_eq!(euros.refunds.to_decimal(), "4", "the refund of a cancelled order is not counted");
    assert_eq!((euros.net.to_decimal(), euros.purchases), ("12".to_owned(), 2));
    assert_eq!(euros.average.unwrap().to_decimal(), "8");
    assert_eq!((dollars.currency, dollars.net.to_decimal()), (Currency::USD, "0.0001".to_owned()));
    assert_eq!(value.ignored_placements, 1);
    assert_eq!((value.gaps.count, value.gaps.mean_us()), (2, Some(Span::from_days(1))));
}

#[test]
fn paid_revenue_counts_payments() {
    let mut rules = Rules::default();
    rules.value.revenue = RevenueBasis::Paid;
    let pay = |order: &str, id, amount: &str| {
        about(order, id, day(1), PaymentReceived { amount: Some(eur(amount)) })
    };
    let events = [
        placed("o1", 1, day(0), "10"),
        placed("o2", 2, day(0), "20"),
        pay("o1", 3, "4"),
        pay("o2", 4, "20"),
        about("o2", 5, day(2), OrderCancelled { reason: None }),
    ];
    let value = view_under(rules, &events, day(2)).value;
    assert_eq!(value.currencies[0].revenue.to_decimal(), "4");
    assert_eq!(value.currencies[0].purchases, 1);
}

#[test]
fn classes_are_tried_in_order() {
    let mut rules = Rules::default();
    rules.segment.high_value_min.insert(Currency::EUR, Amount::parse("100").unwrap());
    let class = |days: &[u32], amount: &str, number: u32| {
        let orders: Vec<_> = days
            .iter()
            .enumerate()
            .map(|(id, at)| placed(&format!("o{id}"), id as u128, day(*at), amount))
            .collect();
        view_under(rules.clone(), &orders, day(number)).segment.class
    };
    let six = [0, 1, 2, 3, 4, 5];
    assert_eq!(class(&[0], "1", 90), Some(BehaviourClass::Newcomer));
    assert_eq!(class(&[0], "1", 91), Some(BehaviourClass::AtRisk));
    assert_eq!(class(&[0], "1", 181), Some(BehaviourClass::Dormant));
    assert_eq!(class(&six, "1", 10), Some(BehaviourClass::HighFrequency));
    assert_eq!(class(&six, "20", 10), Some(BehaviourClass::HighValue));
    assert_eq!(class(&[0, 1], "50", 10), Some(BehaviourClass::LowFrequencyHighValue));
    assert_eq!(class(&[0, 1], "1", 10), None);
}

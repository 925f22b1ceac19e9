//! Hand-worked examples for the oracle, each from a sentence of the domain.

use wayfold_core::{
    Amount, BehaviourClass, Currency, CustomerKey, CustomerView, DealLost, Delivered, EventBody, EventId,
    EventRetracted, JourneyEvent, JourneyKey, LifecycleStage, Money, NeedIdentified, OrderCancelled,
    OrderChanged, OrderLine, OrderPlaced, Outcome, PaymentReceived, ProductViewed, PromiseState, Refunded,
    Registered, RevenueBasis, RfmScores, Rules, Shipped, Span, Stage, SurveyAnswered, Tag, Tenant, TieRule,
    Timestamp,
};

use super::Oracle;

const MICROS_PER_DAY: i64 = 86_400_000_000;

/// So many days after the first of January 2024.
fn day(days: i64) -> Timestamp {
    Timestamp::parse("2024-01-01").unwrap() + Span::from_micros(days * MICROS_PER_DAY)
}

fn eur(text: &str) -> Money {
    Money::parse(text, Currency::EUR).unwrap()
}

fn event(number: u128, at: Timestamp, body: impl Into<EventBody>) -> JourneyEvent {
    JourneyEvent::new(EventId::from_u128(number), CustomerKey::new("c1").unwrap(), at, body)
}

fn about(order: &str, number: u128, at: Timestamp, body: impl Into<EventBody>) -> JourneyEvent {
    event(number, at, body).with_tag(Tag::order(order).unwrap())
}

fn placed(order: &str, number: u128, at: Timestamp, amount: &str) -> JourneyEvent {
    about(order, number, at, OrderPlaced { lines: vec![], amount: eur(amount), promised_at: None })
}

fn refunded(order: &str, number: u128, at: Timestamp, amount: &str) -> JourneyEvent {
    about(order, number, at, Refunded { amount: eur(amount), reason: None })
}

fn retracted(number: u128, at: Timestamp, target: u128) -> JourneyEvent {
    event(number, at, EventRetracted { event: EventId::from_u128(target), reason: None })
}

fn ask(rules: &Rules, events: Vec<JourneyEvent>, t: Timestamp) -> Option<CustomerView> {
    Oracle::new(events, rules.clone()).view(&CustomerKey::new("c1").unwrap(), t)
}

fn view(events: Vec<JourneyEvent>, t: Timestamp) -> CustomerView {
    ask(&Rules::default(), events, t).unwrap()
}

/// Checks the stage of the lifecycle, the class, and until when both hold, of orders on some days.
#[track_caller]
fn check_stage(
    days: &[i64],
    t: Timestamp,
    stage: LifecycleStage,
    class: Option<BehaviourClass>,
    until: Option<Timestamp>,
) {
    let orders = days.iter().enumerate();
    let events = orders
        .map(|(number, at)| placed(&format!("o{number}"), number as u128 + 1, day(*at), "10"))
        .collect();
    let view = view(events, t);
    assert_eq!((view.lifecycle.stage, view.segment.class, view.holds_until), (stage, class, until));
}

#[test]
fn stages_and_classes_follow_the_purchases_and_the_silence() {
    use BehaviourClass::{AtRisk, Dormant, HighFrequency, Newcomer};
    use LifecycleStage::{Churned, FirstTime, Loyal, Repeat, WonBack};
    check_stage(&[0], day(0), FirstTime, Some(Newcomer), Some(day(90)));
    check_stage(&[0], day(90), FirstTime, Some(Newcomer), Some(day(90)));
    check_stage(&[0], day(90).next(), FirstTime, Some(AtRisk), Some(day(180)));
    check_stage(&[0], day(180).next(), Churned, Some(Dormant), None);
    check_stage(&[0, 10], day(10), Repeat, None, Some(day(100)));
    // Five purchases in 365 days; the next change is silence, before the first of them leaves the window.
    check_stage(&[0, 10, 20, 30, 40], day(40), Loyal, None, Some(day(130)));
    // The first of five leaves (t - 365 d, t] at exactly 365 days after it.
    check_stage(&[0, 80, 160, 240, 300], day(364), Loyal, None, Some(day(365).previous()));
    check_stage(&[0, 80, 160, 240, 300], day(365), Repeat, None, Some(day(390)));
    check_stage(&[0, 1, 2, 3, 4, 5], day(5), Loyal, Some(HighFrequency), Some(day(95)));
    // A gap of 180 days is no return, a longer one is.
    check_stage(&[0, 180], day(180), Repeat, None, Some(day(270)));
    check_stage(&[0, 181], day(181), WonBack, None, Some(day(271)));
    check_stage(&[0, 181, 182], day(182), Repeat, None, Some(day(272)));
}

#[test]
fn undone_purchase_takes_the_customer_back() {
    let history = vec![
        placed("o1", 1, day(0), "10"),
        placed("o2", 2, day(5), "10"),
        about("o2", 3, day(7), OrderCancelled { reason: None }),
    ];
    assert_eq!(view(history.clone(), day(6)).lifecycle.stage, LifecycleStage::Repeat);
    assert_eq!(view(history, day(7)).lifecycle.stage, LifecycleStage::FirstTime);
}

#[test]
fn cancel_and_refund_count_on_whichever_side_they_sort() {
    let cancelled =
        vec![about("o1", 1, day(0), OrderCancelled { reason: None }), placed("o1", 2, day(1), "10")];
    assert_eq!(view(cancelled.clone(), day(0)).value.unknown_orders, 1);
    assert_eq!(view(cancelled, day(1)).value.cancelled, 1);

    let value = view(vec![refunded("o1", 1, day(0), "10"), placed("o1", 2, day(1), "10")], day(1)).value;
    assert_eq!((value.purchases, value.fully_refunded), (0, 1));
    assert_eq!(value.currencies[0].net.to_decimal(), "0");
}

#[test]
fn fully_refunded_needs_a_refund_even_for_an_order_of_nothing() {
    let free = placed("o1", 1, day(0), "0");
    assert_eq!(view(vec![free.clone()], day(0)).value.purchases, 1);
    let value = view(vec![free, refunded("o1", 2, day(1), "0")], day(1)).value;
    assert_eq!((value.purchases, value.fully_refunded), (0, 1));
}

#[test]
fn refund_without_order_lowers_net_and_undoes_nothing() {
    let refund = event(2, day(1), Refunded { amount: eur("10"), reason: None });
    let value = view(vec![placed("o1", 1, day(0), "10"), refund], day(1)).value;
    assert_eq!((value.purchases, value.currencies[0].net.to_decimal()), (1, "0".to_owned()));
}

#[test]
fn money_is_by_currency_and_a_cancelled_order_takes_its_refunds_with_it() {
    let usd = Money::parse("3", Currency::USD).unwrap();
    let history = vec![
        placed("o1", 1, day(0), "10.0001"),
        placed("o2", 2, day(1), "5"),
        refunded("o2", 3, day(2), "1"),
        about("o2", 4, day(3), OrderCancelled { reason: None }),
        about("o1", 5, day(4), Refunded { amount: usd, reason: None }),
    ];
    let lines = view(history, day(4)).value.currencies;
    let shown: Vec<_> = lines
        .iter()
        .map(|l| (l.currency.to_string(), l.revenue.to_decimal(), l.refunds.to_decimal()))
        .collect();
    let expected = [("EUR", "10.0001", "0"), ("USD", "0", "3")];
    assert_eq!(shown, expected.map(|(a, b, c)| (a.to_owned(), b.to_owned(), c.to_owned())));
    assert_eq!(lines[1].net.to_decimal(), "-3");
}

#[test]
fn second_placement_is_ignored_and_the_newest_change_stands() {
    let change = OrderChanged { lines: vec![], amount: Some(eur("7")), promised_at: None };
    let history =
        vec![placed("o1", 1, day(0), "10"), about("o1", 2, day(2), change), placed("o1", 3, day(1), "99")];
    let value = view(history, day(2)).value;
    assert_eq!((value.ignored_placements, value.currencies[0].revenue.to_decimal()), (1, "7".to_owned()));
}

#[test]
fn average_is_rounded_half_even_and_margin_is_of_lines_with_both_prices() {
    let amount = |text| Some(Amount::parse(text).unwrap());
    let line = |paid, cost| OrderLine { product: "p".to_owned(), quantity: 2, list: None, paid, cost };
    let lines = vec![line(amount("3"), amount("1")), line(amount("3"), None)];
    let first = about("o1", 1, day(0), OrderPlaced { lines, amount: eur("0.0001"), promised_at: None });
    let value = view(vec![first, placed("o2", 2, day(3), "0.0002")], day(3)).value;
    let line = &value.currencies[0];
    assert_eq!(line.average.unwrap().as_ten_thousandths(), 2, "1.5 ten-thousandths go to the even 2");
    assert_eq!(line.margin.unwrap().to_decimal(), "4");
    assert_eq!(value.gaps.longest_us, Some(Span::from_days(3)));
}

#[test]
fn payments_make_revenue_where_the_rules_say_so() {
    let mut rules = Rules::default();
    rules.value.revenue = RevenueBasis::Paid;
    let history = vec![
        placed("o1", 1, day(0), "10"),
        about("o1", 2, day(1), PaymentReceived { amount: Some(eur("4")) }),
    ];
    let view = ask(&rules, history, day(1)).unwrap();
    assert_eq!(view.value.currencies[0].revenue.to_decimal(), "4");
}

#[test]
fn retraction_holds_at_every_instant_for_its_own_customer_only() {
    let order = placed("o1", 1, day(0), "10");
    assert!(ask(&Rules::default(), vec![order.clone(), retracted(2, day(300), 1)], day(0)).is_none());
    // A retraction of the retraction changes nothing.
    let twice = vec![order.clone(), retracted(2, day(1), 1), retracted(3, day(2), 2)];
    assert!(ask(&Rules::default(), twice, day(9)).is_none());
    let mut foreign = retracted(2, day(1), 1);
    foreign.customer = CustomerKey::new("c2").unwrap();
    assert_eq!(view(vec![order, foreign], day(9)).value.purchases, 1);
}

#[test]
fn events_at_the_instant_are_included_and_later_ones_are_not() {
    let history = vec![event(1, day(0), Registered {}), placed("o1", 2, day(1), "10")];
    assert_eq!(view(history.clone(), day(1).previous()).events, 1);
    assert_eq!(view(history.clone(), day(1)).events, 2);
    assert!(ask(&Rules::default(), history, day(0).previous()).is_none());
}

#[test]
fn equal_instants_go_by_sequence_then_rank_then_id() {
    // Of two placements of one order, the one that stands is the first of the order.
    let stands = |one: JourneyEvent, other: JourneyEvent| {
        view(vec![one, other], day(0)).value.currencies[0].revenue.to_decimal()
    };
    assert_eq!(stands(placed("o1", 2, day(0), "2"), placed("o1", 1, day(0), "1")), "1");
    assert_eq!(stands(placed("o1", 2, day(0), "2"), placed("o1", 1, day(0), "1").with_sequence(1)), "2");
    // A change ranks after the placement, whatever the ids.
    let change = OrderChanged { lines: vec![], amount: Some(eur("7")), promised_at: None };
    assert_eq!(stands(placed("o1", 2, day(0), "2"), about("o1", 1, day(0), change)), "7");
}

fn journey(events: Vec<JourneyEvent>) -> Vec<JourneyEvent> {
    let key = JourneyKey::new("j1").unwrap();
    events.into_iter().map(|event| event.with_journey(key.clone())).collect()
}

#[test]
fn visits_sum_up_and_a_step_back_is_a_finding() {
    let survey = SurveyAnswered { instrument: wayfold_core::Instrument::Nps, dimension: None, score: 9 };
    let history = journey(vec![
        event(1, day(0), Registered {}),
        event(2, day(1), NeedIdentified { category: None }),
        event(3, day(3), ProductViewed {}),
        event(4, day(4), NeedIdentified { category: None }),
        event(5, day(6), ProductViewed {}),
        event(6, day(7), survey),
    ]);
    let journeys = view(history, day(8)).journeys.journeys;
    let seen = &journeys[0];
    assert_eq!(
        (seen.started_at, seen.stage, seen.stage_since),
        (day(0), Some(Stage::Information), Some(day(6)))
    );
    assert_eq!((seen.steps_back, seen.stages.len()), (1, 2));
    let need = &seen.stages[0];
    assert_eq!((need.visits, need.ended_visits_us, need.events), (2, Span::from_days(4), 2));
    // The survey counts for the stage in which the journey is; the registration came before any.
    assert_eq!(seen.stages[1].events, 3);
}

#[test]
fn outcome_is_won_lost_abandoned_or_open() {
    let outcome = |events: Vec<JourneyEvent>, t| view(journey(events), t).journeys.journeys[0].outcome;
    let need = event(1, day(0), NeedIdentified { category: None });
    let lost = event(2, day(1), DealLost { reason: None, competitor: None });
    let again = event(3, day(2), ProductViewed {});
    assert_eq!(outcome(vec![need.clone(), lost.clone()], day(500)), Outcome::Lost);
    assert_eq!(outcome(vec![need.clone(), lost.clone(), again], day(2)), Outcome::Open);
    assert_eq!(outcome(vec![need.clone()], day(90)), Outcome::Open);
    assert_eq!(outcome(vec![need.clone()], day(90).next()), Outcome::Abandoned);
    let order = placed("o1", 4, day(3), "10");
    assert_eq!(outcome(vec![need.clone(), order.clone(), lost], day(500)), Outcome::Won);
    let refund = refunded("o1", 5, day(4), "10");
    assert_eq!(outcome(vec![need, order, refund], day(4)), Outcome::Lost);
}

#[test]
fn promise_is_the_newest_and_breaks_after_its_instant() {
    let promise = |at| OrderPlaced { lines: vec![], amount: eur("10"), promised_at: Some(at) };
    let order = about("o1", 1, day(0), promise(day(5)));
    let shipped = about("o1", 2, day(1), Shipped { promised_at: Some(day(9)) });
    let delivered = about("o1", 3, day(9), Delivered {});
    let state = |events: Vec<JourneyEvent>, t| view(events, t).journeys.promises[0].state;
    assert_eq!(state(vec![order.clone()], day(5)), PromiseState::Pending);
    assert_eq!(state(vec![order.clone()], day(5).next()), PromiseState::Broken);
    assert_eq!(view(vec![order.clone()], day(5)).holds_until, Some(day(5)));
    assert_eq!(state(vec![order.clone(), delivered.clone()], day(9)), PromiseState::Broken);
    assert_eq!(state(vec![order.clone(), shipped, delivered], day(9)), PromiseState::Kept);
    let cancelled = vec![order, about("o1", 4, day(2), OrderCancelled { reason: None })];
    assert!(view(cancelled, day(9)).journeys.promises.is_empty());
}

#[test]
fn scores_share_ties_or_split_them_by_key() {
    // Frequencies 1, 1, 1, 1, 2 on one day each: under the shared rule four customers have nobody below.
    let mut events = Vec::new();
    for (number, orders) in [1, 1, 1, 1, 2].into_iter().enumerate() {
        for order in 0..orders {
            let id = (number * 10 + order + 1) as u128;
            let mut event = placed(&format!("o{order}"), id, day(0), "10");
            event.customer = CustomerKey::new(format!("c{number}")).unwrap();
            events.push(event);
        }
    }
    let oracle = Oracle::new(events, Rules::default());
    let scores = |ties| {
        let all = oracle.rfm(&Tenant::default(), Currency::EUR, day(1), ties);
        all.into_values().map(|RfmScores { recency, frequency, .. }| (recency, frequency)).collect::<Vec<_>>()
    };
    assert_eq!(scores(TieRule::Shared), [(1, 1), (1, 1), (1, 1), (1, 1), (1, 5)]);
    assert_eq!(scores(TieRule::Ntile), [(1, 1), (2, 2), (3, 3), (4, 4), (5, 5)]);
    // All borders of recency are 2 days, those of frequency 2, 2, 2 and 2.2 purchases.
    assert_eq!(scores(TieRule::Quantile), [(5, 1), (5, 1), (5, 1), (5, 1), (5, 4)]);
    let summary = oracle.population(&Tenant::default(), day(1));
    assert_eq!((summary.customers, summary.lifecycle[&LifecycleStage::Repeat]), (5, 1));
    assert_eq!(summary.totals[0].revenue.to_decimal(), "60");
}

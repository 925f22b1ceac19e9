//! Goals: target, actual, gap and pace, worked by hand.

use wayfold_core::{
    Amount, BehaviourClass, Currency, EventBatch, Fold, LifecycleStage, ProjectionSet, Refunded, Rules, Tag,
    Tenant, Timestamp,
};
use wayfold_insight::{ErrorKind, Goal, GoalDirection, GoalMetric, GoalState};

use super::made::{at, eur, event, placed};

fn goal(metric: GoalMetric, target: &str, direction: GoalDirection, baseline: Option<&str>) -> Goal {
    Goal {
        name: "june".to_owned(),
        metric,
        segment: None,
        from: at("2024-06-01"),
        until: at("2024-07-01"),
        target: Amount::parse(target).unwrap(),
        direction,
        baseline: baseline.map(|of| Amount::parse(of).unwrap()),
    }
}

#[track_caller]
fn check(goal: &Goal, actual: &str, day: &str, state: GoalState, gap: &str, expected: Option<&str>) {
    let status = goal.status(Amount::parse(actual).unwrap(), at(day)).unwrap();
    assert_eq!((status.state, status.gap.to_string().as_str()), (state, gap));
    assert_eq!(status.expected.map(|of| of.to_string()).as_deref(), expected);
}

#[test]
fn goals_have_a_gap_and_a_pace() {
    use GoalDirection::{AtLeast, AtMost};
    let money = goal(GoalMetric::NetRevenue(Currency::EUR), "3000", AtLeast, None);
    check(&money, "0", "2024-05-31", GoalState::NotBegun, "3000", Some("0"));
    check(&money, "0", "2024-06-01", GoalState::OnPace, "3000", Some("0"));
    check(&money, "1000", "2024-06-11", GoalState::OnPace, "2000", Some("1000"));
    check(&money, "999.9999", "2024-06-11", GoalState::Behind, "2000.0001", Some("1000"));
    check(&money, "3000", "2024-06-11", GoalState::Reached, "0", Some("1000"));
    check(&money, "3200", "2024-08-11", GoalState::Reached, "-200", Some("3000"));
    check(&money, "2999", "2024-07-01", GoalState::Missed, "1", Some("3000"));

    // Of 200 churned customers no more than 140 are to be left: two a day.
    let churned = goal(GoalMetric::Stage(LifecycleStage::Churned), "140", AtMost, Some("200"));
    check(&churned, "180", "2024-06-11", GoalState::OnPace, "40", Some("180"));
    check(&churned, "181", "2024-06-11", GoalState::Behind, "41", Some("180"));
    check(&churned, "139", "2024-06-11", GoalState::Reached, "-1", Some("180"));
    let status = churned.status(Amount::parse("170").unwrap(), at("2024-06-11")).unwrap();
    assert_eq!(status.reached_percent, Some(50.0));

    // An NPS has no pace without a baseline.
    let nps = goal(GoalMetric::Figure("nps".to_owned()), "40", AtLeast, None);
    check(&nps, "35.5", "2024-06-11", GoalState::Open, "4.5", None);
    let same = goal(GoalMetric::Figure("nps".to_owned()), "40", AtLeast, Some("40"));
    assert_eq!(same.status(Amount::ZERO, at("2024-06-11")).unwrap().reached_percent, None);

    assert_eq!(Goal::figure(-45.454_545_454_545).unwrap().to_string(), "-45.4545");
    for value in [f64::NAN, f64::INFINITY, 1e16, -1e16] {
        assert_eq!(Goal::figure(value).unwrap_err().kind(), ErrorKind::InvalidParameter);
    }
    let empty = Goal { until: at("2024-06-01"), ..money };
    assert_eq!(empty.status(Amount::ZERO, at("2024-06-11")).unwrap_err().kind(), ErrorKind::InvalidParameter);
}

#[test]
fn actual_figures_are_those_of_populations() {
    let ordered = |number, customer, day, amount, order: &str| {
        event(number, customer, at(day), placed(amount, &[], None)).with_tag(Tag::order(order).unwrap())
    };
    let events = [
        ordered(0, "ada", "2024-05-20", 100, "o1"),
        ordered(1, "ada", "2024-06-05", 50, "o2"),
        event(2, "ada", at("2024-06-06"), Refunded { amount: eur(30), reason: None })
            .with_tag(Tag::order("o1").unwrap()),
        ordered(3, "bob", "2024-06-08", 20, "o3"),
    ];
    let summary = |day: &str| {
        let as_of = Timestamp::parse(day).unwrap();
        let mut fold = Fold::new(&ProjectionSet::new(Rules::default()).unwrap()).with_as_of(as_of);
        let _ = fold.apply(&[EventBatch::from_events(&events).unwrap()]);
        fold.population(&Tenant::default(), as_of).unwrap().summary()
    };
    let (beginning, now) = (summary("2024-06-01"), summary("2024-06-11"));
    let actual = |metric| goal(metric, "1", GoalDirection::AtLeast, None).actual(&beginning, &now);
    let told = |metric| actual(metric).map(|of| of.to_string());
    // 50 and 20, less the 30 that were given back of an older order.
    assert_eq!(told(GoalMetric::NetRevenue(Currency::EUR)).as_deref(), Some("40"));
    assert_eq!(told(GoalMetric::NetRevenue(Currency::USD)).as_deref(), Some("0"));
    assert_eq!(told(GoalMetric::Stage(LifecycleStage::FirstTime)).as_deref(), Some("1"));
    assert_eq!(told(GoalMetric::Class(BehaviourClass::Newcomer)).as_deref(), Some("1"));
    assert_eq!(told(GoalMetric::Figure("nps".to_owned())), None);
}

#[test]
fn goals_are_documents() {
    let money = goal(GoalMetric::NetRevenue(Currency::EUR), "3000", GoalDirection::AtLeast, None);
    let churned = goal(GoalMetric::Stage(LifecycleStage::Churned), "140", GoalDirection::AtMost, Some("200"));
    for goal in [money, churned] {
        let json = serde_json::to_string(&goal).unwrap();
        assert_eq!(serde_json::from_str::<Goal>(&json).unwrap(), goal);
    }
    let unknown = r#"{"name": "a", "metric": {"stage": "gone"}, "from": "2024-06-01T00:00:00Z",
        "until": "2024-07-01T00:00:00Z", "target": "1"}"#;
    assert!(serde_json::from_str::<Goal>(unknown).is_err());
}

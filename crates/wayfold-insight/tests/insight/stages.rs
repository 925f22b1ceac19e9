//! The five stages: a worked case, and many journeys beside the views that the core folds.

use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::prelude::*;
use wayfold_core::{
    CustomerView, Delivered, EventBatch, EventBody, Fold, JourneyEvent, JourneyKey, MessageSent,
    NeedIdentified, OrderCancelled, ProductViewed, ProjectionSet, Rules, Span, Stage, Tag, Timestamp,
};
use wayfold_insight::{StageDurations, StageReport};

use super::made::{check_laws, event, hour, hours, placed, total};

/// A body of each stage, one that is neutral, and an outcome.
fn body(number: usize) -> EventBody {
    match number {
        0 => NeedIdentified { category: None }.into(),
        1 => ProductViewed {}.into(),
        2 => placed(5, &["tea"], None).into(),
        3 => Delivered {}.into(),
        4 => MessageSent { campaign: None }.into(),
        _ => OrderCancelled { reason: None }.into(),
    }
}

/// An event of a journey, whose order is named where its kind has one.
fn step(number: usize, customer: &str, journey: Option<&str>, at: Timestamp, of: usize) -> JourneyEvent {
    let mut event = event(number, customer, at, body(of));
    event.journey = journey.map(|key| JourneyKey::new(key).unwrap());
    if matches!(of, 2 | 5) {
        event.tags = [Tag::order(format!("o{number}")).unwrap()].into();
    }
    event
}

fn report(events: &[JourneyEvent]) -> Vec<StageReport> {
    let measure = StageDurations::new();
    measure.report(&total(&measure, events))
}

#[test]
fn time_is_the_sum_of_visits_and_a_step_back_is_one() {
    let way = [(0, 0), (1, 2), (0, 3), (1, 7), (4, 8), (2, 10), (5, 11)];
    let mut events: Vec<_> =
        way.iter().map(|(of, at)| step(*at, "c1", Some("j1"), hour(*at as i64), *of)).collect();
    events.push(step(100, "c1", Some("j2"), hour(0), 4));
    events.push(step(101, "c1", None, hour(1), 0));
    let found = report(&events);
    let [all] = &found[..] else { panic!("{found:?}") };
    assert_eq!((all.segment.as_deref(), all.journeys), (None, 2));
    let row = |stage: Stage| all.stages.iter().find(|row| row.stage == stage).unwrap();
    let times = |stage: Stage| row(stage).time.map(|time| time.median);
    assert_eq!(times(Stage::Need), Some(hours(2) + hours(4)));
    assert_eq!(times(Stage::Information), Some(hours(1) + hours(3)));
    assert_eq!(times(Stage::Decision), None, "it goes on");
    assert_eq!((row(Stage::Need).visits, row(Stage::Need).entered), (2, 1));
    assert_eq!((row(Stage::Decision).came_no_further, row(Stage::Decision).here_now), (1, 1));
    assert_eq!((row(Stage::Need).drop_off, row(Stage::Decision).drop_off), (Some(0.0), Some(100.0)));
    assert_eq!(row(Stage::Delivery).drop_off, None);
    let back: Vec<_> = all.steps_back.iter().map(|step| (step.from, step.to, step.times)).collect();
    assert_eq!(back, [(Stage::Information, Stage::Need, 1)]);
}

/// What the views of customers say of all journeys.
#[derive(Default)]
struct Viewed {
    journeys: u64,
    steps_back: u64,
    stages: BTreeMap<Stage, ViewedStage>,
}

#[derive(Default, Clone)]
struct ViewedStage {
    entered: u64,
    visits: u64,
    furthest: u64,
    /// In order.
    times: Vec<Span>,
}

fn viewed(events: &[JourneyEvent]) -> Viewed {
    let mut fold = Fold::new(&ProjectionSet::new(Rules::default()).unwrap());
    assert!(fold.apply(&[EventBatch::from_events(events).unwrap()]).refolds.is_empty());
    let views = fold.customers().into_iter().map(|key| fold.view(&key, Timestamp::MAX).unwrap().unwrap());
    let mut viewed = Viewed::default();
    for journey in views.flat_map(|view: CustomerView| view.journeys.journeys) {
        viewed.journeys += 1;
        viewed.steps_back += u64::from(journey.steps_back);
        let entered = journey.stages.iter().filter(|stage| stage.visits > 0);
        let furthest = entered.clone().map(|stage| stage.stage).max();
        for stage in entered {
            let row = viewed.stages.entry(stage.stage).or_default();
            row.entered += 1;
            row.visits += u64::from(stage.visits);
            row.furthest += u64::from(furthest == Some(stage.stage));
            if stage.visits > u32::from(journey.stage == Some(stage.stage)) {
                row.times.push(stage.ended_visits_us);
            }
        }
    }
    viewed.stages.values_mut().for_each(|row| row.times.sort_unstable());
    viewed
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn stages_are_those_of_the_views(steps in vec((0_usize..4, 0_usize..3, 0_usize..6, 0_i64..40), 0..60)) {
        let events: Vec<_> = steps
            .iter()
            .enumerate()
            .map(|(number, (customer, journey, of, at))| {
                let key = (*journey > 0).then(|| format!("j{journey}"));
                step(number, &format!("c{customer}"), key.as_deref(), hour(*at), *of)
            })
            .collect();
        let found = report(&events);
        let expected = viewed(&events);
        prop_assert_eq!(found.len(), usize::from(expected.journeys > 0));
        for all in &found {
            prop_assert_eq!(all.journeys, expected.journeys);
            prop_assert_eq!(all.steps_back.iter().map(|step| step.times).sum::<u64>(), expected.steps_back);
            for row in &all.stages {
                let expected = expected.stages.get(&row.stage).cloned().unwrap_or_default();
                prop_assert_eq!(
                    (row.entered, row.visits, row.came_no_further),
                    (expected.entered, expected.visits, expected.furthest)
                );
                let median = (expected.times.len() * 5).div_ceil(10).checked_sub(1);
                prop_assert_eq!(row.time.map(|time| time.median), median.map(|place| expected.times[place]));
            }
        }
        check_laws(&StageDurations::new(), &events, |total| StageDurations::new().report(total));
    }
}

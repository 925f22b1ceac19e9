//! The journey map: a worked cell, and many journeys beside plain loops.

use std::collections::{BTreeMap, BTreeSet};

use proptest::collection::vec;
use proptest::prelude::*;
use wayfold_core::{
    Channel, EventBody, FeedbackClassified, FeedbackGiven, Instrument, JourneyEvent, JourneyKey,
    ProductViewed, ProfileChanged, Sentiment, Shipped, Span, Stage, SurveyAnswered, Tag, TouchpointReached,
};
use wayfold_insight::{Activity, Confidence, JourneyMap, JourneyMapReport, SatisfactionMethod};

use super::made::{check_laws, event, hour, total};

fn map() -> JourneyMap {
    JourneyMap::new(SatisfactionMethod::Csat)
}

fn report(map: &JourneyMap, events: &[JourneyEvent]) -> JourneyMapReport {
    map.report(&total(map, events), Confidence::P95).unwrap()
}

fn touched(dwell_ms: Option<i64>, load_ms: Option<i64>, error: bool) -> EventBody {
    TouchpointReached { content: None, dwell_ms, load_ms, error: error.then(|| "404".to_owned()) }.into()
}

fn answered(instrument: Instrument, score: i64) -> EventBody {
    SurveyAnswered { instrument, dimension: None, score }.into()
}

fn given(sentiment: Option<Sentiment>) -> EventBody {
    FeedbackGiven { theme: None, sentiment }.into()
}

#[test]
fn a_cell_says_how_often_how_long_and_how_it_feels() {
    let bodies = [
        ProductViewed {}.into(),
        touched(Some(2_000), Some(300), false),
        touched(Some(4_000), None, true),
        answered(Instrument::Csat, 5),
        answered(Instrument::Csat, 2),
        answered(Instrument::Nps, 9),
        given(Some(Sentiment::Positive)),
        given(None),
        FeedbackClassified { theme: None, sentiment: Some(Sentiment::Negative) }.into(),
        ProfileChanged {}.into(),
    ];
    let made = |(number, body): (usize, EventBody)| {
        let made = event(number, "ada", hour(number as i64), body).with_channel(Channel::Web);
        made.with_journey(JourneyKey::new("j").unwrap())
    };
    let events: Vec<_> = bodies.into_iter().enumerate().map(made).collect();
    let found = report(&map(), &events);
    let [cell] = &found.cells[..] else { panic!("{found:?}") };
    assert_eq!((cell.stage, cell.touchpoint.as_deref()), (Some(Stage::Information), Some("web")));
    assert_eq!((cell.contacts, cell.customers, cell.errors), (5, 1, 1));
    assert_eq!(cell.time_spent, Span::from_micros(6_000_000));
    assert_eq!(
        (cell.dwell.unwrap().median, cell.load.unwrap().mean),
        (Span::from_micros(2_000_000), Span::from_micros(300_000))
    );
    let score = cell.satisfaction.unwrap();
    assert_eq!((score.answers, score.value), (2, 50.0));
    let feeling = cell.feeling.as_ref().unwrap();
    assert_eq!((feeling.positive, feeling.negative, feeling.value), (1, 1, 0.0));
    assert!(feeling.interval.unwrap().low < 0.0);
    assert_eq!(found.worst(2), Some(cell));
    assert_eq!(found.worst(3), None);
    assert!(
        found.semantics.starts_with("journey map by stage and Channel; satisfaction by Csat"),
        "{}",
        found.semantics
    );

    let by_kind = report(&map().named_by(Activity::Kind), &events);
    let names: Vec<_> = by_kind.cells.iter().filter_map(|cell| cell.touchpoint.as_deref()).collect();
    assert_eq!(names, ["feedback_given", "product_viewed", "survey_answered", "touchpoint_reached"]);
}

/// Contacts that move journeys or do not, answers and feedback, on channels and without one.
fn events() -> impl Strategy<Value = Vec<JourneyEvent>> {
    vec((0..4_usize, 0..6_usize, 0..3_usize, 1..6_i64, 0..400_i64), 0..50).prop_map(|all| {
        let one =
            |(number, (customer, of, channel, score, time)): (usize, (usize, usize, usize, i64, i64))| {
                let sentiment = Sentiment::ALL.get(score as usize % 4).copied();
                let body = match of {
                    0 => ProductViewed {}.into(),
                    1 => Shipped { promised_at: None }.into(),
                    2 => touched((score > 2).then_some(score * 1_000), None, score == 5),
                    3 => answered(Instrument::Csat, score),
                    4 => given(sentiment),
                    _ => FeedbackClassified { theme: None, sentiment }.into(),
                };
                let mut made = event(
                    number,
                    &format!("c{customer}"),
                    hour(time) + Span::from_micros(number as i64),
                    body,
                );
                made.channel = [Some(Channel::Web), Some(Channel::Store), None][channel];
                if score > 1 {
                    made = made.with_journey(JourneyKey::new("j").unwrap());
                }
                if of > 3 {
                    made = made.with_tag(Tag::new("feedback", channel.to_string()).unwrap());
                }
                if of == 2 && channel == 0 && score == 4 {
                    made = made.with_stage(Stage::Need);
                }
                made
            };
        all.into_iter().enumerate().map(one).collect()
    })
}

#[derive(Debug, Default, PartialEq)]
struct Plain {
    contacts: u64,
    customers: BTreeSet<String>,
    errors: u64,
    dwell: i64,
    answers: u64,
    pleased: u64,
    feelings: [u64; 3],
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn the_map_is_that_of_plain_loops(events in events()) {
        let mut sorted: Vec<&JourneyEvent> = events.iter().collect();
        sorted.sort_by_key(|event| event.occurred_at.instant());
        let mut cells: BTreeMap<(Option<Stage>, Option<&str>), Plain> = BTreeMap::new();
        for (place, event) in sorted.iter().enumerate() {
            let of_same = |before: &&&JourneyEvent| before.customer == event.customer && before.journey == event.journey;
            let moved = sorted[..place].iter().rev().filter(of_same).find(|before| before.kind().moves_stage());
            let moved = moved.filter(|_| event.journey.is_some()).and_then(|before| before.kind().stage());
            let stage = event.kind().stage().or(event.stage).or(moved);
            let place_of = (stage, event.channel.map(|channel| channel.as_str()));
            let customer = event.customer.customer.to_string();
            match &event.body {
                EventBody::FeedbackClassified(_) => continue,
                EventBody::SurveyAnswered(body) => {
                    let cell = cells.entry(place_of).or_default();
                    cell.answers += 1;
                    cell.pleased += u64::from(body.score >= 4);
                    cell.customers.insert(customer);
                    continue;
                }
                _ => {}
            }
            let cell = cells.entry(place_of).or_default();
            cell.contacts += 1;
            cell.customers.insert(customer);
            if let EventBody::TouchpointReached(body) = &event.body {
                cell.errors += u64::from(body.error.is_some());
                cell.dwell += body.dwell_ms.unwrap_or_default();
            }
            // A feedback is counted where it was first given, with the feeling that was told last.
            let about = |other: &&&JourneyEvent| other.customer == event.customer && other.tags == event.tags;
            let given = |other: &&&JourneyEvent| matches!(other.body, EventBody::FeedbackGiven(_));
            if given(&event) && !sorted[..place].iter().filter(given).any(|other| about(&other)) {
                let told = sorted.iter().rev().filter(about).find_map(|other| match &other.body {
                    EventBody::FeedbackGiven(body) => body.sentiment,
                    EventBody::FeedbackClassified(body) => body.sentiment,
                    _ => None,
                });
                if let Some(told) = told {
                    cell.feelings[Sentiment::ALL.iter().position(|of| *of == told).unwrap()] += 1;
                }
            }
        }
        let found = report(&map(), &events);
        prop_assert_eq!(found.cells.len(), cells.len());
        for (cell, ((stage, touchpoint), expected)) in found.cells.iter().zip(cells) {
            prop_assert_eq!((cell.stage, cell.touchpoint.as_deref()), (stage, touchpoint));
            prop_assert_eq!(
                (cell.contacts, cell.customers, cell.errors),
                (expected.contacts, expected.customers.len() as u64, expected.errors)
            );
            prop_assert_eq!(cell.time_spent, Span::from_micros(expected.dwell * 1_000));
            let score = cell.satisfaction.map(|score| (score.answers, score.value));
            let share = 100.0 * (expected.pleased as f64 / expected.answers as f64);
            prop_assert_eq!(score, (expected.answers > 0).then_some((expected.answers, share)));
            let feelings = cell.feeling.as_ref().map_or([0; 3], |of| [of.negative, of.neutral, of.positive]);
            prop_assert_eq!(feelings, expected.feelings);
        }
        let by_customer = map().by_segment(|history| Some(history.customer().1.to_owned()));
        check_laws(&by_customer, &events, |total| by_customer.report(total, Confidence::P95));
    }
}

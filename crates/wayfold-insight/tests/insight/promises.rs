//! Promises beside plain loops, and a worked case.

use proptest::collection::vec;
use proptest::prelude::*;
use wayfold_core::{
    Channel, Delivered, EventBody, Instrument, JourneyEvent, OrderCancelled, Shipped, Span, SurveyAnswered,
    Tag,
};
use wayfold_insight::{Confidence, PromiseBy, Promises};

use super::made::{check_laws, event, hour, hours, placed, total};

fn answered(score: i64) -> SurveyAnswered {
    SurveyAnswered { instrument: Instrument::Csat, dimension: None, score }
}

fn measure() -> Promises {
    Promises::new(Instrument::Csat, hours(20))
        .by_segment(|history| Some(history.customer().1[..1].to_owned()))
}

/// An order that is promised for an hour, and what follows it.
fn order(
    first: usize,
    customer: &str,
    channel: Channel,
    promised: i64,
    then: Vec<(i64, EventBody)>,
) -> Vec<JourneyEvent> {
    let body: EventBody = placed(9, &[], Some(hour(promised))).into();
    let all = std::iter::once((0, body)).chain(then);
    let one = |(place, (time, body)): (usize, (i64, EventBody))| {
        let about_order = !matches!(body, EventBody::SurveyAnswered(_));
        let event = event(first + place, customer, hour(time), body).with_channel(channel);
        if about_order { event.with_tag(Tag::order(first.to_string()).unwrap()) } else { event }
    };
    all.enumerate().map(one).collect()
}

#[test]
fn promises_are_told_apart_by_channel_and_segment() {
    let again =
        |number| event(number, "b1", hour(50), placed(3, &[], None)).with_tag(Tag::order("again").unwrap());
    let mut events =
        order(0, "a1", Channel::Web, 10, vec![(10, Delivered {}.into()), (12, answered(5).into())]);
    events.extend(order(
        10,
        "a2",
        Channel::Web,
        10,
        vec![(14, Delivered {}.into()), (40, answered(1).into())],
    ));
    events.extend(order(
        20,
        "a3",
        Channel::Web,
        10,
        vec![(11, Shipped { promised_at: Some(hour(30)) }.into())],
    ));
    events.extend(order(
        30,
        "b1",
        Channel::Store,
        10,
        vec![(40, Delivered {}.into()), (41, answered(2).into())],
    ));
    events.extend(order(40, "b2", Channel::Store, 10, vec![(2, OrderCancelled { reason: None }.into())]));
    events.push(again(50));

    let (measure, found) = (measure(), total(&measure(), &events));
    let rows = |by, time| -> Vec<_> {
        let rows = measure.report(&found, by, hour(time), Confidence::P95);
        rows.into_iter().map(|row| (row.channel, row.segment, row.kept, row.broken, row.pending)).collect()
    };
    assert_eq!(rows(PromiseBy::All, 30), [(None, None, 1, 2, 1)]);
    assert_eq!(
        rows(PromiseBy::Channel, 31),
        [(Some(Channel::Web), None, 1, 2, 0), (Some(Channel::Store), None, 0, 1, 0)]
    );
    assert_eq!(rows(PromiseBy::Segment, 31)[1], (None, Some("b".to_owned()), 0, 1, 0));
    assert_eq!(rows(PromiseBy::ChannelAndSegment, 31).len(), 2);
    let all = &measure.report(&found, PromiseBy::All, hour(31), Confidence::P95)[0];
    assert_eq!(
        (all.on_time.unwrap().0, all.late_mean, all.late_p90),
        (25.0, Some(hours(17)), Some(hours(30)))
    );

    let effect = measure.effect(&found, hour(60), Confidence::P95);
    // The answer 26 hours after the late delivery is no answer to it.
    assert_eq!((effect.kept.mean_score, effect.broken.mean_score), (Some(5.0), Some(2.0)));
    assert_eq!(effect.score_difference, Some((3.0, None)));
    assert_eq!((effect.kept.observed, effect.broken.observed, effect.broken.bought_again), (1, 3, 1));
    assert_eq!(effect.repeat_difference.unwrap().0.round(), -33.0);
    assert_eq!(measure.effect(&found, hour(9), Confidence::P95).repeat_difference, None);
}

fn random() -> impl Strategy<Value = Vec<JourneyEvent>> {
    vec((0..4_usize, 0..3_usize, 0..5_usize, 0..60_i64, 0..60_i64), 0..40).prop_map(|all| {
        let mut events = Vec::new();
        for (number, (customer, order, kind, time, promised)) in all.into_iter().enumerate() {
            let body: EventBody = match kind {
                0 => Delivered {}.into(),
                1 => answered(promised % 5 + 1).into(),
                2 => OrderCancelled { reason: None }.into(),
                _ => placed(9, &[], Some(hour(promised))).into(),
            };
            let is_order = kind != 1;
            let made =
                event(number, &format!("c{customer}"), hour(time) + Span::from_micros(number as i64), body);
            let made = made.with_channel(Channel::ALL[number % 3]);
            events.push(if is_order {
                made.with_tag(Tag::order(format!("{customer}-{order}")).unwrap())
            } else {
                made
            });
        }
        events
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn promises_are_those_of_plain_loops(events in random(), as_of in 0..90_i64) {
        let mut sorted: Vec<&JourneyEvent> = events.iter().collect();
        sorted.sort_by_key(|event| event.occurred_at.instant());
        let of_order = |order: &Tag, is: &dyn Fn(&EventBody) -> bool| {
            sorted.iter().find(|event| event.tags.contains(order) && is(&event.body)).map(|event| event.occurred_at.instant())
        };
        let is_placed = |body: &EventBody| matches!(body, EventBody::OrderPlaced(_));
        let is_cancelled = |body: &EventBody| matches!(body, EventBody::OrderCancelled(_));
        let orders: std::collections::BTreeSet<&Tag> = sorted.iter().flat_map(|event| &event.tags).collect();
        let (mut counts, mut late, mut observed, mut again) = ([0_u64; 3], Vec::new(), [0_u64; 2], [0_u64; 2]);
        let mut scores = [Vec::new(), Vec::new()];
        for order in &orders {
            if of_order(order, &is_cancelled).is_some() {
                continue;
            }
            let Some(placed) = sorted.iter().find(|event| event.tags.contains(*order) && is_placed(&event.body)) else { continue };
            let EventBody::OrderPlaced(body) = &placed.body else { unreachable!() };
            let promised = body.promised_at.unwrap();
            let delivered = of_order(order, &|body| matches!(body, EventBody::Delivered(_)));
            let ended = match delivered {
                Some(at) if at <= promised => 0,
                Some(at) => {
                    late.push(at.since(promised).as_micros());
                    1
                }
                None if hour(as_of) > promised => 1,
                None => 2,
            };
            counts[ended] += 1;
            if ended == 2 {
                continue;
            }
            let from = delivered.unwrap_or(promised);
            let theirs: Vec<_> = sorted.iter().filter(|event| event.customer == placed.customer).collect();
            let answer = theirs.iter().find(|event| {
                matches!(event.body, EventBody::SurveyAnswered(_)) && event.occurred_at.instant() >= from
            });
            if let Some(EventBody::SurveyAnswered(body)) = answer.filter(|event| event.occurred_at.instant().since(from) <= hours(20)).map(|event| &event.body) {
                scores[ended].push(body.score);
            }
            if from + hours(20) <= hour(as_of) {
                observed[ended] += 1;
                let firsts = orders.iter().filter(|other| of_order(other, &is_cancelled).is_none());
                let bought = firsts.filter_map(|other| sorted.iter().find(|event| event.tags.contains(*other) && is_placed(&event.body)));
                let soon = |event: &&&&JourneyEvent| {
                    let gap = event.occurred_at.instant().since(from);
                    event.customer == placed.customer && gap > Span::ZERO && gap <= hours(20)
                };
                again[ended] += u64::from(bought.filter(|event| soon(&event)).count() > 0);
            }
        }
        let (measure, found) = (measure(), total(&measure(), &events));
        let rows = measure.report(&found, PromiseBy::All, hour(as_of), Confidence::P95);
        let told = rows.first().map_or([0; 3], |row| [row.kept, row.broken, row.pending]);
        prop_assert_eq!(told, counts);
        late.sort_unstable();
        let median = (!late.is_empty()).then(|| Span::from_micros(late[late.len().div_ceil(2) - 1]));
        prop_assert_eq!(rows.first().and_then(|row| row.late_median), median);
        let by_channel = measure.report(&found, PromiseBy::Channel, hour(as_of), Confidence::P95);
        prop_assert_eq!(by_channel.iter().map(|row| row.broken).sum::<u64>(), counts[1]);
        let effect = measure.effect(&found, hour(as_of), Confidence::P95);
        prop_assert_eq!([effect.kept.observed, effect.broken.observed], observed);
        prop_assert_eq!([effect.kept.bought_again, effect.broken.bought_again], again);
        for (after, mut scores) in [&effect.kept, &effect.broken].into_iter().zip(scores) {
            scores.sort_unstable();
            let told: Vec<i64> = after.answers.iter().flat_map(|(score, times)| vec![score; times as usize]).collect();
            prop_assert_eq!(told, scores);
        }
    }

    #[test]
    fn promises_keep_the_laws(events in random(), as_of in 0..90_i64) {
        let measure = measure();
        check_laws(&measure, &events, |total| {
            let rows = measure.report(total, PromiseBy::ChannelAndSegment, hour(as_of), Confidence::P95);
            (rows, measure.effect(total, hour(as_of), Confidence::P95))
        });
    }
}

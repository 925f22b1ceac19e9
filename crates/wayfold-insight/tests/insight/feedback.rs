//! Satisfaction by what it is about, tickets in business hours, the feedback loop, and shifts of needs.

use std::collections::{BTreeMap, BTreeSet};

use chrono_tz::Tz;
use proptest::collection::vec;
use proptest::prelude::*;
use wayfold_core::{
    Channel, DemoAttended, EventBody, FeedbackAnswered, FeedbackClassified, FeedbackGiven,
    FeedbackResultTold, FeedbackUsed, Instrument, JourneyEvent, JourneyKey, NeedIdentified, Priority,
    Sentiment, Shipped, Span, Stage, SurveyAnswered, Tag, TicketAnswered, TicketOpened, TicketReopened,
    TicketResolved, Timestamp,
};
use wayfold_insight::{
    BucketUnit, BusinessHours, Calendar, Confidence, ErrorKind, FeedbackLoop, FeedbackState, FeedbackTotal,
    Needs, Satisfaction, SatisfactionBy, SatisfactionMethod, ServiceLevel, Tickets, Weekday,
};

use super::made::{at, check_laws, event, hour, hours, total};

fn weeks() -> Calendar {
    Calendar::new(Tz::UTC, BucketUnit::Week)
}

fn satisfaction() -> Satisfaction {
    Satisfaction::new(SatisfactionMethod::Csat, weeks())
        .by_segment(|history| Some(history.customer().1.to_owned()))
}

fn answered(dimension: usize, score: i64) -> SurveyAnswered {
    let dimension = ["product", "speed"].get(dimension).map(|name| (*name).to_owned());
    SurveyAnswered { instrument: Instrument::Csat, dimension, score }
}

/// Answers on three channels, with and without a dimension, in journeys that move on.
fn answers() -> impl Strategy<Value = Vec<JourneyEvent>> {
    vec((0..4_usize, 0..5_usize, 0..4_usize, 1..6_i64, 0..600_i64), 0..50).prop_map(|all| {
        let one =
            |(number, (customer, kind, channel, score, time)): (usize, (usize, usize, usize, i64, i64))| {
                let body: EventBody = match kind {
                    0 => DemoAttended {}.into(),
                    1 => Shipped { promised_at: None }.into(),
                    kind => answered(kind - 2, score).into(),
                };
                let mut made = event(
                    number,
                    &format!("c{customer}"),
                    hour(time) + Span::from_micros(number as i64),
                    body,
                );
                made.channel =
                    [Some(Channel::Web), Some(Channel::Store), Some(Channel::Phone), None][channel];
                if score > 1 {
                    made = made.with_journey(JourneyKey::new("j").unwrap());
                }
                if kind == 4 && channel == 0 {
                    made = made.with_stage(Stage::Need);
                }
                made
            };
        all.into_iter().enumerate().map(one).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn satisfaction_is_that_of_plain_loops(events in answers(), which in 0..32_usize) {
        use SatisfactionBy::{Channel as ByChannel, Dimension, Period, Segment, Stage as ByStage};
        let all = [Dimension, Period, ByChannel, ByStage, Segment];
        let by: Vec<_> = (0..5).filter(|place| which & (1 << place) > 0).map(|place| all[place]).collect();
        let mut sorted: Vec<&JourneyEvent> = events.iter().collect();
        sorted.sort_by_key(|event| event.occurred_at.instant());
        let mut cells: BTreeMap<_, (u64, u64)> = BTreeMap::new();
        for (place, event) in sorted.iter().enumerate() {
            let EventBody::SurveyAnswered(body) = &event.body else { continue };
            let moved = sorted[..place].iter().rev().find(|before| {
                before.customer == event.customer && before.journey == event.journey && before.kind().moves_stage()
            });
            let in_journey = moved.filter(|_| event.journey.is_some()).and_then(|before| before.kind().stage());
            let week = event.occurred_at.instant().since(at("2024-03-04")).whole_days() / 7;
            let asked = |wanted| by.contains(&wanted);
            let cell = (
                body.dimension.clone().filter(|_| asked(Dimension)), asked(Period).then_some(week),
                event.channel.filter(|_| asked(ByChannel)), event.stage.or(in_journey).filter(|_| asked(ByStage)),
                asked(Segment).then(|| event.customer.customer.to_string()),
            );
            let counts = cells.entry(cell).or_default();
            counts.0 += 1;
            counts.1 += u64::from(body.score >= 4);
        }
        let found = satisfaction().report(&total(&satisfaction(), &events), &by, Confidence::P95).unwrap();
        let told: Vec<_> = found.iter().map(|row| {
            let week = row.period.map(|day| (day - chrono_day("2024-03-04")).num_days() / 7);
            ((row.dimension.clone(), week, row.channel, row.stage, row.segment.clone()), row.score.answers, row.score.value)
        }).collect();
        let expected: Vec<_> = cells.into_iter()
            .map(|(cell, (answers, pleased))| (cell, answers, 100.0 * (pleased as f64 / answers as f64))).collect();
        prop_assert_eq!(told, expected);
    }

    #[test]
    fn satisfaction_keeps_the_laws(events in answers()) {
        use SatisfactionBy::{Channel as ByChannel, Dimension, Period, Segment, Stage as ByStage};
        check_laws(&satisfaction(), &events, |total| {
            satisfaction().report(total, &[Dimension, Period, ByChannel, ByStage, Segment], Confidence::P95)
        });
    }
}

fn chrono_day(date: &str) -> chrono::NaiveDate {
    date.parse().unwrap()
}

#[test]
fn the_worst_cell_is_named_and_channels_are_compared() {
    let mut events = Vec::new();
    for (number, (channel, dimension, score)) in [
        (Channel::Web, 0, 5),
        (Channel::Web, 0, 4),
        (Channel::Web, 1, 5),
        (Channel::Store, 0, 5),
        (Channel::Store, 1, 2),
        (Channel::Store, 1, 1),
        (Channel::Phone, 1, 1),
    ]
    .into_iter()
    .enumerate()
    {
        events.push(
            event(number, "ada", hour(number as i64), answered(dimension, score)).with_channel(channel),
        );
    }
    let (measure, found) = (satisfaction(), total(&satisfaction(), &events));
    let by = [SatisfactionBy::Dimension, SatisfactionBy::Channel];
    let worst = measure.worst(&found, &by, 2, Confidence::P95).unwrap().unwrap();
    assert_eq!(
        (worst.channel, worst.dimension.as_deref(), worst.score.value),
        (Some(Channel::Store), Some("speed"), 0.0)
    );
    let consistency = measure.consistency(&found, 2, Confidence::P95).unwrap().unwrap();
    assert!((consistency.spread - 200.0 / 3.0).abs() < 1e-9);
    assert_eq!(
        (consistency.best.channel, consistency.worst.channel),
        (Some(Channel::Web), Some(Channel::Store))
    );
    assert_eq!(measure.consistency(&found, 4, Confidence::P95), Ok(None));
    assert_eq!(measure.worst(&found, &by, 9, Confidence::P95), Ok(None));
}

fn office() -> BusinessHours {
    let week = vec![Weekday::Mon, Weekday::Tue, Weekday::Wed, Weekday::Thu, Weekday::Fri];
    let holidays = BTreeSet::from([chrono_day("2024-03-07")]);
    BusinessHours::new("Europe/Berlin", week, 9 * 60..17 * 60, holidays).unwrap()
}

/// Minutes are looked at one by one, of weeks without a change of clocks.
fn open_minutes(from: i64, to: i64) -> i64 {
    let is_open = |minute: &i64| {
        // Berlin is an hour ahead of UTC; 4 March 2024 was a Monday and the 7th a holiday.
        let local = minute + 60;
        let (day, of_day) = (local.div_euclid(24 * 60), local.rem_euclid(24 * 60));
        day.rem_euclid(7) < 5 && day != 3 && (9 * 60..17 * 60).contains(&of_day)
    };
    (from..to).filter(is_open).count() as i64
}

fn minute(number: i64) -> Timestamp {
    hour(0) + Span::from_micros(number * 60_000_000)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn business_hours_are_those_of_counting_minutes(from in -3_000..18_000_i64, length in -100..15_000_i64) {
        let found = office().between(minute(from), minute(from + length));
        prop_assert_eq!(found.as_micros(), open_minutes(from, from + length) * 60_000_000);
    }
}

#[test]
fn business_hours_know_changed_clocks_and_refuse_nonsense() {
    let night = BusinessHours::new("Europe/Berlin", vec![Weekday::Sun], 0..24 * 60, BTreeSet::new()).unwrap();
    let day = |from: &str, to: &str| night.between(at(from), at(to));
    // The last Sunday of March has 23 hours there, and that of October 25.
    assert_eq!(day("2024-03-30T12:00:00Z", "2024-04-01T12:00:00Z"), hours(23));
    assert_eq!(day("2024-10-26T12:00:00Z", "2024-10-28T12:00:00Z"), hours(25));
    assert_eq!(day("2024-10-28T12:00:00Z", "2024-10-26T12:00:00Z"), Span::ZERO);
    for (zone, week, open) in [
        ("Berlin", vec![Weekday::Mon], 0..60),
        ("Europe/Berlin", vec![], 0..60),
        ("Europe/Berlin", vec![Weekday::Mon], 60..60),
        ("Europe/Berlin", vec![Weekday::Mon], 0..1_441),
    ] {
        assert!(BusinessHours::new(zone, week, open, BTreeSet::new()).is_err());
    }
    let text = serde_json::to_string(&office()).unwrap();
    assert_eq!(serde_json::from_str::<BusinessHours>(&text).unwrap(), office());
}

fn tickets() -> Tickets {
    let level = |priority, answer, resolve| ServiceLevel {
        priority,
        answer_within: hours(answer),
        resolve_within: hours(resolve),
    };
    Tickets::new(office(), vec![level(None, 4, 16), level(Some(Priority::Urgent), 1, 4)])
}

fn opened(priority: Option<Priority>) -> TicketOpened {
    TicketOpened { ticket_kind: None, priority }
}

fn ticket(number: usize, name: &str, minutes: i64, body: impl Into<EventBody>) -> JourneyEvent {
    event(number, name, minute(minutes), body).with_tag(Tag::new("ticket", name).unwrap())
}

#[test]
fn tickets_are_held_against_their_level_in_business_hours() {
    // In minutes from Monday 01:00 in Berlin; the business opens 480 later.
    let day = 24 * 60;
    let events = [
        ticket(0, "c1", 0, opened(None)),
        ticket(1, "c1", 480 + 60, TicketAnswered {}),
        ticket(2, "c1", 480 + 120, TicketResolved {}),
        ticket(3, "c1", day + 480, TicketReopened {}),
        ticket(4, "c1", day + 480 + 180, TicketResolved {}),
        ticket(5, "c2", 480, opened(Some(Priority::Low))),
        ticket(6, "c3", 480, opened(Some(Priority::Urgent))),
        ticket(7, "c3", day + 480 + 1, TicketResolved {}),
        ticket(8, "c4", 0, TicketAnswered {}),
    ];
    let found = total(&tickets(), &events);
    let rows = tickets().report(&found, minute(480 + 4 * 60), Confidence::P95);
    let told: Vec<_> = rows.iter().map(|row| (row.priority, row.tickets, row.open, row.reopened)).collect();
    assert_eq!(told, [(None, 1, 0, 1), (Some(Priority::Low), 1, 1, 0), (Some(Priority::Urgent), 1, 0, 0)]);
    let (answered, resolved) = (rows[0].answered.as_ref().unwrap(), rows[0].resolved.as_ref().unwrap());
    assert_eq!(
        (answered.in_time.0, answered.median, resolved.median),
        (100.0, Some(hours(1)), Some(hours(5)))
    );
    assert_eq!(rows[1].answered, None, "it may still be answered in time");
    let urgent = rows[2].answered.as_ref().unwrap();
    assert_eq!(
        (urgent.in_time.0, urgent.median, urgent.overdue),
        (0.0, Some(minute(481).since(minute(0))), 0)
    );

    let overdue = |minutes| {
        tickets().overdue(&found, minute(minutes)).iter().map(|of| of.ticket.clone()).collect::<Vec<_>>()
    };
    assert_eq!(overdue(480 + 4 * 60), Vec::<String>::new());
    assert_eq!(overdue(480 + 4 * 60 + 1), ["c2"]);
    let later = tickets().report(&found, minute(480 + 4 * 60 + 1), Confidence::P95);
    assert_eq!(
        later[1].answered.as_ref().map(|row| (row.in_time.0, row.overdue, row.median)),
        Some((0.0, 1, None))
    );
    let without_levels = Tickets::new(office(), vec![]);
    assert_eq!(without_levels.report(&found, minute(9_000), Confidence::P95)[0].answered, None);
    assert!(without_levels.overdue(&found, minute(9_000)).is_empty());
}

fn random_tickets() -> impl Strategy<Value = Vec<JourneyEvent>> {
    vec((0..4_usize, 0..2_usize, 0..4_usize, 0..15_000_i64), 0..50).prop_map(|all| {
        let one = |(number, (customer, name, kind, time)): (usize, (usize, usize, usize, i64))| {
            let body: EventBody = match kind {
                0 => opened(None).into(),
                1 => TicketAnswered {}.into(),
                2 => TicketResolved {}.into(),
                _ => TicketReopened {}.into(),
            };
            // No two at one instant.
            let made = event(number, &format!("c{customer}"), minute(time * 50 + number as i64), body);
            made.with_tag(Tag::new("ticket", format!("t{customer}{name}")).unwrap())
        };
        all.into_iter().enumerate().map(one).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Whatever is open at a minute is counted minute by minute; weeks are as the one above, without its holiday.
    #[test]
    fn tickets_are_those_of_plain_loops(events in random_tickets()) {
        let week = vec![Weekday::Mon, Weekday::Wed];
        let all_day = BusinessHours::new("UTC", week, 0..24 * 60, BTreeSet::new()).unwrap();
        let measure = Tickets::new(all_day, tickets_levels());
        let mut sorted: Vec<&JourneyEvent> = events.iter().collect();
        sorted.sort_by_key(|event| event.occurred_at.instant());
        let mut by_ticket: BTreeMap<&Tag, Vec<&JourneyEvent>> = BTreeMap::new();
        sorted.iter().for_each(|event| by_ticket.entry(event.tags.first().unwrap()).or_default().push(event));
        let minutes = |event: &JourneyEvent| event.occurred_at.instant().since(hour(0)).as_micros() / 60_000_000;
        let business = |from: i64, to: i64| -> i64 {
            let days = from.div_euclid(1_440)..=to.div_euclid(1_440);
            days.filter(|day| [0, 2].contains(&day.rem_euclid(7)))
                .map(|day| (to.min(day * 1_440 + 1_440) - from.max(day * 1_440)).max(0)).sum()
        };
        let (mut times, mut open) = (Vec::new(), 0);
        for events in by_ticket.into_values() {
            let Some(first) = events.iter().position(|event| matches!(event.body, EventBody::TicketOpened(_))) else { continue };
            let (mut since, mut sum) = (Some(minutes(events[first])), 0);
            for event in &events[first..] {
                match (&event.body, since) {
                    (EventBody::TicketResolved(_), Some(from)) => {
                        sum += business(from, minutes(event));
                        since = None;
                    }
                    (EventBody::TicketReopened(_), None) => since = Some(minutes(event)),
                    _ => {}
                }
            }
            if since.is_some() { open += 1 } else { times.push(sum) }
        }
        times.sort_unstable();
        let rows = measure.report(&total(&measure, &events), hour(0), Confidence::P95);
        let median = (!times.is_empty()).then(|| minute(times[times.len().div_ceil(2) - 1]).since(minute(0)));
        prop_assert_eq!(rows.first().map_or(0, |row| row.open), open);
        prop_assert_eq!(rows.first().and_then(|row| row.resolved.as_ref()?.median), median);
    }

    #[test]
    fn tickets_keep_the_laws(events in random_tickets()) {
        check_laws(&tickets(), &events, |total| tickets().report(total, minute(400_000), Confidence::P95));
    }
}

fn tickets_levels() -> Vec<ServiceLevel> {
    vec![ServiceLevel { priority: None, answer_within: hours(1), resolve_within: hours(1) }]
}

fn random_feedback() -> impl Strategy<Value = Vec<JourneyEvent>> {
    vec((0..4_usize, 0..3_usize, 0..5_usize, 0..90_i64), 0..50).prop_map(|all| {
        let one = |(number, (customer, name, kind, time)): (usize, (usize, usize, usize, i64))| {
            let decision = None;
            let body: EventBody = match kind {
                0 => FeedbackGiven { theme: Some("food".to_owned()), sentiment: Some(Sentiment::Negative) }
                    .into(),
                1 => FeedbackClassified { theme: None, sentiment: Some(Sentiment::Neutral) }.into(),
                2 => FeedbackAnswered { decision }.into(),
                3 => FeedbackResultTold { decision }.into(),
                _ => FeedbackUsed { decision }.into(),
            };
            let made =
                event(number, &format!("c{customer}"), hour(time) + Span::from_micros(number as i64), body);
            made.with_tag(Tag::new("feedback", format!("f{customer}{name}")).unwrap())
        };
        all.into_iter().enumerate().map(one).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn feedback_is_that_of_plain_loops(events in random_feedback()) {
        let mut firsts: BTreeMap<&Tag, BTreeMap<usize, i64>> = BTreeMap::new();
        for event in &events {
            let state = match event.body {
                EventBody::FeedbackGiven(_) => 0,
                EventBody::FeedbackClassified(_) => 1,
                EventBody::FeedbackAnswered(_) => 2,
                EventBody::FeedbackResultTold(_) => 3,
                _ => 4,
            };
            let time = event.occurred_at.instant().as_micros();
            let first = firsts.entry(event.tags.first().unwrap()).or_default().entry(state).or_insert(time);
            *first = (*first).min(time);
        }
        let found = total(&FeedbackLoop, &events).report(Confidence::P95);
        prop_assert_eq!(found.is_empty(), events.is_empty());
        for (state, row) in found.iter().enumerate() {
            let reached: Vec<_> = firsts.values().filter(|states| states.contains_key(&state)).collect();
            let mut waits: Vec<i64> = reached.iter().filter_map(|states| {
                let later = states.values().filter(|time| **time > states[&state]).min()?;
                Some(later - states[&state])
            }).collect();
            waits.sort_unstable();
            let median = (!waits.is_empty()).then(|| Span::from_micros(waits[waits.len().div_ceil(2) - 1]));
            prop_assert_eq!((row.reached as usize, row.standing as usize), (reached.len(), reached.len() - waits.len()));
            prop_assert_eq!((row.state, row.median), (FeedbackState::ALL[state], median));
            prop_assert!((row.share.0 - 100.0 * reached.len() as f64 / firsts.len() as f64).abs() < 1e-9);
        }
    }

    #[test]
    fn feedback_keeps_the_laws(events in random_feedback()) {
        check_laws(&FeedbackLoop, &events, FeedbackTotal::clone);
    }
}

#[test]
fn feedback_without_a_name_begins_anew_when_some_is_given() {
    let given = |theme: &str| FeedbackGiven { theme: Some(theme.to_owned()), sentiment: None };
    let events = [
        event(0, "ada", hour(0), given("price")),
        event(1, "ada", hour(1), FeedbackUsed { decision: None }),
        event(2, "ada", hour(2), given("taste")),
    ];
    let found = total(&FeedbackLoop, &events);
    let told: Vec<_> = found.iter().map(|one| (one.theme.as_deref(), one.states.len())).collect();
    assert_eq!(told, [(Some("price"), 2), (Some("taste"), 1)]);
    assert_eq!(found.report(Confidence::P95)[4].share.0, 50.0);
}

/// So many customers with each need, in the week before and in the week behind.
fn needs(counts: &[(&str, usize, usize)]) -> Vec<JourneyEvent> {
    let mut events = Vec::new();
    for (need, before, after) in counts {
        for (week, customers) in [(0, before), (1, after)] {
            for customer in 0..*customers {
                let body = NeedIdentified { category: Some((*need).to_owned()) };
                let number = events.len();
                events.push(event(
                    number,
                    &format!("c{}", customer % 5),
                    hour(week * 168 + customer as i64 % 160),
                    body,
                ));
                // Told twice in a week, it is one need of one customer.
                events.last_mut().unwrap().customer =
                    wayfold_core::CustomerKey::new(format!("c{customer}")).unwrap();
            }
        }
    }
    events
}

#[test]
fn a_shift_of_needs_is_tested() {
    let measure = Needs::new(weeks());
    let week = weeks().bucket(hour(0));
    let shift = |counts: &[(&str, usize, usize)]| {
        measure.shift(&total(&measure, &needs(counts)), week..=week, week + 1..=week + 1)
    };
    // By hand: 20, 30 and 30, 20 of 100: expected 25 everywhere, 4 x 25 / 25 = 4 with one degree.
    let found = shift(&[("lamp", 20, 30), ("desk", 30, 20)]).unwrap();
    assert!(
        (found.chi_squared - 4.0).abs() < 1e-12 && (found.p_value - 0.045_500_263_9).abs() < 1e-9,
        "{found:?}"
    );
    assert_eq!((found.degrees, found.is_rough, found.needs[0].share_before), (1, false, 60.0));
    let same = shift(&[("lamp", 10, 20), ("desk", 20, 40), ("sofa", 1, 2)]).unwrap();
    assert!(same.chi_squared < 1e-12 && same.p_value > 1.0 - 1e-9 && same.is_rough);
    for counts in [&[("lamp", 3, 3)][..], &[("lamp", 3, 0), ("desk", 1, 0)], &[]] {
        assert_eq!(shift(counts).unwrap_err().kind(), ErrorKind::TooLittleData);
    }
    let mut events = needs(&[("lamp", 3, 2), ("desk", 2, 2)]);
    let mut again = events[0].clone();
    again.id = wayfold_core::EventId::from_u128(999);
    events.push(again);
    assert_eq!(measure.count(&total(&measure, &events), week, "lamp"), 3);
    check_laws(&measure, &events, |total| measure.shift(total, week..=week, week + 1..=week + 1).unwrap());
}

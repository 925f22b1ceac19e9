//! The same once more, from a customer's events in order, as plainly as it can be said.

use std::collections::{BTreeMap, BTreeSet};

use wayfold_core::{AttributeValue, CustomerKey, EventBody, Instrument, JourneyEvent, Money, Timestamp};
use wayfold_insight::{CrmLink, CrmLinkView, Downgrade, QualificationPeriod};

use crate::made::at;

const HOUR_US: i64 = 3_600_000_000;
const DAY_US: i64 = 24 * HOUR_US;

fn time(event: &JourneyEvent) -> Timestamp {
    event.occurred_at.instant()
}

fn micros(micros: i64) -> Timestamp {
    Timestamp::from_micros(micros).unwrap()
}

/// What stands of a customer's events by an instant, in order. A retraction reaches events of its own customer alone.
pub(super) fn standing(events: &[JourneyEvent], key: &CustomerKey, as_of: Timestamp) -> Vec<JourneyEvent> {
    let own = || events.iter().filter(|event| event.customer == *key);
    let taken_back: BTreeSet<_> = own()
        .filter_map(|event| match &event.body {
            EventBody::EventRetracted(body) => Some(body.event),
            _ => None,
        })
        .collect();
    let mut standing: Vec<JourneyEvent> = own()
        .filter(|event| {
            !matches!(event.body, EventBody::EventRetracted(_)) && !taken_back.contains(&event.id)
        })
        .filter(|event| time(event) <= as_of)
        .cloned()
        .collect();
    standing.sort_by_key(|event| (time(event), event.sequence));
    standing
}

/// The link, since when, and by link when it was entered, how often, and with how many events.
type Links = (Option<(CrmLink, Timestamp)>, Vec<(CrmLink, Timestamp, u32, u64)>);

pub(super) fn link_view(view: &CrmLinkView) -> Links {
    let links = view.links.iter().map(|of| (of.link, of.entered_at, of.visits, of.events));
    (view.link.zip(view.since), links.collect())
}

pub(super) fn links(events: &[JourneyEvent]) -> Links {
    let link = |event: &JourneyEvent| match &event.body {
        EventBody::LeadCaptured(_) => Some(CrmLink::Acquisition),
        EventBody::ContactMade(_)
        | EventBody::DemoAttended(_)
        | EventBody::OrderPlaced(_)
        | EventBody::OrderCancelled(_) => Some(CrmLink::FollowUp),
        EventBody::Refunded(_) | EventBody::Delivered(_) => Some(CrmLink::Service),
        EventBody::SurveyAnswered(_) => Some(CrmLink::Analysis),
        EventBody::PointsEarned(_) | EventBody::PointsReversed(_) | EventBody::CareContacted(_) => {
            Some(CrmLink::Retention)
        }
        _ => None,
    };
    let walked: Vec<(CrmLink, Timestamp)> =
        events.iter().filter_map(|event| Some((link(event)?, time(event)))).collect();
    let enters = |place: usize| place == 0 || walked[place - 1].0 != walked[place].0;
    let entered: Vec<(CrmLink, Timestamp)> =
        (0..walked.len()).filter(|place| enters(*place)).map(|place| walked[place]).collect();
    let mut links = Vec::new();
    for link in CrmLink::ALL {
        if let Some(first) = entered.iter().find(|of| of.0 == link) {
            let visits = entered.iter().filter(|of| of.0 == link).count() as u32;
            links.push((link, first.1, visits, walked.iter().filter(|of| of.0 == link).count() as u64));
        }
    }
    (entered.last().copied(), links)
}

/// How many gave a score, by instrument and dimension.
pub(super) fn answers(events: &[JourneyEvent]) -> BTreeMap<String, BTreeMap<String, BTreeMap<i64, u64>>> {
    let mut answers: BTreeMap<String, BTreeMap<String, BTreeMap<i64, u64>>> = BTreeMap::new();
    for event in events {
        let EventBody::SurveyAnswered(body) = &event.body else { continue };
        let instrument = if body.instrument == Instrument::Nps { "nps" } else { "csat" };
        let dimension = body.dimension.clone().unwrap_or_default();
        let scores = answers.entry(instrument.to_owned()).or_default().entry(dimension).or_default();
        *scores.entry(body.score).or_default() += 1;
    }
    answers
}

/// An order that is neither cancelled nor refunded in full.
pub(super) struct Bought {
    pub(super) at: Timestamp,
    pub(super) amount: Money,
    order: String,
    delivered_at: Option<Timestamp>,
}

pub(super) fn purchases(events: &[JourneyEvent]) -> Vec<Bought> {
    let order = |event: &JourneyEvent| event.tags.iter().next().map(|tag| tag.id().to_owned());
    let mut all: Vec<Bought> = Vec::new();
    for event in events {
        let EventBody::OrderPlaced(body) = &event.body else { continue };
        let Some(id) = order(event) else { continue };
        if all.iter().any(|known| known.order == id) {
            continue;
        }
        let about: Vec<&JourneyEvent> = events.iter().filter(|of| order(of).as_ref() == Some(&id)).collect();
        let delivered_at =
            about.iter().find(|of| matches!(of.body, EventBody::Delivered(_))).map(|of| time(of));
        all.push(Bought { at: time(event), amount: body.amount, order: id, delivered_at });
    }
    all.retain(|bought| {
        let about = events.iter().filter(|of| order(of).as_ref() == Some(&bought.order));
        let mut refunds = Vec::new();
        for event in about {
            match &event.body {
                EventBody::OrderCancelled(_) => return false,
                EventBody::Refunded(body) if body.amount.currency == bought.amount.currency => {
                    refunds.push(body.amount.amount.as_ten_thousandths());
                }
                _ => {}
            }
        }
        refunds.is_empty() || refunds.iter().sum::<i64>() < bought.amount.amount.as_ten_thousandths()
    });
    all
}

/// The mean gap, and when a customer has left by so many of it, or so many days; in microseconds.
pub(super) fn own_gap(events: &[JourneyEvent], gaps: i64, days: i64) -> (Option<i64>, Option<i64>) {
    let times: Vec<i64> = purchases(events).iter().map(|bought| bought.at.as_micros()).collect();
    let between: Vec<i64> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
    let mean = (!between.is_empty()).then(|| between.iter().sum::<i64>() / between.len() as i64);
    let silence = (gaps * mean.unwrap_or(0)).max(days * DAY_US);
    (mean, times.last().map(|last| last + silence))
}

/// Factor, points, events and the last instant of what gives points.
pub(super) fn lead_reasons(events: &[JourneyEvent], as_of: Timestamp) -> Vec<(String, i64, u32, Timestamp)> {
    let mut reasons = Vec::new();
    let told: Vec<(bool, Timestamp)> = events
        .iter()
        .filter_map(|event| {
            let industry = event.attributes.iter().find(|(name, _)| name.as_str() == "industry")?.1;
            Some((*industry == AttributeValue::Text("retail".to_owned()), time(event)))
        })
        .collect();
    let since = told.iter().rev().take_while(|of| of.0).last();
    reasons.extend(since.map(|of| ("our industry".to_owned(), 30, 0, of.1)));
    let newest = |most: usize, is: fn(&EventBody) -> bool| {
        let all: Vec<Timestamp> = events.iter().filter(|event| is(&event.body)).map(time).collect();
        all[all.len().saturating_sub(most)..].to_vec()
    };
    let refunds = newest(3, |body| matches!(body, EventBody::Refunded(_)));
    if let Some(last) = refunds.last() {
        reasons.push(("gave back".to_owned(), -7 * refunds.len() as i64, refunds.len() as u32, *last));
    }
    let demos = newest(2, |body| matches!(body, EventBody::DemoAttended(_)));
    let mut left = 0;
    for demo in &demos {
        let (mut points, mut age) = (41, as_of.as_micros() - demo.as_micros());
        while age >= 30 * DAY_US && points > 0 {
            (points, age) = (points / 2, age - 30 * DAY_US);
        }
        left += points;
    }
    if let Some(last) = demos.last().filter(|_| left > 0) {
        reasons.push(("saw a demo".to_owned(), left, demos.len() as u32, *last));
    }
    reasons
}

/// How many tiers are held, and the points of each period so far; in Shanghai it is eight hours later.
pub(super) fn tier(
    events: &[JourneyEvent],
    as_of: Timestamp,
    period: QualificationPeriod,
    downgrade: Downgrade,
) -> (usize, Vec<i128>) {
    let moved: Vec<(Timestamp, i128)> = events
        .iter()
        .filter_map(|event| match &event.body {
            EventBody::PointsEarned(body) => Some((time(event), i128::from(body.points))),
            EventBody::PointsReversed(body) => Some((time(event), -i128::from(body.points))),
            _ => None,
        })
        .collect();
    let Some((first, _)) = moved.first() else { return (0, vec![]) };
    let day = micros(first.as_micros() + 8 * HOUR_US).to_string();
    let (year, rest): (i64, &str) = (day[..4].parse().unwrap(), &day[4..10]);
    let begins = |number: i64| {
        let rest = if period == QualificationPeriod::CalendarYear { "-01-01" } else { rest };
        micros(at(&format!("{}{rest}", year + number)).as_micros() - 8 * HOUR_US)
    };
    let (mut held, mut kept, mut points) = (0, 0, Vec::new());
    for number in (0..).take_while(|number| begins(*number) <= as_of) {
        let of_period = moved.iter().filter(|of| begins(number) <= of.0 && of.0 < begins(number + 1));
        let sum: i128 = of_period.map(|of| of.1).sum();
        let enough = [10, 20, 40].iter().filter(|least| sum >= **least).count();
        points.push(sum);
        held = enough.max(kept);
        let falls_by_one = downgrade == Downgrade::OneTier && held > enough;
        kept = if falls_by_one { held - 1 } else { enough };
    }
    (held, points)
}

/// When something is due, its name, the order that it is about, and when it was done.
type Due = (Timestamp, String, Option<String>, Option<Timestamp>);

/// Everything that is ever due by the rules of the test.
pub(super) fn care(events: &[JourneyEvent]) -> Vec<Due> {
    let day = |at: Timestamp| at.as_micros().div_euclid(DAY_US);
    let contacted = |name: &str, on: i64, since: Option<Timestamp>| {
        events.iter().find_map(|event| {
            let EventBody::CareContacted(body) = &event.body else { return None };
            let counts = body.occasion.as_deref() == Some(name)
                && (on - 30..=on + 60).contains(&day(time(event)))
                && since.is_none_or(|since| time(event) >= since);
            counts.then(|| time(event))
        })
    };
    let bought = purchases(events);
    let mut due = Vec::new();
    let mut add = |name: &str, on: i64, order: Option<&str>, since: Option<Timestamp>| {
        let done = contacted(name, on, since);
        due.push((micros(on * DAY_US), name.to_owned(), order.map(str::to_owned), done));
    };
    add("new year", day(at("2025-01-29")), None, None);
    for of in &bought {
        add("how is it", day(of.at) + 7, Some(&of.order), Some(of.at));
        if let Some(delivered) = of.delivered_at {
            add("is it there", day(delivered) + 3, Some(&of.order), Some(delivered));
        }
    }
    // Of purchases at one instant the order with the last name is the last.
    if let Some(last) = bought.iter().max_by_key(|of| (of.at, of.order.clone())) {
        add("long time", day(last.at) + 40, Some(&last.order), Some(last.at));
    }
    due
}

//! Hostile histories with tiers and answers, under rules of the lifecycle that look further than purchases.

use wayfold_core::bodies::{MembershipLeft, OrderPlaced, SurveyAnswered, TierChanged};
use wayfold_core::{
    Amount, ChurnStep, ChurnedBy, Currency, EventBody, EventId, Instrument, JourneyEvent, LifecycleRules,
    LoyalNps, Money, OwnGap, Span, Tag, Timestamp,
};

use super::{Hostile, history};
use crate::random::Random;

/// Makes the history of a seed, with more orders, and with tiers, answers and memberships that end among its events.
///
/// ```
/// let history = wayfold_testkit::hostile::loyal_history(7);
/// assert!(history.rules.validate().is_ok());
/// assert!(history.events.iter().all(|event| event.validate().is_ok()));
/// ```
pub fn loyal_history(seed: u64) -> Hostile {
    let mut random = Random::new(seed ^ 0x0010_7a17);
    let mut history = history(seed);
    "hostile-loyal-1".clone_into(&mut history.rules.version);
    look_further(&mut random, &mut history.rules.lifecycle);
    let known = history.events.len();
    for _ in 0..random.between(2, 30) {
        let beside = &history.events[random.index(known)];
        let at = instant(&mut random, &history.rules.lifecycle, beside.occurred_at.instant());
        let id = EventId::from_u128(u128::from(random.next()) << 64 | u128::from(random.next()));
        let mut event = JourneyEvent::new(id, beside.customer.clone(), at, body(&mut random));
        if random.percent(25) {
            event.sequence = random.below(3) as u32;
        }
        if matches!(event.body, EventBody::OrderPlaced(_)) {
            event = event.with_tag(Tag::order(format!("more-{id}")).expect("a short name"));
        }
        history.events.push(event);
    }
    if random.percent(40) {
        let beside = &history.events[random.index(history.events.len())];
        history.as_of = instant(&mut random, &history.rules.lifecycle, beside.occurred_at.instant());
    }
    history
}

fn look_further(random: &mut Random, rules: &mut LifecycleRules) {
    if random.percent(70) {
        rules.loyal_by.tiers.insert("gold".to_owned());
        if random.percent(40) {
            rules.loyal_by.tiers.insert("silver".to_owned());
        }
    }
    if random.percent(70) {
        let mut nps = LoyalNps::default();
        nps.score_min = *random.pick(&[0, 7, 9, 10]);
        nps.days = *random.pick(&[1, 20, 90, 365]);
        nps.dimension = random.percent(30).then(|| "service".to_owned());
        rules.loyal_by.nps = Some(nps);
    }
    let others = rules.loyal_by.nps.is_some() || !rules.loyal_by.tiers.is_empty();
    rules.loyal_by.purchases = !others || random.percent(50);
    rules.churned_by = match random.below(3) {
        0 => ChurnedBy::Period,
        1 => ChurnedBy::OwnGap(OwnGap {
            gaps: *random.pick(&[1, 2, 4]),
            days_min: *random.pick(&[0, 1, 10, 30]),
            purchases_min: *random.pick(&[2, 2, 3, 4]),
        }),
        _ => {
            let first = random.between(1, 2) as u32;
            let step = |random: &mut Random, purchases_min| ChurnStep {
                purchases_min,
                days: *random.pick(&[0, 1, 12, 60, 200]),
            };
            ChurnedBy::Model(vec![step(random, first), step(random, first + 1), step(random, first + 3)])
        }
    };
}

/// A tie, a moment beside it, or the end of one of the rules' spans, to the microsecond.
fn instant(random: &mut Random, rules: &LifecycleRules, from: Timestamp) -> Timestamp {
    let mut spans = vec![0, 0, 1, 5, 20];
    spans.extend(rules.loyal_by.nps.as_ref().map(|nps| nps.days));
    if let ChurnedBy::Model(steps) = &rules.churned_by {
        spans.extend(steps.iter().map(|step| step.days));
    }
    from + Span::from_days(*random.pick(&spans)) + Span::from_micros(random.between(-1, 1))
}

fn body(random: &mut Random) -> EventBody {
    match random.below(10) {
        0..3 => TierChanged { tier: (*random.pick(&["gold", "silver", "none"])).to_owned() }.into(),
        3 => MembershipLeft { programme: None, reason: None }.into(),
        4..7 => {
            let dimension = random.percent(50).then(|| (*random.pick(&["service", "price"])).to_owned());
            let instrument = if random.percent(85) { Instrument::Nps } else { Instrument::Other };
            SurveyAnswered { instrument, dimension, score: random.between(0, 10) }.into()
        }
        _ => {
            let amount = Money::new(Amount::from_ten_thousandths(100_000), Currency::EUR);
            OrderPlaced { lines: vec![], amount, promised_at: None }.into()
        }
    }
}

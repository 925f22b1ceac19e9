//! Tiers, held against a recursion over calendar years that shares no code with them.

use proptest::prelude::*;
use wayfold_core::{
    CustomerKey, EventBatch, EventBody, EventId, Fold, JourneyEvent, PointsEarned, PointsRedeemed,
    PointsReversed, ProjectionSet, Rules, Span, Timestamp,
};
use wayfold_insight::{Downgrade, ErrorKind, QualificationPeriod, Tier, TierLedger, TierRules, TierView};

/// The first days of the years from 2024, counted from 2024-01-01.
const YEARS: [u32; 7] = [0, 366, 731, 1_096, 1_461, 1_827, 2_192];

fn rules(downgrade: Downgrade) -> TierRules {
    let tier = |name: &str, points_min| Tier { name: name.to_owned(), points_min };
    TierRules {
        tiers: vec![tier("bronze", 10), tier("silver", 20), tier("gold", 40)],
        period: QualificationPeriod::CalendarYear,
        downgrade,
        zone: "Asia/Shanghai".to_owned(),
    }
}

/// Midnight of a day in Shanghai.
fn day(number: u32) -> Timestamp {
    Timestamp::parse("2023-12-31T16:00:00Z").unwrap() + Span::from_days(number)
}

fn key() -> CustomerKey {
    CustomerKey::new("ada").unwrap()
}

fn view(rules: TierRules, events: &[(u32, i64)], asked: &[Timestamp]) -> Vec<(TierView, Option<Timestamp>)> {
    let mut projections = ProjectionSet::new(Rules::default()).unwrap();
    let tiers = projections.register(TierLedger::new("club", 1, rules).unwrap()).unwrap();
    let mut fold = Fold::new(&projections);
    let event = |(id, (at, points)): (usize, &(u32, i64))| {
        let points = *points;
        let body: EventBody = match points {
            0.. => PointsEarned { points, reason: None }.into(),
            _ => PointsReversed { points: -points, reason: None }.into(),
        };
        JourneyEvent::new(EventId::from_u128(id as u128), key(), day(*at), body)
    };
    let mut events: Vec<_> = events.iter().enumerate().map(event).collect();
    // What is spent does not count.
    let spent = PointsRedeemed { points: 1_000, reward: None };
    events.push(JourneyEvent::new(EventId::from_u128(999), key(), day(0), spent));
    let _ = fold.apply(&[EventBatch::from_events(&events).unwrap()]);
    let own = wayfold_core::Filter::field("tier_club.tier").exists();
    let ask = |at: &Timestamp| {
        let until = fold.verdicts(&own, [(&key(), *at)]).unwrap()[0].unwrap().until;
        (fold.own_view(tiers, &key(), *at).unwrap().unwrap(), until)
    };
    asked.iter().map(ask).collect()
}

/// The tier that points of a year suffice for, as a number.
fn suffices(events: &[(u32, i64)], year: usize) -> usize {
    let of_year = events.iter().filter(|(at, _)| (YEARS[year]..YEARS[year + 1]).contains(at));
    match of_year.map(|(_, points)| points).sum() {
        40.. => 3,
        20..40 => 2,
        10..20 => 1,
        i64::MIN..10 => 0,
    }
}

fn held(events: &[(u32, i64)], year: usize, downgrade: Downgrade) -> usize {
    let before = year.checked_sub(1).map(|before| {
        let (held, enough) = (held(events, before, downgrade), suffices(events, before));
        let lost = held > enough;
        match downgrade {
            Downgrade::OneTier if lost => held - 1,
            _ => enough,
        }
    });
    suffices(events, year).max(before.unwrap_or(0))
}

proptest! {
    #[test]
    fn tiers_are_those_of_the_recursion_at_every_turn_of_the_year(
        events in prop::collection::vec((0_u32..1_461, -12_i64..30), 1..12),
        downgrade in prop::sample::select(vec![Downgrade::OneTier, Downgrade::ToQualified]),
    ) {
        let last = events.iter().map(|(at, _)| *at).max().unwrap();
        let turns = YEARS[1..6].iter().flat_map(|at| [day(*at).previous(), day(*at)]);
        let asked: Vec<Timestamp> = turns.filter(|at| *at >= day(last)).collect();
        for (at, (found, until)) in asked.iter().zip(view(rules(downgrade), &events, &asked)) {
            let year = YEARS.iter().rposition(|first| day(*first) <= *at).unwrap();
            let expected = [None, Some("bronze"), Some("silver"), Some("gold")][held(&events, year, downgrade)];
            prop_assert_eq!(found.tier.as_deref(), expected, "{}", at);
            prop_assert_eq!(until, Some(day(YEARS[year + 1]).previous()));
            // The periods add up to all points.
            let points: i128 = found.periods.iter().map(|period| period.points).sum();
            prop_assert_eq!(points, events.iter().map(|(_, points)| i128::from(*points)).sum::<i128>());
            prop_assert_eq!(found.periods.last().unwrap().until, day(YEARS[year + 1]).previous());
        }
    }
}

#[test]
fn a_tier_is_reached_at_once_and_kept_through_the_next_year() {
    let events = [(100, 15), (200, 30), (800, 12)];
    let asked = [day(800), day(1_096), day(1_461), day(1_827)];
    let found = view(rules(Downgrade::OneTier), &events, &asked);
    let told: Vec<_> = found.iter().map(|(view, _)| (view.tier.as_deref(), view.next.clone())).collect();
    // Gold of 2024 is kept in 2025; nothing was earned then, so 2026 begins with silver.
    let next = |name: &str, missing| Some((name.to_owned(), missing));
    let expected = [
        (Some("silver"), next("gold", 28)),
        (Some("bronze"), next("silver", 20)),
        (None, next("bronze", 10)),
        (None, next("bronze", 10)),
    ];
    assert_eq!(told, expected);
    let first = &found[0].0.periods[0];
    assert_eq!((first.kept.as_deref(), first.points, first.qualified.as_deref()), (None, 45, Some("gold")));
    assert_eq!(found[0].0.periods[1].kept.as_deref(), Some("gold"));
}

#[track_caller]
fn refused(change: impl Fn(&mut TierRules), message: &str) {
    let mut rules = rules(Downgrade::OneTier);
    change(&mut rules);
    let error = TierLedger::new("club", 1, rules).unwrap_err();
    assert_eq!((error.kind(), error.to_string().as_str()), (ErrorKind::InvalidParameter, message));
}

#[test]
fn rules_that_contradict_themselves_are_refused() {
    refused(|rules| rules.zone = "Mars".into(), "\"Mars\" is no time zone; write one such as Europe/Berlin");
    refused(|rules| rules.tiers.clear(), "a programme without a tier");
    refused(|rules| rules.tiers[1].points_min = 10, "tier \"silver\" takes no more points than 10");
    refused(|rules| rules.tiers[0].points_min = 0, "tier \"bronze\" takes no more points than 0");
    refused(|rules| rules.tiers[2].name = "bronze".into(), "tier \"bronze\" comes twice");
}

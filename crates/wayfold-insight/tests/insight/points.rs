//! The ledger of points, held against one that counts coin by coin and hour by hour.

use proptest::prelude::*;
use wayfold_core::{
    CustomerKey, EventBatch, EventBody, EventId, Fold, JourneyEvent, PointsEarned, PointsExpired,
    PointsRedeemed, PointsReversed, ProjectionSet, Rules, Span, Timestamp,
};
use wayfold_insight::{ErrorKind, PointsChange, PointsLedger, PointsRules, PointsView};

const HOURS: i64 = 120;

fn hour(number: i64) -> Timestamp {
    Timestamp::parse("2024-01-01").unwrap() + hours(number)
}

const fn hours(number: i64) -> Span {
    Span::from_micros(number * 3_600_000_000)
}

fn key() -> CustomerKey {
    CustomerKey::new("ada").unwrap()
}

fn happened(id: usize, at: i64, change: PointsChange, points: i64) -> JourneyEvent {
    let body: EventBody = match change {
        PointsChange::Earned => PointsEarned { points, reason: Some(format!("order {id}")) }.into(),
        PointsChange::Redeemed => PointsRedeemed { points, reward: Some("coffee".into()) }.into(),
        PointsChange::Expired => PointsExpired { points }.into(),
        _ => PointsReversed { points, reason: None }.into(),
    };
    JourneyEvent::new(EventId::from_u128(id as u128), key(), hour(at), body)
}

/// Folds batches one after the other, in the order in which they came.
fn fold(rules: PointsRules, batches: &[EventBatch], ask: impl Fn(&Fold, &dyn Fn(i64) -> PointsView)) {
    let mut projections = ProjectionSet::new(Rules::default()).unwrap();
    let points = projections.register(PointsLedger::new("club", 1, rules).unwrap()).unwrap();
    let mut fold = Fold::new(&projections);
    for number in 0..batches.len() {
        for refold in fold.apply(&batches[number..=number]).refolds {
            fold.refold(&refold, &batches[..=number]);
        }
    }
    ask(&fold, &|at| fold.own_view(points, &key(), hour(at)).unwrap().unwrap());
}

/// A single point.
#[derive(Debug, Clone, Copy)]
struct Coin {
    ready: i64,
    gone: i64,
}

/// Pending and active as of each hour, counted by single coins.
fn by_coins(events: &[(i64, PointsChange, i64)], pending: i64, valid: Option<i64>) -> Vec<(i128, i128)> {
    let mut events = events.to_vec();
    events.sort_by_key(|(at, change, _)| {
        // The rank of the kinds: earned, redeemed, expired, reversed.
        let order =
            [PointsChange::Earned, PointsChange::Redeemed, PointsChange::Expired, PointsChange::Reversed];
        (*at, order.iter().position(|of| of == change))
    });
    let gone = |at: i64| valid.map_or(i64::MAX, |valid| at + valid);
    let (mut waiting, mut usable, mut owed): (Vec<Coin>, Vec<Coin>, i128) = (vec![], vec![], 0);
    let mut balances = Vec::new();
    for now in 0..HOURS {
        for (at, change, points) in
            events.iter().filter(|(at, _, _)| *at == now).map(Some).chain([None]).flatten()
        {
            settle(now, &mut waiting, &mut usable, &mut owed);
            let change = if *points < 0 { PointsChange::Activated } else { *change };
            for _ in 0..points.abs() {
                match change {
                    PointsChange::Earned => waiting.push(Coin { ready: at + pending, gone: gone(*at) }),
                    // Given back.
                    PointsChange::Activated if owed > 0 => owed -= 1,
                    PointsChange::Activated => usable.push(Coin { ready: *at, gone: gone(*at) }),
                    PointsChange::Reversed if !waiting.is_empty() => {
                        waiting.pop();
                    }
                    _ => match (0..usable.len()).min_by_key(|place| usable[*place].gone) {
                        Some(place) => {
                            usable.remove(place);
                        }
                        None => owed += 1,
                    },
                }
            }
        }
        settle(now, &mut waiting, &mut usable, &mut owed);
        balances.push((waiting.len() as i128, usable.len() as i128 - owed));
    }
    balances
}

fn settle(now: i64, waiting: &mut Vec<Coin>, usable: &mut Vec<Coin>, owed: &mut i128) {
    for coin in waiting.iter().filter(|coin| coin.ready <= now) {
        if *owed > 0 { *owed -= 1 } else { usable.push(*coin) }
    }
    waiting.retain(|coin| coin.ready > now);
    usable.retain(|coin| coin.gone > now);
}

fn event() -> impl Strategy<Value = (i64, PointsChange, i64)> {
    let change = prop::sample::select(vec![
        PointsChange::Earned,
        PointsChange::Earned,
        PointsChange::Redeemed,
        PointsChange::Expired,
        PointsChange::Reversed,
    ]);
    let back = |(at, change, points)| match change {
        PointsChange::Reversed => (at, change, points - 4),
        _ => (at, change, points),
    };
    (0..HOURS, change, 0_i64..9).prop_map(back)
}

proptest! {
    #[test]
    fn balances_are_those_of_single_coins_at_every_hour(
        events in prop::collection::vec(event(), 1..14),
        pending in 0_i64..12,
        valid in prop::option::of(1_i64..60),
        turn in 0_usize..14,
    ) {
        let valid = valid.map(|more| pending + more);
        // Events of one kind at one hour would stand by their ids, which the coins do not know.
        let mut events = events;
        events.sort_by_key(|(at, change, _)| (*at, *change));
        events.dedup_by_key(|(at, change, _)| (*at, *change));
        let rules = PointsRules { pending: hours(pending), valid: valid.map(hours) };
        let expected = by_coins(&events, pending, valid);
        let mut arrived: Vec<_> = events
            .iter()
            .enumerate()
            .map(|(id, (at, change, points))| happened(id, *at, *change, *points))
            .collect();
        let turn = turn % arrived.len();
        arrived.rotate_left(turn);
        let last = events.iter().map(|(at, _, _)| *at).max().unwrap();
        let one = |event: &JourneyEvent| EventBatch::from_events([event]).unwrap();
        let batches: Vec<EventBatch> = arrived.iter().map(one).collect();
        fold(rules, &batches, |fold, view| {
            let mut until = None;
            for now in last..HOURS {
                let found = view(now);
                assert_eq!((found.pending, found.active), expected[now as usize], "at hour {now}");
                explained(&found);
                // What is said to hold does, and what changes was said to end.
                if now > last && found.entries.len() != view(now - 1).entries.len() {
                    assert_eq!(until, Some(hour(now).previous()), "at hour {now}");
                }
                let field = wayfold_core::Filter::field("points_club.active").exists();
                until = fold.verdicts(&field, [(&key(), hour(now))]).unwrap()[0].unwrap().until;
                assert!(until.is_none_or(|until| until >= hour(now)));
            }
        });
        // At the hour of each event, what had come by then.
        for (number, (at, _, _)) in events.iter().enumerate() {
            let known: Vec<_> = events[..=number].to_vec();
            let batch: Vec<_> = known.iter().enumerate().map(|(id, (at, change, points))| happened(id, *at, *change, *points)).collect();
            let expected = by_coins(&known, pending, valid)[*at as usize];
            fold(rules, &[EventBatch::from_events(&batch).unwrap()], |_, view| {
                let found = view(*at);
                assert_eq!((found.pending, found.active), expected);
            });
        }
    }
}

/// Every balance is the sum of its entries, and no lot gives more than it had.
fn explained(view: &PointsView) {
    let earned_less_gone = view.earned - view.redeemed - view.expired - view.reversed;
    assert_eq!(view.pending + view.active, earned_less_gone);
    let sums = view.entries.iter().map(|entry| (entry.pending, entry.active));
    assert_eq!(sums.fold((0, 0), |sum, of| (sum.0 + of.0, sum.1 + of.1)), (view.pending, view.active));
    // Time adds no entry that does nothing.
    assert!(view.entries.iter().all(|entry| entry.event.is_some() || entry.active != 0));
    for lot in view.entries.iter().filter(|entry| entry.pending + entry.active > 0) {
        let gone = view.entries.iter().filter(|entry| entry.what != PointsChange::Activated);
        let of = gone.flat_map(|entry| &entry.of).filter(|(event, _)| Some(*event) == lot.event);
        assert!(of.map(|(_, points)| points).sum::<i128>() <= lot.pending + lot.active);
    }
}

#[test]
fn a_statement_says_what_each_redemption_took() {
    let rules = PointsRules { pending: hours(10), valid: Some(hours(50)) };
    let events = [
        happened(1, 0, PointsChange::Earned, 5),
        happened(2, 5, PointsChange::Earned, 5),
        happened(3, 20, PointsChange::Redeemed, 7),
        happened(4, 21, PointsChange::Redeemed, 6),
        happened(5, 30, PointsChange::Earned, 4),
    ];
    fold(rules, &[EventBatch::from_events(&events).unwrap()], |_, view| {
        let before = view(39);
        assert_eq!((before.pending, before.active), (4, -3));
        let after = view(40);
        assert_eq!((after.pending, after.active, after.expires_next), (0, 1, Some((hour(80), 1))));
        let statement: Vec<_> = after
            .entries
            .iter()
            .map(|entry| {
                let of: Vec<_> =
                    entry.of.iter().map(|(event, points)| (event.0.as_u128(), *points)).collect();
                (entry.at, entry.what, entry.pending, entry.active, of)
            })
            .collect();
        use PointsChange::{Activated, Earned, Redeemed};
        let expected = vec![
            (hour(0), Earned, 5, 0, vec![]),
            (hour(5), Earned, 5, 0, vec![]),
            (hour(10), Activated, -5, 5, vec![(1, 5)]),
            (hour(15), Activated, -5, 5, vec![(2, 5)]),
            (hour(20), Redeemed, 0, -7, vec![(1, 5), (2, 2)]),
            (hour(21), Redeemed, 0, -6, vec![(2, 3)]),
            (hour(30), Earned, 4, 0, vec![]),
            (hour(40), Activated, -4, 4, vec![(5, 4)]),
        ];
        assert_eq!(statement, expected);
        assert_eq!(after.entries[4].reason.as_deref(), Some("coffee"));
    });
}

#[test]
fn numbers_at_the_ends_of_their_range_are_counted() {
    let ends = [i64::MAX, i64::MIN, i64::MIN].into_iter().enumerate();
    let reversals = ends.map(|(id, points)| happened(id, id as i64, PointsChange::Reversed, points));
    let events: Vec<_> = reversals.collect();
    fold(PointsRules::default(), &[EventBatch::from_events(&events).unwrap()], |_, view| {
        assert_eq!(view(5).active, i128::from(i64::MAX) + 2);
    });
}

#[test]
fn rules_that_contradict_themselves_are_refused() {
    for rules in [
        PointsRules { pending: hours(-1), valid: None },
        PointsRules { pending: hours(5), valid: Some(hours(5)) },
    ] {
        assert_eq!(PointsLedger::new("club", 1, rules).unwrap_err().kind(), ErrorKind::InvalidParameter);
    }
}

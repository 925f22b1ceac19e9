//! Who moved, who left, and what they share: on CDNOW by figures computed apart from this library, and as laws.

use std::collections::BTreeSet;

use proptest::prelude::*;
use wayfold_core::{
    Currency, CustomerKey, EventBatch, EventId, Fold, JourneyEvent, LifecycleStage, Money, OrderCancelled,
    OrderPlaced, ProjectionSet, Registered, Rules, Span, Tag, Tenant, Timestamp,
};
use wayfold_insight::{Confidence, ErrorKind, GapChurn, LastEvents, Leavers, SilenceModel, Transitions};

use super::support::{calibration_end, close, purchases};

/// The last instant of the half year behind the calibration.
fn later() -> Timestamp {
    Timestamp::parse("1998-04-01").unwrap().previous()
}

type Labels<L> = Vec<(CustomerKey, L)>;

/// CDNOW folded up to an instant, with churn by three gaps and at least 60 days.
fn cdnow(as_of: Timestamp) -> (Labels<LifecycleStage>, Labels<bool>) {
    let mut projections = ProjectionSet::new(Rules::default()).unwrap();
    let churn = projections.register(GapChurn::new(3, 60)).unwrap();
    let mut fold = Fold::new(&projections).with_as_of(as_of);
    let applied = fold.apply(&[EventBatch::from_events(&purchases()).unwrap()]);
    assert!(applied.refolds.is_empty());
    let population = fold.population(&Tenant::default(), as_of).unwrap();
    let stages = population.members().iter().map(|member| (member.key.clone(), member.lifecycle)).collect();
    let views = fold.own_views(churn, &Tenant::default(), as_of).unwrap();
    let left = views.into_vec().into_iter().filter_map(|(key, view)| Some((key, view.has_left?))).collect();
    (stages, left)
}

#[test]
fn cdnow_moves_between_stages_as_counted_apart() {
    use LifecycleStage::{Churned, Loyal, Repeat, WonBack};
    let moved = Transitions::between(cdnow(calibration_end()).0, cdnow(later()).0).unwrap();
    let expected = [
        (Repeat, Repeat, 107),
        (Repeat, Loyal, 52),
        (Repeat, Churned, 257),
        (Repeat, WonBack, 53),
        (Loyal, Repeat, 18),
        (Loyal, Loyal, 113),
        (Loyal, Churned, 46),
        (Loyal, WonBack, 13),
        (Churned, Repeat, 59),
        (Churned, Loyal, 6),
        (Churned, Churned, 1_432),
        (Churned, WonBack, 141),
        (WonBack, Repeat, 26),
        (WonBack, Loyal, 1),
        (WonBack, Churned, 33),
    ];
    let found: Vec<_> = moved.iter().map(|(from, to, count)| (*from.unwrap(), *to.unwrap(), count)).collect();
    assert_eq!(found, expected);
    let (share, interval) = moved.share(&Loyal, &Churned, Confidence::P95).unwrap();
    close(share, 4_600.0 / 190.0, 1e-15);
    assert!(interval.low < share && share < interval.high);
    assert_eq!(moved.share(&LifecycleStage::Prospect, &Loyal, Confidence::P95), None);
}

/// Who has bought twice by then stays longer, who has bought three to five times leaves sooner: three of the mean gaps
/// of a customer with few purchases may be most of a year.
#[test]
fn cdnow_leaves_by_its_own_gap_as_counted_apart() {
    let (before, after) = (cdnow(calibration_end()).1, cdnow(later()).1);
    let leavers = Leavers::between(before, after).unwrap();
    assert_eq!((leavers.left().len(), leavers.stayed().len()), (146, 443));

    let mut bought = std::collections::BTreeMap::new();
    for event in purchases().iter().filter(|event| event.occurred_at.instant() <= calibration_end()) {
        *bought.entry(event.customer.clone()).or_insert(0) += 1;
    }
    let traits = |key: &CustomerKey| {
        let often = match bought[key] {
            1 => "once",
            2 => "twice",
            3..=5 => "three to five times",
            _ => "more often",
        };
        [often.to_owned()]
    };
    let shared = leavers.shared(traits, Confidence::P95);
    let counts: Vec<_> = shared.iter().map(|of| (of.name.as_str(), of.left, of.stayed, of.tells())).collect();
    let expected =
        [("three to five times", 76, 178, true), ("more often", 29, 78, false), ("twice", 41, 187, true)];
    assert_eq!(counts, expected);
    close(shared[0].lift.unwrap(), 1.295521009696783, 1e-14);
    close(shared[0].interval.low, 1.0707978303581027, 1e-12);
    close(shared[0].interval.high, 1.5719942234284232, 1e-12);
    close(shared[2].interval.high, 0.8861895488804605, 1e-12);
}

fn key(number: usize) -> CustomerKey {
    CustomerKey::new(number.to_string()).unwrap()
}

#[test]
fn counts_of_zero_and_all_have_an_interval() {
    let before = (0..6).map(|of| (key(of), false));
    let leavers = Leavers::between(before, (0..6).map(|of| (key(of), of < 2))).unwrap();
    let shared = leavers.shared(|_| ["all".to_owned()], Confidence::P95);
    assert_eq!((shared[0].lift, shared[0].tells()), (Some(1.0), false));
    let one = |of: &CustomerKey| (*of == key(0)).then(|| "first".to_owned());
    let shared = leavers.shared(one, Confidence::P95);
    assert_eq!((shared[0].left, shared[0].stayed, shared[0].lift), (1, 0, None));
    assert!(shared[0].interval.low > 0.0 && shared[0].interval.high.is_finite());
}

#[test]
fn what_cannot_be_compared_is_refused() {
    let of = |left: bool| vec![(key(1), left), (key(2), false)];
    let kind = |before, after| Leavers::between(before, after).unwrap_err().kind();
    assert_eq!(kind(of(false), of(false)), ErrorKind::TooLittleData);
    assert_eq!(kind(of(true), of(true)), ErrorKind::TooLittleData);
    assert_eq!(kind(of(false), vec![(key(1), true)]), ErrorKind::Mismatch);
    let twice = vec![(key(1), 1), (key(1), 2)];
    assert_eq!(Transitions::between(twice, vec![]).unwrap_err().kind(), ErrorKind::Mismatch);
}

fn labels() -> impl Strategy<Value = Vec<(usize, u8)>> {
    prop::collection::btree_map(0_usize..20, 0_u8..4, 0..20).prop_map(|labels| labels.into_iter().collect())
}

proptest! {
    #[test]
    fn every_customer_is_in_one_cell(before in labels(), after in labels()) {
        let of = |labels: &[(usize, u8)]| labels.iter().rev().map(|(of, label)| (key(*of), *label)).collect::<Vec<_>>();
        let moved = Transitions::between(of(&before), of(&after)).unwrap();
        let at = |labels: &[(usize, u8)], of| labels.iter().find(|(known, _)| *known == of).map(|(_, label)| *label);
        let everybody: BTreeSet<usize> = before.iter().chain(&after).map(|(of, _)| *of).collect();
        for of in &everybody {
            let (from, to) = (at(&before, *of), at(&after, *of));
            prop_assert!(moved.who(from.as_ref(), to.as_ref()).contains(&key(*of)));
        }
        prop_assert_eq!(moved.iter().map(|(_, _, count)| count).sum::<u64>(), everybody.len() as u64);
    }

    /// By hand: silent for longer than three mean gaps of the orders that stand, and than ten days.
    #[test]
    fn having_left_is_told_with_the_instant_up_to_which_it_holds(
        orders in prop::collection::btree_map(0_u32..60, any::<bool>(), 0..8),
        asked in 60_u32..400,
    ) {
        let day = |number| Timestamp::parse("2024-01-01").unwrap() + Span::from_days(number);
        let mut projections = ProjectionSet::new(Rules::default()).unwrap();
        let churn = projections.register(GapChurn::new(3, 10)).unwrap();
        let event = |id: u32, at, body: wayfold_core::EventBody| {
            JourneyEvent::new(EventId::from_u128(id.into()), key(1), at, body).with_tag(Tag::order(id.to_string()).unwrap())
        };
        let amount = Money::parse("1", Currency::EUR).unwrap();
        let mut events = vec![JourneyEvent::new(EventId::from_u128(999), key(1), day(0), Registered {})];
        for (at, stands) in &orders {
            events.push(event(*at, day(*at), OrderPlaced { lines: vec![], amount, promised_at: None }.into()));
            if !stands {
                let cancelled = OrderCancelled { reason: None };
                let body = JourneyEvent::new(EventId::from_u128(u128::from(*at) + 1_000), key(1), day(60), cancelled);
                events.push(body.with_tag(Tag::order(at.to_string()).unwrap()));
            }
        }
        let mut fold = Fold::new(&projections);
        let _ = fold.apply(&[EventBatch::from_events(&events).unwrap()]);
        let view = fold.own_view(churn, &key(1), day(asked)).unwrap().unwrap();
        let days: Vec<u32> = orders.iter().filter(|(_, stands)| **stands).map(|(at, _)| *at).collect();
        let leaves = days.last().map(|last| {
            let gap = if days.len() > 1 { 3.0 * f64::from(last - days[0]) / (days.len() - 1) as f64 } else { 0.0 };
            f64::from(*last) + gap.max(10.0)
        });
        prop_assert_eq!(view.has_left, leaves.map(|leaves| f64::from(asked) > leaves + 1e-6));
        if let Some(last) = view.leaves_after.filter(|last| *last >= day(60)) {
            let has_left = |at| fold.own_view(churn, &key(1), at).unwrap().unwrap().has_left;
            prop_assert_eq!((has_left(last), has_left(last.next())), (Some(false), Some(true)));
            let own = wayfold_core::Filter::field("gap_churn_3_10.has_left").is(false);
            prop_assert_eq!(fold.verdicts(&own, [(&key(1), last)]).unwrap()[0].unwrap().until, Some(last));
        }
    }
}

/// The figures are of a program apart from this library: Newton's method on the 2,357 customers one by one.
#[test]
fn cdnow_stays_away_after_a_silence_as_fitted_apart() {
    let mut customers: std::collections::BTreeMap<CustomerKey, Vec<Timestamp>> = Default::default();
    for event in purchases() {
        customers.entry(event.customer.clone()).or_default().push(event.occurred_at.instant());
    }
    let as_of = Timestamp::parse("1997-09-30").unwrap();
    let fitted = SilenceModel::fit(customers.values(), as_of, 182).unwrap();
    let estimates: Vec<f64> = fitted.report.estimates.iter().map(|of| of.value).collect();
    for (found, expected) in
        estimates.iter().zip([-0.8836971970848373, 0.5386636436231003, -1.113899723085627])
    {
        close(*found, expected, 1e-9);
    }
    assert_eq!(fitted.report.customers, 2_357);
    let steps = fitted.model.steps(0.8, &[1, 2, 3, 5]).unwrap();
    let days: Vec<(u32, u32)> = steps.iter().map(|step| (step.purchases_min, step.days)).collect();
    assert_eq!(days, [(1, 66), (2, 282), (3, 654), (5, 1_885)]);
    // The step is where the probability reaches the level.
    assert!(fitted.model.probability(2, Span::from_days(282)).unwrap() < 0.8);
    assert!(fitted.model.probability(2, Span::from_days(283)).unwrap() > 0.8);

    let refused = |purchases: &[u32], level| fitted.model.steps(level, purchases).unwrap_err().kind();
    for (level, purchases) in
        [(0.0, &[1][..]), (1.0, &[1]), (f64::NAN, &[1]), (0.5, &[]), (0.5, &[2, 2]), (0.5, &[0])]
    {
        assert_eq!(refused(purchases, level), ErrorKind::InvalidParameter);
    }
    let nobody: [&[Timestamp]; 0] = [];
    assert_eq!(SilenceModel::fit(nobody, as_of, 182).unwrap_err().kind(), ErrorKind::TooLittleData);
    assert_eq!(
        SilenceModel::fit(customers.values(), as_of, 0).unwrap_err().kind(),
        ErrorKind::InvalidParameter
    );
    // Who is silent for longer comes back sooner: that is no rule to give up by.
    let day = |number: u32| as_of + Span::from_days(number);
    let mut turned = Vec::new();
    for silence in 1..60 {
        for bought in 1..3_u32 {
            let mut days: Vec<Timestamp> =
                (0..bought).map(|of| as_of - Span::from_days(silence + of)).rev().collect();
            days.extend((silence > 30 || silence % 5 == bought).then(|| day(10)));
            turned.push(days);
        }
    }
    assert_eq!(SilenceModel::fit(&turned, as_of, 30).unwrap_err().kind(), ErrorKind::NotIdentified);
}

#[test]
fn the_last_events_are_those_of_the_fold_whatever_arrives_late() {
    let mut projections = ProjectionSet::new(Rules::default()).unwrap();
    let last = projections.register(LastEvents::new(2)).unwrap();
    let day = |number| Timestamp::parse("2024-01-01").unwrap() + Span::from_days(number);
    let at = |id: u32| JourneyEvent::new(EventId::from_u128(id.into()), key(1), day(id), Registered {});
    let batches = [5, 3, 9, 7].map(|id| EventBatch::from_events([&at(id)]).unwrap());
    let mut fold = Fold::new(&projections);
    for number in 0..batches.len() {
        for refold in fold.apply(&batches[number..=number]).refolds {
            fold.refold(&refold, &batches[..=number]);
        }
    }
    let view = fold.own_view(last, &key(1), day(20)).unwrap().unwrap();
    let found: Vec<_> = view.iter().map(|event| (event.at, event.kind.as_str())).collect();
    assert_eq!(found, [(day(9), "registered"), (day(7), "registered")]);
}

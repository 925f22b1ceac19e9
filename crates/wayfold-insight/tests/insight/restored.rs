//! Projections of this crate side by side: any order of arrival, and a snapshot in between, give the same bytes.

use proptest::prelude::*;
use wayfold_core::{
    AttributeName, CareContacted, CartChanged, ConsentGiven, ConsentWithdrawn, Custom, CustomKind,
    CustomerKey, EventBatch, EventBody, EventId, Fold, JourneyEvent, MessageUnsubscribed, OfferIssued,
    PointsEarned, PointsRedeemed, ProfileChanged, ProjectionSet, Rules, Snapshot, Span, Timestamp,
};
use wayfold_insight::{
    CareRecord, ContactHistory, Downgrade, EventMeasure, GapChurn, LastEvents, PointsLedger, PointsRules,
    QualificationPeriod, Tier, TierLedger, TierRules,
};

fn projections() -> ProjectionSet {
    let mut set = ProjectionSet::new(Rules::default()).unwrap();
    for measure in [
        "count of cart_changed within 3 days",
        "count of \"custom:feature [used]\" within 36 hours",
        "\"custom:feature [used]\" followed by points_redeemed within 2 days",
    ] {
        set.register(EventMeasure::parse(measure).unwrap()).unwrap();
    }
    set.register(GapChurn::new(3, 30)).unwrap();
    set.register(LastEvents::new(3)).unwrap();
    set.register(ContactHistory).unwrap();
    set.register(CareRecord::default()).unwrap();
    set.register(PointsLedger::new("club", 1, PointsRules::default()).unwrap()).unwrap();
    let rules = TierRules {
        tiers: vec![Tier { name: "bronze".into(), points_min: 20 }],
        period: QualificationPeriod::MembershipYear,
        downgrade: Downgrade::ToQualified,
        zone: "UTC".into(),
    };
    set.register(TierLedger::new("club", 1, rules).unwrap()).unwrap();
    set
}

fn event(id: usize, at: i64, kind: usize) -> JourneyEvent {
    let used = Custom { name: CustomKind::new("feature [used]").unwrap(), stage: None, amount: None };
    let body: EventBody = match kind {
        0 => CartChanged { lines: vec![] }.into(),
        1 => used.into(),
        2 => PointsEarned { points: 7, reason: None }.into(),
        3 => ConsentGiven { purpose: "marketing".to_owned() }.into(),
        4 => ConsentWithdrawn { purpose: "marketing".to_owned() }.into(),
        5 => MessageUnsubscribed { campaign: None }.into(),
        6 => OfferIssued { offer_kind: Some("coupon".to_owned()), campaign: None, value: None }.into(),
        7 => CareContacted { occasion: Some("birthday".to_owned()) }.into(),
        8 => ProfileChanged {}.into(),
        _ => PointsRedeemed { points: 3, reward: Some("tea".into()) }.into(),
    };
    let at = Timestamp::parse("2024-01-01").unwrap() + Span::from_micros(at * 3_600_000_000);
    let event = JourneyEvent::new(EventId::from_u128(id as u128), CustomerKey::new("ada").unwrap(), at, body);
    let birthday = AttributeName::new("birthday").unwrap();
    if kind == 8 { event.with_attribute(birthday, format!("--05-{id:02}").as_str()) } else { event }
}

fn apply(fold: &mut Fold, history: &[EventBatch]) {
    for refold in fold.apply(&history[history.len() - 1..]).refolds {
        fold.refold(&refold, history);
    }
}

fn export(fold: &Fold) -> String {
    let mut bytes = Vec::new();
    fold.export(&mut bytes).unwrap();
    String::from_utf8(bytes).unwrap()
}

proptest! {
    #[test]
    fn arrival_and_restarts_change_no_byte(
        events in prop::collection::vec((0_i64..240, 0_usize..10), 1..24),
        saved_after in 0_usize..24,
    ) {
        let events: Vec<_> = events.iter().enumerate().map(|(id, (at, kind))| event(id, *at, *kind)).collect();
        let set = projections();
        let mut at_once = Fold::new(&set);
        apply(&mut at_once, &[EventBatch::from_events(&events).unwrap()]);

        let batches: Vec<_> = events.iter().map(|event| EventBatch::from_events([event]).unwrap()).collect();
        let mut fold = Fold::new(&set);
        for number in 0..batches.len() {
            if number == saved_after % batches.len() {
                let parts: Vec<_> =
                    Snapshot::of(std::slice::from_ref(&fold)).unwrap().collect::<Result<_, _>>().unwrap();
                fold = Fold::new(&set);
                for part in parts {
                    fold.restore_part(&part.bytes).unwrap();
                }
            }
            apply(&mut fold, &batches[..=number]);
        }
        prop_assert_eq!(export(&fold), export(&at_once));
    }
}

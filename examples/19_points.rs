//! A member's points as a statement: what is pending, what can be redeemed, what expires when, and why; and its tier.

use wayfold::insight::{
    Downgrade, PointsLedger, PointsRules, QualificationPeriod, Tier, TierLedger, TierRules,
};
use wayfold::{
    Builder, CustomerKey, EventBody, EventId, Filter, JourneyEvent, PointsEarned, PointsRedeemed,
    PointsReversed, Rules, Selection, Span, Tenant, Timestamp,
};
use wayfold_examples::store;

fn main() -> anyhow::Result<()> {
    // Two weeks pending, as long as goods can be returned; valid for a year.
    let rules = PointsRules { pending: Span::from_days(14), valid: Some(Span::from_days(365)) };
    let mut builder = Builder::new(Rules::default())?.on_demand();
    let points = builder.register(PointsLedger::new("club", 1, rules)?)?;
    let tiers = builder.register(TierLedger::new("club", 1, tier_rules())?)?;
    let wayfold = builder.open_blocking(store()?)?;
    wayfold.append(&history()?)?;

    let ada = CustomerKey::new("ada")?;
    let as_of = |at| -> wayfold::Result<_> {
        Ok(wayfold.own_view_as_of(points, &ada, Timestamp::parse(at)?)?.expect("ada is known"))
    };
    let summer = as_of("2024-06-10")?;
    for entry in &summer.entries {
        println!(
            "{} {:?} {:?}: pending {:+}, active {:+}",
            entry.at, entry.what, entry.reason, entry.pending, entry.active
        );
    }
    // 120 and 80 were earned, 50 redeemed; of the last 40, which were pending, 30 were taken back.
    assert_eq!((summer.pending, summer.active), (10, 150));
    // The coffee took of the points that expire first.
    let (at, next) = summer.expires_next.expect("points expire");
    println!("{next} expire at {at}");
    assert_eq!((at, next), (Timestamp::parse("2025-01-09")?, 70));

    let later = as_of("2025-02-01")?;
    println!("in February {} are left and {} have expired", later.active, later.expired);
    assert_eq!((later.pending, later.active, later.expired), (0, 90, 70));

    // Silver by the 210 points of 2024, which is kept through 2025.
    for (at, expected) in
        [("2024-02-01", Some("bronze")), ("2025-12-31", Some("silver")), ("2026-01-01", Some("bronze"))]
    {
        let view = wayfold.own_view_as_of(tiers, &ada, Timestamp::parse(at)?)?.expect("ada is known");
        println!("{at}: {:?}, next {:?}", view.tier, view.next);
        assert_eq!(view.tier.as_deref(), expected);
    }

    // Whom to remind before points are lost: fields of the ledger are fields of the customer.
    let rich = Filter::field("points_club.active").at_least(100);
    let page =
        wayfold.customers_of(&Tenant::default(), &Selection::new(rich), Timestamp::parse("2025-01-01")?)?;
    assert_eq!(page.matching(), 1);
    Ok(())
}

fn tier_rules() -> TierRules {
    let tier = |name: &str, points_min| Tier { name: name.to_owned(), points_min };
    TierRules {
        tiers: vec![tier("bronze", 100), tier("silver", 200), tier("gold", 500)],
        period: QualificationPeriod::CalendarYear,
        downgrade: Downgrade::OneTier,
        zone: "Europe/Berlin".to_owned(),
    }
}

fn history() -> wayfold::Result<Vec<JourneyEvent>> {
    let earned = |points, order: &str| PointsEarned { points, reason: Some(format!("order {order}")) };
    let facts: [(&str, EventBody); 5] = [
        ("2024-01-10", earned(120, "o1").into()),
        ("2024-03-01", earned(80, "o2").into()),
        ("2024-05-01", PointsRedeemed { points: 50, reward: Some("coffee".into()) }.into()),
        ("2024-06-01", earned(40, "o3").into()),
        ("2024-06-05", PointsReversed { points: 30, reason: Some("returned goods of o3".into()) }.into()),
    ];
    let event = |(date, body): (&str, EventBody)| {
        let id = EventId::from_natural_key("club", "points", &[date]);
        Ok(JourneyEvent::new(id, CustomerKey::new("ada")?, Timestamp::parse(date)?, body))
    };
    facts.into_iter().map(event).collect()
}

//! Where deals stand, what they are worth, which slip, why they are lost, and how leads score.

use wayfold::insight::{
    Confidence, CrmLink, CrmProcess, LeadRules, LeadScore, Opportunities, default_stages,
};
use wayfold::{Builder, Currency, Filter, Order, Rules, Selection, Span, Tenant, Timestamp};
use wayfold_examples::store;
use wayfold_testkit::shop::{Shop, ShopConfig};

/// What speaks for a lead, as data.
const LEADS: &str = r#"{"name": "shop", "version": 1, "factors": [
    {"name": "saw a demo", "part": "intent", "points": 40,
        "evidence": {"events": {"kind": "demo_attended", "counted_max": 2, "half_life_days": 30}}},
    {"name": "looked at products", "part": "intent", "points": 10,
        "evidence": {"events": {"kind": "product_viewed", "counted_max": 5, "half_life_days": 14}}},
    {"name": "was quoted", "part": "ability", "points": 20,
        "evidence": {"events": {"kind": "quote_issued", "counted_max": 1, "half_life_days": null}}}
]}"#;

fn main() -> anyhow::Result<()> {
    let mut builder = Builder::new(Rules::default())?.on_demand();
    let rules: LeadRules = serde_json::from_str(LEADS)?;
    let score = builder.register(LeadScore::new(rules)?)?;
    let crm = builder.register(CrmProcess)?;
    let wayfold = builder.open_blocking(store()?)?;
    let events: Vec<_> = Shop::new(ShopConfig::of(20_000)).distinct().collect();
    wayfold.append(&events)?;
    let as_of = Timestamp::parse("2025-06-01")?;

    // The hottest lead, and why.
    let hot = Selection::new(Filter::field("lead_shop.total").at_least(100))
        .with_order(Order::descending("lead_shop.total"));
    let page = wayfold.customers_of(&Tenant::default(), &hot, as_of)?;
    let best = &page.customers().next().expect("some are hot").key;
    let view = wayfold.own_view_as_of(score, best, as_of)?.expect("it is known");
    println!("{} leads of 100 points and more; the hottest is {best}:", page.matching());
    for reason in &view.reasons {
        println!(
            "  {} points, {:?}: {} ({} times)",
            reason.points, reason.part, reason.factor, reason.events
        );
    }
    let link = wayfold.own_view_as_of(crm, best, as_of)?.expect("it is known");
    println!("  stands in {:?}", link.link);
    assert_eq!((page.matching(), view.intent, view.ability, view.reasons.len()), (1, 90, 20, 3));
    assert_eq!(link.link, Some(CrmLink::Analysis));

    // The pipeline, in one pass over the log.
    let deals = Opportunities::new(default_stages(), Currency::EUR)?;
    let total = wayfold.measure(&deals, as_of)?;
    for row in deals.pipeline(&total).iter().filter(|row| row.open > 0) {
        println!(
            "{:>11}: {:>4} open, {} EUR, weighted {}",
            row.stage, row.open, row.value, row.weighted_value
        );
    }
    for row in deals.win_rates(&total, Confidence::P95) {
        println!(
            "{:?}: {} won, {} lost, {:?}",
            row.source,
            row.won,
            row.lost,
            row.rate.map(|rate| rate.0.round())
        );
    }
    for row in deals.lost(&total).iter().take(3) {
        println!(
            "lost for {:?} to {:?}: {} deals of {} EUR",
            row.reason, row.competitor, row.deals, row.value
        );
    }
    for row in deals.stage_times(&total).iter().filter(|row| row.ended > 0) {
        println!("{:>11}: median {} days", row.stage, row.median.map_or(0, Span::whole_days));
    }
    let slipping = deals.slipping(&total, as_of);
    println!("{} deals slip", slipping.len());
    assert_eq!(slipping.len(), 179);
    assert_eq!(deals.lost(&total)[0].competitor.as_deref(), Some("Beta"));
    let quoted = deals.pipeline(&total).into_iter().find(|row| row.stage == "quote").expect("a stage");
    assert_eq!((quoted.open, quoted.weighted_value.to_string()), (43, "2861.9".to_owned()));
    Ok(())
}

//! What an offer to stay did: a campaign table, and the effect against customers who were left out by lot.

use std::collections::{BTreeMap, BTreeSet};

use wayfold::insight::{
    CampaignBy, CampaignCost, Campaigns, Confidence, Effect, HoldOutGroup, MatchProfile, Matching, Treatment,
    TreatmentOutcomes,
};
use wayfold::{
    Amount, Builder, Currency, CustomerKey, EventBody, EventId, Filter, JourneyEvent, LifecycleStage, Money,
    OrderPlaced, RetentionOfferAccepted, RetentionOfferMade, Rules, Selection, Span, Tag, Timestamp,
};
use wayfold_examples::store;
use wayfold_testkit::shop::{Shop, ShopConfig};

fn main() -> anyhow::Result<()> {
    let wayfold = Builder::new(Rules::default())?.on_demand().open_blocking(store()?)?;
    let events: Vec<_> = Shop::new(ShopConfig::of(50_000)).distinct().collect();
    wayfold.append(&events)?;

    // Whoever has left by June 2025 gets an offer to come back, but for a quarter of them.
    let begin = Timestamp::parse("2025-06-01")?;
    let churned = Filter::field("lifecycle.stage").is(LifecycleStage::Churned);
    let selected = wayfold.customers_as_of(&Selection::new(churned).with_limit(10_000), begin)?;
    let churned: BTreeMap<CustomerKey, MatchProfile> = selected
        .customers()
        .map(|view| {
            let last = view.lifecycle.last_purchase_at.expect("they bought once");
            let features = vec![f64::from(view.lifecycle.purchases), begin.since(last).whole_days() as f64];
            (view.key.clone(), MatchProfile { class: String::new(), features })
        })
        .collect();
    let group = HoldOutGroup::new("come back", 250)?;
    append_what_follows(&wayfold, churned.keys(), &group, begin)?;

    let as_of = Timestamp::parse("2025-09-01")?;
    let campaigns = Campaigns::new(Span::from_days(30), Currency::EUR);
    let total = wayfold.measure(&campaigns, as_of)?;
    let costs = [CampaignCost::new("come back", Amount::parse("400")?)];
    let rows = campaigns.report(&total, &[CampaignBy::Campaign], &costs, Confidence::P95);
    for row in rows.iter().filter(|row| row.customers > 100) {
        let name = row.campaign.as_deref().unwrap_or("(none)");
        let ordered = row.ordered.rate.expect("it reached somebody").0;
        println!("{name}: {} customers, {ordered:.1} % ordered, {} EUR net", row.customers, row.net);
    }

    let come_back =
        rows.iter().find(|row| row.campaign.as_deref() == Some("come back")).expect("it was sent");
    assert_eq!((come_back.issued.customers, come_back.net.to_string()), (639, "8141.64".to_owned()));

    // Who would have come back anyway is in that table too. Who was left out says how many they are.
    let until = begin + Span::from_days(61);
    let treatment = Treatment::RetentionOffer("half off".to_owned());
    let measure =
        TreatmentOutcomes::new(treatment, begin..begin + Span::from_days(1), begin..until, Currency::EUR)?;
    let mut outcomes = wayfold.measure(&measure, as_of)?.outcomes();
    outcomes.retain(|of| churned.contains_key(&of.customer));
    let effect = Effect::against_hold_out(&outcomes, &group, Confidence::P95)?;
    let interval = effect.conversion.interval.expect("shares have one");
    println!(
        "{} offered: {:.1} % bought; {} left out: {:.1} %; {:+.1} points ({:+.1} to {:+.1}), p = {:.4}",
        effect.treated.customers,
        effect.treated.conversion.0,
        effect.others.customers,
        effect.others.conversion.0,
        effect.conversion.value,
        interval.low,
        interval.high,
        effect.conversion.p_value.expect("some bought"),
    );
    // Ten points were put in.
    assert_eq!((effect.treated.customers, effect.others.customers), (639, 184));
    assert!(interval.low > 0.0 && interval.high > 10.0 && effect.others.reached == 0);
    // What these customers spend differs so much that their money tells nothing yet, and the interval says so.
    let (net, interval) = effect.additional_net();
    let interval = interval.expect("they spend differently");
    println!("{net:+.0} EUR in all ({:+.0} to {:+.0})", interval.low, interval.high);
    assert!(!effect.money.tells());

    // Without a hold-out, customers who are alike would have to do.
    let matching = Matching::new(["purchases", "days since the last"]).with_caliper(0.5);
    let matched = matching.effect(&outcomes, |key| churned.get(key).cloned(), Confidence::P95)?;
    for row in &matched.balance {
        println!(
            "{}: {:+.3} before, {:+.3} after",
            row.feature,
            row.before.unwrap_or(0.0),
            row.after.unwrap_or(0.0)
        );
        assert!(row.after.is_some_and(|after| after.abs() < 0.1));
    }
    let twins: BTreeSet<_> = matched.pairs.iter().map(|pair| &pair.1).collect();
    println!(
        "{} pairs: {:+.1} points; {} whom nobody was left to be like",
        twins.len(),
        matched.effect.conversion.value,
        matched.unmatched.len()
    );
    assert_eq!((matched.pairs.len(), twins.len() + matched.unmatched.len()), (twins.len(), 639));
    Ok(())
}

/// Makes the offers, and what comes of them: one in twelve comes back anyway, and one in ten for the offer.
fn append_what_follows<'a>(
    wayfold: &wayfold::blocking::Wayfold,
    churned: impl Iterator<Item = &'a CustomerKey>,
    group: &HoldOutGroup,
    begin: Timestamp,
) -> anyhow::Result<()> {
    let (anyway, for_it) = (HoldOutGroup::new("anyway", 83)?, HoldOutGroup::new("for the offer", 100)?);
    let mut events = Vec::new();
    for key in churned {
        let mut add = |what: &str, hours: i64, body: EventBody| -> wayfold::Result<()> {
            let id = EventId::from_natural_key("come back", what, &[key.customer.as_str()]);
            let at = begin + Span::from_micros(hours * 3_600_000_000);
            let event =
                JourneyEvent::new(id, key.clone(), at, body).with_tag(Tag::new("campaign", "come back")?);
            let order = matches!(what, "accepted" | "order")
                .then(|| Tag::order(format!("back-{key}")))
                .transpose()?;
            events.push(order.into_iter().fold(event, JourneyEvent::with_tag));
            Ok(())
        };
        let offer = || Some("half off".to_owned());
        let takes_it = !group.holds(key) && for_it.holds(key);
        if !group.holds(key) {
            add("made", 9, RetentionOfferMade { offer: offer() }.into())?;
        }
        if takes_it {
            add("accepted", 60, RetentionOfferAccepted { offer: offer() }.into())?;
        }
        if takes_it || anyway.holds(key) {
            let amount = Money::parse("30", Currency::EUR)?;
            add("order", 61, OrderPlaced { lines: vec![], amount, promised_at: None }.into())?;
        }
    }
    wayfold.append(&events)?;
    Ok(())
}

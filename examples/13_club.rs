//! Who is in the club, with which points, tier and preferences, and what its offers change, as Starbucks would ask it.
//!
//! Points, tiers and the effect of offers are measures of the library; membership and preferences are a projection of one's
//! own, a few lines beside them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use wayfold::blocking::Wayfold;
use wayfold::insight::{
    CampaignBy, CampaignCost, Campaigns, Confidence, Downgrade, Effect, HoldOutGroup, PointsLedger,
    PointsRules, QualificationPeriod, Tier, TierLedger, TierRules, Treatment, TreatmentOutcomes,
};
use wayfold::{
    Amount, Builder, Currency, CustomerAt, CustomerKey, EventBody, EventId, EventKind, EventView, Filter,
    Handle, JourneyEvent, MembershipJoined, Money, OfferIssued, OfferRedeemed, Order, OrderPlaced,
    PointsEarned, PointsRedeemed, PreferenceStated, Projection, Rules, Selection, Span, Tag, Timestamp,
};
use wayfold_examples::store;

const OFFER: &str = "spring drink";
/// How many members there are beside the three that have names.
const MEMBERS: u32 = 400;

/// Membership and preferences of one customer.
struct ClubProjection;

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Club {
    is_member: bool,
    /// What was stated last, by subject.
    preferences: BTreeMap<String, String>,
}

impl Projection for ClubProjection {
    type State = Club;
    type View = Club;

    fn name(&self) -> &str {
        "club"
    }

    fn version(&self) -> u32 {
        1
    }

    fn evolve(&self, club: &mut Club, event: &EventView<'_>) {
        let text = |field: &str| event.text(field).unwrap_or_default().to_owned();
        match event.kind() {
            EventKind::MembershipJoined => club.is_member = true,
            EventKind::MembershipLeft => club.is_member = false,
            EventKind::PreferenceStated => {
                club.preferences.insert(text("subject"), text("preference"));
            }
            _ => {}
        }
    }

    fn view(&self, club: &Club, _customer: &CustomerAt<'_>) -> Club {
        club.clone()
    }

    fn holds_until(&self, _club: &Club, _customer: &CustomerAt<'_>) -> Option<Timestamp> {
        None
    }
}

fn main() -> anyhow::Result<()> {
    let as_of = Timestamp::parse("2024-06-01")?;
    let mut builder = Builder::new(Rules::default())?.by_hand(as_of).on_demand();
    let club = builder.register(ClubProjection)?;
    let rules = PointsRules { pending: Span::from_days(2), valid: Some(Span::from_days(180)) };
    let points = builder.register(PointsLedger::new("club", 1, rules)?)?;
    let tier = builder.register(TierLedger::new("club", 1, tiers())?)?;
    let wayfold = builder.open_blocking(store()?)?;
    wayfold.append(&cards()?)?;
    let group = HoldOutGroup::new(OFFER, 500)?;
    wayfold.append(&spring(&group)?)?;

    card(&wayfold, club, points, tier)?;
    rich_members(&wayfold)?;
    what_the_offer_did(&wayfold, &group, as_of)
}

/// One member's card, each balance explained by its entries.
fn card(
    wayfold: &Wayfold,
    club: Handle<ClubProjection>,
    points: Handle<PointsLedger>,
    tier: Handle<TierLedger>,
) -> anyhow::Result<()> {
    let ada = CustomerKey::new("ada")?;
    let [club, points, tier] = [
        wayfold.own_view(club, &ada)?.map(|club| format!("{} {:?}", club.is_member, club.preferences)),
        wayfold.own_view(points, &ada)?.map(|of| {
            for entry in &of.entries {
                println!("  {} {:?} {:+} {:?}", entry.at, entry.what, entry.active, entry.reason);
            }
            format!("{} active, {} pending, {:?}", of.active, of.pending, of.expires_next)
        }),
        wayfold.own_view(tier, &ada)?.map(|of| format!("{:?}, next {:?}", of.tier, of.next)),
    ]
    .map(|told| told.expect("ada is a member"));
    println!("ada: member {club}; {points}; {tier}");
    assert_eq!(club, r#"true {"milk": "oat"}"#);
    // 30 of the first 50 became a coffee, and the other 20 would expire 180 days after they were earned.
    assert_eq!(points, "60 active, 10 pending, Some((Timestamp(2024-08-29T00:00:00Z), 20))");
    assert_eq!(tier, r#"Some("green"), next Some(("gold", 200))"#);
    Ok(())
}

/// Members with enough points for a drink, the richest first: fields of projections are selected by as any other.
fn rich_members(wayfold: &Wayfold) -> anyhow::Result<()> {
    let members = Filter::field("club.is_member").is(true);
    let rich = members.and(Filter::field("points_club.active").at_least(10));
    let page =
        wayfold.customers(&Selection::new(rich).with_order(Order::descending("points_club.active")))?;
    let names: Vec<String> = page.customers().map(|view| view.key.to_string()).collect();
    println!("members with at least 10 points: {names:?}");
    assert_eq!(names, ["ada", "bob"]);
    Ok(())
}

/// How many took the offer, what it cost and brought, and what would have been bought anyway.
fn what_the_offer_did(wayfold: &Wayfold, group: &HoldOutGroup, as_of: Timestamp) -> anyhow::Result<()> {
    let campaigns = Campaigns::new(Span::from_days(14), Currency::USD);
    let total = wayfold.measure(&campaigns, as_of)?;
    let costs = [CampaignCost::new(OFFER, Amount::parse("90")?)];
    let row = &campaigns.report(&total, &[CampaignBy::Campaign], &costs, Confidence::P95)[0];
    println!(
        "{OFFER}: {} issued, {} redeemed, {} ordered for {} USD at {:?}",
        row.issued.customers, row.redeemed.customers, row.ordered.customers, row.net, row.cost
    );
    assert_eq!((row.issued.customers, row.redeemed.customers, row.ordered.customers), (219, 48, 72));
    assert_eq!((row.net.to_string(), row.return_percent), ("468".to_owned(), Some(420.0)));

    // That table counts who would have come anyway. Half of the members were left out by lot, and say how many they are.
    let (begin, end) = (Timestamp::parse("2024-04-01")?, Timestamp::parse("2024-05-01")?);
    let measure = TreatmentOutcomes::new(
        Treatment::Campaign(OFFER.to_owned()),
        begin..begin + Span::from_days(1),
        begin..end,
        Currency::USD,
    )?;
    let mut outcomes = wayfold.measure(&measure, as_of)?.outcomes();
    outcomes.retain(|of| of.customer.customer.as_str().starts_with('m'));
    let effect = Effect::against_hold_out(&outcomes, group, Confidence::P95)?;
    let interval = effect.conversion.interval.expect("shares have one");
    println!(
        "{} of {} bought with the offer, {} of {} without: {:+.1} points ({:+.1} to {:+.1})",
        effect.treated.buyers,
        effect.treated.customers,
        effect.others.buyers,
        effect.others.customers,
        effect.conversion.value,
        interval.low,
        interval.high
    );
    assert_eq!((effect.treated.buyers, effect.treated.customers), (72, 219));
    assert_eq!((effect.others.buyers, effect.others.customers), (16, 181));
    // Twenty points were put in.
    assert!(effect.conversion.tells() && interval.low < 20.0 && interval.high > 20.0);
    Ok(())
}

fn tiers() -> TierRules {
    let tier = |name: &str, points_min| Tier { name: name.to_owned(), points_min };
    TierRules {
        tiers: vec![tier("green", 50), tier("gold", 300)],
        period: QualificationPeriod::CalendarYear,
        downgrade: Downgrade::OneTier,
        zone: "America/Los_Angeles".to_owned(),
    }
}

/// What three members did.
fn cards() -> wayfold::Result<Vec<JourneyEvent>> {
    let milk = |preference: &str| PreferenceStated { subject: "milk".into(), preference: preference.into() };
    let earned = |points| PointsEarned { points, reason: Some("purchase".into()) };
    let facts: Vec<(&str, &str, EventBody)> = vec![
        ("ada", "2024-03-01", MembershipJoined { programme: None }.into()),
        ("ada", "2024-03-02", earned(50).into()),
        ("ada", "2024-03-05", milk("soy").into()),
        ("ada", "2024-04-20", PointsRedeemed { points: 30, reward: Some("coffee".into()) }.into()),
        ("ada", "2024-05-02", milk("oat").into()),
        ("ada", "2024-05-10", earned(40).into()),
        ("ada", "2024-05-31", earned(10).into()),
        ("bob", "2024-03-10", MembershipJoined { programme: None }.into()),
        ("bob", "2024-03-11", earned(20).into()),
        ("eve", "2024-03-12", earned(90).into()),
    ];
    facts.into_iter().map(|(name, date, body)| event(name, date, body)).collect()
}

/// In April half of the members get an offer. One in ten buys in any case, and two in ten more for the offer.
fn spring(group: &HoldOutGroup) -> wayfold::Result<Vec<JourneyEvent>> {
    let (offer_kind, campaign) = (|| Some("drink".to_owned()), || Some(OFFER.to_owned()));
    let mut events = Vec::new();
    for number in 0..MEMBERS {
        let name = format!("m{number:03}");
        let key = CustomerKey::new(&name)?;
        let is_left_out = group.holds(&key);
        events.push(event(&name, "2024-03-01", MembershipJoined { programme: None }.into())?);
        if !is_left_out {
            let issued = OfferIssued { offer_kind: offer_kind(), campaign: campaign(), value: None };
            events.push(event(&name, "2024-04-01", issued.into())?);
        }
        let takes_it = !is_left_out && [1, 2].contains(&(number % 10));
        if takes_it {
            let redeemed = OfferRedeemed { offer_kind: offer_kind(), campaign: campaign(), value: None };
            let order = Tag::order(&name)?;
            events.push(event(&name, "2024-04-08T09:00:00Z", redeemed.into())?.with_tag(order));
        }
        if takes_it || number % 10 == 0 {
            let amount = Money::parse("6.50", Currency::USD)?;
            let placed = OrderPlaced { lines: vec![], amount, promised_at: None };
            events.push(event(&name, "2024-04-08T09:05:00Z", placed.into())?.with_tag(Tag::order(&name)?));
        }
    }
    Ok(events)
}

fn event(name: &str, at: &str, body: EventBody) -> wayfold::Result<JourneyEvent> {
    let id = EventId::from_natural_key("club", "fact", &[name, at]);
    Ok(JourneyEvent::new(id, CustomerKey::new(name)?, Timestamp::parse(at)?, body))
}

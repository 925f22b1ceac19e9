//! Who is in the club, how many points each has, and which offers were taken, as Starbucks would ask it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use wayfold::{
    Builder, CustomerAt, CustomerKey, EventBody, EventId, EventKind, EventView, Filter, JourneyEvent,
    MembershipJoined, OfferIssued, OfferRedeemed, Order, PointsEarned, PointsExpired, PointsRedeemed,
    PreferenceStated, Projection, Rules, Selection, Timestamp,
};
use wayfold_examples::store;

/// Membership, points, offers and preferences of one customer.
struct ClubProjection;

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Club {
    is_member: bool,
    points: i64,
    /// By campaign: how many offers were issued, and how many redeemed.
    offers: BTreeMap<String, [u32; 2]>,
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
        let points = event.integer("points").unwrap_or(0);
        match event.kind() {
            EventKind::MembershipJoined => club.is_member = true,
            EventKind::MembershipLeft => club.is_member = false,
            EventKind::PointsEarned => club.points += points,
            EventKind::PointsRedeemed | EventKind::PointsExpired => club.points -= points,
            EventKind::OfferIssued => club.offers.entry(text("campaign")).or_default()[0] += 1,
            EventKind::OfferRedeemed => club.offers.entry(text("campaign")).or_default()[1] += 1,
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

fn main() -> wayfold::Result<()> {
    let as_of = Timestamp::parse("2024-06-01")?;
    let mut builder = Builder::new(Rules::default())?.by_hand(as_of).on_demand();
    let club = builder.register(ClubProjection)?;
    let wayfold = builder.open_blocking(store()?)?;
    wayfold.append(&history()?)?;

    // One member's card.
    let ada = wayfold.own_view(club, &CustomerKey::new("ada")?)?.expect("ada is a member");
    println!("ada has {} points and likes {:?}", ada.points, ada.preferences);
    assert_eq!((ada.is_member, ada.points, ada.preferences["milk"].as_str()), (true, 15, "oat"));

    // What a campaign did: how many of those who got its offer took it.
    let spring = wayfold
        .own_views(club, as_of)?
        .into_iter()
        .filter_map(|(_, club)| club.offers.get("spring").copied());
    let [issued, redeemed] = spring.fold([0, 0], |sum, one| [sum[0] + one[0], sum[1] + one[1]]);
    println!("the campaign spring: {redeemed} of {issued} offers were redeemed");
    assert_eq!([issued, redeemed], [3, 1]);

    // Members with enough points for a drink, the richest first: fields of one's own are selected by as any other.
    let members = Filter::field("club.is_member").is(true);
    let rich = members.and(Filter::field("club.points").at_least(10_u64));
    let page = wayfold.customers(&Selection::new(rich).with_order(Order::descending("club.points")))?;
    let names: Vec<String> = page.customers().map(|view| view.key.to_string()).collect();
    println!("members with at least 10 points: {names:?}");
    assert_eq!(names, ["bob", "ada"]);
    Ok(())
}

fn history() -> wayfold::Result<Vec<JourneyEvent>> {
    let campaign = || Some("spring".to_owned());
    let offer = || OfferIssued { offer_kind: Some("drink".into()), campaign: campaign(), value: None };
    let taken = OfferRedeemed { offer_kind: Some("drink".into()), campaign: campaign(), value: None };
    let milk = |preference: &str| PreferenceStated { subject: "milk".into(), preference: preference.into() };
    let facts: Vec<(&str, &str, EventBody)> = vec![
        ("ada", "2024-03-01", MembershipJoined { programme: None }.into()),
        ("ada", "2024-03-02", PointsEarned { points: 50, reason: Some("purchase".into()) }.into()),
        ("ada", "2024-03-05", milk("soy").into()),
        ("ada", "2024-04-01", offer().into()),
        ("ada", "2024-04-03", taken.into()),
        ("ada", "2024-04-20", PointsRedeemed { points: 30, reward: Some("coffee".into()) }.into()),
        ("ada", "2024-05-01", PointsExpired { points: 5 }.into()),
        ("ada", "2024-05-02", milk("oat").into()),
        ("bob", "2024-03-10", MembershipJoined { programme: None }.into()),
        ("bob", "2024-03-11", PointsEarned { points: 20, reason: None }.into()),
        ("bob", "2024-04-01", offer().into()),
        ("eve", "2024-04-01", offer().into()),
    ];
    let event = |(name, date, body): (&str, &str, EventBody)| {
        let id = EventId::from_natural_key("club", "fact", &[name, date]);
        Ok(JourneyEvent::new(id, CustomerKey::new(name)?, Timestamp::parse(date)?, body))
    };
    facts.into_iter().map(event).collect()
}

//! Campaigns beside plain loops, and a worked case.

use std::collections::{BTreeMap, BTreeSet};

use proptest::collection::vec;
use proptest::prelude::*;
use wayfold_core::{
    Amount, Channel, Currency, EventBody, JourneyEvent, MessageClicked, MessageDelivered, MessageOpened,
    MessageSent, MessageUnsubscribed, OfferExpired, OfferIssued, OfferRedeemed, OrderCancelled, Refunded,
    RetentionOfferAccepted, RetentionOfferDeclined, RetentionOfferMade, Span, Tag,
};
use wayfold_insight::{
    BucketUnit, Calendar, CampaignBy, CampaignCost, CampaignRow, CampaignTouch, Campaigns, Confidence, Tz,
};

use super::made::{check_laws, eur, event, hour, hours, placed, total};

fn text(name: &str) -> Option<String> {
    (!name.is_empty()).then(|| name.to_owned())
}

fn sent(campaign: &str) -> MessageSent {
    MessageSent { campaign: text(campaign) }
}

fn measure() -> Campaigns {
    Campaigns::new(hours(20), Currency::EUR)
}

fn ordered(number: usize, customer: &str, time: i64, amount: i64, order: &str) -> JourneyEvent {
    event(number, customer, hour(time), placed(amount, &[], None)).with_tag(Tag::order(order).unwrap())
}

/// Ada opens, clicks and buys; Bob is mailed and called, and buys after the call; Eve redeems an offer long after it was
/// issued, and gives a third of the money back; Dan unsubscribes.
fn story() -> Vec<JourneyEvent> {
    let mail = |number, customer, time, body: EventBody| {
        event(number, customer, hour(time), body).with_channel(Channel::Email)
    };
    let offer = |campaign: &str| OfferIssued {
        offer_kind: text("coupon"),
        campaign: text(campaign),
        value: Some(eur(5)),
    };
    let redeemed = OfferRedeemed { offer_kind: text("coupon"), campaign: None, value: Some(eur(5)) };
    let refunded = Refunded { amount: eur(10), reason: None };
    vec![
        mail(0, "ada", 0, sent("spring").into()),
        mail(1, "ada", 1, MessageDelivered { campaign: text("spring") }.into()),
        mail(2, "ada", 2, MessageOpened { campaign: None }.into()),
        // Clicked in the browser, and still a click of the mail.
        event(3, "ada", hour(2), MessageClicked { campaign: text("spring") }).with_channel(Channel::Web),
        ordered(4, "ada", 20, 40, "o1"),
        // Too late for the window.
        ordered(5, "ada", 60, 7, "o2"),
        mail(10, "bob", 0, sent("spring").into()),
        event(11, "bob", hour(5), sent(""))
            .with_channel(Channel::Phone)
            .with_tag(Tag::new("campaign", "call").unwrap()),
        ordered(12, "bob", 6, 20, "o3"),
        ordered(13, "bob", 7, 90, "o4"),
        event(14, "bob", hour(8), OrderCancelled { reason: None }).with_tag(Tag::order("o4").unwrap()),
        event(20, "eve", hour(0), offer("summer")),
        mail(21, "eve", 88, sent("spring").into()),
        ordered(22, "eve", 90, 30, "o5"),
        event(23, "eve", hour(90), redeemed).with_tag(Tag::order("o5").unwrap()).with_channel(Channel::Store),
        event(24, "eve", hour(99), refunded).with_tag(Tag::order("o5").unwrap()),
        mail(30, "dan", 0, sent("spring").into()),
        mail(31, "dan", 1, MessageUnsubscribed { campaign: None }.into()),
    ]
}

#[test]
fn purchases_belong_to_the_newest_touch_or_the_offer_that_names_them() {
    let total = total(&measure(), &story());
    let costs = [CampaignCost::new("spring", Amount::from_ten_thousandths(160_000))];
    let rows = measure().report(&total, &[CampaignBy::Campaign], &costs, Confidence::P95);
    let told = |row: &CampaignRow| {
        let counts = [&row.sent, &row.delivered, &row.opened, &row.clicked, &row.unsubscribed, &row.ordered];
        (row.campaign.clone().unwrap(), row.customers, counts.map(|step| step.customers), row.net.to_string())
    };
    assert_eq!(
        rows.iter().map(told).collect::<Vec<_>>(),
        [
            ("call".to_owned(), 1, [1, 0, 0, 0, 0, 1], "20".to_owned()),
            ("spring".to_owned(), 4, [4, 1, 1, 1, 1, 1], "40".to_owned()),
            ("summer".to_owned(), 1, [0, 0, 0, 0, 0, 1], "20".to_owned()),
        ]
    );
    // 24 on 16.
    let (spring, summer) = (&rows[1], &rows[2]);
    assert_eq!((spring.cost.unwrap().to_string().as_str(), spring.return_percent), ("16", Some(150.0)));
    assert_eq!((spring.opened.rate.unwrap().0, spring.issued.rate.unwrap().0), (25.0, 0.0));
    // Wilson for one of four.
    let interval = spring.opened.rate.unwrap().1;
    assert!((interval.low - 4.5587).abs() < 1e-3 && (interval.high - 69.9358).abs() < 1e-3, "{interval:?}");
    assert_eq!(
        (summer.issued.events, summer.redeemed.events, summer.redeemed_value.to_string()),
        (1, 1, "5".to_owned())
    );
    assert_eq!((summer.sent.rate.unwrap().0, summer.opened.rate, summer.return_percent), (0.0, None, None));

    // The click came by the web and counts for the mail, and so does what the campaign cost.
    let by = [CampaignBy::Channel, CampaignBy::Offer];
    let rows = measure().report(&total, &by, &costs, Confidence::P95);
    let found: Vec<_> =
        rows.iter().map(|row| (row.channel, row.offer.as_deref(), row.clicked.events)).collect();
    assert_eq!(
        found,
        [(Some(Channel::Email), None, 1), (Some(Channel::Phone), None, 0), (None, Some("coupon"), 0)]
    );
    assert_eq!(
        rows.iter().map(|row| row.cost.map(|cost| cost.to_string())).collect::<Vec<_>>(),
        [text("16"), None, None]
    );

    let clicked = measure().with_touch(CampaignTouch::Clicked);
    let total = super::made::total(&clicked, &story());
    let all = &clicked.report(&total, &[], &[], Confidence::P95)[0];
    assert_eq!((all.customers, all.ordered.events, all.net.to_string()), (4, 2, "60".to_owned()));
}

/// By hand: of four mails of the campaign two go to a segment, so that half of its 10 fall there; 3 were spent on that segment
/// alone, 2 on the day of Eve's mail alone, and 4 on a campaign that nobody was sent.
#[test]
fn costs_fall_on_what_agrees_with_them() {
    let calendar = Calendar::new(Tz::UTC, BucketUnit::Day);
    let early = |history: &wayfold_core::History<'_>| {
        Some(if history.customer().1 < "c" { "a and b" } else { "others" }.to_owned())
    };
    let measure = measure().by_segment(early).by_period(calendar);
    let total = super::made::total(&measure, &story());
    let day = |time| calendar.starts_on(calendar.bucket(hour(time)));
    let whole = |campaign: &str, amount: &str| CampaignCost::new(campaign, Amount::parse(amount).unwrap());
    let costs = [
        whole("spring", "10"),
        CampaignCost { segment: text("a and b"), channel: Some(Channel::Email), ..whole("spring", "3") },
        CampaignCost { on: Some(day(88)), ..whole("spring", "2") },
        CampaignCost { channel: Some(Channel::Sms), ..whole("winter", "4") },
    ];
    let told = |by: &[CampaignBy]| -> Vec<_> {
        let rows = measure.report(&total, by, &costs, Confidence::P95);
        let cost = |row: &CampaignRow| {
            (row.campaign.clone(), row.segment.clone(), row.starts_on, row.cost.map(|cost| cost.to_string()))
        };
        rows.iter().map(cost).filter(|row| row.3.is_some()).collect()
    };
    assert_eq!(told(&[]), [(None, None, None, text("19"))]);
    assert_eq!(
        told(&[CampaignBy::Segment, CampaignBy::Campaign]),
        [
            (text("spring"), text("a and b"), None, text("8")),
            (text("spring"), text("others"), None, text("7")),
            (text("winter"), None, None, text("4")),
        ]
    );
    // Three of the four mails of the campaign were sent on the first day.
    assert_eq!(
        told(&[CampaignBy::Period]),
        [
            (None, None, None, text("4")),
            (None, None, Some(day(0)), text("10.5")),
            (None, None, Some(day(88)), text("4.5")),
        ]
    );
    // What is not told apart is not looked at.
    let plain = self::measure();
    let rows =
        plain.report(&super::made::total(&plain, &story()), &[CampaignBy::Channel], &costs, Confidence::P95);
    let found: Vec<_> = rows.iter().filter_map(|row| Some((row.channel, row.cost?.to_string()))).collect();
    assert_eq!(found, [(Some(Channel::Email), "15".to_owned()), (Some(Channel::Sms), "4".to_owned())]);
}

#[test]
fn offers_to_stay_are_offers() {
    let offer = || text("half a year free");
    let events = [
        event(0, "ada", hour(0), RetentionOfferMade { offer: offer() }),
        event(1, "ada", hour(1), RetentionOfferAccepted { offer: offer() }),
        event(2, "bob", hour(0), RetentionOfferMade { offer: offer() }),
        event(3, "bob", hour(1), RetentionOfferDeclined { offer: None, reason: None }),
    ];
    let total = total(&measure(), &events);
    let rows = measure().report(&total, &[CampaignBy::Offer], &[], Confidence::P95);
    assert_eq!((rows.len(), rows[0].offer.clone()), (1, offer()));
    assert_eq!((rows[0].redeemed.rate.unwrap().0, rows[0].declined.rate.unwrap().0), (50.0, 50.0));
}

fn random() -> impl Strategy<Value = Vec<JourneyEvent>> {
    vec((0..3_usize, 0..10_usize, 0..3_usize, 0..60_i64, 0..4_usize), 0..50).prop_map(|all| {
        let mut events = Vec::new();
        for (number, (customer, kind, name, time, other)) in all.into_iter().enumerate() {
            let campaign = || text(["a", "b", ""][name]);
            let order = || Tag::order(format!("{customer}-{other}")).unwrap();
            let offer_kind = || text(["x", "y", "x", ""][other]);
            let body: EventBody = match kind {
                0 | 1 => sent(["a", "b", ""][name]).into(),
                2 => MessageOpened { campaign: campaign() }.into(),
                3 => MessageClicked { campaign: campaign() }.into(),
                4 => OfferIssued { offer_kind: offer_kind(), campaign: campaign(), value: None }.into(),
                5 => OfferRedeemed { offer_kind: offer_kind(), campaign: campaign(), value: None }.into(),
                6 => OfferExpired { offer_kind: offer_kind(), campaign: campaign() }.into(),
                7 => Refunded { amount: eur(2), reason: None }.into(),
                _ => placed(9, &[], None).into(),
            };
            let at = hour(time) + Span::from_micros(number as i64);
            let made =
                event(number, &format!("c{customer}"), at, body).with_channel(Channel::ALL[number % 2]);
            events.push(if kind == 5 || kind > 6 { made.with_tag(order()) } else { made });
        }
        events
    })
}

type Key = (Option<String>, Option<String>, Option<Channel>);
/// Customers by step, purchases, and ten-thousandths of money.
type Found = BTreeMap<Key, (BTreeMap<&'static str, BTreeSet<String>>, u64, i64)>;

/// The same once more, event by event.
fn plainly(events: &[JourneyEvent]) -> Found {
    let mut sorted: Vec<&JourneyEvent> = events.iter().collect();
    sorted.sort_by_key(|event| event.occurred_at.instant());
    let named = |event: &JourneyEvent| -> Option<(&'static str, bool, Option<String>, Option<String>)> {
        Some(match &event.body {
            EventBody::MessageSent(of) => ("sent", true, of.campaign.clone(), None),
            EventBody::MessageOpened(of) => ("opened", false, of.campaign.clone(), None),
            EventBody::MessageClicked(of) => ("clicked", false, of.campaign.clone(), None),
            EventBody::OfferIssued(of) => ("issued", true, of.campaign.clone(), of.offer_kind.clone()),
            EventBody::OfferRedeemed(of) => ("redeemed", false, of.campaign.clone(), of.offer_kind.clone()),
            EventBody::OfferExpired(of) => ("expired", false, of.campaign.clone(), of.offer_kind.clone()),
            _ => return None,
        })
    };
    let key_of = |event: &JourneyEvent| -> Option<Key> {
        let (step, begins, campaign, offer) = named(event)?;
        let own = (campaign.clone(), offer.clone(), event.channel);
        if begins {
            return Some(own);
        }
        let first = if ["opened", "clicked"].contains(&step) { "sent" } else { "issued" };
        let mut newest = None;
        for other in sorted.iter().take_while(|other| other.id != event.id) {
            let Some((other_step, _, other_campaign, other_offer)) = named(other) else { continue };
            let fits = (campaign.is_none() || campaign == other_campaign)
                && (offer.is_none() || offer == other_offer);
            if other.customer == event.customer && other_step == first && fits {
                newest = Some((other_campaign, other_offer, other.channel));
            }
        }
        Some(newest.unwrap_or(own))
    };
    let mut found = Found::new();
    for event in &sorted {
        if let (Some(key), Some((step, ..))) = (key_of(event), named(event)) {
            let cell = found.entry(key).or_default();
            cell.0.entry(step).or_default().insert(event.customer.to_string());
        }
    }
    let orders: BTreeSet<&Tag> = sorted.iter().flat_map(|event| &event.tags).collect();
    for order in orders {
        let about = || sorted.iter().filter(|event| event.tags.contains(order));
        let Some(first) = about().find(|event| matches!(event.body, EventBody::OrderPlaced(_))) else {
            continue;
        };
        let refunded =
            2 * about().filter(|event| matches!(event.body, EventBody::Refunded(_))).count() as i64;
        if refunded >= 9 {
            continue;
        }
        let redeemed = about().rfind(|event| matches!(event.body, EventBody::OfferRedeemed(_)));
        let near = sorted.iter().rfind(|event| {
            let gap = first.occurred_at.instant().since(event.occurred_at.instant());
            event.customer == first.customer
                && gap >= Span::ZERO
                && gap <= hours(20)
                && named(event).is_some_and(|(step, ..)| step != "expired")
        });
        if let Some(touch) = redeemed.or(near) {
            let cell = found.get_mut(&key_of(touch).unwrap()).unwrap();
            cell.0.entry("ordered").or_default().insert(first.customer.to_string());
            cell.1 += 1;
            cell.2 += (9 - refunded) * 10_000;
        }
    }
    found
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn campaigns_are_those_of_plain_loops(events in random()) {
        let by = [CampaignBy::Campaign, CampaignBy::Offer, CampaignBy::Channel];
        let rows = measure().report(&total(&measure(), &events), &by, &[], Confidence::P95);
        let expected = plainly(&events);
        prop_assert_eq!(rows.len(), expected.len());
        for row in &rows {
            let (steps, orders, net) = &expected[&(row.campaign.clone(), row.offer.clone(), row.channel)];
            let everybody: BTreeSet<&String> = steps.values().flatten().collect();
            prop_assert_eq!(row.customers, everybody.len() as u64);
            for (name, step, base) in [
                ("sent", &row.sent, None), ("opened", &row.opened, Some("sent")), ("clicked", &row.clicked, Some("sent")),
                ("issued", &row.issued, None), ("redeemed", &row.redeemed, Some("issued")),
                ("expired", &row.expired, Some("issued")), ("ordered", &row.ordered, None),
            ] {
                let who: BTreeSet<&String> = steps.get(name).into_iter().flatten().collect();
                prop_assert_eq!(step.customers, who.len() as u64, "{}", name);
                let base = base.map_or(everybody.clone(), |base| steps.get(base).into_iter().flatten().collect());
                let share = 100.0 * (base.intersection(&who).count() as f64 / base.len() as f64);
                prop_assert_eq!(step.rate.map(|rate| rate.0), (!base.is_empty()).then_some(share), "{}", name);
            }
            prop_assert_eq!((row.ordered.events, row.net.as_ten_thousandths()), (*orders, *net));
        }
    }

    /// Each row bears its part, and all of them together what was spent; of equal messages each costs the same.
    #[test]
    fn rows_add_up_to_what_was_spent(
        events in random(),
        costs in vec((0..3_usize, 0..4_usize, any::<bool>(), any::<bool>(), -5_i64..1_000_000), 0..5),
    ) {
        let cost = |(campaign, channel, segment, on, amount): (usize, usize, bool, bool, i64)| CampaignCost {
            channel: (channel < 2).then(|| Channel::ALL[channel]),
            segment: segment.then(|| "c1".to_owned()),
            on: on.then(|| hour(0).to_chrono().date_naive()),
            ..CampaignCost::new(["spring", "summer", "nowhere"][campaign], Amount::from_ten_thousandths(amount))
        };
        let costs: Vec<_> = costs.into_iter().map(cost).collect();
        let spent: i64 = costs.iter().map(|cost| cost.amount.as_ten_thousandths()).sum();
        let measure = measure()
            .by_segment(|history| Some(history.customer().1.to_owned()))
            .by_period(Calendar::new(Tz::UTC, BucketUnit::Day));
        let total = total(&measure, &events);
        let all = [CampaignBy::Campaign, CampaignBy::Offer, CampaignBy::Channel, CampaignBy::Segment, CampaignBy::Period];
        for by in [&all[..0], &all[..1], &all[2..4], &all[4..], &all] {
            let rows = measure.report(&total, by, &costs, Confidence::P95);
            let borne: i64 = rows.iter().filter_map(|row| row.cost).map(Amount::as_ten_thousandths).sum();
            prop_assert_eq!(borne, spent, "{:?}", by);
        }
        // One cost of a whole campaign, in the smallest rows.
        let one = [CampaignCost::new("spring", Amount::from_ten_thousandths(spent))];
        let rows = measure.report(&total, &all, &one, Confidence::P95);
        let mut own: Vec<_> = rows.iter().filter(|row| row.campaign.as_deref() == Some("spring")).collect();
        own.retain(|row| row.sent.events + row.issued.events > 0);
        let messages: u64 = own.iter().map(|row| row.sent.events + row.issued.events).sum();
        for row in own {
            let even = spent as f64 * (row.sent.events + row.issued.events) as f64 / messages as f64;
            let borne = row.cost.map_or(f64::NAN, |cost| cost.as_ten_thousandths() as f64);
            prop_assert!((borne - even).abs() <= 1.0, "{borne} {even}");
        }
    }

    #[test]
    fn campaigns_keep_the_laws(events in random()) {
        let measure = measure()
            .by_segment(|history| Some(history.customer().1[..2].to_owned()))
            .by_period(Calendar::new(Tz::UTC, BucketUnit::Day));
        check_laws(&measure, &events, |total| {
            let by = [CampaignBy::Campaign, CampaignBy::Channel, CampaignBy::Segment, CampaignBy::Period];
            measure.report(total, &by, &[], Confidence::P95)
        });
    }
}

//! From the score of a lead to the deal that is won, where deals stand and slip, which leads nobody touches and go back to
//! the pool, and what campaigns brought: as Fxiaoke (纷享销客) would ask it.

use wayfold::blocking::Wayfold;
use wayfold::insight::{
    CampaignBy, CampaignCost, Campaigns, Confidence, CrmLink, CrmProcess, DealState, LeadRules, LeadScore,
    Opportunities, Opportunity, OpportunityTotal, default_stages,
};
use wayfold::{
    Amount, Builder, ContactMade, Currency, CustomerKey, DemoAttended, Direction, EventBody, EventId, Filter,
    Handle, JourneyEvent, JourneyKey, LeadAssigned, LeadCaptured, LeadReturned, MessageClicked,
    MessageOpened, MessageSent, Money, NeedDetailed, Order, OrderPlaced, QuoteIssued, Rules, Selection, Span,
    Tag, Tenant, Timestamp,
};
use wayfold_examples::{store, tell};
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

/// The leads of a trade fair: three people, and what was done about them.
const EXPO: &str = "expo";

fn main() -> anyhow::Result<()> {
    let mut builder = Builder::new(Rules::default())?.on_demand();
    let rules: LeadRules = serde_json::from_str(LEADS)?;
    let score = builder.register(LeadScore::new(rules)?)?;
    let crm = builder.register(CrmProcess)?;
    let wayfold = builder.open_blocking(store()?)?;
    let events: Vec<_> = Shop::new(ShopConfig::of(20_000)).distinct().collect();
    wayfold.append(&events)?;
    wayfold.append(&expo()?)?;

    let as_of = Timestamp::parse("2025-06-01")?;
    hottest_lead(&wayfold, score, crm, as_of)?;
    pipeline(&wayfold, as_of)?;
    lead_to_deal(&wayfold, score)?;
    pool(&wayfold)?;
    campaign(&wayfold)
}

/// The hottest lead of the shop, and why.
fn hottest_lead(
    wayfold: &Wayfold,
    score: Handle<LeadScore>,
    crm: Handle<CrmProcess>,
    as_of: Timestamp,
) -> anyhow::Result<()> {
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
    assert_eq!((page.matching(), view.intent, view.ability, view.fit, view.total), (1, 90, 20, 0, 110));
    let reasons: Vec<_> = view.reasons.iter().map(|of| (of.factor.as_str(), of.points, of.events)).collect();
    assert_eq!(reasons, [("saw a demo", 80, 2), ("looked at products", 10, 5), ("was quoted", 20, 1)]);
    assert_eq!(link.link, Some(CrmLink::Analysis));
    Ok(())
}

/// The deals of the shop, in one pass over the log.
fn pipeline(wayfold: &Wayfold, as_of: Timestamp) -> anyhow::Result<()> {
    let deals = Opportunities::new(default_stages(), Currency::EUR)?;
    let total = wayfold.measure(&deals, as_of)?;
    open(&deals, &total);
    settled(&deals, &total);
    time_in_stages(&deals, &total);
    resolved(&deals, &total);

    let slipping = deals.slipping(&total, as_of);
    println!(
        "{} deals slip, {} in stage {} the longest",
        slipping.len(),
        slipping[0].customer,
        slipping[0].stage
    );
    assert_eq!(
        (slipping.len(), slipping[0].customer.as_str(), slipping[0].stage.as_str()),
        (179, "c0000465", "discovery")
    );
    Ok(())
}

fn open(deals: &Opportunities, total: &OpportunityTotal) {
    let open = deals.pipeline(total).into_iter().filter(|row| row.open > 0).map(|row| {
        format!("{}: {} open, {} EUR, weighted {}", row.stage, row.open, row.value, row.weighted_value)
    });
    let expected = [
        "lead: 9 open, 0 EUR, weighted 0",
        "qualified: 23 open, 0 EUR, weighted 0",
        "discovery: 28 open, 0 EUR, weighted 0",
        "solution: 27 open, 0 EUR, weighted 0",
        "quote: 43 open, 5723.8 EUR, weighted 2861.9",
        "negotiation: 18 open, 2870.59 EUR, weighted 2009.413",
        "commitment: 48 open, 4207.72 EUR, weighted 3786.948",
    ];
    tell(open, &expected);
}

/// What came of those that are over, by where they came from, and by why they were lost.
fn settled(deals: &Opportunities, total: &OpportunityTotal) {
    let won = deals.win_rates(total, Confidence::P95).into_iter().map(|row| {
        let (rate, interval) = row.rate.expect("some are settled");
        let source = row.source.unwrap_or_default();
        format!(
            "{source}: {} won, {} lost, {rate:.1} % ({:.1} to {:.1})",
            row.won, row.lost, interval.low, interval.high
        )
    });
    let expected = [
        ": 294 won, 133 lost, 68.9 % (64.3 to 73.1)",
        "fair: 156 won, 65 lost, 70.6 % (64.3 to 76.2)",
        "referral: 160 won, 66 lost, 70.8 % (64.6 to 76.3)",
        "web form: 129 won, 66 lost, 66.2 % (59.3 to 72.4)",
    ];
    tell(won, &expected);
    let lost = deals.lost(total).into_iter().take(3).map(|row| {
        let (reason, competitor) = (row.reason.unwrap_or_default(), row.competitor.unwrap_or_default());
        format!("lost for {reason:?} to {competitor:?}: {} deals of {} EUR", row.deals, row.value)
    });
    let expected = [
        r#"lost for "risk" to "Beta": 63 deals of 6768.32 EUR"#,
        r#"lost for "price" to "Alpha": 51 deals of 5145.44 EUR"#,
        r#"lost for "risk" to "Alpha": 56 deals of 4444.7 EUR"#,
    ];
    tell(lost, &expected);
}

fn time_in_stages(deals: &Opportunities, total: &OpportunityTotal) {
    let times = deals.stage_times(total).into_iter().filter(|row| row.ended > 0);
    let times = times
        .map(|row| format!("{}: {} days in the median", row.stage, row.median.map_or(0, Span::whole_days)));
    let expected = [
        "lead: 1 days in the median",
        "qualified: 5 days in the median",
        "discovery: 2 days in the median",
        "solution: 4 days in the median",
        "quote: 1 days in the median",
        "negotiation: 6 days in the median",
        "commitment: 1 days in the median",
    ];
    tell(times, &expected);
}

/// Which concession resolves which objection.
fn resolved(deals: &Opportunities, total: &OpportunityTotal) {
    let resolved = deals.concessions(total, Confidence::P95).into_iter().filter(|row| row.resolved > 0);
    let resolved = resolved.map(|row| {
        let concession = row.concession.unwrap_or_default();
        format!("{} against {}: {} won, {} lost", concession, row.theme, row.won, row.lost)
    });
    let expected = [
        "discount against price: 26 won, 8 lost",
        "trial against price: 17 won, 5 lost",
        "discount against risk: 15 won, 3 lost",
        "trial against risk: 13 won, 8 lost",
    ];
    tell(resolved, &expected);
}

/// How the score of a lead rose until its deal was won, and how fast it was contacted.
fn lead_to_deal(wayfold: &Wayfold, score: Handle<LeadScore>) -> anyhow::Result<()> {
    let zhao = CustomerKey::new("zhao")?;
    let mut scores = Vec::new();
    for day in ["2025-06-02", "2025-06-05", "2025-06-09", "2025-07-10"] {
        let view = wayfold.own_view_as_of(score, &zhao, Timestamp::parse(day)?)?.expect("zhao is known");
        println!("{day}: zhao has {} points", view.total);
        scores.push(view.total);
    }
    // The demo fades: half of its points are left after 30 days. The quote does not.
    assert_eq!(scores, [0, 40, 60, 40]);

    let deals = expo_deals(wayfold, "2025-07-10")?;
    let [li, qian, zhao] = deals.as_slice() else {
        anyhow::bail!("{} leads came from the fair", deals.len())
    };
    let stages = default_stages();
    let way: Vec<&str> = zhao.entries.iter().map(|entry| stages[entry.stage].name.as_str()).collect();
    let hours =
        |until: Option<Timestamp>| until.map(|at| at.since(zhao.started_at).as_micros() / 3_600_000_000);
    println!(
        "zhao: contacted after {:?} hours, {way:?}, {:?} after {:?}",
        hours(zhao.first_contact_at),
        zhao.state,
        hours(zhao.closed_at)
    );
    assert_eq!(way, ["lead", "discovery", "solution", "quote"]);
    assert_eq!((hours(zhao.first_contact_at), hours(zhao.closed_at)), (Some(3), Some(15 * 24 + 1)));
    assert_eq!(
        (zhao.state, zhao.value.map(|value| value.to_string())),
        (DealState::Won, Some("5400".into()))
    );
    assert_eq!([li.state, qian.state], [DealState::Open; 2]);

    let measure = Opportunities::new(stages, Currency::EUR)?;
    let total = wayfold.measure(&measure, Timestamp::parse("2025-07-10")?)?;
    let contacts = measure.first_contacts(&total, Span::from_days(1), Confidence::P95);
    let fair =
        contacts.iter().find(|row| row.source.as_deref() == Some(EXPO)).expect("leads came from there");
    println!(
        "{} of {} leads of the fair were contacted, {:.1} % within a day",
        fair.contacted, fair.deals, fair.in_time.0
    );
    assert_eq!((fair.deals, fair.contacted, fair.in_time.0.round()), (3, 2, 33.0));
    Ok(())
}

/// Which leads their owners leave alone, and who has one after it went back to the pool (公海).
fn pool(wayfold: &Wayfold) -> anyhow::Result<()> {
    let measure = Opportunities::new(default_stages(), Currency::EUR)?;
    let mut told = Vec::new();
    for day in ["2025-06-16", "2025-06-21", "2025-06-25", "2025-07-10"] {
        let as_of = Timestamp::parse(day)?;
        let total = wayfold.measure(&measure, as_of)?;
        let due = measure.untouched(&total, Span::from_days(14), as_of);
        let due: Vec<String> =
            due.iter().map(|lead| format!("{} of {}", lead.customer, lead.owner)).collect();
        println!("{day}: due for the pool: {due:?}");
        told.push(due.join(", "));
    }
    // Li is wu's, who called once, and qian sun's, who never did. Qian goes back to the pool on the 20th, and to wu on the 24th.
    assert_eq!(told, ["", "li of wu", "li of wu", "li of wu, qian of wu"]);
    Ok(())
}

/// What the fair's campaign came to, beside those of the shop.
fn campaign(wayfold: &Wayfold) -> anyhow::Result<()> {
    let campaigns = Campaigns::new(Span::from_days(30), Currency::EUR);
    let total = wayfold.measure(&campaigns, Timestamp::parse("2025-07-10")?)?;
    let costs = [CampaignCost::new(EXPO, Amount::parse("1200")?)];
    let rows = campaigns.report(&total, &[CampaignBy::Campaign], &costs, Confidence::P95);
    println!("campaign   sent opened clicked ordered      net  cost  return");
    let mut told = Vec::new();
    for row in &rows {
        let Some(name) = row.campaign.as_deref().filter(|name| [EXPO, "spring", "autumn"].contains(name))
        else {
            continue;
        };
        let cost = row.cost.map_or_else(|| "-".to_owned(), |cost| cost.to_string());
        let back = row.return_percent.map_or_else(|| "-".to_owned(), |back| format!("{back:.0} %"));
        let steps = [&row.sent, &row.opened, &row.clicked, &row.ordered].map(|step| step.customers);
        println!("{name}: {steps:?} {} {cost} {back}", row.net);
        told.push((name, steps, row.net.to_string(), back));
    }
    let expected = [
        ("autumn", [161, 0, 0, 49], "12823.27", "-"),
        (EXPO, [2, 2, 1, 1], "5400", "350 %"),
        ("spring", [173, 0, 0, 60], "17352.3101", "-"),
    ];
    let expected = expected.map(|(name, steps, net, back)| (name, steps, net.to_owned(), back.to_owned()));
    assert_eq!(told, expected);
    Ok(())
}

/// The deals whose leads came from the fair, by name.
fn expo_deals(wayfold: &Wayfold, as_of: &str) -> anyhow::Result<Vec<Opportunity>> {
    let measure = Opportunities::new(default_stages(), Currency::EUR)?;
    let total = wayfold.measure(&measure, Timestamp::parse(as_of)?)?;
    Ok(total.iter().filter(|deal| deal.source.as_deref() == Some(EXPO)).cloned().collect())
}

/// Three leads of a fair in June 2025, after which the shop's figures above were taken.
fn expo() -> anyhow::Result<Vec<JourneyEvent>> {
    let campaign = || Some(EXPO.to_owned());
    let captured = || LeadCaptured { source: Some(EXPO.into()), campaign: campaign(), medium: None }.into();
    let assigned =
        |person: &str| LeadAssigned { team: Some("sales".into()), person: Some(person.into()) }.into();
    let called = || {
        ContactMade {
            medium: Some("phone".into()),
            direction: Some(Direction::Outbound),
            reached: Some(true),
        }
        .into()
    };
    let amount = Money::parse("5400", Currency::EUR)?;
    let quote = QuoteIssued {
        amount: Some(amount),
        discount_percent: None,
        payment_terms: None,
        deliver_by: None,
        valid_until: None,
    };
    let facts: Vec<(&str, &str, EventBody)> = vec![
        ("zhao", "2025-06-01T09:00:00Z", captured()),
        ("zhao", "2025-06-01T10:00:00Z", assigned("wang")),
        ("zhao", "2025-06-01T12:00:00Z", called()),
        ("zhao", "2025-06-03T08:00:00Z", MessageSent { campaign: campaign() }.into()),
        ("zhao", "2025-06-03T09:00:00Z", MessageOpened { campaign: campaign() }.into()),
        ("zhao", "2025-06-03T09:05:00Z", MessageClicked { campaign: campaign() }.into()),
        (
            "zhao",
            "2025-06-03T10:00:00Z",
            NeedDetailed {
                aspect: Some("stock in several warehouses".into()),
                nature: None,
                learnt_how: None,
            }
            .into(),
        ),
        ("zhao", "2025-06-04T10:00:00Z", DemoAttended {}.into()),
        ("zhao", "2025-06-06T10:00:00Z", quote.into()),
        ("zhao", "2025-06-16T10:00:00Z", OrderPlaced { lines: vec![], amount, promised_at: None }.into()),
        ("li", "2025-06-01T11:00:00Z", captured()),
        ("li", "2025-06-01T12:00:00Z", assigned("wu")),
        ("li", "2025-06-05T12:00:00Z", called()),
        ("li", "2025-06-03T08:00:00Z", MessageSent { campaign: campaign() }.into()),
        ("li", "2025-06-04T18:00:00Z", MessageOpened { campaign: campaign() }.into()),
        ("qian", "2025-06-01T15:00:00Z", captured()),
        ("qian", "2025-06-02T12:00:00Z", assigned("sun")),
        ("qian", "2025-06-20T12:00:00Z", LeadReturned { reason: Some("untouched".into()) }.into()),
        ("qian", "2025-06-24T12:00:00Z", assigned("wu")),
    ];
    let event = |(name, at, body): (&str, &str, EventBody)| {
        let id = EventId::from_natural_key("crm", "fact", &[name, at]);
        let is_order = matches!(body, EventBody::OrderPlaced(_));
        let event = JourneyEvent::new(id, CustomerKey::new(name)?, Timestamp::parse(at)?, body)
            .with_journey(JourneyKey::new(EXPO)?);
        Ok(if is_order { event.with_tag(Tag::order("expo-1")?) } else { event })
    };
    facts.into_iter().map(event).collect()
}

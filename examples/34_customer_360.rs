//! All about a customer on one page, and beside it how fast service is, what the pipeline holds and what customers will be
//! worth, as Salesforce would show it: one log, read once.
//!
//! What was bought are the real purchases of CDNOW; its best customers have tickets and deals that are made up.

use wayfold::blocking::Wayfold;
use wayfold::ingest::{CsvImport, ImportOptions, Mapping};
use wayfold::insight::{
    BusinessHours, BuyingDays, Cells, ChurnModel, Confidence, CrmLink, CrmProcess, DealState, DiscountRate,
    GammaGamma, Opportunities, ParetoNbd, ServiceLevel, Tickets, TimeUnit, ValuePlan, default_stages,
    lifetime_value,
};
use wayfold::{
    Builder, Cause, Currency, CustomerKey, EventBody, EventId, Handle, JourneyEvent, JourneyKey,
    LeadCaptured, Money, Priority, QuoteIssued, Rules, Span, Tag, TermsNegotiated, TicketAnswered,
    TicketOpened, TicketResolved, Timestamp,
};
use wayfold_examples::{shipped, store};

const HOUR: Span = Span::from_micros(3_600_000_000);

fn main() -> anyhow::Result<()> {
    let mut builder = Builder::new(Rules::default())?.on_demand();
    let crm = builder.register(CrmProcess)?;
    let buying = builder.register(BuyingDays::new(Currency::USD))?;
    let wayfold = builder.open_blocking(store()?)?;
    let mapping = Mapping::load(shipped("mappings/cdnow.toml"))?;
    let file = shipped("data/cdnow_sample.txt");
    wayfold.import(&mut CsvImport::open(mapping, file, ImportOptions::default())?)?;

    let as_of = Timestamp::parse("1997-10-01")?.previous();
    let best = wayfold.population(as_of)?;
    let best: Vec<CustomerKey> =
        best.top(Currency::USD, 4).into_iter().map(|member| member.key.clone()).collect();
    wayfold.append(&service_and_sales(&best)?)?;

    one_page(&wayfold, crm, &best[0], as_of)?;
    side_by_side(&wayfold, buying, &best, as_of)
}

/// The 360 view (360度视图): where the customer stands, what it is worth, which of its journeys go on, and its newest events
/// with what they changed.
fn one_page(
    wayfold: &Wayfold,
    crm: Handle<CrmProcess>,
    customer: &CustomerKey,
    as_of: Timestamp,
) -> anyhow::Result<()> {
    let told = wayfold.explain_as_of(customer, as_of)?.expect("it is known");
    let view = &told.view;
    let link = wayfold.own_view_as_of(crm, customer, as_of)?.and_then(|view| view.link);
    println!("{}: {}, {:?}, {link:?}", view.key, view.lifecycle.stage, view.segment.class);
    println!("  first heard of {}, last {}", view.first_seen_at, view.last_seen_at);
    let value = &view.value.currencies[0];
    let average = value.average.expect("it has bought");
    println!("  {} purchases, {} net, {average} each", value.purchases, value.net);
    for journey in view.journeys.journeys.iter().filter(|journey| journey.outcome.as_str() == "open") {
        println!("  {} goes on, in {:?}", journey.key, journey.stage);
    }
    let mut newest = Vec::new();
    for step in told.steps.iter().rev().take(4) {
        let Cause::Event { kind, .. } = &step.cause else { continue };
        let fields: Vec<&str> = step.changes.iter().map(|change| change.field.as_str()).collect();
        println!("  {} {kind}: {}", step.at, fields.join(", "));
        newest.push(kind.as_str());
    }
    let told = (view.key.to_string(), view.lifecycle.stage.as_str(), link);
    assert_eq!(told, ("1901".to_owned(), "loyal", Some(CrmLink::FollowUp)));
    let told = (value.purchases, value.net.to_string(), average.to_string());
    assert_eq!(told, (56, "6552.70 USD".to_owned(), "117.01 USD".to_owned()));
    assert_eq!(newest, ["terms_negotiated", "quote_issued", "lead_captured", "ticket_resolved"]);
    Ok(())
}

/// Service, pipeline and lifetime value, of all and then of the best customers in one table.
fn side_by_side(
    wayfold: &Wayfold,
    buying: Handle<BuyingDays>,
    best: &[CustomerKey],
    as_of: Timestamp,
) -> anyhow::Result<()> {
    let hours: BusinessHours = serde_json::from_str(
        r#"{"zone": "America/New_York", "week": ["Mon", "Tue", "Wed", "Thu", "Fri"], "opens_minute": 540, "closes_minute": 1020}"#,
    )?;
    let level = |priority, answer: i64, resolve: i64| ServiceLevel {
        priority,
        answer_within: Span::from_micros(answer * HOUR.as_micros()),
        resolve_within: Span::from_micros(resolve * HOUR.as_micros()),
    };
    let tickets = Tickets::new(hours, vec![level(None, 16, 40), level(Some(Priority::Urgent), 2, 8)]);
    let deals = Opportunities::new(default_stages(), Currency::USD)?;
    let (served, open) = wayfold.measure(&(&tickets, &deals), as_of)?;

    println!("service, in business hours:");
    let mut told = Vec::new();
    for row in tickets.report(&served, as_of, Confidence::P95) {
        let (Some(answered), Some(resolved)) = (&row.answered, &row.resolved) else { continue };
        let hours =
            |span: Option<Span>| span.map_or(0.0, |span| span.as_micros() as f64 / HOUR.as_micros() as f64);
        let line = format!(
            "{}: {} tickets, first answer after {:.1} h ({:.0} % in time), resolved after {:.1} h ({:.0} % in time)",
            row.priority.map_or("other", Priority::as_str),
            row.tickets,
            hours(answered.median),
            answered.in_time.0,
            hours(resolved.median),
            resolved.in_time.0
        );
        println!("  {line}");
        told.push(line);
    }
    let expected = [
        "other: 2 tickets, first answer after 2.0 h (50 % in time), resolved after 8.5 h (100 % in time)",
        "urgent: 1 tickets, first answer after 1.0 h (100 % in time), resolved after 8.0 h (100 % in time)",
    ];
    assert_eq!(told, expected);

    println!("pipeline:");
    let rows: Vec<_> = deals.pipeline(&open).into_iter().filter(|row| row.open > 0).collect();
    for row in &rows {
        println!("  {}: {} open, {} USD, weighted {}", row.stage, row.open, row.value, row.weighted_value);
    }
    let rows: Vec<_> = rows.iter().map(|row| (row.stage.as_str(), row.weighted_value.to_string())).collect();
    let expected = [("lead", "0"), ("quote", "90"), ("negotiation", "168")];
    assert_eq!(rows, expected.map(|(stage, weighted)| (stage, weighted.to_owned())));

    // Fitted on all 2,357 customers, to what was published of these data; `14_lifetime_value` judges it.
    let customers = wayfold.own_views(buying, as_of)?;
    let histories = customers.iter().filter_map(|(_, view)| view.history(as_of).transpose());
    let fitted = ParetoNbd::fit(&histories.collect::<Result<Cells<_>, _>>()?, TimeUnit::Week)?;
    assert_eq!(format!("{:.3}", fitted.report.log_likelihood), "-9594.976");
    let spends = customers.iter().map(|(_, view)| view.spend()).collect::<Result<Cells<_>, _>>()?;
    let spending = GammaGamma::fit(&spends, Currency::USD)?;

    let plan = ValuePlan::months(12, DiscountRate::yearly(0.15)?);
    let overdue = tickets.overdue(&served, as_of);
    println!("the best customers:");
    let mut told = Vec::new();
    for customer in best {
        let name = customer.customer.as_str();
        let view = wayfold.own_view_as_of(buying, customer, as_of)?.expect("it is known");
        let history = view.history(as_of)?.expect("it has bought");
        let overdue = overdue.iter().filter(|ticket| ticket.customer == name).count();
        let open = open.iter().filter(|deal| deal.customer == name && deal.state == DealState::Open).count();
        let alive = fitted.model.probability_alive(&history);
        let spend = spending.model.expected_spend(&view.spend()?)?;
        let value = lifetime_value(&fitted.model, &history, spend, &plan).total;
        let line = format!(
            "{name}: {overdue} tickets overdue, {open} open deals, here with {alive:.2}, {:.1} purchases worth {:.2} USD to come",
            value.purchases, value.value
        );
        println!("  {line}");
        told.push(line);
    }
    // Who has brought most, and is loyal by the rules, bought every few days and has not since April: it is gone. Sales should
    // know before it takes ten per cent off.
    let expected = [
        "1901: 0 tickets overdue, 1 open deals, here with 0.00, 0.0 purchases worth 0.00 USD to come",
        "0509: 0 tickets overdue, 1 open deals, here with 0.99, 16.2 purchases worth 1169.81 USD to come",
        "1560: 0 tickets overdue, 1 open deals, here with 0.96, 7.9 purchases worth 838.63 USD to come",
        "1081: 1 tickets overdue, 0 open deals, here with 0.98, 10.5 purchases worth 1015.79 USD to come",
    ];
    assert_eq!(told, expected);
    Ok(())
}

/// What the service desk and the sales team know of the best customers, in September 1997.
fn service_and_sales(best: &[CustomerKey]) -> anyhow::Result<Vec<JourneyEvent>> {
    let ticket = |priority| TicketOpened { ticket_kind: Some("scratched disc".into()), priority }.into();
    let captured =
        || LeadCaptured { source: Some("best customers".into()), campaign: None, medium: None }.into();
    let quote = |amount: &str| -> wayfold::Result<EventBody> {
        let amount = Some(Money::parse(amount, Currency::USD)?);
        let quote = QuoteIssued {
            amount,
            discount_percent: None,
            payment_terms: None,
            deliver_by: None,
            valid_until: None,
        };
        Ok(quote.into())
    };
    let negotiated = TermsNegotiated { subject: None, ask: Some("10 % less".into()), concession: None };
    // Whose, when, about what, and what happened. Times are those of New York, where it is four hours earlier.
    let facts: Vec<(usize, &str, &str, EventBody)> = vec![
        (0, "1997-09-08T14:00:00Z", "t1", ticket(Some(Priority::Urgent))),
        (0, "1997-09-08T15:00:00Z", "t1", TicketAnswered {}.into()),
        (0, "1997-09-09T14:00:00Z", "t1", TicketResolved {}.into()),
        (1, "1997-09-12T20:30:00Z", "t2", ticket(None)),
        (1, "1997-09-15T14:30:00Z", "t2", TicketAnswered {}.into()),
        (1, "1997-09-16T13:00:00Z", "t2", TicketResolved {}.into()),
        (3, "1997-09-24T14:00:00Z", "t3", ticket(None)),
        (0, "1997-09-10T14:00:00Z", "box set", captured()),
        (0, "1997-09-12T14:00:00Z", "box set", quote("240")?),
        (0, "1997-09-22T14:00:00Z", "box set", negotiated.into()),
        (1, "1997-09-20T14:00:00Z", "box set", captured()),
        (1, "1997-09-23T14:00:00Z", "box set", quote("180")?),
        (2, "1997-09-28T14:00:00Z", "box set", captured()),
    ];
    let event = |(place, at, about, body): (usize, &str, &str, EventBody)| {
        let id = EventId::from_natural_key("crm", "fact", &[about, at]);
        let event = JourneyEvent::new(id, best[place].clone(), Timestamp::parse(at)?, body);
        Ok(match about {
            "box set" => event.with_journey(JourneyKey::new(about)?),
            ticket => event.with_tag(Tag::new("ticket", ticket)?),
        })
    };
    facts.into_iter().map(event).collect()
}

//! One order from need to after-sales in one log, and whether its promise was kept, as JD would ask it; and how many of all
//! promises were.
//!
//! Shop, warehouse and service desk each write what they know; nobody joins tables to answer.

use wayfold::blocking::Wayfold;
use wayfold::insight::{Confidence, PromiseBy, Promises};
use wayfold::{
    Cause, Currency, CustomerKey, Delivered, EventBody, EventId, Instrument, JourneyEvent, JourneyKey, Money,
    NeedIdentified, OrderPlaced, Outcome, PromiseState, Refunded, Shipped, Span, Stage, Tag, TicketOpened,
    Timestamp,
};
use wayfold_examples::store;

fn main() -> wayfold::Result<()> {
    let wayfold = Wayfold::open(store()?)?;
    let li = CustomerKey::new("li")?;
    let cny = |text: &str| Money::parse(text, Currency::new("CNY")?);
    let due = Timestamp::parse("2024-06-20T12:00:00Z")?;

    let need = NeedIdentified { category: Some("washing machine".into()) };
    let placed = OrderPlaced { lines: vec![], amount: cny("1999")?, promised_at: Some(due) };
    write(&wayfold, "shop", &li, &[("2024-06-16T20:00:00Z", need.into())])?;
    write(&wayfold, "shop", &li, &[("2024-06-18T00:05:00Z", placed.into())])?;
    let shipped = Shipped { promised_at: None };
    write(&wayfold, "warehouse", &li, &[("2024-06-18T06:00:00Z", shipped.into())])?;

    // The promise as of any instant: pending up to its last microsecond, broken by time alone after it.
    let promise = |as_of: Timestamp| -> wayfold::Result<PromiseState> {
        let view = wayfold.customer_as_of(&li, as_of)?.expect("li is known");
        Ok(view.journeys.promises[0].state)
    };
    assert_eq!([promise(due)?, promise(due.next())?], [PromiseState::Pending, PromiseState::Broken]);

    // The courier's list comes late and says that it was there in time: the promise was kept all along.
    write(&wayfold, "courier", &li, &[("2024-06-20T11:40:00Z", Delivered {}.into())])?;
    assert_eq!(promise(due.next())?, PromiseState::Kept);

    let ticket = TicketOpened { ticket_kind: Some("scratch".into()), priority: None };
    let refund = Refunded { amount: cny("200")?, reason: Some("scratch".into()) };
    let desk = [("2024-06-21T09:00:00Z", ticket.into()), ("2024-06-21T15:00:00Z", refund.into())];
    write(&wayfold, "desk", &li, &desk)?;

    tell(&wayfold, &li)?;

    // Another machine was promised for the same noon, and came a day and a half late.
    let wang = CustomerKey::new("wang")?;
    let placed = OrderPlaced { lines: vec![], amount: cny("2199")?, promised_at: Some(due) };
    write(&wayfold, "shop", &wang, &[("2024-06-18T00:07:00Z", placed.into())])?;
    write(&wayfold, "courier", &wang, &[("2024-06-22T00:00:00Z", Delivered {}.into())])?;
    promises_kept(&wayfold)
}

/// The whole way of the order, and where it ended.
fn tell(wayfold: &Wayfold, li: &CustomerKey) -> wayfold::Result<()> {
    let told = wayfold.explain_as_of(li, Timestamp::parse("2024-06-30")?)?.expect("li is known");
    for step in &told.steps {
        let Cause::Event { kind, .. } = &step.cause else { continue };
        println!("{}  {kind}", step.at);
    }
    let (journey, value) = (&told.view.journeys.journeys[0], &told.view.value.currencies[0]);
    let stages: Vec<Stage> = journey.stages.iter().map(|stage| stage.stage).collect();
    println!("{}: {} in {:?}, {:?}, net {}", li, journey.outcome, stages, journey.promises, value.net);
    assert_eq!(stages, [Stage::Need, Stage::Decision, Stage::Delivery, Stage::AfterSales]);
    assert_eq!((journey.outcome, journey.promises.kept), (Outcome::Won, 1));
    assert_eq!(value.net.to_string(), "1799.00 CNY");
    Ok(())
}

/// How many promises of all orders were kept, and how late the others were.
fn promises_kept(wayfold: &Wayfold) -> wayfold::Result<()> {
    let as_of = Timestamp::parse("2024-06-30")?;
    let promises = Promises::new(Instrument::Csat, Span::from_days(90));
    let total = wayfold.measure(&promises, as_of)?;
    let all = &promises.report(&total, PromiseBy::All, as_of, Confidence::P95)[0];
    let (on_time, _) = all.on_time.expect("both fell due");
    println!("{} promises kept, {} broken: {on_time} % on time", all.kept, all.broken);
    assert_eq!((all.kept, all.broken, all.pending, on_time), (1, 1, 0, 50.0));
    assert_eq!(all.late_median, Some(Span::from_micros(36 * 3_600_000_000)));
    Ok(())
}

/// What a department writes about the customer's order; its name and the instant name the fact.
fn write(
    wayfold: &Wayfold,
    department: &str,
    key: &CustomerKey,
    facts: &[(&str, EventBody)],
) -> wayfold::Result<()> {
    for (at, body) in facts {
        let order = format!("order of {key}");
        let id = EventId::from_natural_key(department, "fact", &[&order, at]);
        let event = JourneyEvent::new(id, key.clone(), Timestamp::parse(at)?, body.clone())
            .with_journey(JourneyKey::new("washing-machine")?)
            .with_tag(Tag::order(&order)?)
            .with_source(department);
        wayfold.append([&event])?;
    }
    Ok(())
}

//! One need walks through the five stages of a shop, with a step back, a promise and a refund.

use wayfold::blocking::Wayfold;
use wayfold::{
    Amount, Cause, ComparisonMade, Currency, CustomerKey, Delivered, EventBody, EventId, InformationGathered,
    JourneyEvent, JourneyKey, Money, NeedIdentified, OrderLine, OrderPlaced, Outcome, PromiseCounts,
    QuoteIssued, Refunded, Shipped, Stage, Tag, TicketOpened, Timestamp, Verdict,
};
use wayfold_examples::store;

const NET: &str = "value.currencies[EUR].net";

fn main() -> wayfold::Result<()> {
    let wayfold = Wayfold::open(store()?)?;
    let ada = CustomerKey::new("ada")?;
    let history = history(&ada)?;
    wayfold.append(&history)?;

    // What happened, and what each event changed.
    let as_of = Timestamp::parse("2024-04-30")?;
    let told = wayfold.explain_as_of(&ada, as_of)?.expect("ada is known");
    for step in &told.steps {
        let Cause::Event { kind, .. } = &step.cause else { continue };
        println!("{}  {kind}", step.at);
        for change in &step.changes {
            if let ("journey.journeys[desk].stage" | "lifecycle.stage" | "segment.class" | NET, Some(after)) =
                (change.field.as_str(), &change.after)
            {
                println!("    {} is now {after}", change.field);
            }
        }
    }

    // Where the journey stands.
    let journey = &told.view.journeys.journeys[0];
    assert_eq!(journey.stage, Some(Stage::AfterSales));
    assert_eq!(journey.steps_back, 1, "from the quote back to a comparison");
    assert_eq!(journey.outcome, Outcome::Won);
    assert_eq!(journey.promises, PromiseCounts { kept: 1, broken: 0, pending: 0 });

    // What it was worth: the refund of one lamp lowers net and undoes no purchase.
    let value = &told.view.value.currencies[0];
    assert_eq!(value.revenue.to_string(), "540.00 EUR");
    assert_eq!(value.net.to_string(), "500.00 EUR");
    let margin = value.margin.expect("the lines carry costs");
    assert_eq!(margin.to_string(), "170.00 EUR");
    assert_eq!(told.view.lifecycle.purchases, 1);
    println!("net {}, margin {margin}", value.net);
    Ok(())
}

/// What Ada did, from the need to after-sales.
fn history(ada: &CustomerKey) -> wayfold::Result<Vec<JourneyEvent>> {
    let order = Tag::order("o1")?;
    let eur = |text: &str| Money::parse(text, Currency::EUR);
    let promised_at = Some(Timestamp::parse("2024-03-15")?);
    let placed = OrderPlaced {
        lines: vec![line("desk", 1, "460", "300")?, line("lamp", 2, "40", "35")?],
        amount: eur("540")?,
        promised_at,
    };
    let quote = QuoteIssued {
        amount: Some(eur("560")?),
        discount_percent: None,
        payment_terms: None,
        deliver_by: None,
        valid_until: None,
    };
    let comparison = ComparisonMade {
        competitor: Some("Holz & Co".into()),
        criterion: Some("price".into()),
        verdict: Some(Verdict::Better),
    };
    let steps: Vec<(&str, &str, EventBody, bool)> = vec![
        (
            "need-1",
            "2024-03-01T09:00:00Z",
            NeedIdentified { category: Some("home office".into()) }.into(),
            false,
        ),
        (
            "visit-7",
            "2024-03-01T09:30:00Z",
            InformationGathered { topic: Some("desks".into()) }.into(),
            false,
        ),
        ("quote-q1", "2024-03-03T15:00:00Z", quote.into(), false),
        ("visit-9", "2024-03-04T20:00:00Z", comparison.into(), false),
        ("order-o1", "2024-03-06T11:00:00Z", placed.into(), true),
        ("parcel-p1-shipped", "2024-03-08T08:00:00Z", Shipped { promised_at: None }.into(), true),
        ("parcel-p1-delivered", "2024-03-12T14:00:00Z", Delivered {}.into(), true),
        (
            "ticket-t1",
            "2024-03-13T10:00:00Z",
            TicketOpened { ticket_kind: Some("damage".into()), priority: None }.into(),
            true,
        ),
        (
            "refund-r1",
            "2024-03-14T10:00:00Z",
            Refunded { amount: eur("40")?, reason: Some("broken lamp".into()) }.into(),
            true,
        ),
    ];
    steps
        .into_iter()
        .map(|(name, at, body, about_order)| {
            // What names the fact in the source makes the id.
            let id = EventId::from_natural_key("shop", "event", &[name]);
            let event = JourneyEvent::new(id, ada.clone(), Timestamp::parse(at)?, body);
            let event = event.with_journey(JourneyKey::new("desk")?);
            Ok(if about_order { event.with_tag(order.clone()) } else { event })
        })
        .collect()
}

fn line(product: &str, quantity: i64, paid: &str, cost: &str) -> wayfold::Result<OrderLine> {
    let (paid, cost) = (Some(Amount::parse(paid)?), Some(Amount::parse(cost)?));
    Ok(OrderLine { product: product.into(), quantity, list: None, paid, cost })
}

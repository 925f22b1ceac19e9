//! Through which steps does a buyer's procurement go, which one is the bottleneck, and what would it be worth to make it
//! faster, as Alibaba would ask it of a B2B deal?
//!
//! `25_accounts` asks the same of several companies together.

use wayfold::blocking::Wayfold;
use wayfold::insight::{Accounts, WaitChange};
use wayfold::{
    ApprovalGranted, ApprovalRequested, Currency, CustomerKey, EventBody, EventId, InformationGathered,
    JourneyEvent, JourneyKey, Money, NeedIdentified, OrderPlaced, ProcurementStep, ProcurementStepReached,
    QuoteAccepted, QuoteIssued, Span, Stage, Tag, Timestamp,
};
use wayfold_examples::store;

const DAY: Span = Span::from_days(1);

fn main() -> anyhow::Result<()> {
    let wayfold = Wayfold::open(store()?)?;
    let buyer = CustomerKey::new("buyer of acme")?;
    wayfold.append(&history(&buyer)?)?;
    let as_of = Timestamp::parse("2024-07-01")?;

    // How long the deal was in each stage; in the one that it is in, up to now.
    let view = wayfold.customer_as_of(&buyer, as_of)?.expect("the buyer is known");
    let journey = &view.journeys.journeys[0];
    let mut days = Vec::new();
    for stage in &journey.stages {
        let since = journey.stage_since.filter(|_| journey.stage == Some(stage.stage));
        let open = since.map_or(0, |since| as_of.since(since).as_micros());
        days.push((stage.stage, (stage.ended_visits_us.as_micros() + open) / DAY.as_micros()));
    }
    println!("days in each stage: {days:?}");
    assert_eq!(days, [(Stage::Need, 3), (Stage::Information, 4), (Stage::Decision, 56)]);

    // The steps of procurement within the decision, and how long each was waited in.
    let accounts = Accounts::new(Currency::USD);
    let total = wayfold.measure(&accounts, as_of)?;
    let case = &accounts.procurement(&total)[0];
    let whole_days = |span: Option<Span>| span.map_or(0, Span::whole_days);
    let steps: Vec<_> =
        case.visits.iter().map(|visit| (visit.step.as_str(), whole_days(visit.waited()))).collect();
    println!("{}, {:?}: days in each step: {steps:?}", case.account, case.journey);
    assert_eq!(steps, [("requisition", 2), ("shortlist", 5), ("approval", 28), ("contract", 1)]);
    assert_eq!(whole_days(case.time_to_order()), 39);

    let worst = accounts.bottleneck(&total).expect("something was waited for");
    println!("the bottleneck is {}, with {} days", worst.step, worst.total.whole_days());
    assert_eq!((worst.step, worst.total, worst.waiting), (ProcurementStep::Approval, Span::from_days(28), 0));

    // An approval within a week, all else as it was.
    let what_if = accounts.what_if(&total, worst.step, WaitChange::Cap(Span::from_days(7)), as_of);
    let (before, after) = (whole_days(what_if.mean_before), whole_days(what_if.mean_after));
    println!("to the order it took {before} days, and would have taken {after}");
    assert_eq!((before, after), (39, 18));
    Ok(())
}

fn history(key: &CustomerKey) -> anyhow::Result<Vec<JourneyEvent>> {
    let amount = Money::parse("48000", Currency::USD)?;
    let reached = |step| ProcurementStepReached { step, role: Some("purchasing".into()) }.into();
    let quote = QuoteIssued {
        amount: Some(amount),
        discount_percent: None,
        payment_terms: Some("30 days".into()),
        deliver_by: None,
        valid_until: Some(Timestamp::parse("2024-06-30")?),
    };
    let subject = Some("laptops".to_owned());
    let facts: Vec<(&str, EventBody)> = vec![
        ("2024-04-29", NeedIdentified { category: subject.clone() }.into()),
        ("2024-05-02", InformationGathered { topic: subject.clone() }.into()),
        ("2024-05-06", reached(ProcurementStep::Requisition)),
        ("2024-05-08", reached(ProcurementStep::Shortlist)),
        ("2024-05-10", quote.into()),
        ("2024-05-13", ApprovalRequested { subject: subject.clone() }.into()),
        ("2024-06-10", ApprovalGranted { subject }.into()),
        ("2024-06-12", QuoteAccepted { amount: Some(amount) }.into()),
        ("2024-06-13", reached(ProcurementStep::Contract)),
        ("2024-06-14", OrderPlaced { lines: vec![], amount, promised_at: None }.into()),
    ];
    let event = |(date, body): (&str, EventBody)| {
        let id = EventId::from_natural_key("deals", "laptops", &[date]);
        let event = JourneyEvent::new(id, key.clone(), Timestamp::parse(date)?, body);
        let event = event.with_journey(JourneyKey::new("laptops")?).with_tag(Tag::new("account", "acme")?);
        let is_order = date == "2024-06-14";
        Ok(if is_order { event.with_tag(Tag::order("po-1")?) } else { event })
    };
    facts.into_iter().map(event).collect()
}

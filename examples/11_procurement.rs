//! Where does a buyer's procurement wait, as Alibaba would ask it of a B2B deal?
//!
//! The steps of an explanation say when each thing happened; the longest gap between two of them is the bottleneck.

use wayfold::blocking::Wayfold;
use wayfold::{
    ApprovalGranted, ApprovalRequested, Cause, Currency, CustomerKey, EventBody, EventId,
    InformationGathered, JourneyEvent, JourneyKey, Money, NeedIdentified, OrderPlaced, ProcurementStep,
    ProcurementStepReached, QuoteAccepted, QuoteIssued, Span, Stage, Step, Tag, Timestamp,
};
use wayfold_examples::store;

const DAY: Span = Span::from_days(1);

fn main() -> anyhow::Result<()> {
    let wayfold = Wayfold::open(store()?)?;
    let acme = CustomerKey::new("acme")?;
    wayfold.append(&history(&acme)?)?;

    let as_of = Timestamp::parse("2024-07-01")?;
    let told = wayfold.explain_as_of(&acme, as_of)?.expect("acme is known");

    // How long the deal was in each stage; in the one that it is in, up to now.
    let journey = &told.view.journeys.journeys[0];
    let mut days = Vec::new();
    for stage in &journey.stages {
        let since = journey.stage_since.filter(|_| journey.stage == Some(stage.stage));
        let open = since.map_or(0, |since| as_of.since(since).as_micros());
        days.push((stage.stage, (stage.ended_visits_us.as_micros() + open) / DAY.as_micros()));
    }
    println!("days in each stage: {days:?}");
    assert_eq!(days, [(Stage::Need, 3), (Stage::Information, 4), (Stage::Decision, 56)]);

    // Where it waited: between which two events.
    let events: Vec<(&str, &Step)> = told.steps.iter().filter_map(named).collect();
    let waits = events.windows(2).map(|pair| (pair[1].1.at.since(pair[0].1.at), pair[0].0, pair[1].0));
    let (wait, from, to) = waits.max_by_key(|wait| wait.0).expect("there are several events");
    let days = wait.as_micros() / DAY.as_micros();
    println!("the longest wait: {days} days from {from} to {to}");
    assert_eq!((days, from, to), (28, "approval_requested", "approval_granted"));
    Ok(())
}

/// The kind of event that made a step; none for what time alone did.
fn named(step: &Step) -> Option<(&str, &Step)> {
    match &step.cause {
        Cause::Event { kind, .. } => Some((kind, step)),
        Cause::Time => None,
    }
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
        let event = event.with_journey(JourneyKey::new("laptops")?);
        let is_order = date == "2024-06-14";
        Ok(if is_order { event.with_tag(Tag::order("po-1")?) } else { event })
    };
    facts.into_iter().map(event).collect()
}

//! Two clocks: as of an instant of the customer's time, and as known at a point of the log.
//!
//! A late event and a correction change what we say about the past, and nothing hides what we said before.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use wayfold::blocking::Wayfold;
use wayfold::{
    BehaviourClass, Currency, CustomerKey, EventBody, EventId, EventRetracted, JourneyEvent, LifecycleStage,
    Money, OrderPlaced, Tag, Timestamp,
};
use wayfold_examples::store_url;

fn main() -> wayfold::Result<()> {
    // A clock that we set, so that the example says the same whenever it runs.
    let clock = Arc::new(AtomicI64::new(0));
    let read = clock.clone();
    let store = store_url()?.open_with_clock_blocking(move || {
        Timestamp::from_micros(read.load(Ordering::SeqCst)).expect("we set valid instants")
    })?;
    let set = |date: &str| -> wayfold::Result<()> {
        clock.store(Timestamp::parse(date)?.as_micros(), Ordering::SeqCst);
        Ok(())
    };
    let wayfold = Wayfold::open(store)?;
    let ada = CustomerKey::new("ada")?;
    let stage = |known_at: &str, as_of: &str| -> wayfold::Result<Option<LifecycleStage>> {
        let view = wayfold
            .as_known_at(Timestamp::parse(known_at)?)
            .customer_as_of(&ada, Timestamp::parse(as_of)?)?;
        let stage = view.map(|view| view.lifecycle.stage);
        println!(
            "as of {as_of}, as known at {known_at}: {}",
            stage.map_or("unknown", LifecycleStage::as_str)
        );
        Ok(stage)
    };

    // January and August arrive as they happen.
    set("2024-01-10")?;
    wayfold.append([&order(&ada, "o1", "2024-01-10", "20")?])?;
    set("2024-08-10")?;
    wayfold.append([&order(&ada, "o2", "2024-08-10", "30")?])?;

    // As of: the silence between them was longer than 180 days.
    assert_eq!(stage("2024-08-10", "2024-07-08")?, Some(LifecycleStage::FirstTime));
    assert_eq!(stage("2024-08-10", "2024-07-09")?, Some(LifecycleStage::Churned));
    assert_eq!(stage("2024-08-10", "2024-08-10")?, Some(LifecycleStage::WonBack));

    // A till in the country sends its May order in September: Ada had never churned.
    set("2024-09-01")?;
    let late = order(&ada, "o3", "2024-05-10", "5")?;
    wayfold.append([&late])?;
    assert_eq!(stage("2024-09-01", "2024-07-09")?, Some(LifecycleStage::Repeat));
    assert_eq!(stage("2024-08-10", "2024-07-09")?, Some(LifecycleStage::Churned), "what we knew in August");

    // It was somebody else's: a retraction, from its position on.
    set("2024-10-01")?;
    let wrong = EventRetracted { event: late.id, reason: Some("wrong customer".into()) };
    let appended = wayfold.append([&event(&ada, "r1", "2024-10-01", wrong)?])?;
    assert_eq!(stage("2024-10-01", "2024-07-09")?, Some(LifecycleStage::Churned));
    assert_eq!(stage("2024-09-30", "2024-07-09")?, Some(LifecycleStage::Repeat), "what we knew in September");
    let now = wayfold
        .as_known_at(appended.positions[0])
        .customer_as_of(&ada, Timestamp::parse("2024-10-01")?)?
        .expect("ada is known");
    assert_eq!(now.lifecycle.stage, LifecycleStage::WonBack);

    // How long that stays so if nothing happens: until the class becomes at risk, 90 days after the last purchase.
    let until = now.holds_until.expect("silence will tell");
    assert_eq!(until, Timestamp::parse("2024-11-08")?);
    println!("as of 2024-10-01: won_back, and nothing about ada changes until {until} without a new event");
    let after = wayfold.customer_as_of(&ada, until.next())?.expect("ada is known");
    assert_eq!(
        (after.lifecycle.stage, after.segment.class),
        (LifecycleStage::WonBack, Some(BehaviourClass::AtRisk))
    );
    println!("a microsecond later: still {}, but {}", after.lifecycle.stage, BehaviourClass::AtRisk);
    Ok(())
}

fn event(
    key: &CustomerKey,
    name: &str,
    date: &str,
    body: impl Into<EventBody>,
) -> wayfold::Result<JourneyEvent> {
    let id = EventId::from_natural_key("tills", "event", &[name]);
    Ok(JourneyEvent::new(id, key.clone(), Timestamp::parse(date)?, body))
}

fn order(key: &CustomerKey, name: &str, date: &str, amount: &str) -> wayfold::Result<JourneyEvent> {
    let amount = Money::parse(amount, Currency::EUR)?;
    let placed = OrderPlaced { lines: vec![], amount, promised_at: None };
    Ok(event(key, name, date, placed)?.with_tag(Tag::order(name)?))
}

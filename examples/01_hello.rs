//! Append one event and ask where the customer stands.

use wayfold::blocking::Wayfold;
use wayfold::{Currency, CustomerKey, EventId, JourneyEvent, LifecycleStage, Money, OrderPlaced};
use wayfold::{Tag, Timestamp};
use wayfold_examples::store;

fn main() -> wayfold::Result<()> {
    let wayfold = Wayfold::open(store()?)?;
    let ada = CustomerKey::new("ada")?;

    let at = Timestamp::parse("2024-03-01T10:00:00Z")?;
    let amount = Money::parse("29.33", Currency::EUR)?;
    let order = OrderPlaced { lines: vec![], amount, promised_at: None };
    // The same source, rule and key always give the same id, so that appending twice changes nothing.
    let id = EventId::from_natural_key("hello", "order", &["o1"]);
    let event = JourneyEvent::new(id, ada.clone(), at, order).with_tag(Tag::order("o1")?);
    wayfold.append([&event])?;
    wayfold.append([&event])?;

    let view = wayfold.customer_as_of(&ada, Timestamp::parse("2024-03-02")?)?.expect("ada has bought");
    println!("{} is {} with {}", view.key, view.lifecycle.stage, view.value.currencies[0].net);
    assert_eq!(view.lifecycle.stage, LifecycleStage::FirstTime);
    assert_eq!(view.value.currencies[0].net.to_string(), "29.33 EUR");
    Ok(())
}

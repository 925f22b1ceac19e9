//! Who belongs to a segment, kept up after few customers did something, beside a full pass: what `cargo xtask bench` starts.
//! It prints one line of JSON, a list of measures.

use std::collections::BTreeSet;
use std::error::Error;
use std::time::Instant;

use wayfold_benches::Measured;
use wayfold_core::{
    Currency, CustomerKey, EventBatch, EventId, Fold, JourneyEvent, Money, OrderPlaced, ProductViewed,
    ProjectionSet, Rules, Span, Tag, Timestamp,
};
use wayfold_insight::{Members, Rule, Segment};

const USAGE: &str = "usage, by `cargo xtask bench`: segments CUSTOMERS";

const RULE: &str = "lifecycle.stage is not churned and value.currencies[EUR].net >= 30 EUR
    and count of product_viewed within 30 days >= 1";

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [customers] = &arguments[..] else {
        println!("{USAGE}");
        return Ok(());
    };
    println!("{}", serde_json::to_string(&measure(customers.parse()?)?)?);
    Ok(())
}

fn key(customer: u64) -> wayfold_core::Result<CustomerKey> {
    CustomerKey::new(format!("c{customer:07}"))
}

/// A view and two orders of each customer, spread over a year.
fn history(customer: u64, begin: Timestamp) -> Result<Vec<JourneyEvent>> {
    let spread = customer.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
    let (key, mut events) = (key(customer)?, Vec::new());
    for place in 0..3 {
        let minutes = (spread.wrapping_mul(place + 1) % 520_000) as i64;
        let at = begin + Span::from_micros(minutes * 60_000_000);
        let id = EventId::from_u128(u128::from(customer * 4 + place + 1));
        events.push(match place {
            0 => JourneyEvent::new(id, key.clone(), at, ProductViewed {}),
            _ => {
                let amount = Money::parse(&format!("{}", 5 + spread % 40), Currency::EUR)?;
                let order = OrderPlaced { lines: vec![], amount, promised_at: None };
                JourneyEvent::new(id, key.clone(), at, order)
                    .with_tag(Tag::order(format!("o{customer}-{place}"))?)
            }
        });
    }
    events.sort_by_key(|event| event.occurred_at.instant());
    Ok(events)
}

/// Everybody, then new events of one in a hundred; both ways give the same members.
fn measure(customers: u64) -> Result<Vec<Measured>> {
    let begin = Timestamp::parse("2024-01-01")?;
    let (now, later) = (Timestamp::parse("2025-01-01")?, Timestamp::parse("2025-01-01T00:10:00Z")?);
    let rule: Rule = RULE.parse()?;
    let segment = Segment { name: "active".to_owned(), version: 1, rule };
    let mut projections = ProjectionSet::new(Rules::default())?;
    segment.rule.register(&mut projections)?;
    let mut fold = Fold::new(&projections).with_as_of(now);
    let everybody: BTreeSet<CustomerKey> = (0..customers).map(key).collect::<wayfold_core::Result<_>>()?;
    for first in (0..customers).step_by(10_000) {
        let mut events = Vec::new();
        for customer in first..(first + 10_000).min(customers) {
            events.extend(history(customer, begin)?);
        }
        let applied = fold.apply(&[EventBatch::from_events(&events)?]);
        assert!(applied.refolds.is_empty(), "nothing comes late");
    }
    let mut kept = Members::new(segment.clone());
    let _ = kept.update(&fold, everybody.clone(), now)?;

    let changed: Vec<u64> = (0..customers).step_by(100).collect();
    let viewed = |customer: &u64| {
        let id = EventId::from_u128(u128::from(*customer * 4 + 4));
        Ok::<_, wayfold_core::Error>(JourneyEvent::new(id, key(*customer)?, later, ProductViewed {}))
    };
    let new: Vec<JourneyEvent> = changed.iter().map(viewed).collect::<wayfold_core::Result<_>>()?;
    let _ = fold.advance_to(later)?;
    assert!(fold.apply(&[EventBatch::from_events(&new)?]).refolds.is_empty(), "nothing comes late");
    let with_events: Vec<CustomerKey> = new.iter().map(|event| event.customer.clone()).collect();

    let start = Instant::now();
    let changes = kept.update(&fold, with_events, later)?;
    let kept_ms = start.elapsed().as_secs_f64() * 1e3;
    let mut anew = Members::new(segment);
    let start = Instant::now();
    let _ = anew.update(&fold, everybody, later)?;
    let anew_ms = start.elapsed().as_secs_f64() * 1e3;
    assert!(!changes.is_empty() && kept.iter().eq(anew.iter()), "both count the same");
    Ok(vec![Measured::new("S1", kept_ms, "ms").beside("a full pass", anew_ms)])
}

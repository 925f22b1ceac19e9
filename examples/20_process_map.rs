//! How customers run through a purchase, where they wait, and the same log in the hands of process mining.

use wayfold::blocking::Wayfold;
use wayfold::ingest::{ImportOptions, XesImport, XesWriter};
use wayfold::insight::{Cases, ProcessMap, ProcessMapReport, TemporalDeviations, TemporalProfile, Variants};
use wayfold::{
    Currency, Custom, CustomKind, CustomerKey, EventBody, EventId, JourneyEvent, MemoryStore, Money,
    OrderPlaced, Span, Tag, Tenant, Timestamp,
};
use wayfold_examples::store;

/// What buyers of a company do, and how many hours after the step before.
const PURCHASES: [(&str, &[(&str, i64)]); 5] = [
    ("acme", &[("asked", 0), ("quoted", 20), ("approved", 240), ("ordered", 2)]),
    ("birch", &[("asked", 0), ("quoted", 30), ("approved", 300), ("ordered", 5)]),
    ("cedar", &[("asked", 0), ("quoted", 25), ("quoted", 50), ("approved", 260), ("ordered", 3)]),
    ("dune", &[("asked", 0), ("quoted", 22), ("withdrawn", 700)]),
    ("elm", &[("asked", 0), ("quoted", 24), ("approved", 900), ("ordered", 4)]),
];

fn main() -> anyhow::Result<()> {
    let wayfold = Wayfold::open(store()?)?;
    wayfold.append(&purchases()?)?;
    let until = Timestamp::parse("2024-12-31")?;

    let cases = Cases::new().valued_in(Currency::EUR);
    let questions =
        (ProcessMap::new(cases.clone()), (Variants::new(cases.clone()), TemporalProfile::new(cases.clone())));
    let (edges, (ways, pairs)) = wayfold.measure(&questions, until)?;
    let (map, (variants, profile)) = questions;
    show(&map.report(&edges));

    println!("\nVariants:");
    for row in variants.report(&ways).variants {
        println!("  {} x {} ({})", row.cases, row.steps.join(" > "), row.value);
    }

    // Who waited far longer than the others did for their own approval?
    let slow = TemporalDeviations::new(cases, profile.report(&pairs), 1.4);
    let slow = wayfold.measure(&slow, until)?;
    let approvals =
        slow.keys().filter(|found| (found.from.as_str(), found.to.as_str()) == ("quoted", "approved"));
    let customers: Vec<_> = approvals.map(|found| found.customer.as_str()).collect();
    println!("\nUnusually slow to approve: {customers:?}");
    assert_eq!(customers, ["elm"]);

    there_and_back(&wayfold)
}

fn show(map: &ProcessMapReport) {
    println!("{}", map.semantics);
    println!("{} customers, {} steps", map.cases, map.events);
    for edge in &map.edges {
        let hours = edge.median.as_micros() / 3_600_000_000;
        println!("  {:>9} -> {:<13} {} x, median {hours} h", edge.from, edge.to, edge.count);
    }

    let worst = map.bottlenecks()[0];
    println!(
        "Most time is spent between {} and {}: {} are worth {} EUR",
        worst.from, worst.to, worst.cases, worst.value
    );
    assert_eq!((worst.from.as_str(), worst.to.as_str(), worst.cases), ("quoted", "approved", 4));
    assert_eq!(worst.value.to_string(), "4000");
    assert_eq!(map.activity("quoted").map(|row| row.reworked_cases), Some(1));
    println!("\n{}", map.mermaid());
}

/// Writes the log for pm4py, ProM or Disco, and reads it again.
fn there_and_back(wayfold: &Wayfold) -> anyhow::Result<()> {
    let mut writer = XesWriter::new(Vec::new())?;
    let mut written = Ok(());
    wayfold.for_each_history(&Tenant::default(), Timestamp::MAX, |history| {
        if written.is_ok() {
            written = writer.write(history);
        }
    })?;
    written?;
    let file = writer.finish()?;
    println!("{} bytes of XES", file.len());

    let copy = Wayfold::open(MemoryStore::new())?;
    copy.import(&mut XesImport::from_reader(
        "purchases.xes",
        "copy",
        std::io::Cursor::new(file),
        ImportOptions::default(),
    )?)?;
    let map = |wayfold: &Wayfold| -> wayfold::Result<ProcessMapReport> {
        let map = ProcessMap::new(Cases::new());
        Ok(map.report(&wayfold.measure(&map, Timestamp::MAX)?))
    };
    assert_eq!(map(&copy)?, map(wayfold)?);
    Ok(())
}

fn purchases() -> anyhow::Result<Vec<JourneyEvent>> {
    let mut events = Vec::new();
    for (customer, steps) in PURCHASES {
        let mut at = Timestamp::parse("2024-03-01")?;
        for (place, (step, hours)) in steps.iter().enumerate() {
            at = at + Span::from_micros(hours * 3_600_000_000);
            let id = EventId::from_natural_key("purchases", step, &[customer, &place.to_string()]);
            let is_order = *step == "ordered";
            let body: EventBody = match is_order {
                true => OrderPlaced {
                    lines: vec![],
                    amount: Money::parse("1000", Currency::EUR)?,
                    promised_at: None,
                }
                .into(),
                false => Custom { name: CustomKind::new(*step)?, stage: None, amount: None }.into(),
            };
            let mut event = JourneyEvent::new(id, CustomerKey::new(customer)?, at, body);
            if is_order {
                event = event.with_tag(Tag::order(customer)?);
            }
            events.push(event);
        }
    }
    Ok(events)
}

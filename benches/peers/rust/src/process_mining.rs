//! The directly-follows graph by the crate `process_mining`, of a log that it holds in memory as its import of XES would.

use std::collections::{BTreeMap, HashMap};
use std::time::Instant;

use ::process_mining::core::event_data::case_centric::{Attribute, AttributeValue, Event, EventLog, Trace};
use ::process_mining::discovery::case_centric::dfg::discover_dfg;
use serde_json::{Value, json};
use wayfold_benches::{Planned, peak_rss_kib};

use crate::Result;

/// Measures from the log to the graph.
pub(crate) fn graph(planned: &Planned) -> Result<Value> {
    let log = log(planned);
    let start = Instant::now();
    let graph = discover_dfg(&log);
    let seconds = start.elapsed().as_secs_f64();

    let activities: BTreeMap<_, _> = graph.activities.iter().collect();
    let edges: BTreeMap<_, _> = graph.directly_follows_relations.iter().collect();
    let events: u32 = activities.values().copied().sum();
    let mut check = vec![log.traces.len() as u32, events, activities.len() as u32, edges.len() as u32];
    check.extend(activities.into_values().chain(edges.into_values()));
    Ok(json!({ "seconds": seconds, "peak_rss_kib": peak_rss_kib(), "check": check }))
}

/// A trace a customer, with the name and the instant of each event.
fn log(planned: &Planned) -> EventLog {
    let mut numbers = HashMap::new();
    let mut log = EventLog::new();
    for event in planned.standing() {
        let number = *numbers.entry(event.customer.clone()).or_insert(log.traces.len());
        if number == log.traces.len() {
            let name = AttributeValue::String(event.customer.customer.as_str().to_owned());
            let attributes = vec![Attribute::new("concept:name".to_owned(), name)];
            log.traces.push(Trace { attributes, events: vec![] });
        }
        let name = AttributeValue::String(event.kind().name().to_owned());
        let at = AttributeValue::Date(event.occurred_at.instant().to_chrono().fixed_offset());
        let attributes = vec![
            Attribute::new("concept:name".to_owned(), name),
            Attribute::new("time:timestamp".to_owned(), at),
        ];
        log.traces[number].events.push(Event { attributes });
    }
    log
}

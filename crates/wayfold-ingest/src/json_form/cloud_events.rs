//! CloudEvents 1.0 in their JSON format.

use std::io::Write;

use serde::Serialize;
use wayfold_core::bodies::Custom;
use wayfold_core::{
    AttributeName, CustomKind, CustomerKey, EventBatch, EventId, JourneyEvent, RawEvent, Upcasters,
};

use super::{malformed, no_event};
use crate::error::{Error, Place, Problem, Result};
use crate::members::{Members, fault, missing, value};
use crate::row::Fault;

const VERSION: &str = "1.0";
/// Names the events of an import, beside their source.
const RULE: &str = "cloudevents";
/// What the type of an event of ours begins with; its kind follows.
const OURS: &str = "wayfold.";

/// One event in the JSON format; `data` is the event in the core's JSON form.
#[derive(Serialize)]
struct Envelope<'a> {
    specversion: &'static str,
    id: String,
    source: &'a str,
    #[serde(rename = "type")]
    kind: String,
    subject: &'a str,
    time: String,
    datacontenttype: &'static str,
    data: &'a JourneyEvent,
}

/// Writes the events of a batch as CloudEvents 1.0, one a line: `id` is the event's, `type` its kind behind `wayfold.`,
/// `subject` the customer, and `data` the whole event, so that reading gives it back without loss.
///
/// `source` is the event's own, or the one given where it has none; the specification demands one.
///
/// # Errors
/// `Io` if the writer fails; then some of the lines may be written.
pub fn write_cloud_events(batch: &EventBatch, source: &str, writer: &mut impl Write) -> Result<()> {
    let mut line = Vec::new();
    for event in batch.iter() {
        let (kind, event) = (event.kind_name(), event.to_event());
        let envelope = Envelope {
            specversion: VERSION,
            id: event.id.to_string(),
            source: event.source.as_deref().unwrap_or(source),
            kind: format!("{OURS}{kind}"),
            subject: event.customer.customer.as_str(),
            time: event.occurred_at.to_string(),
            datacontenttype: "application/json",
            data: &event,
        };
        line.clear();
        serde_json::to_writer(&mut line, &envelope).expect("every event has a JSON form");
        line.push(b'\n');
        let failed = |error| Error::io(Place::file("the output"), "the events cannot be written", error);
        writer.write_all(&line).map_err(failed)?;
    }
    Ok(())
}

pub(super) fn read(text: &str, upcasters: &Upcasters) -> std::result::Result<JourneyEvent, Fault> {
    let mut envelope = Members::parse(text)?;
    let version = envelope.need("specversion")?;
    if version != VERSION {
        return Err(fault(Problem::Malformed, "specversion", &version, &"only 1.0 is known"));
    }
    let (kind, data) = (envelope.need("type")?, envelope.json("data"));
    if kind.starts_with(OURS) {
        let data = data.ok_or_else(|| missing("data"))?;
        let raw: RawEvent = serde_json::from_str(data).map_err(|error| malformed(&error))?;
        return upcasters.lift_input(raw).map_err(|error| no_event(&error));
    }
    foreign(envelope, &kind, data)
}

/// An event of somebody else is of a custom kind; the members of its data and its extensions become attributes.
fn foreign(
    mut envelope: Members<'_>,
    kind: &str,
    data: Option<&str>,
) -> std::result::Result<JourneyEvent, Fault> {
    let (source, id) = (envelope.need("source")?, envelope.need("id")?);
    let subject = envelope.need("subject")?;
    let customer = CustomerKey::new(&subject).map_err(|error| Fault::core(None, &subject, &error))?;
    let at = envelope.time("time")?.ok_or_else(|| missing("time"))?;
    let name = CustomKind::new(kind).map_err(|error| Fault::core(None, kind, &error))?;
    let id = EventId::from_natural_key(&source, RULE, &[&id]);
    let mut event = JourneyEvent::new(id, customer, at, Custom { name, stage: None, amount: None });
    event.source = Some(source);
    match data {
        None => {}
        Some(json) if json.starts_with('{') => {
            Members::parse(json)?.into_attributes("", &mut event.attributes)?;
        }
        Some(json) => {
            let name = AttributeName::new("data").expect("the name is well formed");
            event.attributes.insert(name, value("data", json)?);
        }
    }
    envelope.into_attributes("ce:", &mut event.attributes)?;
    Ok(event)
}

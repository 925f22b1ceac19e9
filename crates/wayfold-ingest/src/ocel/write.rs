//! Events out as OCEL.

use std::collections::BTreeMap;
use std::io::Write;

use serde_json::{Value, json};
use wayfold_core::{AttributeValue, CustomerKey, EventBatch, EventView, JourneyEvent, Timestamp};

use super::keys;
use crate::carried;
use crate::error::{Error, Place, Result};

/// Writes events as an object-centric event log in OCEL 2.0 as JSON, to be read by the tools of process mining and back by
/// [`OcelImport`](crate::OcelImport) without loss.
///
/// An event is of the type of its kind, or of the own name of a custom kind, and relates to its customer (an object of type
/// `customer`), to its journey, and to an object for each tag, whose id is the whole tag; qualifiers are the types. Its id
/// begins with its place in the log, in twelve digits, which is also its attribute `position`, so that tools which sort by id
/// keep the order. What OCEL has no place for travels as the event's JSON in the attribute `wayfold:event`.
///
/// What is declared of the objects and types is written at the end, so it is kept in memory; events are not.
///
/// ```
/// use wayfold_core::{CustomerKey, EventBatch, EventId, JourneyEvent, ProductViewed, Timestamp};
/// use wayfold_ingest::OcelWriter;
///
/// let (ada, at) = (CustomerKey::new("ada")?, Timestamp::parse("2024-01-31T10:00:00Z")?);
/// let seen = JourneyEvent::new(EventId::from_u128(1), ada.clone(), at, ProductViewed {});
/// let mut writer = OcelWriter::new(Vec::new())?;
/// writer.write(&EventBatch::from_events([&seen])?)?;
/// writer.say_of_customer(&ada, "segment", at, &"newcomer".into());
/// let log = String::from_utf8(writer.finish()?)?;
/// assert!(log.contains(r#""objectId":"customer:ada""#));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct OcelWriter<W: Write> {
    writer: W,
    events: u64,
    event_types: Types,
    /// The type of each object, and what is said of it.
    objects: BTreeMap<String, (String, Vec<Value>)>,
    object_types: Types,
}

/// The attributes of each type, and the type of each of those.
type Types = BTreeMap<String, BTreeMap<String, &'static str>>;

impl<W: Write> OcelWriter<W> {
    /// Begins a log.
    ///
    /// # Errors
    /// `Io` if the writer fails.
    pub fn new(mut writer: W) -> Result<Self> {
        writer.write_all(b"{\"events\":[").map_err(failed)?;
        Ok(Self {
            writer,
            events: 0,
            event_types: Types::new(),
            objects: BTreeMap::new(),
            object_types: Types::new(),
        })
    }

    /// Writes the events of a batch, behind those before.
    ///
    /// # Errors
    /// `Io` if the writer fails; the log is then torn.
    pub fn write(&mut self, batch: &EventBatch) -> Result<()> {
        for event in batch.iter() {
            let text = self.event(&event).to_string();
            let before: &[u8] = if self.events == 1 { b"\n" } else { b",\n" };
            self.writer
                .write_all(before)
                .and_then(|()| self.writer.write_all(text.as_bytes()))
                .map_err(failed)?;
        }
        Ok(())
    }

    fn event(&mut self, view: &EventView<'_>) -> Value {
        let event = view.to_event();
        self.events += 1;
        let kind = match view.custom_name() {
            Some(name) if view.kind().is_custom() => name.to_owned(),
            _ => view.kind_name().into_owned(),
        };
        let declared = self.event_types.entry(kind.clone()).or_default();
        let attributes: Vec<Value> = attributes_of(&event, self.events)
            .into_iter()
            .map(|(name, value)| {
                let (value, of_type) = written(&value);
                declare(declared, &name, of_type);
                json!({ "name": name, "value": value })
            })
            .collect();
        let customer = object_of(&event.customer);
        let mut objects = vec![(customer, keys::CUSTOMER.to_owned())];
        let journey = event.journey.as_ref().map(|key| format!("{}:{}", keys::JOURNEY, key.as_str()));
        objects.extend(journey.map(|id| (id, keys::JOURNEY.to_owned())));
        objects.extend(event.tags.iter().map(|tag| (tag.as_str().to_owned(), tag.object_type().to_owned())));
        objects.dedup();
        let related: Vec<Value> =
            objects.iter().map(|(id, of_type)| json!({ "objectId": id, "qualifier": of_type })).collect();
        for (id, of_type) in objects {
            self.object(id, of_type);
        }
        json!({
            "id": format!("{:012}:{}", self.events, event.id),
            "type": kind,
            "time": event.occurred_at.to_string(),
            "attributes": attributes,
            "relationships": related,
        })
    }

    fn object(&mut self, id: String, of_type: String) -> &mut Vec<Value> {
        self.object_types.entry(of_type.clone()).or_default();
        &mut self.objects.entry(id).or_insert_with(|| (of_type, Vec::new())).1
    }

    /// Says what a customer was from an instant on, such as its stage or its segment; customers without events are
    /// objects too.
    pub fn say_of_customer(
        &mut self,
        customer: &CustomerKey,
        name: &str,
        at: Timestamp,
        value: &AttributeValue,
    ) {
        let (value, of_type) = written(value);
        let said = json!({ "name": name, "time": at.to_string(), "value": value });
        self.object(object_of(customer), keys::CUSTOMER.to_owned()).push(said);
        let declared = self.object_types.entry(keys::CUSTOMER.to_owned()).or_default();
        declare(declared, name, of_type);
    }

    /// Ends the log, and gives the writer back.
    ///
    /// # Errors
    /// `Io` if the writer fails.
    pub fn finish(mut self) -> Result<W> {
        let objects = self.objects.iter().map(|(id, (of_type, said))| {
            json!({ "id": id, "type": of_type, "attributes": said, "relationships": [] })
        });
        let objects: Vec<Value> = objects.collect();
        let parts = [
            ("objects", Value::from(objects)),
            ("eventTypes", types(&self.event_types)),
            ("objectTypes", types(&self.object_types)),
        ];
        let rest: String = parts.iter().map(|(name, value)| format!(",\n\"{name}\":{value}")).collect();
        self.writer
            .write_all(format!("\n]{rest}\n}}\n").as_bytes())
            .and_then(|()| self.writer.flush())
            .map_err(failed)?;
        Ok(self.writer)
    }
}

impl<W: Write> std::fmt::Debug for OcelWriter<W> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OcelWriter").field("events", &self.events).finish_non_exhaustive()
    }
}

fn failed(error: std::io::Error) -> Error {
    Error::io(Place::file("the output"), "the log cannot be written", error)
}

/// The object that is a customer; those of other tenants have theirs before the name.
fn object_of(customer: &CustomerKey) -> String {
    format!("{}:{customer}", keys::CUSTOMER)
}

/// What is told of an event: its place, its money, who acted where, what its user keeps, and all of it as JSON.
fn attributes_of(event: &JourneyEvent, place: u64) -> Vec<(String, AttributeValue)> {
    let text = |name: &str, text: Option<&str>| Some((name.to_owned(), AttributeValue::from(text?)));
    let mut attributes = vec![(keys::POSITION.to_owned(), AttributeValue::Integer(place as i64))];
    attributes.extend(text("channel", event.channel.map(|channel| channel.as_str())));
    attributes.extend(text("team", event.actor.team.as_deref()));
    attributes.extend(text("person", event.actor.person.as_deref()));
    let is_free = |name: &str, attributes: &[(String, AttributeValue)]| {
        name != carried::NAME && attributes.iter().all(|(known, _)| known != name)
    };
    for (name, value) in &event.attributes {
        if is_free(name.as_str(), &attributes) {
            attributes.push((name.as_str().to_owned(), value.clone()));
        }
    }
    let json = serde_json::to_string(event).expect("every event has a JSON form");
    attributes.push((carried::NAME.to_owned(), AttributeValue::Text(json)));
    attributes
}

/// The JSON of a value, and how OCEL calls its type.
fn written(value: &AttributeValue) -> (Value, &'static str) {
    match value {
        AttributeValue::Integer(number) => (json!(number), "integer"),
        AttributeValue::Boolean(value) => (json!(value), "boolean"),
        AttributeValue::Decimal(amount) => {
            let number = amount.to_string().parse::<f64>().expect("an amount is a number");
            (json!(number), "float")
        }
        AttributeValue::Time(instant) => (json!(instant.to_string()), "time"),
        AttributeValue::Text(text) => (json!(text), "string"),
        AttributeValue::Money(money) => (json!(money.to_string()), "string"),
        AttributeValue::Json(json) => (json!(json.as_str()), "string"),
        other => (json!(format!("{other:?}")), "string"),
    }
}

/// An attribute that has values of several types is declared a text.
fn declare(declared: &mut BTreeMap<String, &'static str>, name: &str, of_type: &'static str) {
    let known = declared.entry(name.to_owned()).or_insert(of_type);
    if *known != of_type {
        *known = "string";
    }
}

fn types(types: &Types) -> Value {
    let attributes = |declared: &BTreeMap<String, &str>| -> Vec<Value> {
        declared.iter().map(|(name, of_type)| json!({ "name": name, "type": of_type })).collect()
    };
    let named =
        types.iter().map(|(name, declared)| json!({ "name": name, "attributes": attributes(declared) }));
    named.collect::<Vec<_>>().into()
}

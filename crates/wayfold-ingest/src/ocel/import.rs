//! OCEL into events: an object of one type is the customer, the others are tags.

use std::collections::HashMap;
use std::path::Path;

use wayfold_core::bodies::Custom;
use wayfold_core::{
    AttributeName, CustomKind, CustomerKey, EventBatch, EventId, JourneyEvent, Tag, Upcasters,
};

use super::elements::{Element, Elements};
use super::keys;
use crate::account::Account;
use crate::carried;
use crate::error::{Error, Place, Problem, Result, shown};
use crate::input::Input;
use crate::members::{Members, missing, value};
use crate::options::ImportOptions;
use crate::outlet::Outlet;
use crate::row::Fault;
use crate::source::{EventSource, Progress};

/// Reads an object-centric event log in OCEL 2.0 as JSON, plain or compressed with gzip.
///
/// # What becomes what
/// - The one object of the customer's type that an event relates to is its customer, by its id. Every other object is a
///   tag, of its type and id; where the type stands at the beginning of the id, as in `order:o1`, it stands once.
///   A qualifier that is not the object's type becomes the attribute `qualifier:TAG`.
/// - An event is of a custom kind named by its type, at its time; its attributes keep their types, and numbers that no
///   type holds without loss are texts.
/// - An event that [`OcelWriter`](crate::OcelWriter) has written is read back whole.
/// - Ids come from the source that is given and the event's id: a log imported twice is taken once.
/// - Attributes of objects and relations between them are passed over: they are no events.
///
/// A row is an event. The file is read twice, first the types of all objects, which are kept in memory up to
/// [`ImportOptions::objects_bytes_max`], then the events, of which one is in memory at a time.
pub struct OcelImport {
    elements: Elements,
    objects: Objects,
    source: String,
    upcasters: Upcasters,
    row_bytes_max: u64,
    outlet: Outlet,
    account: Account,
}

/// What an object takes in memory beside its id and type.
const OBJECT_BYTES: usize = 64;

/// The type of each object.
struct Objects {
    types: Vec<String>,
    type_of: HashMap<String, usize>,
    customer: String,
    /// How many bytes ids and types may still take.
    bytes_left: u64,
}

impl OcelImport {
    /// Opens a file; `source` names where it is from, as in [`JourneyEvent::source`], and is part of the ids; objects of
    /// the type `customer` are the customers.
    ///
    /// # Errors
    /// `Io` if the file cannot be opened or the rejects cannot be written; `Mismatch` if it is no log in OCEL.
    pub fn open(
        path: impl AsRef<Path>,
        source: &str,
        customer: &str,
        mut options: ImportOptions,
    ) -> Result<Self> {
        let path = path.as_ref();
        let bytes_max = options.row_bytes_max;
        let elements = Elements::new(Input::open(path)?, "objects", bytes_max)?;
        let objects = Objects::read(elements, customer, options.objects_bytes_max)?;
        let input = Input::open(path)?;
        let account = Account::begin(input.file(), input.bytes_total(), &mut options)?;
        Ok(Self {
            elements: Elements::new(input, "events", bytes_max)?,
            objects,
            source: source.to_owned(),
            outlet: Outlet::new(&options),
            upcasters: options.upcasters,
            row_bytes_max: bytes_max,
            account,
        })
    }

    fn fill(&mut self) -> Result<Option<EventBatch>> {
        loop {
            if let Some(batch) = self.outlet.take_full() {
                return Ok(Some(batch));
            }
            let Some(element) = self.elements.next()? else { return Ok(self.outlet.take_rest()) };
            self.account.progress.rows += 1;
            match self.event(&element).and_then(|event| self.outlet.push(&event).map(|()| event)) {
                Ok(event) => self.account.count_unknown(&event),
                Err(fault) => self.account.refuse_row(&fault)?,
            }
        }
    }

    fn event(&self, element: &Element) -> std::result::Result<JourneyEvent, Fault> {
        let Element::Text(text) = element else {
            let most = self.row_bytes_max;
            let reason = format_args!("the event is longer than {most} bytes; raise row_bytes_max");
            return Err(Fault::new(Problem::TooLong, reason));
        };
        let mut members = Members::parse(text)?;
        let (id, kind) = (members.need("id")?, members.need("type")?);
        let at = members.time("time")?.ok_or_else(|| missing("time"))?;
        let attributes = members.objects("attributes")?;
        let mut attributes = attributes.into_iter().map(named).collect::<std::result::Result<Vec<_>, _>>()?;
        if let Some((_, json)) = attributes.iter().find(|(name, _)| name == carried::NAME) {
            let wrong = |error| {
                Fault::new(Problem::Malformed, format_args!("attribute {:?}: {error}", carried::NAME))
            };
            let text: String = serde_json::from_str(json).map_err(wrong)?;
            return carried::read(&text, &self.upcasters);
        }
        let name = CustomKind::new(&kind).map_err(|error| Fault::core(None, &kind, &error))?;
        let related = members.objects("relationships")?;
        let (customer, tags) = self.objects.related(related, &mut attributes)?;
        let id = EventId::from_natural_key(&self.source, keys::ID, &[&id]);
        let mut event = JourneyEvent::new(id, customer, at, Custom { name, stage: None, amount: None });
        event.tags = tags.into_iter().collect();
        event.source = Some(self.source.clone());
        for (name, json) in attributes {
            let key = AttributeName::new(&name).map_err(|error| Fault::core(None, &name, &error))?;
            if event.attributes.insert(key, value(&name, &json)?).is_some() {
                let reason = format_args!("attribute {} stands twice", shown(&name));
                return Err(Fault::new(Problem::Contradiction, reason));
            }
        }
        Ok(event)
    }
}

/// The name of an attribute, and the JSON of its value.
fn named(mut attribute: Members<'_>) -> std::result::Result<(String, String), Fault> {
    let name = attribute.need("name")?;
    let json = attribute.json("value").ok_or_else(|| missing("value"))?;
    Ok((name, json.to_owned()))
}

impl Objects {
    fn read(mut elements: Elements, customer: &str, bytes_max: u64) -> Result<Self> {
        let (types, type_of, customer) = (Vec::new(), HashMap::new(), customer.to_owned());
        let mut objects = Self { types, type_of, customer, bytes_left: bytes_max };
        let mut number = 0_u64;
        while let Some(element) = elements.next()? {
            number += 1;
            objects.take(&element).map_err(|fault| {
                let reason = format_args!("object {number}: {}", fault.reason);
                Error::new(crate::ErrorKind::Mismatch, Place::file(elements.file()), reason)
            })?;
        }
        Ok(objects)
    }

    fn take(&mut self, element: &Element) -> std::result::Result<(), Fault> {
        let Element::Text(text) = element else {
            return Err(Fault::new(Problem::TooLong, "it is longer than row_bytes_max"));
        };
        let mut members = Members::parse(text)?;
        let (id, kind) = (members.need("id")?, members.need("type")?);
        // What a table needs for an entry is counted as well.
        let bytes = (id.len() + kind.len() + OBJECT_BYTES) as u64;
        self.bytes_left = self.bytes_left.checked_sub(bytes).ok_or_else(|| {
            Fault::new(Problem::TooLong, "all objects together take more than objects_bytes_max; raise it")
        })?;
        let number = self.types.iter().position(|known| *known == kind).unwrap_or_else(|| {
            self.types.push(kind);
            self.types.len() - 1
        });
        match self.type_of.insert(id.clone(), number) {
            Some(other) if other != number => {
                let reason = format_args!("{} has two types", shown(&id));
                Err(Fault::new(Problem::Contradiction, reason))
            }
            _ => Ok(()),
        }
    }

    /// The customer and the tags of an event, by the objects that it relates to; qualifiers that say more than the type
    /// are added to its attributes.
    fn related(
        &self,
        related: Vec<Members<'_>>,
        attributes: &mut Vec<(String, String)>,
    ) -> std::result::Result<(CustomerKey, Vec<Tag>), Fault> {
        let (mut customer, mut tags) = (None, Vec::new());
        for mut relation in related {
            let id = relation.need("objectId")?;
            let number = self.type_of.get(&id).ok_or_else(|| {
                Fault::new(Problem::Malformed, format_args!("the log holds no object {}", shown(&id)))
            })?;
            let kind = &self.types[*number];
            let name = id.strip_prefix(&format!("{kind}:")).unwrap_or(&id);
            if *kind == self.customer {
                let key = CustomerKey::new(name).map_err(|error| Fault::core(None, name, &error))?;
                if customer.replace(key).is_some_and(|other| Some(other) != customer) {
                    let reason = format_args!("it relates to several objects of type {}", shown(kind));
                    return Err(Fault::new(Problem::Contradiction, reason));
                }
                continue;
            }
            let tag = Tag::new(kind, name).map_err(|error| Fault::core(None, &id, &error))?;
            let says_more = |qualifier: &String| qualifier != kind;
            if let Some(qualifier) = relation.text("qualifier")?.filter(says_more) {
                let json = serde_json::to_string(&qualifier).expect("a text has a JSON form");
                attributes.push((format!("qualifier:{}", tag.as_str()), json));
            }
            tags.push(tag);
        }
        let none = || {
            let reason = format_args!("it relates to no object of type {}", shown(&self.customer));
            Fault::new(Problem::MissingValue, reason)
        };
        Ok((customer.ok_or_else(none)?, tags))
    }
}

impl EventSource for OcelImport {
    fn next_batch(&mut self) -> Result<Option<EventBatch>> {
        self.account.check()?;
        let batch = self.fill();
        self.account.hand_out(batch, self.elements.bytes_read())
    }

    fn progress(&self) -> Progress {
        Progress { bytes_read: self.elements.bytes_read(), ..self.account.progress.clone() }
    }
}

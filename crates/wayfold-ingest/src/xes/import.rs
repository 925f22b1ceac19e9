//! XES into events: a trace is a customer, an event is an event of a custom kind.

use std::io::Read;
use std::path::Path;

use wayfold_core::bodies::Custom;
use wayfold_core::{AttributeName, CustomKind, CustomerKey, EventBatch, EventId, JourneyEvent, Upcasters};

use super::attribute::Attribute;
use super::keys;
use super::read::{Element, Elements, Name};
use crate::account::Account;
use crate::carried;
use crate::error::{Error, Place, Problem, Result};
use crate::input::Input;
use crate::options::ImportOptions;
use crate::outlet::Outlet;
use crate::row::Fault;
use crate::source::{EventSource, Progress};

/// Reads an event log in XES, plain or compressed with gzip, as it stands: nothing is brought together in memory.
///
/// # What becomes what
/// - A trace is a customer of the default tenant, named by its `concept:name`.
/// - An event is of a custom kind named by its `concept:name`, at its `time:timestamp` with the offset that stands
///   there; `sequence` counts within the trace, so that events of one instant keep the order of the file.
/// - `org:resource` is the acting person, `org:group` the team. Every other attribute, `lifecycle:transition` too, is an
///   attribute under its key; those of the trace are the first event's, `case:` before the key. Dates become instants;
///   what no type holds, such as nested attributes, becomes JSON.
/// - An event that [`XesWriter`](crate::XesWriter) has written of other kinds is read back whole.
/// - Ids come from the source that is given, the trace and the place in it: a log imported twice is taken once.
/// - Attributes of the log, globals, classifiers and extensions are passed over, and traces without events.
///
/// A row is an event. A document type is refused, so that nothing is expanded and no other file is read.
///
/// ```
/// use wayfold_ingest::{EventSource, ImportOptions, XesImport};
///
/// let file = r#"<log xes.version="1.0"><trace><string key="concept:name" value="173688"/><event>
///     <string key="concept:name" value="A_SUBMITTED"/><string key="org:resource" value="112"/>
///     <date key="time:timestamp" value="2011-10-01T00:38:44.546+02:00"/></event></trace></log>"#;
/// let mut import = XesImport::from_reader("log.xes", "loans", file.as_bytes(), ImportOptions::default())?;
/// let batch = import.next_batch()?.expect("there is an event");
/// assert_eq!(batch.event(0).kind_name(), "custom:A_SUBMITTED");
/// assert_eq!(batch.event(0).person(), Some("112"));
/// # Ok::<(), wayfold_ingest::Error>(())
/// ```
pub struct XesImport {
    elements: Elements,
    source: String,
    trace: Option<Trace>,
    upcasters: Upcasters,
    outlet: Outlet,
    account: Account,
}

/// The trace that is being read.
#[derive(Default)]
struct Trace {
    attributes: Vec<Attribute>,
    events: u32,
}

impl XesImport {
    /// Opens a file; `source` names where it is from, as in [`JourneyEvent::source`], and is part of the ids.
    ///
    /// # Errors
    /// `Io` if the file cannot be opened or the rejects cannot be written.
    pub fn open(path: impl AsRef<Path>, source: &str, options: ImportOptions) -> Result<Self> {
        Self::start(Input::open(path.as_ref())?, source, options)
    }

    /// Reads from anything; `name` stands for the file in messages and nowhere else.
    ///
    /// # Errors
    /// As [`XesImport::open`].
    pub fn from_reader(
        name: &str,
        source: &str,
        reader: impl Read + Send + 'static,
        options: ImportOptions,
    ) -> Result<Self> {
        Self::start(Input::new(name, Box::new(reader), None)?, source, options)
    }

    fn start(input: Input, source: &str, mut options: ImportOptions) -> Result<Self> {
        let account = Account::begin(input.file(), input.bytes_total(), &mut options)?;
        Ok(Self {
            elements: Elements::new(input, options.row_bytes_max),
            source: source.to_owned(),
            trace: None,
            outlet: Outlet::new(&options),
            upcasters: options.upcasters,
            account,
        })
    }

    fn fill(&mut self) -> Result<Option<EventBatch>> {
        loop {
            if let Some(batch) = self.outlet.take_full() {
                return Ok(Some(batch));
            }
            match self.elements.next()? {
                None => return Ok(self.outlet.take_rest()),
                Some(element) => self.read(element)?,
            }
        }
    }

    fn read(&mut self, element: Element) -> Result<()> {
        match (element, &mut self.trace) {
            (Element::Open(Name::Trace), _) => self.trace = Some(Trace::default()),
            (Element::Close(Name::Trace), _) => self.trace = None,
            (Element::Open(Name::Event), _) => return self.read_event(),
            (Element::Attribute(attribute), Some(trace)) if trace.events == 0 => {
                trace.attributes.push(attribute);
            }
            (Element::Attribute(attribute), Some(_)) => {
                let reason = format_args!(
                    "attribute {:?} of the trace stands behind events; write it before them",
                    attribute.key
                );
                return self.account.refuse_row(&Fault::new(Problem::Malformed, reason));
            }
            _ => {}
        }
        Ok(())
    }

    fn read_event(&mut self) -> Result<()> {
        let mut attributes = Vec::new();
        loop {
            match self.elements.next()? {
                Some(Element::Attribute(attribute)) => attributes.push(attribute),
                Some(Element::Close(Name::Event)) => break,
                _ => {
                    let place = Place::file(&self.account.progress.file);
                    let reason = "an event holds a trace or another event";
                    return Err(Error::new(crate::ErrorKind::Mismatch, place, reason));
                }
            }
        }
        self.account.progress.rows += 1;
        match self.event(&attributes).and_then(|event| self.outlet.push(&event).map(|()| event)) {
            Ok(event) => self.account.count_unknown(&event),
            Err(fault) => self.account.refuse_row(&fault)?,
        }
        if let Some(trace) = &mut self.trace {
            trace.events = trace.events.saturating_add(1);
        }
        Ok(())
    }

    fn event(&self, attributes: &[Attribute]) -> std::result::Result<JourneyEvent, Fault> {
        let outside = || Fault::new(Problem::Malformed, "the event stands outside of a trace");
        let trace = self.trace.as_ref().ok_or_else(outside)?;
        if let Some(event) = attributes.iter().find(|attribute| attribute.key == carried::NAME) {
            return carried::read(event.text()?, &self.upcasters);
        }
        let case =
            of_key(&trace.attributes, keys::NAME).ok_or_else(|| missing("the trace", keys::NAME))?.text()?;
        let name = of_key(attributes, keys::NAME).ok_or_else(|| missing("the event", keys::NAME))?.text()?;
        let time = of_key(attributes, keys::TIME).ok_or_else(|| missing("the event", keys::TIME))?.time()?;
        let customer = CustomerKey::new(case).map_err(|error| Fault::core(None, case, &error))?;
        let kind = CustomKind::new(name).map_err(|error| Fault::core(None, name, &error))?;
        let id = EventId::from_natural_key(&self.source, keys::ID, &[case, &trace.events.to_string()]);
        let body = Custom { name: kind, stage: None, amount: None };
        let mut event = JourneyEvent::new(id, customer, time, body);
        event.sequence = trace.events;
        event.source = Some(self.source.clone());
        for attribute in attributes {
            match &*attribute.key {
                keys::NAME | keys::TIME => {}
                keys::RESOURCE => event.actor.person = Some(attribute.text()?.to_owned()),
                keys::GROUP => event.actor.team = Some(attribute.text()?.to_owned()),
                key => add(&mut event, key, attribute)?,
            }
        }
        let of_trace = trace.attributes.iter().filter(|attribute| attribute.key != keys::NAME);
        for attribute in of_trace.filter(|_| trace.events == 0) {
            add(&mut event, &format!("{}{}", keys::OF_CASE, attribute.key), attribute)?;
        }
        check_twice(attributes)?;
        Ok(event)
    }
}

fn of_key<'a>(attributes: &'a [Attribute], key: &str) -> Option<&'a Attribute> {
    attributes.iter().find(|attribute| attribute.key == key)
}

fn missing(whose: &str, key: &str) -> Fault {
    Fault::new(Problem::MissingValue, format_args!("{whose} has no {key}"))
}

fn add(event: &mut JourneyEvent, key: &str, attribute: &Attribute) -> std::result::Result<(), Fault> {
    let name = AttributeName::new(key).map_err(|error| Fault::core(None, key, &error))?;
    event.attributes.insert(name, attribute.to_value()?);
    Ok(())
}

/// A second value under a key would be lost quietly.
fn check_twice(attributes: &[Attribute]) -> std::result::Result<(), Fault> {
    let mut keys: Vec<_> = attributes.iter().map(|attribute| &*attribute.key).collect();
    keys.sort_unstable();
    match keys.windows(2).find(|pair| pair[0] == pair[1]) {
        None => Ok(()),
        Some(pair) => {
            Err(Fault::new(Problem::Contradiction, format_args!("attribute {:?} stands twice", pair[0])))
        }
    }
}

impl EventSource for XesImport {
    fn next_batch(&mut self) -> Result<Option<EventBatch>> {
        self.account.check()?;
        let batch = self.fill();
        self.account.hand_out(batch, self.elements.bytes_read())
    }

    fn progress(&self) -> Progress {
        Progress { bytes_read: self.elements.bytes_read(), ..self.account.progress.clone() }
    }
}

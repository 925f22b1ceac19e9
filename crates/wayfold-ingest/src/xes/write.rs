//! Events out as XES.

use std::fmt::Write as _;
use std::io::Write;

use wayfold_core::{EventBody, EventId, History, JourneyEvent};

use super::attribute::Attribute;
use super::keys;
use crate::carried;
use crate::error::{Error, Place, Problem, Result};

/// Writes histories as traces of an XES log, to be read by the tools of process mining and back by
/// [`XesImport`](crate::XesImport) without loss.
///
/// An event is named by its kind, or by the own name of a custom kind. What XES has no place for travels as the event's
/// JSON in the attribute `wayfold:event`; events that came from XES have none of it and are written as they came, but for
/// dates, which are written in UTC, and money, which becomes text.
pub struct XesWriter<W: Write> {
    writer: W,
}

const HEAD: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<log xes.version="1.0" xes.features="nested-attributes" xmlns="http://www.xes-standard.org/">
<extension name="Concept" prefix="concept" uri="http://www.xes-standard.org/concept.xesext"/>
<extension name="Time" prefix="time" uri="http://www.xes-standard.org/time.xesext"/>
<extension name="Organizational" prefix="org" uri="http://www.xes-standard.org/org.xesext"/>
<extension name="Lifecycle" prefix="lifecycle" uri="http://www.xes-standard.org/lifecycle.xesext"/>
"#;

impl<W: Write> XesWriter<W> {
    /// Begins a log.
    ///
    /// # Errors
    /// `Io` if the writer fails.
    pub fn new(mut writer: W) -> Result<Self> {
        writer.write_all(HEAD.as_bytes()).map_err(failed)?;
        Ok(Self { writer })
    }

    /// Writes the history of a customer as a trace. The tenant is written with the events that need it, as of
    /// [`XesWriter`], and not in the name of the trace.
    ///
    /// # Errors
    /// `BadRow` if a text holds a character that XML cannot, such as a control character: nothing of the history is
    /// written. `Io` if the writer fails.
    pub fn write(&mut self, history: &History<'_>) -> Result<()> {
        let (_, customer) = history.customer();
        let events: Vec<_> = history.events().iter().map(|event| event.to_event()).collect();
        let mut text = String::from("<trace>\n");
        put(&mut text, &string(keys::NAME, customer))?;
        for attribute in events.iter().take(1).flat_map(of_case) {
            put(&mut text, &attribute)?;
        }
        for (place, event) in events.iter().enumerate() {
            put_event(&mut text, event, customer, place)?;
        }
        text.push_str("</trace>\n");
        self.writer.write_all(text.as_bytes()).map_err(failed)
    }

    /// Ends the log, and gives the writer back.
    ///
    /// # Errors
    /// `Io` if the writer fails.
    pub fn finish(mut self) -> Result<W> {
        self.writer.write_all(b"</log>\n").and_then(|()| self.writer.flush()).map_err(failed)?;
        Ok(self.writer)
    }
}

impl<W: Write> std::fmt::Debug for XesWriter<W> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("XesWriter").finish_non_exhaustive()
    }
}

fn failed(error: std::io::Error) -> Error {
    Error::io(Place::file("the output"), "the log cannot be written", error)
}

/// The attributes of the trace, which its first event carries.
fn of_case(event: &JourneyEvent) -> impl Iterator<Item = Attribute> {
    event.attributes.iter().filter_map(|(name, value)| {
        let key = name.as_str().strip_prefix(keys::OF_CASE)?;
        Some(Attribute::of_value(key, value))
    })
}

fn put_event(text: &mut String, event: &JourneyEvent, case: &str, place: usize) -> Result<()> {
    text.push_str("<event>\n");
    let name = match &event.body {
        EventBody::Custom(custom) => custom.name.as_str(),
        body => body.kind().name(),
    };
    put(text, &string(keys::NAME, name))?;
    put(text, &Attribute { element: "date".into(), ..string(keys::TIME, &event.occurred_at.to_string()) })?;
    for (key, who) in [(keys::RESOURCE, &event.actor.person), (keys::GROUP, &event.actor.team)] {
        if let Some(who) = who {
            put(text, &string(key, who))?;
        }
    }
    let of_trace = |key: &str| place == 0 && key.starts_with(keys::OF_CASE);
    for (name, value) in event.attributes.iter().filter(|(name, _)| !of_trace(name.as_str())) {
        put(text, &Attribute::of_value(name.as_str(), value))?;
    }
    if !is_plain(event, case, place) {
        let json = serde_json::to_string(event).expect("every event has a JSON form");
        put(text, &string(carried::NAME, &json))?;
    }
    text.push_str("</event>\n");
    Ok(())
}

/// Whether an import makes the event again of its attributes alone.
fn is_plain(event: &JourneyEvent, case: &str, place: usize) -> bool {
    let EventBody::Custom(custom) = &event.body else { return false };
    let Some(source) = &event.source else { return false };
    let id = EventId::from_natural_key(source, keys::ID, &[case, &place.to_string()]);
    let mut plain = JourneyEvent::new(id, event.customer.clone(), event.occurred_at, custom.clone());
    plain.sequence = place as u32;
    plain.source = event.source.clone();
    plain.actor = event.actor.clone();
    plain.attributes = event.attributes.clone();
    let is_free = !event.attributes.keys().any(|name| is_reserved(name.as_str()));
    let is_kept = event.attributes.values().all(Attribute::keeps);
    custom.stage.is_none() && custom.amount.is_none() && is_free && is_kept && plain.same_content(event)
}

/// Whether an attribute would be read as something else.
fn is_reserved(name: &str) -> bool {
    let name = name.strip_prefix(keys::OF_CASE).unwrap_or(name);
    matches!(name, "" | keys::NAME | keys::TIME | keys::RESOURCE | keys::GROUP | carried::NAME)
}

fn string(key: &str, value: &str) -> Attribute {
    Attribute {
        element: "string".into(),
        key: key.to_owned().into(),
        value: Some(value.to_owned()),
        children: Vec::new(),
    }
}

/// Writes an attribute; how deep they are nested was limited when they were read.
fn put(text: &mut String, attribute: &Attribute) -> Result<()> {
    let _ = write!(text, "<{}", attribute.element);
    if !attribute.key.is_empty() {
        put_text(text, "key", &attribute.key)?;
    }
    if let Some(value) = &attribute.value {
        put_text(text, "value", value)?;
    }
    if attribute.children.is_empty() {
        text.push_str("/>\n");
        return Ok(());
    }
    text.push_str(">\n");
    attribute.children.iter().try_for_each(|child| put(text, child))?;
    let _ = writeln!(text, "</{}>", attribute.element);
    Ok(())
}

fn put_text(to: &mut String, name: &str, text: &str) -> Result<()> {
    let _ = write!(to, " {name}=\"");
    for letter in text.chars() {
        match letter {
            '<' => to.push_str("&lt;"),
            '>' => to.push_str("&gt;"),
            '&' => to.push_str("&amp;"),
            '"' => to.push_str("&quot;"),
            // Readers make spaces of these where they are not escaped.
            '\n' | '\r' | '\t' => {
                let _ = write!(to, "&#{};", u32::from(letter));
            }
            '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => {
                let code = u32::from(letter);
                let reason = format_args!(
                    "a text holds the character U+{code:04X}, which XML cannot; mend it, or export JSON Lines"
                );
                return Err(Error::bad_row(Problem::Encoding, Place::file("the output"), reason));
            }
            _ => to.push(letter),
        }
    }
    to.push('"');
    Ok(())
}

//! How an event in an older shape becomes one of today's: a chain of steps for each kind.

mod builder;
mod steps;

use std::collections::BTreeMap;
use std::fmt;

pub use self::builder::UpcastersBuilder;
pub(super) use self::steps::own_version;
use self::steps::{OwnSteps, Step, VersionedKind, own_steps, version_at_end};
use super::body::{EventBody, is_known};
use super::raw::RawEvent;
use super::raw_fields::{RawFields, UpcastResult};
use super::{JourneyEvent, validate};
use crate::error::{Error, ErrorKind, Result};

/// The steps by which events in older shapes are lifted to today's, one from each schema version to the next.
///
/// The default knows the library's own kinds, whose steps come with it. For your own kinds you give the steps:
/// the end of a kind's chain is its current version. A kind without a chain is read in any version, as it is.
///
/// Steps must be pure: the same event gives the same event, today and in ten years. A step that panics is the
/// panic of whoever reads. The chain is for reading alone; what is stored stays as it was written.
///
/// ```
/// use wayfold_core::{JourneyEvent, Upcasters};
///
/// let upcasters = Upcasters::builder()
///     .step("custom:store_visited", 1, 2, |event| Ok(event.rename_attribute("shop", "store")?))
///     .step("custom:store_visited", 2, 3, |event| Ok(event.set_field("stage", "information")?))
///     .build()?;
/// let old = r#"{"id":"00000000-0000-0000-0000-000000000007","customer":"ada","kind":"custom",
///     "occurred_at":"2024-03-01T10:00:00Z","schema_version":1,
///     "fields":{"name":"store_visited"},"attributes":{"shop":"north"}}"#;
/// let event = JourneyEvent::from_json(old, &upcasters)?;
/// assert_eq!(event.schema_version, 3);
/// assert_eq!(event.attributes.keys().map(|name| name.as_str()).collect::<Vec<_>>(), ["store"]);
/// # Ok::<(), wayfold_core::Error>(())
/// ```
#[derive(Clone)]
pub struct Upcasters {
    own: OwnSteps,
    chains: BTreeMap<String, Vec<Step>>,
}

impl Upcasters {
    /// Starts with the library's own steps.
    pub fn builder() -> UpcastersBuilder {
        UpcastersBuilder::default()
    }

    /// The version to which events of a kind are lifted; `custom:NAME` is a user's own kind.
    ///
    /// `None` if the kind is not known, or is a user's own without a chain: then no version is current.
    pub fn current_version(&self, kind: &str) -> Option<u16> {
        self.current(&VersionedKind::parse(kind)?)
    }

    /// Lifts an event that comes from outside, and reads its body.
    ///
    /// # Behavior
    /// - An older version climbs its chain; the current one is read as it is.
    /// - A user's own kind without a chain is read as it is, in any version.
    /// - A kind that this version of the library does not know is kept as [`Unknown`](crate::Unknown).
    ///
    /// # Errors
    /// `Malformed` if the fields are not those of the kind, if the version is 0, or if it is newer than this
    /// program knows: what comes in is read whole or not at all. `UpcastFailed` if a step refuses the event, or
    /// what the steps made cannot be read; the message names event, kind and versions.
    pub fn lift_input(&self, raw: RawEvent) -> Result<JourneyEvent> {
        let id = raw.id();
        self.lift(raw, refuse_newer).map_err(|error| match error.kind() {
            ErrorKind::UpcastFailed => error.at(format_args!("event {id}")),
            // Whoever reads a document knows the place in it.
            _ => error,
        })
    }

    /// Lifts an event that a store took in the past, or that another program wrote to it, and reads its body.
    ///
    /// # Behavior
    /// - As [`Upcasters::lift_input`], but a known kind in a newer version is kept as
    ///   [`Unknown`](crate::Unknown), with its name, version and fields: one event of a newer program does not
    ///   stop an older one from reading the log. It is counted and reported, and its JSON form is the one that
    ///   the newer program wrote.
    /// - What is read is checked against the rules of its kind, because no append checks it again.
    ///
    /// # Errors
    /// As [`Upcasters::lift_input`], but not for newer versions; `InvalidEvent` if what was read breaks a rule of
    /// its kind. Every message names the event.
    pub fn lift_stored(&self, raw: RawEvent) -> Result<JourneyEvent> {
        let id = raw.id();
        let check = |event| validate::check_rules(&event).map(|()| event);
        self.lift(raw, |raw, _, _| raw.keep())
            .and_then(check)
            .map_err(|error| error.at(format_args!("event {id}")))
    }

    /// Lifts an event that was read from a store already.
    ///
    /// # Behavior
    /// - An event of a user's own kind in an older version climbs its chain; one in a version beyond the chain's
    ///   end is kept as [`Unknown`](crate::Unknown).
    /// - An event that was taken as unknown becomes one of its kind where this program knows the kind by now. If
    ///   its fields are not those of the kind it stays as it is, counted and reported, because nothing checked
    ///   them when it was taken.
    /// - Any other event is given back as it is.
    ///
    /// # Errors
    /// As [`Upcasters::lift_stored`], for users' own kinds.
    pub fn lift_event(&self, event: JourneyEvent) -> Result<JourneyEvent> {
        match &event.body {
            EventBody::Unknown(unknown) if is_known(unknown.kind()) => {
                Ok(self.lift_stored(RawEvent::of(event.clone())).unwrap_or(event))
            }
            EventBody::Custom(custom) => match self.chains.get(custom.name.as_str()) {
                Some(chain) if version_at_end(chain.len()) != event.schema_version => {
                    self.lift_stored(RawEvent::of(event))
                }
                _ => Ok(event),
            },
            _ => Ok(event),
        }
    }

    /// Says whether users' own kinds have chains.
    pub(crate) fn has_chains(&self) -> bool {
        !self.chains.is_empty()
    }

    fn lift(
        &self,
        raw: RawEvent,
        newer: impl FnOnce(RawEvent, &VersionedKind, u16) -> Result<JourneyEvent>,
    ) -> Result<JourneyEvent> {
        let version = raw.schema_version();
        if version == 0 {
            let message = format_args!("kind {:?} has schema version 0; versions begin at 1", raw.kind());
            return Err(Error::new(ErrorKind::Malformed, message));
        }
        let Some(kind) = VersionedKind::of(&raw, self.has_chains())? else { return raw.read() };
        match self.current(&kind) {
            Some(current) if version < current => self.climb(raw, &kind, current),
            Some(current) if version > current => newer(raw, &kind, current),
            _ => raw.read(),
        }
    }

    /// Takes the steps from the version of the event to the current one, and reads what they made.
    fn climb(&self, mut raw: RawEvent, kind: &VersionedKind, current: u16) -> Result<JourneyEvent> {
        let first = raw.schema_version();
        let failed = |from: u16, to: u16, why: &dyn fmt::Display| {
            let message = format_args!("{kind} from version {from} to {to}: {why}");
            Error::new(ErrorKind::UpcastFailed, message)
        };
        let mut fields = raw.take_fields().map_err(|error| failed(first, current, &error))?;
        for from in first..current {
            self.step(kind, from)(&mut fields).map_err(|error| failed(from, from + 1, &error))?;
        }
        let lifted = raw.with_fields(fields, current).and_then(RawEvent::read);
        match lifted.map_err(|error| failed(first, current, &error))? {
            event if kind.is_that_of(&event) => Ok(event),
            _ => Err(failed(first, current, &"a step gave the kind another name; steps keep it")),
        }
    }

    fn current(&self, kind: &VersionedKind) -> Option<u16> {
        let steps = match kind {
            VersionedKind::Own(kind) => (self.own)(*kind).len(),
            VersionedKind::Custom(name) => self.chains.get(name)?.len(),
        };
        Some(version_at_end(steps))
    }

    /// The step from a version that is below the current one.
    fn step(&self, kind: &VersionedKind, from: u16) -> &dyn Fn(&mut RawFields) -> UpcastResult {
        let place = usize::from(from) - 1;
        match kind {
            VersionedKind::Own(kind) => &(self.own)(*kind)[place],
            VersionedKind::Custom(name) => self.chains[name][place].as_ref(),
        }
    }
}

#[expect(clippy::needless_pass_by_value, reason = "what stores do instead keeps the event")]
fn refuse_newer(raw: RawEvent, kind: &VersionedKind, current: u16) -> Result<JourneyEvent> {
    let version = raw.schema_version();
    let message = format_args!(
        "kind \"{kind}\" has schema version {version}, newer than {current}, the last that this program knows; update \
         the program"
    );
    Err(Error::new(ErrorKind::Malformed, message))
}

impl Default for Upcasters {
    fn default() -> Self {
        Self { own: own_steps, chains: BTreeMap::new() }
    }
}

impl fmt::Debug for Upcasters {
    /// Shows the current version of each kind that has a chain given by the user.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let current = self.chains.iter().map(|(name, chain)| (name, version_at_end(chain.len())));
        f.write_str("Upcasters ")?;
        f.debug_map().entries(current).finish()
    }
}

#[cfg(test)]
mod tests;

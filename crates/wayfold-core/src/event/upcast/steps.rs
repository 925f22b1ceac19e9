use std::fmt;
use std::sync::Arc;

use serde::Deserialize;

use crate::error::Result;
use crate::event::JourneyEvent;
use crate::event::body::{CUSTOM_PREFIX, EventBody, EventKind};
use crate::event::raw::RawEvent;
use crate::event::raw_fields::{RawFields, UpcastResult};
use crate::key::CustomKind;

/// A step of the library's own, to a kind's next version.
pub(super) type OwnStep = fn(&mut RawFields) -> UpcastResult;
/// Finds the library's own steps of a kind, in order; the first is from version 1.
pub(super) type OwnSteps = fn(EventKind) -> &'static [OwnStep];
/// A step that a user gave.
pub(super) type Step = Arc<dyn Fn(&mut RawFields) -> UpcastResult + Send + Sync>;

/// The library's own steps of a kind: none, as no kind has changed its shape yet.
///
/// The current version of a kind is counted from them, so that no version can lack its step. They are functions
/// of the fields alone, and stay for ever.
pub(super) const fn own_steps(_kind: EventKind) -> &'static [OwnStep] {
    &[]
}

/// The current version of one of the library's kinds.
pub(in crate::event) const fn own_version(kind: EventKind) -> u16 {
    version_at_end(own_steps(kind).len())
}

/// The version to which a chain of so many steps leads.
pub(super) const fn version_at_end(steps: usize) -> u16 {
    steps as u16 + 1
}

/// A kind that counts versions of its own.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum VersionedKind {
    /// One of the library's kinds.
    Own(EventKind),
    /// A user's own kind, by its name.
    Custom(String),
}

impl VersionedKind {
    /// Finds the kind of `need_identified` or `custom:store_visited`.
    pub(super) fn parse(kind: &str) -> Option<Self> {
        match kind.strip_prefix(CUSTOM_PREFIX) {
            Some(name) => Some(Self::Custom(name.to_owned())),
            None => EventKind::from_name(kind).map(Self::Own),
        }
    }

    /// Finds the kind of an event; a user's own is looked for only if somebody gave a chain.
    pub(super) fn of(raw: &RawEvent, with_custom: bool) -> Result<Option<Self>> {
        #[derive(Deserialize)]
        struct Named {
            name: CustomKind,
        }
        if raw.kind() != "custom" {
            return Ok(EventKind::from_name(raw.kind()).map(Self::Own));
        }
        if !with_custom {
            return Ok(None);
        }
        let named: Named = raw.fields().read_fields(raw.kind())?;
        Ok(Some(Self::Custom(named.name.into())))
    }

    pub(super) fn is_that_of(&self, event: &JourneyEvent) -> bool {
        match (self, &event.body) {
            (Self::Custom(name), EventBody::Custom(custom)) => custom.name.as_str() == name,
            (Self::Custom(_), _) => false,
            (Self::Own(kind), body) => body.kind() == *kind,
        }
    }
}

impl fmt::Display for VersionedKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Own(kind) => f.write_str(kind.name()),
            Self::Custom(name) => write!(f, "{CUSTOM_PREFIX}{name}"),
        }
    }
}

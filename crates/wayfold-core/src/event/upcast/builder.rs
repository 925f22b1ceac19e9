use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use super::Upcasters;
use super::steps::{Step, VersionedKind};
use crate::error::{Error, ErrorKind, Result};
use crate::event::raw_fields::{RawFields, UpcastResult};
use crate::key::CustomKind;

/// Takes the steps of users' own kinds and checks that they make whole chains.
#[derive(Default)]
pub struct UpcastersBuilder {
    steps: Vec<Given>,
}

/// A step as it was given, not yet checked.
struct Given {
    kind: String,
    from: u16,
    to: u16,
    step: Step,
}

impl UpcastersBuilder {
    /// Adds the step of one kind, written `custom:NAME`, from a version to the next. The order of calls does not
    /// matter.
    ///
    /// A step must be pure. Any error refuses the event; event, kind and versions are named around it.
    pub fn step(
        mut self,
        kind: impl Into<String>,
        from: u16,
        to: u16,
        step: impl Fn(&mut RawFields) -> UpcastResult + Send + Sync + 'static,
    ) -> Self {
        self.steps.push(Given { kind: kind.into(), from, to, step: Arc::new(step) });
        self
    }

    /// Checks the chains.
    ///
    /// # Errors
    /// `InvalidUpcasters` if a kind is not a user's own, a step does not go to the next version, two steps begin
    /// at one version, or a version has no step to the next although a later one has.
    pub fn build(self) -> Result<Upcasters> {
        let mut chains: BTreeMap<String, BTreeMap<u16, Step>> = BTreeMap::new();
        for Given { kind, from, to, step } in self.steps {
            let name = custom_name(&kind)?;
            check_direction(&kind, from, to)?;
            if chains.entry(name).or_default().insert(from, step).is_some() {
                return Err(invalid(format_args!("{kind}: two steps from version {from}; keep one of them")));
            }
        }
        let chains = chains.into_iter().map(whole_chain).collect::<Result<_>>()?;
        Ok(Upcasters { chains, ..Upcasters::default() })
    }
}

fn invalid(message: impl fmt::Display) -> Error {
    Error::new(ErrorKind::InvalidUpcasters, message)
}

/// The name of a user's own kind.
fn custom_name(kind: &str) -> Result<String> {
    match VersionedKind::parse(kind) {
        Some(VersionedKind::Custom(name)) => match CustomKind::new(&name) {
            Ok(name) => Ok(name.into()),
            Err(error) => Err(invalid(format_args!("kind {kind:?}: {error}"))),
        },
        Some(VersionedKind::Own(_)) => Err(invalid(format_args!(
            "kind {kind:?} is the library's own, whose steps come with it; give steps to kinds of your own"
        ))),
        None => Err(invalid(format_args!(
            "kind {kind:?} is not known; write \"custom:NAME\" for a kind of your own"
        ))),
    }
}

fn check_direction(kind: &str, from: u16, to: u16) -> Result<()> {
    let why = match from {
        0 => "versions begin at 1",
        _ if to <= from => "it makes a cycle; a step goes to the next version",
        _ if to - from > 1 => "it leaves out a version; a step goes to the next one",
        _ => return Ok(()),
    };
    Err(invalid(format_args!("{kind}: step from version {from} to {to}: {why}")))
}

/// Brings the steps of one kind into their order, in which each version from 1 on has one.
fn whole_chain((name, steps): (String, BTreeMap<u16, Step>)) -> Result<(String, Vec<Step>)> {
    for (missing, from) in (1..).zip(steps.keys().copied()) {
        if missing != from {
            return Err(invalid(format_args!(
                "custom:{name}: there is a step from version {from} but none from version {missing}"
            )));
        }
    }
    Ok((name, steps.into_values().collect()))
}

impl fmt::Debug for UpcastersBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let steps = self.steps.iter().map(|given| (&given.kind, given.from, given.to));
        f.write_str("UpcastersBuilder ")?;
        f.debug_list().entries(steps).finish()
    }
}

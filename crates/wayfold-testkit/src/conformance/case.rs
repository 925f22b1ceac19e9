//! A named case, what it needs, and how it is run.

use std::any::Any;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use wayfold_store::Capabilities;

use super::bench::StoreBench;
use super::trial::Trial;

/// One rule of the port and the test of it.
#[derive(Clone, Copy)]
pub struct Case {
    /// `group::rule`.
    pub name: &'static str,
    /// What a backend needs to be asked.
    pub needs: Need,
    pub(crate) check: fn(&Trial),
}

impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.name, self.needs)
    }
}

/// What a backend needs for a case to apply: the only ground on which one is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// Nothing: the case is for all.
    Nothing,
    /// What is acknowledged outlives the handle.
    Durable,
    /// Two handles may be open on one log.
    Shared,
    /// Kinds of identity are taken.
    Identity,
    /// Kinds of identity are not taken.
    NoIdentity,
}

impl Need {
    /// Says whether a backend has it.
    pub fn is_met_by(self, capabilities: &Capabilities) -> bool {
        match self {
            Self::Nothing => true,
            Self::Durable => capabilities.durable,
            Self::Shared => capabilities.shared,
            Self::Identity => capabilities.identity,
            Self::NoIdentity => !capabilities.identity,
        }
    }
}

impl fmt::Display for Need {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Nothing => "nothing",
            Self::Durable => "durable",
            Self::Shared => "shared",
            Self::Identity => "identity",
            Self::NoIdentity => "no identity",
        })
    }
}

/// How a case ended.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "a case may have failed"]
pub enum Verdict {
    /// The rule holds.
    Held,
    /// The rule is broken, and how.
    Broken(String),
    /// The capabilities of the backend rule the case out.
    RuledOut(Need),
}

impl Case {
    /// Runs the case on a log of its own.
    pub fn run(&self, bench: &Arc<dyn StoreBench>) -> Verdict {
        if !self.needs.is_met_by(&capabilities(bench)) {
            return Verdict::RuledOut(self.needs);
        }
        match catch_unwind(AssertUnwindSafe(|| (self.check)(&Trial::new(bench)))) {
            Ok(()) => Verdict::Held,
            Err(panic) => Verdict::Broken(message(panic.as_ref())),
        }
    }
}

pub(crate) fn capabilities(bench: &Arc<dyn StoreBench>) -> Capabilities {
    Trial::new(bench).store().capabilities()
}

pub(crate) fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("a panic without words").to_owned()
}

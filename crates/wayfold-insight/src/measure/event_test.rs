//! Which events a measure is about.

use std::fmt;
use std::sync::Arc;

use wayfold_core::{EventKind, EventView};

use super::cases::kind_name;

/// What is asked most is asked without a call.
#[derive(Clone)]
enum Test {
    Any,
    Kind(EventKind),
    Says(Arc<dyn Fn(&EventView<'_>) -> bool + Send + Sync>),
}

/// A named test of events, such as a step of a funnel.
#[derive(Clone)]
pub struct EventTest {
    name: String,
    test: Test,
}

impl fmt::Debug for EventTest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventTest").field("name", &self.name).finish_non_exhaustive()
    }
}

impl EventTest {
    /// Any test under a name.
    pub fn new(name: &str, test: impl Fn(&EventView<'_>) -> bool + Send + Sync + 'static) -> Self {
        Self { name: name.to_owned(), test: Test::Says(Arc::new(test)) }
    }

    /// Every event.
    pub fn any() -> Self {
        Self { name: "any".to_owned(), test: Test::Any }
    }

    /// Events of a kind, under its name.
    pub fn kind(kind: EventKind) -> Self {
        Self { name: kind.name().to_owned(), test: Test::Kind(kind) }
    }

    /// Events of a kind of one's own, under its name.
    pub fn custom(name: &str) -> Self {
        let wanted = name.to_owned();
        Self::new(name, move |event| event.kind().is_custom() && kind_name(event) == wanted)
    }

    /// What it is called.
    pub fn name(&self) -> &str {
        &self.name
    }

    #[inline]
    pub(super) fn holds(&self, event: &EventView<'_>) -> bool {
        match &self.test {
            Test::Any => true,
            Test::Kind(kind) => event.kind() == *kind,
            Test::Says(test) => test(event),
        }
    }
}

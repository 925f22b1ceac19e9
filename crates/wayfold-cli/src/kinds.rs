//! Kinds of events as arguments: `order_placed`, or `custom:NAME` for one's own.

use anyhow::Result;
use wayfold::insight::EventTest;
use wayfold::store::KindFilter;
use wayfold::{CustomKind, EventKind};

use crate::failure::usage;

/// Reads a kind, as the language of rules does.
pub(crate) fn kind(name: &str) -> Result<KindFilter> {
    if let Some(own) = name.strip_prefix("custom:") {
        return Ok(CustomKind::new(own).map_err(usage)?.into());
    }
    EventKind::from_name(name).map(KindFilter::from).ok_or_else(|| {
        usage(format_args!(
            "{name:?} is no kind of event; `wayfold map` lists those in the log, and one's own are custom:NAME"
        ))
    })
}

/// Reads a kind as a step of a measure.
pub(crate) fn event_test(name: &str) -> Result<EventTest> {
    Ok(match kind(name)? {
        KindFilter::Kind(kind) => EventTest::kind(kind),
        KindFilter::Custom(own) => EventTest::custom(own.as_str()),
    })
}

/// Reads several.
pub(crate) fn event_tests(names: &[String]) -> Result<Vec<EventTest>> {
    names.iter().map(|name| event_test(name)).collect()
}

//! An event of ours that travels whole in a format which has no place for all of it.

use wayfold_core::{JourneyEvent, RawEvent, Upcasters};

use crate::error::Problem;
use crate::row::Fault;

/// The attribute that holds it, as JSON.
pub(crate) const NAME: &str = "wayfold:event";

/// Reads it from the text of its attribute.
pub(crate) fn read(text: &str, upcasters: &Upcasters) -> Result<JourneyEvent, Fault> {
    let no_event = |what: &dyn std::fmt::Display| {
        Fault::new(Problem::Malformed, format_args!("attribute {NAME:?} is no event: {what}"))
    };
    let raw: RawEvent = serde_json::from_str(text).map_err(|error| no_event(&error))?;
    upcasters.lift_input(raw).map_err(|error| no_event(&error))
}

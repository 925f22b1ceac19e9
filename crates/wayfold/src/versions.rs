//! One version of rules means one set of thresholds, for as long as the log lasts.

use wayfold_core::{Position, Rules};
use wayfold_store::{Checkpoint, CheckpointName, ErrorKind as StoreErrorKind, EventStore};

use crate::error::{Error, ErrorKind, Result};

/// Notes under its version what the rules say, or holds them to what was noted.
///
/// Views, notices and explanations cite the version; were the thresholds behind it changed, what was said before would
/// silently mean something else.
pub(crate) async fn hold_to_version(store: &dyn EventStore, rules: &Rules) -> Result<()> {
    let name = CheckpointName::new(format!("wayfold/rules/{}", rules.version)).map_err(|_| {
        let message =
            format_args!("the version of the rules has {} bytes; at most 498 are taken", rules.version.len());
        Error::new(ErrorKind::InvalidConfiguration, message)
    })?;
    let Some(noted) = store.checkpoint(name.clone()).await? else {
        let bytes = serde_json::to_vec(rules).expect("rules are JSON");
        return match store.put_checkpoint(name, Checkpoint { position: Position::START, bytes }).await {
            // A log that is open for reading alone notes nothing.
            Err(error) if error.kind() == StoreErrorKind::Unsupported => Ok(()),
            noted => Ok(noted?),
        };
    };
    // Rules that were noted by a newer program may have thresholds that this one does not know.
    if serde_json::from_slice::<Rules>(&noted.bytes).is_ok_and(|noted| noted == *rules) {
        return Ok(());
    }
    let message = format_args!(
        "rules of version {:?} were used on this log with other thresholds ({}); give the changed ones a version of \
         their own, as views cite it",
        rules.version,
        String::from_utf8_lossy(&noted.bytes)
    );
    Err(Error::new(ErrorKind::InvalidConfiguration, message))
}

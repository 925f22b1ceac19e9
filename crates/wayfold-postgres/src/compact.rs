//! Seals everything.

use std::time::Instant;

use wayfold_store::Result;

use crate::backoff::Backoff;
use crate::error::unavailable;
use crate::seal::{Goal, Step, seal};
use crate::store::PostgresStore;

impl PostgresStore {
    /// Seals every event that is not sealed by now, and makes as few blocks as
    /// [`PostgresConfig::compact_events_max`](crate::PostgresConfig) allows; so are blocks made anew that are missing.
    ///
    /// The store seals by itself as the log grows; this is for a log that was imported or restored, and for one that is
    /// sealed by one process alone. Appends and reads go on meanwhile. Events that an open transaction
    /// holds back are left for the next time.
    ///
    /// # Errors
    /// `Unsupported` if the role may not make blocks; `Unavailable` if another process seals for longer than
    /// `connect_timeout_ms`, or the database fails; `Corrupt` if rows or blocks are damaged.
    pub async fn compact(&self) -> Result<()> {
        let shared = self.shared.clone();
        let compact = async move {
            let (ends, mut backoff) = (Instant::now() + shared.config.connect_timeout(), Backoff::new());
            while seal(&shared, Goal::All).await? == Step::Busy {
                if Instant::now() >= ends {
                    return Err(unavailable(
                        "compact: another process seals for longer than connect_timeout_ms",
                    ));
                }
                tokio::time::sleep(backoff.next()).await;
            }
            Ok(())
        };
        self.threads.run(compact).await
    }
}

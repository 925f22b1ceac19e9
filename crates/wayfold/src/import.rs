use wayfold_ingest::EventSource;

use crate::engine::Wayfold;
use crate::error::Result;

/// What an import did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Imported {
    /// Events that the source gave.
    pub events: u64,
    /// Events that the log did not hold before.
    pub new: u64,
}

impl Wayfold {
    /// Imports everything that a source gives, batch by batch.
    ///
    /// What was appended before an error stays; importing the same source again adds only what is missing.
    ///
    /// # Errors
    /// `Import` if the source cannot be read or a row is bad and the source's policy is to stop; else as
    /// [`Wayfold::append`].
    pub async fn import(&self, source: &mut (dyn EventSource + Send)) -> Result<Imported> {
        let mut imported = Imported::default();
        while let Some(batch) = source.next_batch()? {
            imported.events += batch.len() as u64;
            imported.new += self.append_batch(batch).await?.new as u64;
        }
        Ok(imported)
    }
}

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;

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
    /// Imports everything that a source gives, batch by batch. A batch is read while a store that writes on a thread of its
    /// own, or elsewhere, takes the one before; two of them are in memory at most.
    ///
    /// What was appended before an error stays; importing the same source again adds only what is missing.
    ///
    /// # Errors
    /// `Import` if the source cannot be read or a row is bad and the source's policy is to stop; else as
    /// [`Wayfold::append`].
    pub async fn import(&self, source: &mut (dyn EventSource + Send)) -> Result<Imported> {
        let mut imported = Imported::default();
        let mut next = source.next_batch()?;
        while let Some(batch) = next {
            imported.events += batch.len() as u64;
            let mut append = pin!(self.append_batch(batch));
            // The store begins.
            let begun = poll_fn(|context| Poll::Ready(append.as_mut().poll(context))).await;
            let read = source.next_batch();
            let appended = match begun {
                Poll::Ready(appended) => appended,
                Poll::Pending => append.await,
            };
            imported.new += appended?.new as u64;
            next = read?;
        }
        Ok(imported)
    }
}

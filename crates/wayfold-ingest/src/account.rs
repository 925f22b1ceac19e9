//! What every import keeps beside its rows: how far it is, what became of bad rows, and what stopped it.

use wayfold_core::{EventBatch, EventBody, JourneyEvent};

use crate::error::{Error, Place, Problem, Result};
use crate::options::{ImportOptions, OnBadRow, OnProgress};
use crate::row::Fault;
use crate::source::Progress;

/// The account of an import.
pub(crate) struct Account {
    pub(crate) progress: Progress,
    on_bad_row: OnBadRow,
    on_progress: Option<OnProgress>,
    failed: Option<Error>,
}

impl Account {
    /// Takes what the options say of bad rows and of progress, and begins the rejects.
    pub(crate) fn begin(file: &str, bytes_total: Option<u64>, options: &mut ImportOptions) -> Result<Self> {
        let mut on_bad_row = std::mem::take(&mut options.on_bad_row);
        if let OnBadRow::Reject(rejects) = &mut on_bad_row {
            rejects.begin()?;
        }
        let progress = Progress { file: file.to_owned(), bytes_total, ..Progress::default() };
        Ok(Self { progress, on_bad_row, on_progress: options.on_progress.take(), failed: None })
    }

    /// Whether bad rows are rejected and the import goes on.
    pub(crate) fn goes_on(&self) -> bool {
        matches!(self.on_bad_row, OnBadRow::Reject(_))
    }

    /// Counts an event by its kind, where this version does not know it.
    pub(crate) fn count_unknown(&mut self, event: &JourneyEvent) {
        if let EventBody::Unknown(unknown) = &event.body {
            *self.progress.unknown_kinds.entry(unknown.kind().to_owned()).or_default() += 1;
        }
    }

    /// Stops at a bad row, or writes it to the rejects.
    pub(crate) fn refuse(&mut self, error: Error) -> Result<()> {
        match &mut self.on_bad_row {
            OnBadRow::Stop => Err(error),
            OnBadRow::Reject(rejects) => {
                self.progress.reject(error.problem().unwrap_or(Problem::Malformed));
                rejects.write(&error)
            }
        }
    }

    /// As [`Account::refuse`], for the row that was counted last.
    pub(crate) fn refuse_row(&mut self, fault: &Fault) -> Result<()> {
        let place = Place { row: Some(self.progress.rows), ..Place::file(&self.progress.file) };
        self.refuse(Error::bad_row(fault.problem, place, &fault.reason))
    }

    /// Tells how far the import is.
    pub(crate) fn report(&mut self, bytes_read: u64) {
        self.progress.bytes_read = bytes_read;
        if let Some(on_progress) = &mut self.on_progress {
            on_progress(&self.progress);
        }
    }

    /// What stopped the import, if something has.
    pub(crate) fn check(&self) -> Result<()> {
        self.failed.clone().map_or(Ok(()), Err)
    }

    /// Hands a batch out, once the rejects before it are written.
    pub(crate) fn hand_out(
        &mut self,
        batch: Result<Option<EventBatch>>,
        bytes_read: u64,
    ) -> Result<Option<EventBatch>> {
        let batch = batch.and_then(|batch| self.flush().map(|()| batch));
        match &batch {
            Ok(batch) => {
                self.progress.events += batch.as_ref().map_or(0, |batch| batch.len() as u64);
                self.report(bytes_read);
            }
            Err(error) => self.failed = Some(error.clone()),
        }
        batch
    }

    fn flush(&mut self) -> Result<()> {
        match &mut self.on_bad_row {
            OnBadRow::Stop => Ok(()),
            OnBadRow::Reject(rejects) => rejects.flush(),
        }
    }
}

//! One run with a fault in it.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use pollster::block_on;
use wayfold_core::EventId;
use wayfold_sqlite::{Durability, SqliteConfig, SqliteStore};
use wayfold_store::{Error, ErrorKind, EventFilter, EventStoreExt, Written};
use wayfold_testkit::Scratch;

use super::faults::{Fault, Faults, Length};
use crate::torture::run;
use crate::torture::script::{Script, Sizes};
use crate::torture::verify::{Answers, Known, verify};
use crate::torture::vfs;

const SEED: u64 = 5;
const STEPS: usize = 16;
/// A call is tried so often before the fault is mended, and then as often before the store is opened again.
const TRIES: usize = 2;

/// Waits little for locks, and seals after so few events that the short run does it as well.
fn config() -> SqliteConfig {
    let mut config = run::sealing().with_busy_timeout_ms(4);
    (config.seal_events, config.seal_blocks) = (12, 4);
    (config.merge_blocks, config.merge_events_max, config.compact_events_max) = (2, 60, 60);
    config
}

/// What came of a fault.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    /// How many calls failed.
    pub(crate) spoken: usize,
    /// How many of them left it open whether they had written.
    pub(crate) unknown: usize,
    /// The store went on only when it was opened again.
    pub(crate) reopened: bool,
}

/// A run over a folder where operations fail.
pub(crate) struct Trial {
    name: String,
    script: Script,
    scratch: Scratch,
    faults: Arc<Mutex<Faults>>,
    store: Option<SqliteStore>,
    known: Known,
    outcome: Outcome,
}

impl Trial {
    /// Runs with one operation failed; `None` if the run has fewer.
    pub(crate) fn run(fault: Fault, length: Length, number: usize, answers: &mut Answers) -> Option<Outcome> {
        let scratch = Scratch::new(env!("CARGO_TARGET_TMPDIR"), "fault");
        let faults = Arc::new(Mutex::new(Faults::new(fault, length, number)));
        let watching = vfs::watch(scratch.folder(), faults.clone());
        let mut trial = Self {
            name: format!("{} number {number}, {length:?}", fault.name),
            script: Script::new(SEED, STEPS, Sizes { batch: 5, large: 12 }),
            scratch,
            faults: faults.clone(),
            store: None,
            known: Known::default(),
            outcome: Outcome::default(),
        };
        trial.all(answers);
        drop(watching);
        let Trial { store, outcome, .. } = trial;
        assert!(store.is_none());
        let hits = faults.lock().unwrap().hits;
        (hits > 0).then_some(outcome)
    }

    fn all(&mut self, answers: &mut Answers) {
        for step in 0..STEPS {
            if step == STEPS / 2 {
                self.close();
            }
            self.step(step);
            if step % 4 == 3 {
                self.ask();
            }
        }
        let copy = self.scratch.folder().join("copy.wayfold");
        self.attempt("back up", |trial| trial.store()?.backup(&copy));
        self.close();
        self.faults.lock().unwrap().mend();
        self.verify(&self.scratch.file(), answers);
        self.verify(&copy, answers);
    }

    /// The store, opened if it is not open.
    fn store(&mut self) -> Result<&SqliteStore, Error> {
        if self.store.is_none() {
            let config = config();
            self.store = Some(SqliteStore::open(self.scratch.file(), config)?);
        }
        Ok(self.store.as_ref().unwrap())
    }

    /// Tries a call until it succeeds: as it is, with the fault mended, and with the store opened again.
    fn attempt<T>(&mut self, what: &str, mut call: impl FnMut(&mut Self) -> Result<T, Error>) -> T {
        let mut last = None;
        for number in 0..3 * TRIES {
            if number == TRIES {
                self.faults.lock().unwrap().mend();
            }
            if number == 2 * TRIES {
                self.outcome.reopened = true;
                self.store = None;
            }
            match call(self) {
                Ok(result) => return result,
                Err(error) => last = Some(self.judge(what, error)),
            }
        }
        let place = self.faults.lock().unwrap().place.clone();
        panic!("{}: {what} does not succeed any more: {last:?}; first hit {place:?}", self.name);
    }

    /// A failure of the file system is not damage, and whoever meets it may try again. SQLite's own check alone
    /// takes a page that cannot be read for a damaged one.
    fn judge(&mut self, what: &str, error: Error) -> Error {
        self.outcome.spoken += 1;
        self.outcome.unknown += usize::from(error.written() == Written::Unknown);
        let is_right = error.kind() == ErrorKind::Unavailable && error.is_retryable();
        let is_check = what == "check" && error.to_string().starts_with("check the file: ");
        assert!(is_right || is_check, "{}: {what}: {:?} {error:?}", self.name, error.kind());
        error
    }

    fn step(&mut self, step: usize) {
        self.known.begun.insert(step);
        let own: BTreeSet<EventId> = self.script.events(step).iter().map(|event| event.id).collect();
        let earlier = (0..step).flat_map(|step| self.script.events(step)).map(|event| event.id);
        let earlier: BTreeSet<EventId> = earlier.collect();
        let own: BTreeSet<EventId> = own.difference(&earlier).copied().collect();
        let mut may_stand = false;
        let positions = self.attempt("do a step", |trial| {
            trial.store()?;
            let result = run::step(trial.store.as_ref().unwrap(), &trial.script, step);
            if let Err(error) = &result {
                may_stand |= error.written() == Written::Unknown;
                if !may_stand {
                    trial.assert_absent(&own);
                }
            }
            result
        });
        self.known.done.insert(step, positions);
    }

    /// What an error says was not written is not there.
    fn assert_absent(&self, ids: &BTreeSet<EventId>) {
        // While the fault lasts, nobody may be able to read.
        if let Ok(batches) = block_on(self.store.as_ref().unwrap().read_all(EventFilter::all())) {
            let stray = batches.iter().flat_map(|batch| batch.iter()).find(|event| ids.contains(&event.id()));
            assert!(stray.is_none(), "{}: an append that wrote nothing is there", self.name);
        }
    }

    /// Asks everything of the store, and of a handle that knows nothing yet.
    fn ask(&mut self) {
        let places = self.known.done.values().flatten().collect::<BTreeSet<_>>().len();
        let read = self.attempt("read", |trial| block_on(trial.store()?.read_all(EventFilter::all())));
        assert_eq!(read.iter().map(|batch| batch.len()).sum::<usize>(), places, "{}", self.name);
        let report = self.attempt("check", |trial| trial.store()?.check());
        assert_eq!(report.events, places as u64, "{}", self.name);
        let read = self.attempt("read with a new handle", |trial| {
            let reader = SqliteStore::open_read_only(trial.scratch.file(), config())?;
            block_on(reader.read_all(EventFilter::all()))
        });
        assert_eq!(read.iter().map(|batch| batch.len()).sum::<usize>(), places, "{}", self.name);
    }

    /// Closes the store; what fails then is told, and takes nothing back.
    fn close(&mut self) {
        if let Some(store) = self.store.take()
            && let Err(error) = store.close()
        {
            self.judge("close", error);
        }
    }

    fn verify(&self, file: &std::path::Path, answers: &mut Answers) {
        let store =
            SqliteStore::open(file, SqliteConfig::default().with_durability(Durability::Off)).unwrap();
        let verdict = verify(&store, &self.script, &self.known, answers);
        if let Err(error) = verdict {
            let place = self.faults.lock().unwrap().place.clone();
            panic!("{}: {}: {error}; first hit {place:?}", self.name, file.display());
        }
    }
}

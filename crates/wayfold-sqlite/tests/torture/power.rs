//! The power goes away at any moment.
//!
//! At `Full`, every acknowledged append is there again. At `Normal`, the log is not synced at each commit but
//! when it is brought into the file: a cut takes back the commits since, whole ones and the newest first, and the
//! file stays sound. At `Off` nothing is synced, and a cut may leave anything.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use pollster::block_on;
use rusqlite::Connection;
use wayfold_core::Position;
use wayfold_sqlite::{Durability, SqliteConfig, SqliteStore};
use wayfold_store::EventStore;
use wayfold_testkit::process::times;
use wayfold_testkit::{Random, Scratch};

use super::disk::{self, Entry, Loss, Platter, Recorder};
use super::run::{self, Notes};
use super::script::{Script, Sizes};
use super::verify::{Answers, Known, Verdict, verify};
use super::vfs;

/// Steps between an opening and a closing of the store.
const SESSION: usize = 130;
const SESSIONS: usize = 3;
/// The first entries of a record, amid which the file is made; a sixth of the cuts falls there.
const MAKING: usize = 60;
/// After so many steps, somebody else brings the log into the file while the store appends.
const SWEEP_EVERY: usize = 12;

/// Records every write of a run, and when each step begins and is done.
struct Recording {
    recorder: Arc<Mutex<Recorder>>,
    positions: Mutex<BTreeMap<usize, Vec<Position>>>,
    sweeper: Mutex<Option<Connection>>,
}

impl Notes for Recording {
    fn begun(&self, step: usize) {
        self.recorder.lock().unwrap().mark(Entry::Begun(step));
    }

    fn done(&self, step: usize, positions: Vec<Position>) {
        self.positions.lock().unwrap().insert(step, positions);
        self.recorder.lock().unwrap().mark(Entry::Done(step));
        if step.is_multiple_of(SWEEP_EVERY)
            && let Some(connection) = &*self.sweeper.lock().unwrap()
        {
            let swept =
                connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |row| row.get::<_, i64>(0));
            swept.unwrap();
        }
    }
}

/// A run that went to its end, to be cut off at any of its writes.
struct Record {
    script: Script,
    entries: Vec<Entry>,
    positions: BTreeMap<usize, Vec<Position>>,
}

impl Record {
    fn new(seed: u64, durability: Durability) -> Self {
        let script = Script::new(seed, SESSION * SESSIONS, Sizes::default());
        let scratch = Scratch::new(env!("CARGO_TARGET_TMPDIR"), "power");
        let recorder = Arc::new(Mutex::new(Recorder::default()));
        let notes =
            Recording { recorder: recorder.clone(), positions: Mutex::default(), sweeper: Mutex::default() };
        let watching = vfs::watch(scratch.folder(), recorder.clone());
        for session in 0..SESSIONS {
            let store = SqliteStore::open(scratch.file(), config(durability)).unwrap();
            let sweeper = Connection::open(scratch.file()).unwrap();
            sweeper.pragma_update(None, "synchronous", format!("{durability:?}")).unwrap();
            *notes.sweeper.lock().unwrap() = Some(sweeper);
            let from = if session == 0 { run::START } else { run::after(SESSION * session) };
            run::lanes(&store, &script, from, SESSION * (session + 1), &notes).unwrap();
            *notes.sweeper.lock().unwrap() = None;
            assert!(store.check().unwrap().sealed_blocks > 0, "the run seals while it appends");
            store.close().unwrap();
        }
        drop(watching);
        let entries = recorder.lock().unwrap().take();
        Self { script, entries, positions: notes.positions.into_inner().unwrap() }
    }
}

fn config(durability: Durability) -> SqliteConfig {
    run::sealing().with_durability(durability)
}

/// What the cuts of runs met, and what was wrong.
#[derive(Debug, Default)]
struct Tally {
    cuts: usize,
    events: usize,
    /// Cuts while the log was being brought into the file.
    amid_a_sweep: usize,
    /// Cuts while commits were in the log and not synced.
    amid_a_commit: usize,
    scattered: usize,
    /// Cuts that took acknowledged steps back where that was allowed.
    took_back: usize,
    failures: Vec<String>,
}

/// What a power cut may do to acknowledged steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Promise {
    /// Nothing.
    Keeps,
    /// Take the newest back.
    KeepsTheOldest,
}

/// Cuts a run off at moments drawn by its seed, all over it.
fn cut(record: &Record, cuts: usize, promise: Promise, tally: &mut Tally) {
    let mut random = Random::new(record.script.seed ^ 0xc07);
    let end = record.entries.len() + 1;
    let mut moments: Vec<usize> =
        (0..cuts).map(|cut| random.index(if cut < cuts / 6 { end.min(MAKING) } else { end })).collect();
    moments.sort_unstable();
    let (mut platter, mut known) = (Platter::default(), Known::default());
    let mut answers = Answers::default();
    let scratch = Scratch::new(env!("CARGO_TARGET_TMPDIR"), "image");
    let mut passed = 0;
    for moment in moments {
        for entry in &record.entries[passed..moment] {
            platter.apply(entry);
            match entry {
                Entry::Begun(step) => drop(known.begun.insert(*step)),
                Entry::Done(step) => drop(known.done.insert(*step, record.positions[step].clone())),
                _ => {}
            }
        }
        passed = moment;
        let loss = Loss::of(&mut random);
        tally.cuts += 1;
        tally.amid_a_sweep += usize::from(platter.pending(".wayfold") > 0);
        tally.amid_a_commit += usize::from(platter.pending("-wal") > 0);
        tally.scattered += usize::from(loss == Loss::Scattered);
        scratch.clear();
        disk::write(&platter.image(loss, &mut random), scratch.folder());
        match reopen(&scratch, &record.script, &known, promise, &mut answers) {
            Ok((events, took_back)) => {
                tally.events += events;
                tally.took_back += usize::from(took_back);
            }
            Err(error) => {
                let seed = record.script.seed;
                tally.failures.push(format!("seed {seed}, cut at {moment} ({loss:?}): {error}"));
            }
        }
    }
}

/// Opens an image and verifies it; gives the number of events, and whether acknowledged steps are gone.
fn reopen(
    scratch: &Scratch,
    script: &Script,
    known: &Known,
    promise: Promise,
    answers: &mut Answers,
) -> Verdict<(usize, bool)> {
    let opened = SqliteStore::open(scratch.file(), config(Durability::Off));
    let store = opened.map_err(|error| format!("open: {error}"))?;
    let mut known = known.clone();
    let placed = |known: &Known| known.done.values().filter(|places| !places.is_empty()).count();
    let before = placed(&known);
    if promise == Promise::KeepsTheOldest {
        let head = block_on(store.head()).map_err(|error| format!("head: {error}"))?;
        // Checkpoints and refused steps have no position of their own, so they may be gone as well.
        known.done.retain(|_, places| !places.is_empty() && places.iter().all(|place| *place <= head));
    }
    let events = verify(&store, script, &known, answers)?;
    store.close().map_err(|error| format!("close: {error}"))?;
    Ok((events, placed(&known) < before))
}

fn cut_runs(seeds: std::ops::Range<u64>, durability: Durability, cuts: usize, promise: Promise) -> Tally {
    let mut tally = Tally::default();
    for seed in seeds {
        cut(&Record::new(seed, durability), cuts, promise, &mut tally);
    }
    let Tally { cuts, events, took_back, failures, .. } = &tally;
    println!(
        "{durability:?}: {cuts} cuts, {events} events, {took_back} took back, {} failed",
        failures.len()
    );
    tally
}

#[test]
fn acknowledged_events_survive_a_power_cut() {
    let tally = cut_runs(0..3 * times() as u64, Durability::Full, 100, Promise::Keeps);
    assert_eq!(tally.failures, Vec::<String>::new());
    assert!(tally.amid_a_sweep >= 10 && tally.amid_a_commit >= 60 && tally.scattered >= 60, "{tally:?}");
}

#[test]
fn a_power_cut_at_normal_takes_back_whole_commits_from_the_newest_on() {
    let tally = cut_runs(10..11, Durability::Normal, 60, Promise::KeepsTheOldest);
    assert_eq!(tally.failures, Vec::<String>::new());
    assert!(tally.took_back > 0, "{tally:?}");
}

#[test]
fn a_power_cut_without_syncs_is_seen_to_lose_events() {
    let tally = cut_runs(20..21, Durability::Off, 60, Promise::Keeps);
    assert!(tally.failures.iter().any(|failure| failure.contains("acknowledged")), "{tally:?}");
}

#[test]
fn a_power_cut_at_normal_is_seen_to_lose_acknowledged_events() {
    let tally = cut_runs(30..31, Durability::Normal, 60, Promise::Keeps);
    assert!(tally.failures.iter().any(|failure| failure.contains("acknowledged")), "{tally:?}");
}

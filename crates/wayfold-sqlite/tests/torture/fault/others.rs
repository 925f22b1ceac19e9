//! Another process has the file open, and is killed with its lock held.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use pollster::block_on;
use rusqlite::{Connection, TransactionBehavior, ffi};
use wayfold_sqlite::{SqliteConfig, SqliteStore};
use wayfold_store::{Error, ErrorKind, EventStore, Written};
use wayfold_testkit::Scratch;
use wayfold_testkit::process::{self, PATIENCE, lines_of, say};

use crate::torture::run;
use crate::torture::script::{Script, Sizes};
use crate::torture::verify::{Answers, Known, verify};
use crate::torture::vfs::{self, Answer, Op, Watch};

/// Waits a little for a lock: what holds it here never gives it up.
fn config() -> SqliteConfig {
    run::sealing().with_busy_timeout_ms(20)
}

/// Another process holds the lock: nothing is written, and reading goes on.
fn assert_refused(store: &SqliteStore, script: &Script, step: usize) {
    let head = block_on(store.head()).unwrap();
    let error: Error = block_on(store.append(script.batch(step), None)).unwrap_err();
    assert_eq!((error.kind(), error.written()), (ErrorKind::Unavailable, Written::Nothing), "{error}");
    assert_eq!(block_on(store.head()).unwrap(), head);
    assert!(store.check().is_ok());
}

#[test]
fn a_process_killed_with_the_write_lock_leaves_the_file_to_the_others() {
    const NAME: &str =
        "torture::fault::others::a_process_killed_with_the_write_lock_leaves_the_file_to_the_others";
    if let Some(file) = process::task() {
        let mut connection = Connection::open(file).unwrap();
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).unwrap();
        transaction.execute_batch("DELETE FROM fresh").unwrap();
        say("held");
        return process::stall();
    }
    let (scratch, script) =
        (Scratch::new(env!("CARGO_TARGET_TMPDIR"), "held"), Script::new(3, 30, Sizes::default()));
    let store = SqliteStore::open(scratch.file(), config()).unwrap();
    let mut known = Known::default();
    let plain = |step: &usize| !script.is_impossible(*step) && !script.events(*step).is_empty();
    for step in (0..30).filter(plain) {
        let mut other = process::spawn(NAME, scratch.file().to_str().unwrap());
        assert_eq!(lines_of(&mut other).recv_timeout(PATIENCE).unwrap(), "held");
        assert_refused(&store, &script, step);
        other.kill().unwrap();
        other.wait().unwrap();
        known.begun.insert(step);
        known.done.insert(step, run::step(&store, &script, step).unwrap());
    }
    verify(&store, &script, &known, &mut Answers::default()).unwrap();
}

/// Stops the process in the middle of a write to the log.
struct StallAt {
    writes_left: usize,
}

impl Watch for StallAt {
    fn before(&mut self, file: &Path, op: &Op<'_>) -> Answer {
        let is_log = file.to_string_lossy().ends_with("-wal");
        if let (Op::Write { .. }, true) = (op, is_log) {
            self.writes_left -= 1;
            if self.writes_left == 0 {
                say("held");
                process::stall();
            }
        }
        Answer::Do
    }

    fn after(&mut self, _: &Path, _: &Op<'_>) {}
}

/// Appends through the store and stops at a write: `write|step|file`.
fn append_and_stall(task: &str, script: &Script) {
    let parts: Vec<&str> = task.splitn(3, '|').collect();
    let (writes_left, step) = (parts[0].parse().unwrap(), parts[1].parse().unwrap());
    let file = Path::new(parts[2]);
    let store = SqliteStore::open(file, config()).unwrap();
    let stall = Arc::new(Mutex::new(StallAt { writes_left }));
    let _watching = vfs::watch(file.parent().unwrap(), stall.clone());
    // The files of the store's own connection were opened before anybody watched them.
    drop(store);
    let store = SqliteStore::open(file, config()).unwrap();
    let appended = run::step(&store, script, step);
    // The thread that seals may be the one that has stopped, before the append or after it. It keeps the watch
    // locked, and this thread waits here for the kill: the end of the process would give up the lock of the file.
    let _nobody_stalls = stall.lock().unwrap();
    appended.unwrap();
    say("done");
    std::process::exit(0);
}

#[test]
fn a_process_killed_amid_an_append_leaves_the_file_to_the_others() {
    const NAME: &str =
        "torture::fault::others::a_process_killed_amid_an_append_leaves_the_file_to_the_others";
    let script = Script::new(4, 200, Sizes { batch: 8, large: 150 });
    if let Some(task) = process::task() {
        return append_and_stall(&task, &script);
    }
    let scratch = Scratch::new(env!("CARGO_TARGET_TMPDIR"), "amid");
    let store = SqliteStore::open(scratch.file(), config()).unwrap();
    let (mut known, mut answers) = (Known::default(), Answers::default());
    known.begun.insert(0);
    known.done.insert(0, run::step(&store, &script, 0).unwrap());
    let plain = |step: &usize| !script.is_impossible(*step) && !script.events(*step).is_empty();
    let steps: Vec<usize> = (1..200).filter(plain).collect();
    let large = *steps.iter().find(|step| script.events(**step).len() == 150).unwrap();
    let mut own = steps.iter().filter(|step| **step != large);
    let mut kills = 0;
    for write in 1.. {
        let mut other = process::spawn(NAME, &format!("{write}|{large}|{}", scratch.file().display()));
        known.begun.insert(large);
        let told = lines_of(&mut other).recv_timeout(PATIENCE).unwrap();
        let step = *own.next().unwrap();
        if told == "held" {
            assert_refused(&store, &script, step);
            kills += 1;
        }
        other.kill().unwrap();
        other.wait().unwrap();
        known.begun.insert(step);
        known.done.insert(step, run::step(&store, &script, step).unwrap());
        verify(&store, &script, &known, &mut answers).unwrap();
        if told == "done" {
            break;
        }
    }
    println!("{kills} processes killed amid an append");
    assert!(kills >= 10, "{kills}");
}

#[test]
fn a_process_killed_while_sealing_does_not_hold_appends_up() {
    let (scratch, script) =
        (Scratch::new(env!("CARGO_TARGET_TMPDIR"), "lease"), Script::new(9, 90, Sizes::default()));
    let mut config = config();
    config.seal_events = 1;
    drop(SqliteStore::open(scratch.file(), config.clone()).unwrap());
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as i64;
    let other = Connection::open(scratch.file()).unwrap();
    // What a process leaves that was killed just now; it is taken for alive for ten seconds.
    other.execute("INSERT INTO block (state, touched_at) VALUES (0, ?1)", [now + 5_000]).unwrap();
    let store = SqliteStore::open(scratch.file(), config).unwrap();
    let (mut known, start) = (Known::default(), Instant::now());
    for step in 0..90 {
        known.begun.insert(step);
        known.done.insert(step, run::step(&store, &script, step).unwrap());
    }
    assert!(start.elapsed() < Duration::from_secs(10), "appends waited {:?}", start.elapsed());
    assert_eq!(store.check().unwrap().sealed_blocks, 0);
    // Once the time has passed, sealing goes on.
    other.execute("UPDATE block SET touched_at = 0", []).unwrap();
    store.compact().unwrap();
    assert_eq!(store.check().unwrap().fresh_blocks, 0);
    verify(&store, &script, &known, &mut Answers::default()).unwrap();
}

/// Somebody else has the growing copy locked, as SQLite meets a lock of another process, from its first look on.
struct HeldCopy;

impl Watch for HeldCopy {
    fn before(&mut self, file: &Path, op: &Op<'_>) -> Answer {
        let is_copy = file.extension().is_some_and(|extension| extension == "part");
        if is_copy && *op == Op::Lock { Answer::Refuse(ffi::SQLITE_BUSY) } else { Answer::Do }
    }

    fn after(&mut self, _: &Path, _: &Op<'_>) {}
}

#[test]
fn a_copy_that_another_process_holds_is_an_error_and_no_endless_wait() {
    let scratch = Scratch::new(env!("CARGO_TARGET_TMPDIR"), "held-copy");
    let store = SqliteStore::open(scratch.file(), config()).unwrap();
    let copy = scratch.folder().join("copy.wayfold");
    let watching = vfs::watch(scratch.folder(), Arc::new(Mutex::new(HeldCopy)));
    let error = store.backup(&copy).unwrap_err();
    assert_eq!((error.kind(), error.written()), (ErrorKind::Unavailable, Written::Nothing), "{error}");
    assert!(error.to_string().contains("busy_timeout_ms"), "{error}");
    let left = || std::fs::read_dir(scratch.folder()).unwrap().map(|entry| entry.unwrap().path());
    assert!(left().all(|path| path != copy && path.extension().is_none_or(|end| end != "part")));
    // Once the lock is given up, the same call succeeds.
    drop(watching);
    store.backup(&copy).unwrap();
    SqliteStore::open(&copy, config()).unwrap().check().unwrap();
}

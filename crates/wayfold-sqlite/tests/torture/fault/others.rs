//! Another process has the file open, and is killed with its lock held.

use std::path::Path;
use std::sync::{Arc, Mutex};

use pollster::block_on;
use rusqlite::{Connection, TransactionBehavior};
use wayfold_sqlite::{SqliteConfig, SqliteStore};
use wayfold_store::{Error, ErrorKind, EventStore, Written};

use crate::torture::child::{self, PATIENCE, lines_of, say};
use crate::torture::run;
use crate::torture::scratch::Scratch;
use crate::torture::script::{Script, Sizes};
use crate::torture::verify::{Answers, Known, verify};
use crate::torture::vfs::{self, Answer, Op, Watch};

/// Waits a little for a lock: what holds it here never gives it up.
fn config() -> SqliteConfig {
    SqliteConfig::default().with_busy_timeout_ms(20)
}

/// Another process holds the lock: nothing is written, and reading goes on.
fn assert_refused(store: &SqliteStore, script: &Script, step: usize, head: wayfold_core::Position) {
    let error: Error = block_on(store.append(script.batch(step), None)).unwrap_err();
    assert_eq!((error.kind(), error.written()), (ErrorKind::Unavailable, Written::Nothing), "{error}");
    assert_eq!(block_on(store.head()).unwrap(), head);
    assert!(store.check().is_ok());
}

#[test]
fn a_process_killed_with_the_write_lock_leaves_the_file_to_the_others() {
    const NAME: &str =
        "torture::fault::others::a_process_killed_with_the_write_lock_leaves_the_file_to_the_others";
    if let Some(file) = child::task() {
        let mut connection = Connection::open(file).unwrap();
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).unwrap();
        transaction.execute_batch("DELETE FROM fresh").unwrap();
        say("held");
        return child::stall();
    }
    let (scratch, script) = (Scratch::new("held"), Script::new(3, 30, Sizes::default()));
    let store = SqliteStore::open(scratch.file(), config()).unwrap();
    let mut known = Known::default();
    let plain = |step: &usize| !script.is_impossible(*step) && !script.events(*step).is_empty();
    for step in (0..30).filter(plain) {
        let head = block_on(store.head()).unwrap();
        let mut other = child::spawn(NAME, scratch.file().to_str().unwrap());
        assert_eq!(lines_of(&mut other).recv_timeout(PATIENCE).unwrap(), "held");
        assert_refused(&store, &script, step, head);
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
                child::stall();
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
    let _watching = vfs::watch(file.parent().unwrap(), Arc::new(Mutex::new(StallAt { writes_left })));
    // The files of the store's own connection were opened before anybody watched them.
    drop(store);
    let store = SqliteStore::open(file, config()).unwrap();
    run::step(&store, script, step).unwrap();
    say("done");
    std::process::exit(0);
}

#[test]
fn a_process_killed_amid_an_append_leaves_the_file_to_the_others() {
    const NAME: &str =
        "torture::fault::others::a_process_killed_amid_an_append_leaves_the_file_to_the_others";
    let script = Script::new(4, 200, Sizes { batch: 8, large: 150 });
    if let Some(task) = child::task() {
        return append_and_stall(&task, &script);
    }
    let scratch = Scratch::new("amid");
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
        let head = block_on(store.head()).unwrap();
        let mut other = child::spawn(NAME, &format!("{write}|{large}|{}", scratch.file().display()));
        known.begun.insert(large);
        let told = lines_of(&mut other).recv_timeout(PATIENCE).unwrap();
        let step = *own.next().unwrap();
        if told == "held" {
            assert_refused(&store, &script, step, head);
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

//! A checkpoint is a position and bytes that are put and read as one.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use wayfold_core::Position;
use wayfold_store::Checkpoint;

use super::events::plains;
use super::trial::{Caller, Trial};

fn place(number: u128) -> Position {
    Position::from_bytes(number.to_be_bytes())
}

#[track_caller]
fn assert_is(log: &Caller, name: &str, position: Position, bytes: &[u8]) {
    let found = log.checkpoint(name).unwrap_or_else(|| panic!("checkpoint {name:?} is gone"));
    assert_eq!(found.position, position, "position of {name:?}");
    assert!(
        found.bytes == bytes,
        "{name:?} has {} bytes, not the {} that were put",
        found.bytes.len(),
        bytes.len()
    );
}

pub(crate) fn is_none_until_it_is_put(trial: &Trial) {
    let log = trial.caller();
    assert_eq!(log.checkpoint("mails"), None);
    log.put_checkpoint("other", place(1), b"x");
    assert_eq!(log.checkpoint("mails"), None);
}

pub(crate) fn is_replaced_whole(trial: &Trial) {
    let log = trial.caller();
    let puts: [(u128, &[u8]); 5] = [(5, b"five"), (9, b"nine and more"), (2, b""), (2, b"two"), (0, b"\0")];
    for (number, bytes) in puts {
        log.put_checkpoint("mails", place(number), bytes);
        assert_is(&log, "mails", place(number), bytes);
    }
}

pub(crate) fn keeps_any_position_and_any_bytes(trial: &Trial) {
    let log = trial.caller();
    let every_byte: Vec<u8> = (0..=u8::MAX).collect();
    let big: Vec<u8> = every_byte.iter().copied().cycle().take(3 << 20).collect();
    let puts = [
        ("start", Position::START, every_byte.as_slice()),
        ("end", Position::END, b"".as_slice()),
        ("odd", place(u128::MAX / 3), [0xff, 0, 0xfe].as_slice()),
        ("big", place(1 << 64), big.as_slice()),
    ];
    for (name, position, bytes) in puts {
        log.put_checkpoint(name, position, bytes);
    }
    for (name, position, bytes) in puts {
        assert_is(&log, name, position, bytes);
    }
}

pub(crate) fn names_are_kept_apart(trial: &Trial) {
    let log = trial.caller();
    let long = "n".repeat(511);
    let (first, second) = (format!("{long}a"), format!("{long}b"));
    let names = [
        "a",
        "A",
        "a ",
        " a",
        "a\0",
        "a\0b",
        "'",
        "a'; --",
        "%",
        "_",
        "a/b",
        "../a",
        "a.b",
        "é",
        "e\u{301}",
        "客户",
        "\u{202e}a",
        "👩‍👧",
        first.as_str(),
        second.as_str(),
    ];
    for (number, name) in names.iter().enumerate() {
        log.put_checkpoint(name, place(number as u128), name.as_bytes());
    }
    for (number, name) in names.iter().enumerate() {
        assert_is(&log, name, place(number as u128), name.as_bytes());
    }
    assert_eq!(log.checkpoint("b"), None);
}

pub(crate) fn stands_beside_the_log(trial: &Trial) {
    let log = trial.caller();
    log.put_checkpoint("mails", place(7), b"before any event");
    let given = log.put(&plains(1, 5, "a"));
    log.upkeep();
    assert_is(&log, "mails", place(7), b"before any event");
    log.put_checkpoint("mails", given[2], b"three");
    log.put(&plains(10, 5, "a"));
    assert_is(&log, "mails", given[2], b"three");
    assert_eq!(log.all().len(), 10, "a checkpoint is no event");
}

/// Position and bytes never come from different puts.
pub(crate) fn is_never_torn(trial: &Trial) {
    let log = trial.caller();
    log.put_checkpoint("mails", place(0), &[0; 16]);
    let writing = AtomicUsize::new(2);
    thread::scope(|scope| {
        for writer in 0..2_u128 {
            let (log, writing) = (&log, &writing);
            scope.spawn(move || {
                let _done = CountOnDrop(writing);
                for round in 1..120_u128 {
                    let number = round * 2 + writer;
                    log.put_checkpoint("mails", place(number), &number.to_be_bytes());
                }
            });
        }
        let mut reads = 0;
        while reads < 240 || writing.load(Ordering::SeqCst) > 0 {
            reads += 1;
            let Checkpoint { position, bytes } = log.checkpoint("mails").expect("it was put");
            assert_eq!(position.to_bytes().as_slice(), bytes, "position and bytes of different puts");
        }
    });
}

/// Counts a writer off, also where it ends by a panic.
struct CountOnDrop<'a>(&'a AtomicUsize);

impl Drop for CountOnDrop<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

pub(crate) fn is_there_after_reopening(trial: &Trial) {
    let names = ["mails", "a'\0b", "客户"];
    for (number, name) in names.iter().enumerate() {
        trial.caller().put_checkpoint(name, place(1), b"first");
        trial.caller().put_checkpoint(name, place(number as u128), name.as_bytes());
    }
    for _ in 0..2 {
        trial.reopen();
        for (number, name) in names.iter().enumerate() {
            assert_is(&trial.caller(), name, place(number as u128), name.as_bytes());
        }
        assert_eq!(trial.caller().checkpoint("other"), None);
    }
}

pub(crate) fn is_there_for_every_handle(trial: &Trial) {
    let (first, second) = (trial.caller(), trial.second());
    for round in 0..5 {
        first.put_checkpoint("mails", place(round), b"first");
        assert_is(&second, "mails", place(round), b"first");
        second.put_checkpoint("mails", place(round + 100), b"second");
        assert_is(&first, "mails", place(round + 100), b"second");
    }
}

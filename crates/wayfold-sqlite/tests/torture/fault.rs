//! The file system fails: each operation of a run in turn, once or until somebody has mended it.

mod faults;
mod full;
mod others;
mod trial;

use std::collections::BTreeMap;

use self::faults::{Fault, Length};
use self::trial::{Outcome, Trial};

/// What the trials of one kind of fault came to.
#[derive(Debug, Default)]
struct Tally {
    faults: usize,
    /// Faults that no call spoke of, and that lost nothing.
    unnoticed: usize,
    nothing_written: usize,
    unknown: usize,
    reopened: usize,
}

/// Fails the first operation that a fault names, then the second, until a run has fewer.
fn each_in_turn(faults: &[Fault], length: Length) {
    let mut tallies: BTreeMap<&str, Tally> = BTreeMap::new();
    for fault in faults {
        for number in 1.. {
            let Some(Outcome { spoken, unknown, reopened }) = Trial::run(*fault, length, number) else {
                break;
            };
            let tally = tallies.entry(fault.name).or_default();
            tally.faults += 1;
            tally.unnoticed += usize::from(spoken == 0);
            tally.nothing_written += spoken - unknown;
            tally.unknown += unknown;
            tally.reopened += usize::from(reopened);
        }
    }
    for (name, tally) in &tallies {
        println!("{length:?} {name}: {tally:?}");
    }
    assert_eq!(tallies.len(), faults.len(), "every kind of fault was met");
}

#[test]
fn a_write_that_fails_once_loses_nothing_and_doubles_nothing() {
    each_in_turn(&faults::WRITING, Length::Once);
}

#[test]
fn a_write_that_fails_until_the_disk_is_mended_loses_nothing_and_doubles_nothing() {
    each_in_turn(&faults::WRITING, Length::UntilMended);
}

#[test]
fn a_read_that_fails_once_loses_nothing_and_is_told() {
    each_in_turn(&faults::READING, Length::Once);
}

#[test]
fn a_read_that_fails_until_the_disk_is_mended_loses_nothing_and_is_told() {
    each_in_turn(&faults::READING, Length::UntilMended);
}

#[test]
fn a_lock_that_fails_once_loses_nothing_and_doubles_nothing() {
    each_in_turn(&faults::LOCKING, Length::Once);
}

#[test]
fn a_lock_that_fails_often_loses_nothing_and_doubles_nothing() {
    each_in_turn(&faults::LOCKING, Length::Often);
}

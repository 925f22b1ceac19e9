//! A file that is exchanged or written over while a handle has it open.

use std::path::PathBuf;

use pollster::block_on;
use wayfold_core::Position;
use wayfold_sqlite::{SqliteConfig, SqliteStore};
use wayfold_store::{ErrorKind, EventFilter, EventStore, ReadQuery, Written};

use super::support::{Folder, append, head, ids, place, registered};

/// Keeps no connection between two calls, so that every call opens what stands under the name.
fn forgetful() -> SqliteConfig {
    let mut config = SqliteConfig::default();
    config.idle_readers_max = 0;
    config
}

/// A backup of one event, and a log that went on to two and was sealed.
fn backed_up(folder: &Folder) -> PathBuf {
    let store = folder.open();
    let _ = append(&store, &[registered(1, "a")]).unwrap();
    let copy = folder.path().join("copy");
    store.backup(&copy).unwrap();
    let _ = append(&store, &[registered(2, "a")]).unwrap();
    store.compact().unwrap();
    store.close().unwrap();
    copy
}

/// Everything that reads says that another log stands there.
#[track_caller]
fn check_refused(store: &SqliteStore, kind: ErrorKind, words: &str) {
    let errors = [
        block_on(store.read(ReadQuery::all(), Position::START, 9)).map(drop).unwrap_err(),
        block_on(store.head()).map(drop).unwrap_err(),
        block_on(store.wait_past(place(9))).map(drop).unwrap_err(),
    ];
    for error in errors {
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.to_string().contains(words), "{error}");
    }
}

/// An operator put a backup in the place of a log that a service was reading. The service knew of a later set of
/// sealed blocks than the backup had, took its own transaction for an old one, and tried again for ever.
#[test]
fn a_backup_in_the_place_of_the_log_is_named_and_not_read_for_ever() {
    for config in [forgetful(), SqliteConfig::default()] {
        let folder = Folder::new();
        let copy = backed_up(&folder);
        let reader = SqliteStore::open_read_only(folder.file(), config).unwrap();
        assert_eq!(ids(&reader, EventFilter::all()), [1, 2]);
        std::fs::rename(&copy, folder.file()).unwrap();
        check_refused(&reader, ErrorKind::Corrupt, "another file stands under that name");
        assert_eq!(ids(&folder.open(), EventFilter::all()), [1], "whoever opens it now reads it");
    }
}

/// Both logs had been sealed as often, so that nothing was noticed: the first events came from memory, the rest from
/// the other log.
#[test]
fn two_logs_are_never_read_as_one() {
    let folder = Folder::new();
    let other = folder.path().join("other");
    let store = SqliteStore::open(&other, SqliteConfig::default()).unwrap();
    for id in [100, 101, 102] {
        let _ = append(&store, &[registered(id, "x")]).unwrap();
    }
    store.close().unwrap();
    let _ = append(&folder.open(), &[registered(1, "a"), registered(2, "a")]).unwrap();
    let reader = SqliteStore::open_read_only(folder.file(), forgetful()).unwrap();
    assert_eq!(ids(&reader, EventFilter::all()), [1, 2]);
    std::fs::rename(&other, folder.file()).unwrap();
    check_refused(&reader, ErrorKind::Corrupt, "another file stands under that name");
}

/// The same file with older content, as copying a backup over it leaves it.
#[test]
fn a_log_that_went_back_is_named() {
    let folder = Folder::new();
    let copy = backed_up(&folder);
    let reader = SqliteStore::open_read_only(folder.file(), forgetful()).unwrap();
    assert_eq!(ids(&reader, EventFilter::all()), [1, 2]);
    std::fs::copy(&copy, folder.file()).unwrap();
    check_refused(&reader, ErrorKind::Corrupt, "went back");
}

/// An append was acknowledged that went into a file without a name, and was gone when the handle closed.
#[test]
fn an_append_to_a_log_that_is_no_longer_there_is_not_acknowledged() {
    let folder = Folder::new();
    let copy = backed_up(&folder);
    let store = folder.open();
    let _ = append(&store, &[registered(3, "a")]).unwrap();
    std::fs::rename(&copy, folder.file()).unwrap();
    let error = append(&store, &[registered(4, "a")]).unwrap_err();
    assert_eq!((error.kind(), error.written()), (ErrorKind::Corrupt, Written::Nothing), "{error}");
    assert!(error.to_string().contains("close every handle"), "{error}");
    assert_eq!(store.compact().unwrap_err().kind(), ErrorKind::Corrupt);
    assert_eq!(store.close().unwrap_err().kind(), ErrorKind::Corrupt);
}

#[test]
fn a_log_that_was_moved_away_is_missed_and_found_again() {
    let folder = Folder::new();
    let store = folder.open();
    let _ = append(&store, &[registered(1, "a")]).unwrap();
    let aside = folder.path().join("aside");
    std::fs::rename(folder.file(), &aside).unwrap();
    check_refused(&store, ErrorKind::Unavailable, "is not under its name");
    assert_eq!(append(&store, &[registered(2, "a")]).unwrap_err().kind(), ErrorKind::Unavailable);
    std::fs::rename(&aside, folder.file()).unwrap();
    let _ = append(&store, &[registered(2, "a")]).unwrap();
    assert_eq!((head(&store), ids(&store, EventFilter::all())), (place(2), vec![1, 2]));
}

//! Damage is named by its position, and never passed over.

use pollster::block_on;
use wayfold_core::Position;
use wayfold_sqlite::{SqliteConfig, SqliteStore};
use wayfold_store::{Checkpoint, CheckpointName, ErrorKind, EventStore, ReadQuery};

use super::support::{Folder, append, place, registered};

/// Three blocks of two events, a checkpoint, and what was done to them.
#[track_caller]
fn check(damage: &str, words: &[&str]) {
    let folder = Folder::new();
    let store = folder.open();
    for first in [1, 3, 5] {
        let _ = append(&store, &[registered(first, "a"), registered(first + 1, "b")]).unwrap();
    }
    drop(store);
    folder.tamper(damage);
    let store = SqliteStore::open(folder.file(), SqliteConfig::default()).unwrap();
    let errors = [
        block_on(store.read(ReadQuery::all(), Position::START, 99)).unwrap_err(),
        append(&store, &[registered(9, "a")]).unwrap_err(),
        store.check().unwrap_err(),
    ];
    for error in errors {
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{damage}: {error}");
        assert!(words.iter().all(|word| error.to_string().contains(word)), "{damage}: {error}");
    }
}

#[test]
fn a_block_that_is_missing_is_named_by_its_positions() {
    let (third, fourth) = (place(3).to_string(), place(4).to_string());
    check("DELETE FROM fresh WHERE first = 3", &[&third, &fourth, "is missing"]);
    check("DELETE FROM fresh WHERE first = 5", &[&place(5).to_string(), &place(6).to_string(), "is missing"]);
    check("DELETE FROM fresh", &[&place(1).to_string(), &place(6).to_string(), "is missing"]);
}

#[test]
fn a_block_that_is_damaged_or_stands_elsewhere_is_named() {
    let third = place(3).to_string();
    check("UPDATE fresh SET bytes = substr(bytes, 1, length(bytes) - 1) WHERE first = 3", &[&third]);
    check("UPDATE fresh SET bytes = zeroblob(length(bytes)) WHERE first = 3", &[&third]);
    check("UPDATE fresh SET bytes = (SELECT bytes FROM fresh WHERE first = 1) WHERE first = 3", &[&third]);
    check("UPDATE fresh SET bytes = 'text' WHERE first = 3", &["as this library writes"]);
    check("UPDATE fresh SET first = 4 WHERE first = 3", &[&third, "is missing"]);
    check(
        "INSERT INTO fresh SELECT 4, bytes FROM fresh WHERE first = 3",
        &[&place(4).to_string(), "overlaps"],
    );
    check("UPDATE fresh SET first = 7 WHERE first = 5", &[&place(5).to_string(), "is missing"]);
}

#[test]
fn blocks_beyond_the_head_are_no_part_of_the_log() {
    // The block stands in the place of the next; its frame says that it is another.
    check("INSERT INTO fresh SELECT 7, bytes FROM fresh WHERE first = 5", &[&place(7).to_string()]);
}

#[test]
fn a_log_that_does_not_know_its_head_is_refused_at_once() {
    for (damage, words) in [
        ("DELETE FROM meta", "is missing"),
        ("UPDATE meta SET bytes = zeroblob(30)", "Record"),
        ("UPDATE meta SET bytes = substr(bytes, 2)", "Record"),
        ("DROP TABLE meta", "does not have the tables"),
    ] {
        let folder = Folder::new();
        let _ = append(&folder.open(), &[registered(1, "a")]).unwrap();
        folder.tamper(damage);
        let error = SqliteStore::open(folder.file(), SqliteConfig::default()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
        assert!(error.to_string().contains(words), "{error}");
    }
}

#[test]
fn a_checkpoint_that_is_damaged_or_of_another_name_is_refused() {
    let folder = Folder::new();
    let store = folder.open();
    let (mails, calls) = (CheckpointName::new("mails").unwrap(), CheckpointName::new("calls").unwrap());
    for name in [&mails, &calls] {
        let checkpoint = Checkpoint { position: place(1), bytes: name.as_str().as_bytes().to_vec() };
        block_on(store.put_checkpoint(name.clone(), checkpoint)).unwrap();
    }
    folder.tamper(
        "UPDATE checkpoint SET bytes = (SELECT bytes FROM checkpoint WHERE name = CAST('calls' AS BLOB)) \
         WHERE name = CAST('mails' AS BLOB)",
    );
    let error = block_on(store.checkpoint(mails)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert!(error.to_string().contains("\"mails\""), "{error}");
    assert!(block_on(store.checkpoint(calls)).unwrap().is_some());
    assert_eq!(store.check().unwrap_err().kind(), ErrorKind::Corrupt);
}

/// Whatever bytes of the file are flipped, nothing panics and nothing is left out in silence.
#[test]
fn a_flipped_byte_anywhere_is_an_error_or_changes_nothing() {
    let folder = Folder::new();
    let store = folder.open();
    for first in (1..40).step_by(2) {
        let _ = append(&store, &[registered(first, "a"), registered(first + 1, "b")]).unwrap();
    }
    let expected = super::support::all(&store, wayfold_store::EventFilter::all());
    drop(store);
    let sound = std::fs::read(folder.file()).unwrap();
    for at in (0..sound.len()).step_by(61) {
        let mut bytes = sound.clone();
        bytes[at] ^= 0x55;
        std::fs::write(folder.file(), &bytes).unwrap();
        let Ok(store) = SqliteStore::open_read_only(folder.file(), SqliteConfig::default()) else { continue };
        let Ok(batches) =
            block_on(wayfold_store::EventStoreExt::read_all(&store, wayfold_store::EventFilter::all()))
        else {
            continue;
        };
        let found: Vec<_> = batches.iter().flat_map(wayfold_core::EventBatch::to_events).collect();
        assert!(found == expected, "a flip at byte {at} went unnoticed");
    }
}

//! The file: what it keeps, what it refuses, and its copies.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use pollster::block_on;
use wayfold_core::{AttributeName, CustomerKey, Limits, Position, Span, Tag};
use wayfold_sqlite::{Durability, SqliteConfig, SqliteStore};
use wayfold_store::{
    AppendOutcome, Checkpoint, CheckpointName, ErrorKind, EventFilter, EventStore, ReadQuery,
};

use super::support::{
    Folder, all, append, append_if, at, batch, event, head, ids, other, page, place, positions, registered,
};

#[test]
fn what_was_appended_stands_after_opening_again() {
    let folder = Folder::new();
    let written = {
        let store = folder.open().with_clock(|| at("2024-01-02"));
        let _ = append(&store, &[registered(1, "a"), registered(2, "b")]).unwrap();
        let _ = append(&store, &[registered(3, "a").with_tag(Tag::order("x").unwrap())]).unwrap();
        store.close().unwrap();
        all(&SqliteStore::open(folder.file(), SqliteConfig::default()).unwrap(), EventFilter::all())
    };
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "a closed store is one file");
    let store = folder.open();
    assert_eq!(all(&store, EventFilter::all()), written);
    assert_eq!(written.iter().map(|event| event.position.unwrap()).collect::<Vec<_>>(), [1, 2, 3].map(place));
    assert!(written.iter().all(|event| event.recorded_at == Some(at("2024-01-02"))));
    assert_eq!(ids(&store, EventFilter::customer(CustomerKey::new("a").unwrap())), [1, 3]);
    assert_eq!(ids(&store, EventFilter::all().with_tag(Tag::order("x").unwrap())), [3]);
}

#[test]
fn ids_and_conditions_reach_over_opening_again() {
    let folder = Folder::new();
    let _ = append(&folder.open(), &[registered(1, "a")]).unwrap();
    let store = folder.open();
    let again = append(&store, &[registered(1, "a")]).unwrap();
    assert_eq!(again, AppendOutcome::AlreadyTaken { positions: vec![place(1)] });
    let error = append(&store, &[registered(2, "a"), other(1, "a")]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::IdReused);
    assert!(error.to_string().contains(&place(1).to_string()), "{error}");
    let of_a = EventFilter::customer(CustomerKey::new("a").unwrap());
    let conflict = append_if(&store, &[registered(2, "a")], of_a.clone(), Position::START).unwrap();
    assert_eq!(conflict, AppendOutcome::Conflict { position: place(1) });
    assert_eq!(positions(append_if(&store, &[registered(2, "a")], of_a, place(1)).unwrap()), [place(2)]);
}

#[test]
fn recorded_at_never_goes_back_also_after_opening_again() {
    let folder = Folder::new();
    let clock = Arc::new(AtomicI64::new(100));
    let day = |clock: &Arc<AtomicI64>| {
        let clock = clock.clone();
        move || at("2024-01-01") + Span::from_micros(clock.load(Ordering::SeqCst))
    };
    let _ = append(&folder.open().with_clock(day(&clock)), &[registered(1, "a")]).unwrap();
    clock.store(50, Ordering::SeqCst);
    let _ = append(&folder.open().with_clock(day(&clock)), &[registered(2, "a")]).unwrap();
    let recorded: Vec<_> = all(&folder.open(), EventFilter::all()).iter().map(|e| e.recorded_at).collect();
    assert_eq!(recorded[0], recorded[1]);
}

#[test]
fn an_empty_file_becomes_a_log_and_anything_else_is_refused_by_name() {
    let folder = Folder::new();
    std::fs::write(folder.file(), b"").unwrap();
    assert_eq!(head(&folder.open()), Position::START);

    let check = |kind: ErrorKind, words: &str| {
        for opened in [SqliteStore::open, SqliteStore::open_read_only] {
            let error = opened(folder.file(), SqliteConfig::default()).unwrap_err();
            assert_eq!(error.kind(), kind, "{error}");
            assert!(error.to_string().contains(words), "{error}");
        }
    };
    folder.tamper("PRAGMA user_version = 9");
    check(ErrorKind::Unsupported, "its format has version 9; this version of the library reads version 1");
    folder.tamper("PRAGMA user_version = 0");
    check(ErrorKind::Unsupported, "its format has version 0");
    folder.tamper("PRAGMA application_id = 77");
    check(ErrorKind::Unsupported, "a database of another application (application id 0x0000004d");
    for text in ["no database", &"no database at all".repeat(1_000)] {
        std::fs::remove_file(folder.file()).unwrap();
        std::fs::write(folder.file(), text).unwrap();
        check(ErrorKind::Corrupt, "the file is no SQLite database");
    }
    std::fs::remove_file(folder.file()).unwrap();
    folder.tamper("CREATE TABLE notes (text TEXT)");
    check(ErrorKind::Unsupported, "a database of another application");
    let missing = folder.path().join("no/such/folder/log");
    assert_eq!(
        SqliteStore::open(missing, SqliteConfig::default()).unwrap_err().kind(),
        ErrorKind::Unavailable
    );
}

#[test]
fn names_that_sqlite_gives_a_meaning_are_files() {
    let folder = Folder::new();
    for name in [":memory:", "file:x?mode=memory", "a'b;--\"%20\u{202e}"] {
        let path = folder.path().join(name);
        let _ = append(&SqliteStore::open(&path, SqliteConfig::default()).unwrap(), &[registered(1, "a")])
            .unwrap();
        assert!(path.is_file(), "{name}");
        assert_eq!(head(&SqliteStore::open(&path, SqliteConfig::default()).unwrap()), place(1));
    }
}

#[test]
fn hostile_names_of_customers_tags_and_checkpoints_come_back() {
    let folder = Folder::new();
    let names = ["'; DROP TABLE fresh; --", "\0", "\u{202e}abc", " ", "\u{10ffff}", &"x".repeat(16_384)];
    let store = folder.open();
    for (id, name) in (1..).zip(names) {
        let tag = Tag::order(&name[..name.len().min(500)]).unwrap();
        let _ = append(&store, &[registered(id, name).with_tag(tag)]).unwrap();
        if name.len() <= 512 {
            let checkpoint = Checkpoint { position: place(id as u64), bytes: name.as_bytes().to_vec() };
            block_on(store.put_checkpoint(CheckpointName::new(name).unwrap(), checkpoint)).unwrap();
        }
    }
    let store = folder.open();
    for (id, name) in (1..).zip(names) {
        assert_eq!(ids(&store, EventFilter::customer(CustomerKey::new(name).unwrap())), [id]);
        if name.len() <= 512 {
            let found = block_on(store.checkpoint(CheckpointName::new(name).unwrap())).unwrap().unwrap();
            assert_eq!((found.position, found.bytes), (place(id as u64), name.as_bytes().to_vec()));
        }
    }
    assert_eq!(store.check().unwrap().checkpoints, 5);
}

#[test]
fn pages_go_on_without_a_gap_whatever_their_size_and_direction() {
    let folder = Folder::new();
    let store = folder.open();
    let mut next = 1;
    for size in [1, 1, 3, 1_500, 1, 2, 1_024, 7] {
        let events: Vec<_> =
            (next..next + size).map(|id| registered(id, ["a", "b"][id as usize % 2])).collect();
        let _ = append(&store, &events).unwrap();
        next += size;
    }
    let forward: Vec<u128> = (1..next).collect();
    for limit in [1, 2, 7, 1_024, 1_500, 9_999] {
        for (query, expected) in [
            (ReadQuery::all(), forward.clone()),
            (ReadQuery::all().backward(), forward.iter().rev().copied().collect()),
            (
                ReadQuery::customer(CustomerKey::new("a").unwrap()).backward(),
                forward.iter().rev().copied().filter(|id| id % 2 == 0).collect(),
            ),
        ] {
            if limit < 7 && query == ReadQuery::all() {
                continue;
            }
            let start = if query == ReadQuery::all() { Position::START } else { Position::END };
            let (mut found, mut from) = (Vec::new(), Some(start));
            while let Some(position) = from {
                let (ids, next) = page(&store, query.clone(), position, limit);
                assert!(ids.len() <= limit);
                found.extend(ids);
                from = next;
            }
            assert_eq!(found, expected, "{query:?} by {limit}");
        }
    }
    assert_eq!(page(&store, ReadQuery::all(), Position::START, 0), (vec![], Some(Position::START)));
    assert_eq!(page(&store, ReadQuery::all(), Position::END, 5), (vec![], None));
    assert_eq!(page(&store, ReadQuery::all(), head(&store), 5), (vec![], None));
}

#[test]
fn a_batch_that_fits_into_no_block_is_cut_and_comes_back_whole() {
    let folder = Folder::new();
    let store = folder.open();
    let events: Vec<_> = (1..=70_000).map(|id| registered(id, "a")).collect();
    assert_eq!(positions(append(&store, &events).unwrap()).last(), Some(&place(70_000)));
    assert_eq!(folder.open().check().unwrap().fresh_blocks, 2);
    assert_eq!(ids(&store, EventFilter::all()), (1..=70_000).collect::<Vec<_>>());
}

#[test]
fn a_file_for_reading_alone_answers_and_refuses_to_write() {
    let folder = Folder::new();
    let writer = folder.open();
    let _ = append(&writer, &[registered(1, "a")]).unwrap();
    let reader = SqliteStore::open_read_only(folder.file(), SqliteConfig::default()).unwrap();
    assert_eq!(ids(&reader, EventFilter::all()), [1]);
    let _ = append(&writer, &[registered(2, "a")]).unwrap();
    assert_eq!((ids(&reader, EventFilter::all()), head(&reader)), (vec![1, 2], place(2)));
    let error = append(&reader, &[registered(3, "a")]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    let checkpoint = Checkpoint { position: place(1), bytes: vec![] };
    assert!(block_on(reader.put_checkpoint(CheckpointName::new("x").unwrap(), checkpoint)).is_err());
    reader.check().unwrap();
}

#[test]
fn limits_kinds_and_configs_are_refused_before_anything_is_written() {
    let folder = Folder::new();
    let mut limits = Limits::default();
    limits.batch_events_max = 1;
    let store = folder.open().with_limits(limits).with_clock(|| at("2024-01-01"));
    assert!(append(&store, &[registered(1, "a"), registered(2, "a")]).is_err());
    let mut far = registered(1, "a");
    far.occurred_at = at("2024-01-03").into();
    assert_eq!(append(&store, &[far]).unwrap_err().kind(), ErrorKind::InvalidEvent);
    let erased = event(1, "a", wayfold_core::CustomerErased { reason: None });
    assert_eq!(append(&store, &[erased]).unwrap_err().kind(), ErrorKind::Unsupported);
    assert_eq!(head(&store), Position::START);
    let empty = block_on(store.append(batch(&[]), None)).unwrap();
    assert_eq!(empty, AppendOutcome::Appended { positions: vec![], new: 0 });

    let mut config = SqliteConfig::default().with_durability(Durability::Normal);
    config.page_bytes = 1_000;
    let error = SqliteStore::open(folder.path().join("other"), config).unwrap_err();
    assert!(error.to_string().contains("page_bytes is 1000"), "{error}");
}

/// SQLite counts the time in a signed number; beyond it the opening panicked.
#[test]
fn a_call_may_wait_as_long_as_can_be_said() {
    let folder = Folder::new();
    let config = SqliteConfig::default().with_busy_timeout_ms(u32::MAX);
    let store = SqliteStore::open(folder.file(), config).unwrap();
    let _ = append(&store, &[registered(1, "a")]).unwrap();
    store.compact().unwrap();
    store.backup(folder.path().join("copy")).unwrap();
}

/// A block that fills a page as it is was given whatever its bytes.
#[test]
fn a_page_of_large_events_ends_by_bytes() {
    let folder = Folder::new();
    let mut config = SqliteConfig::default();
    config.read_bytes_max = 10_000;
    let store = SqliteStore::open(folder.file(), config).unwrap();
    let name = AttributeName::new("text").unwrap();
    let text = |id: u128| {
        (0..400)
            .map(|n| format!("{:016x}", (id * 400 + n) * 0x9e37_79b9_7f4a_7c15 % (1 << 64)))
            .collect::<String>()
    };
    let events: Vec<_> =
        (1..=20).map(|id| registered(id, "a").with_attribute(name.clone(), text(id))).collect();
    let _ = append(&store, &events).unwrap();
    let (found, next) = page(&store, ReadQuery::all(), Position::START, 1_000);
    assert!((1..=4).contains(&found.len()), "{found:?}");
    assert_eq!(next, Some(place(found.len() as u64)));
    assert_eq!(ids(&store, EventFilter::all()), (1..=20).collect::<Vec<_>>());
}

/// It was once said to be damage of the log.
#[cfg(unix)]
#[test]
fn a_path_that_no_file_can_have_is_no_damage() {
    for opened in [SqliteStore::open, SqliteStore::open_read_only] {
        let error = opened("no\0file", SqliteConfig::default()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
    }
}

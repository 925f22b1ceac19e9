//! Sealing and merging change nothing that a caller sees.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use pollster::block_on;
use wayfold_core::{
    Custom, CustomKind, CustomerKey, EventBatch, EventKind, JourneyEvent, NeedIdentified, Position,
    Registered, Tag,
};
use wayfold_sqlite::{SqliteConfig, SqliteStore};
use wayfold_store::{
    AppendCondition, AppendOutcome, Direction, ErrorKind, EventFilter, EventStore, MemoryStore, ReadQuery,
};

use super::support::{
    Folder, all, append, append_if, at, batch, event, head, ids, other, page, place, positions, registered,
};

/// Seals after a few events and merges a few blocks.
fn small() -> SqliteConfig {
    let mut config = SqliteConfig::default();
    config.seal_events = 20;
    config.merge_blocks = 3;
    (config.merge_events_max, config.compact_events_max) = (200, 200);
    config.read_events_max = 50;
    config
}

fn open(folder: &Folder) -> SqliteStore {
    SqliteStore::open(folder.file(), small()).unwrap()
}

/// Numbers that look random and are the same in every run (splitmix64).
struct Random(Cell<u64>);

impl Random {
    fn below(&self, end: u64) -> u64 {
        self.0.set(self.0.get().wrapping_add(0x9e37_79b9_7f4a_7c15));
        let mixed = (self.0.get() ^ (self.0.get() >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end
    }

    fn name(&self) -> &'static str {
        ["a", "b", "c", "d", "e", "f"][self.below(6) as usize]
    }

    /// Few ids, so that many are taken already, with the same content or other.
    fn event(&self) -> JourneyEvent {
        let id = u128::from(1 + self.below(600));
        let customer = ["a", "b", "c", "d", "e", "f"][id as usize % 6];
        let mut event = match id % 4 {
            0 => event(id, customer, NeedIdentified { category: None }),
            1 => event(
                id,
                customer,
                Custom { name: CustomKind::new("seen").unwrap(), stage: None, amount: None },
            ),
            _ => registered(id, customer),
        };
        if id % 3 == 0 {
            event = event.with_tag(Tag::order(format!("o{}", id % 10)).unwrap());
        }
        if id % 7 == 0 {
            event.customer = CustomerKey::in_tenant("t", customer).unwrap();
        }
        if self.below(60) == 0 { other(id, customer) } else { event }
    }

    fn filter(&self) -> EventFilter {
        let filter = match self.below(5) {
            0 => EventFilter::customer(CustomerKey::new(self.name()).unwrap()),
            1 => EventFilter::all().with_tag(Tag::order(format!("o{}", self.below(12))).unwrap()),
            2 => EventFilter::all().with_kind(EventKind::NeedIdentified),
            3 => EventFilter::all().with_kind(CustomKind::new("seen").unwrap()),
            _ => EventFilter::all(),
        };
        if self.below(4) == 0 { filter.with_kind(EventKind::Registered) } else { filter }
    }
}

fn described(outcome: wayfold_store::Result<AppendOutcome>) -> Result<AppendOutcome, (ErrorKind, String)> {
    outcome.map_err(|error| (error.kind(), error.to_string()))
}

/// Every event that a query gives, page by page.
fn read_pages(store: &dyn EventStore, query: &ReadQuery, from: Position, limit: usize) -> Vec<JourneyEvent> {
    let (mut found, mut from) = (Vec::new(), Some(from));
    while let Some(position) = from {
        let page = block_on(store.read(query.clone(), position, limit)).unwrap();
        assert!(page.batch.len() <= limit);
        found.extend(page.batch.to_events());
        from = page.next;
    }
    found
}

/// Does the same to this store and to the reference, and compares all that a caller sees.
#[test]
fn a_sealed_log_answers_as_the_reference_does() {
    for seed in 0..6 {
        let random = Random(Cell::new(seed));
        let folder = Folder::new();
        let reference = MemoryStore::new().with_clock(|| at("2024-01-02"));
        let mut store = open(&folder).with_clock(|| at("2024-01-02"));
        for round in 0..120 {
            let events: Vec<_> = (0..random.below(12)).map(|_| random.event()).collect();
            let events = match EventBatch::from_events(&events) {
                Ok(events) => events,
                Err(error) => panic!("seed {seed}: {error}"),
            };
            let after = place(random.below(round * 4 + 1));
            let condition =
                (random.below(2) == 0).then(|| AppendCondition { filter: random.filter(), after });
            let expected = described(block_on(reference.append(events.clone(), condition.clone())));
            let found = described(block_on(store.append(events, condition.clone())));
            assert_eq!(found, expected, "seed {seed} round {round} {condition:?}");
            match random.below(20) {
                0 => store.compact().unwrap(),
                1 => store = open(&folder).with_clock(|| at("2024-01-02")),
                _ => (),
            }
            let from = place(random.below(round * 4 + 1));
            let mut query = ReadQuery::from(random.filter());
            if random.below(2) == 0 {
                query = query.backward();
            }
            let limit = 1 + random.below(60) as usize;
            let [expected, found] =
                [&reference as &dyn EventStore, &store].map(|store| read_pages(store, &query, from, limit));
            assert_eq!(found, expected, "seed {seed} round {round} {query:?} from {from} by {limit}");
            if query.direction == Direction::Backward {
                let [expected, found] = [&reference as &dyn EventStore, &store]
                    .map(|store| read_pages(store, &query, Position::END, limit));
                assert_eq!(found, expected, "seed {seed} round {round} {query:?} by {limit}");
            }
        }
        store.compact().unwrap();
        let report = store.check().unwrap();
        assert_eq!((report.fresh_blocks, report.head), (0, block_on(reference.head()).unwrap()));
        assert!(report.sealed_blocks > 0);
        let query = ReadQuery::all();
        let [expected, found] = [&reference as &dyn EventStore, &store]
            .map(|store| read_pages(store, &query, Position::START, 1_000));
        assert_eq!(found, expected, "seed {seed}");
    }
}

fn filled(folder: &Folder, events: u128) -> SqliteStore {
    fill(open(folder), events)
}

/// One sealed block.
fn sealed(folder: &Folder, events: u128) {
    fill(folder.open(), events).compact().unwrap();
}

fn fill(store: SqliteStore, events: u128) -> SqliteStore {
    for id in 1..=events {
        let tag = Tag::order(format!("o{}", id % 5)).unwrap();
        let _ = append(&store, &[registered(id, ["a", "b", "c"][id as usize % 3]).with_tag(tag)]).unwrap();
    }
    store
}

#[test]
fn sealing_goes_on_by_itself_and_leaves_nothing_behind() {
    let folder = Folder::new();
    let store = filled(&folder, 500);
    while store.check().unwrap().sealed_blocks == 0 {
        std::thread::yield_now();
    }
    store.compact().unwrap();
    let report = store.check().unwrap();
    assert_eq!((report.events, report.fresh_blocks), (500, 0));
    assert_eq!(ids(&store, EventFilter::all()), (1..=500).collect::<Vec<_>>());
    drop(store);
    let connection = rusqlite::Connection::open(folder.file()).unwrap();
    let count = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
    assert_eq!(count("SELECT count(*) FROM fresh"), 0);
    assert_eq!(count("SELECT count(*) FROM block WHERE state <> 1"), 0);
    assert_eq!(count("SELECT count(*) FROM fold"), count("SELECT count(DISTINCT id >> 24) FROM fold"));
    assert_eq!(count("SELECT count(DISTINCT id >> 24) FROM fold"), report.sealed_blocks as i64);
    assert_eq!(count("PRAGMA freelist_count"), 0);
}

#[test]
fn compacting_makes_as_few_blocks_as_there_may_be() {
    let folder = Folder::new();
    let mut config = small();
    config.compact_events_max = 500;
    let store = fill(SqliteStore::open(folder.file(), config.clone()).unwrap(), 500);
    store.compact().unwrap();
    assert_eq!(store.check().unwrap().sealed_blocks, 1);
    assert!(append(&store, &[registered(501, "a")]).is_ok());
    store.compact().unwrap();
    assert_eq!(store.check().unwrap().sealed_blocks, 2, "500 is what a block may hold");
    drop(store);
    config.compact_events_max = 501;
    let store = SqliteStore::open(folder.file(), config).unwrap();
    store.compact().unwrap();
    assert_eq!(store.check().unwrap().sealed_blocks, 1);
    assert_eq!(ids(&store, EventFilter::all()), (1..=501).collect::<Vec<_>>());
}

#[test]
fn ids_and_conditions_reach_into_sealed_blocks() {
    let folder = Folder::new();
    filled(&folder, 100).compact().unwrap();
    let store = open(&folder);
    let tag = Tag::order("o7").unwrap();
    let known = registered(100, "b").with_tag(Tag::order("o0").unwrap());
    assert_eq!(positions(append(&store, std::slice::from_ref(&known)).unwrap()), [place(100)]);
    let error = append(&store, &[known.with_tag(tag)]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::IdReused);
    let of_b = EventFilter::customer(CustomerKey::new("b").unwrap());
    let conflict = append_if(&store, &[registered(900, "b")], of_b.clone(), place(97)).unwrap();
    assert_eq!(conflict, AppendOutcome::Conflict { position: place(100) });
    assert_eq!(
        positions(append_if(&store, &[registered(900, "b")], of_b, place(100)).unwrap()),
        [place(101)]
    );
}

#[test]
fn appends_reads_and_two_handles_go_on_while_blocks_are_made() {
    let folder = Folder::new();
    let (one, two) = (open(&folder), open(&folder));
    let done = Arc::new(AtomicBool::new(false));
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let mut rounds = 0;
            while !done.load(Ordering::SeqCst) {
                let events = all(&one, EventFilter::all());
                let places: Vec<_> = events.iter().map(|event| event.position.unwrap()).collect();
                assert_eq!(places, (1..=places.len() as u64).map(place).collect::<Vec<_>>());
                let (found, _) = page(&two, ReadQuery::all().backward(), Position::END, 1);
                assert_eq!(found.len(), usize::from(!places.is_empty() || !found.is_empty()));
                rounds += 1;
            }
            rounds
        });
        let compactor = scope.spawn(|| {
            while !done.load(Ordering::SeqCst) {
                // Another handle may be at it.
                let _ = two.compact();
            }
        });
        let writers: Vec<_> = (0..4_u128)
            .map(|thread| {
                let store = if thread % 2 == 0 { &one } else { &two };
                scope.spawn(move || {
                    for round in 0..200 {
                        let id = 1 + thread * 1_000 + round;
                        let _ = append(store, &[registered(id, "a"), registered(id + 500, "b")]).unwrap();
                        let _ = append(store, &[registered(id, "a")]).unwrap();
                    }
                })
            })
            .collect();
        writers.into_iter().for_each(|writer| writer.join().unwrap());
        done.store(true, Ordering::SeqCst);
        compactor.join().unwrap();
        assert!(reader.join().unwrap() > 0);
    });
    assert_eq!((head(&one), head(&two)), (place(1_600), place(1_600)));
    one.compact().unwrap();
    assert_eq!(two.check().unwrap().events, 1_600);
}

/// A process that was killed while it made a block leaves one that is no part of the log.
#[test]
fn a_block_that_was_never_finished_is_taken_out() {
    let folder = Folder::new();
    filled(&folder, 30).compact().unwrap();
    folder.tamper(
        "INSERT INTO block (number, state, touched_at) VALUES (77, 0, 1);
         INSERT INTO fold (id, bytes) VALUES (77 << 24, zeroblob(9)), ((77 << 24) + 1, zeroblob(9));
         INSERT INTO directory (id, bytes) VALUES ((77 << 24) + (2 << 22), zeroblob(9));",
    );
    let store = open(&folder);
    assert_eq!(ids(&store, EventFilter::all()).len(), 30);
    let _ = append(&store, &[registered(31, "a")]).unwrap();
    store.compact().unwrap();
    drop(store);
    let connection = rusqlite::Connection::open(folder.file()).unwrap();
    let count = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
    assert_eq!(count("SELECT count(*) FROM block WHERE number = 77"), 0);
    assert_eq!(count("SELECT count(*) FROM fold WHERE id >> 24 = 77"), 0);
    assert_eq!(count("SELECT count(*) FROM directory WHERE id >> 24 = 77"), 0);
}

#[test]
fn damage_in_a_sealed_block_is_named_and_never_passed_over() {
    for (damage, words) in [
        ("DELETE FROM rest", "Rest 0: it is missing"),
        ("UPDATE fold SET bytes = zeroblob(length(bytes))", "Fold 0"),
        ("UPDATE block SET state = 2", "is missing"),
        ("UPDATE block SET header = substr(header, 2)", "Header 0"),
        ("DELETE FROM block", "is missing"),
        ("UPDATE identity SET bytes = (SELECT bytes FROM fold)", "Identity 0"),
    ] {
        let folder = Folder::new();
        sealed(&folder, 30);
        folder.tamper(damage);
        // No thread of this handle may mend what it finds.
        let store = SqliteStore::open_read_only(folder.file(), small()).unwrap();
        let read = block_on(store.read(ReadQuery::all(), Position::START, 9)).unwrap_err();
        for error in [read, store.check().unwrap_err()] {
            assert_eq!(error.kind(), ErrorKind::Corrupt, "{damage}: {error}");
            assert!(error.to_string().contains(words), "{damage}: {error}");
            assert!(error.to_string().contains(&place(30).to_string()) || words == "Header 0", "{error}");
        }
    }
    let folder = Folder::new();
    sealed(&folder, 30);
    folder.tamper("UPDATE directory SET bytes = zeroblob(9)");
    let store = open(&folder);
    assert_eq!(append(&store, &[registered(1, "b")]).unwrap_err().kind(), ErrorKind::Corrupt);
    assert_eq!(store.check().unwrap_err().kind(), ErrorKind::Corrupt);
    assert_eq!(ids(&store, EventFilter::all()).len(), 30, "what is not damaged is still read");
}

#[test]
fn a_batch_with_one_taken_id_among_many_new_ones_writes_the_new_ones() {
    let folder = Folder::new();
    filled(&folder, 60).compact().unwrap();
    let store = open(&folder);
    let mut events: Vec<_> = (1_000..1_050).map(|id| event(id, "z", Registered {})).collect();
    events.push(registered(3, "a").with_tag(Tag::order("o3").unwrap()));
    let outcome = block_on(store.append(batch(&events), None)).unwrap();
    let AppendOutcome::Appended { positions, new } = outcome else { panic!("{outcome:?}") };
    assert_eq!((new, positions.last()), (50, Some(&place(3))));
}

/// A block with a number that no part can have was taken out; counted modulo 2^40, its parts were those of a block of
/// the log.
#[test]
fn taking_out_a_block_with_an_impossible_number_touches_no_other() {
    let folder = Folder::new();
    sealed(&folder, 30);
    folder.tamper(
        "INSERT INTO block (number, state, touched_at) SELECT (1 << 40) + number, 2, 1 FROM block;
         INSERT INTO block (number, state, touched_at) SELECT (1 << 39) + number, 2, 1 FROM block;",
    );
    let store = open(&folder);
    store.compact().unwrap();
    assert_eq!(ids(&store, EventFilter::all()), (1..=30).collect::<Vec<_>>());
    assert_eq!(store.check().unwrap().sealed_blocks, 1);
    drop(store);
    let connection = rusqlite::Connection::open(folder.file()).unwrap();
    let dead = "SELECT count(*) FROM block WHERE state <> 1";
    assert_eq!(connection.query_row(dead, [], |row| row.get::<_, i64>(0)).unwrap(), 0);
}

/// It sealed what had come meanwhile, and what came while it sealed that: under steady appends it never came to an end.
#[test]
fn compacting_comes_to_an_end_while_appends_go_on() {
    let folder = Folder::new();
    let store = SqliteStore::open(folder.file(), SqliteConfig::default()).unwrap();
    let _ = append(&store, &[registered(1, "a")]).unwrap();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for id in 2.. {
                let _ = append(&store, &[registered(id, "a")]).unwrap();
                if done.load(Ordering::SeqCst) {
                    break;
                }
            }
        });
        while head(&store) < place(20) {
            std::thread::yield_now();
        }
        store.compact().unwrap();
        done.store(true, Ordering::SeqCst);
    });
    assert!(store.check().unwrap().sealed_blocks > 0);
}

#[test]
fn compacting_a_closed_store_is_refused() {
    let folder = Folder::new();
    let store = filled(&folder, 3);
    store.close().unwrap();
    let error = store.compact().unwrap_err();
    assert!(error.to_string().contains("closed"), "{error}");
}

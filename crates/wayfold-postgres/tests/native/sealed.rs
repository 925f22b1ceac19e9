//! Sealed blocks: what they say is what the rows say, and whoever breaks one is told.
//!
//! `WAYFOLD_TORTURE` makes the loops so many times as long.

use std::collections::BTreeSet;
use std::thread;

use pollster::block_on;
use wayfold_core::{EventBatch, JourneyEvent, Position, Timestamp, VirtualShard};
use wayfold_postgres::{PostgresConfig, PostgresStore};
use wayfold_store::{Error, ErrorKind, EventFilter, EventStore};
use wayfold_testkit::process::times;
use wayfold_testkit::{Arrival, Case, Clock, Cut, Order, PostgresServer, Proxy, Random};

use super::support::{Session, all, append, config, find, open, put, registered, server};

/// A log that is sealed when it is asked for alone, in blocks of at most so many events.
fn by_hand(server: &PostgresServer, block: usize) -> PostgresConfig {
    let mut config = config(server).with_seal_events(0);
    config.compact_events_max = block;
    config
}

/// All events after a position as scans give them, in the order of the log.
fn scanned(
    store: &PostgresStore,
    from: Position,
    (limit, lanes): (usize, usize),
) -> Result<Vec<JourneyEvent>, Error> {
    let (mut after, mut events) = (from, Vec::new());
    loop {
        let scan = block_on(store.scan(after, limit, lanes))?;
        let (position, is_last, count) = (scan.position, scan.is_last, scan.events);
        let before = events.len();
        for part in scan.read()? {
            for batch in &part.batches {
                batch.check().unwrap();
            }
            events.extend(part.events().map(|event| event.to_event()));
        }
        assert_eq!((events.len() - before) as u64, count);
        after = position;
        if is_last {
            events.sort_by_key(|event| event.position);
            return Ok(events);
        }
    }
}

/// Scans of a log say what its rows say, from wherever and in however many lanes.
#[track_caller]
fn assert_same(store: &PostgresStore, random: &mut Random, what: &str) {
    let rows = find(store, EventFilter::all()).unwrap();
    let mut froms = vec![Position::START];
    for _ in 0..3.min(rows.len()) {
        froms.push(random.pick(&rows).position.unwrap());
    }
    for from in froms {
        let shape = (*random.pick(&[1, 7, 1_000, usize::MAX]), random.between(1, 5) as usize);
        let meant: Vec<_> = rows.iter().filter(|event| event.position.unwrap() > from).cloned().collect();
        assert!(scanned(store, from, shape).unwrap() == meant, "{what}: after {from}, {shape:?}");
    }
}

fn blocks(session: &Session) -> Vec<i64> {
    session.column("SELECT events FROM wayfold.block ORDER BY to_transaction, to_number")
}

/// Whatever arrives in whatever batches, and is sealed whenever, in blocks of whatever size.
#[test]
fn a_scan_of_blocks_is_one_of_rows_to_the_byte() {
    let Some(server) = server("a_scan_of_blocks_is_one_of_rows_to_the_byte") else { return };
    let (mut sealed, mut events) = (0, 0);
    for seed in 0..10 * times() as u64 {
        let case = if seed % 5 == 4 { Case::of_shop(seed) } else { Case::hostile(seed) };
        let mut random = Random::new(seed);
        let schema = format!("log_{seed}");
        let config = by_hand(&server, *random.pick(&[1, 5, 60, 1 << 18])).with_schema(&schema);
        let store = block_on(PostgresStore::open(config)).unwrap().with_clock(|| Timestamp::MAX);
        let arrival = Arrival::new(&case.events, *random.pick(&Order::ALL), Clock::Fixed, case.as_of, seed);
        for batch in arrival.deliveries.iter().flat_map(|delivery| &delivery.batches) {
            let _ = append(&store, batch).unwrap();
            if random.percent(50) {
                block_on(store.compact()).unwrap();
            }
        }
        assert_same(&store, &mut random, &format!("seed {seed}"));
        let report = block_on(store.check()).unwrap();
        assert_eq!(report.sealed_events + report.unsealed_events, all(&store).len() as u64);
        (sealed, events) =
            (sealed + report.sealed_events, events + report.sealed_events + report.unsealed_events);
    }
    println!("{sealed} of {events} events were read from blocks");
    assert!(sealed > events / 3 && sealed < events, "{sealed} of {events}");
}

fn filled(server: &PostgresServer) -> std::sync::Arc<PostgresStore> {
    let store = open(by_hand(server, 10));
    for chunk in 0..4_u128 {
        let event = |id| registered(chunk * 10 + id, &format!("c{}", id % 7));
        put(&store, &(1..=10).map(event).collect::<Vec<_>>());
    }
    block_on(store.compact()).unwrap();
    store
}

#[test]
fn blocks_that_are_missing_are_made_anew() {
    let Some(server) = server("blocks_that_are_missing_are_made_anew") else { return };
    let (store, session) = (filled(&server), Session::open(&server.connection()));
    assert_eq!(blocks(&session), [10; 4]);
    let mut random = Random::new(1);
    for missing in [
        "SELECT min(number) FROM wayfold.block",
        "SELECT number FROM wayfold.block ORDER BY to_number LIMIT 2 OFFSET 1",
        "SELECT max(number) FROM wayfold.block",
        "SELECT number FROM wayfold.block",
    ] {
        session.run(&format!("DELETE FROM wayfold.block WHERE number IN ({missing})"));
        assert_same(&store, &mut random, missing);
        block_on(store.compact()).unwrap();
        assert_eq!((blocks(&session), block_on(store.check()).unwrap().unsealed_events), (vec![10; 4], 0));
        assert_same(&store, &mut random, missing);
        let orphans =
            "SELECT count(*) FROM wayfold.block_page WHERE block NOT IN (SELECT number FROM wayfold.block)";
        assert_eq!(session.column::<i64>(orphans), [0], "{missing}");
    }
}

#[track_caller]
fn assert_corrupt<T: std::fmt::Debug>(result: Result<T, Error>, says: &str) {
    let error = result.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
    let text = error.to_string();
    assert!(text.contains("sealed block") && text.contains(says) && text.contains("made anew"), "{text}");
}

/// By a block's own checks whenever it is read, and by the rows' digest when somebody asks.
#[test]
fn a_block_that_disagrees_is_refused_by_name() {
    let Some(server) = server("a_block_that_disagrees_is_refused_by_name") else { return };
    let (store, session) = (filled(&server), Session::open(&server.connection()));
    let scan = || scanned(&store, Position::START, (usize::MAX, 2));
    let expected = scan().unwrap();
    let second = "(SELECT number FROM wayfold.block ORDER BY to_number LIMIT 1 OFFSET 1)";
    for (damage, says) in [
        (
            "UPDATE wayfold.block_page SET fold = set_byte(fold, 30, get_byte(fold, 30) # 1) WHERE block =",
            "checksum",
        ),
        ("UPDATE wayfold.block_page SET rest = fold WHERE block =", "stands in its place"),
        ("DELETE FROM wayfold.block_page WHERE block =", "page 0 is missing"),
        ("UPDATE wayfold.block SET header = set_byte(header, 40, 255) WHERE number =", "checksum"),
        ("UPDATE wayfold.block SET events = events - 1 WHERE number =", "its header says otherwise"),
        (
            "UPDATE wayfold.block SET (after_transaction, after_number) = (to_transaction, to_number - 1) WHERE number =",
            "its header says otherwise",
        ),
    ] {
        session.run(&format!("{damage} {second}"));
        assert_corrupt(scan(), says);
        assert_corrupt(block_on(store.check()), says);
        session.run(&format!("DELETE FROM wayfold.block WHERE number = {second}"));
        block_on(store.compact()).unwrap();
        assert!(scan().unwrap() == expected, "{damage}");
    }
    // Past the triggers.
    let trigger = |switch: &str| session.run(&format!("ALTER TABLE wayfold.event_log {switch} TRIGGER USER"));
    trigger("DISABLE");
    session.run("UPDATE wayfold.event_log SET team = 'x' WHERE log_number = 15");
    assert_corrupt(block_on(store.check()), "disagrees with the rows");
    session.run("DELETE FROM wayfold.event_log WHERE log_number = 40");
    assert_corrupt(scan(), "its last row is not in the log");
    trigger("ENABLE");
}

/// A replica's session runs no ordinary trigger, and switched off they run for nobody. What came past them is refused by
/// whoever looks: a check, and folds that are told to.
#[test]
fn rows_that_are_changed_behind_the_triggers_are_found() {
    let Some(server) = server("rows_that_are_changed_behind_the_triggers_are_found") else { return };
    let (store, session) = (filled(&server), Session::open(&server.connection()));
    let checked = open(by_hand(&server, 10).with_checked_blocks());
    let scan = |store: &PostgresStore| scanned(store, Position::START, (usize::MAX, 2));
    session.run("SET session_replication_role = replica");
    session.run("UPDATE wayfold.event_log SET team = 'x' WHERE log_number = 15");
    assert_eq!(blocks(&session), [10; 3], "the triggers run all the same");
    assert_same(&checked, &mut Random::new(5), "as a replica");
    session.run("SET session_replication_role = origin");
    block_on(store.compact()).unwrap();
    for behind in [
        "UPDATE wayfold.event_log SET team = 'y' WHERE log_number = 15".to_owned(),
        "UPDATE wayfold.event_log SET customer = 'somebody' WHERE log_number = 15".to_owned(),
        "DELETE FROM wayfold.event_log WHERE log_number = 14".to_owned(),
        // A row of the owner's between two of the log.
        "INSERT INTO wayfold.event_log SELECT (jsonb_populate_record(event_log,
            jsonb_build_object('log_number', 14, 'id', gen_random_uuid()))).*
            FROM wayfold.event_log WHERE log_number = 15"
            .to_owned(),
    ] {
        let before = scan(&store).unwrap();
        session.run(&format!(
            "ALTER TABLE wayfold.event_log DISABLE TRIGGER USER; {behind};
            ALTER TABLE wayfold.event_log ENABLE ALWAYS TRIGGER drop_blocks_updated,
                ENABLE ALWAYS TRIGGER drop_blocks_deleted, ENABLE ALWAYS TRIGGER drop_blocks_truncated"
        ));
        let says = "disagrees with the rows";
        assert_corrupt(scan(&checked), says);
        assert_corrupt(share(&checked, 0, 2), says);
        assert_corrupt(block_on(store.check()), says);
        assert!(scan(&store).unwrap() == before, "who does not look reads what was sealed");
        session.run(
            "DELETE FROM wayfold.block WHERE number = (SELECT number FROM wayfold.block
            ORDER BY to_number LIMIT 1 OFFSET 1)",
        );
        assert_same(&checked, &mut Random::new(6), &behind);
        block_on(store.compact()).unwrap();
        assert_same(&checked, &mut Random::new(7), &behind);
    }
}

#[test]
fn rows_that_change_drop_their_blocks_in_the_same_transaction() {
    let Some(server) = server("rows_that_change_drop_their_blocks_in_the_same_transaction") else { return };
    let (store, session) = (filled(&server), Session::open(&server.connection()));
    let mut random = Random::new(3);
    session.run("BEGIN; DELETE FROM wayfold.event_log WHERE log_number = 15; ROLLBACK");
    assert_eq!(blocks(&session), [10; 4]);
    session.run("DELETE FROM wayfold.event_log WHERE log_number IN (15, 33)");
    assert_eq!(blocks(&session), [10; 2]);
    assert_same(&store, &mut random, "deleted");
    block_on(store.compact()).unwrap();
    assert_eq!(blocks(&session), [10, 9, 10, 9]);
    session.run("UPDATE wayfold.event_log SET team = 'x' WHERE log_number = 1");
    assert_eq!(blocks(&session), [9, 10, 9]);
    block_on(store.compact()).unwrap();
    assert_same(&store, &mut random, "changed");
    assert_eq!(block_on(store.check()).unwrap().sealed_events, 38);
    let old = session.try_run(
        "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1 FROM wayfold.block;
        DELETE FROM wayfold.event_log WHERE log_number = 1",
    );
    assert!(old.unwrap_err().as_db_error().unwrap().message().contains("READ COMMITTED"));
    session.run("ROLLBACK; TRUNCATE wayfold.event_log");
    assert_eq!((blocks(&session), all(&store)), (vec![], vec![]));
    assert!(scanned(&store, Position::START, (9, 1)).unwrap().is_empty());
}

/// Every handle seals as it likes, while others write and one of them deletes.
#[test]
fn sealers_meet_and_every_event_stands_once() {
    let Some(server) = server("sealers_meet_and_every_event_stands_once") else { return };
    let handles: Vec<_> = (0..3)
        .map(|number| {
            let mut config = config(&server).with_seal_events(number + 1);
            config.compact_events_max = 16;
            open(config)
        })
        .collect();
    let rounds = 60 * times() as u128;
    thread::scope(|scope| {
        for (writer, store) in (0..).zip(&handles) {
            scope.spawn(move || {
                for round in 0..rounds {
                    let first = (writer * rounds + round) * 3;
                    put(
                        store,
                        &(first..first + 3)
                            .map(|id| registered(id, &format!("c{}", id % 11)))
                            .collect::<Vec<_>>(),
                    );
                }
            });
        }
        scope.spawn(|| {
            let session = Session::open(&server.connection());
            for _ in 0..30 * times() {
                session.run("UPDATE wayfold.event_log SET team = 'x' WHERE log_number % 50 = 7");
                let ids = scanned(&handles[0], Position::START, (50, 2)).unwrap();
                let ids: BTreeSet<_> = ids.iter().map(|event| event.position).collect();
                assert!(ids.len() as u128 <= rounds * 9);
            }
        });
    });
    block_on(handles[1].compact()).unwrap();
    let report = block_on(handles[2].check()).unwrap();
    assert_eq!((report.sealed_events as u128, report.unsealed_events), (rounds * 9, 0));
    assert_same(&handles[0], &mut Random::new(9), "all");
}

/// What is half made is no part of the log, and the next one takes it out.
#[test]
fn a_sealer_that_is_cut_off_or_crashes_leaves_nothing_that_counts() {
    let Some(mut server) = server("a_sealer_that_is_cut_off_or_crashes_leaves_nothing_that_counts") else {
        return;
    };
    let proxy = Proxy::start(server.socket());
    let mut through = by_hand(&server, 50);
    through.connection = proxy.connection();
    let (store, cut) = (open(by_hand(&server, 50)), open(through));
    let mut failed = 0;
    for round in 0..12 * times() as u128 {
        let event = |id| registered(round * 100 + id, &format!("c{}", id % 13));
        put(&store, &(0..100).map(event).collect::<Vec<_>>());
        proxy.cut(Cut::Often);
        for _ in 0..4 {
            let sealed = block_on(cut.compact());
            if let Err(error) = sealed {
                assert!(error.is_retryable(), "{error}");
                failed += 1;
            }
            let _ = block_on(store.check()).unwrap();
        }
        proxy.cut(Cut::Nothing);
        if round % 4 == 3 {
            let sealer = thread::scope(|scope| {
                let sealer = scope.spawn(|| block_on(cut.compact()));
                server.crash();
                sealer.join().unwrap()
            });
            failed += usize::from(sealer.is_err());
        }
    }
    while block_on(store.compact()).is_err() {}
    let report = block_on(store.check()).unwrap();
    assert_eq!((report.sealed_events, report.unsealed_events), (1_200 * times() as u64, 0));
    assert_same(&store, &mut Random::new(4), "all");
    let session = Session::open(&server.connection());
    let orphans =
        "SELECT count(*) FROM wayfold.block_page WHERE block NOT IN (SELECT number FROM wayfold.block)";
    assert_eq!(session.column::<i64>(orphans), [0]);
    println!("{failed} tries to seal failed");
    assert!(failed > 0, "nothing was in the way");
}

#[test]
fn what_is_held_back_is_not_sealed() {
    let Some(server) = server("what_is_held_back_is_not_sealed") else { return };
    let store = open(by_hand(&server, 10).with_held_back_max_ms(30));
    put(&store, &[registered(1, "ada")]);
    let foreign = Session::open(&server.connection());
    foreign.run("BEGIN; SELECT pg_current_xact_id()");
    put(&store, &[registered(2, "ada")]);
    block_on(store.compact()).unwrap();
    let session = Session::open(&server.connection());
    assert_eq!(blocks(&session), [1]);
    foreign.run("COMMIT");
    block_on(store.compact()).unwrap();
    assert_eq!(blocks(&session), [2], "and two that fit in one become one");
    let scan: Vec<EventBatch> = block_on(store.scan(Position::START, 1, 1))
        .unwrap()
        .read()
        .unwrap()
        .into_iter()
        .flat_map(|part| part.batches)
        .collect();
    assert_eq!(scan.iter().map(EventBatch::len).sum::<usize>(), 2);
}

#[test]
fn a_log_seals_itself_as_it_grows() {
    let Some(server) = server("a_log_seals_itself_as_it_grows") else { return };
    let mut config = config(&server).with_seal_events(20);
    config.compact_events_max = 100;
    let (store, session) = (open(config.clone()), Session::open(&server.connection()));
    for round in 0..20_u128 {
        put(&store, &(0..10).map(|id| registered(round * 10 + id, "ada")).collect::<Vec<_>>());
    }
    let wait = |what: &str, is_so: &dyn Fn() -> bool| {
        let began = std::time::Instant::now();
        while !is_so() {
            assert!(began.elapsed().as_secs() < 30, "{what}");
            thread::sleep(std::time::Duration::from_millis(5));
        }
    };
    let sealed = || blocks(&session).iter().sum::<i64>();
    wait("it is sealed as it is appended", &|| sealed() > 0);
    drop(store);
    session.run("DELETE FROM wayfold.block");
    // Who opens a log that has much to be sealed seals it.
    let store = open(config);
    wait("it is sealed as it is opened", &|| sealed() >= 180);
    assert_same(&store, &mut Random::new(2), "all");
}

/// Events of 4,000 customers, whose shards are all that there are.
fn many(events: u128) -> Vec<JourneyEvent> {
    (0..events).map(|id| registered(id, &format!("c{}", id % 4_000))).collect()
}

/// What a worker of so many is sent: from all rows or blocks, the events of its shards, and how many in all.
fn share(store: &PostgresStore, worker: usize, of: usize) -> Result<(Vec<JourneyEvent>, usize), Error> {
    let is_own = |shard: &VirtualShard| usize::from(shard.number()) * of / VirtualShard::COUNT == worker;
    let others: Vec<_> = VirtualShard::all().filter(|shard| !is_own(shard)).collect();
    let (mut after, mut own, mut read) = (Position::START, Vec::new(), 0);
    loop {
        let scan = block_on(store.scan_shards(after, None, 5_000, &others))?;
        for batch in scan.batches {
            batch.check().unwrap();
            read += batch.len();
            own.extend(
                batch.to_events().into_iter().filter(|event| is_own(&VirtualShard::of(&event.customer))),
            );
        }
        after = scan.position;
        if scan.is_last {
            own.sort_by_key(|event| event.position);
            return Ok((own, read));
        }
    }
}

/// Rows to the row, and blocks to the page at each end of what is read.
#[test]
fn a_worker_of_several_is_sent_its_part_of_the_log() {
    const EVENTS: usize = 40_000;
    const PAGE: usize = 1_024;
    let Some(server) = server("a_worker_of_several_is_sent_its_part_of_the_log") else { return };
    let store = open(by_hand(&server, 1 << 18));
    many(EVENTS as u128).chunks(10_000).for_each(|chunk| drop(put(&store, chunk)));
    let all = find(&store, EventFilter::all()).unwrap();
    for (what, sealed) in [("rows", false), ("blocks", true)] {
        if sealed {
            block_on(store.compact()).unwrap();
        }
        for of in [1, 2, 4] {
            let mut sum = 0;
            for worker in 0..of {
                let (own, read) = share(&store, worker, of).unwrap();
                let is_meant = |event: &&JourneyEvent| {
                    usize::from(VirtualShard::of(&event.customer).number()) * of / VirtualShard::COUNT
                        == worker
                };
                assert!(
                    own == all.iter().filter(is_meant).cloned().collect::<Vec<_>>(),
                    "{what}: {worker} of {of}"
                );
                assert!(
                    read - own.len() <= if sealed { 2 * PAGE } else { 0 },
                    "{what}: {worker} of {of}: {read}"
                );
                sum += read;
            }
            println!("{what}: {of} workers are sent {sum} events of {EVENTS}");
        }
    }
}

/// An older program has written rows without their shard, and events came past the map.
#[test]
fn rows_without_a_shard_are_read_by_everybody() {
    let Some(server) = server("rows_without_a_shard_are_read_by_everybody") else { return };
    let (store, session) = (open(by_hand(&server, 50)), Session::open(&server.connection()));
    put(&store, &many(200));
    session.run("UPDATE wayfold.event_log SET shard = NULL WHERE log_number % 2 = 0");
    let all = find(&store, EventFilter::all()).unwrap();
    let joined = || {
        let mut joined: Vec<_> = (0..3).flat_map(|worker| share(&store, worker, 3).unwrap().0).collect();
        joined.sort_by_key(|event| event.position);
        joined
    };
    assert!(joined() == all);
    block_on(store.compact()).unwrap();
    assert!(joined() == all);
}

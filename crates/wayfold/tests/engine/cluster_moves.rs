//! Shards that hold events move to other databases: whatever stops on the way, each event counts once, and what is answered
//! about all customers is what one engine over one log says.
//!
//! `WAYFOLD_TORTURE` makes the runs so many times as long.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use pollster::block_on;
use wayfold::cluster::{Cluster, MoveStage, ShardMap, VirtualShard, Worker, WorkerConfig};
use wayfold::postgres::{MapOutcome, PostgresConfig, PostgresStore, StoredShardMap};
use wayfold::store::EventStoreExt;
use wayfold::{ErrorKind, EventFilter, EventStore, JourneyEvent, Position, Rules, Timestamp};
use wayfold_testkit::process::times;
use wayfold_testkit::{Cut, PostgresServer, Proxy};

use crate::cluster::{
    assert_same, batch, builder, customers_of, database, log_of, put, server, single, try_open, wait,
};
use crate::support::{day, order};

/// Orders of 300 customers, about each shard one.
fn orders(ids: std::ops::Range<u128>) -> Vec<JourneyEvent> {
    ids.map(|id| order(&format!("c{}", id % 300), id, (id % 90) as u32)).collect()
}

/// The first shards of a database.
fn shards(cluster: &Cluster, of: &str, count: usize) -> Vec<VirtualShard> {
    cluster.map().shards_of(of)[..count].to_vec()
}

/// Every event is answered for once, by whoever has its customer.
#[track_caller]
fn assert_whole(cluster: &Cluster, events: &[JourneyEvent], what: &str) {
    let view = block_on(cluster.view(day(100))).unwrap();
    assert_same(&view, &single(&Rules::default(), events, day(100)), what);
    for event in events.iter().step_by(97) {
        let of = events.iter().filter(|other| other.customer == event.customer).count() as u64;
        let seen = block_on(cluster.customer_as_of(&event.customer, day(100))).unwrap().unwrap();
        assert_eq!(seen.events, of, "{what}: {}", event.customer);
    }
}

/// Nothing stands twice any more, or where nobody looks for it.
#[track_caller]
fn assert_settled(cluster: &Cluster, events: &[JourneyEvent], what: &str) {
    assert_eq!(cluster.map().stage(), MoveStage::Settled, "{what}");
    assert_whole(cluster, events, what);
    let ids =
        |events: &[JourneyEvent]| events.iter().map(|event| event.id.as_u128()).collect::<BTreeSet<_>>();
    let log = log_of(cluster);
    assert_eq!((log.len(), ids(&log)), (events.len(), ids(events)), "{what}");
}

fn replace(store: &PostgresStore, name: &str, version: u64, map: &ShardMap) {
    let stored = StoredShardMap { own: name.to_owned(), map: map.clone() };
    let replaced = block_on(store.replace_shard_map(version, &stored)).unwrap();
    assert_eq!(replaced, MapOutcome::Replaced);
}

/// Each step is done by hand, as far as a mover comes that ends there; the next one goes on.
#[test]
fn a_move_that_ends_anywhere_counts_each_event_once_and_is_ended_by_the_next() {
    let test = "a_move_that_ends_anywhere_counts_each_event_once_and_is_ended_by_the_next";
    let Some(server) = server(test) else { return };
    let mut stages = BTreeSet::new();
    for ends_after in 0..10 {
        let names = ["north", "south"].map(|name| format!("{name}_{ends_after}"));
        let names = [names[0].as_str(), names[1].as_str()];
        let open = || try_open(&server, &names).unwrap();
        let [north, south] = names.map(|name| (name, database(&server, name).1));
        let (cluster, mut events) = (open(), orders(0..600));
        put(&cluster, &events);
        if ends_after == 6 {
            let worker = cluster.start_worker(&WorkerConfig::default()).unwrap();
            wait("everything is folded", || worker.worked().events >= 600);
            worker.close().unwrap();
        }
        // From the second database to the first, and the other way round.
        let (source, target) = if ends_after % 2 == 0 { (&north, &south) } else { (&south, &north) };
        let moved = shards(&cluster, source.0, 40);
        let copying = cluster.map().clone().with_copying(moved.clone(), target.0).unwrap();
        let (switched, half) = (copying.clone().switched(), &moved[..20]);
        let cleaned = switched.clone().cleaned();
        let copy = |shards: &[VirtualShard]| {
            block_on(source.1.copy_shards(&target.1, shards, 2)).unwrap();
        };
        let clean = |shards: &[VirtualShard]| {
            block_on(source.1.drop_shards(shards, 3)).unwrap();
        };
        let steps: [&dyn Fn(); 9] = [
            &|| replace(&north.1, north.0, 1, &copying),
            &|| replace(&south.1, south.0, 1, &copying),
            &|| copy(half),
            &|| copy(&moved),
            &|| replace(&north.1, north.0, 2, &switched),
            &|| replace(&south.1, south.0, 2, &switched),
            &|| clean(half),
            &|| clean(&moved),
            &|| replace(&north.1, north.0, 3, &cleaned),
        ];
        steps[..ends_after].iter().for_each(|step| step());

        let what = format!("{ends_after} steps");
        let next = open();
        stages.insert(format!("{:?}", next.map().stage()));
        let more = orders(600..900);
        for (event, order) in more.iter().map(|event| (event, batch(std::slice::from_ref(event)))) {
            let is_closed = next.map().closed().contains(&VirtualShard::of(&event.customer));
            match block_on(next.append(order, None)) {
                Ok(_) => events.push(event.clone()),
                Err(error) => assert_eq!((error.kind(), is_closed), (ErrorKind::MapChanged, true), "{what}"),
            }
        }
        assert_whole(&next, &events, &what);
        let map = block_on(next.finish_move()).unwrap();
        let is_there = moved.iter().all(|shard| map.database(*shard) == target.0);
        assert_eq!(is_there, ends_after > 0, "{what}");
        put(&open(), &more);
        let missing = more.into_iter().filter(|event| !events.contains(event)).collect::<Vec<_>>();
        assert_settled(&open(), &[events, missing].concat(), &what);
    }
    assert_eq!(stages.len(), 3, "{stages:?}");
}

/// What workers have kept of a shard in the one database does not count when it comes back.
#[test]
fn shards_move_there_and_back_and_a_database_is_added() {
    let Some(server) = server("shards_move_there_and_back_and_a_database_is_added") else { return };
    let open = |names: &[&str]| try_open(&server, names).unwrap();
    let (two, three) = (["north", "south"], ["east", "north", "south"]);
    let mut events = orders(0..600);
    put(&open(&two), &events);
    let work = |names: &[&str]| {
        let cluster = open(names);
        let worker: Worker = cluster.start_worker(&WorkerConfig::default().with_snapshot_every(20)).unwrap();
        wait("all shards are held", || worker.held().len() == 256);
        while block_on(cluster.view(day(100))).unwrap().folded() >= 40 {
            thread::sleep(Duration::from_millis(200));
        }
        worker.close().unwrap();
    };
    let moved = shards(&open(&two), "north", 30);
    for (round, to) in (0..).zip(["south", "north", "south"]) {
        work(&two);
        block_on(open(&two).move_shards(&moved, to)).unwrap();
        let more = orders(600 + round * 100..700 + round * 100);
        put(&open(&two), &more);
        events.extend(more);
        assert_settled(&open(&two), &events, to);
    }
    let east = database(&server, "east").1;
    let old = open(&two);
    let map = block_on(old.add_database("east", &east)).unwrap();
    assert_eq!(map.databases(), ["east", "north", "south"]);
    assert_eq!(block_on(old.view(day(1))).unwrap_err().kind(), ErrorKind::MapChanged);
    assert_eq!(try_open(&server, &two).unwrap_err().kind(), ErrorKind::InvalidConfiguration);
    assert_settled(&open(&three), &events, "added");
    let moved: Vec<_> = ["north", "south"].iter().flat_map(|of| shards(&open(&three), of, 20)).collect();
    let before = block_on(east.head()).unwrap();
    block_on(open(&three).move_shards(&moved, "east")).unwrap();
    // It is recorded anew: the database that it was moved to has not known of it before.
    let is_moved = |event: &&JourneyEvent| moved.contains(&VirtualShard::of(&event.customer));
    let customer = &events.iter().find(is_moved).unwrap().customer;
    let alone = block_on(builder(&Rules::default(), day(100)).open(database(&server, "east").1)).unwrap();
    let known = |at: Position| block_on(alone.as_known_at(at).customer_as_of(customer, day(100))).unwrap();
    assert!(known(before).is_none() && known(block_on(east.head()).unwrap()).is_some());
    work(&three);
    assert_settled(&open(&three), &events, "moved to it");
    assert_eq!(open(&three).map().shards_of("east").len(), 40);
    let refused = block_on(open(&three).add_database("west", &database(&server, "south").1));
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::InvalidConfiguration);

    // The process that adds it ends half way.
    let more = open(&three).map().clone().with_database("west").unwrap();
    replace(&database(&server, "east").1, "east", more.version() - 1, &more);
    let four = ["east", "north", "south", "west"];
    assert_settled(&open(&four), &events, "added by the next");
    let schema = |name: &'static str| if name == "south" { "south_2" } else { name };
    let swapped = four.map(|name| (name, database(&server, schema(name)).1));
    let lost = block_on(Cluster::open(builder(&Rules::default(), day(100)), swapped));
    assert_eq!(
        lost.unwrap_err().kind(),
        ErrorKind::InvalidConfiguration,
        "an empty one does not take a place"
    );
}

#[test]
fn a_move_that_cannot_be_is_given_up() {
    let Some(server) = server("a_move_that_cannot_be_is_given_up") else { return };
    let open = || try_open(&server, &["north", "south"]).unwrap();
    let cluster = open();
    let ada = customers_of(&cluster, "north").next().unwrap();
    let ben = customers_of(&cluster, "south").next().unwrap();
    let events = [order(ada.customer.as_str(), 1, 0), order(ben.customer.as_str(), 1, 0)];
    put(&cluster, &events);
    let error = block_on(cluster.move_shards(&[VirtualShard::of(&ada)], "south")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::IdReused, "{error}");
    let after = open();
    assert_eq!((after.map().stage(), after.database(&ada)), (MoveStage::Settled, "north"));
    assert_eq!(log_of(&after).len(), 2);
    put(&after, &[order(ada.customer.as_str(), 2, 1)]);
    let view = block_on(after.view(day(9))).unwrap();
    assert_eq!(view.population(&wayfold::Tenant::default()).unwrap().len(), 2);

    // Nobody has copied it, and nothing is taken out in its place.
    let stray = order(ada.customer.as_str(), 9, 1);
    let _ = block_on(database(&server, "south").1.append(batch(&[stray]), None)).unwrap();
    let error = block_on(after.move_shards(&[VirtualShard::of(&ada)], "south")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
    assert_eq!((open().map().stage(), log_of(&open()).len()), (MoveStage::Settled, 4));
}

fn through(proxies: &[(&str, &Proxy)]) -> wayfold::Result<Cluster> {
    let store = |(name, proxy): &(&str, &Proxy)| {
        let mut config =
            PostgresConfig::new(proxy.connection()).with_schema(*name).with_held_back_max_ms(30_000);
        config.connect_timeout_ms = 30_000;
        let store = block_on(PostgresStore::open(config))?.with_clock(|| Timestamp::MAX);
        Ok(((*name).to_owned(), store))
    };
    let databases = proxies.iter().map(store).collect::<wayfold::Result<Vec<_>>>()?;
    block_on(Cluster::open(builder(&Rules::default(), day(100)), databases))
}

/// For so long writers and movers try again at most; it is many times what they take.
const LONGEST: Duration = Duration::from_secs(300);

/// Ends the others with the thread that holds it, if that panics.
struct EndsIfPanics<'a>(&'a AtomicBool);

impl Drop for EndsIfPanics<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.store(true, Ordering::Relaxed);
        }
    }
}

/// Connections are cut anywhere, and writers and movers try again until they are done.
#[test]
fn shards_move_under_writers_while_connections_are_cut() {
    let test = "shards_move_under_writers_while_connections_are_cut";
    if !PostgresServer::is_installed() {
        return wayfold_testkit::skip(test, PostgresServer::MISSING);
    }
    let server = PostgresServer::start(env!("CARGO_TARGET_TMPDIR"));
    let proxies = [Proxy::start(server.socket()), Proxy::start(server.socket())];
    let databases = [("north", &proxies[0]), ("south", &proxies[1])];
    let began = Instant::now();
    // Tried again for ever, it would not say why.
    let again = |error: &wayfold::Error| {
        let is_known = error.is_retryable() || error.kind() == ErrorKind::MapChanged;
        assert!(is_known && began.elapsed() < LONGEST * times() as u32, "{error}");
    };
    let open = || loop {
        match through(&databases) {
            Ok(cluster) => return cluster,
            Err(error) => again(&error),
        }
    };
    let events = orders(0..1_500 * times() as u128);
    drop(open());
    proxies.iter().for_each(|proxy| proxy.cut(Cut::Often));
    let (next, ends) = (AtomicUsize::new(0), AtomicBool::new(false));
    let (refused, failed, moves) = (AtomicUsize::new(0), AtomicUsize::new(0), AtomicUsize::new(0));
    thread::scope(|scope| {
        let write = || {
            let _ends = EndsIfPanics(&ends);
            let mut cluster = open();
            while let Some(event) = events.get(next.fetch_add(1, Ordering::Relaxed)) {
                while let Err(error) = block_on(cluster.append(batch(std::slice::from_ref(event)), None)) {
                    assert!(!ends.load(Ordering::Relaxed), "another thread has failed");
                    again(&error);
                    if error.kind() == ErrorKind::MapChanged {
                        refused.fetch_add(1, Ordering::Relaxed);
                        thread::sleep(Duration::from_millis(2));
                        cluster = open();
                    }
                }
            }
        };
        let writers: Vec<_> = (0..3).map(|_| scope.spawn(write)).collect();
        scope.spawn(|| {
            let _ends = EndsIfPanics(&ends);
            while !ends.load(Ordering::Relaxed) {
                let cluster = open();
                let to = ["south", "north"][moves.load(Ordering::Relaxed) % 2];
                let moved = match cluster.map().stage() {
                    MoveStage::Settled => {
                        let moved = (0..8).map(|number| VirtualShard::new(number * 31)).collect::<Vec<_>>();
                        block_on(cluster.move_shards(&moved, to))
                    }
                    _ => block_on(cluster.finish_move()),
                };
                match moved {
                    Ok(_) => {
                        moves.fetch_add(1, Ordering::Relaxed);
                    }
                    Err(error) => {
                        again(&error);
                        failed.fetch_add(1, Ordering::Relaxed);
                    }
                }
            }
        });
        writers.into_iter().for_each(|writer| writer.join().unwrap());
        ends.store(true, Ordering::Relaxed);
    });
    proxies.iter().for_each(|proxy| proxy.cut(Cut::Nothing));
    let cluster = open();
    block_on(cluster.finish_move()).unwrap();
    let cuts: u64 = proxies.iter().map(Proxy::cuts).sum();
    println!(
        "{cuts} cuts, {moves:?} moves, {failed:?} that failed half way, {refused:?} appends refused and tried again"
    );
    assert_settled(&open(), &events, "in the end");
    assert!(moves.into_inner() > 1 && refused.into_inner() > 0 && cuts > 0, "nothing was in the way");
    let reread = block_on(cluster.store(&events[0].customer).read_all(EventFilter::all()));
    assert!(reread.is_ok() && block_on(cluster.store(&events[0].customer).head()).is_ok());
}

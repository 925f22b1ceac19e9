//! The map of shards: one stands in each database, and no append goes by another version.

use std::sync::mpsc;
use std::thread;

use pollster::block_on;
use wayfold_core::EventBatch;
use wayfold_postgres::{PostgresStore, ShardMap, StoredShardMap};
use wayfold_store::{ErrorKind, EventStore};
use wayfold_testkit::process::PATIENCE;

use super::support::{Session, all, append_in, config, open, registered, server};

#[test]
fn the_first_map_stands_whoever_else_puts_one() {
    let Some(server) = server("the_first_map_stands_whoever_else_puts_one") else { return };
    let store = open(config(&server));
    assert_eq!(block_on(store.shard_map()).unwrap(), None);
    let stored = |own: &str, names: [&str; 2]| StoredShardMap {
        own: own.to_owned(),
        map: ShardMap::even(names).unwrap(),
    };
    let first = stored("a\0'; drop", ["a\0'; drop", "␀"]);
    assert_eq!(block_on(store.put_first_shard_map(&first)).unwrap(), Some(first.clone()));
    assert_eq!(block_on(store.put_first_shard_map(&stored("b", ["b", "c"]))).unwrap(), Some(first.clone()));
    assert_eq!(block_on(store.shard_map()).unwrap(), Some(first));
    let session = Session::open(&server.connection());
    session.run("UPDATE wayfold.shard_map SET shards[7] = 2");
    assert_eq!(
        block_on(store.shard_map()).unwrap_err().kind(),
        ErrorKind::Corrupt,
        "there are two databases"
    );
}

/// It would write where nobody looks for it any more.
#[test]
fn an_append_by_another_version_of_the_map_writes_nothing() {
    let Some(server) = server("an_append_by_another_version_of_the_map_writes_nothing") else { return };
    let of_version =
        |version| block_on(PostgresStore::open(config(&server))).unwrap().with_map_version(version);
    let (first, second, plain) = (of_version(1), of_version(2), open(config(&server)));
    let append = |store: &PostgresStore, id| {
        block_on(store.append(EventBatch::from_events([&registered(id, "ada")]).unwrap(), None))
    };
    let refused = |result: wayfold_store::Result<_>, says: &str| {
        let error = result.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::MapChanged);
        assert!(error.to_string().contains(says), "{error}");
    };
    refused(append(&first, 1), "there is none");
    let map = StoredShardMap { own: "north".to_owned(), map: ShardMap::even(["north", "south"]).unwrap() };
    block_on(plain.put_first_shard_map(&map)).unwrap();
    assert!(append(&first, 1).is_ok());
    refused(append(&second, 2), "version 1 stands");
    let mut session = Session::open(&server.connection());
    session.run("UPDATE wayfold.shard_map SET version = 2");
    refused(append(&first, 3), "version 2 stands");
    session.transact(async |mut transaction| {
        refused(append_in(&first, &mut transaction, &[registered(3, "ada")], None).await, "version 2 stands");
        let _ = append_in(&second, &mut transaction, &[registered(4, "ada")], None).await.unwrap();
        transaction.commit().await.unwrap();
    });
    assert!(append(&plain, 5).is_ok(), "who goes by no map is not asked");
    assert_eq!(all(&plain), [1, 4, 5]);
}

/// While rows are copied nothing else goes out on their connection: a look at the map that came behind would wait for ever.
#[test]
fn a_store_that_has_appended_goes_by_a_map_from_then_on() {
    let Some(server) = server("a_store_that_has_appended_goes_by_a_map_from_then_on") else { return };
    let store = block_on(PostgresStore::open(config(&server).with_connections_max(1))).unwrap();
    let map = StoredShardMap { own: "north".to_owned(), map: ShardMap::even(["north"]).unwrap() };
    block_on(store.put_first_shard_map(&map)).unwrap();
    let append = |store: &PostgresStore, id| {
        block_on(store.append(EventBatch::from_events([&registered(id, "ada")]).unwrap(), None))
    };
    assert!(append(&store, 1).is_ok());
    let (told, appended) = mpsc::channel();
    thread::spawn(move || told.send(append(&store.with_map_version(1), 2)));
    let appended = appended.recv_timeout(PATIENCE).expect("the append ends");
    assert!(appended.is_ok(), "{appended:?}");
}

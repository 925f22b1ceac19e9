//! The tables: made once, whoever comes first, and refused by name if they are of a newer program.

use std::thread;

use pollster::block_on;
use wayfold_postgres::PostgresStore;
use wayfold_store::ErrorKind;

use super::support::{Session, all, append, config, open, put, registered, server};

#[test]
fn who_opens_first_makes_the_tables() {
    let Some(server) = server("who_opens_first_makes_the_tables") else { return };
    thread::scope(|scope| {
        for id in 0..8 {
            let config = config(&server);
            scope.spawn(move || put(&open(config), &[registered(id, "ada")]));
        }
    });
    let beside = Session::open(&server.connection());
    assert_eq!(
        beside.column::<i32>("SELECT number FROM wayfold.migration ORDER BY number"),
        [1, 2, 3, 4, 5, 6]
    );
    assert_eq!(all(&open(config(&server))).len(), 8);
}

#[test]
fn who_opens_an_existing_log_makes_none() {
    let Some(server) = server("who_opens_an_existing_log_makes_none") else { return };
    let existing = || block_on(PostgresStore::open_existing(config(&server)));
    let error = existing().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.to_string().contains("there is none in schema \"wayfold\""), "{error}");
    let beside = Session::open(&server.connection());
    let made = "SELECT count(*) FROM pg_namespace WHERE nspname = 'wayfold'";
    assert_eq!(beside.column::<i64>(made), [0]);

    put(&open(config(&server)), &[registered(1, "ada")]);
    assert_eq!(all(&existing().unwrap()), [1]);
}

/// It was dumped by a program that knew no other, and restored where transactions are counted from the beginning.
#[test]
fn a_log_of_the_first_schema_goes_on() {
    let Some(server) = server("a_log_of_the_first_schema_goes_on") else { return };
    put(&open(config(&server)), &[registered(1, "ada")]);
    Session::open(&server.connection()).run(
        "DROP SEQUENCE wayfold.last_transaction;
        DROP TABLE wayfold.shard_map, wayfold.worker, wayfold.lease;
        DROP FUNCTION wayfold.keep_leases;
        DROP TABLE wayfold.block, wayfold.block_page;
        DROP SEQUENCE wayfold.block_number;
        DROP FUNCTION wayfold.rows_digest;
        DROP FUNCTION wayfold.drop_blocks CASCADE;
        ALTER TABLE wayfold.event_log DROP COLUMN shard;
        DELETE FROM wayfold.migration WHERE number > 1;
        UPDATE wayfold.event_log SET log_transaction = 1000000",
    );
    let store = open(config(&server));
    put(&store, &[registered(2, "ada")]);
    assert_eq!(all(&store), [1, 2]);
}

#[test]
fn a_newer_schema_is_refused_by_name() {
    let Some(server) = server("a_newer_schema_is_refused_by_name") else { return };
    drop(open(config(&server).with_schema("customers")));
    let beside = Session::open(&server.connection());
    beside.run("INSERT INTO customers.migration (number) VALUES (99)");
    let error = block_on(PostgresStore::open(config(&server).with_schema("customers"))).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(
        error.to_string().contains("\"customers\" has migration 99, and this program knows 6"),
        "{error}"
    );
}

#[test]
fn logs_of_one_database_are_kept_apart() {
    let Some(server) = server("logs_of_one_database_are_kept_apart") else { return };
    let (shop, hotel) =
        (open(config(&server).with_schema("shop")), open(config(&server).with_schema("hotel")));
    put(&shop, &[registered(1, "ada")]);
    put(&hotel, &[registered(1, "ben"), registered(2, "ben")]);
    assert_eq!((all(&shop), all(&hotel)), (vec![1], vec![1, 2]));
}

/// Such a role or database acknowledges what a crash takes back.
#[test]
fn a_server_that_cannot_keep_the_log_is_refused() {
    let Some(server) = server("a_server_that_cannot_keep_the_log_is_refused") else { return };
    let beside = Session::open(&server.connection());
    beside.run("CREATE DATABASE latin ENCODING 'LATIN1' TEMPLATE template0");
    beside.run("CREATE ROLE hasty LOGIN SUPERUSER; ALTER ROLE hasty SET synchronous_commit = off");
    for (changed, says) in [("dbname=latin", "UTF8"), ("user=hasty", "synchronous_commit")] {
        let mut config = config(&server);
        config.connection = format!("{} {changed}", config.connection);
        let error = block_on(PostgresStore::open(config)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        assert!(error.to_string().contains(says), "{error}");
    }
    assert!(append(&open(config(&server)), &[registered(1, "ada")]).is_ok());
}

//! Servers that refuse, come late, or are one of several; and calls that take too long.

use std::net::TcpListener;
use std::thread;
use std::time::{Duration, Instant};

use pollster::block_on;
use wayfold_core::Position;
use wayfold_postgres::{PostgresConfig, PostgresStore};
use wayfold_store::{AppendOutcome, Checkpoint, CheckpointName, ErrorKind, EventStore, Written};
use wayfold_testkit::Proxy;

use super::support::{Session, all, append, append_in, config, open, page, put, registered, server};

#[test]
fn a_server_that_comes_late_is_waited_for() {
    let Some(server) = server("a_server_that_comes_late_is_waited_for") else { return };
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let mut config = PostgresConfig::new(format!("host=127.0.0.1 port={port} user=postgres dbname=postgres"));
    config.connect_timeout_ms = 200;
    let began = Instant::now();
    let error = block_on(PostgresStore::open(config.clone())).unwrap_err();
    assert!(error.is_retryable() && began.elapsed() < Duration::from_secs(5), "{error}");
    config.connect_timeout_ms = 30_000;
    let opened = thread::spawn(move || open(config));
    thread::sleep(Duration::from_millis(100));
    assert!(!opened.is_finished());
    let _proxy = Proxy::start_at(port, server.socket());
    put(&opened.join().unwrap(), &[registered(1, "ada")]);
}

#[test]
fn of_several_hosts_the_first_that_serves_is_taken() {
    let Some(server) = server("of_several_hosts_the_first_that_serves_is_taken") else { return };
    let proxy = Proxy::start(server.socket());
    let refuses = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let connection =
        format!("host=127.0.0.1,127.0.0.1 port={refuses},{} user=postgres dbname=postgres", proxy.port());
    put(&open(PostgresConfig::new(connection)), &[registered(1, "ada")]);
    assert_eq!(all(&open(config(&server))), [1]);
}

/// As a standby does, the first one takes no writes.
#[test]
fn a_server_that_takes_no_writes_is_passed_over() {
    let test = "a_server_that_takes_no_writes_is_passed_over";
    let Some(standby) = server(test) else { return };
    let primary = server(test).unwrap();
    Session::open(&standby.connection())
        .run("ALTER DATABASE postgres SET default_transaction_read_only = on");
    let folder =
        |server: &wayfold_testkit::PostgresServer| server.socket().parent().unwrap().display().to_string();
    let connection = format!(
        "host={},{} user=postgres dbname=postgres target_session_attrs=read-write",
        folder(&standby),
        folder(&primary)
    );
    put(&open(PostgresConfig::new(connection)), &[registered(1, "ada")]);
    assert_eq!(all(&open(config(&primary))), [1]);
}

#[test]
fn calls_end_after_their_time() {
    let Some(server) = server("calls_end_after_their_time") else { return };
    let mut hasty = config(&server).with_connections_max(1);
    (hasty.statement_timeout_ms, hasty.connect_timeout_ms) = (1_000, 100);
    let (store, mut holder) = (open(hasty), Session::open(&server.connection()));
    let own = open(config(&server));
    holder.transact(async |mut transaction| {
        let _ = append_in(&own, &mut transaction, &[registered(1, "ada")], None).await.unwrap();
        let waiting = thread::spawn({
            let store = store.clone();
            move || append(&store, &[registered(2, "ada")]).unwrap_err()
        });
        let waits = "SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted";
        while transaction.query(waits, &[]).await.unwrap().is_empty() {
            thread::sleep(Duration::from_millis(2));
        }
        let error = page(&store, Position::START, 1).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        assert!(error.to_string().contains("no connection was free"), "{error}");
        let error = waiting.join().unwrap();
        assert_eq!((error.kind(), error.written()), (ErrorKind::Unavailable, Written::Nothing));
        assert!(error.to_string().contains("statement_timeout_ms"), "{error}");
    });
    put(&store, &[registered(2, "ada")]);
    assert_eq!(block_on(store.head()).unwrap(), block_on(own.head()).unwrap());
}

/// The server bounds statements, and not commits: an append once waited for ever where a standby was missing.
#[test]
fn a_commit_that_waits_for_standbys_ends_with_an_unknown_outcome() {
    let test = "a_commit_that_waits_for_standbys_ends_with_an_unknown_outcome";
    let Some(server) = server(test) else { return };
    let mut hasty = config(&server);
    hasty.statement_timeout_ms = 200;
    let (store, beside) = (open(hasty), Session::open(&server.connection()));
    let standbys = |names: &str| {
        beside.run(&format!("ALTER SYSTEM SET synchronous_standby_names = '{names}'"));
        beside.run("SELECT pg_reload_conf()");
    };
    standbys("one");
    while beside.column::<String>("SHOW synchronous_standby_names") != ["one"] {
        thread::sleep(Duration::from_millis(2));
    }
    let checkpoint = || Checkpoint { position: Position::START, bytes: vec![7] };
    // The server's process that lets commits wait hears of it later than sessions do.
    let probe = || CheckpointName::new("probe").unwrap();
    while block_on(store.put_checkpoint(probe(), checkpoint())).is_ok() {}
    let error = append(&store, &[registered(1, "ada")]).unwrap_err();
    assert_eq!((error.is_retryable(), error.written()), (true, Written::Unknown), "{error}");
    assert!(error.to_string().contains("standbys are missing"), "{error}");
    assert_eq!(all(&store), [], "nobody reads what may be lost");
    let name = || CheckpointName::new("list").unwrap();
    let error = block_on(store.put_checkpoint(name(), checkpoint())).unwrap_err();
    assert_eq!((error.is_retryable(), error.written()), (true, Written::Unknown), "{error}");
    assert!(error.to_string().contains("put a checkpoint: it took longer"), "{error}");
    let mut another = config(&server).with_schema("another");
    another.statement_timeout_ms = 200;
    let error = block_on(PostgresStore::open(another.clone())).unwrap_err();
    assert!(error.is_retryable() && error.to_string().contains("commit the migrations: it took"), "{error}");
    standbys("");
    let again = loop {
        match append(&store, &[registered(1, "ada")]) {
            Ok(outcome) => break outcome,
            // The server has not heard of it yet.
            Err(error) => assert!(error.is_retryable(), "{error}"),
        }
    };
    assert!(matches!(again, AppendOutcome::AlreadyTaken { .. }), "{again:?}");
    block_on(store.put_checkpoint(name(), checkpoint())).unwrap();
    assert_eq!(block_on(store.checkpoint(name())).unwrap(), Some(checkpoint()));
    put(&open(another), &[registered(2, "ada")]);
}

/// It would be in clear text, whatever the text says.
#[cfg(not(feature = "tls"))]
#[test]
fn encryption_is_refused_by_a_program_that_cannot() {
    let asks = PostgresConfig::new("host=127.0.0.1 user=postgres sslmode=require");
    for config in [asks.clone(), asks.with_root_certificates("authority.pem")] {
        let error = block_on(PostgresStore::open(config)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        assert!(error.to_string().contains("the feature tls"), "{error}");
    }
}

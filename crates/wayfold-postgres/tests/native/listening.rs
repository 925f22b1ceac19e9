//! Subscribers whose server tells them nothing: the connection that listens is ended, or a commit is not announced.

use std::thread;
use std::time::Duration;

use pollster::block_on;
use wayfold_core::Position;
use wayfold_postgres::PostgresConfig;
use wayfold_store::{EventFilter, EventStore};
use wayfold_testkit::PostgresServer;

use super::faults::follow;
use super::support::{Session, append_in, config, find, open, put, registered, server, until};

/// So long that nobody would wait for it.
const NEVER_MS: u64 = 3_600_000;

/// A subscriber has a connection that reads and one that listens, and has looked at the log by both.
fn at_work(session: &Session, name: &str) -> Vec<i32> {
    session.column(&format!(
        "SELECT pid FROM pg_stat_activity WHERE application_name = '{name}' AND query LIKE '%wayfold.event_log%'"
    ))
}

fn follower(server: &PostgresServer, name: &str, poll_interval_ms: u64) -> PostgresConfig {
    let mut config = PostgresConfig::new(format!("{} application_name={name}", server.connection()));
    config.poll_interval_ms = poll_interval_ms;
    config
}

/// By hand, and never looked at in between: who is ended listens again, and looks at what came meanwhile.
#[test]
fn a_subscriber_whose_connections_are_ended_sees_everything() {
    const ENDINGS: u128 = 4;
    let Some(server) = server("a_subscriber_whose_connections_are_ended_sees_everything") else { return };
    let (store, subscriber) = (open(config(&server)), open(follower(&server, "hears", NEVER_MS)));
    let session = Session::open(&server.connection());
    let (followed, ended) = thread::scope(|scope| {
        let followed = scope.spawn(|| follow(&subscriber));
        let mut ended = 0;
        for round in 0..ENDINGS {
            until("the subscriber", || at_work(&session, "hears").len() >= 2);
            put(&store, &[registered(round * 3 + 1, "ada")]);
            let pids = at_work(&session, "hears");
            pids.iter().for_each(|pid| session.run(&format!("SELECT pg_terminate_backend({pid})")));
            until("their end", || at_work(&session, "hears").iter().all(|pid| !pids.contains(pid)));
            ended += pids.len();
            // Nobody listens when these are told.
            put(&store, &[registered(round * 3 + 2, "ada"), registered(round * 3 + 3, "ben")]);
        }
        put(&store, &[registered(u128::MAX, "end")]);
        (followed.join().unwrap(), ended)
    });
    let log = find(&store, EventFilter::all()).unwrap();
    let log: Vec<_> = log.iter().map(|event| (event.position.unwrap(), event.id.as_u128())).collect();
    assert_eq!(followed, log);
    assert_eq!(log.len() as u128, ENDINGS * 3 + 1);
    println!("{ended} connections ended");
    assert!(ended as u128 >= 2 * ENDINGS, "nothing was in the way");
}

/// Commits that tell nobody, as where what the server tells is lost.
#[test]
fn what_nobody_tells_of_is_found_by_looking() {
    const EVENTS: u128 = 12;
    let Some(server) = server("what_nobody_tells_of_is_found_by_looking") else { return };
    let (store, session) = (open(config(&server)), Session::open(&server.connection()));
    let mut beside = Session::open(&server.connection());
    let mut commit = |id: u128| {
        beside.transact(async |mut transaction| {
            let _ = append_in(&store, &mut transaction, &[registered(id, "ada")], None).await.unwrap();
            transaction.commit().await.unwrap();
        });
    };
    let (looks, hears) = (open(follower(&server, "looks", 20)), open(follower(&server, "hears", NEVER_MS)));
    thread::scope(|scope| {
        let waits = scope.spawn(|| block_on(hears.wait_past(Position::START)));
        let followed = scope.spawn(|| follow(&looks));
        until("both", || ["looks", "hears"].iter().all(|name| at_work(&session, name).len() >= 2));
        for id in 1..EVENTS {
            commit(id);
            thread::sleep(Duration::from_millis(3));
        }
        commit(u128::MAX);
        assert_eq!(followed.join().unwrap().len() as u128, EVENTS);
        assert!(!waits.is_finished(), "who does not look has not heard");
        block_on(store.announce()).unwrap();
        assert!(waits.join().unwrap().unwrap() > Position::START);
    });
}

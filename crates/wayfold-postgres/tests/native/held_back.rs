//! Transactions that end in another order than they began: nothing is passed over, and the order never changes.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use pollster::block_on;
use wayfold_core::{EventBatch, Position};
use wayfold_postgres::PostgresStore;
use wayfold_store::{AppendOutcome, ErrorKind, EventFilter, EventStore};

use super::support::{
    Session, all, append_if, append_in, config, find, ids, key, open, page, put, registered, server, until,
};

/// Follows the log as a subscriber does, until it has seen that many events.
fn follow(store: Arc<PostgresStore>, count: usize) -> thread::JoinHandle<Vec<(Position, u128)>> {
    thread::spawn(move || {
        let (mut seen, mut events) = (Position::START, Vec::new());
        while events.len() < count {
            block_on(store.wait_past(seen)).unwrap();
            // What is held back for too long is an error that says so; the subscriber tries again.
            let Ok(found) = page(&store, seen, 2) else { continue };
            for event in found.batch.iter() {
                seen = event.position().unwrap();
                events.push((seen, event.id().as_u128()));
            }
            seen = found.next.unwrap_or(seen);
        }
        events
    })
}

fn positions(store: &PostgresStore) -> Vec<(Position, u128)> {
    let events = find(store, EventFilter::all()).unwrap();
    events.iter().map(|event| (event.position.unwrap(), event.id.as_u128())).collect()
}

/// A crash may make the server forget transactions that have drawn places, so that appends draw places far ahead of their own
/// numbers. Whoever opened the log then brought the frontier past those under way.
#[test]
fn who_opens_the_log_after_a_crash_makes_nobody_pass_an_append_over() {
    let Some(server) = server("who_opens_the_log_after_a_crash_makes_nobody_pass_an_append_over") else {
        return;
    };
    let store = open(config(&server).with_held_back_max_ms(50));
    put(&store, &[registered(1, "early")]);
    let mut slow = Session::open(&server.connection());
    slow.run("SELECT setval('wayfold.last_transaction', last_value + 50) FROM wayfold.last_transaction");
    let seen = slow.transact(async |mut transaction| {
        let _ = append_in(&store, &mut transaction, &[registered(2, "slow")], None).await.unwrap();
        put(&store, &[registered(3, "fast")]);
        // It may find that the log is held back.
        let _ = PostgresStore::open(config(&server).with_held_back_max_ms(50)).await;
        let found = page(&store, Position::START, 10).unwrap();
        transaction.commit().await.unwrap();
        found
    });
    let seen_to = seen.next.or(seen.batch.event(seen.batch.len() - 1).position()).unwrap();
    let rest = page(&store, seen_to, 10).unwrap();
    let ids: Vec<_> = [seen.batch, rest.batch].iter().flat_map(EventBatch::to_events).collect();
    assert_eq!(ids.iter().map(|event| event.id.as_u128()).collect::<Vec<_>>(), [1, 2, 3]);
}

/// An append had drawn its place after one that was under way with a higher number, and was the last that the server knows after a
/// crash: nobody need write to make it seen.
#[test]
fn what_a_crash_left_ahead_of_its_transactions_is_read_while_nobody_writes() {
    let Some(server) = server("what_a_crash_left_ahead_of_its_transactions_is_read_while_nobody_writes")
    else {
        return;
    };
    let store = open(config(&server).with_held_back_max_ms(2_000));
    let beside = Session::open(&server.connection());
    let draw_ahead =
        "SELECT setval('wayfold.last_transaction', last_value + 50) FROM wayfold.last_transaction";
    put(&store, &[registered(1, "ada")]);
    beside.run(draw_ahead);
    let given = put(&store, &[registered(2, "ben")]);
    assert_eq!(block_on(store.head()).unwrap(), given[0]);
    assert_eq!(all(&store), [1, 2]);
    let follower = follow(store.clone(), 3);
    beside.run(draw_ahead);
    put(&store, &[registered(3, "ada")]);
    until("the one who follows", || follower.is_finished());
    assert_eq!(follower.join().unwrap(), positions(&store));
}

/// The append that drew its place first commits last: its trigger waits for a lock.
#[test]
fn an_append_that_commits_late_is_not_passed_over() {
    let Some(server) = server("an_append_that_commits_late_is_not_passed_over") else { return };
    let store = open(config(&server).with_held_back_max_ms(50));
    let holder = Session::open(&server.connection());
    holder.run(
        "CREATE FUNCTION wayfold.slow() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN PERFORM pg_advisory_xact_lock_shared(42); RETURN NULL; END $$;
        CREATE TRIGGER slow AFTER INSERT ON wayfold.event_log FOR EACH ROW WHEN (NEW.customer = 'slow')
            EXECUTE FUNCTION wayfold.slow();
        SELECT pg_advisory_lock(42)",
    );
    put(&store, &[registered(1, "early")]);
    let follower = follow(store.clone(), 4);
    let slow = thread::spawn({
        let store = store.clone();
        move || put(&store, &[registered(2, "slow")])
    });
    let waits = "SELECT 1 FROM pg_locks WHERE objid = 42 AND NOT granted";
    until("the slow append", || !holder.column::<i32>(waits).is_empty());
    let fast = put(&store, &[registered(3, "fast"), registered(4, "early")]);

    let error = page(&store, fast[0], 10).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.to_string().contains("(wayfold) has a transaction open"), "{error}");
    let first = page(&store, Position::START, 10).unwrap();
    assert_eq!(first.batch.len(), 1, "what comes before is read");
    assert_eq!(first.next, first.batch.event(0).position(), "and it is not the end");
    assert_eq!(ids(&store, EventFilter::customer(key("fast"))), [3], "one customer's events wait for nobody");
    let again = append_if(&store, &[], EventFilter::customer(key("early")), first.next.unwrap()).unwrap();
    assert_eq!(again, AppendOutcome::Conflict { position: fast[1] }, "nor do conditions of one customer");

    holder.run("SELECT pg_advisory_unlock(42)");
    let slow = slow.join().unwrap();
    assert!(slow[0] < fast[0], "the slow append drew first");
    assert_eq!(all(&store), [1, 2, 3, 4]);
    let followed = follower.join().unwrap();
    assert_eq!(followed, positions(&store), "what was followed is what is read again");
}

/// A transaction of somebody else that changed anything holds back what is appended after that.
#[test]
fn a_foreign_transaction_holds_back_and_is_named() {
    let Some(server) = server("a_foreign_transaction_holds_back_and_is_named") else { return };
    let store = open(config(&server).with_held_back_max_ms(30));
    let foreign = Session::open(&server.connection());
    foreign.run("BEGIN; SELECT pg_current_xact_id()");
    let given = put(&store, &[registered(1, "ada")]);
    for error in [page(&store, Position::START, 10).unwrap_err(), block_on(store.head()).unwrap_err()] {
        assert!(error.is_retryable());
        assert!(error.to_string().contains("(beside) has a transaction open"), "{error}");
        assert!(error.to_string().contains("held_back_max_ms"), "{error}");
    }
    assert_eq!(ids(&store, EventFilter::customer(key("ada"))), [1]);
    foreign.run("COMMIT");
    assert_eq!(all(&store), [1]);
    assert_eq!(block_on(store.head()).unwrap(), given[0]);
}

/// A read waits for what is acknowledged when it begins, where that takes no longer than it may.
#[test]
fn a_read_waits_for_a_short_transaction() {
    let Some(server) = server("a_read_waits_for_a_short_transaction") else { return };
    let store = open(config(&server).with_held_back_max_ms(30_000));
    let foreign = Session::open(&server.connection());
    foreign.run("BEGIN; SELECT pg_current_xact_id()");
    put(&store, &[registered(1, "ada")]);
    let reader = thread::spawn({
        let store = store.clone();
        move || all(&store)
    });
    thread::sleep(Duration::from_millis(50));
    assert!(!reader.is_finished(), "the event is acknowledged, and held back");
    foreign.run("ROLLBACK");
    assert_eq!(reader.join().unwrap(), [1]);
}

/// A transaction got its number long ago, and draws when one with a higher number has committed.
#[test]
fn a_place_that_is_drawn_later_lies_behind() {
    let Some(server) = server("a_place_that_is_drawn_later_lies_behind") else { return };
    let store = open(config(&server).with_held_back_max_ms(20));
    let mut early = Session::open(&server.connection());
    let follower = follow(store.clone(), 3);
    let append = [registered(1, "ada"), registered(2, "ada"), registered(3, "ben")];
    put(&store, &append[..1]);
    early.transact(async |mut transaction| {
        transaction.batch_execute("SELECT pg_current_xact_id()").await.unwrap();
        let committed = put(&store, &append[1..2]);
        assert_eq!(ids(&store, EventFilter::customer(key("ada"))), [1, 2], "one customer is read at once");
        let late = append_in(&store, &mut transaction, &append[2..], None).await.unwrap();
        assert!(matches!(&late, AppendOutcome::Appended { positions, .. } if positions[0] > committed[0]));
        assert_eq!(page(&store, Position::START, 10).unwrap().batch.len(), 1, "the rest is held back");
        transaction.commit().await.unwrap();
    });
    assert_eq!(all(&store), [1, 2, 3]);
    let read = find(&store, EventFilter::all()).unwrap();
    assert!(read.is_sorted_by_key(|event| event.recorded_at), "recording times go back: {read:?}");
    assert_eq!(follower.join().unwrap(), positions(&store));
}

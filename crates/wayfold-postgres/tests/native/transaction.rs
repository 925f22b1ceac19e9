//! Appends in a transaction of the caller's own: with its changes, or not at all.

use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;

use pollster::block_on;
use wayfold_core::{JourneyEvent, NeedIdentified, Position, Timestamp};
use wayfold_postgres::PostgresStore;
use wayfold_store::{AppendCondition, AppendOutcome, ErrorKind, EventFilter, EventStore};
use wayfold_testkit::{Cut, Proxy};

use super::support::{
    Session, all, append, append_if, append_in, config, event, ids, key, open, put, registered, server,
};

/// A table of the caller's, and a session that changes it.
fn shop(connection: &str) -> Session {
    let session = Session::open(connection);
    session.run("CREATE TABLE IF NOT EXISTS sold (product text)");
    session
}

fn sold(session: &Session) -> usize {
    session.column::<String>("SELECT product FROM sold").len()
}

const SELL: &str = "INSERT INTO sold VALUES ('p1')";

#[test]
fn events_stand_with_the_callers_changes_or_not_at_all() {
    let Some(server) = server("events_stand_with_the_callers_changes_or_not_at_all") else { return };
    let (store, mut shop) = (open(config(&server)), shop(&server.connection()));
    for (id, is_committed) in [(1, false), (2, true), (3, false)] {
        shop.transact(async |mut transaction| {
            transaction.batch_execute(SELL).await.unwrap();
            let outcome = append_in(&store, &mut transaction, &[registered(id, "ada")], None).await.unwrap();
            assert!(matches!(outcome, AppendOutcome::Appended { new: 1, .. }));
            if is_committed {
                transaction.commit().await.unwrap();
            }
        });
    }
    assert_eq!((all(&store), sold(&shop)), (vec![2], 1));
    assert!(
        matches!(append(&store, &[registered(1, "ada")]), Ok(AppendOutcome::Appended { new: 1, .. })),
        "an id that was rolled back is free"
    );
}

/// Each of these calls is followed by a change of the caller's, which is committed.
#[test]
fn ids_and_conditions_are_judged_as_by_an_append() {
    let Some(server) = server("ids_and_conditions_are_judged_as_by_an_append") else { return };
    let (store, mut shop) = (open(config(&server)), shop(&server.connection()));
    let given = put(&store, &[registered(1, "ada"), registered(2, "ben")]);
    let of =
        |customer: &str, after| Some(AppendCondition { filter: EventFilter::customer(key(customer)), after });
    let other = event(1, "ada", NeedIdentified { category: None });
    let mut ahead = registered(9, "ada");
    ahead.occurred_at = Timestamp::MAX.into();
    let mut calls = 0;
    let mut call = |events: &[JourneyEvent], condition: Option<AppendCondition>| {
        calls += 1;
        let result = shop.transact(async |mut transaction| {
            let result = append_in(&store, &mut transaction, events, condition).await;
            transaction.batch_execute(SELL).await.unwrap();
            transaction.commit().await.unwrap();
            result
        });
        assert_eq!(sold(&shop), calls, "the transaction goes on");
        result
    };
    let taken = AppendOutcome::AlreadyTaken { positions: vec![given[0]] };
    assert_eq!(call(&[registered(1, "ada")], None).unwrap(), taken);
    assert_eq!(call(&[registered(1, "ada")], of("ada", Position::START)).unwrap(), taken, "ids come first");
    assert_eq!(call(&[other], None).unwrap_err().kind(), ErrorKind::IdReused);
    assert_eq!(call(&[ahead], None).unwrap_err().kind(), ErrorKind::InvalidEvent);
    let conflict = AppendOutcome::Conflict { position: given[0] };
    assert_eq!(call(&[registered(3, "ada")], of("ada", Position::START)).unwrap(), conflict);
    assert_eq!(call(&[], of("ada", Position::START)).unwrap(), conflict);
    let nothing = AppendOutcome::Appended { positions: vec![], new: 0 };
    assert_eq!(call(&[], of("ada", given[0])).unwrap(), nothing);
    let some = call(&[registered(4, "ada"), registered(2, "ben")], of("ada", given[0])).unwrap();
    assert!(matches!(some, AppendOutcome::Appended { new: 1, positions } if positions[1] == given[1]));
    assert_eq!(all(&store), [1, 2, 4]);
}

#[test]
fn a_transaction_may_append_several_times() {
    let Some(server) = server("a_transaction_may_append_several_times") else { return };
    let (store, mut shop) = (open(config(&server)), shop(&server.connection()));
    shop.transact(async |mut transaction| {
        let first = append_in(&store, &mut transaction, &[registered(1, "ada")], None).await.unwrap();
        let AppendOutcome::Appended { positions: first, .. } = first else { panic!("{first:?}") };
        put(&store, &[registered(2, "ben")]);
        let again = append_in(&store, &mut transaction, &[registered(1, "ada")], None).await.unwrap();
        assert_eq!(again, AppendOutcome::AlreadyTaken { positions: first.clone() }, "it sees its own");
        let filter = EventFilter::customer(key("ada"));
        let condition = Some(AppendCondition { filter, after: Position::START });
        let own = append_in(&store, &mut transaction, &[registered(3, "ada")], condition).await.unwrap();
        assert_eq!(own, AppendOutcome::Conflict { position: first[0] }, "they count for conditions");
        let _ = append_in(&store, &mut transaction, &[registered(3, "ben")], None).await.unwrap();
        transaction.commit().await.unwrap();
    });
    assert_eq!(all(&store), [1, 2, 3], "places are in the order of the appends");
}

/// What a decision has looked at stays as it was until the transaction ends, also where it appends nothing.
#[test]
fn locks_are_held_until_the_transaction_ends() {
    let Some(server) = server("locks_are_held_until_the_transaction_ends") else { return };
    let (store, mut shop) = (open(config(&server)), shop(&server.connection()));
    let filter = || EventFilter::customer(key("ada"));
    let mut seen = put(&store, &[registered(1, "ada")])[0];
    for (id, own) in [(2, vec![]), (3, vec![registered(9, "ada")])] {
        let writer = shop.transact(async |mut transaction| {
            let condition = Some(AppendCondition { filter: filter(), after: seen });
            let outcome = append_in(&store, &mut transaction, &own, condition).await.unwrap();
            assert!(matches!(outcome, AppendOutcome::Appended { .. }));
            let writer = thread::spawn({
                let store = store.clone();
                move || append_if(&store, &[registered(id, "ada")], filter(), seen).unwrap()
            });
            thread::sleep(Duration::from_millis(50));
            assert!(!writer.is_finished(), "it is in the way");
            put(&store, &[registered(id * 100, "ben")]);
            transaction.commit().await.unwrap();
            writer
        });
        match (writer.join().unwrap(), own.is_empty()) {
            (AppendOutcome::Appended { positions, .. }, true) => seen = positions[0],
            (AppendOutcome::Conflict { position }, false) => assert!(position > seen),
            (outcome, _) => panic!("{outcome:?}"),
        }
    }
    assert_eq!(ids(&store, filter()), [1, 2, 9]);
}

/// Two transactions append one id for different customers, so that no lock keeps them apart: the second finds it taken
/// when it writes, and goes on.
#[test]
fn an_id_that_is_taken_meanwhile_is_found() {
    let Some(server) = server("an_id_that_is_taken_meanwhile_is_found") else { return };
    let (store, mut shop) = (open(config(&server)), shop(&server.connection()));
    let second = shop.transact(async |mut first| {
        let _ = append_in(&store, &mut first, &[registered(1, "ada")], None).await.unwrap();
        let second = thread::spawn({
            let (store, connection) = (store.clone(), server.connection());
            move || {
                Session::open(&connection).transact(async |mut second| {
                    let error =
                        append_in(&store, &mut second, &[registered(1, "ben")], None).await.unwrap_err();
                    second.batch_execute(SELL).await.unwrap();
                    second.commit().await.unwrap();
                    error
                })
            }
        });
        let waits = "SELECT FROM pg_locks WHERE locktype = 'transactionid' AND NOT granted";
        while first.query(waits, &[]).await.unwrap().is_empty() {
            thread::sleep(Duration::from_millis(2));
        }
        first.commit().await.unwrap();
        second
    });
    assert_eq!(second.join().unwrap().kind(), ErrorKind::IdReused);
    assert_eq!((ids(&store, EventFilter::all()), sold(&shop)), (vec![1], 1));
}

#[test]
fn a_transaction_that_would_judge_by_an_old_snapshot_is_refused() {
    let Some(server) = server("a_transaction_that_would_judge_by_an_old_snapshot_is_refused") else { return };
    let (store, mut shop) = (open(config(&server)), shop(&server.connection()));
    for (setting, says) in [
        ("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ", "repeatable read"),
        ("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE", "serializable"),
        ("SET LOCAL synchronous_commit = off", "synchronous_commit"),
    ] {
        shop.transact(async |mut transaction| {
            transaction.batch_execute(setting).await.unwrap();
            let error = append_in(&store, &mut transaction, &[registered(1, "ada")], None).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unsupported);
            assert!(error.to_string().contains(says), "{error}");
            transaction.batch_execute(SELL).await.unwrap();
            transaction.commit().await.unwrap();
        });
    }
    assert_eq!((all(&store), sold(&shop)), (vec![], 3));
}

/// A future that waits for a lock is dropped: the transaction goes on without the events.
#[test]
fn a_dropped_append_leaves_the_transaction_as_it_was() {
    let Some(server) = server("a_dropped_append_leaves_the_transaction_as_it_was") else { return };
    let (store, mut shop) = (open(config(&server)), shop(&server.connection()));
    let mut holder = Session::open(&server.connection());
    holder.transact(async |mut held| {
        let _ = append_in(&store, &mut held, &[registered(1, "ada")], None).await.unwrap();
        shop.transact(async |mut transaction| {
            {
                let events = [registered(2, "ada")];
                let mut append = pin!(append_in(&store, &mut transaction, &events, None));
                let waits = "SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted";
                while held.query(waits, &[]).await.unwrap().is_empty() {
                    let poll = append.as_mut().poll(&mut Context::from_waker(Waker::noop()));
                    assert!(matches!(poll, Poll::Pending), "the lock is held");
                }
            }
            held.commit().await.unwrap();
            transaction.batch_execute(SELL).await.unwrap();
            transaction.commit().await.unwrap();
        });
    });
    assert_eq!((all(&store), sold(&shop)), (vec![1], 1));
}

/// A sale as a service does it: again from the beginning where it is unknown what became of the commit.
fn sell(store: &PostgresStore, connection: &str, id: u128) -> usize {
    for tries in 1.. {
        let is_done = Session::open(connection).transact(async |mut transaction| {
            match append_in(store, &mut transaction, &[registered(id, "ada")], None).await {
                Ok(AppendOutcome::AlreadyTaken { .. }) => return true,
                outcome => assert!(matches!(outcome, Ok(AppendOutcome::Appended { .. })), "{outcome:?}"),
            }
            transaction.batch_execute(SELL).await.unwrap();
            transaction.commit().await.is_ok()
        });
        if is_done {
            return tries;
        }
    }
    unreachable!("it ends when it is done")
}

#[test]
fn an_unknown_outcome_of_the_callers_commit_is_told_by_trying_again() {
    let test = "an_unknown_outcome_of_the_callers_commit_is_told_by_trying_again";
    let Some(server) = server(test) else { return };
    let (store, shop) = (open(config(&server)), shop(&server.connection()));
    let proxy = Proxy::start(server.socket());
    for (id, plan) in
        [(1, Cut::BeforeCommit), (2, Cut::AfterCommit), (3, Cut::BeforeCommit), (4, Cut::AfterCommit)]
    {
        proxy.cut(plan);
        assert_eq!(sell(&store, &proxy.connection(), id), 2);
    }
    assert_eq!(sell(&store, &proxy.connection(), 5), 1);
    assert_eq!((all(&store), sold(&shop)), (vec![1, 2, 3, 4, 5], 5), "each was sold once");
}

#[test]
fn who_waits_is_told_of_a_commit_that_is_announced() {
    let Some(server) = server("who_waits_is_told_of_a_commit_that_is_announced") else { return };
    let mut patient = config(&server);
    patient.poll_interval_ms = 3_600_000;
    let (store, waiting, mut shop) = (open(patient.clone()), open(patient), shop(&server.connection()));
    let woken = thread::spawn(move || block_on(waiting.wait_past(Position::START)).unwrap());
    // Both handles have looked when they were opened; the third is who listens.
    let looked = "SELECT pid FROM pg_stat_activity
        WHERE state = 'idle' AND query LIKE '%pg_snapshot_xmin%' AND pid <> pg_backend_pid()";
    while shop.column::<i32>(looked).len() < 3 {
        thread::sleep(Duration::from_millis(2));
    }
    shop.transact(async |mut transaction| {
        let _ = append_in(&store, &mut transaction, &[registered(1, "ada")], None).await.unwrap();
        transaction.commit().await.unwrap();
    });
    block_on(store.announce()).unwrap();
    assert_eq!(woken.join().unwrap(), block_on(store.head()).unwrap());
}

#[test]
fn a_transaction_of_another_database_is_refused() {
    let Some(server) = server("a_transaction_of_another_database_is_refused") else { return };
    let store = open(config(&server));
    Session::open(&server.connection()).run("CREATE DATABASE other");
    let mut other = shop(&server.connection().replace("dbname=postgres", "dbname=other"));
    other.transact(async |mut transaction| {
        let error = append_in(&store, &mut transaction, &[registered(1, "ada")], None).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
        transaction.batch_execute(SELL).await.unwrap();
        transaction.commit().await.unwrap();
    });
    assert_eq!((all(&store), sold(&other)), (vec![], 1));
}

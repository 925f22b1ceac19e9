//! A table that is kept from events in one transaction with its position: whatever ends a worker, and wherever, no event
//! is counted twice or passed over.

use std::collections::BTreeMap;
use std::thread;

use pollster::block_on;
use wayfold_core::Position;
use wayfold_postgres::{CheckpointOutcome, PostgresConfig, PostgresStore};
use wayfold_store::{Checkpoint, CheckpointName, EventFilter, EventStore};
use wayfold_testkit::process::{self, PATIENCE};
use wayfold_testkit::{Cut, Proxy};

use super::support::{Session, config, find, open, page, put, registered, server};

const EVENTS: u128 = 40;
const PAGE: usize = 3;

/// How far a worker has come with a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Read,
    Moved,
    Counted,
    Committed,
}

const STEPS: [Step; 4] = [Step::Read, Step::Moved, Step::Counted, Step::Committed];

fn name() -> CheckpointName {
    CheckpointName::new("tally").unwrap()
}

/// A log of some customers, and a table of how many events each has.
fn prepare(connection: &str) {
    let store = open(PostgresConfig::new(connection));
    for id in 0..EVENTS {
        put(&store, &[registered(id, &format!("c{}", id % 7))]);
    }
    Session::open(connection).run("CREATE TABLE tally (customer text PRIMARY KEY, events bigint NOT NULL)");
}

/// What became of a page.
#[derive(Debug, PartialEq, Eq)]
enum Page {
    End,
    Took(CheckpointOutcome),
    /// The connection went while it was taken in.
    Unknown,
}

/// Counts the events of one page.
fn take_page(store: &PostgresStore, connection: &str, reach: impl Fn(Step)) -> Page {
    let from = block_on(store.checkpoint(name())).unwrap();
    let position = from.as_ref().map_or(Position::START, |from| from.position);
    let found = page(store, position, PAGE).unwrap();
    let Some(last) = found.batch.iter().filter_map(|event| event.position()).last() else { return Page::End };
    let to = Checkpoint { position: last, bytes: vec![] };
    reach(Step::Read);
    Session::open(connection).transact(async |transaction| {
        let moved = store.move_checkpoint_in(&transaction, &name(), from.as_ref(), &to).await.unwrap();
        if moved != CheckpointOutcome::Moved {
            return Page::Took(moved);
        }
        reach(Step::Moved);
        for event in found.batch.iter() {
            let count = "INSERT INTO tally VALUES ($1, 1)
                ON CONFLICT (customer) DO UPDATE SET events = tally.events + 1";
            transaction.execute(count, &[&event.customer_texts().1]).await.unwrap();
        }
        reach(Step::Counted);
        if transaction.commit().await.is_err() {
            return Page::Unknown;
        }
        reach(Step::Committed);
        Page::Took(moved)
    })
}

/// Holds the table against the events up to its position; returns how many these are.
#[track_caller]
fn check(connection: &str) -> usize {
    let (store, session) = (open(PostgresConfig::new(connection)), Session::open(connection));
    let reached = block_on(store.checkpoint(name())).unwrap().map_or(Position::START, |kept| kept.position);
    let mut expected: BTreeMap<String, u64> = BTreeMap::new();
    for event in find(&store, EventFilter::all()).unwrap() {
        if event.position.unwrap() <= reached {
            *expected.entry(event.customer.customer.as_str().to_owned()).or_default() += 1;
        }
    }
    let counted: Vec<String> =
        session.column("SELECT customer || ' ' || events FROM tally ORDER BY customer");
    let all: Vec<String> = expected.iter().map(|(customer, events)| format!("{customer} {events}")).collect();
    assert_eq!(counted, all, "up to {reached}");
    expected.values().sum::<u64>() as usize
}

fn finish(connection: &str) {
    let store = open(PostgresConfig::new(connection));
    while take_page(&store, connection, |_| {}) != Page::End {}
    assert_eq!(check(connection), EVENTS as usize);
}

const KILLED: &str = "native::read_model::a_worker_killed_at_any_step_is_taken_up_by_the_next";

#[test]
fn a_worker_killed_at_any_step_is_taken_up_by_the_next() {
    match process::task() {
        Some(task) => live(&task),
        None => kill_at_each_step(),
    }
}

/// Takes in one page, and stops amid the next.
fn live(task: &str) {
    let (step, connection) = task.split_once(' ').unwrap();
    let store = open(PostgresConfig::new(connection));
    assert_eq!(take_page(&store, connection, |_| {}), Page::Took(CheckpointOutcome::Moved));
    let _ = take_page(&store, connection, |reached| {
        if format!("{reached:?}") == step {
            process::say("reached");
            process::stall();
        }
    });
}

fn kill_at_each_step() {
    let Some(server) = server("a_worker_killed_at_any_step_is_taken_up_by_the_next") else { return };
    let connection = server.connection();
    prepare(&connection);
    let mut counted = 0;
    for step in STEPS {
        let mut worker = process::spawn(KILLED, &format!("{step:?} {connection}"));
        let said = process::lines_of(&mut worker).recv_timeout(PATIENCE);
        worker.kill().unwrap();
        worker.wait().unwrap();
        assert_eq!(said.as_deref(), Ok("reached"));
        counted += if step == Step::Committed { 2 * PAGE } else { PAGE };
        assert_eq!(check(&connection), counted, "killed when it had {step:?}");
    }
    finish(&connection);
}

#[test]
fn a_commit_without_an_answer_is_not_taken_in_twice() {
    let Some(server) = server("a_commit_without_an_answer_is_not_taken_in_twice") else { return };
    let connection = server.connection();
    prepare(&connection);
    let (store, proxy) = (open(config(&server)), Proxy::start(server.socket()));
    for (plan, counted) in [
        (Cut::BeforeCommit, 0),
        (Cut::AfterCommit, PAGE),
        (Cut::BeforeCommit, PAGE),
        (Cut::AfterCommit, 2 * PAGE),
    ] {
        proxy.cut(plan);
        assert_eq!(take_page(&store, &proxy.connection(), |_| {}), Page::Unknown);
        assert_eq!(check(&connection), counted);
    }
    finish(&connection);
}

/// Who tries the very same again is told that it stands.
#[test]
fn a_checkpoint_is_moved_from_where_it_stands() {
    let Some(server) = server("a_checkpoint_is_moved_from_where_it_stands") else { return };
    let (store, mut session) = (open(config(&server)), Session::open(&server.connection()));
    let given = put(&store, &[registered(1, "ada"), registered(2, "ben")]);
    let at = |position, byte: u8| Checkpoint { position, bytes: vec![byte] };
    let (first, second) = (at(given[0], 1), at(given[0], 2));
    let mut try_move = |from: Option<&Checkpoint>, to: &Checkpoint| {
        session.transact(async |transaction| {
            let outcome = store.move_checkpoint_in(&transaction, &name(), from, to).await.unwrap();
            transaction.commit().await.unwrap();
            outcome
        })
    };
    assert_eq!(try_move(Some(&first), &second), CheckpointOutcome::Conflict, "there is none");
    assert_eq!(try_move(None, &first), CheckpointOutcome::Moved);
    assert_eq!(try_move(None, &first), CheckpointOutcome::AlreadyThere);
    assert_eq!(try_move(None, &second), CheckpointOutcome::Conflict);
    assert_eq!(try_move(Some(&first), &second), CheckpointOutcome::Moved, "bytes count as well");
    assert_eq!(try_move(Some(&first), &second), CheckpointOutcome::AlreadyThere);
    assert_eq!(try_move(Some(&first), &at(given[1], 3)), CheckpointOutcome::Conflict);
    assert_eq!(block_on(store.checkpoint(name())).unwrap(), Some(second));
}

#[test]
fn two_workers_of_one_name_share_the_pages() {
    let Some(server) = server("two_workers_of_one_name_share_the_pages") else { return };
    let connection = server.connection();
    prepare(&connection);
    let work = || {
        let (store, mut moved) = (open(PostgresConfig::new(&connection)), 0);
        loop {
            match take_page(&store, &connection, |_| {}) {
                Page::End => return moved,
                Page::Took(CheckpointOutcome::Moved) => moved += 1,
                Page::Took(_) => {}
                Page::Unknown => panic!("nothing cuts its connection"),
            }
        }
    };
    let moved = thread::scope(|scope| {
        let workers = [(); 3].map(|()| scope.spawn(work));
        workers.map(|worker| worker.join().unwrap()).iter().sum::<usize>()
    });
    assert_eq!(check(&connection), EVENTS as usize);
    assert!(moved >= (EVENTS as usize).div_ceil(PAGE), "{moved} pages were taken in");
}

//! Leases: shared evenly among who lives, given to one at a time, and nothing is written by who has lost one.

use std::thread;
use std::time::{Duration, Instant};

use pollster::block_on;
use wayfold_core::{Position, VirtualShard};
use wayfold_postgres::{Lease, LeaseRequest, Leases, PostgresStore};
use wayfold_store::{Checkpoint, CheckpointName, ErrorKind, EventStore};
use wayfold_testkit::process::PATIENCE;

use super::support::{Session, config, open, server};

/// Longer than a test.
const LONG: Duration = Duration::from_secs(600);
/// Soon over.
const SHORT: Duration = Duration::from_millis(50);

fn request(worker: &str, shards: usize, lease: Duration) -> LeaseRequest {
    let shards = VirtualShard::all().take(shards).collect();
    LeaseRequest { states: "live".to_owned(), worker: worker.to_owned(), shards, lease }
}

fn keep(store: &PostgresStore, request: &LeaseRequest) -> Leases {
    block_on(store.keep_leases(request)).unwrap()
}

fn put(store: &PostgresStore, lease: &Lease, byte: u8) -> wayfold_store::Result<()> {
    let checkpoint = Checkpoint { position: Position::START, bytes: vec![byte] };
    block_on(store.put_checkpoint_under(lease, name(), checkpoint))
}

fn name() -> CheckpointName {
    CheckpointName::new("states").unwrap()
}

fn stands(store: &PostgresStore) -> Option<Vec<u8>> {
    block_on(store.checkpoint(name())).unwrap().map(|stands| stands.bytes)
}

#[track_caller]
fn assert_lost(result: wayfold_store::Result<()>) {
    let error = result.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::LeaseLost, "{error}");
    assert!(error.to_string().contains("nothing was written"), "{error}");
}

/// Gives back what is more than the fair part.
fn give_back(store: &PostgresStore, leases: &Leases) -> usize {
    leases.held.iter().take(leases.surplus).for_each(|lease| block_on(store.release_lease(lease)).unwrap());
    leases.surplus
}

#[test]
fn workers_share_the_shards_evenly_as_they_come_and_go() {
    let Some(server) = server("workers_share_the_shards_evenly_as_they_come_and_go") else { return };
    let store = open(config(&server));
    let workers = ["a", "b", "c"].map(|worker| request(worker, 128, LONG));
    let [a, b, c] = &workers;
    let alone = keep(&store, a);
    assert_eq!((alone.held.len(), alone.surplus), (128, 0));
    assert_eq!(keep(&store, b).held, [], "everything is held");
    assert_eq!(give_back(&store, &keep(&store, a)), 64);
    assert_eq!(keep(&store, b).held.len(), 64);
    assert_eq!(keep(&store, c).held, []);
    // Of 128 each has 43 at most.
    assert_eq!(give_back(&store, &keep(&store, a)) + give_back(&store, &keep(&store, b)), 21 + 21);
    let held = workers.each_ref().map(|worker| keep(&store, worker).held);
    assert_eq!(held.each_ref().map(Vec::len), [43, 43, 42]);
    let mut shards: Vec<_> = held.iter().flatten().map(Lease::shard).collect();
    shards.sort_unstable();
    assert_eq!(shards, b.shards, "each shard is somebody's");
    block_on(store.leave_leases(b)).unwrap();
    assert_eq!(keep(&store, a).held.len() + keep(&store, c).held.len(), 128);
    assert_eq!(keep(&store, &LeaseRequest { states: "next".to_owned(), ..a.clone() }).held.len(), 128);
}

#[test]
fn who_asks_at_the_same_time_is_never_given_the_same_lease() {
    let Some(server) = server("who_asks_at_the_same_time_is_never_given_the_same_lease") else { return };
    let store = open(config(&server));
    for round in 0..10 {
        let ask = |worker: usize| {
            let request =
                LeaseRequest { states: format!("round {round}"), ..request(&worker.to_string(), 64, LONG) };
            // Others may not have been there the first time.
            (keep(&store, &request), keep(&store, &request).held)
        };
        let held: Vec<_> = thread::scope(|scope| {
            let workers: Vec<_> = (0..4).map(|worker| scope.spawn(move || ask(worker))).collect();
            workers.into_iter().flat_map(|worker| worker.join().unwrap().1).collect()
        });
        let mut shards: Vec<_> = held.iter().map(Lease::shard).collect();
        shards.sort_unstable();
        shards.dedup();
        assert_eq!(shards.len(), held.len());
        assert_eq!(shards.len(), 64);
        assert!(held.iter().all(|lease| lease.token() == 1));
    }
}

#[test]
fn who_has_lost_a_lease_writes_nothing() {
    let Some(server) = server("who_has_lost_a_lease_writes_nothing") else { return };
    let store = open(config(&server));
    let (slow, quick) = (request("slow", 1, SHORT), request("quick", 1, LONG));
    let lost = keep(&store, &slow).held.remove(0);
    put(&store, &lost, 1).unwrap();
    let began = Instant::now();
    while put(&store, &lost, 1).is_ok() {
        assert!(began.elapsed() < PATIENCE, "the lease does not end");
    }
    assert_lost(put(&store, &lost, 2));
    assert_eq!(stands(&store), Some(vec![1]), "it has run out, and nobody has it");
    let taken = keep(&store, &quick).held.remove(0);
    assert_eq!((lost.token(), taken.token()), (1, 2));
    put(&store, &taken, 3).unwrap();
    assert_lost(put(&store, &lost, 4));
    assert_eq!(keep(&store, &slow).held, []);
    // A release that comes late takes nothing from who has it now.
    block_on(store.release_lease(&lost)).unwrap();
    put(&store, &taken, 5).unwrap();
    block_on(store.release_lease(&taken)).unwrap();
    assert_lost(put(&store, &taken, 6));
    assert_eq!(keep(&store, &quick).held[0].token(), 3, "given again, it is another one");
    assert_lost(put(&store, &taken, 7));
    assert_eq!(stands(&store), Some(vec![5]));
}

/// A worker that stops amid a transaction is not overtaken, and one that is overtaken does not begin one.
#[test]
fn nobody_is_given_a_lease_under_which_somebody_writes() {
    let Some(server) = server("nobody_is_given_a_lease_under_which_somebody_writes") else { return };
    let (store, mut session) = (open(config(&server)), Session::open(&server.connection()));
    session.run("CREATE TABLE rows (byte int)");
    let (slow, quick) = (request("slow", 2, SHORT), request("quick", 2, LONG));
    let held = keep(&store, &slow).held;
    session.transact(async |transaction| {
        store.hold_lease_in(&transaction, &held[0]).await.unwrap();
        let began = Instant::now();
        let taken = loop {
            let taken = store.keep_leases(&quick).await.unwrap().held;
            assert!(began.elapsed() < PATIENCE, "the lease does not end");
            if !taken.is_empty() {
                break taken;
            }
        };
        assert_eq!(taken.iter().map(Lease::shard).collect::<Vec<_>>(), [held[1].shard()], "the other one");
        transaction.batch_execute("INSERT INTO rows VALUES (1)").await.unwrap();
        transaction.commit().await.unwrap();
    });
    assert_eq!(session.column::<i32>("SELECT byte FROM rows"), [1], "it was held until the end");
    assert_eq!(keep(&store, &quick).held.len(), 2);
    session.transact(async |transaction| {
        let error = store.hold_lease_in(&transaction, &held[0]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::LeaseLost);
    });
}

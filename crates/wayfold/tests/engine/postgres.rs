//! The engine over PostgreSQL: what holds over memory and a file holds here, also for several instances of a service.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use pollster::block_on;
use wayfold::postgres::{PostgresConfig, PostgresStore};
use wayfold::{Builder, Error, ErrorKind, EventStore, Position, Rules, StoreUrl, Timestamp, Wayfold};
use wayfold_testkit::PostgresServer;
use wayfold_testkit::process::times;

use crate::deciding::{assert_never_below_zero, contend, patient};
use crate::snapshots::{Tally, live_through};
use crate::support::{day, key, order};

const PATIENCE: Duration = Duration::from_secs(30);

fn server(test: &str) -> Option<PostgresServer> {
    PostgresServer::for_test(env!("CARGO_TARGET_TMPDIR"), test)
}

fn store(server: &PostgresServer) -> PostgresStore {
    block_on(PostgresStore::open(PostgresConfig::new(server.connection()))).unwrap()
}

fn instance(server: &PostgresServer) -> Wayfold {
    block_on(Wayfold::open(store(server))).unwrap()
}

#[test]
fn instances_decide_against_each_other_and_follow_each_other() {
    let test = "instances_decide_against_each_other_and_follow_each_other";
    let Some(server) = server(test) else { return };
    let instances = [instance(&server), instance(&server)];
    // Each of 20 decisions adds an order, up to 10: two that look at the same moment do not both add the last one.
    let taken: usize = thread::scope(|scope| {
        let decide = |number: usize| {
            let wayfold = &instances[number % 2];
            scope.spawn(move || {
                let decision = block_on(wayfold.decide(&key("ada"), |ada| {
                    let orders = ada.view().map_or(0, |view| view.events);
                    let next = order("ada", number as u128, 0);
                    Ok::<_, Error>(if orders < 10 { vec![next] } else { vec![] })
                }));
                decision.unwrap().new
            })
        };
        let deciders: Vec<_> = (0..20).map(decide).collect();
        deciders.into_iter().map(|decider| decider.join().unwrap()).sum()
    });
    assert_eq!(taken, 10, "as many as there is room for");

    block_on(instances[0].append([&order("ben", 100, 1)])).unwrap();
    let began = Instant::now();
    let head = block_on(instances[0].store().head()).unwrap();
    while block_on(instances[1].position()) != head {
        assert!(began.elapsed() < PATIENCE, "the other instance does not follow");
        thread::sleep(Duration::from_millis(1));
    }
    let export = |wayfold: &Wayfold| block_on(wayfold.population(day(2))).unwrap().summary();
    assert_eq!(export(&instances[0]).events, 11);
    assert_eq!(export(&instances[0]), export(&instances[1]));
    assert_eq!(export(&instance(&server)).events, 11, "an instance that comes later knows it all");
}

/// As over memory, and as often by `WAYFOLD_TORTURE=15`.
#[test]
fn incremental_is_rebuilt_is_the_oracle_over_postgres_too() {
    let Some(server) = server("incremental_is_rebuilt_is_the_oracle_over_postgres_too") else { return };
    let mut tally = Tally::default();
    let lives = 40 * times() as u64;
    for seed in 0..lives {
        let config = PostgresConfig::new(server.connection()).with_schema(format!("life_{seed}"));
        let store = block_on(PostgresStore::open(config)).unwrap().with_clock(|| Timestamp::MAX);
        live_through(seed, store, &mut tally);
    }
    println!("{lives} lives: {tally:?}");
    assert!(tally.snapshots > 60 && tally.from_snapshots > 40 && tally.swaps > 10, "{tally:?}");
}

#[test]
fn points_never_fall_below_zero_whichever_instance_decides() {
    let Some(server) = server("points_never_fall_below_zero_whichever_instance_decides") else { return };
    let open = || crate::deciding::open(store(&server), patient());
    let instances = [open(), open()];
    let (decisions, attempts) = contend(&instances, 30 * times());
    println!("{decisions} decisions in {attempts} attempts");
    assert!(attempts > decisions as u64, "nobody ever met");
    assert_never_below_zero(&instances[0].0);
}

/// Whoever switched the triggers off and changed a row: a rebuild that holds blocks against their rows refuses by name, goes on
/// from where it was when the block is gone, and the live states have answered all the while.
#[test]
fn a_rebuild_refuses_a_block_whose_rows_were_changed_behind_the_triggers() {
    let test = "a_rebuild_refuses_a_block_whose_rows_were_changed_behind_the_triggers";
    let Some(server) = server(test) else { return };
    let config = PostgresConfig::new(server.connection()).with_checked_blocks().with_seal_events(0);
    let store = Arc::new(block_on(PostgresStore::open(config)).unwrap());
    let open = || Builder::new(Rules::default()).unwrap().by_hand(day(9)).on_demand();
    let wayfold = block_on(open().open(store.clone())).unwrap();
    block_on(wayfold.append(&(1..=20).map(|id| order("ada", id, 1)).collect::<Vec<_>>())).unwrap();
    let before = block_on(wayfold.export()).unwrap();
    block_on(store.compact()).unwrap();
    let run = |sql: &str| server.run_sql(&server.connection(), sql);
    let mut rebuild = block_on(wayfold.rebuild(open())).unwrap();
    run("ALTER TABLE wayfold.event_log DISABLE TRIGGER USER");
    run("UPDATE wayfold.event_log SET customer = 'ben' WHERE log_number = 7");
    run("ALTER TABLE wayfold.event_log ENABLE TRIGGER USER");
    let error = block_on(rebuild.step()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
    let number = run("SELECT number FROM wayfold.block");
    let named = format!("sealed block {}", number.trim());
    assert!(
        error.to_string().contains(&named) && error.to_string().contains("disagrees with the rows"),
        "{error}"
    );
    assert!(block_on(wayfold.export()).unwrap() == before, "the live states are as they were");
    run("DELETE FROM wayfold.block");
    while block_on(rebuild.step()).unwrap() {}
    block_on(rebuild.swap()).unwrap();
    assert_eq!(block_on(wayfold.population(day(9))).unwrap().len(), 2, "the rows are the truth");
}

#[test]
fn a_store_url_opens_the_log_in_either_form_of_the_connection() {
    let Some(server) = server("a_store_url_opens_the_log_in_either_form_of_the_connection") else { return };
    let folder = server.socket().parent().unwrap().display().to_string();
    let address = format!("postgres:///postgres?host={}&user=postgres", folder.replace('/', "%2F"));
    let open = |url: &str| block_on(url.parse::<StoreUrl>().unwrap().open());
    let wayfold =
        block_on(Wayfold::open(open(&format!("postgres:{}", server.connection())).unwrap())).unwrap();
    block_on(wayfold.append([&order("ada", 1, 0)])).unwrap();
    assert!(block_on(open(&address).unwrap().head()).unwrap() > Position::START);
    let error = open(&address.replace("user=postgres", "user=nobody&password=hunter2")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
    assert!(!format!("{error:?} {error}").contains("hunter2"));
}

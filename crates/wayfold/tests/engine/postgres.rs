//! The engine over PostgreSQL: what holds over memory and a file holds here, also for several instances of a service.

use std::thread;
use std::time::{Duration, Instant};

use pollster::block_on;
use wayfold::postgres::{PostgresConfig, PostgresStore};
use wayfold::{Error, ErrorKind, EventStore, Position, StoreUrl, Timestamp, Wayfold};
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

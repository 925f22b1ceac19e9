//! Two instances of a service on one log in PostgreSQL.

use std::thread;
use std::time::{Duration, Instant};

use pollster::block_on;
use wayfold::postgres::{PostgresConfig, PostgresStore};
use wayfold::{Error, Wayfold};
use wayfold_testkit::PostgresServer;

use crate::support::{day, key, order};

const PATIENCE: Duration = Duration::from_secs(30);

fn instance(server: &PostgresServer) -> Wayfold {
    let store = block_on(PostgresStore::open(PostgresConfig::new(server.connection()))).unwrap();
    block_on(Wayfold::open(store)).unwrap()
}

#[test]
fn instances_decide_against_each_other_and_follow_each_other() {
    let test = "instances_decide_against_each_other_and_follow_each_other";
    let Some(server) = PostgresServer::for_test(env!("CARGO_TARGET_TMPDIR"), test) else { return };
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

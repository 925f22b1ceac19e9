//! A cluster of one database and one worker beside one of two and two, on one server.

use std::thread;
use std::time::{Duration, Instant};

use pollster::block_on;
use wayfold::cluster::{Cluster, WorkerConfig};
use wayfold::{Builder, Rules};
use wayfold_benches::Workload;
use wayfold_core::EventBatch;
use wayfold_postgres::{PostgresConfig, PostgresStore};
use wayfold_testkit::PostgresServer;

const ROUNDS: usize = 3;

/// What one database and one worker take to fold everything, beside what two and two take: from rows, and from blocks.
pub(crate) fn compare(server: &PostgresServer, workload: &Workload) {
    let clusters = [1, 2].map(|count| filled(server, workload, count));
    for what in ["rows", "sealed blocks"] {
        let mut seconds = [f64::MAX; 2];
        for round in 0..ROUNDS {
            for ((stores, seconds), count) in clusters.iter().zip(&mut seconds).zip([1, 2]) {
                let states = format!("{what} {round}");
                *seconds = seconds.min(fold(server, stores, &states, count, workload.events.len() as u64));
            }
        }
        let rates = seconds.map(|seconds| workload.events.len() as f64 / seconds);
        let row = format!("fold from {what}, 2 databases and workers; 1");
        crate::tell(&row, rates[1], rates[0], "events/s");
        for store in clusters.iter().flatten() {
            block_on(open(server, store).compact()).expect("rows can be sealed");
        }
    }
}

fn open(server: &PostgresServer, schema: &str) -> PostgresStore {
    let config = PostgresConfig::new(server.connection()).with_schema(schema).with_seal_events(0);
    block_on(PostgresStore::open(config)).expect("the log can be opened")
}

fn cluster(server: &PostgresServer, schemas: &[String]) -> Cluster {
    let databases = schemas.iter().map(|schema| (schema.clone(), open(server, schema)));
    let builder = Builder::new(Rules::default()).expect("the default rules are valid");
    block_on(Cluster::open(builder, databases)).expect("the cluster can be opened")
}

/// So many databases with all events, by the names of their schemas.
fn filled(server: &PostgresServer, workload: &Workload, count: usize) -> Vec<String> {
    let schemas: Vec<String> = (0..count).map(|number| format!("of{count}_{number}")).collect();
    let cluster = cluster(server, &schemas);
    for chunk in workload.events.chunks(10_000) {
        let batch = EventBatch::from_events(chunk).expect("events of a workload are valid");
        for outcome in block_on(cluster.append_each(&batch)).into_values() {
            let _ = outcome.expect("the cluster takes events");
        }
    }
    schemas
}

/// How long so many workers take until all is folded, under a new name of states.
fn fold(server: &PostgresServer, schemas: &[String], states: &str, workers: usize, events: u64) -> f64 {
    let builder = Builder::new(Rules::default()).expect("the default rules are valid");
    let cluster = block_on(cluster(server, schemas).beside(states, builder)).expect("states have a name");
    let began = Instant::now();
    let start = |_| cluster.start_worker(&WorkerConfig::default()).expect("a worker can be started");
    let workers: Vec<_> = (0..workers).map(start).collect();
    // What is handed over while they begin is folded twice.
    while workers.iter().map(|worker| worker.worked().events).sum::<u64>() < events {
        thread::sleep(Duration::from_millis(2));
    }
    began.elapsed().as_secs_f64()
}

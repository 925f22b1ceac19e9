//! The log in PostgreSQL beside what is bare, in turn on one server that is durable:
//! `cargo bench -p wayfold-benches --bench postgres`.
//!
//! `WAYFOLD_BENCH_EVENTS` says how many events of W the log holds before. A ratio is ours over what is bare.

mod bare;
mod workers;

use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use pollster::block_on;
use wayfold::{Builder, CustomerKey, Position, ReadQuery, Rules};
use wayfold_benches::{Ids, NewEvents, Times, Workload};
use wayfold_core::EventBatch;
use wayfold_postgres::{PostgresConfig, PostgresStore};
use wayfold_store::{AppendOutcome, EventStore};
use wayfold_testkit::{PostgresServer, Random};

use crate::bare::{Bare, Values};

/// As a server for real work is set up, on a small machine.
const SETTINGS: [&str; 6] = [
    "fsync=on",
    "full_page_writes=on",
    "autovacuum=on",
    "shared_buffers=512MB",
    "max_wal_size=4GB",
    "max_locks_per_transaction=256",
];
const CLIENTS: usize = 4;
const ROUNDS: usize = 7;
const BATCHES: usize = 50;
const VIEWS: usize = 2_000;
const LOAD: Duration = Duration::from_secs(5);

fn append(store: &PostgresStore, batch: EventBatch) -> Position {
    match block_on(store.append(batch, None)).expect("the store takes events") {
        AppendOutcome::Appended { positions, .. } => positions[positions.len() - 1],
        other => panic!("every event is new: {other:?}"),
    }
}

fn main() {
    if !PostgresServer::is_installed() {
        return eprintln!("{}", PostgresServer::MISSING);
    }
    let server = PostgresServer::start_with(env!("CARGO_TARGET_TMPDIR"), &SETTINGS);
    let workload = Workload::w();
    let config =
        PostgresConfig::new(server.connection()).with_connections_max(CLIENTS + 2).with_seal_events(0);
    let store = Arc::new(block_on(PostgresStore::open(config)).expect("the log can be made"));
    for chunk in workload.events.chunks(10_000) {
        append(&store, EventBatch::from_events(chunk).expect("events of a workload are valid"));
    }
    let bench = Bench {
        bare: Bare::open(&server.connection()),
        connection: server.connection(),
        source: NewEvents::like(workload.events.iter().take(100_000).cloned()),
        store,
    };
    bench.bare.run(
        "CREATE TABLE bare (LIKE wayfold.event_log INCLUDING ALL); INSERT INTO bare TABLE wayfold.event_log",
    );
    bench.bare.run("ANALYZE");
    println!("{} events of W in the log", workload.events.len());
    bench.bulk();
    bench.clients();
    bench.rebuild("rows");
    let sealed = Instant::now();
    block_on(bench.store.compact()).expect("rows can be sealed");
    println!("{:55} {:>12.2} s", "seal everything", sealed.elapsed().as_secs_f64());
    bench.rebuild("sealed blocks");
    bench.views(&workload);
    bench.lag();
    workers::compare(&server, &workload);
}

/// A row: what is done, ours, what is bare, and ours over it.
fn tell(what: &str, ours: f64, bare: f64, unit: &str) {
    println!("{what:55} {ours:>12.0} {bare:>12.0} {unit:12} {:.2}", ours / bare);
}

/// The middle of some times, in seconds.
fn median_s(times: &mut Times) -> f64 {
    times.percentile_us(50) / 1e6
}

struct Bench {
    store: Arc<PostgresStore>,
    connection: String,
    bare: Bare,
    source: NewEvents,
}

impl Bench {
    fn last_number(&self) -> i64 {
        self.bare.count("SELECT coalesce(max(log_number), 0) FROM wayfold.event_log")
    }

    /// Batches of 10,000 beside a binary COPY of the same rows.
    fn bulk(&self) {
        let (mut ours, mut bare) = (Times::default(), Times::default());
        for _ in 0..ROUNDS {
            let (batch, before) = (self.source.batch(Ids::V7, 10_000), self.last_number());
            ours.time(|| append(&self.store, batch));
            let rows = format!("SELECT * FROM wayfold.event_log WHERE log_number > {before}");
            let rows = self.bare.copy_out(&rows);
            bare.time(|| self.bare.copy_in(rows));
        }
        let rate = |times: &mut Times| 10_000.0 / median_s(times);
        tell("append 10,000; binary COPY", rate(&mut ours), rate(&mut bare), "events/s");
    }

    /// Batches of 100 from four clients beside inserts of the same rows from as many; these beside copies.
    fn clients(&self) {
        let (mut ours, mut bare, mut copied) = (Times::default(), Times::default(), Times::default());
        let connections: Vec<_> = (0..CLIENTS).map(|_| Bare::open(&self.connection)).collect();
        for _ in 0..ROUNDS {
            let before = self.last_number();
            let batches: Vec<Vec<_>> = (0..CLIENTS)
                .map(|_| (0..BATCHES).map(|_| self.source.batch(Ids::V7, 100)).collect())
                .collect();
            ours.time(|| {
                thread::scope(|scope| {
                    for batches in batches {
                        scope.spawn(|| {
                            for batch in batches {
                                append(&self.store, batch);
                            }
                        });
                    }
                });
            });
            let rows = format!(
                "SELECT * FROM wayfold.event_log WHERE log_number > {before} ORDER BY log_transaction, log_number"
            );
            let rows = self.bare.values(&rows);
            bare.time(|| {
                thread::scope(|scope| {
                    for (connection, rows) in connections.iter().zip(rows.chunks(BATCHES)) {
                        scope.spawn(|| connection.insert(rows));
                    }
                });
            });
            self.bare.run(&format!("DELETE FROM bare WHERE log_number > {before}"));
            let copies: Vec<_> = rows.iter().map(Values::to_copy).collect();
            copied.time(|| {
                thread::scope(|scope| {
                    for (connection, copies) in connections.iter().zip(copies.chunks(BATCHES)) {
                        scope.spawn(|| copies.iter().for_each(|copy| connection.copy_in(copy.clone())));
                    }
                });
            });
        }
        let rate = |times: &mut Times| (CLIENTS * BATCHES * 100) as f64 / median_s(times);
        tell("append 100 from four clients; multi-row insert", rate(&mut ours), rate(&mut bare), "events/s");
        tell("bare, 100 from four clients: COPY; insert", rate(&mut copied), rate(&mut bare), "events/s");
    }

    /// All events read as a rebuild does beside a COPY of the table.
    fn rebuild(&self, what: &str) {
        let count = self.bare.count("SELECT count(*) FROM wayfold.event_log") as f64;
        let (mut ours, mut bare) = (Times::default(), Times::default());
        for _ in 0..3 {
            let read = ours.time(|| self.scan());
            assert_eq!(read as f64, count, "every event is read");
            bare.time(|| self.bare.drain());
        }
        tell(
            &format!("read everything from {what}; COPY TO STDOUT"),
            count / median_s(&mut ours),
            count / median_s(&mut bare),
            "events/s",
        );
    }

    fn scan(&self) -> usize {
        let (mut after, mut read) = (Position::START, 0);
        loop {
            let scan = block_on(self.store.scan(after, 65_536, 1)).expect("the log can be read");
            let (position, is_last) = (scan.position, scan.is_last);
            let parts = scan.read().expect("a lane of what is in memory does not fail");
            read += parts.iter().map(|part| part.events().count()).sum::<usize>();
            after = position;
            if is_last {
                return read;
            }
        }
    }

    /// The engine opened, which folds the log; then the view of one customer, drawn uniformly.
    fn views(&self, workload: &Workload) {
        let mut open = Times::default();
        let wayfold = open.time(|| {
            let builder = Builder::new(Rules::default()).expect("the default rules are valid");
            let wayfold =
                builder.on_demand().open_blocking(self.store.clone()).expect("the log can be opened");
            wayfold.catch_up().expect("the log can be folded");
            wayfold
        });
        println!("{:55} {:>12.2} s", "read and fold everything", open.sum_s());
        let mut customers: Vec<CustomerKey> =
            workload.events.iter().map(|event| event.customer.clone()).collect();
        customers.sort_unstable();
        customers.dedup();
        let (mut random, mut times) = (Random::new(7), Times::default());
        for _ in 0..VIEWS {
            let key = &customers[random.below(customers.len() as u64) as usize];
            assert!(times.time(|| wayfold.customer(key)).expect("the log can be read").is_some());
        }
        let (middle, high) = (times.percentile_us(50), times.percentile_us(99));
        println!("{:55} {middle:>12.0} {high:>12.0} us, p50 p99", "one customer's view");
    }

    /// From the acknowledgement of a batch of 100 to a subscriber that has read it, with four clients at work.
    fn lag(&self) {
        let (ends, acknowledged) = (Instant::now() + LOAD, Mutex::new(Vec::new()));
        let begin = block_on(self.store.head()).expect("the log can be read");
        let (seen, acknowledged) = thread::scope(|scope| {
            let writers: Vec<_> = (0..CLIENTS)
                .map(|_| {
                    scope.spawn(|| {
                        while Instant::now() < ends {
                            let position = append(&self.store, self.source.batch(Ids::V7, 100));
                            acknowledged.lock().expect("nobody panics").push((position, Instant::now()));
                        }
                    })
                })
                .collect();
            let follower = scope.spawn(|| self.follow(begin, ends));
            writers.into_iter().for_each(|writer| writer.join().expect("a writer does not panic"));
            (
                follower.join().expect("a follower does not panic"),
                acknowledged.lock().expect("all have ended").clone(),
            )
        });
        let mut lags: Vec<f64> = acknowledged
            .iter()
            .filter_map(|(position, at)| {
                let (_, read) = seen.iter().find(|(head, _)| head >= position)?;
                Some(read.saturating_duration_since(*at).as_secs_f64() * 1e3)
            })
            .collect();
        lags.sort_by(f64::total_cmp);
        let (middle, high) = (lags[lags.len() / 2], lags[lags.len() * 99 / 100]);
        let what =
            format!("read after {:.0} events/s", acknowledged.len() as f64 * 100.0 / LOAD.as_secs_f64());
        println!("{what:55} {middle:>12.1} {high:>12.1} ms, p50 p99");
    }

    /// Reads as a subscriber does, and a while longer than is written; up to where it has read, and when.
    fn follow(&self, begin: Position, ends: Instant) -> Vec<(Position, Instant)> {
        let (mut from, mut seen) = (begin, Vec::new());
        while Instant::now() < ends + Duration::from_secs(1) {
            let page = block_on(self.store.read(ReadQuery::all(), from, 1_024)).expect("the log can be read");
            let last = page.batch.len().checked_sub(1).and_then(|last| page.batch.event(last).position());
            from = page.next.or(last).unwrap_or(from);
            seen.push((from, Instant::now()));
            if last.is_none() {
                thread::sleep(Duration::from_millis(1));
            }
        }
        seen
    }
}

//! Three worker processes over two databases, with writers on, while workers are killed, stopped for longer than their
//! leases and woken, and the server crashes: each acknowledged event is there once, what is answered is what the oracle
//! says, and nothing was written by who had lost its lease. The same where connections are cut amid commits, and a standby
//! takes over.
//!
//! Each lasts five seconds with writers on, and more until everything has been in the way; `WAYFOLD_TORTURE` makes it so many
//! times as long. The second is one run or several, each with servers of its own.

use std::collections::BTreeSet;
use std::io::Read as _;
use std::process::Child;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::Receiver;
use std::thread;
use std::time::{Duration, Instant};

use pollster::block_on;
use wayfold::cluster::{Cluster, Worked, WorkerConfig};
use wayfold::postgres::{PostgresConfig, PostgresStore};
use wayfold::{Builder, EventBatch, JourneyEvent, MemoryStore, Rules, Timestamp};
use wayfold_testkit::process::{self, PATIENCE};
use wayfold_testkit::shop::{Shop, ShopConfig};
use wayfold_testkit::{Case, Cut, PostgresServer, Proxy, Random, Standby, skip};

use crate::cluster::{assert_same, log_of, wait};
use crate::snapshots::compare;
use crate::spread::{Spread, length};

const TEST: &str = "cluster_faults::workers_are_killed_stopped_and_woken_and_every_answer_is_right";
const WORKERS: usize = 3;
const DATABASES: [&str; 2] = ["north", "south"];
const WRITERS: usize = 3;
/// So many at least, and so many more for each second.
const EVENTS: u64 = 6_000;
const EVENTS_PER_S: u64 = 400;
const BATCH: usize = 8;
const ROUNDS: usize = 3;
const LEASE_MS: u64 = 700;
/// Workers keep states after so many events of their shards of a database.
const KEPT_AFTER: u64 = 64;
/// Longer than a lease, so that others have taken over when a stopped worker is woken.
const STOPPED: Duration = Duration::from_millis(2 * LEASE_MS);
/// Writers wait so long after each batch, so that they are at work when a standby takes over.
const PAUSE: Duration = Duration::from_millis(4);

/// Notes of each checkpoint that a worker writes whether it is the one that holds the lease just then.
const WATCH: &str = "
    CREATE TABLE watched (held boolean NOT NULL);
    CREATE FUNCTION watch() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
        place text[] := string_to_array(NEW.name, '/');
    BEGIN
        IF place[2] = 'cluster' THEN
            INSERT INTO watched SELECT coalesce(split_part(worker, '/', 1) = current_setting('application_name'), false)
                FROM wayfold.lease WHERE states = place[3] AND shard = place[4]::int;
        END IF;
        RETURN NEW;
    END $$;
    CREATE TRIGGER watch AFTER INSERT OR UPDATE ON wayfold.checkpoint FOR EACH ROW EXECUTE FUNCTION watch();";

fn open(connections: &[String], name: &str, as_of: Timestamp) -> wayfold::Result<Cluster> {
    let database = |(number, connection): (usize, &String)| {
        let mut config = PostgresConfig::new(format!("{connection} application_name={name}"));
        (config.connect_timeout_ms, config.held_back_max_ms) = (30_000, 30_000);
        let store = block_on(PostgresStore::open(config))?.with_clock(|| Timestamp::MAX);
        Ok((format!("d{number}"), store))
    };
    let databases = connections.iter().enumerate().map(database).collect::<wayfold::Result<Vec<_>>>()?;
    block_on(Cluster::open(Builder::new(Rules::default())?.by_hand(as_of), databases))
}

/// Works until its input ends, and tells what it has done.
fn work(task: &str) {
    let mut fields = task.split('|').map(str::to_owned);
    let (name, as_of) = (fields.next().unwrap(), fields.next().unwrap());
    let (connections, as_of) = (fields.collect::<Vec<_>>(), Timestamp::parse(&as_of).unwrap());
    let cluster = loop {
        match open(&connections, &name, as_of) {
            Ok(cluster) => break cluster,
            Err(error) => assert!(error.is_retryable(), "{error}"),
        }
    };
    let config =
        WorkerConfig::default().with_name(name).with_lease_ms(LEASE_MS).with_snapshot_every(KEPT_AFTER);
    let worker = cluster.start_worker(&config).unwrap();
    let ends = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            let _ = std::io::stdin().read(&mut [0]);
            ends.store(true, Ordering::SeqCst);
        });
        while !ends.load(Ordering::SeqCst) {
            tell(&worker.worked());
            thread::sleep(Duration::from_millis(20));
        }
    });
    worker.close().unwrap();
    process::say("closed");
}

fn tell(worked: &Worked) {
    let Worked { restored, events, snapshots, handed_over, lost, .. } = worked;
    process::say(&format!("{restored} {events} {snapshots} {handed_over} {lost}"));
}

/// A worker in a process of its own.
struct Process {
    child: Child,
    lines: Receiver<String>,
    /// What it has told last.
    worked: [u64; 5],
}

impl Process {
    fn start(name: &str, as_of: Timestamp, connections: &[String]) -> Self {
        let mut child = process::spawn(TEST, &format!("{name}|{as_of}|{}", connections.join("|")));
        let lines = process::lines_of(&mut child);
        Self { child, lines, worked: [0; 5] }
    }

    fn hear(&mut self) {
        while let Ok(line) = self.lines.try_recv() {
            self.note(&line);
        }
    }

    fn note(&mut self, line: &str) {
        for (count, text) in self.worked.iter_mut().zip(line.split(' ')) {
            *count = text.parse().unwrap();
        }
    }

    fn kill(mut self, sum: &mut [u64; 5]) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.end(sum);
    }

    /// Lets it hand over and end.
    fn close(mut self, sum: &mut [u64; 5]) {
        drop(self.child.stdin.take());
        loop {
            let line = self.lines.recv_timeout(PATIENCE).expect("it closes");
            if line == "closed" {
                break;
            }
            self.note(&line);
        }
        assert!(self.child.wait().unwrap().success());
        self.end(sum);
    }

    fn end(mut self, sum: &mut [u64; 5]) {
        self.hear();
        sum.iter_mut().zip(self.worked).for_each(|(sum, count)| *sum += count);
    }
}

#[derive(Debug, Default)]
struct Told {
    failed: AtomicUsize,
    unknown: AtomicUsize,
}

/// Appends until all parts are acknowledged, the same events whatever the errors say.
fn append_surely(cluster: &Cluster, batch: &EventBatch, told: &Told) {
    loop {
        let mut is_done = true;
        for outcome in block_on(cluster.append_each(batch)).into_values() {
            if let Err(error) = outcome {
                assert!(error.is_retryable(), "{error}");
                is_done = false;
                told.failed.fetch_add(1, Ordering::Relaxed);
                told.unknown.fetch_add(usize::from(error.is_outcome_unknown()), Ordering::Relaxed);
            }
        }
        if is_done {
            return;
        }
    }
}

#[derive(Debug, Default)]
struct Met {
    killed: usize,
    stopped: usize,
    crashes: usize,
}

/// Kills one worker, stops another for longer than its lease, and crashes the server, again and again.
fn hinder(
    server: &mut PostgresServer,
    workers: &mut [Process],
    start: impl Fn(usize) -> Process,
    sum: &mut [u64; 5],
    is_over: impl Fn() -> bool,
) -> Met {
    let (mut met, mut random, mut started) = (Met::default(), Random::new(5), WORKERS);
    while !is_over() || met.killed < ROUNDS {
        thread::sleep(Duration::from_millis(random.below(LEASE_MS)));
        let stopped = random.index(WORKERS);
        process::freeze(&workers[stopped].child);
        let killed = (stopped + 1 + random.index(WORKERS - 1)) % WORKERS;
        std::mem::replace(&mut workers[killed], start(started)).kill(sum);
        if met.killed % 2 == 1 {
            server.crash();
            met.crashes += 1;
        }
        thread::sleep(STOPPED);
        process::wake(&workers[stopped].child);
        (met.killed, met.stopped, started) = (met.killed + 1, met.stopped + 1, started + 1);
        workers.iter_mut().for_each(Process::hear);
    }
    met
}

/// How many writes were of who held a lease then, or was not.
fn count_watched(server: &PostgresServer, connections: &[String], held: &str) -> u64 {
    let count = format!("SELECT count(*) FROM watched WHERE held = {held}");
    let counts = connections.iter().map(|connection| server.run_sql(connection, &count));
    counts.map(|count| count.trim().parse::<u64>().unwrap()).sum()
}

/// Each event once, in the one database that has its customer, and every answer is the oracle's, while workers work and
/// when they have handed over; how many events there are.
fn assert_right(
    cluster: &Cluster,
    events: &[JourneyEvent],
    as_of: Timestamp,
    watched: &dyn Fn(&str) -> u64,
    workers: Vec<Process>,
    sum: &mut [u64; 5],
) -> usize {
    let log = log_of(cluster);
    let ids =
        |events: &[JourneyEvent]| events.iter().map(|event| event.id.as_u128()).collect::<BTreeSet<_>>();
    assert!(ids(&log) == ids(events), "what was acknowledged stands");
    assert_eq!(log.len(), ids(events).len(), "and once");
    let store = MemoryStore::new().with_clock(|| Timestamp::MAX);
    let single = block_on(Builder::new(Rules::default()).unwrap().by_hand(as_of).open(store)).unwrap();
    block_on(single.append(events)).unwrap();
    compare(0, &Case { seed: 42, events: vec![], rules: Rules::default(), as_of }, &single, as_of);
    assert_eq!(watched("false"), 0, "nobody writes without a lease");
    let unkept_max = KEPT_AFTER * (WORKERS * DATABASES.len()) as u64;
    let view = || block_on(cluster.view(as_of)).unwrap();
    assert_same(&view(), &single, "while workers work");
    wait("all but the last events are kept", || view().folded() < unkept_max);
    workers.into_iter().for_each(|worker| worker.close(sum));
    let after = view();
    assert_same(&after, &single, "when all have handed over");
    assert!(after.restored() == 256 && after.folded() < unkept_max);
    log.len()
}

#[test]
fn workers_are_killed_stopped_and_woken_and_every_answer_is_right() {
    if let Some(task) = process::task() {
        return work(&task);
    }
    let test = "workers_are_killed_stopped_and_woken_and_every_answer_is_right";
    if !PostgresServer::is_installed() {
        return skip(test, PostgresServer::MISSING);
    }
    let mut server = PostgresServer::start(env!("CARGO_TARGET_TMPDIR"));
    let connections = DATABASES.map(|name| server.make_database(name)).to_vec();
    let shop = Shop::new(ShopConfig::of(EVENTS + EVENTS_PER_S * length().as_secs()));
    let (events, as_of): (Vec<JourneyEvent>, _) = (shop.events().collect(), shop.end());
    let batches: Vec<EventBatch> =
        events.chunks(BATCH).map(|events| EventBatch::from_events(events).unwrap()).collect();
    let cluster = open(&connections, "service", as_of).unwrap();
    connections.iter().for_each(|connection| drop(server.run_sql(connection, WATCH)));

    let start = |number: usize| Process::start(&format!("w{number}"), as_of, &connections);
    let (mut workers, mut sum) = ((0..WORKERS).map(start).collect::<Vec<_>>(), [0; 5]);
    let (told, spread, began) =
        (Told::default(), Spread::new(&batches, EVENTS as usize / BATCH), Instant::now());
    let met = thread::scope(|scope| {
        let write = || {
            while let Some(batch) = spread.next() {
                append_surely(&cluster, batch, &told);
            }
        };
        let writers: Vec<_> = (0..WRITERS).map(|_| scope.spawn(write)).collect();
        let is_over = || writers.iter().all(|writer| writer.is_finished());
        hinder(&mut server, &mut workers, start, &mut sum, is_over)
    });
    let seconds = began.elapsed().as_secs();

    let watched = |held: &str| count_watched(&server, &connections, held);
    let sent: Vec<JourneyEvent> = events.chunks(BATCH).take(spread.sent()).flatten().cloned().collect();
    let events_there = assert_right(&cluster, &sent, as_of, &watched, workers, &mut sum);
    let (under_lease, without) = (watched("true"), watched("false"));
    let [restored, folded, snapshots, handed_over, lost] = sum;
    println!(
        "{} events acknowledged in {seconds} s; {met:?}, {told:?}; workers restored {restored} shards, folded {folded} \
         events, kept states {snapshots} times, handed over {handed_over} shards, were refused {lost} times; \
         {under_lease} writes under a lease, {without} without",
        events_there
    );
    assert_eq!(without, 0, "nobody writes without a lease");
    assert!(met.killed >= ROUNDS && under_lease > 500 && restored > 0, "nothing was in the way");
}

/// A commit is acknowledged by two of three servers.
const SETTINGS: [&str; 2] =
    ["synchronous_standby_names=ANY 1 (one, two)", "wal_retrieve_retry_interval=20ms"];

/// How long it runs before a standby takes over, at least.
const RUN: Duration = Duration::from_millis(1_500);

/// Kills a worker for another one.
fn replace(workers: &mut [Process], number: usize, start: impl Fn(usize) -> Process, sum: &mut [u64; 5]) {
    std::mem::replace(&mut workers[number % WORKERS], start(WORKERS + number)).kill(sum);
}

/// What one run met: events, cuts, tries that failed, and of those with an unknown outcome.
type Figures = [u64; 4];

/// Writers and workers go on through the one server that dies and the other one that takes over, by connections that are
/// cut; each run has servers of its own.
fn run_through_a_failover() -> Figures {
    let first = PostgresServer::start_with(env!("CARGO_TARGET_TMPDIR"), &SETTINGS);
    let standbys = ["one", "two"].map(|name| Standby { name, server: first.standby(name, &SETTINGS) });
    let proxies =
        [&first, &standbys[0].server, &standbys[1].server].map(|server| Proxy::start(server.socket()));
    DATABASES.iter().for_each(|name| drop(first.make_database(name)));
    let ports = proxies.iter().map(|proxy| proxy.port().to_string()).collect::<Vec<_>>().join(",");
    let connections = DATABASES
        .map(|name| {
            format!(
                "host=127.0.0.1,127.0.0.1,127.0.0.1 port={ports} user=postgres dbname={name} \
                 target_session_attrs=read-write"
            )
        })
        .to_vec();
    let shop = Shop::new(ShopConfig::of(EVENTS / 2));
    let (events, as_of): (Vec<JourneyEvent>, _) = (shop.events().collect(), shop.end());
    let batches: Vec<EventBatch> =
        events.chunks(BATCH).map(|events| EventBatch::from_events(events).unwrap()).collect();
    let cluster = open(&connections, "service", as_of).unwrap();
    let direct = |server: &PostgresServer| {
        DATABASES.map(|name| server.connection().replace("dbname=postgres", &format!("dbname={name}")))
    };
    direct(&first).iter().for_each(|connection| drop(first.run_sql(connection, WATCH)));

    let start = |number: usize| Process::start(&format!("w{number}"), as_of, &connections);
    let (mut workers, mut sum) = ((0..WORKERS).map(start).collect::<Vec<_>>(), [0; 5]);
    let (told, next) = (Told::default(), AtomicUsize::new(0));
    proxies.iter().for_each(|proxy| proxy.cut(Cut::Often));
    let standbys = thread::scope(|scope| {
        let write = || {
            while let Some(batch) = batches.get(next.fetch_add(1, Ordering::Relaxed)) {
                append_surely(&cluster, batch, &told);
                thread::sleep(PAUSE);
            }
        };
        let writers: Vec<_> = (0..WRITERS).map(|_| scope.spawn(write)).collect();
        thread::sleep(RUN);
        replace(&mut workers, 0, start, &mut sum);
        let standbys = Standby::fail_over(first, standbys);
        assert!(next.load(Ordering::Relaxed) < batches.len(), "writers are at work when it takes over");
        thread::sleep(RUN);
        replace(&mut workers, 1, start, &mut sum);
        while !writers.iter().all(|writer| writer.is_finished()) {
            workers.iter_mut().for_each(Process::hear);
            thread::sleep(Duration::from_millis(20));
        }
        standbys
    });
    proxies.iter().for_each(|proxy| proxy.cut(Cut::Nothing));
    let server = &standbys[0].server;
    let watched = |held: &str| count_watched(server, &direct(server), held);
    let there = assert_right(&cluster, &events, as_of, &watched, workers, &mut sum);
    let [restored, folded, snapshots, handed_over, lost] = sum;
    let cuts = proxies.iter().map(Proxy::cuts).sum();
    println!(
        "{there} events acknowledged, {cuts} cuts, {told:?}, {} took over; workers restored {restored} shards, folded {folded} \
         events, kept states {snapshots} times, handed over {handed_over} shards, were refused {lost} times; {} writes \
         under a lease",
        standbys[0].name,
        watched("true")
    );
    assert!(cuts > 0 && restored > 0 && watched("true") > 0, "nothing was in the way");
    let [failed, unknown] = [&told.failed, &told.unknown].map(|count| count.load(Ordering::Relaxed) as u64);
    [there as u64, cuts, failed, unknown]
}

#[test]
fn workers_go_on_where_connections_are_cut_and_a_standby_takes_over() {
    if !PostgresServer::is_installed() {
        let test = "workers_go_on_where_connections_are_cut_and_a_standby_takes_over";
        return skip(test, PostgresServer::MISSING);
    }
    let (began, mut failovers, mut figures) = (Instant::now(), 0, [0; 4]);
    while failovers == 0 || began.elapsed() < length() {
        figures.iter_mut().zip(run_through_a_failover()).for_each(|(sum, count)| *sum += count);
        failovers += 1;
    }
    let [events, cuts, failed, unknown] = figures;
    println!(
        "{failovers} failovers in {} s: {events} events acknowledged, {cuts} cuts, {failed} tries failed, {unknown} of them \
         with an unknown outcome",
        began.elapsed().as_secs()
    );
    assert!(failed > 0, "nobody noticed");
}

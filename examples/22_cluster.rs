//! Keep customers in two databases, and let three worker processes share them: one is killed, and nobody misses it.
//!
//! `cargo run --example 22_cluster --features cluster` starts a throw-away PostgreSQL server with two databases where one
//! is installed. With `-- "host=.. dbname=north .." "host=.. dbname=south .."` it uses those, and leaves the events there.

use std::io::Read as _;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use pollster::block_on;
use wayfold::cluster::{Cluster, WorkerConfig};
use wayfold::postgres::{PostgresConfig, PostgresStore};
use wayfold::{
    Builder, Currency, CustomerKey, EventBatch, EventId, JourneyEvent, MemoryStore, Money, OrderPlaced,
    Rules, Span, Tag, Tenant, Timestamp,
};
use wayfold_testkit::PostgresServer;

const CUSTOMERS: u32 = 500;
const ORDERS: u32 = 5_000;
/// As of when everything is asked.
const MAY: &str = "2024-05-01";
const LEASE_MS: u64 = 1_000;
/// Workers keep states after so many events of their shards of a database.
const KEPT_AFTER: u64 = 200;

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["worker", north, south] => work([north, south]),
        [north, south] => run([north, south]),
        _ => {
            let folder = std::env::temp_dir().join("wayfold-22-cluster");
            let Some(server) = PostgresServer::for_test(folder, "22_cluster") else { return Ok(()) };
            let [north, south] = ["north", "south"].map(|name| server.make_database(name));
            run([&north, &south])
        }
    }
}

fn open([north, south]: [&str; 2]) -> anyhow::Result<Cluster> {
    let store = |connection| block_on(PostgresStore::open(PostgresConfig::new(connection)));
    let builder = Builder::new(Rules::default())?.by_hand(Timestamp::parse(MAY)?);
    Ok(block_on(Cluster::open(builder, [("north", store(north)?), ("south", store(south)?)]))?)
}

/// A worker process: it works until its input ends.
fn work(databases: [&str; 2]) -> anyhow::Result<()> {
    let config = WorkerConfig::default().with_lease_ms(LEASE_MS).with_snapshot_every(KEPT_AFTER);
    let worker = open(databases)?.start_worker(&config)?;
    std::io::stdin().read_to_end(&mut Vec::new())?;
    println!("  {}: {:?}", worker.name(), worker.worked());
    Ok(worker.close()?)
}

fn start_worker(databases: [&str; 2]) -> anyhow::Result<Child> {
    let mut program = Command::new(std::env::current_exe()?);
    Ok(program.arg("worker").args(databases).stdin(Stdio::piped()).spawn()?)
}

fn run(databases: [&str; 2]) -> anyhow::Result<()> {
    let cluster = open(databases)?;
    let (may, tenant) = (Timestamp::parse(MAY)?, Tenant::default());

    println!("Three workers share 256 shards of two databases, while {ORDERS} orders come in.");
    let mut workers = (0..3).map(|_| start_worker(databases)).collect::<anyhow::Result<Vec<_>>>()?;
    let orders = (0..ORDERS).map(order).collect::<anyhow::Result<Vec<_>>>()?;
    for (number, orders) in orders.chunks(100).enumerate() {
        for (database, outcome) in block_on(cluster.append_each(&EventBatch::from_events(orders)?)) {
            let _ = outcome.with_context(|| format!("append to {database}"))?;
        }
        if number == 20 {
            println!("One is killed.");
            let mut killed = workers.swap_remove(0);
            let outcome = killed.kill();
            killed.wait()?;
            outcome?;
        }
    }

    println!("When its leases have run out, the others have its shards. Then they go home:");
    while block_on(cluster.view(may))?.folded() >= 4 * KEPT_AFTER {
        sleep(Duration::from_millis(LEASE_MS / 4));
    }
    for mut worker in workers {
        drop(worker.stdin.take());
        ensure!(worker.wait()?.success(), "a worker hands over");
    }
    let began = Instant::now();
    let view = block_on(cluster.view(may))?;
    println!(
        "All customers in {:.0?}: {} shards from kept states, {} events besides, up to {:?}.",
        began.elapsed(),
        view.restored(),
        view.folded(),
        view.positions()
    );
    let population = view.population(&tenant)?;
    for (stage, customers) in &population.summary().lifecycle {
        println!("  {customers:>4} {stage}");
    }

    let single = block_on(Builder::new(Rules::default())?.by_hand(may).open(MemoryStore::new()))?;
    block_on(single.append(&orders))?;
    assert_eq!(population, block_on(single.population(may))?, "as one engine over one log says");
    assert!(view.export()? == block_on(single.export())?, "to the byte");
    assert_eq!(view.restored(), 256, "it is the workers' work");

    let ada = customer(7)?;
    let alone = block_on(cluster.customer_as_of(&ada, may))?.context("she has bought")?;
    println!("{} stands in {} with {} events.", alone.key, cluster.database(&ada), alone.events);
    Ok(())
}

fn customer(number: u32) -> anyhow::Result<CustomerKey> {
    Ok(CustomerKey::new(format!("c{}", number % CUSTOMERS))?)
}

fn order(number: u32) -> anyhow::Result<JourneyEvent> {
    let name = format!("o{number}");
    let placed = OrderPlaced { lines: vec![], amount: Money::parse("20", Currency::EUR)?, promised_at: None };
    // Some customers buy for the last time in autumn.
    let at = Timestamp::parse("2023-06-01")? + Span::from_days(number % 300 / (1 + number % 3));
    let id = EventId::from_natural_key("shop", "order", &[&name]);
    Ok(JourneyEvent::new(id, customer(number)?, at, placed).with_tag(Tag::order(name)?))
}

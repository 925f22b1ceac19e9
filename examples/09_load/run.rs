//! A load from its beginning to its end.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use tokio::runtime::Runtime;
use tokio::sync::watch;
use wayfold::Place;

use crate::caller::Caller;
use crate::check;
use crate::connection::Connection;
use crate::listener::{Heard, Listener};
use crate::people::People;
use crate::server::Server;
use crate::table;
use crate::tally::{Kind, Tally};

/// So many connections that ask come to one that listens.
const CALLERS_PER_LISTENER: usize = 8;

/// What is to be done.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plan {
    pub(crate) length: Length,
    pub(crate) connections: usize,
    /// The service is killed half way.
    pub(crate) kill: bool,
}

/// How long it goes on.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Length {
    Requests(u64),
    Time(Duration),
}

impl Length {
    fn customers(self) -> usize {
        match self {
            Self::Requests(_) => 400,
            Self::Time(_) => 10_000,
        }
    }
}

/// How far it has come.
pub(crate) struct Progress {
    length: Length,
    start: Instant,
    asked: AtomicU64,
}

impl Progress {
    fn begin(length: Length) -> Self {
        Self { length, start: Instant::now(), asked: AtomicU64::new(0) }
    }

    /// Says whether one more thing is asked.
    pub(crate) fn goes_on(&self) -> bool {
        let asked = self.asked.fetch_add(1, Ordering::SeqCst);
        match self.length {
            Length::Requests(requests) => asked < requests,
            Length::Time(time) => self.start.elapsed() < time,
        }
    }

    fn is_half_way(&self) -> bool {
        match self.length {
            Length::Requests(requests) => self.asked.load(Ordering::SeqCst) > requests / 2,
            Length::Time(time) => self.start.elapsed() > time / 2,
        }
    }
}

/// What came of it.
struct Outcome {
    tally: Tally,
    /// What each listener heard, and up to where.
    heard: Vec<(Place, Heard)>,
}

/// Starts a service over a file that is thrown away, asks, stops it, and checks the log.
pub(crate) fn with_a_service(runtime: &Runtime, plan: &Plan) -> Result<()> {
    let folder = std::env::temp_dir().join(format!("wayfold-09-load-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let checked = over(runtime, plan, &format!("sqlite:{}", folder.join("customers.wayfold").display()));
    std::fs::remove_dir_all(&folder)?;
    checked
}

/// Asks a service that runs already; its log is not looked at.
pub(crate) fn against(runtime: &Runtime, plan: &Plan, address: SocketAddr) -> Result<()> {
    let (_, address) = watch::channel(address);
    let outcome = under_load(runtime, plan, &address, || Ok(()))?;
    no_errors(&outcome.tally)
}

/// The same over the log that a store URL names.
pub(crate) fn over(runtime: &Runtime, plan: &Plan, store: &str) -> Result<()> {
    let mut server = Server::start(store)?;
    let (moved, address) = watch::channel(server.address);
    let outcome = under_load(runtime, plan, &address, || {
        if plan.kill {
            server.kill_and_start(store)?;
            moved.send_replace(server.address);
        }
        Ok(())
    })?;
    server.interrupt()?;
    check::log(store, &outcome.tally, outcome.heard)?;
    no_errors(&outcome.tally)
}

fn under_load(
    runtime: &Runtime,
    plan: &Plan,
    address: &watch::Receiver<SocketAddr>,
    half_way: impl FnOnce() -> Result<()>,
) -> Result<Outcome> {
    let people = Arc::new(People::new(plan.length.customers()));
    let caller = |seed| Caller::new(Connection::new(address.clone(), plan.kill), people.clone(), seed);
    let listener = |_| Listener::begin(address.clone(), plan.kill, people.clone());
    let mut listeners =
        (0..plan.connections.div_ceil(CALLERS_PER_LISTENER)).map(listener).collect::<Result<Vec<_>>>()?;
    let mut tally = runtime.block_on(caller(0).begin())?;
    for listener in &mut listeners {
        listener.hear_up_to("begun")?;
    }
    let listeners: Vec<_> =
        listeners.into_iter().map(|listener| thread::spawn(|| listener.hear_all("ended"))).collect();

    let progress = Arc::new(Progress::begin(plan.length));
    let callers: Vec<_> =
        (1..=plan.connections as u64).map(|seed| runtime.spawn(caller(seed).ask(progress.clone()))).collect();
    while !progress.is_half_way() && !callers.iter().all(tokio::task::JoinHandle::is_finished) {
        thread::sleep(Duration::from_millis(1));
    }
    half_way()?;
    for caller in callers {
        tally.add(runtime.block_on(caller)?);
    }
    let elapsed = progress.start.elapsed();
    tally.add(runtime.block_on(caller(0).mark("ended"))?);
    let heard = hear_the_end(listeners, &mut tally);
    tell(plan, &tally, &heard, elapsed);
    Ok(Outcome { tally, heard })
}

fn hear_the_end(
    listeners: Vec<thread::JoinHandle<Result<(Place, Heard)>>>,
    tally: &mut Tally,
) -> Vec<(Place, Heard)> {
    let mut heard = Vec::new();
    for listener in listeners {
        match listener.join().expect("a listener does not panic") {
            Ok((place, listened)) => heard.push((place, listened)),
            Err(error) => tally.error(format!("{error:#}")),
        }
    }
    for (_, listened) in &heard {
        tally.latencies.entry(Kind::Notice).or_default().extend(&listened.delays);
    }
    heard
}

fn tell(plan: &Plan, tally: &Tally, heard: &[(Place, Heard)], elapsed: Duration) {
    let killed = if plan.kill { ", the service killed half way" } else { "" };
    println!("\n{} connections, {} listeners{killed}", plan.connections, heard.len());
    table::print(tally, elapsed);
    println!(
        "acknowledged: {} events, {} redemptions ({} refused); asked again after the kill: {}",
        tally.recorded.len(),
        tally.redeemed.len(),
        tally.refused.len(),
        tally.asked_again
    );
    for (error, count) in &tally.errors {
        println!("went wrong, {count} times: {error}");
    }
    for (_, heard) in heard {
        let (deliveries, holds) = (heard.deliveries, heard.holds.len());
        println!(
            "a listener heard {deliveries} deliveries: {holds} notices hold, {} withdrawn",
            heard.withdrawn
        );
    }
}

fn no_errors(tally: &Tally) -> Result<()> {
    let errors: u64 = tally.errors.values().sum();
    ensure!(errors == 0, "{errors} requests or listeners went wrong");
    println!("no errors");
    Ok(())
}

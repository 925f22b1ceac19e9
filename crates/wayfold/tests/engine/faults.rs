//! Two instances of a service over PostgreSQL, while the disk is full, the server crashes, also amid rebuilds, and
//! connections are cut: nothing that was acknowledged is missing, and what they say is what the oracle says.
//!
//! The run lasts five seconds with writers on, and more until everything has been in the way; `WAYFOLD_TORTURE` makes it so
//! many times as long.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use pollster::block_on;
use wayfold::postgres::{PostgresConfig, PostgresStore};
use wayfold::store::EventStoreExt;
use wayfold::{Builder, EventBatch, EventFilter, JourneyEvent, Rules, Timestamp, Wayfold};
use wayfold_testkit::shop::{Shop, ShopConfig};
use wayfold_testkit::{Case, Cut, PostgresServer, Proxy, Random, skip};

use crate::snapshots::compare;
use crate::spread::{Spread, length};

const WRITERS: usize = 4;
/// So many at least, and so many more for each second.
const EVENTS: u64 = 6_000;
const EVENTS_PER_S: u64 = 400;
/// So many are appended at once.
const BATCH: usize = 8;
/// The server crashes so often.
const CRASH: Duration = Duration::from_millis(1_000);
/// What the server writes ahead fits, and some of the events.
const ROOM: u64 = (1 << 20) + 512;

/// What the writers met.
#[derive(Debug, Default)]
struct Told {
    failed: AtomicUsize,
    unknown: AtomicUsize,
    /// Events that stood already: they arrive twice, or an earlier try, of unknown outcome, had written them.
    taken: AtomicUsize,
}

/// What stood in the way, and how often the worker did its work all the same.
#[derive(Debug, Default)]
struct Met {
    crashes: usize,
    /// Crashes while a rebuild ran, which had not taken over when the server was back.
    crashes_in_rebuilds: usize,
    swaps: usize,
    swaps_failed: usize,
    restarts: usize,
    restarts_failed: usize,
    /// Rebuilds that a new instance went on with.
    resumed: usize,
}

/// What the worker and who crashes the server know of each other.
#[derive(Debug, Default)]
struct AtWork {
    /// How many rebuilds were begun.
    rebuilds: AtomicUsize,
    /// The number of the one that runs, and 0 where none does.
    running: AtomicUsize,
    /// The last that has taken over.
    swapped: AtomicUsize,
    /// The last into which a crash fell.
    crashed: AtomicUsize,
    /// Nobody writes any more.
    is_over: AtomicBool,
}

impl AtWork {
    /// Crashes the server; says whether that fell into a rebuild.
    fn crash(&self, server: &mut PostgresServer) -> bool {
        let running = self.running.load(Ordering::SeqCst);
        server.crash();
        let is_amid = running > 0 && self.swapped.load(Ordering::SeqCst) < running;
        if is_amid {
            self.crashed.store(running, Ordering::SeqCst);
        }
        is_amid
    }

    /// Waits until the server has crashed amid the rebuild that runs.
    fn wait_for_a_crash(&self) {
        while self.crashed.load(Ordering::SeqCst) < self.running.load(Ordering::SeqCst) {
            thread::sleep(Duration::from_millis(1));
        }
    }
}

/// An instance whose store waits for a server that is not there.
fn try_open(proxy: &Proxy, rules: &Rules, as_of: Timestamp) -> wayfold::Result<Wayfold> {
    let mut config = PostgresConfig::new(proxy.connection()).with_held_back_max_ms(30_000);
    config.connect_timeout_ms = 30_000;
    let store = block_on(PostgresStore::open(config))?.with_clock(|| Timestamp::MAX);
    block_on(Builder::new(rules.clone())?.with_threads(2).by_hand(as_of).open(store))
}

/// Appends until it is acknowledged, the same events whatever the error says.
fn append_surely(wayfold: &Wayfold, events: &[JourneyEvent], told: &Told) {
    loop {
        match block_on(wayfold.append(events)) {
            Ok(appended) => {
                told.taken.fetch_add(events.len() - appended.new, Ordering::Relaxed);
                return;
            }
            Err(error) => {
                assert!(error.is_retryable(), "{error}");
                told.failed.fetch_add(1, Ordering::Relaxed);
                told.unknown.fetch_add(usize::from(error.is_outcome_unknown()), Ordering::Relaxed);
            }
        }
    }
}

/// Appends batches until the disk is full; what did not fit, and what comes behind it.
fn fill<'a>(wayfold: &Wayfold, batches: &[&'a [JourneyEvent]]) -> Vec<&'a [JourneyEvent]> {
    let fits = |batch: &&&[JourneyEvent]| match block_on(wayfold.append(**batch)) {
        Ok(_) => true,
        Err(error) => {
            assert!(error.is_retryable() && !error.is_outcome_unknown(), "{error}");
            false
        }
    };
    let count = batches.iter().take_while(fits).count();
    assert!(0 < count && count < batches.len(), "{count} of {} fit", batches.len());
    batches[count..].to_vec()
}

/// Crashes the server again and again, until the writers and the worker are done; how often, and how often amid a rebuild.
fn hinder(
    server: &mut PostgresServer,
    at_work: &AtWork,
    (no_writer, no_worker): (impl Fn() -> bool, impl Fn() -> bool),
) -> (usize, usize) {
    let (mut crashes, mut amid) = (0, 0);
    while !no_worker() {
        thread::sleep(CRASH);
        amid += usize::from(at_work.crash(server));
        crashes += 1;
        at_work.is_over.store(no_writer(), Ordering::SeqCst);
    }
    (crashes, amid)
}

/// An instance that rebuilds under other rules, and starts again between and amid its rebuilds.
struct Worker<'a, R> {
    wayfold: Wayfold,
    reopen: R,
    at_work: &'a AtWork,
    random: Random,
    met: Met,
}

impl<R: Fn(&Rules) -> wayfold::Result<Wayfold>> Worker<'_, R> {
    fn work(mut self) -> (Wayfold, Met) {
        let at_work = self.at_work;
        let is_over = || at_work.is_over.load(Ordering::SeqCst);
        // A cut may spoil each of a few tries.
        while !is_over() || [self.met.swaps, self.met.restarts, self.met.resumed].contains(&0) {
            let number = at_work.rebuilds.fetch_add(1, Ordering::SeqCst) + 1;
            at_work.running.store(number, Ordering::SeqCst);
            let swapped = self.rebuild();
            if swapped.is_ok() {
                at_work.swapped.store(number, Ordering::SeqCst);
            }
            at_work.running.store(0, Ordering::SeqCst);
            count(swapped, &mut self.met.swaps, &mut self.met.swaps_failed);
            let restarted = self.restart();
            count(restarted, &mut self.met.restarts, &mut self.met.restarts_failed);
        }
        (self.wayfold, self.met)
    }

    fn restart(&mut self) -> wayfold::Result<()> {
        self.wayfold = (self.reopen)(&self.wayfold.rules())?;
        Ok(())
    }

    /// Rebuilds and swaps. The first that comes so far waits until the server has crashed amid it, and the instance is another one
    /// then; what becomes of the others is left to chance.
    fn rebuild(&mut self) -> wayfold::Result<()> {
        let mut rules = self.wayfold.rules();
        rules.lifecycle.churned_after_days = self.random.between(20, 400) as u32;
        rules.version = format!("{:?}", rules.lifecycle);
        let begin =
            |wayfold: &Wayfold| block_on(wayfold.rebuild(Builder::new(rules.clone())?.with_threads(2)));
        let mut rebuild = begin(&self.wayfold)?;
        while block_on(rebuild.step())? {}
        if self.at_work.crashed.load(Ordering::SeqCst) == 0 {
            self.at_work.wait_for_a_crash();
        }
        if self.met.resumed == 0 || self.random.percent(25) {
            block_on(rebuild.keep())?;
            let kept = block_on(rebuild.progress());
            drop(rebuild);
            self.restart()?;
            rebuild = begin(&self.wayfold)?;
            let found = block_on(rebuild.progress());
            assert_eq!((found.events, found.position), (kept.events, kept.position), "what was kept is gone");
            self.met.resumed += 1;
        }
        block_on(rebuild.swap())
    }
}

/// Counts what was done, and what a fault has spoiled.
fn count(result: wayfold::Result<()>, done: &mut usize, failed: &mut usize) {
    match result {
        Ok(()) => *done += 1,
        Err(error) => {
            assert!(error.is_retryable(), "{error}");
            *failed += 1;
        }
    }
}

fn ids<'a>(events: impl IntoIterator<Item = &'a JourneyEvent>) -> Vec<u128> {
    let mut ids: Vec<u128> = events.into_iter().map(|event| event.id.as_u128()).collect();
    ids.sort_unstable();
    ids
}

#[test]
fn live_views_are_the_oracles_through_a_full_disk_crashes_and_cuts() {
    let test = "live_views_are_the_oracles_through_a_full_disk_crashes_and_cuts";
    if !PostgresServer::is_installed() {
        return skip(test, PostgresServer::MISSING);
    }
    let mut server = PostgresServer::start_with_room(env!("CARGO_TARGET_TMPDIR"), ROOM);
    let proxy = Proxy::start(server.socket());
    let shop = Shop::new(ShopConfig::of(EVENTS + EVENTS_PER_S * length().as_secs()));
    let (events, as_of): (Vec<JourneyEvent>, _) = (shop.events().collect(), shop.end());
    let batches: Vec<&[JourneyEvent]> = events.chunks(BATCH).collect();
    let open = |rules: &Rules| try_open(&proxy, rules, as_of);

    let service = open(&Rules::default()).unwrap();
    let worker = open(&Rules::default()).unwrap();
    let rest = fill(&service, &batches);
    proxy.cut(Cut::Often);
    let filled = batches.len() - rest.len();
    let least = (EVENTS as usize / BATCH).saturating_sub(filled);
    let (told, spread, began) = (Told::default(), Spread::new(&rest, least), Instant::now());
    let at_work = AtWork::default();
    let worker = Worker {
        wayfold: worker,
        reopen: open,
        at_work: &at_work,
        random: Random::new(7),
        met: Met::default(),
    };
    let (worker, met) = thread::scope(|scope| {
        let write = || {
            while let Some(batch) = spread.next() {
                append_surely(&service, batch, &told);
            }
        };
        let writers: Vec<_> = (0..WRITERS).map(|_| scope.spawn(write)).collect();
        let worker = scope.spawn(|| worker.work());
        let no_writer = || writers.iter().all(|writer| writer.is_finished());
        let (crashes, amid) = hinder(&mut server, &at_work, (no_writer, || worker.is_finished()));
        let (worker, met) = worker.join().unwrap();
        (worker, Met { crashes, crashes_in_rebuilds: amid, ..met })
    });
    proxy.cut(Cut::Nothing);
    let seconds = began.elapsed().as_secs();

    let sent = batches[..filled + spread.sent()].concat();
    let mut acknowledged = ids(&sent);
    acknowledged.dedup();
    println!(
        "{} events acknowledged; in {seconds} s {} cuts, {met:?}, {told:?}",
        acknowledged.len(),
        proxy.cuts()
    );
    let log = block_on(service.store().read_all(EventFilter::all())).unwrap();
    let log: Vec<JourneyEvent> = log.iter().flat_map(EventBatch::to_events).collect();
    assert!(ids(&log) == acknowledged, "what was acknowledged stands once");
    for wayfold in [service, worker] {
        let case = Case { seed: 42, events: vec![], rules: wayfold.rules(), as_of };
        compare(case.seed, &case, &wayfold, as_of);
    }
    assert!(met.crashes > 0 && proxy.cuts() > 0, "nothing was in the way");
    assert!(met.crashes_in_rebuilds > 0, "no crash fell into a rebuild");
}

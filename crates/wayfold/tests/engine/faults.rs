//! Two instances of a service over PostgreSQL, while the disk is full, the server crashes and connections are cut: nothing
//! that was acknowledged is missing, and what they say is what the oracle says.
//!
//! The run lasts five seconds with writers on, and more until everything has been in the way; `WAYFOLD_TORTURE` makes it so
//! many times as long.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use pollster::block_on;
use wayfold::postgres::{PostgresConfig, PostgresStore};
use wayfold::store::EventStoreExt;
use wayfold::{Builder, EventBatch, EventFilter, JourneyEvent, Rules, Timestamp, Wayfold};
use wayfold_testkit::shop::{Shop, ShopConfig};
use wayfold_testkit::{Case, Cut, PostgresServer, Proxy, Random, skip};

use crate::snapshots::{compare, swap};
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
    swaps: usize,
    swaps_failed: usize,
    restarts: usize,
    restarts_failed: usize,
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

/// Crashes the server, and lets a worker rebuild under other rules and start again, until the writers are done.
fn hinder(
    server: &mut PostgresServer,
    worker: &mut Wayfold,
    reopen: impl Fn(&Rules) -> wayfold::Result<Wayfold>,
    is_over: impl Fn() -> bool,
) -> Met {
    let (mut met, mut random) = (Met::default(), Random::new(7));
    let count = |result: wayfold::Result<()>, done: &mut usize, failed: &mut usize| match result {
        Ok(()) => *done += 1,
        Err(error) => {
            assert!(error.is_retryable(), "{error}");
            *failed += 1;
        }
    };
    // A cut may spoil each of a few tries.
    while !is_over() || met.swaps == 0 || met.restarts == 0 {
        thread::sleep(CRASH);
        server.crash();
        met.crashes += 1;
        count(swap(worker, &mut random), &mut met.swaps, &mut met.swaps_failed);
        let reopened = reopen(&worker.rules()).map(|opened| *worker = opened);
        count(reopened, &mut met.restarts, &mut met.restarts_failed);
    }
    met
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
    let mut worker = open(&Rules::default()).unwrap();
    let rest = fill(&service, &batches);
    proxy.cut(Cut::Often);
    let filled = batches.len() - rest.len();
    let least = (EVENTS as usize / BATCH).saturating_sub(filled);
    let (told, spread, began) = (Told::default(), Spread::new(&rest, least), Instant::now());
    let met = thread::scope(|scope| {
        let write = || {
            while let Some(batch) = spread.next() {
                append_surely(&service, batch, &told);
            }
        };
        let writers: Vec<_> = (0..WRITERS).map(|_| scope.spawn(write)).collect();
        hinder(&mut server, &mut worker, open, || writers.iter().all(|writer| writer.is_finished()))
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
}

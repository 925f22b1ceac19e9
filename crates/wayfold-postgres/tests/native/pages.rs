//! Pages that hold less than was asked for, and what is read by several statements while commits are held back.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use pollster::block_on;
use wayfold_core::{EventKind, JourneyEvent, Position};
use wayfold_postgres::PostgresStore;
use wayfold_store::{EventFilter, EventStore, ReadQuery};
use wayfold_testkit::Random;
use wayfold_testkit::process::times;

use super::support::{Session, all, append_in, config, find, ids, open, page, put, registered, server};

#[test]
fn pages_are_bounded_by_events_and_bytes() {
    let Some(server) = server("pages_are_bounded_by_events_and_bytes") else { return };
    let events: Vec<_> = (0..20).map(|id| registered(id, "ada")).collect();
    put(&open(config(&server)), &events);
    let by_events = {
        let mut config = config(&server);
        config.read_events_max = 3;
        open(config)
    };
    assert_eq!(page(&by_events, Position::START, usize::MAX).unwrap().batch.len(), 3);
    assert!(all(&by_events).into_iter().eq(0..20));
    let by_bytes = {
        let mut config = config(&server);
        config.read_bytes_max = 0;
        open(config)
    };
    assert_eq!(
        page(&by_bytes, Position::START, usize::MAX).unwrap().batch.len(),
        1,
        "one event may have more"
    );
    assert!(all(&by_bytes).into_iter().eq(0..20));
    assert!(ids(&by_bytes, EventFilter::all().with_kind(EventKind::Refunded)).is_empty());
}

/// An event as it was read: where it stands, and which it is.
type Seen = (Position, u128);

fn seen<'a>(events: impl IntoIterator<Item = &'a JourneyEvent>) -> Vec<Seen> {
    events.into_iter().map(|event| (event.position.unwrap(), event.id.as_u128())).collect()
}

/// What is read after a position in one of the ways that need several statements, and up to where that is all there is.
fn read_on(store: &PostgresStore, after: Position, way: u64) -> (Vec<Seen>, Position) {
    let (batches, position) = match way {
        0 => {
            let scan = block_on(store.scan(after, 64, 1)).unwrap();
            let position = scan.position;
            let parts = scan.read().unwrap();
            (parts.into_iter().flat_map(|part| part.batches).collect(), position)
        }
        1 => {
            let scan = block_on(store.scan_shards(after, None, 64, &[])).unwrap();
            (scan.batches, scan.position)
        }
        2 => {
            // Page by page, as a subscriber reads.
            let (mut batches, mut position) = (Vec::new(), after);
            for _ in 0..20 {
                let found = page(store, position, 3).unwrap();
                let last = found.batch.iter().last().and_then(|event| event.position());
                position = found.next.or(last).unwrap_or(position);
                batches.push(found.batch);
            }
            (batches, position)
        }
        _ => {
            // From the end back, which has to meet the same.
            let (mut batches, mut from) = (Vec::new(), Position::END);
            loop {
                let found = block_on(store.read(ReadQuery::all().backward(), from, 3)).unwrap();
                let is_past = |event: wayfold_core::EventView<'_>| event.position().unwrap() <= after;
                let is_done = found.next.is_none() || found.batch.iter().any(is_past);
                batches.push(found.batch);
                match found.next {
                    Some(next) if !is_done => from = next,
                    _ => break,
                }
            }
            let last = batches[0].iter().next().and_then(|event| event.position());
            (batches, last.unwrap_or(after).max(after))
        }
    };
    let events: Vec<JourneyEvent> = batches.iter().flat_map(wayfold_core::EventBatch::to_events).collect();
    let mut seen = seen(&events);
    seen.sort_unstable();
    seen.retain(|(position, _)| *position > after);
    (seen, position)
}

/// Ends the writers, also where the reader fails.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Writers commit in another order than they draw and some draw late; each statement of a read sees more than the one
/// before. Whatever was read, by whichever way and from wherever, is what stands there at the end, without a gap.
#[test]
fn what_several_statements_read_has_no_gap_and_never_changes() {
    const WRITERS: u64 = 4;
    const RUN: Duration = Duration::from_secs(2);
    /// So many reads at least while something was committed.
    const AMID: usize = 8;
    let Some(server) = server("what_several_statements_read_has_no_gap_and_never_changes") else { return };
    let store = open(config(&server).with_held_back_max_ms(30_000));
    let mut cut = config(&server).with_held_back_max_ms(30_000).with_seal_events(0);
    cut.read_events_max = 3;
    let (reader, next, is_over) = (open(cut), AtomicU64::new(1), AtomicBool::new(false));
    let (reads, amid) = thread::scope(|scope| {
        for writer in 0..WRITERS {
            let (store, next, is_over) = (&store, &next, &is_over);
            let mut session = Session::open(&server.connection());
            scope.spawn(move || {
                let mut random = Random::new(writer);
                while !is_over.load(Ordering::Relaxed) {
                    session.transact(async |mut transaction| {
                        // Its number is older than those of appends that draw before it.
                        if random.percent(50) {
                            transaction.batch_execute("SELECT pg_current_xact_id()").await.unwrap();
                            thread::sleep(Duration::from_micros(random.below(3_000)));
                        }
                        let first = next.fetch_add(2, Ordering::Relaxed);
                        let customer = format!("w{writer}");
                        let events = [first, first + 1].map(|id| registered(id.into(), &customer));
                        let _ = append_in(store, &mut transaction, &events, None).await.unwrap();
                        // Drawn, and not committed yet.
                        thread::sleep(Duration::from_micros(random.below(3_000)));
                        transaction.commit().await.unwrap();
                    });
                }
            });
        }
        let over = Over(&is_over);
        let (mut random, mut reads, mut amid) = (Random::new(99), Vec::new(), 0);
        let (mut froms, ends) = (vec![Position::START], Instant::now() + RUN * times() as u32);
        while Instant::now() < ends || amid < AMID {
            let (after, way) = (*random.pick(&froms[froms.len().saturating_sub(40)..]), random.below(4));
            let before = block_on(store.head()).unwrap();
            let (events, position) = read_on(&reader, after, way);
            let has_grown = block_on(store.head()).unwrap() > before;
            amid += usize::from(has_grown && events.len() > 3);
            froms.extend(events.iter().map(|(position, _)| *position).max());
            reads.push((after, position, events));
        }
        drop(over);
        (reads, amid)
    });
    let log = seen(&find(&store, EventFilter::all()).unwrap());
    println!("{} events; {} reads, {amid} of several statements while the log grew", log.len(), reads.len());
    for (after, position, events) in reads {
        let meant: Vec<_> = log.iter().filter(|(at, _)| after < *at && *at <= position).copied().collect();
        assert_eq!(events, meant, "after {after} up to {position}");
    }
}

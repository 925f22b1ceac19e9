//! Many writers and a subscriber: what was acknowledged is seen, once, in an order that never changes.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use pollster::block_on;
use wayfold_core::{JourneyEvent, Position};
use wayfold_postgres::PostgresStore;
use wayfold_store::{AppendOutcome, EventFilter, EventStore};
use wayfold_testkit::process::times;

use super::support::{Session, append_in, config, find, open, page, put, registered, server};

const WRITERS: u64 = 16;
const SECONDS: u64 = 2;

/// Appends in a transaction that changed something before.
fn put_late(store: &PostgresStore, session: &mut Session, events: &[JourneyEvent]) -> Vec<Position> {
    session.transact(async |mut transaction| {
        transaction.batch_execute("SELECT pg_current_xact_id(), pg_sleep(0.003)").await.unwrap();
        let outcome = append_in(store, &mut transaction, events, None).await.unwrap();
        transaction.commit().await.unwrap();
        let AppendOutcome::Appended { positions, .. } = outcome else { panic!("{outcome:?}") };
        positions
    })
}

/// Another transaction holds everything back for some milliseconds, again and again, and a quarter of the writers append
/// in transactions of their own.
#[test]
fn acknowledged_is_seen() {
    let Some(server) = server("acknowledged_is_seen") else { return };
    let seconds = SECONDS * times() as u64;
    let config = config(&server).with_connections_max(20).with_held_back_max_ms(30_000);
    let (store, follower) = (open(config.clone()), open(config));
    let (next, ends) = (AtomicU64::new(1), Instant::now() + Duration::from_secs(seconds));
    let (acknowledged, followed) = thread::scope(|scope| {
        let write = |writer: u64| {
            let (store, next) = (&store, &next);
            let mut session = writer.is_multiple_of(4).then(|| Session::open(&server.connection()));
            move || {
                let mut own = BTreeMap::new();
                while Instant::now() < ends {
                    let first = next.fetch_add(3, Ordering::Relaxed);
                    let events: Vec<_> = (first..=first + writer % 3)
                        .map(|id| registered(id.into(), &format!("c{}", id % 50)))
                        .collect();
                    let positions = match &mut session {
                        Some(session) => put_late(store, session, &events),
                        None => put(store, &events),
                    };
                    own.extend(positions.into_iter().zip((first..).map(u128::from)));
                }
                own
            }
        };
        let writers: Vec<_> = (0..WRITERS).map(|writer| scope.spawn(write(writer))).collect();
        scope.spawn(|| {
            let beside = Session::open(&server.connection());
            while Instant::now() < ends {
                beside.run("BEGIN; SELECT pg_current_xact_id(), pg_sleep(0.01); COMMIT");
            }
        });
        let follow = scope.spawn(|| {
            let (mut seen, mut events) = (Position::START, Vec::new());
            loop {
                let found = page(&follower, seen, 100).unwrap();
                for event in found.batch.iter() {
                    events.push((event.position().unwrap(), event.id().as_u128()));
                }
                seen = found.next.or(events.last().map(|(position, _)| *position)).unwrap_or(seen);
                if events.last().is_some_and(|(_, id)| *id == u128::MAX) {
                    return events;
                }
                block_on(follower.wait_past(seen)).unwrap();
            }
        });
        let mut acknowledged: BTreeMap<_, _> =
            writers.into_iter().flat_map(|writer| writer.join().unwrap()).collect();
        acknowledged.insert(put(&store, &[registered(u128::MAX, "end")])[0], u128::MAX);
        (acknowledged, follow.join().unwrap())
    });
    println!("{} events of {WRITERS} writers in {seconds} s", acknowledged.len());
    let acknowledged: Vec<_> = acknowledged.into_iter().collect();
    assert_eq!(followed.len(), acknowledged.len(), "events were lost or doubled");
    assert_eq!(followed, acknowledged, "a subscriber sees what was acknowledged, in the order of positions");
    let again = find(&store, EventFilter::all()).unwrap();
    assert!(
        again.windows(2).all(|pair| pair[0].recorded_at <= pair[1].recorded_at),
        "recording times go back"
    );
    let again: Vec<_> = again.iter().map(|event| (event.position.unwrap(), event.id.as_u128())).collect();
    assert_eq!(again, followed, "the order changes on reading again");
}

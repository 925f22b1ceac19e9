//! Writers go on while connections are cut and the server crashes: what was acknowledged is there, once.
//!
//! `WAYFOLD_TORTURE` makes the run so many times as long.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use pollster::block_on;
use wayfold_core::{EventBatch, Position};
use wayfold_postgres::{PostgresConfig, PostgresStore};
use wayfold_store::{AppendOutcome, EventFilter, EventStore, Written};
use wayfold_testkit::process::times;
use wayfold_testkit::{Cut, Proxy};

use super::support::{Session, append_in, config, find, ids, key, open, page, registered, server};

const WRITERS: u64 = 6;
const RUN: Duration = Duration::from_secs(4);
/// The server crashes so often.
const CRASH: Duration = Duration::from_millis(1_300);

/// What the writers saw.
#[derive(Debug, Default)]
pub(crate) struct Told {
    /// Where each event stands that was acknowledged.
    pub(crate) acknowledged: BTreeMap<u128, Position>,
    pub(crate) failed: u64,
    pub(crate) unknown: u64,
    /// Tries that found what an earlier one, of unknown outcome, had written.
    pub(crate) resolved: u64,
}

impl Told {
    fn take(&mut self, ids: &[u128], positions: Vec<Position>) {
        self.acknowledged.extend(ids.iter().copied().zip(positions));
    }

    pub(crate) fn with(mut self, other: Self) -> Self {
        self.acknowledged.extend(other.acknowledged);
        Self {
            failed: self.failed + other.failed,
            unknown: self.unknown + other.unknown,
            resolved: self.resolved + other.resolved,
            ..self
        }
    }
}

/// Appends events until they are acknowledged, the same ones whatever the error says.
pub(crate) fn append_surely(store: &PostgresStore, ids: &[u128], told: &mut Told) {
    let events: Vec<_> = ids.iter().map(|id| registered(*id, &format!("c{}", id % 20))).collect();
    let batch = EventBatch::from_events(&events).unwrap();
    let mut may_stand = false;
    loop {
        match block_on(store.append(batch.clone(), None)) {
            Ok(AppendOutcome::Appended { positions, .. }) => return told.take(ids, positions),
            Ok(AppendOutcome::AlreadyTaken { positions }) => {
                assert!(may_stand, "each error before has said that nothing was written");
                told.resolved += 1;
                return told.take(ids, positions);
            }
            Ok(AppendOutcome::Conflict { .. }) => panic!("there is no condition"),
            Err(error) => {
                assert!(error.is_retryable(), "{error}: {error:?}");
                told.failed += 1;
                may_stand |= error.written() == Written::Unknown;
                told.unknown += u64::from(error.written() == Written::Unknown);
            }
        }
    }
}

/// Sells until it is known that it is sold: a row of the caller's own, and the event, in one commit.
fn sell_surely(store: &PostgresStore, connection: &str, id: u128, told: &mut Told) {
    loop {
        let sold = Session::try_open(connection).and_then(|mut session| {
            let sale = session.try_transact(async |mut transaction| {
                let outcome =
                    append_in(store, &mut transaction, &[registered(id, "seller")], None).await.ok()?;
                match outcome {
                    AppendOutcome::Appended { positions, .. } => {
                        let sell = format!("INSERT INTO sold VALUES ('{id}')");
                        transaction.batch_execute(&sell).await.ok()?;
                        transaction.commit().await.ok().map(|()| (positions, false))
                    }
                    AppendOutcome::AlreadyTaken { positions } => Some((positions, true)),
                    AppendOutcome::Conflict { .. } => panic!("there is no condition"),
                }
            });
            sale.flatten()
        });
        match sold {
            Some((positions, is_resolved)) => {
                told.resolved += u64::from(is_resolved);
                return told.take(&[id], positions);
            }
            None => told.failed += 1,
        }
    }
}

/// Follows the log through everything, until it has seen the last event.
pub(crate) fn follow(store: &PostgresStore) -> Vec<(Position, u128)> {
    let (mut from, mut seen) = (Position::START, Vec::new());
    while seen.last().is_none_or(|(_, id)| *id != u128::MAX) {
        let Ok(found) = page(store, from, 50) else { continue };
        for event in found.batch.iter() {
            from = event.position().unwrap();
            seen.push((from, event.id().as_u128()));
        }
        from = found.next.unwrap_or(from);
        if found.next.is_none() && seen.last().is_none_or(|(_, id)| *id != u128::MAX) {
            let _ = block_on(store.wait_past(from));
        }
    }
    seen
}

#[test]
fn what_is_acknowledged_outlives_cuts_and_crashes() {
    let Some(mut server) = server("what_is_acknowledged_outlives_cuts_and_crashes") else { return };
    let (proxy, next) = (Proxy::start(server.socket()), AtomicU64::new(1));
    let mut reached = PostgresConfig::new(proxy.connection()).with_held_back_max_ms(30_000);
    reached.connect_timeout_ms = 30_000;
    let (store, follower) = (open(reached.clone()), open(reached));
    Session::open(&server.connection()).run("CREATE TABLE sold (id numeric)");
    proxy.cut(Cut::Often);
    let ends = Instant::now() + RUN * times() as u32;
    let mut crashes = 0;
    let (told, followed) = thread::scope(|scope| {
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                let (store, proxy, next) = (&store, &proxy, &next);
                scope.spawn(move || {
                    let mut told = Told::default();
                    while Instant::now() < ends {
                        let first = u128::from(next.fetch_add(3, Ordering::Relaxed));
                        match writer {
                            0 => sell_surely(store, &proxy.connection(), first, &mut told),
                            _ => append_surely(store, &[first, first + 1, first + 2], &mut told),
                        }
                    }
                    told
                })
            })
            .collect();
        let follower = scope.spawn(|| follow(&follower));
        while Instant::now() + CRASH < ends {
            thread::sleep(CRASH);
            server.crash();
            crashes += 1;
        }
        let each = writers.into_iter().map(|writer| writer.join().unwrap());
        let mut told = each.fold(Told::default(), Told::with);
        append_surely(&store, &[u128::MAX], &mut told);
        (told, follower.join().unwrap())
    });
    let Told { acknowledged, failed, unknown, resolved } = told;
    println!(
        "{} events acknowledged; {crashes} crashes, {} cuts, {failed} tries failed, {unknown} of them with an unknown \
         outcome, {resolved} found written",
        acknowledged.len(),
        proxy.cuts()
    );
    let log: Vec<_> = find(&open(config(&server)), EventFilter::all()).unwrap();
    let log: Vec<_> = log.iter().map(|event| (event.position.unwrap(), event.id.as_u128())).collect();
    assert_eq!(followed, log, "a subscriber saw what stands, in its order");
    let standing: BTreeMap<_, _> = log.iter().map(|(position, id)| (*id, *position)).collect();
    assert_eq!(standing.len(), log.len(), "an event stands twice");
    assert_eq!(standing, acknowledged, "what was acknowledged is what stands");
    let sold: Vec<String> =
        Session::open(&server.connection()).column("SELECT id::text FROM sold ORDER BY sold.id");
    let mut sellers = ids(&open(config(&server)), EventFilter::customer(key("seller")));
    sellers.sort_unstable();
    assert_eq!(
        sold,
        sellers.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "each sale was written once"
    );
    assert!(crashes > 0 && proxy.cuts() > 0, "nothing was in the way");
}

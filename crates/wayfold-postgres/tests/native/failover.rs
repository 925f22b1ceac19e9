//! Three servers, each commit on two of them before it is acknowledged: the first is killed, and that of the others which
//! lacks nothing takes over.
//!
//! `WAYFOLD_TORTURE` makes it happen so many times, each time with servers of its own.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use wayfold_core::Position;
use wayfold_postgres::PostgresConfig;
use wayfold_store::EventFilter;
use wayfold_testkit::process::times;
use wayfold_testkit::{PostgresServer, Standby, skip};

use super::faults::{Told, append_surely, follow};
use super::support::{find, open};

const WRITERS: usize = 4;
/// How long it runs before the first is killed, and after another has taken over.
const RUN: Duration = Duration::from_millis(700);
const SETTINGS: [&str; 2] =
    ["synchronous_standby_names=ANY 1 (one, two)", "wal_retrieve_retry_interval=20ms"];

fn folder(server: &PostgresServer) -> String {
    server.socket().parent().unwrap().display().to_string()
}

fn what_is_acknowledged_outlives_its_server(test: usize) {
    let first = PostgresServer::start_with(env!("CARGO_TARGET_TMPDIR"), &SETTINGS);
    let standbys = ["one", "two"].map(|name| Standby { name, server: first.standby(name, &SETTINGS) });
    let hosts = [&first, &standbys[0].server, &standbys[1].server].map(folder).join(",");
    let connection = format!("host={hosts} user=postgres dbname=postgres target_session_attrs=read-write");
    let mut config = PostgresConfig::new(connection).with_held_back_max_ms(30_000);
    config.connect_timeout_ms = 30_000;
    let (store, follower) = (open(config.clone()), open(config));
    let (next, ends) = (AtomicU64::new(1), AtomicBool::new(false));
    let (told, followed, standbys) = thread::scope(|scope| {
        let write = || {
            let mut told = Told::default();
            while !ends.load(Ordering::Relaxed) {
                let first = u128::from(next.fetch_add(3, Ordering::Relaxed));
                append_surely(&store, &[first, first + 1, first + 2], &mut told);
            }
            told
        };
        let writers: Vec<_> = (0..WRITERS).map(|_| scope.spawn(write)).collect();
        let follower = scope.spawn(|| follow(&follower));
        thread::sleep(RUN);
        let standbys = Standby::fail_over(first, standbys);
        thread::sleep(RUN);
        ends.store(true, Ordering::Relaxed);
        let mut told =
            writers.into_iter().map(|writer| writer.join().unwrap()).fold(Told::default(), Told::with);
        append_surely(&store, &[u128::MAX], &mut told);
        (told, follower.join().unwrap(), standbys)
    });
    let Told { acknowledged, failed, unknown, resolved } = told;
    println!(
        "{test}: {} events acknowledged; {failed} tries failed, {unknown} of them with an unknown outcome, {resolved} \
         found written; {} took over",
        acknowledged.len(),
        standbys[0].name
    );
    let log = find(&store, EventFilter::all()).unwrap();
    let log: Vec<(Position, u128)> =
        log.iter().map(|event| (event.position.unwrap(), event.id.as_u128())).collect();
    assert_eq!(followed, log, "a subscriber saw what stands, in its order");
    let standing: BTreeMap<_, _> = log.iter().map(|(position, id)| (*id, *position)).collect();
    assert_eq!(standing.len(), log.len(), "an event stands twice");
    assert_eq!(standing, acknowledged, "what was acknowledged is what stands");
    assert!(failed > 0, "nobody noticed");
}

#[test]
fn what_is_acknowledged_outlives_the_server_that_took_it() {
    if !PostgresServer::is_installed() {
        return skip("what_is_acknowledged_outlives_the_server_that_took_it", PostgresServer::MISSING);
    }
    (0..times()).for_each(what_is_acknowledged_outlives_its_server);
}

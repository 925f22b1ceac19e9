//! What a `metrics` recorder hears of events that are held back.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use std::{panic, thread};

use metrics::{
    Counter, Gauge, GaugeFn, Histogram, HistogramFn, Key, KeyName, Metadata, Recorder, SharedString, Unit,
};
use pollster::block_on;
use wayfold_core::Position;
use wayfold_postgres::PostgresConfig;
use wayfold_store::EventStore;
use wayfold_testkit::process;

use super::support::{Session, all, open, page, put, registered, server, until};

const TEST: &str = "native::told::events_that_are_held_back_are_a_metric_and_a_named_error";

/// The values of every name, in the order in which they came.
#[derive(Debug, Default, Clone)]
struct Heard(Arc<Mutex<BTreeMap<String, Vec<f64>>>>);

/// Those of one name.
struct Named(String, Heard);

impl Named {
    fn hear(&self, value: f64) {
        let Self(name, Heard(heard)) = self;
        heard.lock().unwrap().entry(name.clone()).or_default().push(value);
    }
}

impl HistogramFn for Named {
    fn record(&self, value: f64) {
        self.hear(value);
    }
}

impl GaugeFn for Named {
    fn increment(&self, _: f64) {}

    fn decrement(&self, _: f64) {}

    fn set(&self, value: f64) {
        self.hear(value);
    }
}

impl Recorder for Heard {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, _: &Key, _: &Metadata<'_>) -> Counter {
        Counter::noop()
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::from_arc(Arc::new(Named(key.name().to_owned(), self.clone())))
    }

    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::from_arc(Arc::new(Named(key.name().to_owned(), self.clone())))
    }
}

impl Heard {
    fn of(&self, name: &str) -> Vec<f64> {
        self.0.lock().unwrap().get(name).cloned().unwrap_or_default()
    }
}

/// In a process of its own, as what stores record on their threads goes to the recorder of the process.
#[test]
fn events_that_are_held_back_are_a_metric_and_a_named_error() {
    if let Some(connection) = process::task() {
        // The other process prints what this one fails of.
        panic::set_hook(Box::new(|panic| process::say(&panic.to_string().replace('\n', " "))));
        return hold_back(&connection);
    }
    let Some(server) = server("events_that_are_held_back_are_a_metric_and_a_named_error") else { return };
    let mut child = process::spawn(TEST, &server.connection());
    process::lines_of(&mut child).iter().for_each(|line| println!("{line}"));
    assert!(child.wait().unwrap().success());
}

fn hold_back(connection: &str) {
    const LIMIT: Duration = Duration::from_millis(60);
    let heard = Heard::default();
    metrics::set_global_recorder(heard.clone()).unwrap();
    let waited = || heard.of("wayfold_postgres_held_back_seconds");
    let config = || {
        let mut config = PostgresConfig::new(connection);
        // Also where the machine is busy.
        config.connect_timeout_ms = 60_000;
        config
    };
    let patient = open(config().with_held_back_max_ms(60_000));
    let hasty = open(config().with_held_back_max_ms(LIMIT.as_millis() as u64));
    let foreign = Session::open(connection);

    put(&patient, &[registered(1, "ada")]);
    assert_eq!(all(&patient), [1]);
    assert_eq!(waited(), [] as [f64; 0], "nothing was held back");

    // A read that waits, and goes on when the other has ended.
    foreign.run("BEGIN; SELECT pg_current_xact_id()");
    let second = put(&patient, &[registered(2, "ben")])[0];
    let began = Instant::now();
    let reader = thread::spawn({
        let patient = patient.clone();
        move || all(&patient)
    });
    let looks = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%newest%' AND query_start > now()
        AND application_name = 'wayfold'";
    // `now()` is when the foreign transaction began.
    until("the reader", || {
        // A transaction sees what it saw of the others at its first look.
        foreign.run("SELECT pg_stat_clear_snapshot()");
        foreign.column::<i64>(looks)[0] > 0
    });
    thread::sleep(LIMIT);
    foreign.run("COMMIT");
    assert_eq!(reader.join().unwrap(), [1, 2]);
    let (samples, at_most) = (waited(), began.elapsed().as_secs_f64());
    assert!(
        matches!(samples[..], [waited] if waited >= LIMIT.as_secs_f64() && waited <= at_most),
        "{samples:?}"
    );

    // Past the limit it is an error that names who it is, or a part of what was asked for.
    foreign.run("BEGIN; SELECT pg_current_xact_id()");
    let third = put(&patient, &[registered(3, "ada")])[0];
    let pid = foreign.column::<i32>("SELECT pg_backend_pid()")[0];
    let error = page(&hasty, second, 10).unwrap_err().to_string();
    assert!(error.contains(&format!("server process {pid} (beside) has a transaction open")), "{error}");
    assert!(error.contains("60 ms") && error.contains("held_back_max_ms"), "{error}");
    assert_eq!(page(&hasty, Position::START, 10).unwrap().batch.len(), 2, "what is complete is read");
    let samples = waited();
    assert!(
        samples.len() == 3 && samples[1..].iter().all(|waited| *waited >= LIMIT.as_secs_f64()),
        "{samples:?}"
    );

    // Who waits for events is shown while that lasts.
    let now = || heard.of("wayfold_postgres_held_back_now_seconds");
    let follower = thread::spawn({
        let hasty = hasty.clone();
        move || block_on(hasty.wait_past(second))
    });
    until("the gauge", || now().last().is_some_and(|held| *held > LIMIT.as_secs_f64()));
    assert!(!follower.is_finished(), "it is not told of what is held back");
    assert!(now().is_sorted(), "it grows: {:?}", now());
    foreign.run("COMMIT");
    assert_eq!(follower.join().unwrap().unwrap(), third);
    until("the end", || now().last() == Some(&0.0));
}

//! Passwords are nowhere but in the connection text.

use std::error::Error as _;
use std::fmt::Debug;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use pollster::block_on;
use tracing::field::{Field, Visit};
use tracing::{Event, Id, Metadata, Subscriber, span};
use wayfold_core::Position;
use wayfold_postgres::{PostgresConfig, PostgresStore};
use wayfold_store::EventStore;

use super::support::{Session, append, config, open, put, registered, server};

pub(crate) const SECRET: &str = "hunter2";

#[track_caller]
fn assert_silent(shown: &impl Debug) {
    assert!(!format!("{shown:?}").contains(SECRET), "{shown:?}");
    assert!(!format!("{shown:#?}").contains(SECRET), "{shown:#?}");
}

#[track_caller]
pub(crate) fn assert_error_is_silent(error: &wayfold_store::Error) {
    assert_silent(error);
    assert!(!error.to_string().contains(SECRET), "{error}");
    let mut source = error.source();
    while let Some(error) = source {
        assert!(!error.to_string().contains(SECRET), "{error}");
        source = error.source();
    }
}

#[test]
fn nothing_shows_the_password() {
    let Some(server) = server("nothing_shows_the_password") else { return };
    let mut config = config(&server);
    config.connection.push_str(&format!(" password={SECRET}"));
    let store = open(config.clone());
    assert_silent(&config);
    assert_silent(&store);
    for broken in ["host=/nowhere user=u", "host=127.0.0.1 port=1 user=u", "host=a host=b port=x"] {
        let mut config = PostgresConfig::new(format!("{broken} password={SECRET}"));
        config.connect_timeout_ms = 200;
        assert_error_is_silent(&block_on(PostgresStore::open(config)).unwrap_err());
    }
    Session::open(&server.connection()).run("ALTER TABLE wayfold.event_log RENAME TO gone");
    let error = append(&store, &[registered(1, "ada")]).unwrap_err();
    assert_error_is_silent(&error);
    assert!(error.source().is_some_and(|source| source.to_string().contains("SQLSTATE 42P01")), "{error:?}");
}

/// Everything that is logged, by whichever crate and thread.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<String>>);

impl Log {
    fn text(&self) -> String {
        self.0.lock().unwrap().clone()
    }

    #[track_caller]
    fn wait_for(&self, text: &str) {
        let began = Instant::now();
        while !self.text().contains(text) {
            assert!(began.elapsed() < Duration::from_secs(60), "{text} is not logged: {}", self.text());
            thread::sleep(Duration::from_millis(2));
        }
    }
}

impl Visit for &Log {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0.lock().unwrap().push_str(&format!("{field}={value:?} "));
    }
}

impl Subscriber for Log {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &span::Attributes<'_>) -> Id {
        span.record(&mut &*self);
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, values: &span::Record<'_>) {
        values.record(&mut &*self);
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        event.record(&mut &*self);
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

/// What goes wrong where nobody waits for it is logged, with the error; customers are not in it either.
#[test]
fn no_log_shows_the_password_or_a_customer() {
    let Some(server) = server("no_log_shows_the_password_or_a_customer") else { return };
    let log = Log::default();
    tracing::subscriber::set_global_default(log.clone()).unwrap();
    let mut config = config(&server).with_seal_events(1);
    config.connection.push_str(&format!(" password={SECRET}"));
    let store = open(config);
    put(&store, &[registered(1, "zelda")]);
    let beside = Session::open(&server.connection());
    beside.run("ALTER TABLE wayfold.block RENAME TO gone");
    put(&store, &[registered(2, "zelda")]);
    log.wait_for("sealing failed");
    beside.run("ALTER TABLE wayfold.event_log RENAME TO gone_too");
    // It waits for as long as the program runs.
    thread::spawn(move || block_on(store.wait_past(Position::END)));
    log.wait_for("could not be followed");
    let text = log.text();
    assert!(text.contains("SQLSTATE") || text.contains("does not have the tables"), "{text}");
    for secret in [SECRET, "zelda"] {
        assert!(!text.contains(secret), "{text}");
    }
}

//! Passwords are nowhere but in the connection text.

use std::error::Error as _;
use std::fmt::Debug;

use pollster::block_on;
use wayfold_postgres::{PostgresConfig, PostgresStore};

use super::support::{Session, append, config, open, registered, server};

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

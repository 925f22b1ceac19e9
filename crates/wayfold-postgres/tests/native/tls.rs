//! Encrypted connections: to whom the certificate says, and to nobody else.
//!
//! The certificate beside this file is of `db.test` and was signed by the authority beside it, whose key is gone.

use std::path::Path;

use pollster::block_on;
use wayfold_core::Position;
use wayfold_postgres::{PostgresConfig, PostgresStore};
use wayfold_store::{ErrorKind, EventStore};
use wayfold_testkit::{PostgresServer, Proxy, Scratch, ServerCertificate, skip};

use super::secrets::{SECRET, assert_error_is_silent};
use super::support::{Session, all, open, put, registered, server};

const SHOWN: ServerCertificate<'_> =
    ServerCertificate { certificate: include_str!("tls/server.pem"), key: include_str!("tls/server.key") };
const AUTHORITY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/native/tls/authority.pem");

fn encrypting(test: &str) -> Option<PostgresServer> {
    if PostgresServer::is_installed() {
        return Some(PostgresServer::start_with_tls(env!("CARGO_TARGET_TMPDIR"), SHOWN));
    }
    skip(test, PostgresServer::MISSING);
    None
}

/// The server over TCP, by a name that only this text knows.
fn over_tcp(port: u16, host: &str, sslmode: &str) -> PostgresConfig {
    let mut config = PostgresConfig::new(format!(
        "host={host} hostaddr=127.0.0.1 port={port} user=postgres dbname=postgres password={SECRET}{sslmode}"
    ));
    config.connect_timeout_ms = 2_000;
    config
}

/// Which connections of stores are encrypted.
fn encrypted(beside: &Session) -> Vec<bool> {
    let ssl =
        "SELECT ssl FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE application_name = 'wayfold'";
    beside.column(ssl)
}

#[test]
fn a_connection_is_encrypted_where_the_text_asks_for_it() {
    let Some(server) = encrypting("a_connection_is_encrypted_where_the_text_asks_for_it") else { return };
    let beside = Session::open(&server.connection());
    for (sslmode, is_encrypted) in
        [(" sslmode=require", true), (" sslmode=verify-full", true), (" sslmode=disable", false), ("", false)]
    {
        let config = over_tcp(server.port(), "db.test", sslmode);
        let store = open(if is_encrypted { config.with_root_certificates(AUTHORITY) } else { config });
        let id = all(&store).len() as u128;
        put(&store, &[registered(id, "ada")]);
        // Who listens has a connection of its own.
        assert!(block_on(store.wait_past(Position::START)).is_ok());
        let found = encrypted(&beside);
        assert!(!found.is_empty() && found.iter().all(|ssl| *ssl == is_encrypted), "{sslmode}: {found:?}");
        drop(store);
        while !encrypted(&beside).is_empty() {
            std::thread::sleep(std::time::Duration::from_millis(2));
        }
    }
}

#[track_caller]
fn refused(config: PostgresConfig, kind: ErrorKind, says: &str) {
    let error = block_on(PostgresStore::open(config)).unwrap_err();
    assert_error_is_silent(&error);
    let source = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
    assert_eq!(error.kind(), kind, "{error}: {source}");
    assert!(format!("{error}: {source}").contains(says), "{error}: {source}");
}

#[test]
fn who_is_not_the_server_is_refused() {
    let Some(server) = encrypting("who_is_not_the_server_is_refused") else { return };
    let config = |host: &str| over_tcp(server.port(), host, " sslmode=require");
    let not_trusted = "of no authority that is trusted, of another host";
    refused(config("other.test").with_root_certificates(AUTHORITY), ErrorKind::Unsupported, not_trusted);
    let own = Scratch::new(env!("CARGO_TARGET_TMPDIR"), "tls");
    let file = |name: &str, text: &str| {
        let file = own.folder().join(name);
        std::fs::write(&file, text).unwrap();
        file
    };
    let stranger = file("stranger.pem", include_str!("tls/stranger.pem"));
    refused(config("db.test").with_root_certificates(stranger), ErrorKind::Unsupported, not_trusted);
    for (bad, says) in [
        (Path::new("/nowhere/authority.pem").to_owned(), "/nowhere/authority.pem cannot be read"),
        (file("empty.pem", ""), "empty.pem holds no certificate"),
        (
            file("bad.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"),
            "bad.pem cannot be read",
        ),
    ] {
        refused(config("db.test").with_root_certificates(bad), ErrorKind::Unsupported, says);
    }
}

/// Whoever names authorities believes that they are asked.
#[test]
fn authorities_that_nobody_asks_are_refused() {
    for sslmode in ["", " sslmode=disable", " sslmode=prefer"] {
        let config = over_tcp(5_432, "db.test", sslmode).with_root_certificates(AUTHORITY);
        refused(config, ErrorKind::Unsupported, "add sslmode=require");
    }
}

/// A server, or somebody in between, says that it cannot encrypt.
#[test]
fn nothing_is_sent_in_clear_text_where_encryption_is_asked_for() {
    let Some(server) = server("nothing_is_sent_in_clear_text_where_encryption_is_asked_for") else { return };
    let proxy = Proxy::start(server.socket());
    let mut config = over_tcp(proxy.port(), "db.test", " sslmode=require").with_root_certificates(AUTHORITY);
    config.connect_timeout_ms = 100;
    refused(config, ErrorKind::Unavailable, "TLS");
}

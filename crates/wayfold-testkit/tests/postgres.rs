//! A throw-away server answers while it is held, and leaves nothing behind.

#![cfg(unix)]

use std::os::unix::net::UnixStream;
use std::panic::catch_unwind;

use wayfold_testkit::PostgresServer;

#[test]
fn a_server_ends_with_its_test_also_by_a_panic() {
    let test = "a_server_ends_with_its_test_also_by_a_panic";
    let Some(server) = PostgresServer::for_test(env!("CARGO_TARGET_TMPDIR"), test) else { return };
    let socket = server.socket();
    assert!(UnixStream::connect(&socket).is_ok(), "a server that was started answers");
    let ended = catch_unwind(move || {
        let _held = server;
        panic!("a test that failed");
    });
    assert!(ended.is_err());
    assert!(UnixStream::connect(&socket).is_err(), "it answers no more");
    assert!(!socket.parent().is_some_and(std::path::Path::exists), "its folder is gone");
}

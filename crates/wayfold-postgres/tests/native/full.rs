//! A disk that is full: an append is refused whole, what stands is read, and it goes on when there is room.

use wayfold_core::JourneyEvent;
use wayfold_store::{AppendOutcome, ErrorKind, Written};
use wayfold_testkit::{PostgresServer, skip};

use super::support::{all, append, config, open, put, registered};

/// What the server writes ahead fits, and so do the tables that it begins with.
const ROOM: u64 = (1 << 20) + 512;

#[test]
fn a_full_disk_refuses_whole_appends_until_there_is_room() {
    if !PostgresServer::is_installed() {
        return skip("a_full_disk_refuses_whole_appends_until_there_is_room", PostgresServer::MISSING);
    }
    let mut server = PostgresServer::start_with_room(env!("CARGO_TARGET_TMPDIR"), ROOM);
    let store = open(config(&server));
    let batch = |from: u128| -> Vec<JourneyEvent> {
        (from..from + 500).map(|id| registered(id, &format!("c{}", id % 50))).collect()
    };
    let mut stand = 0;
    let error = loop {
        match append(&store, &batch(stand)) {
            Ok(AppendOutcome::Appended { new: 500, .. }) => stand += 500,
            Ok(other) => panic!("{other:?}"),
            Err(error) => break error,
        }
        assert!(stand < 20_000, "the disk has no end");
    };
    assert!(stand > 0, "nothing fits: {error}");
    let refusal = (ErrorKind::Unavailable, true, Written::Nothing);
    assert_eq!((error.kind(), error.is_retryable(), error.written()), refusal, "{error}");
    for _ in 0..20 {
        let again = append(&store, &batch(stand)).unwrap_err();
        assert_eq!((again.kind(), again.written()), (ErrorKind::Unavailable, Written::Nothing), "{again}");
    }
    assert!(all(&store).into_iter().eq(0..stand), "what stands is whole, and is read");
    server.crash();
    put(&store, &batch(stand));
    assert!(all(&open(config(&server))).into_iter().eq(0..stand + 500), "each event stands once");
}

//! A connection that is cut while an append is committed: the outcome is unknown, and trying again tells it.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::thread;

use wayfold_postgres::PostgresConfig;
use wayfold_store::{AppendOutcome, Written};

use super::support::{all, append, open, registered, server};

const PASS: u8 = 0;
/// The server never hears of the commit.
const CUT_BEFORE: u8 = 1;
/// The server commits, and its answer is lost.
const CUT_AFTER: u8 = 2;

/// Stands between the store and the server, and cuts the next connection that commits.
struct Proxy {
    port: u16,
    plan: Arc<AtomicU8>,
}

impl Proxy {
    fn start(socket: PathBuf) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (port, plan) = (listener.local_addr().unwrap().port(), Arc::new(AtomicU8::new(PASS)));
        let planned = plan.clone();
        thread::spawn(move || {
            for client in listener.incoming() {
                let (client, server, plan) = (client.unwrap(), UnixStream::connect(&socket), planned.clone());
                // The test has ended when the server does not answer.
                let Ok(server) = server else { return };
                thread::spawn(move || forward(client, &server, &plan));
            }
        });
        Self { port, plan }
    }
}

fn forward(mut client: TcpStream, server: &UnixStream, plan: &AtomicU8) {
    let (mut answers, mut back) = (server.try_clone().unwrap(), client.try_clone().unwrap());
    thread::spawn(move || std::io::copy(&mut answers, &mut back));
    let (mut buffer, mut server) = (vec![0; 1 << 16], server);
    while let Ok(count @ 1..) = client.read(&mut buffer) {
        let is_commit = buffer[..count].windows(7).any(|bytes| bytes == b"COMMIT;");
        match if is_commit { plan.swap(PASS, Ordering::SeqCst) } else { PASS } {
            CUT_BEFORE => break,
            CUT_AFTER => {
                client.shutdown(Shutdown::Both).unwrap();
                server.write_all(&buffer[..count]).unwrap();
                // The server answers to nobody, and has committed by then.
                let _ = server.read(&mut buffer);
                break;
            }
            _ if server.write_all(&buffer[..count]).is_err() => break,
            _ => {}
        }
    }
    let _ = (client.shutdown(Shutdown::Both), server.shutdown(Shutdown::Both));
}

#[test]
fn an_unknown_outcome_is_told_by_trying_again() {
    let Some(server) = server("an_unknown_outcome_is_told_by_trying_again") else { return };
    let proxy = Proxy::start(server.socket());
    let address = format!("host=127.0.0.1 port={} user=postgres dbname=postgres", proxy.port);
    let store = open(PostgresConfig::new(address));
    for round in 0..5_u128 {
        let (lost, unanswered) = ([registered(round * 2, "ada")], [registered(round * 2 + 1, "ada")]);
        for (events, plan) in [(&lost, CUT_BEFORE), (&unanswered, CUT_AFTER)] {
            proxy.plan.store(plan, Ordering::SeqCst);
            let error = append(&store, events).unwrap_err();
            assert_eq!((error.written(), error.is_retryable()), (Written::Unknown, true), "{error}");
        }
        let again = append(&store, &lost).unwrap();
        assert!(
            matches!(again, AppendOutcome::Appended { new: 1, .. }),
            "the server never heard of it: {again:?}"
        );
        let again = append(&store, &unanswered).unwrap();
        assert!(matches!(again, AppendOutcome::AlreadyTaken { .. }), "it was written: {again:?}");
    }
    let mut found = all(&store);
    found.sort_unstable();
    assert!(found.into_iter().eq(0..10), "each event stands once");
}

//! A proxy between the store and the server that cuts connections at their commit, or anywhere.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::thread;

use wayfold_testkit::Random;

const PASS: u8 = 0;
/// The server never hears of the commit.
pub(crate) const CUT_BEFORE: u8 = 1;
/// The server commits, and its answer is lost.
pub(crate) const CUT_AFTER: u8 = 2;
/// Now and then one of both, and now and then something else is cut.
pub(crate) const CUT_OFTEN: u8 = 3;

/// Of a thousand messages and of a thousand commits so many are cut.
const OF_MESSAGES: u64 = 2;
const OF_COMMITS: u64 = 50;

/// Stands between the store and the server, and cuts the next connection that commits.
pub(crate) struct Proxy {
    port: u16,
    plan: Arc<AtomicU8>,
    cuts: Arc<AtomicU64>,
}

impl Proxy {
    pub(crate) fn start(socket: PathBuf) -> Self {
        Self::start_at(0, socket)
    }

    /// Listens at a port; any that is free for 0.
    pub(crate) fn start_at(port: u16, socket: PathBuf) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let (plan, cuts) = (Arc::new(AtomicU8::new(PASS)), Arc::new(AtomicU64::new(0)));
        let (planned, counted) = (plan.clone(), cuts.clone());
        thread::spawn(move || {
            for (seed, client) in (0..).zip(listener.incoming()) {
                // A server that is not there refuses, and may be there the next time.
                let (Ok(client), Ok(server)) = (client, UnixStream::connect(&socket)) else { continue };
                let (plan, cuts) = (planned.clone(), counted.clone());
                thread::spawn(move || forward(client, &server, (&plan, &cuts), Random::new(seed)));
            }
        });
        Self { port, plan, cuts }
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// How a client names the server behind it.
    pub(crate) fn connection(&self) -> String {
        format!("host=127.0.0.1 port={} user=postgres dbname=postgres", self.port)
    }

    /// How many connections were cut.
    pub(crate) fn cuts(&self) -> u64 {
        self.cuts.load(Ordering::SeqCst)
    }

    /// Plans what becomes of the next commit, or of all.
    pub(crate) fn cut(&self, plan: u8) {
        self.plan.store(plan, Ordering::SeqCst);
    }
}

fn forward(
    mut client: TcpStream,
    server: &UnixStream,
    (plan, cuts): (&AtomicU8, &AtomicU64),
    mut random: Random,
) {
    let (mut answers, mut back) = (server.try_clone().unwrap(), client.try_clone().unwrap());
    thread::spawn(move || {
        let _ = std::io::copy(&mut answers, &mut back);
        // The server is gone.
        let _ = back.shutdown(Shutdown::Both);
    });
    let (mut buffer, mut server) = (vec![0; 1 << 16], server);
    while let Ok(count @ 1..) = client.read(&mut buffer) {
        let is_commit = buffer[..count].windows(7).any(|bytes| bytes == b"COMMIT;" || bytes == b"COMMIT\0");
        match fate(plan, is_commit, &mut random) {
            PASS if server.write_all(&buffer[..count]).is_err() => break,
            PASS => continue,
            CUT_AFTER => {
                let _ = client.shutdown(Shutdown::Both);
                let _ = server.write_all(&buffer[..count]);
                // The server answers to nobody, and has committed by then.
                let _ = server.read(&mut buffer);
            }
            _ => {}
        }
        cuts.fetch_add(1, Ordering::SeqCst);
        break;
    }
    let _ = (client.shutdown(Shutdown::Both), server.shutdown(Shutdown::Both));
}

/// What becomes of a message.
fn fate(plan: &AtomicU8, is_commit: bool, random: &mut Random) -> u8 {
    if plan.load(Ordering::SeqCst) == CUT_OFTEN {
        return match random.per_mille(if is_commit { OF_COMMITS } else { OF_MESSAGES }) {
            true => 1 + random.below(2) as u8,
            false => PASS,
        };
    }
    if is_commit { plan.swap(PASS, Ordering::SeqCst) } else { PASS }
}

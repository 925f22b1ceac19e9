//! A proxy between a store and its server that cuts connections at their commit, or anywhere.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use crate::random::Random;

/// What becomes of connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// They are left alone.
    Nothing,
    /// The next that commits is cut, and the server never hears of the commit.
    BeforeCommit,
    /// The next that commits is cut: the server commits, and its answer is lost.
    AfterCommit,
    /// Now and then one that commits is cut, before or after, and now and then one that does something else.
    Often,
}

/// Of a thousand messages and of a thousand commits so many are cut.
const OF_MESSAGES: u64 = 2;
const OF_COMMITS: u64 = 50;

/// How long an answer is waited for that nobody gets.
const ANSWER: Duration = Duration::from_secs(1);

/// Stands between a store and its server until the process ends, and cuts connections as planned.
#[derive(Debug)]
pub struct Proxy {
    port: u16,
    plan: Arc<Plan>,
}

#[derive(Debug)]
struct Plan {
    cut: Mutex<Cut>,
    cuts: AtomicU64,
}

impl Proxy {
    /// Listens at a port that is free, for a server behind a socket.
    ///
    /// # Panics
    /// If it cannot listen.
    pub fn start(socket: PathBuf) -> Self {
        Self::start_at(0, socket)
    }

    /// Listens at a port; any that is free for 0.
    ///
    /// # Panics
    /// If it cannot listen.
    pub fn start_at(port: u16, socket: PathBuf) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", port)).expect("a test may listen");
        let port = listener.local_addr().expect("it listens somewhere").port();
        let plan = Arc::new(Plan { cut: Mutex::new(Cut::Nothing), cuts: AtomicU64::new(0) });
        let planned = plan.clone();
        thread::spawn(move || {
            for (seed, client) in (0..).zip(listener.incoming()) {
                // A server that is not there refuses, and may be there the next time.
                let (Ok(client), Ok(server)) = (client, UnixStream::connect(&socket)) else { continue };
                let plan = planned.clone();
                thread::spawn(move || forward(client, server, &plan, Random::new(seed)));
            }
        });
        Self { port, plan }
    }

    /// The port of 127.0.0.1 at which it listens.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// How a client names the server behind it.
    pub fn connection(&self) -> String {
        format!("host=127.0.0.1 port={} user=postgres dbname=postgres", self.port)
    }

    /// How many connections were cut.
    pub fn cuts(&self) -> u64 {
        self.plan.cuts.load(Ordering::SeqCst)
    }

    /// Plans what is cut.
    pub fn cut(&self, cut: Cut) {
        *self.plan.cut.lock().unwrap_or_else(PoisonError::into_inner) = cut;
    }
}

impl Plan {
    /// What becomes of a message.
    fn next(&self, is_commit: bool, random: &mut Random) -> Cut {
        let mut cut = self.cut.lock().unwrap_or_else(PoisonError::into_inner);
        match *cut {
            Cut::Often if random.per_mille(if is_commit { OF_COMMITS } else { OF_MESSAGES }) => {
                *random.pick(&[Cut::BeforeCommit, Cut::AfterCommit])
            }
            Cut::BeforeCommit | Cut::AfterCommit if is_commit => std::mem::replace(&mut *cut, Cut::Nothing),
            _ => Cut::Nothing,
        }
    }
}

fn forward(mut client: TcpStream, mut server: UnixStream, plan: &Plan, mut random: Random) {
    let (mut answers, mut back) = match (server.try_clone(), client.try_clone()) {
        (Ok(answers), Ok(back)) => (answers, back),
        // Dropped, they are cut.
        _ => return,
    };
    // Small answers are not to wait for each other.
    let _ = client.set_nodelay(true);
    thread::spawn(move || {
        let _ = std::io::copy(&mut answers, &mut back);
        // The server is gone.
        let _ = back.shutdown(Shutdown::Both);
    });
    let mut buffer = vec![0; 1 << 16];
    while let Ok(count @ 1..) = client.read(&mut buffer) {
        let is_commit = buffer[..count].windows(7).any(|bytes| bytes == b"COMMIT;" || bytes == b"COMMIT\0");
        match plan.next(is_commit, &mut random) {
            Cut::BeforeCommit => {}
            Cut::AfterCommit => {
                let _ = client.shutdown(Shutdown::Both);
                let _ = server.write_all(&buffer[..count]);
                // The server answers to nobody; if the other thread hears it, nothing more comes.
                let _ = server.set_read_timeout(Some(ANSWER));
                let _ = server.read(&mut buffer);
            }
            Cut::Nothing | Cut::Often => match server.write_all(&buffer[..count]) {
                Ok(()) => continue,
                Err(_) => break,
            },
        }
        plan.cuts.fetch_add(1, Ordering::SeqCst);
        break;
    }
    let _ = (client.shutdown(Shutdown::Both), server.shutdown(Shutdown::Both));
}

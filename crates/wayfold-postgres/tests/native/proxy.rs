//! A proxy between the store and the server that cuts connections at their commit.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::thread;

const PASS: u8 = 0;
/// The server never hears of the commit.
pub(crate) const CUT_BEFORE: u8 = 1;
/// The server commits, and its answer is lost.
pub(crate) const CUT_AFTER: u8 = 2;

/// Stands between the store and the server, and cuts the next connection that commits.
pub(crate) struct Proxy {
    port: u16,
    plan: Arc<AtomicU8>,
}

impl Proxy {
    pub(crate) fn start(socket: PathBuf) -> Self {
        Self::start_at(0, socket)
    }

    /// Listens at a port; any that is free for 0.
    pub(crate) fn start_at(port: u16, socket: PathBuf) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
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

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// How a client names the server behind it.
    pub(crate) fn connection(&self) -> String {
        format!("host=127.0.0.1 port={} user=postgres dbname=postgres", self.port)
    }

    /// Plans what becomes of the next commit.
    pub(crate) fn cut(&self, plan: u8) {
        self.plan.store(plan, Ordering::SeqCst);
    }
}

fn forward(mut client: TcpStream, server: &UnixStream, plan: &AtomicU8) {
    let (mut answers, mut back) = (server.try_clone().unwrap(), client.try_clone().unwrap());
    thread::spawn(move || std::io::copy(&mut answers, &mut back));
    let (mut buffer, mut server) = (vec![0; 1 << 16], server);
    while let Ok(count @ 1..) = client.read(&mut buffer) {
        let is_commit = buffer[..count].windows(7).any(|bytes| bytes == b"COMMIT;" || bytes == b"COMMIT\0");
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

//! How a service embeds the engine: events in, answers, pages, decisions and notices out, over HTTP.
//!
//! Without arguments it starts on a free port, asks itself everything that it can answer, and ends:
//! `cargo run --example 09_service`. With an address and a store it serves until Ctrl-C:
//! `cargo run --example 09_service -- --listen 127.0.0.1:8080 --store sqlite:customers.wayfold`, or with
//! `--features postgres` and a store such as `postgres://shop@db/shop`. With a store alone it asks itself over that one,
//! which has to be empty.
//!
//! Read `service.rs` first, then `redeem.rs` for decisions and `notices.rs` for the stream.

mod answer;
mod client;
mod drive;
mod notices;
mod process;
mod redeem;
mod service;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use clap::Parser;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use wayfold::{Builder, Rules, StoreUrl, Timestamp};

use crate::service::Service;

#[derive(Debug, Parser)]
struct Arguments {
    /// Where to listen; without it the service asks itself and ends.
    #[arg(long, value_name = "ADDR", requires = "store")]
    listen: Option<SocketAddr>,
    /// Where the log is.
    #[arg(long, value_name = "URL")]
    store: Option<String>,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    // The SQLite store reads on the thread that asks, so there is more than one.
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build()?;
    // Read here, as an error of the arguments shows what was given, which may hold a password.
    let store = arguments.store.map(|url| url.parse::<StoreUrl>()).transpose()?;
    match (arguments.listen, store) {
        (Some(address), Some(store)) => runtime.block_on(process::serve(address, &store)),
        (_, Some(store)) => start_and_ask(&runtime, &store),
        (_, None) => ask_itself(&runtime),
    }
}

/// Starts on a free port over a file that is thrown away, and asks.
fn ask_itself(runtime: &Runtime) -> anyhow::Result<()> {
    let folder = std::env::temp_dir().join(format!("wayfold-09-service-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let asked =
        start_and_ask(runtime, &format!("sqlite:{}", folder.join("customers.wayfold").display()).parse()?);
    std::fs::remove_dir_all(&folder)?;
    asked
}

/// Engine and store go by one clock that is moved by hand, so that half a year passes at once.
fn start_and_ask(runtime: &Runtime, store: &StoreUrl) -> anyhow::Result<()> {
    let clock = Clock::starting_at(Timestamp::parse("2024-06-01")?);
    let store = store.open_with_clock_blocking(clock.reader())?;
    let builder = Builder::new(Rules::default())?.by_hand(clock.reader()());
    let service = Arc::new(runtime.block_on(Service::open(store, builder))?);
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"))?;
    let address = listener.local_addr()?;
    let (end, ended) = tokio::sync::oneshot::channel::<()>();
    let ended = async {
        // Nothing is sent: it ends when the other side is dropped.
        let _ = ended.await;
    };
    let serving = runtime.spawn(service::serve(listener, service.clone(), ended));
    let asked = drive::everything(address, |instant| {
        clock.set(instant);
        runtime.block_on(service.wayfold.advance_to(instant))
    });
    drop(end);
    runtime.block_on(serving)??;
    asked
}

/// A clock that stands where it was set.
struct Clock(Arc<AtomicI64>);

impl Clock {
    fn starting_at(instant: Timestamp) -> Self {
        Self(Arc::new(AtomicI64::new(instant.as_micros())))
    }

    fn set(&self, instant: Timestamp) {
        self.0.store(instant.as_micros(), Ordering::SeqCst);
    }

    fn reader(&self) -> impl Fn() -> Timestamp + Send + Sync + 'static {
        let micros = self.0.clone();
        move || {
            Timestamp::from_micros(micros.load(Ordering::SeqCst)).expect("it is set to instants that exist")
        }
    }
}

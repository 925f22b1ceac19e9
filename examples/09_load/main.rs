//! The service of `09_service` under load: as a second process, by many connections at once, and held to its word.
//!
//! Every answer is checked, and every acknowledged event is remembered. In the end the service is stopped, the log is
//! opened with the library, and what stands in it must be what was acknowledged: each event once, and nothing else.
//! What listeners heard must be what holds.
//!
//! Without arguments it asks some thousand times, once over a service that is left alone and once over one that is
//! killed half way: `cargo run --release --example 09_load`. For a minute, with a table of latencies:
//! `cargo run --release --example 09_load -- --seconds 60`, and `--kill` to kill the service half way. With
//! `--against 127.0.0.1:8080` it asks a service that runs already, whose log it leaves alone. With `--store URL` the
//! service keeps its log there, which has to be empty, instead of in a file that is thrown away, and is asked once.
//!
//! Read `run.rs` first, then `caller.rs` for what is asked and `check.rs` for what must stand in the log.

#[path = "../09_service/answer.rs"]
mod answer;
#[path = "../09_service/client.rs"]
mod client;
#[path = "../09_service/notices.rs"]
mod notices;
#[path = "../09_service/process.rs"]
mod process;
#[path = "../09_service/redeem.rs"]
mod redeem;
#[path = "../09_service/service.rs"]
mod service;

mod caller;
mod check;
mod connection;
mod listener;
mod people;
mod run;
mod server;
mod table;
mod tally;

use std::net::SocketAddr;
use std::time::Duration;

use clap::Parser;

use crate::run::{Length, Plan};

/// How many requests make the short load.
const SHORT: u64 = 2_000;

#[derive(Debug, Parser)]
struct Arguments {
    /// How long to ask; without it some thousand requests are made.
    #[arg(long, value_name = "NUMBER")]
    seconds: Option<u64>,
    /// How many connections ask at once [default: 32, without --seconds 8].
    #[arg(long, value_name = "NUMBER")]
    connections: Option<usize>,
    /// Kill the service half way and start it again on the same log.
    #[arg(long, conflicts_with = "against")]
    kill: bool,
    /// Ask a service that runs already.
    #[arg(long, value_name = "ADDR")]
    against: Option<SocketAddr>,
    /// Be the service, on this address.
    #[arg(long, value_name = "ADDR", requires = "store", hide = true)]
    listen: Option<SocketAddr>,
    /// Where the service keeps its log.
    #[arg(long, value_name = "URL", conflicts_with = "against")]
    store: Option<String>,
}

impl Arguments {
    fn plan(&self) -> Plan {
        let (length, connections) = match self.seconds {
            Some(seconds) => (Length::Time(Duration::from_secs(seconds)), 32),
            None => (Length::Requests(SHORT), 8),
        };
        let connections = self.connections.unwrap_or(connections).max(1);
        Plan { length, connections, kill: self.kill }
    }
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build()?;
    if let Some((address, store)) = arguments.listen.zip(arguments.store.as_ref()) {
        return runtime.block_on(process::serve(address, &store.parse()?));
    }
    let plan = arguments.plan();
    if let Some(address) = arguments.against {
        return run::against(&runtime, &plan, address);
    }
    if let Some(store) = &arguments.store {
        return run::over(&runtime, &plan, store);
    }
    run::with_a_service(&runtime, &plan)?;
    if arguments.seconds.is_none() && !plan.kill {
        run::with_a_service(&runtime, &Plan { kill: true, ..plan })?;
    }
    Ok(())
}

//! The thread that keeps the live states up with the log.

use std::sync::Arc;
use std::time::Duration;

use metrics::counter;
use tracing::warn;

use crate::engine::Engine;
use crate::error::{Error, ErrorKind, Result};
use crate::platform::thread::{Builder, JoinHandle};
use crate::platform::{Delay, block_on};
use crate::wait::first;

/// After a failure the thread waits for so long, twice as long after each further one.
const WAIT_FIRST: Duration = Duration::from_millis(20);
const WAIT_MAX: Duration = Duration::from_secs(5);

/// A thread that folds what comes to the log until the engine is closed.
#[derive(Debug)]
pub(crate) struct Follower(JoinHandle<()>);

impl Follower {
    pub(crate) fn start(engine: Arc<Engine>) -> Result<Self> {
        let thread = Builder::new().name("wayfold-follow".to_owned());
        let started = thread.spawn(move || block_on(follow(&engine)));
        let thread = started.map_err(|error| {
            Error::new(ErrorKind::Unavailable, format_args!("no thread to follow the log: {error}"))
        })?;
        Ok(Self(thread))
    }

    /// Waits until the thread has ended, which it does after what it folds just now.
    pub(crate) fn join(self) {
        // It catches what it meets; a panic of its own is a defect that its message has told by now.
        let _ = self.0.join();
    }
}

async fn follow(engine: &Engine) {
    let mut wait = WAIT_FIRST;
    while !engine.signal.is_closed() {
        let signal = engine.signal.listen();
        if engine.signal.is_closed() {
            return;
        }
        let told = async {
            signal.await;
            Ok(())
        };
        match first(follow_once(engine), told).await {
            Ok(()) => wait = WAIT_FIRST,
            Err(error) => {
                counter!("wayfold_follow_failures_total").increment(1);
                warn!(%error, "the live states could not follow the log; trying again");
                let signal = engine.signal.listen();
                if !engine.signal.is_closed() {
                    first(Delay::new(wait), signal).await;
                }
                wait = (wait * 2).min(WAIT_MAX);
            }
        }
    }
}

/// Folds up to the end of the log and waits for what comes after it.
async fn follow_once(engine: &Engine) -> Result<()> {
    engine.catch_up().await?;
    if let Some(events) = engine.parts.snapshot_every
        && engine.live.since_snapshot().await >= events
    {
        engine.snapshot().await?;
    }
    let position = engine.position().await;
    engine.parts.store.wait_past(position).await?;
    Ok(())
}

//! The thread that keeps the live states up with the log.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use event_listener::Event;
use futures_timer::Delay;
use metrics::counter;
use pollster::block_on;
use tracing::warn;

use crate::engine::Engine;
use crate::error::{Error, ErrorKind, Result};

/// After a failure the thread waits for so long, twice as long after each further one.
const WAIT_FIRST: Duration = Duration::from_millis(20);
const WAIT_MAX: Duration = Duration::from_secs(5);

/// A thread that folds what comes to the log until it is dropped.
#[derive(Debug)]
pub(crate) struct Follower {
    stop: Arc<Stop>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Stop {
    is_set: AtomicBool,
    event: Event,
}

impl Follower {
    pub(crate) fn start(engine: Arc<Engine>) -> Result<Self> {
        let stop = Arc::new(Stop::default());
        let own = stop.clone();
        let thread = std::thread::Builder::new()
            .name("wayfold-follow".to_owned())
            .spawn(move || block_on(follow(&engine, &own)))
            .map_err(|error| {
                Error::new(ErrorKind::Unavailable, format_args!("no thread to follow the log: {error}"))
            })?;
        Ok(Self { stop, thread: Some(thread) })
    }
}

impl Drop for Follower {
    /// Waits until the thread has ended, which it does after what it folds just now.
    fn drop(&mut self) {
        self.stop.is_set.store(true, Ordering::SeqCst);
        self.stop.event.notify(usize::MAX);
        if let Some(thread) = self.thread.take() {
            // It catches what it meets; a panic of its own is a defect that its message has told by now.
            let _ = thread.join();
        }
    }
}

impl Stop {
    fn is_set(&self) -> bool {
        self.is_set.load(Ordering::SeqCst)
    }

    async fn wait(&self) {
        let listener = self.event.listen();
        if !self.is_set() {
            listener.await;
        }
    }
}

async fn follow(engine: &Engine, stop: &Stop) {
    let mut wait = WAIT_FIRST;
    while !stop.is_set() {
        let followed = first(follow_once(engine), async {
            stop.wait().await;
            Ok(())
        });
        match followed.await {
            Ok(()) => wait = WAIT_FIRST,
            Err(error) => {
                counter!("wayfold_follow_failures_total").increment(1);
                warn!(%error, "the live states could not follow the log; trying again");
                first(Delay::new(wait), stop.wait()).await;
                wait = (wait * 2).min(WAIT_MAX);
            }
        }
    }
}

/// Waits for the next event and folds up to the end of the log.
async fn follow_once(engine: &Engine) -> Result<()> {
    engine.catch_up().await?;
    let position = engine.position().await;
    engine.parts.store.wait_past(position).await?;
    Ok(())
}

/// What the first of two comes to; the other is dropped.
async fn first<T>(one: impl Future<Output = T>, other: impl Future<Output = T>) -> T {
    let (mut one, mut other) = (Box::pin(one), Box::pin(other));
    poll_fn(|context| {
        let polled = Pin::new(&mut one).poll(context);
        if polled.is_ready() { polled } else { Pin::new(&mut other).poll(context) }
    })
    .await
}

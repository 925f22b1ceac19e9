//! Who waits for the next event, and the task that hears of the appends of other handles.

use std::convert::Infallible;
use std::future::poll_fn;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use metrics::gauge;
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_postgres::{AsyncMessage, Client};
use tracing::warn;
use wayfold_core::Position;
use wayfold_store::{Error, Result};

use crate::error::{At, unavailable};
use crate::frontier::{Held, Look};
use crate::runtime::Threads;
use crate::store::Shared;
use crate::tls::Tls;

/// How soon the log is looked at again while committed events are held back.
const HELD_BACK_PAUSE: Duration = Duration::from_millis(5);
/// After a failure the task waits for so long.
const FAILURE_PAUSE: Duration = Duration::from_millis(500);

/// How long events have been held back for which somebody waits.
const WAITING: &str = "wayfold_postgres_held_back_now_seconds";

/// What is known of the head of the log.
#[derive(Debug, Clone, Default)]
struct Known {
    head: Option<Position>,
    /// Why it cannot be known at the moment.
    failed: Option<String>,
}

/// Everybody who waits.
#[derive(Debug, Default)]
pub(crate) struct Waiters {
    known: watch::Sender<Known>,
    /// Something may have come, or somebody has begun to wait.
    nudge: Arc<Notify>,
    listener: OnceLock<JoinHandle<()>>,
}

impl Waiters {
    /// Wakes who waits for an event up to the head.
    pub(crate) fn reach(&self, head: Position) {
        self.known.send_if_modified(|known| {
            let is_news = known.head.is_none_or(|known| known < head) || known.failed.is_some();
            if is_news {
                *known = Known { head: known.head.max(Some(head)), failed: None };
            }
            is_news
        });
    }

    fn fail(&self, error: &Error) {
        self.known.send_modify(|known| known.failed = Some(error.to_string()));
    }

    /// Waits until the head is past a position.
    pub(crate) async fn past(
        &self,
        position: Position,
        listen: impl FnOnce() -> JoinHandle<()>,
    ) -> Result<Position> {
        let mut known = self.known.subscribe();
        // What failed before this wait began is asked for anew.
        let is_past = |known: &Known| known.head.filter(|head| *head > position);
        if let Some(head) = is_past(&known.borrow_and_update()) {
            return Ok(head);
        }
        self.listener.get_or_init(listen);
        self.nudge.notify_one();
        loop {
            known.changed().await.map_err(|_| unavailable("wait for events: the store is closed"))?;
            let known = known.borrow_and_update();
            if let Some(head) = is_past(&known) {
                return Ok(head);
            }
            if let Some(failed) = &known.failed {
                return Err(unavailable(format_args!("wait for events: {failed}")));
            }
        }
    }
}

/// Starts the task that keeps what is known of the head true while somebody waits; it ends with the threads.
pub(crate) fn listen(threads: &Threads, shared: &Arc<Shared>) -> JoinHandle<()> {
    let shared = shared.clone();
    threads.spawn(async move {
        loop {
            let Err(error) = follow(&shared).await;
            warn!(%error, "the log could not be followed; trying again");
            shared.waiters.fail(&error);
            tokio::time::sleep(FAILURE_PAUSE).await;
        }
    })
}

async fn follow(shared: &Shared) -> Result<Infallible> {
    let tried = "listen to the server";
    let waiters = &shared.waiters;
    let (client, mut connection) = shared.driver.connect(Tls::clone(&shared.tls)).await.at(tried)?;
    let nudge = waiters.nudge.clone();
    tokio::spawn(async move {
        while let Some(Ok(message)) = poll_fn(|context| connection.poll_message(context)).await {
            if matches!(message, AsyncMessage::Notification(_)) {
                nudge.notify_one();
            }
        }
        nudge.notify_one();
    });
    client.batch_execute(&shared.sql.listen).await.at(tried)?;
    let mut held_back = HeldBack::default();
    let mut look = Look::take(&client, &shared.sql).await?;
    loop {
        waiters.reach(look.head(&client, &shared.sql).await?);
        held_back.note(look, &client, shared).await;
        let pause = match look.hides() {
            true => HELD_BACK_PAUSE,
            false => Duration::from_millis(shared.config.poll_interval_ms.max(1)),
        };
        if waiters.known.receiver_count() == 0 {
            held_back = HeldBack::default();
            waiters.nudge.notified().await;
        } else {
            let _ = timeout(pause, waiters.nudge.notified()).await;
        }
        look = look.again(&client, &shared.sql).await?;
    }
}

/// Since when who waits is held back by a transaction of somebody.
#[derive(Default)]
struct HeldBack {
    since: Option<Instant>,
    is_told: bool,
}

impl HeldBack {
    /// Shows how long it has been, and says who it is once that is longer than a read would wait.
    async fn note(&mut self, look: Look, client: &Client, shared: &Shared) {
        if !look.hides() {
            if self.since.is_some() {
                *self = Self::default();
            }
            return;
        }
        let (began, patience) = (*self.since.get_or_insert_with(Instant::now), shared.config.held_back_max());
        gauge!(WAITING).set(began.elapsed().as_secs_f64());
        if began.elapsed() >= patience && !self.is_told {
            self.is_told = true;
            let error = Held { look, patience }.into_error(client, &shared.sql).await;
            warn!(%error, "who waits for events goes on waiting");
        }
    }
}

impl Drop for HeldBack {
    fn drop(&mut self) {
        if self.since.is_some() {
            gauge!(WAITING).set(0.0);
        }
    }
}

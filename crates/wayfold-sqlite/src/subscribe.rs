//! Who waits for the next event, and the thread that looks for appends of other processes meanwhile.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::thread::JoinHandle;
use std::time::Duration;

use wayfold_core::Position;
use wayfold_store::Result;

use crate::error::{At, position, unavailable};
use crate::pool::Pooled;
use crate::record::Meta;
use crate::reply::wake;
use crate::store::Shared;
use crate::thread::join;

/// How long the thread stays when nobody waits: subscribers wait again soon, and starting a thread costs more.
const LINGER: Duration = Duration::from_secs(1);

/// Everybody who waits.
#[derive(Debug, Default)]
pub(crate) struct Waiters {
    waiting: Mutex<Waiting>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Waiting {
    wakers: BTreeMap<u64, (Position, Waker)>,
    seen: u64,
    thread: Option<JoinHandle<()>>,
    is_watched: bool,
    is_closed: bool,
}

impl Waiters {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        // Every change is one call that leaves the whole sound.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wakes who waits for an event up to the head.
    pub(crate) fn notify(&self, head: Position) {
        self.wake(|past| past < head);
    }

    /// Wakes everybody, also who waits for what never comes, so that they find out by themselves what is wrong.
    fn wake_all(&self) {
        self.wake(|_| true);
    }

    fn wake(&self, is_due: impl Fn(Position) -> bool) {
        let woken: Vec<Waker> = {
            let mut waiting = self.lock();
            let due = waiting.wakers.extract_if(.., |_, (past, _)| is_due(*past));
            due.map(|(_, (_, waker))| waker).collect()
        };
        woken.into_iter().for_each(wake);
    }

    /// Wakes everybody and ends the thread.
    pub(crate) fn close(&self) {
        let thread = {
            let mut waiting = self.lock();
            waiting.is_closed = true;
            waiting.thread.take()
        };
        self.changed.notify_all();
        self.wake_all();
        if let Some(thread) = thread {
            // The thread ends by itself; if it panicked, nobody waits for it any more.
            let _ = join(thread);
        }
    }
}

/// Waits until the head is past a position.
pub(crate) struct PastHead<'a> {
    shared: &'a Arc<Shared>,
    past: Position,
    number: Option<u64>,
}

impl<'a> PastHead<'a> {
    pub(crate) fn new(shared: &'a Arc<Shared>, past: Position) -> Self {
        Self { shared, past, number: None }
    }

    fn is_past(&self) -> Option<Result<Position>> {
        match self.shared.head() {
            Ok(head) => (head > self.past).then_some(Ok(head)),
            Err(error) => Some(Err(error)),
        }
    }

    fn register(&mut self, waker: &Waker) -> Result<()> {
        // Wakers are foreign code: they are copied before the lock is taken and dropped when it is free again.
        let waker = waker.clone();
        let mut waiting = self.shared.waiters.lock();
        if waiting.is_closed {
            return Err(unavailable("wait: the store is closed"));
        }
        let number = *self.number.get_or_insert_with(|| {
            waiting.seen += 1;
            waiting.seen
        });
        let before = waiting.wakers.insert(number, (self.past, waker));
        if !waiting.is_watched {
            waiting.thread = Some(watch(self.shared.clone())?);
            waiting.is_watched = true;
        }
        drop(waiting);
        drop(before);
        self.shared.waiters.changed.notify_all();
        Ok(())
    }
}

impl Future for PastHead<'_> {
    type Output = Result<Position>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        if let Some(found) = self.is_past() {
            return Poll::Ready(found);
        }
        self.register(context.waker())?;
        // An event that came before the waker stood there has woken nobody.
        self.is_past().map_or(Poll::Pending, Poll::Ready)
    }
}

impl Drop for PastHead<'_> {
    fn drop(&mut self) {
        if let Some(number) = self.number {
            let gone = self.shared.waiters.lock().wakers.remove(&number);
            drop(gone);
        }
    }
}

fn watch(shared: Arc<Shared>) -> Result<JoinHandle<()>> {
    std::thread::Builder::new()
        .name("wayfold-sqlite-watch".to_owned())
        .spawn(move || {
            let mut watch = Watch { shared: &shared, connection: None, version: None };
            while stays(&shared) {
                match watch.look() {
                    Ok(Some(head)) => shared.waiters.notify(head),
                    Ok(None) => (),
                    // Who waits reads the head, and gets the error that stands in the way.
                    Err(_) => shared.waiters.wake_all(),
                }
            }
        })
        .map_err(|error| unavailable("start to watch the file").with_source(error))
}

/// Waits for the time of the next look; says no when nobody has waited for a while.
fn stays(shared: &Shared) -> bool {
    let waiters = &shared.waiters;
    let interval = Duration::from_millis(u64::from(shared.config.poll_interval_ms.max(1)));
    let mut waiting = waiters.lock();
    if !waiting.wakers.is_empty() {
        let open = |waiting: &mut Waiting| !waiting.is_closed;
        let waited = waiters.changed.wait_timeout_while(waiting, interval, open);
        waiting = waited.unwrap_or_else(PoisonError::into_inner).0;
    }
    if waiting.wakers.is_empty() {
        let nobody = |waiting: &mut Waiting| waiting.wakers.is_empty() && !waiting.is_closed;
        let waited = waiters.changed.wait_timeout_while(waiting, LINGER, nobody);
        waiting = waited.unwrap_or_else(PoisonError::into_inner).0;
    }
    waiting.is_watched = !waiting.wakers.is_empty() && !waiting.is_closed;
    waiting.is_watched
}

/// What one connection has seen of the file.
struct Watch<'a> {
    shared: &'a Shared,
    connection: Option<Pooled<'a>>,
    version: Option<i64>,
}

impl Watch<'_> {
    /// The head, if the file changed since the last look.
    fn look(&mut self) -> Result<Option<Position>> {
        self.shared.readers.check_file()?;
        if !self.connection.as_ref().is_some_and(Pooled::is_current) {
            self.connection = None;
            self.version = None;
        }
        let connection = match &self.connection {
            Some(connection) => connection,
            None => self.connection.insert(self.shared.readers.take()?),
        };
        let found: i64 =
            connection.pragma_query_value(None, "data_version", |row| row.get(0)).at("watch the file")?;
        if self.version.replace(found) == Some(found) {
            return Ok(None);
        }
        Ok(Some(position(Meta::read(connection)?.head)))
    }
}

//! The one thread of a handle that writes, and the queue before it.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use rusqlite::Connection;
use wayfold_store::Result;

use crate::error::{At, position, unavailable};
use crate::group::{self, Job};
use crate::merging;
use crate::store::Shared;
use crate::thread::join;
use crate::wal;

#[derive(Debug, Default)]
struct Queue {
    waiting: Mutex<Waiting>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Waiting {
    jobs: VecDeque<Job>,
    is_closed: bool,
    /// Says whether the thread waits for work and nobody has woken it yet: to wake it is a call of the system.
    is_idle: bool,
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        // Every change of the queue is one call that leaves it whole.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for work and takes what fits into one commit; `None` once it is closed and empty.
    fn take(&self, events_max: usize, bytes_max: usize) -> Option<Vec<Job>> {
        let mut waiting = self.lock();
        while waiting.jobs.is_empty() {
            if waiting.is_closed {
                return None;
            }
            waiting.is_idle = true;
            waiting = self.changed.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
        waiting.is_idle = false;
        let mut group = Vec::new();
        let (mut events, mut bytes) = (0_usize, 0_usize);
        while let Some(job) = waiting.jobs.front() {
            let weight = job.weight();
            events = events.saturating_add(weight.0);
            bytes = bytes.saturating_add(weight.1);
            if !group.is_empty() && (events > events_max || bytes > bytes_max) {
                break;
            }
            group.extend(waiting.jobs.pop_front());
        }
        Some(group)
    }
}

/// Hands work to the thread.
#[derive(Debug)]
pub(crate) struct Writer {
    queue: Arc<Queue>,
    thread: Mutex<Option<JoinHandle<Result<()>>>>,
}

impl Writer {
    /// Starts the thread with its connection.
    pub(crate) fn start(connection: Connection, shared: Arc<Shared>) -> Result<Self> {
        let queue = Arc::new(Queue::default());
        let own = queue.clone();
        let thread = std::thread::Builder::new()
            .name("wayfold-sqlite-writer".to_owned())
            .spawn(move || run(connection, &own, &shared))
            .map_err(|error| unavailable("start the writer").with_source(error))?;
        Ok(Self { queue, thread: Mutex::new(Some(thread)) })
    }

    /// Puts work at the end of the queue.
    pub(crate) fn send(&self, job: Job) {
        let mut waiting = self.queue.lock();
        if waiting.is_closed {
            drop(waiting);
            return job.refuse(unavailable("append: the store is closed"));
        }
        waiting.jobs.push_back(job);
        let is_idle = std::mem::take(&mut waiting.is_idle);
        drop(waiting);
        if is_idle {
            self.queue.changed.notify_one();
        }
    }

    /// Takes no more work, ends what waits, and brings all into the one file.
    pub(crate) fn close(&self) -> Result<()> {
        self.queue.lock().is_closed = true;
        self.queue.changed.notify_all();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(thread) = thread else { return Ok(()) };
        let ended = join(thread).unwrap_or(Ok(Ok(())));
        ended.unwrap_or_else(|_| Err(unavailable("close: the writer failed")))
    }
}

/// Leaves nobody waiting for a thread that is gone.
struct Refuses<'a>(&'a Queue);

impl Drop for Refuses<'_> {
    fn drop(&mut self) {
        let left = {
            let mut waiting = self.0.lock();
            waiting.is_closed = true;
            std::mem::take(&mut waiting.jobs)
        };
        left.into_iter().for_each(|job| job.refuse(unavailable("append: the writer stopped")));
    }
}

fn run(connection: Connection, queue: &Queue, shared: &Shared) -> Result<()> {
    let _refuses = Refuses(queue);
    let config = &shared.config;
    while let Some(group) = queue.take(config.group_events_max, config.group_bytes_max) {
        // Whoever listens to spans and metrics is foreign code. Where it panics the group gets no answer, which says to
        // everybody in it that the outcome is unknown, and the next group has its turn.
        let written = catch_unwind(AssertUnwindSafe(|| write(&connection, shared, group)));
        if written.is_err() {
            shared.state.forget();
        }
    }
    close(connection, shared)
}

fn write(connection: &Connection, shared: &Shared, group: Vec<Job>) {
    merging::before_commit(shared);
    let changed = {
        metrics::histogram!("wayfold_sqlite_group_calls").record(group.len() as f64);
        let _span = tracing::debug_span!("wayfold.sqlite.commit", calls = group.len()).entered();
        group::commit(connection, shared, group)
    };
    if let Some(meta) = changed {
        merging::after_commit(shared);
        shared.waiters.notify(position(meta.head));
        let _turn = shared.write_turn();
        wal::keep_small(connection, shared);
    }
}

/// Brings all into the one file.
fn close(connection: Connection, shared: &Shared) -> Result<()> {
    // A write-ahead log goes by its name, and might be that of another file by now.
    shared.readers.check_file()?;
    // Readers of other processes may still need the write-ahead log; then whoever closes last brings it in.
    connection
        .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, i64>(0))
        .at("bring the log into the file")?;
    connection.close().map_err(|(_, error)| error).at("close the file")
}

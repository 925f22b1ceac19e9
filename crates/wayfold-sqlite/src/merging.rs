//! The thread of a handle that seals and merges, while appends go on.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use rusqlite::Connection;
use wayfold_store::Result;

use crate::build::{Step, build, sweep};
use crate::error::{At, unavailable};
use crate::plan::{Goal, Plan, is_behind, is_due, merge, seal};
use crate::sealed::Block;
use crate::store::Shared;
use crate::thread::join;

/// How long to wait before looking again at what another process makes.
const BUSY_PAUSE: Duration = Duration::from_millis(50);
/// How long to wait before trying again what failed.
const FAILED_PAUSE: Duration = Duration::from_secs(1);

/// What the threads of a handle tell each other of sealing.
#[derive(Debug, Default)]
pub(crate) struct Merging {
    signals: Mutex<Signals>,
    changed: Condvar,
    /// Held while a block is made, so that a handle makes one at a time.
    turn: Mutex<()>,
}

#[derive(Debug, Default)]
struct Signals {
    is_wanted: bool,
    is_closed: bool,
    /// Says that the last try made nothing: nobody waits for it then.
    has_failed: bool,
    thread: Option<JoinHandle<()>>,
}

impl Merging {
    fn lock(&self) -> MutexGuard<'_, Signals> {
        // Every change is one assignment.
        self.signals.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says that there may be something to seal.
    pub(crate) fn want(&self) {
        self.lock().is_wanted = true;
        self.changed.notify_all();
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.lock().is_closed
    }

    /// Stops at the next step and ends the thread.
    pub(crate) fn close(&self) {
        let thread = {
            let mut signals = self.lock();
            signals.is_closed = true;
            signals.thread.take()
        };
        self.changed.notify_all();
        if let Some(thread) = thread {
            // What it leaves half made is no part of the log.
            let _ = join(thread);
        }
    }

    /// Waits while `is_behind` says so and there is hope.
    pub(crate) fn wait_while(&self, mut is_behind: impl FnMut() -> bool) {
        while is_behind() {
            let mut signals = self.lock();
            if signals.is_closed || signals.has_failed || signals.thread.is_none() {
                return;
            }
            signals.is_wanted = true;
            self.changed.notify_all();
            let waited = self.changed.wait_timeout(signals, BUSY_PAUSE);
            drop(waited.unwrap_or_else(PoisonError::into_inner));
        }
    }

    fn note(&self, has_failed: bool) {
        self.lock().has_failed = has_failed;
        self.changed.notify_all();
    }

    /// Waits until there may be something to do; says no once the store is closed.
    fn wait(&self, pause: Option<Duration>) -> bool {
        let mut signals = self.lock();
        if let Some(pause) = pause {
            let open = |signals: &mut Signals| !signals.is_closed;
            let waited = self.changed.wait_timeout_while(signals, pause, open);
            signals = waited.unwrap_or_else(PoisonError::into_inner).0;
        } else {
            let idle = |signals: &mut Signals| !signals.is_closed && !signals.is_wanted;
            signals = self.changed.wait_while(signals, idle).unwrap_or_else(PoisonError::into_inner);
        }
        signals.is_wanted = false;
        !signals.is_closed
    }
}

/// Starts the thread with its connection.
pub(crate) fn start(connection: Connection, shared: &Arc<Shared>) -> Result<()> {
    let own = shared.clone();
    let thread = std::thread::Builder::new()
        .name("wayfold-sqlite-merge".to_owned())
        .spawn(move || run(&connection, &own))
        .map_err(|error| unavailable("start to seal").with_source(error))?;
    shared.merging.lock().thread = Some(thread);
    // A process that was killed may have left something.
    shared.merging.want();
    Ok(())
}

/// Lets nobody wait for the sealing of a thread that is gone.
struct GivesUp<'a>(&'a Merging);

impl Drop for GivesUp<'_> {
    fn drop(&mut self) {
        self.0.note(true);
    }
}

fn run(connection: &Connection, shared: &Shared) {
    let _gives_up = GivesUp(&shared.merging);
    let mut pause = None;
    while shared.merging.wait(pause) {
        let tried = catch_unwind(AssertUnwindSafe(|| work(connection, shared, Goal::Due)));
        pause = match &tried {
            Ok(Ok(Step::Done | Step::Stale)) => None,
            Ok(Ok(Step::Busy)) => Some(BUSY_PAUSE),
            // Closing stops it, which is no failure.
            _ if shared.merging.is_closed() => break,
            Ok(Err(error)) => failed(error),
            Err(_) => failed(&"a panic"),
        };
        // A process that was killed amid a block keeps others from sealing for a while, and appends do not wait for
        // that.
        shared.merging.note(!matches!(tried, Ok(Ok(Step::Done))));
    }
}

/// Nobody calls this thread, so it tells by itself what went wrong, and tries again later.
fn failed(reason: &dyn std::fmt::Display) -> Option<Duration> {
    // Whoever listens is foreign code, and may be the very reason.
    let _ = catch_unwind(AssertUnwindSafe(|| {
        tracing::warn!(%reason, "sealing failed; the log grows slower to read until it succeeds");
        metrics::counter!("wayfold_sqlite_seal_failures_total").increment(1);
    }));
    Some(FAILED_PAUSE)
}

/// Makes every block that is missing on the way to a goal, then takes out what they replaced.
pub(crate) fn work(connection: &Connection, shared: &Shared, goal: Goal) -> Result<Step> {
    if !connection.is_autocommit() {
        connection.execute_batch("ROLLBACK").at("end the transaction before")?;
    }
    while !shared.merging.is_closed() {
        // From block to block, so that what is due is sealed in time while another thread of the handle has much to do.
        let _turn = shared.merging.turn.lock().unwrap_or_else(PoisonError::into_inner);
        match make_next(connection, shared, goal)? {
            None => break,
            Some(Step::Busy) => return Ok(Step::Busy),
            Some(Step::Done | Step::Stale) => (),
        }
    }
    let _turn = shared.merging.turn.lock().unwrap_or_else(PoisonError::into_inner);
    sweep(shared, connection)?;
    Ok(Step::Done)
}

/// Makes the next block on the way to a goal; `None` if none is missing.
fn make_next(connection: &Connection, shared: &Shared, goal: Goal) -> Result<Option<Step>> {
    shared.readers.check_file()?;
    let (generation, plan) = plan(connection, shared, goal)?;
    let Some(plan) = plan else { return Ok(None) };
    let span = tracing::debug_span!("wayfold.sqlite.seal", merges = matches!(plan, Plan::Merge(_)));
    let step = span.in_scope(|| build(shared, connection, generation, &plan))?;
    if step == Step::Done {
        metrics::counter!("wayfold_sqlite_sealed_blocks_total").increment(1);
        take_in(connection, shared)?;
        shared.merging.changed.notify_all();
    }
    Ok(Some(step))
}

/// What is to be made next, and of which generation of the log.
fn plan(connection: &Connection, shared: &Shared, goal: Goal) -> Result<(u64, Option<Plan>)> {
    let config = &shared.config;
    let (snapshot, (generation, sealed, plan)) = shared.state.ask_now(connection, |state| {
        Ok((state.meta.generation, state.sealed.clone(), seal(&state.tail, config, goal)))
    })?;
    let bytes_of = |block: &Block| block.bytes(&snapshot.transaction);
    // Counting bytes reads the file, and nobody waits for the memory meanwhile.
    let plan = plan.map_or_else(|| merge(&sealed, config, goal, &bytes_of), |plan| Ok(Some(plan)))?;
    Ok((generation, plan))
}

/// Brings the memory up with the new block, so that no caller has to, and reads its filter for the next append.
fn take_in(connection: &Connection, shared: &Shared) -> Result<()> {
    let (snapshot, sealed) = shared.state.ask_now(connection, |state| Ok(state.sealed.clone()))?;
    sealed.blocks.iter().try_for_each(|block| block.filter(&snapshot.transaction).map(drop))
}

/// Says to the merging thread that a commit has left enough to seal.
pub(crate) fn after_commit(shared: &Shared) {
    if shared.state.known(|state| is_due(&state.tail, &shared.config)) {
        shared.merging.want();
    }
}

/// Waits until sealing has caught up, where it is far behind.
pub(crate) fn before_commit(shared: &Shared) {
    let is_behind = || shared.state.known(|state| is_behind(&state.tail, &shared.config));
    shared.merging.wait_while(is_behind);
}

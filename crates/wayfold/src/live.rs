//! The live states: folded up to a position of the log and an instant, read by many and moved on by one.

use metrics::{counter, gauge, histogram};
use tracing::field::Empty;
use tracing::{Instrument, debug_span};
use wayfold_core::CustomerList;

use crate::engine::Engine;
use crate::error::Result;
use crate::known::Known;
use crate::platform::atomic::{AtomicU64, Ordering};
use crate::platform::task::{Mutex, RwLock, RwLockReadGuard};
use crate::shards::{Read, Shards};
use crate::snapshot::{self, Opened};

#[derive(Debug)]
pub(crate) struct Live {
    /// Held by who folds on, so that reading the log holds no question up.
    turn: Mutex<Turn>,
    shards: RwLock<Shards>,
    /// Held by who writes a snapshot.
    pub(crate) snapshot_turn: Mutex<()>,
    /// How many events the last snapshot of these states holds.
    snapshotted: AtomicU64,
}

/// How far the live states have come.
#[derive(Debug)]
enum Turn {
    /// Nothing is restored, though a snapshot may be there.
    Opened,
    /// Restored, with so many events, which may be none; what has come since is not folded yet.
    Restored(Opened, u64),
    /// Folded up to the log once.
    Begun(Opened),
}

impl Live {
    /// States that are begun by who folds on first: from a snapshot, or with nothing.
    pub(crate) fn new(shards: Shards, restores: bool) -> Self {
        let turn = if restores { Turn::Opened } else { Turn::Restored(Opened::default(), 0) };
        Self {
            turn: Mutex::new(turn),
            snapshotted: AtomicU64::new(shards.events()),
            shards: RwLock::new(shards),
            snapshot_turn: Mutex::new(()),
        }
    }

    /// How many events are folded that the last snapshot does not hold.
    pub(crate) async fn since_snapshot(&self) -> u64 {
        self.since(self.shards.read().await.events())
    }

    fn since(&self, events: u64) -> u64 {
        events.saturating_sub(self.snapshotted.load(Ordering::Relaxed))
    }

    /// Notes how many events the snapshot holds that was written.
    pub(crate) fn note_snapshot(&self, events: u64) {
        self.snapshotted.store(events, Ordering::Relaxed);
    }
}

impl Engine {
    /// Folds what has come to the log, and what has fallen due by now; returns how many events were read.
    ///
    /// A call that is dropped half way is taken up by the next.
    pub(crate) async fn catch_up(&self) -> Result<u64> {
        let span = debug_span!("wayfold.catch_up", events = Empty);
        let read = self.fold_on().instrument(span.clone()).await?;
        span.record("events", read);
        Ok(read)
    }

    async fn fold_on(&self) -> Result<u64> {
        let (store, all) = (self.parts.store.as_ref(), Known(None));
        let mut turn = self.live.turn.lock().await;
        if matches!(*turn, Turn::Opened) {
            let (states, opened) = snapshot::restore(&self.parts, &self.projections()).await?;
            let events = states.events();
            *self.live.shards.write().await = states;
            self.live.note_snapshot(events);
            *turn = Turn::Restored(opened, events);
        }
        let mut shards = self.live.shards.write().await;
        shards.begin_anew_if_torn();
        shards.advance_to(self.parts.clock.now())?;
        shards.refold_pending(store, all).await?;
        let (mut position, mut folded, lanes) = (shards.position(), shards.events(), shards.lanes());
        drop(shards);
        let mut events = 0;
        loop {
            let scan = store.scan(position, usize::MAX, lanes).await?;
            let is_last = scan.is_last;
            position = scan.position;
            if scan.events > 0 {
                let mut shards = self.live.shards.write().await;
                let read = shards.apply(scan, all)?;
                self.tell_lag(&read);
                counter!("wayfold_folded_total").increment(read.events);
                (events, folded) = (events + read.events, shards.events());
                shards.refold_pending(store, all).await?;
            }
            gauge!("wayfold_snapshot_age_events").set(self.live.since(folded) as f64);
            if is_last {
                if let Turn::Restored(opened, before) = &*turn {
                    *turn = Turn::Begun(Opened { folded: folded - before, ..opened.clone() });
                }
                return Ok(events);
            }
        }
    }

    /// Tells how far the live states were behind a part of the log that they have folded now.
    fn tell_lag(&self, read: &Read) {
        histogram!("wayfold_lag_events").record(read.events as f64);
        if let Some(recorded_at) = read.recorded_at {
            let us = self.parts.clock.now().as_micros().saturating_sub(recorded_at.as_micros()).max(0);
            histogram!("wayfold_lag_seconds").record(us as f64 / 1e6);
        }
    }

    /// The live states with everything folded that stood in the log when the question came.
    pub(crate) async fn settled(&self) -> Result<RwLockReadGuard<'_, Shards>> {
        loop {
            self.catch_up().await?;
            let shards = self.live.shards.read().await;
            // Somebody may have begun to fold on since, and been dropped half way.
            if shards.is_settled() {
                return Ok(shards);
            }
        }
    }

    /// What was found when the states were begun.
    pub(crate) async fn opened(&self) -> Result<Opened> {
        loop {
            if let Turn::Begun(opened) = &*self.live.turn.lock().await {
                return Ok(opened.clone());
            }
            self.catch_up().await?;
        }
    }

    /// Says whether the states have come up to the log once.
    pub(crate) async fn has_begun(&self) -> bool {
        matches!(*self.live.turn.lock().await, Turn::Begun(_))
    }

    /// Puts other states in the place of the live ones, once they are folded as far.
    pub(crate) async fn swap(&self, mut states: Shards) -> Result<()> {
        // A snapshot of the states before that is being written ends first, and is noted as theirs.
        let _snapshot_turn = self.live.snapshot_turn.lock().await;
        let mut turn = self.live.turn.lock().await;
        states.advance_to(self.parts.clock.now())?;
        states.catch_up(self.parts.store.as_ref(), Known(None)).await?;
        let mut shards = self.live.shards.write().await;
        self.set_projections(states.projections().clone());
        *shards = states;
        if !matches!(*turn, Turn::Begun(_)) {
            *turn = Turn::Begun(Opened::default());
        }
        self.live.note_snapshot(0);
        Ok(())
    }

    /// Puts a list of customers into the live states.
    pub(crate) async fn put_list(&self, list: CustomerList) {
        let _turn = self.live.turn.lock().await;
        let mut shards = self.live.shards.write().await;
        let mut projections = self.projections();
        projections.put_list(list.clone());
        self.set_projections(projections);
        shards.put_list(&list);
    }

    /// How many events the live states have folded.
    pub(crate) async fn live_events(&self) -> u64 {
        self.live.shards.read().await.events()
    }

    /// The position up to which the live states are folded.
    pub(crate) async fn position(&self) -> wayfold_core::Position {
        self.live.shards.read().await.position()
    }
}

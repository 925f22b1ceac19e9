use std::sync::{Arc, PoisonError};

use wayfold_core::{
    CustomerKey, CustomerList, EventBatch, Fold, Limits, Position, ProjectionSet, Rules, Shard, Timestamp,
};
use wayfold_store::EventStore;

use crate::builder::Builder;
use crate::clock::Clock;
use crate::decide::RetryPolicy;
use crate::error::Result;
use crate::follow::Follower;
use crate::live::Live;
use crate::platform::{Mutex, RwLock};
use crate::shards::{Shards, readable};
use crate::snapshot;
use crate::versions::hold_to_version;
use crate::wait::Signal;

/// The engine: records what customers do, and answers where each stands, at any instant, and why.
///
/// It is shared by reference between tasks and threads and needs no runtime. Questions about all customers are
/// about the default tenant unless they name another; the export and the newest event are of all tenants.
///
/// ```
/// use std::sync::Arc;
/// use wayfold::{CustomerKey, EventId, JourneyEvent, MemoryStore, Registered, Timestamp, Uuid, Wayfold};
///
/// # pollster::block_on(async {
/// let wayfold = Arc::new(Wayfold::open(MemoryStore::new()).await?);
/// let (ada, at) = (CustomerKey::new("ada")?, Timestamp::parse("2024-03-01")?);
/// wayfold.append([&JourneyEvent::new(EventId(Uuid::now_v7()), ada.clone(), at, Registered {})]).await?;
/// assert_eq!(wayfold.customer(&ada).await?.expect("ada is known").events, 1);
/// # Ok::<(), wayfold::Error>(())
/// # }).unwrap();
/// ```
///
/// Calls do what their store does on the thread that polls them: the store in one file reads and folds there, and waits
/// for its commits without holding the thread.
///
/// Questions about one customer read its events from the log and wait for nothing else, also right after opening.
/// Questions about all customers are answered from live states, which a thread of the engine restores from the last
/// snapshot and keeps up with the log; each answer is of one position of it, and none makes an append wait. The thread
/// ends when the engine is dropped.
///
/// A projection of one's own that panics answers with an error that names it until the engine is opened anew; what
/// the others say stays right.
#[derive(Debug)]
pub struct Wayfold {
    engine: Arc<Engine>,
    follower: Mutex<Option<Follower>>,
}

impl Drop for Wayfold {
    /// Ends subscriptions, and the thread that follows after what it folds just now. Nothing acknowledged is lost by
    /// it, as everything stands in the log.
    fn drop(&mut self) {
        self.end();
    }
}

/// What an engine is made of.
#[derive(Debug)]
pub(crate) struct Parts {
    pub(crate) store: Arc<dyn EventStore>,
    pub(crate) threads: usize,
    pub(crate) limits: Limits,
    pub(crate) clock: Clock,
    pub(crate) retries: RetryPolicy,
    /// A snapshot is written after so many events; never if there is no number.
    pub(crate) snapshot_every: Option<u64>,
}

/// What the engine and its thread share.
#[derive(Debug)]
pub(crate) struct Engine {
    pub(crate) parts: Parts,
    pub(crate) live: Live,
    /// What the live states are folded by; changed together with them.
    projections: RwLock<ProjectionSet>,
    pub(crate) signal: Signal,
}

impl Engine {
    pub(crate) fn projections(&self) -> ProjectionSet {
        self.projections.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn set_projections(&self, projections: ProjectionSet) {
        *self.projections.write().unwrap_or_else(PoisonError::into_inner) = projections;
    }
}

impl Wayfold {
    /// Opens an engine over a store under the default rules.
    ///
    /// # Errors
    /// `Unavailable` or `Corrupt` if the store cannot be read.
    pub async fn open(store: impl EventStore + 'static) -> Result<Self> {
        Builder::new(Rules::default())?.open(store).await
    }

    pub(crate) async fn start(
        parts: Parts,
        projections: ProjectionSet,
        follows: bool,
        restores: bool,
    ) -> Result<Self> {
        hold_to_version(parts.store.as_ref(), projections.rules()).await?;
        if !restores {
            snapshot::clear(parts.store.as_ref(), snapshot::LIVE).await?;
        }
        let engine = Arc::new(Engine {
            live: Live::new(Shards::new(&projections, parts.clock.now(), parts.threads), restores),
            parts,
            projections: RwLock::new(projections),
            signal: Signal::default(),
        });
        let follower = follows.then(|| Follower::start(engine.clone())).transpose()?;
        Ok(Self { engine, follower: Mutex::new(follower) })
    }

    /// Ends subscriptions and the thread that follows, and writes a snapshot if anything was folded since the last one
    /// and the engine [writes snapshots](Builder::with_snapshot_every) at all. Of an engine that has no states, because
    /// nobody asked about all customers, there is none to write.
    ///
    /// Questions and appends are answered still, by whoever holds the engine. Dropping it loses nothing either; the next
    /// one then folds what came after the last snapshot.
    ///
    /// # Errors
    /// As [`Wayfold::snapshot`]; everything has ended then all the same.
    pub async fn close(&self) -> Result<()> {
        self.end();
        if self.parts().snapshot_every.is_some() && self.engine.has_begun().await {
            self.catch_up().await?;
            if self.engine.live.since_snapshot().await > 0 {
                self.snapshot().await?;
            }
        }
        Ok(())
    }

    fn end(&self) {
        self.engine.signal.close();
        let follower = self.follower.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(follower) = follower {
            follower.join();
        }
    }

    /// Puts a list of customers that filters may ask for, in the place of one of the same name: questions are answered by it
    /// from then on. A subscription goes by the lists that there were when it began, and a rebuild by those of its builder.
    pub async fn put_list(&self, list: CustomerList) {
        self.engine.put_list(list).await;
    }

    /// The rules of the built-in projections.
    pub fn rules(&self) -> Rules {
        self.engine.projections().rules().clone()
    }

    /// The log.
    pub fn store(&self) -> &dyn EventStore {
        self.parts().store.as_ref()
    }

    /// The instant that questions without one are about: what the engine's clock says.
    pub fn now(&self) -> Timestamp {
        self.parts().clock.now()
    }

    /// Moves the time of an engine that was built [by hand](Builder::by_hand), and folds what falls due by then.
    ///
    /// # Errors
    /// `InvalidConfiguration` if the engine has a clock of its own, `InvalidQuestion` if the instant lies before its
    /// time; `Unavailable` or `Corrupt` if the log cannot be read: the time has moved then, and the next question
    /// folds.
    pub async fn advance_to(&self, instant: impl Into<Timestamp>) -> Result<()> {
        self.parts().clock.advance_to(instant.into())?;
        self.engine.signal.tell();
        self.catch_up().await.map(drop)
    }

    /// Folds what was appended since the last question about all customers; returns how many events.
    ///
    /// Those questions do so themselves; calling it before makes them quick.
    ///
    /// # Errors
    /// `Unavailable` or `Corrupt` if the log cannot be read.
    pub async fn catch_up(&self) -> Result<u64> {
        self.engine.catch_up().await
    }

    /// The position of the log up to which the live states are folded.
    pub async fn position(&self) -> Position {
        self.engine.position().await
    }

    pub(crate) fn engine(&self) -> &Engine {
        &self.engine
    }

    pub(crate) fn shared(&self) -> Arc<Engine> {
        self.engine.clone()
    }

    pub(crate) fn parts(&self) -> &Parts {
        &self.engine.parts
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.parts().limits
    }

    pub(crate) fn retries(&self) -> &RetryPolicy {
        &self.parts().retries
    }

    /// Folds a customer's whole history up to an instant.
    pub(crate) fn fold_history(
        &self,
        key: &CustomerKey,
        history: &[EventBatch],
        as_of: Timestamp,
    ) -> Result<Fold> {
        let mut fold = Fold::new(&self.engine.projections()).with_as_of(as_of);
        let applied = fold.apply_of(Shard::of(key), history);
        debug_assert!(applied.refolds.is_empty(), "a history that is folded at once has no late event");
        history.iter().try_for_each(readable)?;
        Ok(fold)
    }
}

//! Rebuilds: states under other rules, or of other projections, folded beside the running ones and then put in their
//! place.

use std::sync::Arc;
use std::time::{Duration, Instant};

use metrics::{counter, gauge};
use tracing::{Instrument, info_span, warn};
use wayfold_core::{Population, PopulationDifference, Position, Tenant, Timestamp};

use crate::ask::AsOf;
use crate::builder::Builder;
use crate::engine::{Engine, Wayfold};
use crate::error::{Error, ErrorKind, Result};
use crate::known::{Known, KnownAt};
use crate::shards::Shards;
use crate::snapshot::{self, Taken};
use crate::versions::hold_to_version;

/// About how many events a step folds; a sealed block is folded as a whole.
const EVENTS_PER_STEP: usize = 1 << 20;
/// Where the states of a rebuild are kept while it goes on.
const PLACE: &str = "wayfold/rebuild";
/// How often a difference as of now is tried while something falls due in between.
const ATTEMPTS_MAX: u32 = 8;

/// States that are folded beside the live ones; see [`Wayfold::rebuild`].
///
/// It goes on as far as it is called for: whoever stops calling pauses it, and dropping it leaves what is
/// [kept](Rebuild::keep) for later.
#[derive(Debug)]
pub struct Rebuild {
    engine: Arc<Engine>,
    shards: Shards,
    begun: Instant,
    /// Events that were folded before this process began.
    resumed: u64,
}

/// How far a rebuild has come.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Progress {
    /// Events folded, in all.
    pub events: u64,
    /// Events that the live states have folded, and so what there is to fold.
    pub of: u64,
    /// The position up to which it is folded.
    pub position: Position,
    /// Events folded a second since it was begun or resumed; `None` before the first.
    pub events_per_second: Option<f64>,
    /// How long the rest takes at that rate.
    pub remaining: Option<Duration>,
}

impl Wayfold {
    /// Begins states under the rules and projections of a builder beside the live ones, or goes on with those that were
    /// kept.
    ///
    /// Of the builder, rules, projections and threads count. Nothing that the engine answers changes before
    /// [`Rebuild::swap`].
    ///
    /// ```
    /// use wayfold::{Builder, Currency, CustomerKey, EventId, JourneyEvent, LifecycleStage, MemoryStore, Money};
    /// use wayfold::{OrderPlaced, Rules, Tag, Timestamp, Wayfold};
    ///
    /// # pollster::block_on(async {
    /// let now = Timestamp::parse("2024-05-01")?;
    /// let wayfold = Builder::new(Rules::default())?.by_hand(now).open(MemoryStore::new()).await?;
    /// let (ada, at) = (CustomerKey::new("ada")?, Timestamp::parse("2024-01-01")?);
    /// let placed = OrderPlaced { lines: vec![], amount: Money::parse("9", Currency::EUR)?, promised_at: None };
    /// let order = JourneyEvent::new(EventId::from_u128(1), ada.clone(), at, placed).with_tag(Tag::order("o1")?);
    /// wayfold.append([&order]).await?;
    ///
    /// let mut stricter = Rules::default();
    /// (stricter.version, stricter.lifecycle.churned_after_days) = ("churn-90".to_owned(), 90);
    /// let mut rebuild = wayfold.rebuild(Builder::new(stricter)?).await?;
    /// while rebuild.step().await? {
    ///     println!("{:?}", rebuild.progress().await);
    /// }
    /// assert_eq!(rebuild.difference(now).await?.stages[0].there, LifecycleStage::Churned);
    /// rebuild.swap().await?;
    /// assert_eq!(wayfold.rules().version, "churn-90");
    /// assert_eq!(wayfold.customer(&ada).await?.unwrap().lifecycle.stage, LifecycleStage::Churned);
    /// # Ok::<(), wayfold::Error>(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Errors
    /// `InvalidConfiguration` if rules of the same version were used with other thresholds; `Unavailable` or `Corrupt` if
    /// the store cannot be read.
    pub async fn rebuild(&self, builder: Builder) -> Result<Rebuild> {
        let (projections, threads) = (builder.projections, builder.threads);
        let store = self.store();
        hold_to_version(store, projections.rules()).await?;
        // States that were kept under anything else are of another rebuild, which was given up.
        let begin = |as_of| Shards::new(&projections, as_of, threads);
        let kept = snapshot::restored(store, PLACE, &projections.fingerprint(), None, begin).await?;
        let shards = kept.and_then(|kept| kept.ok()).unwrap_or_else(|| begin(self.now()));
        let resumed = shards.events();
        Ok(Rebuild { engine: self.shared(), shards, begun: Instant::now(), resumed })
    }
}

impl Rebuild {
    /// Folds the next part of the log; says no when it has reached its end.
    ///
    /// A call that is dropped half way is taken up by the next.
    ///
    /// # Errors
    /// `Unavailable` or `Corrupt` if the log cannot be read; the next call goes on from there.
    pub async fn step(&mut self) -> Result<bool> {
        self.step_to(Known(None)).await
    }

    /// Says how far it has come.
    pub async fn progress(&self) -> Progress {
        let (events, of) = (self.shards.events(), self.engine.live_events().await);
        let seconds = self.begun.elapsed().as_secs_f64();
        let folded = events.saturating_sub(self.resumed);
        let rate = (folded > 0 && seconds > 0.0).then(|| folded as f64 / seconds);
        let left = of.saturating_sub(events) as f64;
        Progress {
            events,
            of,
            position: self.shards.position(),
            events_per_second: rate,
            remaining: rate.and_then(|rate| Duration::try_from_secs_f64(left / rate).ok()),
        }
    }

    /// Keeps what is folded so far in the store, so that a rebuild that is begun with the same rules and projections goes
    /// on from here, also after the process has ended.
    ///
    /// # Errors
    /// As [`Wayfold::snapshot`].
    pub async fn keep(&mut self) -> Result<()> {
        self.settle().await?;
        Taken::of(&self.shards)?.write(self.engine.parts.store.as_ref(), PLACE).await.map(drop)
    }

    /// Says for whom the live states of the default tenant and these differ as of an instant, both up to one position.
    /// Where a customer's history parts is told by [`Wayfold::parting`].
    ///
    /// # Errors
    /// `InvalidQuestion` if an event later than a given instant is folded, or one is due by then: a
    /// [backtest](Wayfold::backtest) answers such. Else as [`Rebuild::step`].
    pub async fn difference(&mut self, as_of: impl Into<AsOf>) -> Result<PopulationDifference> {
        let (tenant, as_of) = (Tenant::default(), as_of.into());
        // Most of what is left is folded while the live states still follow.
        while self.step().await? {}
        let engine = self.engine.clone();
        let mut attempts = 1..ATTEMPTS_MAX;
        loop {
            let live = engine.settled().await?;
            let known = Known(Some(KnownAt::Position(live.position())));
            while self.step_to(known).await? {}
            // Both at the later of the two, by a clock that runs and may go back.
            let instant = as_of.instant(&live).max(as_of.instant(&self.shards));
            let is_answered = live.answers(instant) && self.shards.answers(instant);
            if as_of == AsOf::Now && !is_answered && attempts.next().is_some() {
                continue;
            }
            let here = population(&live, &tenant, instant)?;
            return Ok(here.difference(&population(&self.shards, &tenant, instant)?));
        }
    }

    /// Puts these states, rules and projections in the place of the live ones: a question is answered by the ones or the
    /// others. Handles that the builder has given ask for its projections from then on.
    ///
    /// Subscriptions go on under the rules under which they began. A process that is started later opens with whatever
    /// its own builder says.
    ///
    /// # Errors
    /// As [`Rebuild::step`]: nothing has changed then. That a snapshot of the new states cannot be written is no error; the
    /// next opening folds the log.
    pub async fn swap(mut self) -> Result<()> {
        let span = info_span!("wayfold.swap");
        async {
            // Most of what is left is folded while the live states still follow.
            while self.step().await? {}
            let engine = self.engine.clone();
            engine.swap(self.shards).await?;
            counter!("wayfold_swaps_total").increment(1);
            if let Err(error) = keep_swapped(&engine).await {
                warn!(%error, "the states are swapped and not kept; the next opening folds the log");
            }
            Ok(())
        }
        .instrument(span)
        .await
    }

    /// Gives the rebuild up, and what was kept of it.
    ///
    /// # Errors
    /// `Unavailable` if the store fails.
    pub async fn discard(self) -> Result<()> {
        snapshot::clear(self.engine.parts.store.as_ref(), PLACE).await
    }

    async fn step_to(&mut self, known: Known) -> Result<bool> {
        self.settle().await?;
        let store = self.engine.parts.store.as_ref();
        self.shards.advance_to(self.engine.parts.clock.now())?;
        let goes_on = self.shards.fold_on(store, known, EVENTS_PER_STEP).await?;
        gauge!("wayfold_rebuild_events").set(self.shards.events() as f64);
        Ok(goes_on)
    }

    /// Finishes what a call that was dropped has left.
    async fn settle(&mut self) -> Result<()> {
        self.shards.begin_anew_if_torn();
        self.shards.refold_pending(self.engine.parts.store.as_ref(), Known(None)).await
    }
}

/// Forgets what was kept of the rebuild, and writes what took over.
async fn keep_swapped(engine: &Engine) -> Result<()> {
    snapshot::clear(engine.parts.store.as_ref(), PLACE).await?;
    if engine.parts.snapshot_every.is_some() {
        engine.snapshot().await?;
    }
    Ok(())
}

fn population(shards: &Shards, tenant: &Tenant, as_of: Timestamp) -> Result<Population> {
    if !shards.answers(as_of) {
        let message =
            format_args!("an event lies between {as_of} and what is folded; a backtest answers as of then");
        return Err(Error::new(ErrorKind::InvalidQuestion, message));
    }
    shards.population(tenant, as_of)
}

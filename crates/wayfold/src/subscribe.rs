//! Subscriptions to notices: pulled by who listens, as slowly as it likes.

use std::collections::VecDeque;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use metrics::counter;
use serde::{Deserialize, Serialize};
use wayfold_core::{CustomerKey, Position, Refold, Rules, Teller, Tenant, Timestamp, Told, WatchedFilter};
use wayfold_store::{Checkpoint, CheckpointName, ReadQuery};

use crate::engine::{Engine, Wayfold};
use crate::error::{Error, ErrorKind, Result};
use crate::known::{Known, KnownAt};
use crate::platform::Delay;
use crate::shards::{Shards, history, readable};
use crate::wait::first;

/// How many events are told together.
const EVENTS_PER_STEP: usize = 1_024;
/// The longest wait for an instant; a clock may be set meanwhile.
const WAIT_MAX: Duration = Duration::from_secs(60);
/// The version of what a named subscription keeps.
const FORMAT: u32 = 1;

/// Where a subscription begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// Before the first event and the first instant: everything is told that ever changed.
    Beginning,
    /// After an event, and at the time at which it was recorded.
    After(Position),
    /// At the end of the log as it is, and now.
    Now,
    /// Behind a delivery that was heard, or any other place.
    At(Place),
}

/// A point of the log and an instant, between which and another one something changes; written as `POSITION@INSTANT`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// Up to where the log is told.
    pub position: Position,
    /// Up to which instant.
    pub as_of: Timestamp,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.position, self.as_of)
    }
}

impl FromStr for Place {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let Some((position, as_of)) = text.split_once('@') else {
            let message = format_args!("place {text:?} is not written as POSITION@INSTANT");
            return Err(Error::new(ErrorKind::InvalidQuestion, message));
        };
        Ok(Self { position: Position::try_from(position.to_owned())?, as_of: Timestamp::parse(as_of)? })
    }
}

/// Notices that came together: what holds at a place of the log and of time and did not at the one before, and what
/// held there and does not any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// What is told: never empty. Customers in no particular order; those of one customer in the order in which they
    /// hold, its withdrawals first.
    pub told: Vec<Told>,
    /// Up to where everything is told with it.
    pub place: Place,
}

/// Notices as they come; see [`Wayfold::subscribe`].
///
/// It folds the log for itself, and so needs the memory of the states of all customers. It tells what the rules say
/// under which it began, also after the engine has [swapped](crate::Rebuild::swap) to others.
#[derive(Debug)]
pub struct Subscription {
    engine: Arc<Engine>,
    name: Option<CheckpointName>,
    teller: Teller,
    /// Refolds of the step that is being taken; kept so that a dropped call is taken up by the next.
    pending: VecDeque<Refold>,
    /// Where the step leads.
    position: Position,
    /// Everything up to here was handed over and taken.
    taken: Place,
    /// What is to be handed over once it is kept that it will be.
    ready: Option<Delivery>,
    /// The step that was handed over before the process ended, which is told again just as it was.
    again: Option<Place>,
    /// Whose customers alone are told of, if not all.
    tenant: Option<Tenant>,
}

/// What a named subscription keeps beside the position up to which everything was taken.
#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    format: u32,
    /// Of the place up to which everything was taken.
    as_of: Timestamp,
    /// Up to where notices were handed over that nobody may have taken.
    handed_over: Option<Place>,
    rules: Rules,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    watched: Vec<WatchedFilter>,
}

impl Wayfold {
    /// Subscribes to what changes for customers of all tenants, from a place on.
    ///
    /// # Behavior
    /// - What was told and not withdrawn is, at each delivery's position and instant, what the views say there and did
    ///   not say where the subscription began. A late event or a retraction withdraws what does not hold any more.
    /// - Nobody waits for a subscriber: it reads the log at its own pace.
    /// - Notices by time alone come when the engine's clock has reached them.
    ///
    /// ```
    /// use wayfold::{Builder, CustomerKey, EventId, JourneyEvent, MemoryStore, Registered, Rules, Start, Timestamp, Told};
    ///
    /// # pollster::block_on(async {
    /// let at = Timestamp::parse("2024-03-01")?;
    /// let wayfold = Builder::new(Rules::default())?.by_hand(at).open(MemoryStore::new()).await?;
    /// let mut notices = wayfold.subscribe(Start::Now).await?;
    /// let event = JourneyEvent::new(EventId::from_u128(1), CustomerKey::new("ada")?, at, Registered {});
    /// wayfold.append([&event]).await?;
    /// let delivery = notices.next().await?.expect("the engine is open");
    /// assert!(matches!(&delivery.told[..], [Told::Fact(notice)] if notice.causes == [event.id]));
    /// assert_eq!(notices.try_next().await?, None);
    /// # Ok::<(), wayfold::Error>(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Errors
    /// `Unavailable` or `Corrupt` if the log cannot be read.
    pub async fn subscribe(&self, start: Start) -> Result<Subscription> {
        let place = self.place(start).await?;
        Subscription::begin(self.shared(), None, place, None).await
    }

    /// Subscribes under a name: goes on behind what the last subscription of that name was told, or begins at a place
    /// if there was none.
    ///
    /// # Behavior
    /// - At least once: a delivery counts as taken when the next one is asked for, or by [`Subscription::commit`]. One
    ///   that does not count so when the process ends is told again, with the same notices.
    /// - The place where it begins is kept at once.
    /// - One subscription of a name is meant to be open at a time; two are told the same.
    ///
    /// # Errors
    /// As [`Wayfold::subscribe`]; `InvalidConfiguration` if the subscription has been told notices under other rules or of other
    /// watched segments,
    /// `Unsupported` if a newer program has kept it, `Corrupt` if what it has kept cannot be read.
    pub async fn subscribe_as(&self, name: &str, start: Start) -> Result<Subscription> {
        let checkpoint = CheckpointName::new(format!("wayfold/notices/{name}"))?;
        if let Some(Checkpoint { position, bytes }) = self.store().checkpoint(checkpoint.clone()).await? {
            let kept = self
                .read_kept(&bytes)
                .map_err(|(kind, why)| Error::new(kind, format_args!("subscription {name:?}: {why}")))?;
            let taken = Place { position, as_of: kept.as_of };
            return Subscription::begin(self.shared(), Some(checkpoint), taken, kept.handed_over).await;
        }
        let place = self.place(start).await?;
        let mut subscription = Subscription::begin(self.shared(), Some(checkpoint), place, None).await?;
        subscription.commit().await?;
        Ok(subscription)
    }

    fn read_kept(&self, bytes: &[u8]) -> std::result::Result<Kept, (ErrorKind, String)> {
        #[derive(Deserialize)]
        struct Format {
            format: u32,
        }
        let unreadable =
            |error: serde_json::Error| (ErrorKind::Corrupt, format!("what it keeps cannot be read: {error}"));
        let Format { format } = serde_json::from_slice(bytes).map_err(unreadable)?;
        if format != FORMAT {
            let why = format!("it is kept in format {format}; this program knows format {FORMAT}");
            return Err((ErrorKind::Unsupported, why));
        }
        let kept: Kept = serde_json::from_slice(bytes).map_err(unreadable)?;
        if kept.rules != self.rules() {
            let (old, new) = (&kept.rules.version, &self.rules().version);
            let why = format!(
                "it was told notices under the rules {old:?}, and the engine has {new:?}; subscribe under another \
                 name to hear what these rules say"
            );
            return Err((ErrorKind::InvalidConfiguration, why));
        }
        if kept.watched != self.engine().projections().watched() {
            let why = "it was told of other watched segments; subscribe under another name to hear of these"
                .to_owned();
            return Err((ErrorKind::InvalidConfiguration, why));
        }
        Ok(kept)
    }

    async fn place(&self, start: Start) -> Result<Place> {
        Ok(match start {
            Start::Beginning => Place { position: Position::START, as_of: Timestamp::MIN },
            Start::At(place) => place,
            Start::Now => {
                let as_of = self.now();
                Place { position: self.store().head().await?, as_of }
            }
            Start::After(position) => {
                let backward = ReadQuery::all().backward();
                let page = self.store().read(backward, just_after(position), 1).await?;
                let last = page.batch.iter().next().and_then(|event| event.recorded_at());
                Place { position, as_of: last.map_or(Timestamp::MIN, |last| last.min(self.now())) }
            }
        })
    }
}

/// The first place behind a position, at which no event before it is left out of a backward read.
fn just_after(position: Position) -> Position {
    let next = u128::from_be_bytes(position.to_bytes()).checked_add(1);
    next.map_or(Position::END, |next| Position::from_bytes(next.to_be_bytes()))
}

impl Subscription {
    /// Folds what counts as told.
    async fn begin(
        engine: Arc<Engine>,
        name: Option<CheckpointName>,
        taken: Place,
        again: Option<Place>,
    ) -> Result<Self> {
        let (parts, position) = (&engine.parts, taken.position);
        let mut shards = Shards::new(&engine.projections(), taken.as_of, 1);
        shards.catch_up(parts.store.as_ref(), Known(Some(KnownAt::Position(position)))).await?;
        let teller = Teller::new(shards.into_fold(), position)?;
        let pending = VecDeque::new();
        Ok(Self { engine, name, teller, pending, position, taken, ready: None, again, tenant: None })
    }

    /// Tells of one tenant's customers alone: what is told and who the [members](Self::members) are is as if there were no
    /// other tenant, but for positions. One of a name is told so again if it is asked so again.
    ///
    /// ```
    /// use wayfold::{CustomerKey, EventId, JourneyEvent, MemoryStore, Registered, Start, Tenant, Timestamp, Wayfold};
    ///
    /// # pollster::block_on(async {
    /// let wayfold = Wayfold::open(MemoryStore::new()).await?;
    /// let (at, bolt) = (Timestamp::parse("2024-03-01")?, Tenant::new("bolt")?);
    /// let registered = |id, key| JourneyEvent::new(EventId::from_u128(id), key, at, Registered {});
    /// let [ada, ben] = [CustomerKey::in_tenant("acme", "ada")?, CustomerKey::in_tenant("bolt", "ben")?];
    /// let mut notices = wayfold.subscribe(Start::Beginning).await?.of(bolt);
    /// wayfold.append(&[registered(1, ada), registered(2, ben.clone())]).await?;
    /// let delivery = notices.next().await?.expect("the engine is open");
    /// assert!(!delivery.told.is_empty() && delivery.told.iter().all(|told| told.notice().customer == ben));
    /// # Ok::<(), wayfold::Error>(())
    /// # }).unwrap();
    /// ```
    pub fn of(mut self, tenant: Tenant) -> Self {
        self.tenant = Some(tenant);
        self
    }

    /// Whether a customer is one of those of whom is told.
    pub(crate) fn is_meant(&self, customer: &CustomerKey) -> bool {
        self.tenant.as_ref().is_none_or(|tenant| customer.tenant == *tenant)
    }

    /// Waits for the next notices; `None` once the engine is dropped or closed.
    ///
    /// A call that is dropped half way loses nothing.
    ///
    /// # Errors
    /// `Unavailable` or `Corrupt` if the log cannot be read; the next call goes on from there.
    pub async fn next(&mut self) -> Result<Option<Delivery>> {
        loop {
            // Whoever moves the clock or closes the engine from here on is heard.
            let signal = self.engine.signal.listen();
            if let Some(delivery) = self.try_next().await? {
                return Ok(Some(delivery));
            }
            if self.engine.signal.is_closed() {
                return Ok(None);
            }
            let engine = self.engine.clone();
            let past = async { engine.parts.store.wait_past(self.position).await.map(drop) };
            let due = async {
                first(signal, Delay::new(self.until_due())).await;
                Ok(())
            };
            first(past, due).await?;
        }
    }

    /// What there is to tell by now; `None` if nothing is.
    ///
    /// # Errors
    /// As [`Subscription::next`].
    pub async fn try_next(&mut self) -> Result<Option<Delivery>> {
        while self.ready.is_none() {
            self.refold().await?;
            let (position, as_of) = self.teller.told();
            let mut told = self.teller.take();
            told.retain(|told| self.is_meant(&told.notice().customer));
            if !told.is_empty() {
                self.ready = Some(Delivery { told, place: Place { position, as_of } });
                break;
            }
            // What was handed over last counts as taken, and there is nothing to tell since.
            self.taken = Place { position, as_of };
            if !self.step().await? {
                return Ok(None);
            }
        }
        self.keep(self.ready.as_ref().map(|ready| ready.place)).await?;
        let delivery = self.ready.take();
        let count = delivery.as_ref().map_or(0, |delivery| delivery.told.len());
        counter!("wayfold_notices_total").increment(count as u64);
        Ok(delivery)
    }

    /// Says that everything handed over is taken, so that a subscription of the same name goes on behind it. Without a
    /// name it does nothing.
    ///
    /// # Errors
    /// `Unavailable`: it may have been kept or not, which is found out by committing again.
    pub async fn commit(&mut self) -> Result<()> {
        if self.ready.is_none() && self.pending.is_empty() {
            let (position, as_of) = self.teller.told();
            self.taken = Place { position, as_of };
        }
        self.keep(None).await
    }

    async fn keep(&self, handed_over: Option<Place>) -> Result<()> {
        let Some(name) = &self.name else { return Ok(()) };
        let Place { position, as_of } = self.taken;
        let projections = self.teller.fold().projections();
        let (rules, watched) = (projections.rules().clone(), projections.watched().to_vec());
        let kept = Kept { format: FORMAT, as_of, handed_over, rules, watched };
        let bytes = serde_json::to_vec(&kept).expect("rules are JSON");
        let store = &self.engine.parts.store;
        Ok(store.put_checkpoint(name.clone(), Checkpoint { position, bytes }).await?)
    }

    /// Goes on with the next events and the time; says no if there is neither.
    async fn step(&mut self) -> Result<bool> {
        if let Some(again) = self.again {
            self.step_again(again).await?;
            self.again = None;
            return Ok(true);
        }
        let (told, as_of) = self.teller.told();
        let page = self.engine.parts.store.read(ReadQuery::all(), told, EVENTS_PER_STEP).await?;
        let now = self.engine.parts.clock.now().max(as_of);
        let is_due = self.teller.next_due().is_some_and(|due| due <= now);
        let last = page.batch.len().checked_sub(1).map(|row| page.batch.event(row));
        if last.is_none() && page.next.is_none() && !is_due {
            return Ok(false);
        }
        let until = match (page.next, last.and_then(|last| last.recorded_at())) {
            // Time goes along with the log, so that nothing falls due that an event behind has prevented.
            (Some(_), Some(recorded_at)) => recorded_at.clamp(as_of, now),
            (Some(_), None) => as_of,
            (None, _) => now,
        };
        self.position = page.next.or(last.and_then(|last| last.position())).unwrap_or(told);
        self.pending = self.teller.step(&[page.batch], self.position, until)?.into();
        Ok(true)
    }

    /// Takes the step that was handed over and perhaps not taken.
    async fn step_again(&mut self, again: Place) -> Result<()> {
        let (store, known) = (&self.engine.parts.store, Known(Some(KnownAt::Position(again.position))));
        let (mut batches, mut next) = (Vec::new(), Some(self.teller.told().0));
        while let Some(from) = next.filter(|from| !known.ends_by(*from)) {
            let page = store.read(ReadQuery::all(), from, EVENTS_PER_STEP).await?;
            batches.extend(known.cut(page.batch));
            next = page.next;
        }
        self.position = again.position;
        self.pending = self.teller.step(&batches, self.position, again.as_of)?.into();
        Ok(())
    }

    pub(crate) fn teller(&self) -> &Teller {
        &self.teller
    }

    /// What is told and waits to be handed over.
    pub(crate) fn not_handed_over(&self) -> &[Told] {
        self.ready.as_ref().map_or(&[], |ready| &ready.told)
    }

    async fn refold(&mut self) -> Result<()> {
        while let Some(refold) = self.pending.front() {
            let known = Known(Some(KnownAt::Position(self.position)));
            let history = history(self.engine.parts.store.as_ref(), &refold.customer, known).await?;
            self.teller.refold(refold, &history);
            history.iter().try_for_each(readable)?;
            self.pending.pop_front();
        }
        Ok(())
    }

    fn until_due(&self) -> Duration {
        let Some(due) = self.teller.next_due().filter(|_| self.engine.parts.clock.runs()) else {
            return WAIT_MAX;
        };
        let us = due.as_micros().saturating_sub(self.engine.parts.clock.now().as_micros());
        Duration::from_micros(u64::try_from(us).unwrap_or(0)).min(WAIT_MAX)
    }
}

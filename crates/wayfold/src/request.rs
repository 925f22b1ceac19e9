use std::time::Instant;

use metrics::{counter, histogram};
use tracing::field::Empty;
use tracing::{Instrument, debug_span};
use uuid::Uuid;
use wayfold_core::{Actor, BatchBuilder, EventBatch, JourneyEvent, Position};
use wayfold_store::{AppendCondition, AppendOutcome};

use crate::engine::Wayfold;
use crate::error::Result;

/// What an append without a condition did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Appended {
    /// Where each event stands, also those that stood already.
    pub positions: Vec<Position>,
    /// How many events the log did not hold before.
    pub new: usize,
}

/// Who asks for something and on which occasion, said once and written into every event of it.
///
/// An event that names an actor or correlation itself keeps its own. Both are part of an event's content: who tries
/// the same request again must give the same ones, else the ids are taken with other content.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Request {
    /// Joins what one request caused.
    pub correlation: Option<Uuid>,
    /// Who acts for the business.
    pub actor: Actor,
}

impl Request {
    /// A request of nobody in particular.
    pub fn new() -> Self {
        Self::default()
    }

    /// Joins the events of the request by an id.
    pub fn with_correlation(mut self, correlation: Uuid) -> Self {
        self.correlation = Some(correlation);
        self
    }

    /// Says who acts.
    pub fn with_actor(mut self, actor: Actor) -> Self {
        self.actor = actor;
        self
    }

    fn stamp(&self, event: &JourneyEvent) -> JourneyEvent {
        let mut event = event.clone();
        event.correlation = event.correlation.or(self.correlation);
        if event.actor.is_empty() {
            event.actor = self.actor.clone();
        }
        event
    }

    fn is_empty(&self) -> bool {
        self.correlation.is_none() && self.actor.is_empty()
    }
}

/// An engine that acts for a request, see [`Wayfold::request`].
#[derive(Debug, Clone, Copy)]
pub struct Requested<'a> {
    pub(crate) engine: &'a Wayfold,
    pub(crate) request: &'a Request,
}

impl Requested<'_> {
    /// As [`Wayfold::append`].
    ///
    /// # Errors
    /// As there.
    pub async fn append<'a>(&self, events: impl IntoIterator<Item = &'a JourneyEvent>) -> Result<Appended> {
        self.engine.append_batch(self.batch(events)?).await
    }

    /// As [`Wayfold::append_if`].
    ///
    /// # Errors
    /// As there.
    pub async fn append_if<'a>(
        &self,
        events: impl IntoIterator<Item = &'a JourneyEvent>,
        condition: AppendCondition,
    ) -> Result<AppendOutcome> {
        self.engine.write(self.batch(events)?, Some(condition)).await
    }

    pub(crate) fn batch<'a>(&self, events: impl IntoIterator<Item = &'a JourneyEvent>) -> Result<EventBatch> {
        let mut builder = BatchBuilder::new(self.engine.limits().clone());
        for event in events {
            if self.request.is_empty() {
                builder.push(event)?;
            } else {
                builder.push(&self.request.stamp(event))?;
            }
        }
        Ok(builder.finish())
    }
}

/// What is done for nobody in particular.
static NOBODY: Request = Request { correlation: None, actor: Actor { team: None, person: None } };

impl Wayfold {
    /// Acts for a request: its correlation and actor are written into every event.
    ///
    /// ```
    /// use wayfold::{Actor, CustomerKey, EventFilter, EventId, JourneyEvent, MemoryStore, Registered};
    /// use wayfold::{ReadQuery, Position, Request, Timestamp, Uuid, Wayfold};
    ///
    /// # pollster::block_on(async {
    /// let wayfold = Wayfold::open(MemoryStore::new()).await?;
    /// let (ada, at) = (CustomerKey::new("ada")?, Timestamp::parse("2024-03-01")?);
    /// let clerk = Actor { team: Some("till".into()), person: Some("kim".into()) };
    /// let request = Request::new().with_correlation(Uuid::from_u128(7)).with_actor(clerk.clone());
    /// let event = JourneyEvent::new(EventId::from_u128(1), ada.clone(), at, Registered {});
    /// wayfold.request(&request).append([&event]).await?;
    ///
    /// let page = wayfold.store().read(ReadQuery::customer(ada), Position::START, 1).await?;
    /// assert_eq!(page.batch.event(0).to_event().actor, clerk);
    /// # Ok::<(), wayfold::Error>(())
    /// # }).unwrap();
    /// ```
    pub fn request<'a>(&'a self, request: &'a Request) -> Requested<'a> {
        Requested { engine: self, request }
    }

    pub(crate) fn for_nobody(&self) -> Requested<'_> {
        self.request(&NOBODY)
    }

    /// Appends events, all or none; taking the same events again changes nothing.
    ///
    /// # Errors
    /// `IdReused` if an id is taken with other content, `InvalidEvent` if an event breaks a rule or limit,
    /// `Unsupported` for kinds that the store cannot honour: nothing was written. `Unavailable`: see
    /// [`Error::is_outcome_unknown`](crate::Error::is_outcome_unknown).
    pub async fn append<'a>(&self, events: impl IntoIterator<Item = &'a JourneyEvent>) -> Result<Appended> {
        self.for_nobody().append(events).await
    }

    /// Appends a batch, all or none.
    ///
    /// # Errors
    /// As [`Wayfold::append`].
    pub async fn append_batch(&self, batch: EventBatch) -> Result<Appended> {
        match self.write(batch, None).await? {
            AppendOutcome::Appended { positions, new } => Ok(Appended { positions, new }),
            AppendOutcome::AlreadyTaken { positions } => Ok(Appended { positions, new: 0 }),
            AppendOutcome::Conflict { .. } => unreachable!("an append without a condition has no conflict"),
        }
    }

    /// Appends events, all or none, if nothing that the condition forbids has happened.
    ///
    /// # Errors
    /// As [`Wayfold::append`]. A conflict is no error but an outcome.
    pub async fn append_if<'a>(
        &self,
        events: impl IntoIterator<Item = &'a JourneyEvent>,
        condition: AppendCondition,
    ) -> Result<AppendOutcome> {
        self.for_nobody().append_if(events, condition).await
    }

    /// The one way to the store.
    pub(crate) async fn write(
        &self,
        batch: EventBatch,
        condition: Option<AppendCondition>,
    ) -> Result<AppendOutcome> {
        let (events, conditional) = (batch.len(), condition.is_some());
        let span = debug_span!("wayfold.append", events, conditional, new = Empty);
        let start = Instant::now();
        let outcome = self.store().append(batch, condition).instrument(span.clone()).await;
        histogram!("wayfold_append_seconds").record(start.elapsed());
        match &outcome {
            Ok(AppendOutcome::Appended { new, .. }) => {
                span.record("new", new);
                counter!("wayfold_appended_total").increment(*new as u64);
            }
            Ok(AppendOutcome::Conflict { .. }) => counter!("wayfold_conflicts_total").increment(1),
            Ok(AppendOutcome::AlreadyTaken { .. }) | Err(_) => {}
        }
        Ok(outcome?)
    }
}

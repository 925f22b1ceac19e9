//! Decisions: look at a customer, say what happens, and have it written only if nothing has changed meanwhile.

use std::time::Duration;

use metrics::counter;
use serde::{Deserialize, Serialize};
use tracing::field::Empty;
use tracing::{Instrument, Span, debug_span};
use wayfold_core::{
    CustomerKey, CustomerView, EventBatch, EventId, Fold, Handle, JourneyEvent, Position, Projection,
    Timestamp,
};
use wayfold_store::{AppendCondition, AppendOutcome, EventFilter, EventStoreExt};

use crate::contain::contained;
use crate::engine::Wayfold;
use crate::error::{Error, ErrorKind, Result};
use crate::platform::Delay;
use crate::request::Requested;

/// How often a decision is taken again when its customer has changed meanwhile, or when it is unknown whether its
/// events were written, and how long to wait before.
///
/// Each wait is drawn between zero and a bound that begins at `wait_first_ms` and doubles with every attempt, up to
/// `wait_max_ms`, so that those who met do not meet again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct RetryPolicy {
    /// Attempts in all; at least one is made. Default 30.
    pub attempts_max: u32,
    /// The bound of the first wait in milliseconds. Default 1.
    pub wait_first_ms: u64,
    /// The highest bound of a wait in milliseconds. Default 250.
    pub wait_max_ms: u64,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self { attempts_max: 30, wait_first_ms: 1, wait_max_ms: 250 }
    }
}

impl RetryPolicy {
    /// The wait after an attempt, which is counted from 1; `share` is drawn from the whole range.
    fn wait(&self, attempt: u32, share: u64) -> Duration {
        let doubled = self.wait_first_ms.saturating_mul(1_u64.checked_shl(attempt - 1).unwrap_or(u64::MAX));
        let bound_us = doubled.min(self.wait_max_ms).saturating_mul(1_000);
        let drawn = (u128::from(bound_us) * u128::from(share)) >> 64;
        Duration::from_micros(drawn as u64)
    }
}

/// A number that differs from call to call; it decides on waits alone.
fn draw() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one(())
}

/// One customer as a decision looks at it: everything that the log holds of it, as of an instant.
#[derive(Debug)]
pub struct Standing {
    key: CustomerKey,
    as_of: Timestamp,
    history: Vec<EventBatch>,
    fold: Fold,
    view: Option<CustomerView>,
    seen: Position,
}

impl Standing {
    /// Who.
    pub fn key(&self) -> &CustomerKey {
        &self.key
    }

    /// The instant, by the engine's clock, and never before the customer's last event was recorded by a clock that
    /// went back. Events later than it are not in the views; the decision is taken again if one comes all the same.
    pub fn as_of(&self) -> Timestamp {
        self.as_of
    }

    /// Where the customer stands; `None` if nothing is known of it by then.
    pub fn view(&self) -> Option<&CustomerView> {
        self.view.as_ref()
    }

    /// What a projection of one's own says; `None` if nothing is known of the customer by then.
    ///
    /// # Errors
    /// `Panicked` if the projection panics, `InvalidQuestion` if another engine gave the handle.
    pub fn own_view<P: Projection>(&self, handle: Handle<P>) -> Result<Option<P::View>> {
        Ok(self.fold.own_view(handle, &self.key, self.as_of)?)
    }

    /// Whether the log holds an event of the customer under this id, at whatever instant: what a decision has written
    /// before, for a request that comes again.
    pub fn holds(&self, id: EventId) -> bool {
        self.history.iter().any(|batch| batch.iter().any(|event| event.id() == id))
    }

    /// The last event of the customer that was looked at; [`Position::START`] if there is none.
    pub fn seen(&self) -> Position {
        self.seen
    }
}

/// What became of a decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decided {
    /// Where each event stands; empty if the decision was to do nothing.
    pub positions: Vec<Position>,
    /// How many events the log did not hold before.
    pub new: usize,
    /// How often the decision was taken.
    pub attempts: u32,
}

impl Wayfold {
    /// Looks at a customer, takes a decision, and appends its events if the customer has not changed meanwhile; else
    /// looks and decides again.
    ///
    /// # Behavior
    /// - The closure sees every event of the customer that was acknowledged before the call. It must look at nothing
    ///   else that can change, as it may run several times; only what it returned last is written.
    /// - Its events are of this customer. Returning none writes nothing, and so does an error.
    /// - An append with an unknown outcome is tried again with the same events, which is safe.
    ///
    /// # Errors
    /// What the closure returns. From the engine: `Conflict` if the customer changed at every attempt that the
    /// [`RetryPolicy`] grants, `Panicked` if the closure panics, `InvalidEvent` for an event of another customer,
    /// and as [`Wayfold::append`].
    ///
    /// ```
    /// use wayfold::{CustomerKey, Error, EventId, JourneyEvent, MemoryStore, MembershipJoined, Wayfold};
    ///
    /// # pollster::block_on(async {
    /// let wayfold = Wayfold::open(MemoryStore::new()).await?;
    /// let ada = CustomerKey::new("ada")?;
    /// let join = || wayfold.decide(&ada, |ada| {
    ///     if ada.view().is_some() {
    ///         return Ok(vec![]);
    ///     }
    ///     let id = EventId::from_natural_key("club", "join", &["ada"]);
    ///     let joined = MembershipJoined { programme: None };
    ///     Ok::<_, Error>(vec![JourneyEvent::new(id, ada.key().clone(), ada.as_of(), joined)])
    /// });
    /// assert_eq!(join().await?.new, 1);
    /// assert_eq!(join().await?.new, 0);
    /// # Ok::<(), Error>(())
    /// # }).unwrap();
    /// ```
    pub async fn decide<E: From<Error>>(
        &self,
        key: &CustomerKey,
        decision: impl FnMut(&Standing) -> std::result::Result<Vec<JourneyEvent>, E>,
    ) -> std::result::Result<Decided, E> {
        self.for_nobody().decide(key, decision).await
    }

    async fn standing(&self, key: &CustomerKey) -> Result<Standing> {
        let history = self.store().read_all(EventFilter::customer(key.clone())).await?;
        let events = || history.iter().flat_map(EventBatch::iter);
        let seen = events().filter_map(|event| event.position()).max().unwrap_or(Position::START);
        let recorded_at = events().filter_map(|event| event.recorded_at()).max();
        let now = self.now();
        let as_of = recorded_at.filter(|_| self.parts().clock.runs()).map_or(now, |last| last.max(now));
        let fold = self.fold_history(key, &history, as_of)?;
        let view = fold.view(key, as_of)?;
        Ok(Standing { key: key.clone(), as_of, history, fold, view, seen })
    }
}

impl Requested<'_> {
    /// As [`Wayfold::decide`].
    ///
    /// # Errors
    /// As there.
    pub async fn decide<E: From<Error>>(
        &self,
        key: &CustomerKey,
        decision: impl FnMut(&Standing) -> std::result::Result<Vec<JourneyEvent>, E>,
    ) -> std::result::Result<Decided, E> {
        let span = debug_span!("wayfold.decide", attempts = Empty);
        self.decide_in(&span, key, decision).instrument(span.clone()).await
    }

    async fn decide_in<E: From<Error>>(
        &self,
        span: &Span,
        key: &CustomerKey,
        mut decision: impl FnMut(&Standing) -> std::result::Result<Vec<JourneyEvent>, E>,
    ) -> std::result::Result<Decided, E> {
        let attempts_max = self.engine.retries().attempts_max.max(1);
        for attempts in 1..=attempts_max {
            span.record("attempts", attempts);
            let standing = self.engine.standing(key).await?;
            let place = format!("the decision about customer {key}");
            let events = contained(&place, || decision(&standing))??;
            if events.is_empty() {
                return Ok(Decided { positions: vec![], new: 0, attempts });
            }
            check_customer(key, &events)?;
            let filter = EventFilter::customer(key.clone());
            let condition = AppendCondition { filter, after: standing.seen };
            match self.write_surely(self.batch(&events)?, condition).await? {
                AppendOutcome::Appended { positions, new } => {
                    return Ok(Decided { positions, new, attempts });
                }
                AppendOutcome::AlreadyTaken { positions } => {
                    return Ok(Decided { positions, new: 0, attempts });
                }
                AppendOutcome::Conflict { .. } if attempts < attempts_max => {
                    counter!("wayfold_retries_total").increment(1);
                    Delay::new(self.engine.retries().wait(attempts, draw())).await;
                }
                AppendOutcome::Conflict { .. } => {}
            }
        }
        let message = format_args!(
            "customer {key} has changed during each of {attempts_max} attempts to decide; nothing was written; try \
             again later, or grant more attempts"
        );
        Err(Error::new(ErrorKind::Conflict, message).into())
    }

    /// Appends, and tries the same again while the outcome is unknown: new events would be other ones.
    async fn write_surely(&self, batch: EventBatch, condition: AppendCondition) -> Result<AppendOutcome> {
        let retries = self.engine.retries();
        let mut attempt = 1;
        loop {
            match self.engine.write(batch.clone(), Some(condition.clone())).await {
                Err(error) if error.is_outcome_unknown() && attempt < retries.attempts_max => {
                    counter!("wayfold_retries_total").increment(1);
                    Delay::new(retries.wait(attempt, draw())).await;
                    attempt += 1;
                }
                outcome => return outcome,
            }
        }
    }
}

/// A decision is guarded by the events of its own customer alone.
fn check_customer(key: &CustomerKey, events: &[JourneyEvent]) -> Result<()> {
    let Some(foreign) = events.iter().find(|event| event.customer != *key) else { return Ok(()) };
    let message = format_args!(
        "event {} is of customer {}, and the decision about customer {key}; write events of several customers by \
         append_if, with a condition that guards all of them",
        foreign.id, foreign.customer
    );
    Err(Error::new(ErrorKind::InvalidEvent, message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_their_bound_and_never_overflow() {
        let policy = RetryPolicy { attempts_max: 200, wait_first_ms: 4, wait_max_ms: 100 };
        let longest = |attempt| policy.wait(attempt, u64::MAX).as_micros();
        assert_eq!([1, 2, 5, 6, 150].map(longest), [3_999, 7_999, 63_999, 99_999, 99_999]);
        assert_eq!(policy.wait(9, 0), Duration::ZERO);
        let endless = RetryPolicy { wait_first_ms: u64::MAX, wait_max_ms: u64::MAX, ..policy };
        assert!(endless.wait(64, u64::MAX) > Duration::from_secs(1));
    }
}

//! What is under test: something that folds arrivals and answers, and the core's fold driven as a store
//! would.

mod drive;
mod restart;
mod store;

use wayfold_core::{
    CustomerKey, CustomerView, EventId, Fold, JourneyEvent, Population, Refold, Result, Rules, Tenant,
    Timestamp,
};

use self::drive::{Log, Shards};
pub use self::restart::RestartSubject;
pub use self::store::StoreSubject;
use crate::arrival::Arrival;

/// Folds arrivals and answers about them.
pub trait Subject: Sync {
    /// Names it in findings.
    fn name(&self) -> String;

    /// Folds an arrival as of its last instant.
    ///
    /// # Errors
    /// Whatever the fold refuses.
    fn fold(&self, rules: &Rules, arrival: &Arrival) -> Result<Box<dyn Answers>>;
}

/// What a subject answers once it has folded an arrival.
pub trait Answers {
    /// The canonical export of all shards together.
    ///
    /// # Errors
    /// Whatever the fold refuses, such as a customer that waits for a refold.
    fn export(&self) -> Result<Vec<u8>>;

    /// The customers with an event folded, by the bytes of their keys.
    fn customers(&self) -> Vec<CustomerKey>;

    /// The view of a customer as of an instant.
    ///
    /// # Errors
    /// Whatever the fold refuses, such as an instant before an event that is folded.
    fn view(&self, key: &CustomerKey, as_of: Timestamp) -> Result<Option<CustomerView>>;

    /// The population of a tenant as of an instant, of all shards together.
    ///
    /// # Errors
    /// As [`Answers::view`].
    fn population(&self, tenant: &Tenant, as_of: Timestamp) -> Result<Population>;

    /// The refolds that were done.
    fn refolds(&self) -> Refolds;
}

/// How many refolds were done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Refolds {
    /// All of them.
    pub all: u64,
    /// Those that started from a checkpoint and not from nothing.
    pub from_checkpoint: u64,
}

/// How a fold is driven: which events reach it, and which history a refold is handed.
///
/// The defaults are right. A broken subject overrides one of them.
pub trait Steering: Sync {
    /// Names the way of driving in findings.
    fn name(&self) -> String;

    /// Changes an arrival before anything is folded.
    fn arrival(&self, arrival: &Arrival) -> Arrival {
        arrival.clone()
    }

    /// Says whether an event is handed to the fold; `known` if one of that tenant and id was before.
    fn takes(&self, _event: &JourneyEvent, known: bool) -> bool {
        !known
    }

    /// What makes two events one.
    fn identity(&self, event: &JourneyEvent) -> (Tenant, EventId) {
        (event.customer.tenant.clone(), event.id)
    }

    /// Makes a fold one of several shards.
    fn shard(&self, fold: Fold, index: usize, of: usize) -> Fold {
        fold.with_shard(index, of)
    }

    /// Says whether an event is offered to a shard, which itself leaves other shards' customers alone.
    fn offers(&self, _event: &JourneyEvent, _index: usize, _of: usize) -> bool {
        true
    }

    /// The history that a refold is handed; `None` if the refold is not done.
    fn history<'a>(&self, _refold: &Refold, needed: Vec<&'a JourneyEvent>) -> Option<Vec<&'a JourneyEvent>> {
        Some(needed)
    }
}

/// The right way to drive a fold.
#[derive(Debug, Clone, Copy, Default)]
pub struct Straight;

impl Steering for Straight {
    fn name(&self) -> String {
        "the core's fold".to_owned()
    }
}

/// The core's [`Fold`], one a shard, each on a thread of its own, over a log that takes each id of a tenant
/// once.
///
/// ```
/// use wayfold_core::{Rules, Timestamp};
/// use wayfold_testkit::{Arrival, Clock, FoldSubject, Order, Subject, hostile};
///
/// let (history, as_of) = (hostile::history(1), Timestamp::parse("2030-01-01")?);
/// let export = |order, seed| {
///     let arrival = Arrival::new(&history.events, order, Clock::Fixed, as_of, seed);
///     FoldSubject::new().fold(&Rules::default(), &arrival)?.export()
/// };
/// assert_eq!(export(Order::ByTime, 1)?, export(Order::Reversed, 2)?);
/// # Ok::<(), wayfold_core::Error>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub struct FoldSubject<S = Straight> {
    steering: S,
}

impl FoldSubject {
    /// Drives the fold as is right.
    #[allow(
        clippy::new_without_default,
        reason = "the way of driving would have to be named with every default"
    )]
    pub fn new() -> Self {
        Self::driven_by(Straight)
    }
}

impl<S: Steering> FoldSubject<S> {
    /// Drives the fold in a given way.
    pub fn driven_by(steering: S) -> Self {
        Self { steering }
    }
}

impl<S: Steering> Subject for FoldSubject<S> {
    fn name(&self) -> String {
        self.steering.name()
    }

    fn fold(&self, rules: &Rules, arrival: &Arrival) -> Result<Box<dyn Answers>> {
        let arrival = self.steering.arrival(arrival);
        let log = Log::of(&self.steering, &arrival);
        let mut shards = Shards::new(&self.steering, rules, &arrival)?;
        shards.drive(&self.steering, &arrival, &log, 0..log.len())?;
        Ok(Box::new(shards))
    }
}

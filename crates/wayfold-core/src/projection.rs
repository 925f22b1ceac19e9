//! What a fold computes: the trait that built-in and users' own projections share, and the four built in.

mod fingerprint;
mod interest;
mod journey;
mod lifecycle;
mod loyalty;
mod registry;
mod segment;
mod value;

use std::cell::OnceCell;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

pub use self::fingerprint::Fingerprint;
pub use self::interest::Interest;
pub(crate) use self::journey::JourneyProjection;
pub(crate) use self::lifecycle::LifecycleProjection;
pub(crate) use self::loyalty::{Loyalty, LoyaltyProjection};
pub(crate) use self::registry::{BuiltIn, Column, SavedState, StateColumn};
pub use self::registry::{Handle, ProjectionSet, WatchedFilter};
pub(crate) use self::segment::SegmentProjection;
pub(crate) use self::value::ValueProjection;
use crate::batch::{EventView, Run};
use crate::error::{Error, Result, ensure};
use crate::orders::OrderBook;
use crate::text::serialize_as_record_or_list;
use crate::time::Timestamp;
use crate::view::Purchase;

/// Folds the events of one customer into a state, and answers from it.
///
/// Events come in the total order of [`OrderKey`](crate::OrderKey), each once, without retracted ones and
/// without retractions. A projection has no clock, no randomness and no floats in its state, so that equal
/// sets of events give equal states.
///
/// ```
/// use serde::{Deserialize, Serialize};
/// use wayfold_core::{CustomerAt, EventKind, EventView, Projection, Timestamp};
///
/// /// Counts tickets that are open.
/// struct OpenTickets;
///
/// #[derive(Debug, Clone, Default, Serialize, Deserialize)]
/// struct Tickets {
///     open: i64,
/// }
///
/// impl Projection for OpenTickets {
///     type State = Tickets;
///     type View = i64;
///
///     fn name(&self) -> &str {
///         "open_tickets"
///     }
///
///     fn version(&self) -> u32 {
///         1
///     }
///
///     fn evolve(&self, state: &mut Tickets, event: &EventView<'_>) {
///         match event.kind() {
///             EventKind::TicketOpened | EventKind::TicketReopened => state.open += 1,
///             EventKind::TicketResolved => state.open -= 1,
///             _ => {}
///         }
///     }
///
///     fn view(&self, state: &Tickets, _customer: &CustomerAt<'_>) -> i64 {
///         state.open.max(0)
///     }
///
///     fn holds_until(&self, _state: &Tickets, _customer: &CustomerAt<'_>) -> Option<Timestamp> {
///         None
///     }
/// }
/// ```
pub trait Projection: Send + Sync + 'static {
    /// What is kept of one customer. Maps in it must be ordered, and no number in it a float: the canonical
    /// export refuses floats.
    ///
    /// Reading what was written gives an equal state, also in a form that is not for people: snapshots hold MessagePack,
    /// with the fields of structs by their names, so that any attributes of serde will do. A type of another crate that has
    /// a form of its own there, and cannot read it out of a tagged, untagged or flattened type, as addresses of the
    /// standard library cannot, makes snapshots that are dropped. What is read may be damaged: where `evolve` or `view` rests
    /// on more than the types say, reading must check it.
    type State: Clone + Default + Serialize + DeserializeOwned + Send + Sync + 'static;
    /// What is answered about one customer.
    type View: Serialize + Send + 'static;

    /// Names the projection; unique together with the version.
    fn name(&self) -> &str;

    /// Counts up whenever the same events would give another state or view.
    fn version(&self) -> u32;

    /// Which events it looks at; the state does not rest on the others. To name them makes a fold faster, as most events are
    /// then passed over. Counts of all events, and when the first and the last happened, are in
    /// [`CustomerAt::record`] without a look at each.
    fn interest(&self) -> Interest {
        Interest::ALL
    }

    /// Folds the next event that is of interest.
    ///
    /// # Behavior
    /// - Total: every event of every kind is taken, also one that is not of interest; it may leave the state as it is.
    /// - Pure: nothing but state and event is looked at.
    fn evolve(&self, state: &mut Self::State, event: &EventView<'_>);

    /// Answers from the state, as of an instant at or after the last event folded.
    fn view(&self, state: &Self::State, customer: &CustomerAt<'_>) -> Self::View;

    /// Says up to which microsecond the view stays as it is without a new event; `None` for ever.
    ///
    /// Ages and durations are no part of a view, but the instants that they run from are. An answer before the
    /// instant asked for counts as none.
    fn holds_until(&self, state: &Self::State, customer: &CustomerAt<'_>) -> Option<Timestamp>;
}

/// The most events of one customer that are believed of a state from outside; the counters of states, which have
/// 32 bits, then never overflow.
pub(crate) const EVENTS_MAX: u64 = 1 << 31;

/// What the fold keeps of every customer, whatever projections are registered.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "UncheckedRecord")]
pub struct CustomerRecord {
    events: u64,
    unknown_events: u64,
    first_seen_at: Timestamp,
    last_seen_at: Timestamp,
    orders: OrderBook,
}

serialize_as_record_or_list!(CustomerRecord {
    events,
    unknown_events unless is_zero,
    first_seen_at,
    last_seen_at,
    orders,
});

fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl Default for CustomerRecord {
    fn default() -> Self {
        Self {
            events: 0,
            unknown_events: 0,
            first_seen_at: Timestamp::MAX,
            last_seen_at: Timestamp::MIN,
            orders: OrderBook::default(),
        }
    }
}

impl CustomerRecord {
    /// How many events are folded.
    pub fn events(&self) -> u64 {
        self.events
    }

    /// How many of them are of unknown kinds.
    pub fn unknown_events(&self) -> u64 {
        self.unknown_events
    }

    /// When the first event happened.
    pub fn first_seen_at(&self) -> Timestamp {
        self.first_seen_at
    }

    /// When the last event happened.
    pub fn last_seen_at(&self) -> Timestamp {
        self.last_seen_at
    }

    /// The orders.
    pub fn orders(&self) -> &OrderBook {
        &self.orders
    }

    pub(crate) fn evolve(&mut self, run: &Run<'_>) {
        self.count(run);
        self.orders.evolve(run);
    }

    /// Takes a run but for its orders.
    pub(crate) fn count(&mut self, run: &Run<'_>) {
        let Some((first, last)) = run.first().zip(run.last()) else { return };
        self.events += run.len() as u64;
        self.first_seen_at = self.first_seen_at.min(first.occurred_at());
        self.last_seen_at = self.last_seen_at.max(last.occurred_at());
        self.unknown_events += run.count_unknown() as u64;
    }
}

/// A record from outside.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UncheckedRecord {
    events: u64,
    #[serde(default)]
    unknown_events: u64,
    first_seen_at: Timestamp,
    last_seen_at: Timestamp,
    orders: OrderBook,
}

impl TryFrom<UncheckedRecord> for CustomerRecord {
    type Error = Error;

    fn try_from(record: UncheckedRecord) -> Result<Self> {
        let UncheckedRecord { events, unknown_events, first_seen_at, last_seen_at, orders } = record;
        ensure((1..=EVENTS_MAX).contains(&events), "there are no events, or more than 2^31")?;
        ensure(unknown_events <= events, "more events are unknown than there are")?;
        ensure(first_seen_at <= last_seen_at, "the first event is later than the last")?;
        orders.check(events, &(first_seen_at..=last_seen_at))?;
        Ok(Self { events, unknown_events, first_seen_at, last_seen_at, orders })
    }
}

/// A customer at an instant: what every view may look at beside its projection's own state.
#[derive(Debug)]
pub struct CustomerAt<'a> {
    as_of: Timestamp,
    record: &'a CustomerRecord,
    loyalty: Option<&'a Loyalty>,
    /// Found when a view first looks at them.
    purchases: OnceCell<Vec<Purchase<'a>>>,
}

impl<'a> CustomerAt<'a> {
    pub(crate) fn new(record: &'a CustomerRecord, loyalty: Option<&'a Loyalty>, as_of: Timestamp) -> Self {
        Self { as_of, record, loyalty, purchases: OnceCell::new() }
    }

    /// What the lifecycle looks at beyond purchases, under rules that do.
    pub(crate) fn loyalty(&self) -> Option<&'a Loyalty> {
        self.loyalty
    }

    /// The instant.
    pub fn as_of(&self) -> Timestamp {
        self.as_of
    }

    /// What the fold keeps of every customer.
    pub fn record(&self) -> &'a CustomerRecord {
        self.record
    }

    /// Orders that are neither cancelled nor fully refunded as of the instant, by the time of placement.
    pub fn purchases(&self) -> &[Purchase<'a>] {
        self.purchases.get_or_init(|| self.record.orders.purchases())
    }

    /// The last purchase.
    pub fn last_purchase(&self) -> Option<&Purchase<'a>> {
        self.purchases().last()
    }
}

/// How many purchases, sorted by time, lie in (t - window, t].
pub(crate) fn count_within(purchases: &[Purchase<'_>], t: Timestamp, window: crate::time::Span) -> usize {
    purchases.len() - purchases.partition_point(|purchase| t.since(purchase.placed_at) >= window)
}

use crate::batch::{EventView, HotRow};
use crate::event::EventKind;

/// Which events a projection looks at. A fold passes the others over, most of them without a look into their columns.
///
/// ```
/// use wayfold_core::{EventKind, Interest};
///
/// let orders = Interest::of_kinds(&[EventKind::OrderPlaced, EventKind::OrderCancelled]);
/// assert!(orders.has_kind(EventKind::OrderPlaced) && !orders.has_kind(EventKind::Shipped));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interest {
    /// For each kind, by its rank, whether events of it are looked at.
    kinds: [bool; EventKind::ALL.len()],
    has_every_kind: bool,
    /// Whether an event has to belong to a journey.
    in_journeys: bool,
}

impl Interest {
    /// Every event.
    pub const ALL: Self =
        Self { kinds: [true; EventKind::ALL.len()], has_every_kind: true, in_journeys: false };

    /// Events that belong to a journey, of any kind.
    pub const IN_JOURNEYS: Self = Self { in_journeys: true, ..Self::ALL };

    /// Events of the kinds that name an order.
    pub(crate) const OF_ORDERS: Self = {
        let mut interest = Self::of_kinds(&[]);
        let mut place = 0;
        while place < EventKind::ALL.len() {
            interest.kinds[place] = EventKind::ALL[place].names_order();
            place += 1;
        }
        interest
    };

    /// Events of some kinds.
    pub const fn of_kinds(kinds: &[EventKind]) -> Self {
        let mut interest =
            Self { kinds: [false; EventKind::ALL.len()], has_every_kind: false, in_journeys: false };
        let mut place = 0;
        while place < kinds.len() {
            interest.kinds[kinds[place].rank() as usize] = true;
            place += 1;
        }
        interest
    }

    /// Says whether events of a kind are looked at.
    #[inline]
    pub const fn has_kind(&self, kind: EventKind) -> bool {
        self.kinds[kind.rank() as usize]
    }

    #[inline]
    pub(crate) fn has_every_kind(&self) -> bool {
        self.has_every_kind
    }

    /// Says whether an event has to belong to a journey to be looked at.
    #[inline]
    pub const fn is_in_journeys(&self) -> bool {
        self.in_journeys
    }

    /// Says whether an event is looked at.
    #[inline]
    pub fn has(&self, event: &EventView<'_>) -> bool {
        self.has_row(event.hot())
    }

    #[inline]
    pub(crate) fn has_row(&self, row: &HotRow) -> bool {
        self.has_kind(row.kind) && (!self.in_journeys || row.has_journey)
    }
}

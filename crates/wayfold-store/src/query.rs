//! Which events are meant: by kind, tag, customer and tenant.

use wayfold_core::{CustomKind, CustomerKey, EventKind, EventView, Position, Tag, Tenant};

/// Which kinds of events are meant.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum KindFilter {
    /// Events of a kind; one of the six custom kinds means every custom event of its stage, and
    /// [`EventKind::Unknown`] every event of an unknown kind.
    Kind(EventKind),
    /// Events of a user's own kind, by its name.
    Custom(CustomKind),
}

impl KindFilter {
    fn matches(&self, event: &EventView<'_>) -> bool {
        match self {
            Self::Kind(kind) => event.kind() == *kind,
            Self::Custom(name) => event.kind().is_custom() && event.custom_name() == Some(name.as_str()),
        }
    }
}

impl From<EventKind> for KindFilter {
    fn from(kind: EventKind) -> Self {
        Self::Kind(kind)
    }
}

impl From<CustomKind> for KindFilter {
    fn from(name: CustomKind) -> Self {
        Self::Custom(name)
    }
}

/// A set of events. An event is in it if it meets every part that is given.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EventFilter {
    /// Of one of these kinds; empty for any.
    pub kinds: Vec<KindFilter>,
    /// With all of these tags; empty for any.
    pub tags: Vec<Tag>,
    /// Of this customer.
    pub customer: Option<CustomerKey>,
    /// Of this tenant.
    pub tenant: Option<Tenant>,
}

impl EventFilter {
    /// Every event.
    pub fn all() -> Self {
        Self::default()
    }

    /// The events of a customer.
    pub fn customer(customer: CustomerKey) -> Self {
        Self { customer: Some(customer), ..Self::default() }
    }

    /// Takes events of this kind; called again, of one or the other.
    pub fn with_kind(mut self, kind: impl Into<KindFilter>) -> Self {
        self.kinds.push(kind.into());
        self
    }

    /// Takes only events that have this tag; called again, only those that have both.
    pub fn with_tag(mut self, tag: Tag) -> Self {
        self.tags.push(tag);
        self
    }

    /// Says whether every event is in the set.
    pub fn is_all(&self) -> bool {
        *self == Self::default()
    }

    /// Says whether an event is in the set.
    pub fn matches(&self, event: &EventView<'_>) -> bool {
        let texts = event.customer_texts();
        let of_customer = |key: &CustomerKey| (key.tenant.as_str(), key.customer.as_str()) == texts;
        self.customer.as_ref().is_none_or(of_customer)
            && self.tenant.as_ref().is_none_or(|tenant| tenant.as_str() == texts.0)
            && self.tags.iter().all(|tag| event.tags().any(|known| known == tag.as_str()))
            && self.matches_kind(event)
    }

    fn matches_kind(&self, event: &EventView<'_>) -> bool {
        self.kinds.is_empty() || self.kinds.iter().any(|kind| kind.matches(event))
    }
}

/// Which way a read goes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Direction {
    /// From the oldest on.
    #[default]
    Forward,
    /// From the newest back.
    Backward,
}

/// What to read and which way.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReadQuery {
    /// Which events.
    pub filter: EventFilter,
    /// Which way.
    pub direction: Direction,
}

impl ReadQuery {
    /// Every event, forward.
    pub fn all() -> Self {
        Self::default()
    }

    /// The events of a customer, forward.
    pub fn customer(customer: CustomerKey) -> Self {
        EventFilter::customer(customer).into()
    }

    /// The same, from the newest back.
    pub fn backward(mut self) -> Self {
        self.direction = Direction::Backward;
        self
    }
}

impl From<EventFilter> for ReadQuery {
    fn from(filter: EventFilter) -> Self {
        Self { filter, direction: Direction::Forward }
    }
}

/// What must not have happened: an append fails if an event of the set stands after the position.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppendCondition {
    /// Which events.
    pub filter: EventFilter,
    /// After which position; the last one that the caller has seen.
    pub after: Position,
}

//! Which events are meant: by kind, tag, customer and tenant.

use std::fmt;

use wayfold_core::{CustomKind, CustomerKey, EventKind, EventView, Position, Tag, Tenant};

/// The name of a kind as in documents: `order_placed`, or `custom:NAME` for a user's own.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KindName(Box<str>);

impl KindName {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<EventKind> for KindName {
    fn from(kind: EventKind) -> Self {
        Self(kind.name().into())
    }
}

impl From<&CustomKind> for KindName {
    fn from(name: &CustomKind) -> Self {
        Self(format!("custom:{name}").into())
    }
}

impl fmt::Display for KindName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A set of events. An event is in it if it meets every part that is given.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EventFilter {
    /// Of one of these kinds; empty for any.
    pub kinds: Vec<KindName>,
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

    /// Narrows to events of one more kind beside those named before.
    pub fn with_kind(mut self, kind: impl Into<KindName>) -> Self {
        self.kinds.push(kind.into());
        self
    }

    /// Narrows to events that also have a tag.
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
        self.kinds.is_empty() || {
            let name = event.kind_name();
            self.kinds.iter().any(|kind| kind.as_str() == name)
        }
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

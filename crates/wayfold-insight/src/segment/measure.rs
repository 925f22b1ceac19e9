//! What rules ask of a customer's events, folded.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use wayfold_core::{CustomKind, CustomerAt, EventKind, EventView, Projection, Span, Timestamp};

use super::parse::Parser;
use super::print::Name;
use crate::error::Result;

/// A measure of a customer's events, by which rules ask for it: a projection that has its own text as its name.
///
/// - `count of product_viewed within 7 days`: how many such events lie in (t - 7 days, t]. The state holds an instant
///   of each event that can still count.
/// - `cart_changed followed by order_placed within 2 days`: whether some event of the first kind was followed by one of
///   the second, by the order of the fold, at most that span later.
///
/// Rules name what they measure, see [`Rule::measures`](super::Rule::measures). What is registered is a field of the
/// customer like any other, also of filters and explanations.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct EventMeasure {
    name: Arc<str>,
    what: What,
    within: Span,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum What {
    Count(Kind),
    FollowedBy(Kind, Kind),
}

/// A kind of event, as rules name it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Known(EventKind),
    /// `custom:` and the name.
    Own(CustomKind),
}

impl Kind {
    pub(super) fn from_name(name: &str) -> Option<Self> {
        match name.strip_prefix("custom:") {
            Some(own) => CustomKind::new(own).ok().map(Self::Own),
            None => EventKind::from_name(name).map(Self::Known),
        }
    }

    fn is_of(&self, event: &EventView<'_>) -> bool {
        match self {
            Self::Known(kind) => event.kind() == *kind,
            Self::Own(name) => event.kind().is_custom() && event.custom_name() == Some(name.as_str()),
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Known(kind) => f.write_str(kind.name()),
            Self::Own(name) => Name(&format!("custom:{}", name.as_str())).fmt(f),
        }
    }
}

impl EventMeasure {
    pub(super) fn new(what: What, within: Span) -> Self {
        let name = match &what {
            What::Count(kind) => format!("count of {kind} within {within}"),
            What::FollowedBy(first, then) => format!("{first} followed by {then} within {within}"),
        };
        Self { name: name.into(), what, within }
    }

    /// Reads a measure as rules write it.
    ///
    /// # Errors
    /// `InvalidRule` with line and column.
    pub fn parse(text: &str) -> Result<Self> {
        Parser::read(text, Parser::measure)
    }

    pub(super) fn is_count(&self) -> bool {
        matches!(self.what, What::Count(_))
    }
}

impl fmt::Display for EventMeasure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

/// What is kept for a measure of one customer.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EventMeasureState {
    /// When events happened that can still count, in their order; of a follow-up only the last one of the first kind.
    #[serde(deserialize_with = "in_order")]
    times: Vec<Timestamp>,
    followed: bool,
}

fn in_order<'de, D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Vec<Timestamp>, D::Error> {
    let times = Vec::<Timestamp>::deserialize(deserializer)?;
    if times.is_sorted() {
        Ok(times)
    } else {
        Err(de::Error::custom("the times of a measure are not in order"))
    }
}

/// What a measure answers of one customer; written as a number or a boolean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventMeasureView {
    /// How many events.
    Count(u64),
    /// Whether there was a follow-up.
    Followed(bool),
}

impl Serialize for EventMeasureView {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        match self {
            Self::Count(count) => serializer.serialize_u64(*count),
            Self::Followed(followed) => serializer.serialize_bool(*followed),
        }
    }
}

impl EventMeasure {
    /// The times that lie in the window as of an instant.
    fn counted<'a>(&self, state: &'a EventMeasureState, as_of: Timestamp) -> &'a [Timestamp] {
        let gone = state.times.partition_point(|time| as_of.since(*time) >= self.within);
        &state.times[gone..]
    }
}

impl Projection for EventMeasure {
    type State = EventMeasureState;
    type View = EventMeasureView;

    fn name(&self) -> &str {
        &self.name
    }

    fn version(&self) -> u32 {
        1
    }

    fn evolve(&self, state: &mut EventMeasureState, event: &EventView<'_>) {
        let at = event.occurred_at();
        match &self.what {
            What::Count(kind) if kind.is_of(event) => {
                let gone = state.times.len() - self.counted(state, at).len();
                state.times.drain(..gone);
                state.times.push(at);
            }
            What::Count(_) => {}
            What::FollowedBy(first, then) => {
                let last = state.times.last();
                state.followed |=
                    then.is_of(event) && last.is_some_and(|last| at.since(*last) <= self.within);
                if first.is_of(event) {
                    state.times = vec![at];
                }
            }
        }
    }

    fn view(&self, state: &EventMeasureState, customer: &CustomerAt<'_>) -> EventMeasureView {
        match self.what {
            What::Count(_) => EventMeasureView::Count(self.counted(state, customer.as_of()).len() as u64),
            What::FollowedBy(..) => EventMeasureView::Followed(state.followed),
        }
    }

    fn holds_until(&self, state: &EventMeasureState, customer: &CustomerAt<'_>) -> Option<Timestamp> {
        let oldest = *self.counted(state, customer.as_of()).first().filter(|_| self.is_count())?;
        let leaves_after = self.within + Span::from_micros(-1);
        (Timestamp::MAX.since(oldest) > leaves_after).then(|| oldest + leaves_after)
    }
}

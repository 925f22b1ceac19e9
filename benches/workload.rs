//! The streams on which speed is measured, made as they are asked for or held in memory.

use std::collections::HashSet;
use std::str::FromStr;

use wayfold_core::{EventBatch, EventBody, EventId, JourneyEvent, Timestamp};
use wayfold_testkit::shop::{Shop, ShopConfig};
use wayfold_testkit::stream::Stream;

use crate::new_events::v5_id;

/// Events of each workload, unless `WAYFOLD_BENCH_EVENTS` says otherwise.
const EVENTS: u64 = 1_000_000;

/// How many events a workload has.
pub fn events() -> u64 {
    std::env::var("WAYFOLD_BENCH_EVENTS").ok().and_then(|number| number.parse().ok()).unwrap_or(EVENTS)
}

/// Which stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Named {
    /// In the order of time, nothing late, no journeys.
    W,
    /// W with ids as an import makes them.
    W5,
    /// The five-stage shop, with what is late, tied, cancelled, refunded and retracted.
    ///
    /// Duplicates are left out, as a store keeps them from the fold.
    S,
}

impl FromStr for Named {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "W" => Ok(Self::W),
            "W5" => Ok(Self::W5),
            "S" => Ok(Self::S),
            _ => Err(format!("a workload is W, W5 or S, not {text:?}")),
        }
    }
}

/// A workload of some size that need not be in memory.
#[derive(Debug)]
pub enum Planned {
    /// So many events of W.
    W(u64),
    /// So many of W with other ids.
    W5(u64),
    /// A shop.
    S(Box<Shop>),
}

impl Planned {
    /// Plans so many events.
    pub fn new(named: Named, events: u64) -> Self {
        match named {
            Named::W => Self::W(events),
            Named::W5 => Self::W5(events),
            Named::S => Self::S(Box::new(Shop::new(ShopConfig::of(events)))),
        }
    }

    /// How many events there are.
    #[expect(clippy::len_without_is_empty, reason = "a workload has events")]
    pub fn len(&self) -> u64 {
        match self {
            Self::W(events) | Self::W5(events) => *events,
            Self::S(shop) => shop.truth().events,
        }
    }

    /// The events in the order in which they arrive, each once.
    pub fn events(&self) -> Box<dyn Iterator<Item = JourneyEvent> + '_> {
        match self {
            Self::W(events) => Box::new(Stream::new(*events)),
            Self::W5(events) => Box::new(Stream::new(*events).zip(0..).map(|(mut event, number)| {
                event.id = v5_id(number);
                event
            })),
            Self::S(shop) => {
                let mut taken = HashSet::new();
                Box::new(shop.events().filter(move |event| taken.insert(event.id)))
            }
        }
    }

    /// The events that stand: without retractions, and without what they retract.
    pub fn standing(&self) -> Box<dyn Iterator<Item = JourneyEvent> + '_> {
        let Self::S(shop) = self else { return self.events() };
        let retracted: HashSet<EventId> = shop.distinct().filter_map(|event| retracts(&event)).collect();
        Box::new(
            self.events().filter(move |event| retracts(event).is_none() && !retracted.contains(&event.id)),
        )
    }

    /// An instant after the newest event.
    pub fn as_of(&self) -> Timestamp {
        match self {
            Self::W(_) | Self::W5(_) => Timestamp::parse("2026-01-01").expect("a date"),
            Self::S(shop) => shop.end(),
        }
    }
}

fn retracts(event: &JourneyEvent) -> Option<EventId> {
    match &event.body {
        EventBody::EventRetracted(retraction) => Some(retraction.event),
        _ => None,
    }
}

/// A workload in memory.
#[derive(Debug)]
pub struct Workload {
    /// W or S.
    pub name: &'static str,
    /// The events in the order in which they arrive, each once.
    pub events: Vec<JourneyEvent>,
    /// An instant after the newest event, as of which questions are asked.
    pub as_of: Timestamp,
}

impl Workload {
    /// As many events of W as [`events`] says.
    pub fn w() -> Self {
        Self::of("W", &Planned::new(Named::W, events()))
    }

    /// As many events of S as [`events`] says.
    pub fn s() -> Self {
        Self::of("S", &Planned::new(Named::S, events()))
    }

    fn of(name: &'static str, planned: &Planned) -> Self {
        Self { name, events: planned.events().collect(), as_of: planned.as_of() }
    }

    /// The events as batches of at most that many.
    pub fn batches(&self, size: usize) -> Vec<EventBatch> {
        chunks(self.events.iter().cloned(), size).collect()
    }
}

/// Events as batches of at most that many, made as they are asked for.
pub fn chunks(
    events: impl IntoIterator<Item = JourneyEvent>,
    size: usize,
) -> impl Iterator<Item = EventBatch> {
    let mut events = events.into_iter();
    std::iter::from_fn(move || {
        let chunk: Vec<_> = events.by_ref().take(size).collect();
        (!chunk.is_empty()).then(|| EventBatch::from_events(&chunk).expect("events of a workload are valid"))
    })
}

//! What the processes record, and the two sets of rules between which they change.

use std::path::Path;

use serde::{Deserialize, Serialize};
use wayfold::sqlite::{SqliteConfig, SqliteStore};
use wayfold::{Builder, CustomerAt, EventView, JourneyEvent, Projection, Rules, Timestamp};
use wayfold_testkit::shop::{Shop, ShopConfig};

const EVENTS: u64 = 1_500;
const EVENTS_PER_BATCH: usize = 8;

/// The rules under which an engine is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Rulebook {
    Usual,
    Stricter,
}

impl Rulebook {
    pub(crate) const ALL: [Self; 2] = [Self::Usual, Self::Stricter];

    pub(crate) fn other(self) -> Self {
        match self {
            Self::Usual => Self::Stricter,
            Self::Stricter => Self::Usual,
        }
    }

    pub(crate) fn rules(self) -> Rules {
        let mut rules = Rules::default();
        if self == Self::Stricter {
            (rules.version, rules.lifecycle.churned_after_days) = ("churn-90".to_owned(), 90);
        }
        rules
    }

    /// Builds an engine for a history; every second one has long states.
    pub(crate) fn builder(self, history: u64) -> Builder {
        let mut builder = Builder::new(self.rules()).unwrap().by_hand(as_of());
        if history % 2 == 1 {
            builder.register(Diary).unwrap();
        }
        builder
    }
}

/// A projection of one's own with states so long that a snapshot has several parts.
struct Diary;

impl Projection for Diary {
    type State = Vec<String>;
    type View = usize;

    fn name(&self) -> &str {
        "diary"
    }

    fn version(&self) -> u32 {
        1
    }

    fn evolve(&self, state: &mut Vec<String>, event: &EventView<'_>) {
        state.push(event.id().to_string().repeat(30));
    }

    fn view(&self, state: &Vec<String>, _: &CustomerAt<'_>) -> usize {
        state.len()
    }

    fn holds_until(&self, _: &Vec<String>, _: &CustomerAt<'_>) -> Option<Timestamp> {
        None
    }
}

/// The time of every engine: amid the last events, so that some are not due.
pub(crate) fn as_of() -> Timestamp {
    Timestamp::parse("2025-11-01").unwrap()
}

/// Opens the log so that it is sealed and merged all the time.
pub(crate) fn open(file: &Path) -> SqliteStore {
    let mut config = SqliteConfig::default();
    (config.seal_events, config.seal_blocks, config.merge_blocks) = (200, 12, 3);
    SqliteStore::open(file, config).unwrap()
}

/// A shop's events: two of three in the first batch, the others after it and so mostly late; some come twice.
pub(crate) fn batches(seed: u64) -> Vec<Vec<JourneyEvent>> {
    let shop = Shop::new(ShopConfig::of(EVENTS).with_seed(seed));
    let (mut first, mut rest) = (Vec::new(), Vec::new());
    for (number, event) in shop.events().enumerate() {
        if number % 3 == 0 { rest.push(event) } else { first.push(event) }
    }
    let rest = rest.chunks(EVENTS_PER_BATCH).map(<[JourneyEvent]>::to_vec);
    std::iter::once(first).chain(rest).collect()
}

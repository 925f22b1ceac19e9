//! An independent oracle: the domain's rules once more, slow and naive, to hold the core against.
//!
//! It shares with the core the types of events, keys, times, money and views, and no rule: the causal rank,
//! which kinds move a stage, what a retraction reaches, how orders, stages, classes, outcomes and promises
//! come about are written here a second time, from the domain's text. Every question sorts and folds the
//! whole history anew, and [`CustomerView::holds_until`] is found by asking at every instant at which
//! anything could change. Nothing here is fast, and nothing is kept from one question to the next.

mod changes;
mod journeys;
mod ledger;
mod lifecycle;
mod loyalty;
mod population;
mod rank;
mod segment;
mod standing;
#[cfg(test)]
mod tests;
mod value;

use std::collections::{BTreeMap, BTreeSet};

use wayfold_core::{CustomerKey, CustomerView, EventBody, EventKind, JourneyEvent, Rules, Timestamp};

pub use self::changes::ChangeFact;
use self::journeys::Journeys;
use self::ledger::Ledger;
use self::loyalty::Told;
pub use self::rank::{causal_rank, stage_of};
use self::standing::Standing;

/// Answers about the set of events of a log, each given once, in any order.
///
/// ```
/// use wayfold_core::{CustomerKey, EventId, JourneyEvent, LifecycleStage, Registered, Rules, Timestamp};
/// use wayfold_testkit::Oracle;
///
/// let (key, at) = (CustomerKey::new("c1")?, Timestamp::parse("2024-01-01")?);
/// let event = JourneyEvent::new(EventId::from_u128(7), key.clone(), at, Registered {});
/// let oracle = Oracle::new(vec![event], Rules::default());
/// assert_eq!(oracle.view(&key, at).unwrap().lifecycle.stage, LifecycleStage::Prospect);
/// assert!(oracle.view(&key, at.previous()).is_none());
/// # Ok::<(), wayfold_core::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Oracle {
    rules: Rules,
    /// What stands of each customer's history: in order, without retractions and what they retract.
    histories: BTreeMap<CustomerKey, Vec<JourneyEvent>>,
}

impl Oracle {
    /// Takes the events of a log, each once, and the rules of the question.
    pub fn new(events: Vec<JourneyEvent>, rules: Rules) -> Self {
        let mut histories: BTreeMap<CustomerKey, Vec<JourneyEvent>> = BTreeMap::new();
        for event in events {
            histories.entry(event.customer.clone()).or_default().push(event);
        }
        for history in histories.values_mut() {
            drop_retracted(history);
            history.sort_by_key(|event| {
                (event.occurred_at.instant(), event.sequence, causal_rank(event), event.id.as_u128())
            });
        }
        histories.retain(|_, history| !history.is_empty());
        Self { rules, histories }
    }

    /// The rules of the question.
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// The customers of whom any event stands, by the bytes of their keys.
    pub fn customers(&self) -> Vec<CustomerKey> {
        self.histories.keys().cloned().collect()
    }

    /// The instants of the events that stand, of all customers, in order and each once.
    pub fn instants(&self) -> Vec<Timestamp> {
        let all = self.histories.values().flatten().map(|event| event.occurred_at.instant());
        all.collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// The view of a customer as of an instant; `None` if no event of it stands by then.
    pub fn view(&self, key: &CustomerKey, as_of: Timestamp) -> Option<CustomerView> {
        let past: Vec<&JourneyEvent> =
            self.histories.get(key)?.iter().filter(|event| event.occurred_at.instant() <= as_of).collect();
        let (first, last) = (past.first()?.occurred_at.instant(), past.last()?.occurred_at.instant());
        let unknown = past.iter().filter(|event| event.kind() == EventKind::Unknown).count();
        let ledger = Ledger::of(&past);
        let journeys = Journeys::of(&past);
        let told = Told::of(&past);
        let standing = Standing::new(&self.rules, &ledger, &journeys, &told);
        let (purchases, rules) = (ledger.purchase_times(), &self.rules.lifecycle);
        Some(CustomerView {
            key: key.clone(),
            as_of,
            rules: self.rules.version.clone(),
            events: past.len() as u64,
            unknown_events: unknown as u64,
            first_seen_at: first,
            last_seen_at: last,
            journeys: journeys.view(&self.rules.journey, &ledger, as_of),
            lifecycle: lifecycle::view(rules, &purchases, &told, as_of),
            segment: segment::view(&self.rules, &ledger, as_of),
            value: value::view(&self.rules.value, &ledger),
            loyalty: loyalty::view(rules, &purchases, &told, as_of),
            holds_until: standing.holds_until(as_of),
        })
    }

    /// The views of every customer as of an instant, by the bytes of their keys.
    pub fn views(&self, as_of: Timestamp) -> Vec<CustomerView> {
        self.histories.keys().filter_map(|key| self.view(key, as_of)).collect()
    }
}

/// Leaves out retractions, and the events of the same customer that one of them names.
///
/// A retraction holds whenever it happened itself; one that names a retraction has no effect, because what it
/// names is left out of the fold anyway and keeps its own effect.
fn drop_retracted(history: &mut Vec<JourneyEvent>) {
    let mut retracted = BTreeSet::new();
    for event in history.iter() {
        if let EventBody::EventRetracted(retraction) = &event.body {
            retracted.insert(retraction.event);
        }
    }
    history.retain(|event| event.kind() != EventKind::EventRetracted && !retracted.contains(&event.id));
}

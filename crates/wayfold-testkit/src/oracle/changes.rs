//! Every change that a notice tells of, by asking at each instant at which there may be one.

use std::collections::{BTreeMap, BTreeSet};

use wayfold_core::{
    BehaviourClass, CustomerKey, CustomerView, EventId, JourneyKey, LifecycleStage, OrderId, Outcome,
    PromiseState, Stage, Timestamp, Transition,
};

use super::Oracle;

/// A notice without its id: for whom, from when on, what, and the events of that instant.
pub type ChangeFact = (CustomerKey, Timestamp, Transition, Vec<EventId>);

/// What a view says, as far as notices go.
#[derive(Debug, Default, PartialEq)]
struct Facts {
    stage: Option<LifecycleStage>,
    class: Option<BehaviourClass>,
    stages: BTreeMap<JourneyKey, Stage>,
    outcomes: BTreeMap<JourneyKey, Outcome>,
    promises: BTreeMap<OrderId, PromiseState>,
}

impl Facts {
    fn of(view: &CustomerView) -> Self {
        let (journeys, promises) = (&view.journeys.journeys, &view.journeys.promises);
        Self {
            stage: Some(view.lifecycle.stage),
            class: view.segment.class,
            stages: journeys.iter().filter_map(|view| Some((view.key.clone(), view.stage?))).collect(),
            outcomes: journeys.iter().map(|view| (view.key.clone(), view.outcome)).collect(),
            promises: promises.iter().map(|view| (view.order.clone(), view.state)).collect(),
        }
    }

    fn since(&self, before: &Self) -> Vec<Transition> {
        let mut transitions = Vec::new();
        if let (from, Some(to)) = (before.stage, self.stage) {
            transitions.extend((from != Some(to)).then_some(Transition::LifecycleStage { from, to }));
        }
        let (from, to) = (before.class, self.class);
        transitions.extend((from != to).then_some(Transition::BehaviourClass { from, to }));
        for (journey, from, to) in changes(&before.stages, &self.stages) {
            transitions.push(Transition::JourneyStage { journey, from, to });
        }
        for (journey, from, to) in changes(&before.outcomes, &self.outcomes) {
            transitions.push(Transition::JourneyOutcome { journey, from, to });
        }
        for (order, from, to) in changes(&before.promises, &self.promises) {
            transitions.push(Transition::Promise { order, from, to });
        }
        transitions
    }
}

fn changes<K: Ord + Clone, V: PartialEq + Copy>(
    before: &BTreeMap<K, V>,
    after: &BTreeMap<K, V>,
) -> Vec<(K, Option<V>, Option<V>)> {
    let keys: BTreeSet<&K> = before.keys().chain(after.keys()).collect();
    let of = |key: &K| (key.clone(), before.get(key).copied(), after.get(key).copied());
    keys.into_iter().map(of).filter(|(_, from, to)| from != to).collect()
}

impl Oracle {
    /// Every change of every customer up to an instant: by customer, each customer's in order of time.
    pub fn changes(&self, as_of: Timestamp) -> Vec<ChangeFact> {
        let mut changes = Vec::new();
        for key in self.histories.keys() {
            self.note_changes(key, as_of, &mut changes);
        }
        changes
    }

    fn note_changes(&self, key: &CustomerKey, as_of: Timestamp, changes: &mut Vec<ChangeFact>) {
        let own = &self.histories[key];
        let mut before = Facts::default();
        let mut next = own.first().map(|event| event.occurred_at.instant());
        while let Some(at) = next.filter(|at| *at <= as_of) {
            let view = self.view(key, at).expect("an event stands by then");
            let now = Facts::of(&view);
            let at_once = own.iter().filter(|event| event.occurred_at.instant() == at);
            let causes: Vec<EventId> = at_once.map(|event| event.id).collect();
            let transitions = now.since(&before).into_iter();
            changes.extend(transitions.map(|transition| (key.clone(), at, transition, causes.clone())));
            before = now;
            let later = own.iter().map(|event| event.occurred_at.instant()).find(|instant| *instant > at);
            let by_time = view.holds_until.map(Timestamp::next);
            next = [later, by_time].into_iter().flatten().min();
        }
    }
}

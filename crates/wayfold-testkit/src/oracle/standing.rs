//! Until when a view holds, found by asking at every instant at which anything could change.

use std::collections::BTreeSet;

use wayfold_core::{
    BehaviourClass, LifecycleStage, LoyalReason, Outcome, PromiseState, Rules, Span, Timestamp,
};

use super::journeys::{Journeys, promises};
use super::ledger::Ledger;
use super::loyalty::Told;
use super::{lifecycle, loyalty, segment};

/// What changes by time alone: everything else waits for an event.
#[derive(Debug, PartialEq, Eq)]
struct State {
    stage: LifecycleStage,
    loyal_by: Vec<LoyalReason>,
    class: Option<BehaviourClass>,
    outcomes: Vec<Outcome>,
    promises: Vec<PromiseState>,
}

/// A customer whose events are all there, asked at later and later instants.
pub(super) struct Standing<'a> {
    rules: &'a Rules,
    ledger: &'a Ledger,
    journeys: &'a Journeys<'a>,
    told: &'a Told,
}

impl<'a> Standing<'a> {
    pub(super) fn new(
        rules: &'a Rules,
        ledger: &'a Ledger,
        journeys: &'a Journeys<'a>,
        told: &'a Told,
    ) -> Self {
        Self { rules, ledger, journeys, told }
    }

    fn at(&self, t: Timestamp) -> State {
        let (rules, purchases) = (&self.rules.lifecycle, self.ledger.purchase_times());
        State {
            stage: lifecycle::stage(rules, &purchases, self.told, t),
            loyal_by: loyalty::view(rules, &purchases, self.told, t).map_or_else(Vec::new, |view| view.by),
            class: segment::class(self.rules, self.ledger, t),
            outcomes: self.journeys.outcomes(&self.rules.journey, self.ledger, t),
            promises: promises(self.ledger, t).iter().map(|promise| promise.state).collect(),
        }
    }

    /// The microsecond before the first instant after t at which anything is otherwise; `None` if none is.
    pub(super) fn holds_until(&self, t: Timestamp) -> Option<Timestamp> {
        let now = self.at(t);
        let changed = self.boundaries().into_iter().filter(|instant| *instant > t);
        let first = changed.into_iter().find(|instant| self.at(*instant) != now);
        first.map(Timestamp::previous)
    }

    /// Every purchase and journey event plus every span of the rules, and every promise, each with the
    /// microsecond after it; instants beyond the calendar never come.
    fn boundaries(&self) -> BTreeSet<Timestamp> {
        let (lifecycle, segment) = (&self.rules.lifecycle, &self.rules.segment);
        let mut spans = BTreeSet::from([
            lifecycle.churned_after_days,
            lifecycle.loyal_window_days,
            segment.at_risk_after_days,
            segment.newcomer_days_max,
            segment.frequent_window_days,
            self.rules.journey.abandoned_after_days,
        ]);
        spans.extend(lifecycle.loyal_by.nps.as_ref().map(|nps| nps.days));
        let purchases = self.ledger.purchase_times();
        let mut starts: BTreeSet<Timestamp> = purchases.iter().copied().collect();
        starts.extend(self.journeys.instants());
        starts.extend(self.told.instants());
        let mut boundaries = BTreeSet::new();
        let mut add = |micros: Option<i64>| {
            for micros in micros.into_iter().flat_map(|micros| [micros, micros + 1]) {
                boundaries.extend(Timestamp::from_micros(micros).ok());
            }
        };
        for start in &starts {
            for days in &spans {
                add(start.as_micros().checked_add(Span::from_days(*days).as_micros()));
            }
        }
        add(loyalty::last_before_churn(lifecycle, &purchases).map(Timestamp::as_micros));
        for order in self.ledger.orders.values() {
            add(order.promised_at.map(Timestamp::as_micros));
        }
        boundaries
    }
}

//! The stage of the lifecycle, from the times of the purchases.

use wayfold_core::{LifecycleRules, LifecycleStage, LifecycleView, Span, Timestamp};

use super::loyalty::{self, Told};

/// Where the purchases since the last return from churn begin, and whether there was a return.
pub(super) fn since_return(rules: &LifecycleRules, purchases: &[Timestamp]) -> (usize, bool) {
    let mut start = (0, false);
    for later in 1..purchases.len() {
        let silence = purchases[later].since(purchases[later - 1]).as_micros();
        if i128::from(silence) > loyalty::patience(rules, &purchases[start.0..later]) {
            start = (later, true);
        }
    }
    start
}

/// How many instants lie in (t - window, t].
pub(super) fn within(instants: &[Timestamp], t: Timestamp, days: u32) -> u32 {
    let window = Span::from_days(days);
    let inside = |instant: &&Timestamp| **instant <= t && t.since(**instant) < window;
    instants.iter().filter(inside).count() as u32
}

/// Whether a customer with these purchases, in order, is silent for too long as of t.
pub(super) fn is_churned(rules: &LifecycleRules, purchases: &[Timestamp], t: Timestamp) -> bool {
    let (start, _) = since_return(rules, purchases);
    purchases.last().is_some_and(|last| {
        i128::from(t.since(*last).as_micros()) > loyalty::patience(rules, &purchases[start..])
    })
}

/// The stage of a customer with these purchases, in order, as of t.
pub(super) fn stage(
    rules: &LifecycleRules,
    purchases: &[Timestamp],
    told: &Told,
    t: Timestamp,
) -> LifecycleStage {
    if purchases.is_empty() {
        return LifecycleStage::Prospect;
    }
    if is_churned(rules, purchases, t) {
        return LifecycleStage::Churned;
    }
    let (start, returned) = since_return(rules, purchases);
    let counted = &purchases[start..];
    if !loyalty::reasons(rules, purchases, told, t).is_empty() {
        LifecycleStage::Loyal
    } else if counted.len() as u32 >= rules.repeat_purchases_min {
        LifecycleStage::Repeat
    } else if returned {
        LifecycleStage::WonBack
    } else {
        LifecycleStage::FirstTime
    }
}

pub(super) fn view(
    rules: &LifecycleRules,
    purchases: &[Timestamp],
    told: &Told,
    t: Timestamp,
) -> LifecycleView {
    let (start, returned) = since_return(rules, purchases);
    LifecycleView {
        stage: stage(rules, purchases, told, t),
        purchases: purchases.len() as u32,
        purchases_since_return: (purchases.len() - start) as u32,
        first_purchase_at: purchases.first().copied(),
        last_purchase_at: purchases.last().copied(),
        returned_at: returned.then(|| purchases[start]),
    }
}

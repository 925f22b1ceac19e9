//! The stage of the lifecycle, from the times of the purchases.

use wayfold_core::{LifecycleRules, LifecycleStage, LifecycleView, Span, Timestamp};

/// Where the purchases since the last return from churn begin, and whether there was a return.
fn since_return(rules: &LifecycleRules, purchases: &[Timestamp]) -> (usize, bool) {
    let horizon = Span::from_days(rules.churned_after_days);
    let mut start = (0, false);
    for later in 1..purchases.len() {
        if purchases[later].since(purchases[later - 1]) > horizon {
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

/// The stage of a customer with these purchases, in order, as of t.
pub(super) fn stage(rules: &LifecycleRules, purchases: &[Timestamp], t: Timestamp) -> LifecycleStage {
    let Some(last) = purchases.last() else { return LifecycleStage::Prospect };
    if t.since(*last) > Span::from_days(rules.churned_after_days) {
        return LifecycleStage::Churned;
    }
    let (start, returned) = since_return(rules, purchases);
    let counted = &purchases[start..];
    if within(counted, t, rules.loyal_window_days) >= rules.loyal_purchases_min {
        LifecycleStage::Loyal
    } else if counted.len() as u32 >= rules.repeat_purchases_min {
        LifecycleStage::Repeat
    } else if returned {
        LifecycleStage::WonBack
    } else {
        LifecycleStage::FirstTime
    }
}

pub(super) fn view(rules: &LifecycleRules, purchases: &[Timestamp], t: Timestamp) -> LifecycleView {
    let (start, returned) = since_return(rules, purchases);
    LifecycleView {
        stage: stage(rules, purchases, t),
        purchases: purchases.len() as u32,
        purchases_since_return: (purchases.len() - start) as u32,
        first_purchase_at: purchases.first().copied(),
        last_purchase_at: purchases.last().copied(),
        returned_at: returned.then(|| purchases[start]),
    }
}

//! What makes a customer loyal beyond purchases, and after which silence it has churned.

use wayfold_core::{
    ChurnedBy, EventBody, Instrument, JourneyEvent, LifecycleRules, LifecycleStage, LoyalReason, LoyaltyView,
    Span, Timestamp,
};

use super::lifecycle::{since_return, stage, within};

/// The events of a history that speak of loyalty, in order.
#[derive(Debug, Clone)]
pub(super) struct Told(Vec<(Timestamp, EventBody)>);

impl Told {
    pub(super) fn of(past: &[&JourneyEvent]) -> Self {
        Self(past.iter().map(|event| (event.occurred_at.instant(), event.body.clone())).collect())
    }

    /// The tier of the last change that no leaving of a membership follows.
    fn tier(&self) -> Option<&str> {
        let last = self
            .0
            .iter()
            .rev()
            .find(|(_, body)| matches!(body, EventBody::TierChanged(_) | EventBody::MembershipLeft(_)));
        match last {
            Some((_, EventBody::TierChanged(body))) => Some(&body.tier),
            _ => None,
        }
    }

    /// The last answer to the question whether the customer recommends, about what the rules name.
    fn answer(&self, rules: &LifecycleRules) -> Option<(Timestamp, i64)> {
        let about = &rules.loyal_by.nps.as_ref()?.dimension;
        self.0.iter().rev().find_map(|(at, body)| match body {
            EventBody::SurveyAnswered(body)
                if body.instrument == Instrument::Nps && (about.is_none() || *about == body.dimension) =>
            {
                Some((*at, body.score))
            }
            _ => None,
        })
    }

    /// When such answers were given.
    pub(super) fn instants(&self) -> impl Iterator<Item = Timestamp> {
        self.0.iter().map(|(at, _)| *at)
    }
}

/// The silence in microseconds that a customer with these purchases since its return is allowed.
pub(super) fn patience(rules: &LifecycleRules, current: &[Timestamp]) -> i128 {
    let days = |days: u32| i128::from(Span::from_days(days).as_micros());
    let bought = current.len() as u32;
    match &rules.churned_by {
        ChurnedBy::OwnGap(own) if bought >= own.purchases_min => {
            let gap = |pair: &[Timestamp]| i128::from(pair[1].as_micros()) - i128::from(pair[0].as_micros());
            let gaps: Vec<i128> = current.windows(2).map(gap).collect();
            let mean = gaps.iter().sum::<i128>() / gaps.len() as i128;
            days(own.days_min).max(mean * i128::from(own.gaps))
        }
        ChurnedBy::Model(steps) => {
            let reached = steps.iter().filter(|step| step.purchases_min <= bought);
            reached
                .max_by_key(|step| step.purchases_min)
                .map_or(days(rules.churned_after_days), |step| days(step.days))
        }
        _ => days(rules.churned_after_days),
    }
}

/// When the silence after the last purchase has lasted as long as is allowed; the end of the calendar if that is beyond.
pub(super) fn last_before_churn(rules: &LifecycleRules, purchases: &[Timestamp]) -> Option<Timestamp> {
    let last = i128::from(purchases.last()?.as_micros());
    let (start, _) = since_return(rules, purchases);
    let end = last + patience(rules, &purchases[start..]);
    Some(i64::try_from(end).ok().and_then(|end| Timestamp::from_micros(end).ok()).unwrap_or(Timestamp::MAX))
}

/// What makes a customer loyal who is not churned.
pub(super) fn reasons(
    rules: &LifecycleRules,
    purchases: &[Timestamp],
    told: &Told,
    t: Timestamp,
) -> Vec<LoyalReason> {
    let (start, returned) = since_return(rules, purchases);
    let by = &rules.loyal_by;
    let mut reasons = Vec::new();
    if by.purchases && within(&purchases[start..], t, rules.loyal_window_days) >= rules.loyal_purchases_min {
        reasons.push(LoyalReason::Purchases);
    }
    if told.tier().is_some_and(|tier| by.tiers.contains(tier)) {
        reasons.push(LoyalReason::Tier);
    }
    if let (Some(nps), Some((at, score))) = (&by.nps, told.answer(rules))
        && within(&[at], t, nps.days) == 1
        && score >= nps.score_min
        && !(returned && at < purchases[start])
    {
        reasons.push(LoyalReason::Nps);
    }
    reasons
}

/// The view; `None` under rules that look at purchases and a fixed period alone.
pub(super) fn view(
    rules: &LifecycleRules,
    purchases: &[Timestamp],
    told: &Told,
    t: Timestamp,
) -> Option<LoyaltyView> {
    let plain = LifecycleRules::default();
    if rules.loyal_by == plain.loyal_by && rules.churned_by == plain.churned_by {
        return None;
    }
    let (start, _) = since_return(rules, purchases);
    let answer = told.answer(rules);
    let patience = patience(rules, &purchases[start..]);
    Some(LoyaltyView {
        by: loyal_by(rules, purchases, told, t),
        tier: told.tier().filter(|_| !rules.loyal_by.tiers.is_empty()).map(str::to_owned),
        nps_score: answer.map(|(_, score)| score),
        nps_at: answer.map(|(at, _)| at),
        churned_after_us: (!purchases.is_empty())
            .then(|| Span::from_micros(i64::try_from(patience).unwrap_or(i64::MAX))),
        churns_after: last_before_churn(rules, purchases),
    })
}

/// What makes the customer loyal, if it is.
pub(super) fn loyal_by(
    rules: &LifecycleRules,
    purchases: &[Timestamp],
    told: &Told,
    t: Timestamp,
) -> Vec<LoyalReason> {
    if stage(rules, purchases, told, t) == LifecycleStage::Loyal {
        reasons(rules, purchases, told, t)
    } else {
        Vec::new()
    }
}

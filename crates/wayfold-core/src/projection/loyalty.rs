//! Loyalty (忠诚): what the lifecycle looks at beyond purchases, and what it has made of it.
//!
//! The projection is there only under rules that look further than purchases and a fixed period, so that others pay
//! nothing for it. Its state is the tier and the last answer that counts; the lifecycle reads it through
//! [`CustomerAt`], and the view says what makes the customer loyal, and after which silence it has churned.

use serde::{Deserialize, Serialize};

use super::lifecycle::{Evidence, horizon};
use super::{CustomerAt, Interest, Projection};
use crate::batch::EventView;
use crate::bodies::Instrument;
use crate::event::EventKind;
use crate::rules::LifecycleRules;
use crate::time::Timestamp;
use crate::view::{LifecycleStage, LoyaltyView};

/// Folds a customer's tier and answers into what the lifecycle looks at.
#[derive(Debug)]
pub(crate) struct LoyaltyProjection {
    rules: LifecycleRules,
}

impl LoyaltyProjection {
    /// Takes the thresholds.
    pub(super) fn new(rules: LifecycleRules) -> Self {
        Self { rules }
    }

    fn evidence<'a, 'b>(&'b self, state: &'b Loyalty, customer: &'b CustomerAt<'a>) -> Evidence<'a, 'b> {
        Evidence::new(&self.rules, customer.purchases(), Some(state))
    }
}

/// What a customer's events say about it, as far as the rules ask.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Loyalty {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) tier: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) nps: Option<NpsAnswer>,
}

/// The last answer that counts.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NpsAnswer {
    pub(super) score: i64,
    pub(super) at: Timestamp,
}

impl Projection for LoyaltyProjection {
    type State = Loyalty;
    type View = LoyaltyView;

    fn name(&self) -> &str {
        "loyalty"
    }

    fn version(&self) -> u32 {
        1
    }

    fn interest(&self) -> Interest {
        const {
            Interest::of_kinds(&[
                EventKind::TierChanged,
                EventKind::MembershipLeft,
                EventKind::SurveyAnswered,
            ])
        }
    }

    fn evolve(&self, state: &mut Loyalty, event: &EventView<'_>) {
        let rules = &self.rules.loyal_by;
        match (event.kind(), &rules.nps) {
            (EventKind::TierChanged, _) if !rules.tiers.is_empty() => {
                state.tier = event.text("tier").map(str::to_owned);
            }
            (EventKind::MembershipLeft, _) => state.tier = None,
            (EventKind::SurveyAnswered, Some(nps)) if event.text("instrument") == Some(NPS) => {
                let counts = nps.dimension.is_none() || nps.dimension.as_deref() == event.text("dimension");
                if let Some(score) = event.integer("score").filter(|_| counts) {
                    state.nps = Some(NpsAnswer { score, at: event.occurred_at() });
                }
            }
            _ => {}
        }
    }

    fn view(&self, state: &Loyalty, customer: &CustomerAt<'_>) -> LoyaltyView {
        let (evidence, as_of) = (self.evidence(state, customer), customer.as_of());
        let is_loyal = evidence.stage(as_of) == LifecycleStage::Loyal;
        let reasons = evidence.loyal_reasons(as_of).filter(|_| is_loyal);
        let current = evidence.current;
        LoyaltyView {
            by: reasons.map(|(reason, _)| reason).collect(),
            tier: state.tier.clone(),
            nps_score: state.nps.map(|answer| answer.score),
            nps_at: state.nps.map(|answer| answer.at),
            churned_after_us: (!current.is_empty()).then(|| horizon(current, &self.rules)),
            churns_after: evidence.churns_after(),
        }
    }

    fn holds_until(&self, state: &Loyalty, customer: &CustomerAt<'_>) -> Option<Timestamp> {
        let (evidence, as_of) = (self.evidence(state, customer), customer.as_of());
        if evidence.stage(as_of) != LifecycleStage::Loyal {
            return None;
        }
        let ends = evidence.loyal_reasons(as_of).map(|(_, until)| until);
        ends.chain(evidence.churns_after()).min()
    }
}

const NPS: &str = Instrument::Nps.as_str();

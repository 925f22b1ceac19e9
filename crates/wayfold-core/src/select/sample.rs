//! An example of each built-in view, with one element in each list: what a question may ask of it.
//!
//! By it a misspelt field is found also where no customer has the list that it stands in.

use crate::currency::Currency;
use crate::error::Result;
use crate::field::Tree;
use crate::key::{JourneyKey, OrderId};
use crate::money::MoneySum;
use crate::projection::ProjectionSet;
use crate::stage::Stage;
use crate::time::{Span, Timestamp};
use crate::view::{
    BehaviourClass, CurrencyValue, GapsView, JourneyView, JourneysView, LifecycleStage, LifecycleView,
    LoyalReason, LoyaltyView, Outcome, PromiseCounts, PromiseState, PromiseView, RfmValues, SegmentView,
    StageView, ValueView,
};

const AT: Timestamp = Timestamp::MIN;
const SUM: MoneySum = MoneySum::new(0, Currency::EUR);

/// The example of a column; `None` for a projection of the user's own.
pub(super) fn sample(projections: &ProjectionSet, column: usize) -> Result<Option<Tree>> {
    let built_in = projections.built_in();
    let tree = if column == built_in.journeys.index {
        Tree::of(&journeys()?, None)
    } else if column == built_in.lifecycle.index {
        Tree::of(&lifecycle(), None)
    } else if column == built_in.segment.index {
        Tree::of(&segment(), None)
    } else if column == built_in.value.index {
        Tree::of(&value(), None)
    } else if built_in.loyalty.is_some_and(|loyalty| column == loyalty.index) {
        Tree::of(&loyalty(), None)
    } else {
        return Ok(None);
    };
    Ok(Some(tree.expect("the built-in views serialise")))
}

fn journeys() -> Result<JourneysView> {
    let stage = StageView {
        stage: Stage::Need,
        entered_at: Some(AT),
        visits: 0,
        ended_visits_us: Span::ZERO,
        events: 0,
    };
    let journey = JourneyView {
        key: JourneyKey::new("j1")?,
        started_at: AT,
        last_event_at: AT,
        stage: Some(Stage::Need),
        stage_since: Some(AT),
        stages: vec![stage],
        steps_back: 0,
        outcome: Outcome::Open,
        promises: PromiseCounts::default(),
    };
    let promise = PromiseView {
        order: OrderId::new("o1")?,
        journey: Some(journey.key.clone()),
        promised_at: AT,
        delivered_at: Some(AT),
        state: PromiseState::Kept,
    };
    Ok(JourneysView { journeys: vec![journey], promises: vec![promise] })
}

fn lifecycle() -> LifecycleView {
    LifecycleView {
        stage: LifecycleStage::Prospect,
        purchases: 0,
        purchases_since_return: 0,
        first_purchase_at: Some(AT),
        last_purchase_at: Some(AT),
        returned_at: Some(AT),
    }
}

fn segment() -> SegmentView {
    let rfm = RfmValues { currency: Currency::EUR, last_purchase_at: AT, frequency: 0, monetary: SUM };
    SegmentView { class: Some(BehaviourClass::Dormant), rfm: vec![rfm] }
}

fn value() -> ValueView {
    let gap = Some(Span::ZERO);
    let currency = CurrencyValue {
        currency: Currency::EUR,
        purchases: 0,
        revenue: SUM,
        refunds: SUM,
        net: SUM,
        margin: Some(SUM),
        average: Some(SUM),
        first_purchase_at: Some(AT),
        last_purchase_at: Some(AT),
    };
    ValueView {
        purchases: 0,
        cancelled: 0,
        fully_refunded: 0,
        ignored_placements: 0,
        unknown_orders: 0,
        gaps: GapsView { count: 0, total_us: Span::ZERO, shortest_us: gap, longest_us: gap },
        currencies: vec![currency],
    }
}

fn loyalty() -> LoyaltyView {
    LoyaltyView {
        by: vec![LoyalReason::Purchases],
        tier: Some("gold".to_owned()),
        nps_score: Some(10),
        nps_at: Some(AT),
        churned_after_us: Some(Span::ZERO),
        churns_after: Some(AT),
    }
}

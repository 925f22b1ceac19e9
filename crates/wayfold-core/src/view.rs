//! What the library answers about one customer at an instant.

mod field;

use serde::Serialize;

use crate::currency::Currency;
use crate::key::{CustomerKey, JourneyKey, OrderId};
use crate::money::{Money, MoneySum};
use crate::stage::Stage;
use crate::text_enum::text_enum;
use crate::time::{Span, Timestamp};

/// One customer at an instant under named rules.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CustomerView {
    /// Who.
    pub key: CustomerKey,
    /// As of when: events at exactly that instant are included.
    pub as_of: Timestamp,
    /// The version of the rules.
    pub rules: String,
    /// How many events are folded: retracted ones and retractions are not.
    pub events: u64,
    /// How many of them are of kinds that this version does not know.
    pub unknown_events: u64,
    /// When the first of them happened.
    pub first_seen_at: Timestamp,
    /// When the last of them happened.
    pub last_seen_at: Timestamp,
    /// The journeys and promises.
    pub journeys: JourneysView,
    /// The stage of the lifecycle.
    pub lifecycle: LifecycleView,
    /// The behaviour class and the raw values of RFM.
    pub segment: SegmentView,
    /// Orders and money.
    pub value: ValueView,
    /// What the lifecycle looks at beyond purchases and a fixed period, under
    /// [rules](crate::LifecycleRules) that do; else `None`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub loyalty: Option<LoyaltyView>,
    /// The last microsecond at which stage, segment, outcomes and promises stay as they are without a new
    /// event; `None` for ever.
    pub holds_until: Option<Timestamp>,
}

/// The journeys of a customer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct JourneysView {
    /// By journey key, in the order of their bytes.
    pub journeys: Vec<JourneyView>,
    /// Every promise of a delivery date, by order id in the order of their bytes, also of orders outside
    /// of any journey; cancelled orders have none.
    pub promises: Vec<PromiseView>,
}

/// One journey: the way of one need through the five stages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct JourneyView {
    /// Its key.
    pub key: JourneyKey,
    /// When its first event happened.
    pub started_at: Timestamp,
    /// When its last event happened.
    pub last_event_at: Timestamp,
    /// The stage that it is in; `None` before the first event that moves it.
    pub stage: Option<Stage>,
    /// Since when it is in that stage without leaving it.
    pub stage_since: Option<Timestamp>,
    /// The stages that it entered or that events counted for, in causal order.
    pub stages: Vec<StageView>,
    /// How often it moved to an earlier stage.
    pub steps_back: u32,
    /// How it stands.
    pub outcome: Outcome,
    /// The promises of its orders.
    pub promises: PromiseCounts,
}

/// One stage of a journey.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StageView {
    /// Which one.
    pub stage: Stage,
    /// When it was first entered; `None` if events only counted for it.
    pub entered_at: Option<Timestamp>,
    /// How often it was entered.
    pub visits: u32,
    /// The sum of the visits that ended, in microseconds; a visit that goes on runs from
    /// [`JourneyView::stage_since`].
    pub ended_visits_us: Span,
    /// How many events counted for it.
    pub events: u64,
}

text_enum! {
    /// How a journey stands.
    pub enum Outcome, "outcome" {
        /// It holds a purchase.
        Won = "won",
        /// It holds none, and no stage-moving event follows its last outcome event.
        Lost = "lost",
        /// Neither, and it was silent for too long.
        Abandoned = "abandoned",
        /// None of these.
        Open = "open",
    }
}

/// How many promises were kept.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct PromiseCounts {
    /// Delivered by the promised instant.
    pub kept: u32,
    /// Delivered later, or not delivered although the instant has passed.
    pub broken: u32,
    /// Not delivered and not yet due.
    pub pending: u32,
}

/// One promised delivery.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PromiseView {
    /// Of which order.
    pub order: OrderId,
    /// In which journey the order was placed.
    pub journey: Option<JourneyKey>,
    /// The newest promise.
    pub promised_at: Timestamp,
    /// The first delivery.
    pub delivered_at: Option<Timestamp>,
    /// How it stands.
    pub state: PromiseState,
}

text_enum! {
    /// How a promise stands.
    pub enum PromiseState, "promise state" {
        /// Delivered by the promised instant.
        Kept = "kept",
        /// Delivered later, or due and not delivered.
        Broken = "broken",
        /// Not delivered and not yet due.
        Pending = "pending",
    }
}

text_enum! {
    /// A stage of the customer lifecycle (客户生命周期).
    pub enum LifecycleStage, "lifecycle stage" {
        /// No purchase (潜在客户).
        Prospect = "prospect",
        /// One purchase (初次购买).
        FirstTime = "first_time",
        /// Several purchases.
        Repeat = "repeat",
        /// Many purchases within a window (忠诚).
        Loyal = "loyal",
        /// Silent for longer than the horizon (流失).
        Churned = "churned",
        /// Bought again after churn, until Repeat or Loyal again.
        WonBack = "won_back",
    }
}

/// Where a customer stands in the lifecycle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LifecycleView {
    /// The stage.
    pub stage: LifecycleStage,
    /// Purchases as of the instant.
    pub purchases: u32,
    /// Purchases since the last return from churn, or all if there was none.
    pub purchases_since_return: u32,
    /// The first purchase.
    pub first_purchase_at: Option<Timestamp>,
    /// The last purchase, from which silence runs.
    pub last_purchase_at: Option<Timestamp>,
    /// The purchase that brought the customer back after churn.
    pub returned_at: Option<Timestamp>,
}

text_enum! {
    /// What makes a customer loyal (忠诚).
    pub enum LoyalReason, "reason of loyalty" {
        /// Many purchases within a window.
        Purchases = "purchases",
        /// A tier of a loyalty programme (会员等级).
        Tier = "tier",
        /// It recommends, by its answer to the question of the net promoter score.
        Nps = "nps",
    }
}

/// What makes a customer loyal, and after which silence it has churned, under rules that look further than purchases and
/// a fixed period.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LoyaltyView {
    /// What makes the customer loyal; nothing unless the stage of the lifecycle is Loyal.
    pub by: Vec<LoyalReason>,
    /// The tier, where the rules name tiers.
    pub tier: Option<String>,
    /// The score of the last answer that counts, where the rules ask for one, also if it is too low or too old.
    pub nps_score: Option<i64>,
    /// When that was given.
    pub nps_at: Option<Timestamp>,
    /// The silence that means churn when it is longer, in microseconds; `None` without a purchase.
    pub churned_after_us: Option<Span>,
    /// The last instant at which the customer is not churned, without a further purchase; `None` without one.
    pub churns_after: Option<Timestamp>,
}

text_enum! {
    /// A class of behaviour (客户细分).
    pub enum BehaviourClass, "behaviour class" {
        /// Churned.
        Dormant = "dormant",
        /// Silent for a while (潜在流失).
        AtRisk = "at_risk",
        /// One young purchase (尝试型新客户).
        Newcomer = "newcomer",
        /// Frequent and of high net value (高价值).
        HighValue = "high_value",
        /// Frequent (高频次).
        HighFrequency = "high_frequency",
        /// Of high net value, and not frequent (低频次高价值).
        LowFrequencyHighValue = "low_frequency_high_value",
    }
}

/// How a customer behaves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SegmentView {
    /// The first class that matches; `None` if none does.
    pub class: Option<BehaviourClass>,
    /// The raw values of RFM by currency, for currencies with a purchase, in the order of the codes.
    pub rfm: Vec<RfmValues>,
}

/// The raw values behind a customer's RFM scores in one currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct RfmValues {
    /// The currency.
    pub currency: Currency,
    /// The last purchase in it, from which recency runs.
    pub last_purchase_at: Timestamp,
    /// Purchases in it.
    pub frequency: u32,
    /// Net value in it.
    pub monetary: MoneySum,
}

/// Orders and money of a customer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ValueView {
    /// Orders that are neither cancelled nor fully refunded.
    pub purchases: u32,
    /// Orders that are cancelled.
    pub cancelled: u32,
    /// Orders that are fully refunded and not cancelled.
    pub fully_refunded: u32,
    /// Second placements of a known order, which are ignored.
    pub ignored_placements: u32,
    /// Orders that an event of ordering, delivery, return or refund names although none placed them.
    pub unknown_orders: u32,
    /// Gaps between neighbouring purchases.
    pub gaps: GapsView,
    /// Money by currency, in the order of the codes.
    pub currencies: Vec<CurrencyValue>,
}

/// Gaps between neighbouring purchases of any currency, in microseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct GapsView {
    /// How many: one less than the purchases.
    pub count: u32,
    /// Their sum.
    pub total_us: Span,
    /// The shortest.
    pub shortest_us: Option<Span>,
    /// The longest.
    pub longest_us: Option<Span>,
}

impl GapsView {
    /// The mean gap, floored to the microsecond; `None` below two purchases.
    pub fn mean_us(&self) -> Option<Span> {
        (self.count > 0).then(|| Span::from_micros(self.total_us.as_micros() / i64::from(self.count)))
    }
}

/// A customer's money in one currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CurrencyValue {
    /// The currency.
    pub currency: Currency,
    /// Purchases in it.
    pub purchases: u32,
    /// Revenue: by default the amounts of orders that are not cancelled.
    pub revenue: MoneySum,
    /// Refunds, less those that name a cancelled order.
    pub refunds: MoneySum,
    /// Revenue less refunds.
    pub net: MoneySum,
    /// Paid less cost over the lines of purchases that carry both; `None` if no line does.
    pub margin: Option<MoneySum>,
    /// The amounts of purchases divided by their number, rounded half-even to a ten-thousandth; `None`
    /// without a purchase.
    pub average: Option<MoneySum>,
    /// The first purchase.
    pub first_purchase_at: Option<Timestamp>,
    /// The last purchase.
    pub last_purchase_at: Option<Timestamp>,
}

/// An order that is neither cancelled nor fully refunded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Purchase<'a> {
    /// When it was placed.
    pub placed_at: Timestamp,
    /// Its id.
    pub order: &'a str,
    /// Its amount.
    pub amount: Money,
    /// The journey in which it was placed.
    pub journey: Option<&'a str>,
}

/// What a customer's events say about an order that was placed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlacedOrder<'a> {
    /// Its id.
    pub order: &'a str,
    /// When it was first placed.
    pub placed_at: Timestamp,
    /// Its amount, as last changed.
    pub amount: Money,
    /// The journey in which it was placed.
    pub journey: Option<&'a str>,
    /// The newest promise of a delivery.
    pub promised_at: Option<Timestamp>,
    /// The first delivery.
    pub delivered_at: Option<Timestamp>,
    /// Whether it was cancelled.
    pub is_cancelled: bool,
    /// Whether it is a purchase: neither cancelled nor fully refunded.
    pub is_purchase: bool,
}

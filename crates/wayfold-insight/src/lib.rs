//! Measures over many customers and fitted models of what they are worth.
//!
//! ```
//! use wayfold_core::Span;
//! use wayfold_insight::{BuyingHistory, Cells, ChurnModel, ParetoNbd, TimeUnit, TransactionModel};
//!
//! // Repeat purchases, days from the first to the last, days from the first to now; how many customers.
//! let mut cells = Cells::default();
//! for (repeats, recency, age, customers) in [
//!     (0, 0, 270, 700), (0, 0, 210, 600), (1, 20, 270, 90), (1, 160, 240, 70), (2, 30, 250, 45), (2, 230, 240, 60),
//!     (3, 60, 260, 20), (4, 250, 270, 35), (6, 80, 265, 12), (9, 250, 255, 16), (14, 265, 270, 8), (20, 120, 260, 2),
//! ] {
//!     cells.add(BuyingHistory::new(repeats, Span::from_days(recency), Span::from_days(age))?, customers);
//! }
//! let fitted = ParetoNbd::fit(&cells, TimeUnit::Week)?;
//! let history = BuyingHistory::new(2, Span::from_days(230), Span::from_days(240))?;
//! assert!(fitted.model.probability_alive(&history) > 0.9);
//! assert!(fitted.model.expected_purchases(&history, Span::from_days(182)) > 1.0);
//! # Ok::<(), wayfold_insight::Error>(())
//! ```
//!
//! # Main types
//!
//! - [`BuyingDays`], the projection that makes a [`BuyingHistory`] and a [`SpendHistory`] of a customer's orders, and
//!   [`BuyingCells`], which counts customers so that a refit reads no history.
//! - [`BgNbd`], [`MbgNbd`] and [`ParetoNbd`]: when customers without a contract buy again ([`TransactionModel`]), and of
//!   the latter two whether they are still there ([`ChurnModel`]). [`GammaGamma`]: what they spend.
//!   [`ShiftedBetaGeometric`]: whether customers with a contract renew.
//! - [`Fitted`] holds a model and the [`FitReport`] of how it came about. A model is a value of a few numbers that is
//!   written and read by serde to the last bit: keep it, name it in rules, and refit when you decide to.
//! - [`lifetime_value`]: what a customer is expected to be worth, by month.
//! - [`Holdout`] judges models by what customers did later, beside the rule that needs no model, and chooses.
//! - [`KMeans`]: customers of similar features, by seeded and reproducible clusters.
//! - [`Rule`]: who belongs to a [`Segment`], as text; [`Members`] keeps who does up to date, [`CompareSegments`] says what
//!   another version of it would change. [`Standings`] tells what a rule asks of one customer among all: a [`RankRule`].
//! - [`Transitions`]: who stood where at one instant, and where at another. [`Leavers`]: who left in between, and what
//!   they share against who stayed; [`GapChurn`] tells who has left by the customer's own gap, [`LastEvents`] what
//!   happened last.
//! - [`SilenceModel`]: after which silence a customer will not come back, as steps for the rules of the lifecycle.
//! - [`Regression`]: what goes with leaving, or with being satisfied; logistic and ridge, with standard errors.
//! - [`PointsLedger`]: a customer's points in a loyalty programme, each balance explained by its entries.
//!   [`TierLedger`]: its tier.
//! - [`SatisfactionMethod`]: NPS, CSAT and CES with intervals, of [`Answers`] that the projection [`SurveyAnswers`]
//!   collects by dimension.
//! - [`Measure`]: questions about many histories at once, in one pass: [`ProcessMap`], [`DirectlyFollows`] and [`Variants`] of [`Cases`],
//!   [`TemporalProfile`] and the [`TemporalDeviations`] from it, [`Funnel`], [`Retention`], [`ActivityLifecycle`] and [`Attribution`].
//!   [`Paths`] from a step or to one; the [`JourneyMap`] of stages, touchpoints and feelings; [`Norms`] and who breaks them.
//!   [`Funnel::like`], [`Retention::like`] and [`ActivityLifecycle::like`] copy the defaults of a [`Tool`].
//! - [`LeadScore`] and [`CrmProcess`]: what a lead is worth following up for, and in which link of the CRM process a
//!   customer stands. [`Opportunities`]: the deals of the pipeline, what they are worth, slip and are lost by.
//! - [`Accounts`]: people rolled up to whom they buy for, with their needs, buying groups and procurement.
//! - [`Satisfaction`] by dimension, period, channel, stage and segment; [`Tickets`] against a [`ServiceLevel`] in
//!   [`BusinessHours`]; the [`FeedbackLoop`]; and whether [`Needs`] have shifted.
//! - [`Research`]: what people answered in market research, who may have bought nothing yet.
//! - [`RateTable`]: rates by day; [`ConvertedValue`]: revenue and refunds in one currency.
//! - [`Swot`]: strengths, weaknesses, opportunities and threats by [`SwotRules`], each line with its figure.
//! - [`Promises`]: which deliveries were on time, how late the others were, and what customers did then.
//! - [`Campaigns`]: what was sent and offered, opened, clicked, redeemed and ordered, at what cost.
//! - [`Effect`] of a treatment against a [`HoldOutGroup`], or against customers who are alike by [`Matching`].
//! - [`Prices`]: how deep discounts go, and how units follow prices. [`Goal`]: target, actual and gap.
//! - [`Playbooks`]: strategies as data, and the next best action of a customer by its [`ContactHistory`].
//! - [`CareCalendar`]: whom to contact when, at birthdays, holidays, return visits and after silence.
//! - [`Recommender`]: what to offer next, of the [`CoOccurrence`] of items in what customers view and order.
//!
//! # How it computes
//!
//! Everything is a pure function: no clock, no randomness but from seeds, no threads. Equal data give equal bits in whatever order they
//! come and on whatever platform. Estimates are those of the largest likelihood, by Newton's method with exact first
//! and second derivatives; standard errors come from the observed information. Data that cannot carry a model are
//! refused with an [`ErrorKind`] that says why.

mod accounts;
mod buying_days;
mod campaigns;
mod care;
mod cells;
mod discount;
mod effect;
mod error;
mod feedback_loop;
mod gap_churn;
mod goals;
mod history;
mod holdout;
mod interval;
mod kmeans;
mod last_events;
mod leavers;
mod lifetime_value;
mod local_time;
mod measure;
mod model;
mod needs;
mod numeric;
mod pipeline;
mod placed;
mod playbooks;
mod points;
mod prices;
mod promises;
mod random;
mod rates;
mod recommend;
mod regression;
mod research;
mod satisfaction;
mod segment;
mod silence_model;
mod swot;
mod tickets;
mod tiers;
mod transitions;
mod unit;

/// The days of the week.
pub use chrono::Weekday;
/// The time zones of the IANA database.
pub use chrono_tz::Tz;

pub use self::accounts::{
    AccountMember, AccountRow, AccountTotal, Accounts, BuyingGroup, CaseChange, NeedRow, ProcurementCase,
    ProcurementStepRow, ProcurementVisit, WaitChange, WhatIf,
};
pub use self::buying_days::{BuyingCells, BuyingDay, BuyingDays, BuyingDaysView};
pub use self::campaigns::{
    CampaignBy, CampaignCost, CampaignRow, CampaignStep, CampaignTotal, CampaignTouch, Campaigns,
};
pub use self::care::{
    Birthday, CareCalendar, CareContact, CareDue, CareEnd, CareOccasion, CareRecord, CareRecordState,
    CareRecordView, CareRules, CareStart, EndNotice, Holiday, LeapDay, ReturnVisit, SilentCustomer,
    VisitAfter,
};
pub use self::cells::Cells;
pub use self::discount::DiscountRate;
pub use self::effect::{
    CustomerOutcome, Effect, EffectDifference, EffectGroup, FeatureBalance, HoldOutGroup, MatchProfile,
    MatchedEffect, Matching, OutcomeTotal, Treatment, TreatmentOutcomes,
};
pub use self::error::{Error, ErrorKind, Result};
pub use self::feedback_loop::{Feedback, FeedbackLoop, FeedbackRow, FeedbackState, FeedbackTotal};
pub use self::gap_churn::{GapChurn, GapChurnView};
pub use self::goals::{Goal, GoalDirection, GoalMetric, GoalState, GoalStatus};
pub use self::history::{BuyingHistory, SpendHistory};
pub use self::holdout::{
    CalibrationRow, ChurnEvaluation, Criterion, Evaluation, Holdout, HoldoutCase, Ranking,
};
pub use self::interval::{Confidence, Interval};
pub use self::kmeans::{Clusters, KMeans};
pub use self::last_events::{LastEvent, LastEvents};
pub use self::leavers::{Leavers, SharedTrait};
pub use self::lifetime_value::{LifetimeValue, MonthValue, ValuePlan, lifetime_value};
pub use self::measure::{
    Activity, ActivityLifecycle, ActivityLifecycleReport, ActivityLifecycleTotal, ActivityRow, Attribution,
    AttributionModel, AttributionReport, AttributionTotal, BucketUnit, Calendar, CaseBy, Cases,
    ChannelCredit, CohortBy, ConformanceReport, Deviation, DeviationRow, DirectlyFollows,
    DirectlyFollowsReport, DirectlyFollowsTotal, DroppedOut, EdgeCount, EdgeRow, EventTest, Exclusion,
    FeelingScore, Funnel, FunnelEntry, FunnelOrder, FunnelReport, FunnelStep, FunnelTies, FunnelTotal,
    IntendedPath, JourneyMap, JourneyMapCell, JourneyMapReport, JourneyMapTotal, LifecycleRow, Measure, Norm,
    NormBreach, NormRow, NormTotal, Norms, NormsReport, PairRow, PathDeviation, PathDeviationRow, PathNode,
    PathWay, Paths, PathsReport, PathsTotal, ProcessMap, ProcessMapReport, ProcessMapTotal, RangeOf, Reach,
    Retention, RetentionReport, RetentionRow, RetentionTotal, ReturnBuckets, ReturnIn, StageDurations,
    StageReport, StageRow, StageTime, StageTotal, StepBack, StepCount, Steps, TemporalDeviations,
    TemporalDeviationsReport, TemporalProfile, TemporalProfileReport, TemporalProfileTotal, Ties, Tool,
    VariantRow, Variants, VariantsReport, VariantsTotal, shapley,
};
pub use self::model::{
    BgNbd, ChurnModel, Estimate, FitReport, Fitted, GammaGamma, MbgNbd, ParetoNbd, Renewals,
    ShiftedBetaGeometric, TransactionModel,
};
pub use self::needs::{NeedShift, Needs, NeedsTotal, ShiftedNeed};
pub use self::pipeline::{
    ConcessionRow, CrmLink, CrmLinkView, CrmProcess, DealState, FirstContactRow, HandOver, HandOverRow,
    LeadEvidence, LeadFactor, LeadPart, LeadReason, LeadRules, LeadScore, LeadScoreState, LeadScoreView,
    LinkView, LostRow, Objection, Opportunities, Opportunity, OpportunityTotal, PipelineRow, PipelineStage,
    SlippingDeal, StageEntry, StageTimeRow, UntouchedLead, WinRow, default_stages,
};
pub use self::playbooks::{
    ActionFigures, ActionKind, ConsentRule, ConsentView, ContactHistory, ContactHistoryState,
    ContactHistoryView, DoneView, NextAction, PassedOver, Playbook, PlaybookAction, Playbooks,
    SuggestedAction, WhyNot,
};
pub use self::points::{PointsChange, PointsEntry, PointsEvent, PointsLedger, PointsRules, PointsView};
pub use self::prices::{DiscountRow, PriceBy, PriceResponse, PriceTotal, Prices, ProductResponse};
pub use self::promises::{AfterPromise, PromiseBy, PromiseEffect, PromiseRow, PromiseTotal, Promises};
pub use self::rates::{ConvertedRow, ConvertedTotal, ConvertedValue, MissingDay, RateTable};
pub use self::recommend::{
    Because, CoOccurrence, CoOccurrenceTotal, ItemSignal, Recommendation, RecommendationScore, Recommender,
    Taste,
};
pub use self::regression::{LinearModel, LogisticModel, Observation, Regression, RidgeFit};
pub use self::research::{Research, ResearchBy, ResearchRow, ResearchTotal};
pub use self::satisfaction::{
    Answers, CesDirection, CesForm, Consistency, Satisfaction, SatisfactionBy, SatisfactionMethod,
    SatisfactionRow, SatisfactionScore, SatisfactionTotal, SurveyAnswers, SurveyTable,
};
pub use self::segment::{
    CompareSegments, ComparedCustomer, ComparedGroup, ComparedGroups, ComparedTotal, ComparedVersion,
    EventMeasure, EventMeasureState, EventMeasureView, MemberChange, MemberChanges, Members, RankRule, Rule,
    Schedule, Segment, SegmentComparison, SegmentVersion, Standings, StandingsTotal,
};
pub use self::silence_model::SilenceModel;
pub use self::swot::{Market, MarketTotal, OwnFigure, Swot, SwotLine, SwotRules, SwotThreshold, own_figure};
pub use self::tickets::{BusinessHours, LevelRow, ServiceLevel, Ticket, TicketRow, TicketTotal, Tickets};
pub use self::tiers::{
    Downgrade, QualificationPeriod, Tier, TierLedger, TierPeriod, TierPoints, TierRules, TierView,
};
pub use self::transitions::Transitions;
pub use self::unit::TimeUnit;

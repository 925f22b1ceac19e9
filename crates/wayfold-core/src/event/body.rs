//! Every event kind with its fields, in the order of the domain's table: that order is the causal rank.

use serde::{Deserialize, Serialize};

use super::columns::{EventFields, Field, FieldReader, FieldValue, FieldWriter};
use super::json_text::{AsJson, JsonText, canonical};
use super::line::OrderLine;
use super::words::{
    Direction, Instrument, LearntHow, NeedNature, Priority, ProcurementStep, Sentiment, TermsSubject, Verdict,
};
use crate::error::{Error, ErrorKind, Result};
use crate::key::{CustomKind, EventId, check_name};
use crate::money::{Amount, Money};
use crate::stage::Stage;
use crate::time::Timestamp;

/// Declares the kinds of one list: a struct each, the enum of bodies, and the enum of kinds in rank order.
macro_rules! events {
    ($(
        $section:literal $stage:expr, [$($custom:ident)?] => {
            $( $(#[$doc:meta])* $name:ident = $text:literal { $( $(#[$fdoc:meta])* $field:ident : $ty:ty, )* } )*
        }
    )*) => {
        $($(
            $(#[$doc])*
            #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
            #[serde(deny_unknown_fields)]
            pub struct $name {
                $( $(#[$fdoc])* #[serde(skip_serializing_if = "FieldValue::is_absent")] pub $field: $ty, )*
            }

            impl EventFields for $name {
                const FIELDS: &'static [Field] =
                    &[$( (<$ty as FieldValue>::TYPE, stringify!($field)), )*];

                #[allow(unused_variables, reason = "a kind may have no fields")]
                fn write(&self, writer: &mut FieldWriter<'_>) {
                    $( self.$field.write(stringify!($field), writer); )*
                }

                #[allow(unused_variables, reason = "a kind may have no fields")]
                fn read(reader: &FieldReader<'_>) -> Self {
                    Self { $( $field: FieldValue::read(stringify!($field), reader), )* }
                }

                #[allow(unused_variables, reason = "a kind may have no fields")]
                fn is_sound(reader: &FieldReader<'_>) -> bool {
                    true $( && <$ty as FieldValue>::is_sound(stringify!($field), reader) )*
                }
            }

            impl From<$name> for EventBody {
                fn from(body: $name) -> Self {
                    Self::$name(body)
                }
            }
        )*)*

        /// What happened: one variant for each kind, holding the kind's fields.
        #[derive(Debug, Clone, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum EventBody {
            $($( $(#[$doc])* $name($name), )*)*
            /// A user's own kind.
            Custom(Custom),
            /// A kind that this version does not know; kept as it came, neutral, counted and reported.
            Unknown(Unknown),
        }

        /// The kind of an event; its order is the causal rank, by which events of one instant are ordered.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u8)]
        #[non_exhaustive]
        pub enum EventKind {
            $(
                $( $(#[$doc])* $name, )*
                $( #[doc = concat!("A user's own kind, last in its section: ", $section, ".")] $custom, )?
            )*
            /// A kind that this version does not know.
            Unknown,
        }

        impl EventKind {
            /// Every kind, in the order of the causal rank.
            pub const ALL: &'static [Self] =
                &[$( $( Self::$name, )* $( Self::$custom, )? )* Self::Unknown];

            /// The name in documents; every custom kind is `custom`, and an unknown one `unknown`.
            pub const fn name(self) -> &'static str {
                match self {
                    $( $( Self::$name => $text, )* $( Self::$custom => "custom", )? )*
                    Self::Unknown => "unknown",
                }
            }

            /// The type and name of each field of the kind; those of users' own kinds are [`Custom`]'s.
            pub(crate) const fn fields(self) -> &'static [Field] {
                match self {
                    $( $( Self::$name => <$name>::FIELDS, )* $( Self::$custom => Custom::FIELDS, )? )*
                    Self::Unknown => Unknown::FIELDS,
                }
            }

            /// The stage that the kind belongs to; `None` for neutral kinds, corrections and facts about
            /// the customer.
            pub const fn stage(self) -> Option<Stage> {
                match self {
                    $( $( Self::$name => $stage, )* $( Self::$custom => $stage, )? )*
                    Self::Unknown => None,
                }
            }

            /// The heading of the domain's table under which the kind stands.
            pub const fn section(self) -> &'static str {
                match self {
                    $( $( Self::$name => $section, )* $( Self::$custom => $section, )? )*
                    Self::Unknown => "unknown",
                }
            }
        }

        impl EventBody {
            /// The kind.
            pub fn kind(&self) -> EventKind {
                match self {
                    $($( Self::$name(_) => EventKind::$name, )*)*
                    Self::Custom(custom) => custom.kind(),
                    Self::Unknown(_) => EventKind::Unknown,
                }
            }

            pub(crate) fn write(&self, writer: &mut FieldWriter<'_>) {
                match self {
                    $($( Self::$name(body) => body.write(writer), )*)*
                    Self::Custom(body) => body.write(writer),
                    Self::Unknown(body) => body.write(writer),
                }
            }

            pub(crate) fn read(kind: EventKind, reader: &FieldReader<'_>) -> Self {
                match kind {
                    $( $( EventKind::$name => Self::$name(<$name>::read(reader)), )* $( EventKind::$custom => Self::Custom(Custom::read(kind, reader)), )? )*
                    EventKind::Unknown => Self::Unknown(Unknown::read(reader)),
                }
            }

            /// Says whether all that [`EventBody::read`] relies on is there.
            pub(crate) fn is_sound(kind: EventKind, reader: &FieldReader<'_>) -> bool {
                match kind {
                    $( $( EventKind::$name => <$name>::is_sound(reader), )* $( EventKind::$custom => Custom::is_sound(reader), )? )*
                    EventKind::Unknown => Unknown::is_sound(reader),
                }
            }

            pub(super) fn from_json(kind: &str, fields: &JsonText) -> Result<Self> {
                match kind {
                    $($( $text => fields.read_fields(kind).map(Self::$name), )*)*
                    "custom" => fields.read_fields(kind).map(Self::Custom),
                    _ => Unknown::new(kind, fields.as_str()).map(Self::Unknown),
                }
            }
        }

        impl Serialize for EventBody {
            /// Writes the fields alone; the kind stands beside them in the event.
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
                match self {
                    $($( Self::$name(body) => body.serialize(serializer), )*)*
                    Self::Custom(body) => body.serialize(serializer),
                    Self::Unknown(body) => AsJson(&body.fields).serialize(serializer),
                }
            }
        }
    };
}

events! {
    "need" Some(Stage::Need), [CustomNeed] => {
        /// A lead was captured (线索收集).
        LeadCaptured = "lead_captured" {
            /// Where it came from.
            source: Option<String>,
            /// The campaign that brought it.
            campaign: Option<String>,
            /// The medium of the campaign.
            medium: Option<String>,
        }
        /// A need was identified.
        NeedIdentified = "need_identified" {
            /// What is needed.
            category: Option<String>,
        }
        /// A need was detailed (需求挖掘).
        NeedDetailed = "need_detailed" {
            /// Which side of the need.
            aspect: Option<String>,
            /// A pain or a wish.
            nature: Option<NeedNature>,
            /// Asked, observed or surveyed.
            learnt_how: Option<LearntHow>,
        }
        /// A lead was scored (线索评估).
        LeadScored = "lead_scored" {
            /// How well the customer fits.
            fit: Option<Amount>,
            /// Whether the customer is able to buy.
            ability: Option<Amount>,
            /// Whether the customer intends to buy.
            intent: Option<Amount>,
            /// The whole score.
            total: Option<Amount>,
            /// The rule and version that scored.
            rule: Option<String>,
        }
        /// A lead was qualified.
        LeadQualified = "lead_qualified" {
            /// Why.
            reason: Option<String>,
        }
        /// A lead was disqualified.
        LeadDisqualified = "lead_disqualified" {
            /// Why.
            reason: Option<String>,
        }
        /// A lead was assigned to somebody.
        LeadAssigned = "lead_assigned" {
            /// To which team.
            team: Option<String>,
            /// To whom.
            person: Option<String>,
        }
        /// A lead was returned to the pool.
        LeadReturned = "lead_returned" {
            /// Why.
            reason: Option<String>,
        }
    }
    "information" Some(Stage::Information), [CustomInformation] => {
        /// Information was gathered; the channel is the event's.
        InformationGathered = "information_gathered" {
            /// About what.
            topic: Option<String>,
        }
        /// A product was viewed; the product is a tag.
        ProductViewed = "product_viewed" {}
        /// A search was made.
        SearchMade = "search_made" {
            /// What was searched for.
            query: Option<String>,
            /// How many results were found.
            results_found: Option<i64>,
        }
        /// A comparison was made (比较和评估).
        ComparisonMade = "comparison_made" {
            /// With whom.
            competitor: Option<String>,
            /// By what.
            criterion: Option<String>,
            /// With what result.
            verdict: Option<Verdict>,
        }
        /// A review was read.
        ReviewRead = "review_read" {}
        /// A demonstration was attended.
        DemoAttended = "demo_attended" {}
        /// An event was attended.
        EventAttended = "event_attended" {
            /// Which one.
            event: Option<String>,
        }
    }
    "decision" Some(Stage::Decision), [CustomDecision] => {
        /// A cart was changed.
        CartChanged = "cart_changed" {
            /// What the cart holds now.
            #[serde(default)]
            lines: Vec<OrderLine>,
        }
        /// A solution was proposed (解决方案).
        SolutionProposed = "solution_proposed" {
            /// Which one.
            solution: Option<String>,
        }
        /// A quote was issued (报价).
        QuoteIssued = "quote_issued" {
            /// The amount quoted.
            amount: Option<Money>,
            /// The discount in per cent.
            discount_percent: Option<Amount>,
            /// The terms of payment.
            payment_terms: Option<String>,
            /// When delivery is offered.
            deliver_by: Option<Timestamp>,
            /// Until when the quote holds.
            valid_until: Option<Timestamp>,
        }
        /// A quote was revised.
        QuoteRevised = "quote_revised" {
            /// The amount quoted.
            amount: Option<Money>,
            /// The discount in per cent.
            discount_percent: Option<Amount>,
            /// The terms of payment.
            payment_terms: Option<String>,
            /// When delivery is offered.
            deliver_by: Option<Timestamp>,
            /// Until when the quote holds.
            valid_until: Option<Timestamp>,
        }
        /// A quote was accepted.
        QuoteAccepted = "quote_accepted" {
            /// The amount accepted.
            amount: Option<Money>,
        }
        /// Terms were negotiated (谈判).
        TermsNegotiated = "terms_negotiated" {
            /// About what.
            subject: Option<TermsSubject>,
            /// What the customer asked for.
            ask: Option<String>,
            /// What was conceded.
            concession: Option<String>,
        }
        /// An objection was raised.
        ObjectionRaised = "objection_raised" {
            /// Against what.
            theme: Option<String>,
        }
        /// An objection was resolved (克服异议).
        ObjectionResolved = "objection_resolved" {
            /// Which one.
            theme: Option<String>,
            /// By which concession.
            concession: Option<String>,
        }
        /// A step of procurement was reached (采购流程).
        ProcurementStepReached = "procurement_step_reached" {
            /// Which one.
            step: ProcurementStep,
            /// In which role the customer acts.
            role: Option<String>,
        }
        /// An approval was requested (审批).
        ApprovalRequested = "approval_requested" {
            /// Of what.
            subject: Option<String>,
        }
        /// An approval was granted.
        ApprovalGranted = "approval_granted" {
            /// Of what.
            subject: Option<String>,
        }
        /// An approval was rejected.
        ApprovalRejected = "approval_rejected" {
            /// Of what.
            subject: Option<String>,
            /// Why.
            reason: Option<String>,
        }
        /// An order was placed (促成交易); its one `order:` tag names it.
        OrderPlaced = "order_placed" {
            /// What was ordered, at prices in the currency of the amount.
            #[serde(default)]
            lines: Vec<OrderLine>,
            /// The amount, which alone makes revenue.
            amount: Money,
            /// When delivery was promised.
            promised_at: Option<Timestamp>,
        }
        /// An order was changed: what is stated replaces what stood before, the rest stays.
        OrderChanged = "order_changed" {
            /// The lines, if any are stated.
            #[serde(default)]
            lines: Vec<OrderLine>,
            /// The amount, if one is stated.
            amount: Option<Money>,
            /// The promise, if one is stated.
            promised_at: Option<Timestamp>,
        }
        /// An order was cancelled.
        OrderCancelled = "order_cancelled" {
            /// Why.
            reason: Option<String>,
        }
        /// A deal was lost.
        DealLost = "deal_lost" {
            /// Why.
            reason: Option<String>,
            /// To whom.
            competitor: Option<String>,
        }
    }
    "delivery" Some(Stage::Delivery), [CustomDelivery] => {
        /// A payment was received.
        PaymentReceived = "payment_received" {
            /// How much.
            amount: Option<Money>,
        }
        /// A payment failed.
        PaymentFailed = "payment_failed" {
            /// How much.
            amount: Option<Money>,
            /// Why.
            reason: Option<String>,
        }
        /// An order was confirmed.
        OrderConfirmed = "order_confirmed" {}
        /// Goods were shipped.
        Shipped = "shipped" {
            /// When delivery is promised now.
            promised_at: Option<Timestamp>,
        }
        /// Goods were delivered.
        Delivered = "delivered" {}
        /// The customer accepted the delivery.
        DeliveryAccepted = "delivery_accepted" {}
        /// A delivery failed.
        DeliveryFailed = "delivery_failed" {
            /// Why.
            reason: Option<String>,
        }
        /// The customer was onboarded.
        Onboarded = "onboarded" {}
    }
    "after_sales" Some(Stage::AfterSales), [CustomAfterSales] => {
        /// Goods were returned (退换货); a return never changes money.
        Returned = "returned" {
            /// What the goods are worth.
            amount: Option<Money>,
            /// Why.
            reason: Option<String>,
        }
        /// Money was given back; without an order it lowers net value and undoes no purchase.
        Refunded = "refunded" {
            /// How much.
            amount: Money,
            /// Why.
            reason: Option<String>,
        }
        /// Goods were exchanged.
        Exchanged = "exchanged" {
            /// What the goods are worth.
            amount: Option<Money>,
            /// Why.
            reason: Option<String>,
        }
        /// A ticket was opened (技术支持).
        TicketOpened = "ticket_opened" {
            /// Of which kind.
            ticket_kind: Option<String>,
            /// How urgent.
            priority: Option<Priority>,
        }
        /// A ticket was answered.
        TicketAnswered = "ticket_answered" {}
        /// A ticket was resolved.
        TicketResolved = "ticket_resolved" {}
        /// A ticket was reopened.
        TicketReopened = "ticket_reopened" {}
        /// The customer complained.
        Complained = "complained" {
            /// About what.
            theme: Option<String>,
        }
        /// A contract was renewed.
        Renewed = "renewed" {
            /// For how much.
            amount: Option<Money>,
        }
        /// A subscription was cancelled.
        SubscriptionCancelled = "subscription_cancelled" {
            /// Why.
            reason: Option<String>,
        }
        /// The customer referred somebody.
        ReferralMade = "referral_made" {
            /// Whom.
            who: Option<String>,
        }
        /// A review was written.
        ReviewWritten = "review_written" {
            /// How many stars or points.
            rating: Option<Amount>,
        }
    }
    "neutral" None, [CustomNeutral] => {
        /// A contact was made (互动).
        ContactMade = "contact_made" {
            /// By which medium.
            medium: Option<String>,
            /// Who began it.
            direction: Option<Direction>,
            /// Whether the customer was reached.
            reached: Option<bool>,
        }
        /// A message was sent.
        MessageSent = "message_sent" {
            /// In which campaign.
            campaign: Option<String>,
        }
        /// A message was delivered.
        MessageDelivered = "message_delivered" {
            /// In which campaign.
            campaign: Option<String>,
        }
        /// A message was opened.
        MessageOpened = "message_opened" {
            /// In which campaign.
            campaign: Option<String>,
        }
        /// A message was clicked.
        MessageClicked = "message_clicked" {
            /// In which campaign.
            campaign: Option<String>,
        }
        /// The customer unsubscribed from messages.
        MessageUnsubscribed = "message_unsubscribed" {
            /// In which campaign.
            campaign: Option<String>,
        }
        /// The customer met the business at a touchpoint; the channel is the event's.
        TouchpointReached = "touchpoint_reached" {
            /// What was seen.
            content: Option<String>,
            /// How long, in milliseconds.
            dwell_ms: Option<i64>,
            /// How long it took to load, in milliseconds.
            load_ms: Option<i64>,
            /// What went wrong.
            error: Option<String>,
        }
        /// Feedback was given (反馈).
        FeedbackGiven = "feedback_given" {
            /// About what.
            theme: Option<String>,
            /// With what feeling.
            sentiment: Option<Sentiment>,
        }
        /// Feedback was classified.
        FeedbackClassified = "feedback_classified" {
            /// As about what.
            theme: Option<String>,
            /// As of what feeling.
            sentiment: Option<Sentiment>,
        }
        /// Feedback was answered.
        FeedbackAnswered = "feedback_answered" {
            /// What was decided.
            decision: Option<String>,
        }
        /// The customer was told what came of the feedback.
        FeedbackResultTold = "feedback_result_told" {
            /// What was decided.
            decision: Option<String>,
        }
        /// Feedback was used.
        FeedbackUsed = "feedback_used" {
            /// What was decided.
            decision: Option<String>,
        }
        /// A survey was answered (满意度).
        SurveyAnswered = "survey_answered" {
            /// With what it measures.
            instrument: Instrument,
            /// What it asks about.
            dimension: Option<String>,
            /// The answer on the instrument's scale.
            score: i64,
        }
        /// A question of market research was answered (市场调研).
        ResearchAnswered = "research_answered" {
            /// In which study.
            study: Option<String>,
            /// By which method.
            method: Option<String>,
            /// About what.
            theme: Option<String>,
        }
        /// An offer was issued (优惠).
        OfferIssued = "offer_issued" {
            /// Of which kind.
            offer_kind: Option<String>,
            /// In which campaign.
            campaign: Option<String>,
            /// What it is worth.
            value: Option<Money>,
        }
        /// An offer was redeemed.
        OfferRedeemed = "offer_redeemed" {
            /// Of which kind.
            offer_kind: Option<String>,
            /// In which campaign.
            campaign: Option<String>,
            /// What it was worth.
            value: Option<Money>,
        }
        /// An offer expired.
        OfferExpired = "offer_expired" {
            /// Of which kind.
            offer_kind: Option<String>,
            /// In which campaign.
            campaign: Option<String>,
        }
        /// Points were earned (积分).
        PointsEarned = "points_earned" {
            /// How many.
            points: i64,
            /// For what.
            reason: Option<String>,
        }
        /// Points were redeemed.
        PointsRedeemed = "points_redeemed" {
            /// How many.
            points: i64,
            /// For which reward.
            reward: Option<String>,
        }
        /// Points expired.
        PointsExpired = "points_expired" {
            /// How many.
            points: i64,
        }
        /// Points that were earned were taken back, or points that were redeemed given back.
        PointsReversed = "points_reversed" {
            /// How many: above zero if they are taken back from the customer, below if they are given back.
            points: i64,
            /// Why.
            reason: Option<String>,
        }
        /// The tier of the loyalty programme changed.
        TierChanged = "tier_changed" {
            /// To which tier.
            tier: String,
        }
        /// The customer became a member (会员).
        MembershipJoined = "membership_joined" {
            /// Of which programme.
            programme: Option<String>,
        }
        /// The customer ceased to be a member.
        MembershipLeft = "membership_left" {
            /// Of which programme.
            programme: Option<String>,
            /// Why.
            reason: Option<String>,
        }
        /// The customer was contacted out of care (客户关怀).
        CareContacted = "care_contacted" {
            /// On which occasion.
            occasion: Option<String>,
        }
        /// An offer to stay was made (挽留).
        RetentionOfferMade = "retention_offer_made" {
            /// Which one.
            offer: Option<String>,
        }
        /// An offer to stay was accepted.
        RetentionOfferAccepted = "retention_offer_accepted" {
            /// Which one.
            offer: Option<String>,
        }
        /// An offer to stay was declined.
        RetentionOfferDeclined = "retention_offer_declined" {
            /// Which one.
            offer: Option<String>,
            /// Why.
            reason: Option<String>,
        }
        /// A recommendation was shown; what is recommended is a tag.
        RecommendationShown = "recommendation_shown" {
            /// By which rule or model.
            rule: Option<String>,
        }
        /// A recommendation was taken.
        RecommendationTaken = "recommendation_taken" {
            /// By which rule or model it was shown.
            rule: Option<String>,
        }
        /// The customer joined a community (社群).
        CommunityJoined = "community_joined" {
            /// Which one.
            community: Option<String>,
        }
        /// The customer left a community.
        CommunityLeft = "community_left" {
            /// Which one.
            community: Option<String>,
        }
        /// The customer posted in a community.
        CommunityPosted = "community_posted" {
            /// In which one.
            community: Option<String>,
        }
        /// The customer interacted in a community.
        CommunityInteracted = "community_interacted" {
            /// In which one.
            community: Option<String>,
        }
        /// A strategy was applied to the customer.
        StrategyApplied = "strategy_applied" {
            /// Which playbook.
            playbook: String,
            /// In which version.
            version: Option<String>,
        }
    }
    "corrections" None, [] => {
        /// An event was retracted (更正): from this event's position on, the fold leaves the target out.
        EventRetracted = "event_retracted" {
            /// The event that is left out.
            event: EventId,
            /// Why.
            reason: Option<String>,
        }
    }
    "customer" None, [] => {
        /// The customer registered (客户信息).
        Registered = "registered" {}
        /// The profile changed; the attributes are the event's.
        ProfileChanged = "profile_changed" {}
        /// A preference was stated (偏好).
        PreferenceStated = "preference_stated" {
            /// About what.
            subject: String,
            /// Which one.
            preference: String,
        }
        /// Another name of the customer was linked; no store takes it yet.
        IdentityLinked = "identity_linked" {
            /// The other name.
            alias: String,
        }
        /// Another name of the customer was unlinked; no store takes it yet.
        IdentityUnlinked = "identity_unlinked" {
            /// The other name.
            alias: String,
        }
        /// The customer joined an account.
        AccountJoined = "account_joined" {
            /// Which one.
            account: String,
            /// In which role.
            role: Option<String>,
        }
        /// The customer left an account.
        AccountLeft = "account_left" {
            /// Which one.
            account: String,
            /// In which role.
            role: Option<String>,
        }
        /// Somebody was made the customer's owner.
        OwnerAssigned = "owner_assigned" {
            /// Of which team.
            team: Option<String>,
            /// Who.
            person: Option<String>,
            /// In which role.
            role: Option<String>,
        }
        /// Consent was given.
        ConsentGiven = "consent_given" {
            /// To what.
            purpose: String,
        }
        /// Consent was withdrawn.
        ConsentWithdrawn = "consent_withdrawn" {
            /// To what.
            purpose: String,
        }
        /// The customer was erased; no store takes it yet.
        CustomerErased = "customer_erased" {
            /// Why.
            reason: Option<String>,
        }
    }
}

/// A user's own kind of event: it takes part in folds, funnels and maps without a fork.
///
/// Its attributes are the event's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Custom {
    /// The name of the kind.
    pub name: CustomKind,
    /// The stage to which the kind belongs; `None` for a neutral kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stage: Option<Stage>,
    /// An amount, which may be negative; the built-in projections do not count it as revenue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<Money>,
}

impl Custom {
    fn kind(&self) -> EventKind {
        match self.stage {
            Some(Stage::Need) => EventKind::CustomNeed,
            Some(Stage::Information) => EventKind::CustomInformation,
            Some(Stage::Decision) => EventKind::CustomDecision,
            Some(Stage::Delivery) => EventKind::CustomDelivery,
            Some(Stage::AfterSales) => EventKind::CustomAfterSales,
            None => EventKind::CustomNeutral,
        }
    }
}

impl Custom {
    const FIELDS: &'static [Field] = &[("text", CUSTOM_NAME), ("money", "amount")];

    fn write(&self, writer: &mut FieldWriter<'_>) {
        self.name.write(CUSTOM_NAME, writer);
        self.amount.write("amount", writer);
    }

    /// Reads the fields; the stage was written as the kind.
    fn read(kind: EventKind, reader: &FieldReader<'_>) -> Self {
        let (name, amount) = (FieldValue::read(CUSTOM_NAME, reader), FieldValue::read("amount", reader));
        Self { name, stage: kind.stage(), amount }
    }

    fn is_sound(reader: &FieldReader<'_>) -> bool {
        reader.text(CUSTOM_NAME).is_some_and(|name| check_name("custom kind", name).is_ok())
    }
}

/// Says whether this version knows the fields of a kind, a user's own among them.
pub(super) fn is_known(kind: &str) -> bool {
    kind == "custom" || EventKind::from_name(kind).is_some()
}

/// Stands before the name of a user's own kind where kinds of every sort are named.
pub(super) const CUSTOM_PREFIX: &str = "custom:";
/// The column that holds the names of custom kinds.
pub(crate) const CUSTOM_NAME: &str = "custom_name";
/// The column that holds the names of unknown kinds.
pub(crate) const UNKNOWN_KIND: &str = "unknown_kind";
/// The column that holds the fields of unknown kinds.
pub(crate) const UNKNOWN_FIELDS: &str = "unknown_fields";

/// An event of a kind, or of a known kind's newer version, that this version does not know, kept as it came.
///
/// Its fields are compact JSON text with members in the order of their keys and numbers as they were written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unknown {
    kind: String,
    fields: String,
}

impl Unknown {
    /// Keeps a kind with its fields as JSON.
    ///
    /// # Errors
    /// `InvalidEvent` if this version knows the kind; `InvalidName` if its name is empty, longer than
    /// [`NAME_BYTES_MAX`](crate::NAME_BYTES_MAX) bytes, or begins with `custom:`, which names users' own kinds;
    /// `Malformed` if the fields are no JSON object, hold a key twice in one object, or hold more than 64 arrays
    /// and objects inside each other.
    pub fn new(kind: impl Into<String>, fields_json: &str) -> Result<Self> {
        let kind = kind.into();
        check_name("kind", &kind)?;
        if kind.starts_with(CUSTOM_PREFIX) {
            let message =
                format_args!("kind {kind:?} is a user's own; write kind \"custom\" and its name as a field");
            return Err(Error::new(ErrorKind::InvalidName, message));
        }
        if is_known(&kind) {
            let message = format_args!("kind {kind:?} is known; write it with its own fields");
            return Err(Error::new(ErrorKind::InvalidEvent, message));
        }
        Self::kept(kind, fields_json)
    }

    /// Keeps any kind, also a known one in a shape that only a newer version of the library knows.
    pub(crate) fn kept(kind: String, fields_json: &str) -> Result<Self> {
        let fields = canonical(format_args!("fields of {kind:?}"), fields_json)?;
        if fields.starts_with('{') {
            return Ok(Self { kind, fields });
        }
        Err(Error::new(ErrorKind::Malformed, format_args!("fields of {kind:?}: they are not a JSON object")))
    }

    /// Says whether a text is JSON in the form in which fields are kept.
    pub(crate) fn check_fields(text: &str) -> Result<bool> {
        canonical("fields of an unknown kind", text).map(|kept| kept == text && kept.starts_with('{'))
    }

    /// The name of the kind.
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// The fields as JSON.
    pub fn fields_json(&self) -> &str {
        &self.fields
    }
}

impl From<Custom> for EventBody {
    fn from(body: Custom) -> Self {
        Self::Custom(body)
    }
}

impl From<Unknown> for EventBody {
    fn from(body: Unknown) -> Self {
        Self::Unknown(body)
    }
}

impl EventFields for Unknown {
    const FIELDS: &'static [Field] = &[("text", UNKNOWN_KIND), ("text", UNKNOWN_FIELDS)];

    fn write(&self, writer: &mut FieldWriter<'_>) {
        self.kind.write(UNKNOWN_KIND, writer);
        self.fields.write(UNKNOWN_FIELDS, writer);
    }

    fn read(reader: &FieldReader<'_>) -> Self {
        Self {
            kind: FieldValue::read(UNKNOWN_KIND, reader),
            fields: FieldValue::read(UNKNOWN_FIELDS, reader),
        }
    }

    fn is_sound(reader: &FieldReader<'_>) -> bool {
        let kind = reader.text(UNKNOWN_KIND);
        kind.is_some_and(|kind| check_name("kind", kind).is_ok()) && reader.text(UNKNOWN_FIELDS).is_some()
    }
}

/// What a kind says about the order that its `order:` tag names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OrderTag {
    /// Exactly one `order:` tag.
    One,
    /// One `order:` tag or none.
    AtMostOne,
    /// Any number; the fold looks at none.
    Any,
}

impl EventKind {
    /// Finds the kind of a name that this version knows; `custom` gives none, as it is not one kind but six.
    pub fn from_name(name: &str) -> Option<Self> {
        let has_name = |kind: &Self| kind.name() == name && !kind.is_custom() && *kind != Self::Unknown;
        Self::ALL.iter().copied().find(has_name)
    }

    /// The name under which batches store the kind; each of the six custom kinds has its own.
    pub(crate) const fn stored_name(self) -> &'static str {
        match self {
            Self::CustomNeed => "custom:need",
            Self::CustomInformation => "custom:information",
            Self::CustomDecision => "custom:decision",
            Self::CustomDelivery => "custom:delivery",
            Self::CustomAfterSales => "custom:after_sales",
            Self::CustomNeutral => "custom:neutral",
            kind => kind.name(),
        }
    }

    /// Finds the kind of a stored name.
    pub(crate) fn from_stored_name(name: &str) -> Option<Self> {
        const NAMES: [&str; EventKind::ALL.len()] = {
            let mut names = [""; EventKind::ALL.len()];
            let mut place = 0;
            while place < names.len() {
                names[place] = EventKind::ALL[place].stored_name();
                place += 1;
            }
            names
        };
        NAMES.iter().position(|known| *known == name).map(|place| Self::ALL[place])
    }

    /// The current version of the kind's shape; 1 for users' own kinds, which count their versions themselves.
    pub const fn schema_version(self) -> u16 {
        super::upcast::own_version(self)
    }

    /// Says whether the kind can move a journey's stage: it belongs to one, and closes or corrects nothing.
    pub const fn moves_stage(self) -> bool {
        self.stage().is_some() && !self.is_outcome()
    }

    /// Says whether the kind closes or corrects a journey without moving its stage.
    pub const fn is_outcome(self) -> bool {
        matches!(self, Self::OrderCancelled | Self::DealLost | Self::Returned | Self::Refunded)
    }

    /// Says whether this is a user's own kind.
    pub fn is_custom(self) -> bool {
        self.name() == "custom"
    }

    /// Says whether the kind is about the order that its one `order:` tag names: it places, changes or cancels
    /// one, or is a kind of delivery, return or refund.
    pub const fn names_order(self) -> bool {
        !matches!(self.order_tag(), OrderTag::Any)
    }

    pub(crate) const fn order_tag(self) -> OrderTag {
        match self {
            Self::OrderPlaced | Self::OrderChanged | Self::OrderCancelled => OrderTag::One,
            Self::Returned | Self::Refunded | Self::Exchanged => OrderTag::AtMostOne,
            Self::CustomDelivery => OrderTag::Any,
            _ if matches!(self.stage(), Some(Stage::Delivery)) => OrderTag::AtMostOne,
            _ => OrderTag::Any,
        }
    }

    /// The causal rank: the place of the kind in the domain's table.
    pub const fn rank(self) -> u8 {
        self as u8
    }
}

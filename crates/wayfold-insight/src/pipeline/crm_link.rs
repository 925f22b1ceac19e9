use serde::{Deserialize, Serialize};
use wayfold_core::{CustomerAt, EventKind, EventView, Projection, Stage, Timestamp};

/// One of the five links of the CRM process (客户关系管理业务流程).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CrmLink {
    /// Found, screened and scored (客户获取).
    Acquisition,
    /// Contacted, understood and offered something, up to the close (客户跟进).
    FollowUp,
    /// Delivered to and helped (客户服务).
    Service,
    /// Asked and listened to (客户分析).
    Analysis,
    /// Kept and developed (客户保留与发展).
    Retention,
}

impl CrmLink {
    /// Every link, in order.
    pub const ALL: [Self; 5] =
        [Self::Acquisition, Self::FollowUp, Self::Service, Self::Analysis, Self::Retention];

    /// The link that an event of a kind is part of; `None` for corrections, facts about the customer but registering, and
    /// kinds of one's own without a stage.
    ///
    /// Acquisition: leads captured, scored, qualified or not, returned to the pool; registered; messages and offers.
    /// Follow-up: leads assigned, needs, contacts, touchpoints, and all of the stages information and decision. Service:
    /// delivery and after-sales, but for what is kept or given up there. Analysis: surveys, research, feedback.
    /// Retention: renewals, cancelled subscriptions, referrals, reviews, points, tiers, membership, care, offers to stay,
    /// recommendations, community, strategies.
    pub fn of(kind: EventKind) -> Option<Self> {
        use EventKind as Kind;
        Some(match kind {
            Kind::LeadCaptured
            | Kind::LeadScored
            | Kind::LeadQualified
            | Kind::LeadDisqualified
            | Kind::LeadReturned
            | Kind::Registered
            | Kind::MessageSent
            | Kind::MessageDelivered
            | Kind::MessageOpened
            | Kind::MessageClicked
            | Kind::MessageUnsubscribed
            | Kind::OfferIssued
            | Kind::OfferRedeemed
            | Kind::OfferExpired => Self::Acquisition,
            Kind::ContactMade | Kind::TouchpointReached => Self::FollowUp,
            Kind::SurveyAnswered
            | Kind::ResearchAnswered
            | Kind::FeedbackGiven
            | Kind::FeedbackClassified
            | Kind::FeedbackAnswered
            | Kind::FeedbackResultTold
            | Kind::FeedbackUsed => Self::Analysis,
            Kind::Renewed
            | Kind::SubscriptionCancelled
            | Kind::ReferralMade
            | Kind::ReviewWritten
            | Kind::PointsEarned
            | Kind::PointsRedeemed
            | Kind::PointsExpired
            | Kind::PointsReversed
            | Kind::TierChanged
            | Kind::MembershipJoined
            | Kind::MembershipLeft
            | Kind::CareContacted
            | Kind::RetentionOfferMade
            | Kind::RetentionOfferAccepted
            | Kind::RetentionOfferDeclined
            | Kind::RecommendationShown
            | Kind::RecommendationTaken
            | Kind::CommunityJoined
            | Kind::CommunityLeft
            | Kind::CommunityPosted
            | Kind::CommunityInteracted
            | Kind::StrategyApplied => Self::Retention,
            other => match other.stage()? {
                Stage::Need | Stage::Information | Stage::Decision => Self::FollowUp,
                Stage::Delivery | Stage::AfterSales => Self::Service,
            },
        })
    }
}

/// Folds a customer's events into the link of the CRM process in which it stands: that of its newest event that is part
/// of one. Kinds are assigned by [`CrmLink::of`].
#[derive(Debug, Clone, Copy)]
pub struct CrmProcess;

/// Where a customer stands in the CRM process.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CrmLinkView {
    /// The link; `None` before the first event that is part of one.
    pub link: Option<CrmLink>,
    /// Since when without leaving it.
    pub since: Option<Timestamp>,
    /// The links that were entered, in order.
    pub links: Vec<LinkView>,
}

/// A link that a customer has been in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LinkView {
    /// Which one.
    pub link: CrmLink,
    /// When it was first entered.
    pub entered_at: Timestamp,
    /// How often it was entered.
    pub visits: u32,
    /// How many events are part of it.
    pub events: u64,
}

impl Projection for CrmProcess {
    type State = CrmLinkView;
    type View = CrmLinkView;

    fn name(&self) -> &str {
        "crm"
    }

    fn version(&self) -> u32 {
        1
    }

    fn evolve(&self, state: &mut CrmLinkView, event: &EventView<'_>) {
        let Some(link) = CrmLink::of(event.kind()) else { return };
        let at = event.occurred_at();
        let place = state.links.binary_search_by_key(&link, |known| known.link).unwrap_or_else(|place| {
            state.links.insert(place, LinkView { link, entered_at: at, visits: 0, events: 0 });
            place
        });
        let known = &mut state.links[place];
        known.events += 1;
        if state.link != Some(link) {
            known.visits += 1;
            (state.link, state.since) = (Some(link), Some(at));
        }
    }

    fn view(&self, state: &CrmLinkView, _customer: &CustomerAt<'_>) -> CrmLinkView {
        state.clone()
    }

    fn holds_until(&self, _state: &CrmLinkView, _customer: &CustomerAt<'_>) -> Option<Timestamp> {
        None
    }
}

//! The short plan of an event: enough to make it, and small enough to hold millions.

/// What happens in a step of a story.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Step {
    Registered,
    LeadCaptured,
    NeedIdentified,
    NeedDetailed,
    LeadScored,
    LeadQualified,
    MessageSent,
    MessageOpened,
    InformationGathered,
    ProductViewed,
    SearchMade,
    ComparisonMade,
    DemoAttended,
    ReviewRead,
    CartChanged,
    QuoteIssued,
    QuoteRevised,
    QuoteAccepted,
    TermsNegotiated,
    ObjectionRaised,
    ObjectionResolved,
    ApprovalRequested,
    ApprovalGranted,
    ApprovalRejected,
    CreditChecked,
    OrderPlaced,
    OrderChanged,
    OrderCancelled,
    DealLost,
    PaymentReceived,
    OrderConfirmed,
    Shipped,
    Delivered,
    InstallationDone,
    TicketOpened,
    TicketAnswered,
    TicketResolved,
    SurveyAnswered,
    Returned,
    RefundedInPart,
    RefundedInFull,
    GoodwillRefunded,
    ReviewWritten,
    ParcelPhotographed,
    TouchpointReached,
    PointsEarned,
    Retracted,
}

/// No journey, or no order.
pub(super) const NONE: u32 = u32::MAX;

/// A planned event.
#[derive(Debug, Clone, Copy)]
pub(super) struct Plan {
    /// When it happens, in microseconds.
    pub(super) at: i64,
    /// What is drawn about it: prices, texts, scores.
    pub(super) salt: u64,
    pub(super) customer: u32,
    /// The number of the journey in the shop, or [`NONE`].
    pub(super) journey: u32,
    /// The number of the order in the shop, or [`NONE`].
    pub(super) order: u32,
    /// The number of the plan that it retracts, for a retraction.
    pub(super) target: u32,
    pub(super) sequence: u8,
    pub(super) step: Step,
    /// Entered wrongly: an amount is ten times what it should be.
    pub(super) is_wrong: bool,
}

impl Plan {
    pub(super) fn is_retraction(&self) -> bool {
        self.step == Step::Retracted
    }
}

/// What is drawn about an order.
#[derive(Debug, Clone, Copy)]
pub(super) struct OrderFacts {
    /// The lines as placed.
    pub(super) placed: u64,
    /// The lines as changed, if they are.
    pub(super) changed: Option<u64>,
}

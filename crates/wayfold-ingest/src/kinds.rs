//! What a mapping can fill in: every kind of event with its fields, as the core declares them.
//!
//! The table names kinds and fields only. Their types come from the core's structs, so that a field which the
//! core adds or drops does not compile here until the table says so too.

use wayfold_core::{
    Amount, Custom, CustomKind, Direction, Error as CoreError, EventBody, EventId, EventKind, Instrument,
    LearntHow, Money, NeedNature, OrderLine, Priority, ProcurementStep, Sentiment, Stage, TermsSubject,
    Timestamp, Verdict,
};

/// The value of a field, before it becomes the field's own type.
#[derive(Debug, Clone, Default)]
pub(crate) enum FieldValue {
    #[default]
    Absent,
    Text(String),
    Integer(i64),
    Boolean(bool),
    Decimal(Amount),
    Time(Timestamp),
    Money(Money),
    Id(EventId),
    Lines(Vec<OrderLine>),
}

/// What a field can hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FieldType {
    Text,
    /// A word of a closed list.
    Word,
    Integer,
    Boolean,
    Decimal,
    Time,
    Money,
    Id,
    Lines,
}

/// A field of a kind.
pub(crate) struct FieldSpec {
    pub(crate) name: &'static str,
    pub(crate) field_type: FieldType,
    pub(crate) is_required: bool,
    /// Says whether a value fits: words are looked up on their list.
    pub(crate) check: fn(FieldValue) -> Result<(), CoreError>,
}

/// A kind with its fields, and how it is made of their values, which stand in the order of the fields.
pub(crate) struct KindSpec {
    pub(crate) name: &'static str,
    pub(crate) kind: EventKind,
    pub(crate) fields: Vec<FieldSpec>,
    pub(crate) build: fn(&mut [FieldValue]) -> Result<EventBody, CoreError>,
}

impl std::fmt::Debug for KindSpec {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

/// A type that a field can have. A required field is never asked to take an absent value.
trait Field: Sized {
    const TYPE: FieldType;
    const IS_REQUIRED: bool = true;
    fn take(value: FieldValue) -> Result<Self, CoreError>;
}

const WRONG_TYPE: &str = "the mapping gives each field a value of its type, and required ones a value";

impl<T: Field> Field for Option<T> {
    const TYPE: FieldType = T::TYPE;
    const IS_REQUIRED: bool = false;

    fn take(value: FieldValue) -> Result<Self, CoreError> {
        match value {
            FieldValue::Absent => Ok(None),
            value => T::take(value).map(Some),
        }
    }
}

macro_rules! plain_fields {
    ($($ty:ty = $variant:ident;)*) => {$(
        impl Field for $ty {
            const TYPE: FieldType = FieldType::$variant;

            fn take(value: FieldValue) -> Result<Self, CoreError> {
                match value {
                    FieldValue::$variant(value) => Ok(value),
                    _ => unreachable!("{WRONG_TYPE}"),
                }
            }
        }
    )*};
}
plain_fields! {
    String = Text;
    i64 = Integer;
    bool = Boolean;
    Amount = Decimal;
    Timestamp = Time;
    Money = Money;
    EventId = Id;
}

macro_rules! word_fields {
    ($($ty:ty = $field_type:ident, $parse:path;)*) => {$(
        impl Field for $ty {
            const TYPE: FieldType = FieldType::$field_type;

            fn take(value: FieldValue) -> Result<Self, CoreError> {
                $parse(&String::take(value)?)
            }
        }
    )*};
}
word_fields! {
    CustomKind = Text, CustomKind::new;
    Direction = Word, Direction::parse;
    Instrument = Word, Instrument::parse;
    LearntHow = Word, LearntHow::parse;
    NeedNature = Word, NeedNature::parse;
    Priority = Word, Priority::parse;
    ProcurementStep = Word, ProcurementStep::parse;
    Sentiment = Word, Sentiment::parse;
    Stage = Word, Stage::parse;
    TermsSubject = Word, TermsSubject::parse;
    Verdict = Word, Verdict::parse;
}

impl Field for Vec<OrderLine> {
    const TYPE: FieldType = FieldType::Lines;
    const IS_REQUIRED: bool = false;

    fn take(value: FieldValue) -> Result<Self, CoreError> {
        match value {
            FieldValue::Lines(lines) => Ok(lines),
            FieldValue::Absent => Ok(Vec::new()),
            _ => unreachable!("{WRONG_TYPE}"),
        }
    }
}

impl FieldSpec {
    /// Learns the type of a field from how the field is reached.
    fn of<B, T: Field>(name: &'static str, _reach: fn(&B) -> &T) -> Self {
        Self {
            name,
            field_type: T::TYPE,
            is_required: T::IS_REQUIRED,
            check: |value| T::take(value).map(|_| ()),
        }
    }
}

macro_rules! kinds {
    ($($name:ident { $($field:ident),* })*) => {
        /// Every kind that a mapping can name, but for the open one.
        fn closed_kinds() -> Vec<KindSpec> {
            vec![$({
                use wayfold_core::$name;
                KindSpec {
                    name: EventKind::$name.name(),
                    kind: EventKind::$name,
                    fields: vec![$(FieldSpec::of(stringify!($field), |body: &$name| &body.$field)),*],
                    build: |values| {
                        #[allow(unused_variables, unused_mut, reason = "a kind may have no fields")]
                        let mut values = values.iter_mut().map(std::mem::take);
                        Ok($name { $($field: Field::take(values.next().unwrap_or_default())?),* }.into())
                    },
                }
            }),*]
        }
    };
}

kinds! {
    LeadCaptured { source, campaign, medium }
    NeedIdentified { category }
    NeedDetailed { aspect, nature, learnt_how }
    LeadScored { fit, ability, intent, total, rule }
    LeadQualified { reason }
    LeadDisqualified { reason }
    LeadAssigned { team, person }
    LeadReturned { reason }
    InformationGathered { topic }
    ProductViewed {}
    SearchMade { query, results_found }
    ComparisonMade { competitor, criterion, verdict }
    ReviewRead {}
    DemoAttended {}
    EventAttended { event }
    CartChanged { lines }
    SolutionProposed { solution }
    QuoteIssued { amount, discount_percent, payment_terms, deliver_by, valid_until }
    QuoteRevised { amount, discount_percent, payment_terms, deliver_by, valid_until }
    QuoteAccepted { amount }
    TermsNegotiated { subject, ask, concession }
    ObjectionRaised { theme }
    ObjectionResolved { theme, concession }
    ProcurementStepReached { step, role }
    ApprovalRequested { subject }
    ApprovalGranted { subject }
    ApprovalRejected { subject, reason }
    OrderPlaced { lines, amount, promised_at }
    OrderChanged { lines, amount, promised_at }
    OrderCancelled { reason }
    DealLost { reason, competitor }
    PaymentReceived { amount }
    PaymentFailed { amount, reason }
    OrderConfirmed {}
    Shipped { promised_at }
    Delivered {}
    DeliveryAccepted {}
    DeliveryFailed { reason }
    Onboarded {}
    Returned { amount, reason }
    Refunded { amount, reason }
    Exchanged { amount, reason }
    TicketOpened { ticket_kind, priority }
    TicketAnswered {}
    TicketResolved {}
    TicketReopened {}
    Complained { theme }
    Renewed { amount }
    SubscriptionCancelled { reason }
    ReferralMade { who }
    ReviewWritten { rating }
    ContactMade { medium, direction, reached }
    MessageSent { campaign }
    MessageDelivered { campaign }
    MessageOpened { campaign }
    MessageClicked { campaign }
    MessageUnsubscribed { campaign }
    TouchpointReached { content, dwell_ms, load_ms, error }
    FeedbackGiven { theme, sentiment }
    FeedbackClassified { theme, sentiment }
    FeedbackAnswered { decision }
    FeedbackResultTold { decision }
    FeedbackUsed { decision }
    SurveyAnswered { instrument, dimension, score }
    ResearchAnswered { study, method, theme }
    OfferIssued { offer_kind, campaign, value }
    OfferRedeemed { offer_kind, campaign, value }
    OfferExpired { offer_kind, campaign }
    PointsEarned { points, reason }
    PointsRedeemed { points, reward }
    PointsExpired { points }
    PointsReversed { points, reason }
    TierChanged { tier }
    MembershipJoined { programme }
    MembershipLeft { programme, reason }
    CareContacted { occasion }
    RetentionOfferMade { offer }
    RetentionOfferAccepted { offer }
    RetentionOfferDeclined { offer, reason }
    RecommendationShown { rule }
    RecommendationTaken { rule }
    CommunityJoined { community }
    CommunityLeft { community }
    CommunityPosted { community }
    CommunityInteracted { community }
    StrategyApplied { playbook, version }
    EventRetracted { event, reason }
    Registered {}
    ProfileChanged {}
    PreferenceStated { subject, preference }
    IdentityLinked { alias }
    IdentityUnlinked { alias }
    AccountJoined { account, role }
    AccountLeft { account, role }
    OwnerAssigned { team, person, role }
    ConsentGiven { purpose }
    ConsentWithdrawn { purpose }
    CustomerErased { reason }
}

/// The open kind: its name, stage and amount are fields like any other.
fn custom() -> KindSpec {
    KindSpec {
        name: "custom",
        kind: EventKind::CustomNeutral,
        fields: vec![
            FieldSpec::of("name", |body: &Custom| &body.name),
            FieldSpec::of("stage", |body: &Custom| &body.stage),
            FieldSpec::of("amount", |body: &Custom| &body.amount),
        ],
        build: |values| {
            let mut values = values.iter_mut().map(std::mem::take);
            let mut next = || values.next().unwrap_or_default();
            let (name, stage) = (Field::take(next())?, Field::take(next())?);
            Ok(Custom { name, stage, amount: Field::take(next())? }.into())
        },
    }
}

/// Every kind, the open one last.
pub(crate) fn all() -> Vec<KindSpec> {
    let mut kinds = closed_kinds();
    kinds.push(custom());
    kinds
}

/// Finds a kind by the name that documents give it.
pub(crate) fn find(name: &str) -> Option<KindSpec> {
    all().into_iter().find(|kind| kind.name == name)
}

/// The names of every kind, for messages.
pub(crate) fn names() -> Vec<&'static str> {
    all().iter().map(|kind| kind.name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_the_core_can_be_named() {
        for kind in EventKind::ALL.iter().filter(|kind| **kind != EventKind::Unknown) {
            assert!(find(kind.name()).is_some(), "{} is missing", kind.name());
        }
    }

    #[test]
    fn types_and_need_come_from_the_core() {
        let survey = find("survey_answered").unwrap();
        let of = |name| survey.fields.iter().find(|field| field.name == name).unwrap();
        assert_eq!((of("score").field_type, of("score").is_required), (FieldType::Integer, true));
        assert_eq!((of("dimension").field_type, of("dimension").is_required), (FieldType::Text, false));
        assert!((of("instrument").check)(FieldValue::Text("nps".to_owned())).is_ok());
        assert!((of("instrument").check)(FieldValue::Text("vibes".to_owned())).is_err());
    }
}

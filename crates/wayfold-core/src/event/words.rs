//! The closed lists of words that event fields hold.

use crate::text_enum::text_enum;

text_enum! {
    /// How a detail of a need was learnt.
    pub enum LearntHow, "way of learning" {
        /// The customer was asked.
        Asked = "asked",
        /// The customer was observed.
        Observed = "observed",
        /// The customer answered a survey.
        Surveyed = "surveyed",
    }
}

text_enum! {
    /// Whether a detail of a need is a pain or a wish.
    pub enum NeedNature, "nature of a need" {
        /// Something hurts.
        Pain = "pain",
        /// Something is wanted.
        Wish = "wish",
    }
}

text_enum! {
    /// What a comparison found.
    pub enum Verdict, "verdict" {
        /// We are better.
        Better = "better",
        /// Both are equal.
        Equal = "equal",
        /// The competitor is better.
        Worse = "worse",
    }
}

text_enum! {
    /// What terms were negotiated about (谈判).
    pub enum TermsSubject, "subject of negotiation" {
        /// The price.
        Price = "price",
        /// The delivery.
        Delivery = "delivery",
        /// The service.
        Service = "service",
    }
}

text_enum! {
    /// A step of a buying organisation's procurement (采购流程).
    pub enum ProcurementStep, "procurement step" {
        /// A purchase was requested inside the buyer's organisation.
        Requisition = "requisition",
        /// Suppliers were shortlisted.
        Shortlist = "shortlist",
        /// A tender was issued.
        Tender = "tender",
        /// The purchase was put up for approval.
        Approval = "approval",
        /// A contract was made.
        Contract = "contract",
    }
}

text_enum! {
    /// Who began a contact.
    pub enum Direction, "direction" {
        /// The customer contacted the business.
        Inbound = "inbound",
        /// The business contacted the customer.
        Outbound = "outbound",
    }
}

text_enum! {
    /// How urgent a ticket is.
    pub enum Priority, "priority" {
        /// Can wait.
        Low = "low",
        /// In its turn.
        Normal = "normal",
        /// Before others.
        High = "high",
        /// At once.
        Urgent = "urgent",
    }
}

text_enum! {
    /// The feeling of a feedback.
    pub enum Sentiment, "sentiment" {
        /// Displeased.
        Negative = "negative",
        /// Neither.
        Neutral = "neutral",
        /// Pleased.
        Positive = "positive",
    }
}

text_enum! {
    /// With what a survey measures (满意度); the scale follows from it.
    pub enum Instrument, "survey instrument" {
        /// Net promoter score: would you recommend us, 0 to 10.
        Nps = "nps",
        /// Customer satisfaction, 1 to 5.
        Csat = "csat",
        /// Customer effort score, 1 to 7.
        Ces = "ces",
        /// Any other question; its scale is the study's own.
        Other = "other",
    }
}

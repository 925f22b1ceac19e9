//! What happens in each step.

use wayfold_core::{
    Amount, ApprovalGranted, ApprovalRejected, ApprovalRequested, CartChanged, ComparisonMade, Custom,
    DealLost, Delivered, DemoAttended, EventBody, InformationGathered, Instrument, LeadCaptured,
    LeadQualified, LeadScored, MessageOpened, MessageSent, NeedDetailed, NeedIdentified, NeedNature,
    ObjectionRaised, ObjectionResolved, OrderCancelled, OrderChanged, OrderConfirmed, OrderPlaced,
    PaymentReceived, PointsEarned, Priority, ProductViewed, QuoteAccepted, QuoteIssued, QuoteRevised,
    Refunded, Registered, Returned, ReviewRead, ReviewWritten, SearchMade, Shipped, Span, Stage,
    SurveyAnswered, TermsNegotiated, TermsSubject, TicketAnswered, TicketOpened, TicketResolved, Timestamp,
    TouchpointReached, Verdict,
};

use super::MICROS_PER_DAY;
use super::make::{Maker, hundredths, total};
use super::plan::{Plan, Step};
use crate::random::Random;

fn text(random: &mut Random, words: &[&str]) -> Option<String> {
    Some((*random.pick(words)).to_owned())
}

/// Some days after the plan's instant.
fn days_later(plan: &Plan, random: &mut Random, most: i64) -> Timestamp {
    let at = Timestamp::from_micros(plan.at).expect("the shop trades for a few years");
    at + Span::from_micros(random.between(1, most) * MICROS_PER_DAY)
}

impl Maker {
    /// The body of any event but a retraction.
    pub(super) fn body(&self, plan: &Plan, random: &mut Random) -> EventBody {
        use Step as S;
        match plan.step {
            S::Registered
            | S::LeadCaptured
            | S::NeedIdentified
            | S::NeedDetailed
            | S::LeadScored
            | S::LeadQualified => need(plan.step, random),
            S::QuoteIssued | S::QuoteRevised | S::QuoteAccepted | S::TermsNegotiated => {
                self.quote(plan, random)
            }
            S::OrderPlaced
            | S::OrderChanged
            | S::OrderCancelled
            | S::PaymentReceived
            | S::OrderConfirmed
            | S::Shipped
            | S::Delivered => self.order(plan, random),
            S::CreditChecked => self.custom(plan, "credit_checked", Some(Stage::Decision)),
            S::InstallationDone => self.custom(plan, "installation_done", Some(Stage::Delivery)),
            S::ParcelPhotographed => self.custom(plan, "parcel_photographed", None),
            S::Returned | S::RefundedInFull | S::RefundedInPart | S::GoodwillRefunded => self.give_back(plan),
            S::ObjectionRaised
            | S::ObjectionResolved
            | S::ApprovalRequested
            | S::ApprovalGranted
            | S::ApprovalRejected
            | S::DealLost => weigh(plan.step, random),
            S::TicketOpened
            | S::TicketAnswered
            | S::TicketResolved
            | S::SurveyAnswered
            | S::ReviewWritten => after_sales(plan, random),
            _ => information(plan.step, random),
        }
    }

    fn quote(&self, plan: &Plan, random: &mut Random) -> EventBody {
        let amount = Some(self.money(plan, hundredths(random.between(1_000, 90_000))));
        let discount_percent = Some(Amount::from_ten_thousandths(random.between(0, 30) * 10_000));
        let payment_terms = text(random, &["30 days", "at once"]);
        let (deliver_by, valid_until) = (None, Some(days_later(plan, random, 30)));
        match plan.step {
            Step::QuoteIssued => {
                QuoteIssued { amount, discount_percent, payment_terms, deliver_by, valid_until }.into()
            }
            Step::QuoteRevised => {
                QuoteRevised { amount, discount_percent, payment_terms, deliver_by, valid_until }.into()
            }
            Step::QuoteAccepted => QuoteAccepted { amount }.into(),
            _ => {
                let subject = Some(*random.pick(TermsSubject::ALL));
                let ask = text(random, &["10 % less", "next day"]);
                TermsNegotiated { subject, ask, concession: text(random, &["5 % less", "none"]) }.into()
            }
        }
    }

    fn order(&self, plan: &Plan, random: &mut Random) -> EventBody {
        let promised_at =
            |random: &mut Random, share| random.percent(share).then(|| days_later(plan, random, 14));
        match plan.step {
            Step::OrderPlaced => {
                let lines = self.lines(plan);
                let amount = self.money(plan, total(&lines));
                OrderPlaced { lines, amount, promised_at: promised_at(random, 80) }.into()
            }
            Step::OrderChanged => {
                let lines = self.lines(plan);
                let amount = Some(self.money(plan, total(&lines)));
                OrderChanged { lines, amount, promised_at: promised_at(random, 30) }.into()
            }
            Step::OrderCancelled => {
                OrderCancelled { reason: text(random, &["too slow", "found cheaper"]) }.into()
            }
            Step::PaymentReceived => {
                PaymentReceived { amount: Some(self.money(plan, self.last_amount(plan))) }.into()
            }
            Step::OrderConfirmed => OrderConfirmed {}.into(),
            Step::Shipped => Shipped { promised_at: promised_at(random, 20) }.into(),
            _ => Delivered {}.into(),
        }
    }

    fn give_back(&self, plan: &Plan) -> EventBody {
        let reason = Some("does not fit".to_owned());
        match plan.step {
            Step::Returned => {
                Returned { amount: Some(self.money(plan, self.last_amount(plan))), reason }.into()
            }
            _ => Refunded { amount: self.money(plan, self.refund(plan)), reason }.into(),
        }
    }

    fn custom(&self, plan: &Plan, name: &str, stage: Option<Stage>) -> EventBody {
        let amount = stage.map(|_| self.money(plan, hundredths(4_900)));
        Custom { name: self.custom_kind(name), stage, amount }.into()
    }
}

fn need(step: Step, random: &mut Random) -> EventBody {
    match step {
        Step::Registered => Registered {}.into(),
        Step::LeadCaptured => LeadCaptured {
            source: text(random, &["fair", "web form", "referral"]),
            campaign: text(random, &["spring", "autumn"]),
            medium: None,
        }
        .into(),
        Step::NeedIdentified => NeedIdentified { category: text(random, &["office", "home"]) }.into(),
        Step::NeedDetailed => {
            let nature = Some(*random.pick(NeedNature::ALL));
            NeedDetailed { aspect: text(random, &["price", "speed"]), nature, learnt_how: None }.into()
        }
        Step::LeadScored => {
            let mut score = || Some(Amount::from_ten_thousandths(random.between(0, 10) * 10_000));
            let (fit, ability, intent) = (score(), score(), score());
            LeadScored { fit, ability, intent, total: None, rule: Some("fit-1".to_owned()) }.into()
        }
        _ => LeadQualified { reason: None }.into(),
    }
}

fn information(step: Step, random: &mut Random) -> EventBody {
    match step {
        Step::MessageSent => MessageSent { campaign: text(random, &["spring", "autumn"]) }.into(),
        Step::MessageOpened => MessageOpened { campaign: None }.into(),
        Step::ProductViewed => ProductViewed {}.into(),
        Step::SearchMade => {
            let query = text(random, &["desk", "lamp", "chair"]);
            SearchMade { query, results_found: Some(random.between(0, 90)) }.into()
        }
        Step::ComparisonMade => ComparisonMade {
            competitor: text(random, &["Alpha", "Beta"]),
            criterion: text(random, &["price", "quality"]),
            verdict: Some(*random.pick(Verdict::ALL)),
        }
        .into(),
        Step::DemoAttended => DemoAttended {}.into(),
        Step::ReviewRead => ReviewRead {}.into(),
        Step::CartChanged => CartChanged { lines: vec![] }.into(),
        Step::PointsEarned => PointsEarned { points: random.between(1, 500), reason: None }.into(),
        Step::TouchpointReached => TouchpointReached {
            content: text(random, &["banner", "shop window"]),
            dwell_ms: Some(random.between(0, 60_000)),
            load_ms: Some(random.between(20, 4_000)),
            error: None,
        }
        .into(),
        _ => InformationGathered { topic: text(random, &["delivery", "warranty"]) }.into(),
    }
}

fn weigh(step: Step, random: &mut Random) -> EventBody {
    let theme = text(random, &["price", "risk"]);
    match step {
        Step::ObjectionRaised => ObjectionRaised { theme }.into(),
        Step::ObjectionResolved => {
            ObjectionResolved { theme, concession: text(random, &["trial", "discount"]) }.into()
        }
        Step::ApprovalRequested => ApprovalRequested { subject: None }.into(),
        Step::ApprovalGranted => ApprovalGranted { subject: None }.into(),
        Step::ApprovalRejected => ApprovalRejected { subject: None, reason: theme }.into(),
        _ => DealLost { reason: theme, competitor: text(random, &["Alpha", "Beta"]) }.into(),
    }
}

fn after_sales(plan: &Plan, random: &mut Random) -> EventBody {
    match plan.step {
        Step::TicketOpened => TicketOpened {
            ticket_kind: text(random, &["broken", "question"]),
            priority: Some(*random.pick(Priority::ALL)),
        }
        .into(),
        Step::TicketAnswered => TicketAnswered {}.into(),
        Step::TicketResolved => TicketResolved {}.into(),
        Step::ReviewWritten => ReviewWritten { rating: Some(hundredths(random.between(1, 5) * 100)) }.into(),
        _ => {
            let score = random.between(0, 10);
            let score = if plan.is_wrong { 10 - score } else { score };
            SurveyAnswered { instrument: Instrument::Nps, dimension: None, score }.into()
        }
    }
}

//! The stories of the shop's customers, step by step.

use super::plan::{NONE, OrderFacts, Plan, Step};
use super::truth::Truth;
use super::{DAYS, MICROS_PER_DAY, ShopConfig};
use crate::random::Random;

const MICROS_PER_MINUTE: i64 = 60_000_000;
/// Two in a hundred share their instant with the one before; wrong entries tie more often.
const TIES_PER_MILLE: u64 = 19;
/// So many are entered wrongly, retracted and entered again.
const WRONG_PER_MILLE: u64 = 3;
/// No story is longer, even if all of it is entered wrongly; the last events of the shop are single
/// touchpoints, so that no story is cut.
const STORY_MAX: usize = 150;

/// Writes the stories.
pub(super) struct Book {
    config: ShopConfig,
    start: i64,
    plans: Vec<Plan>,
    journeys: u32,
    orders: Vec<OrderFacts>,
    truth: Truth,
}

/// One story on its way.
struct Story<'a> {
    book: &'a mut Book,
    random: &'a mut Random,
    customer: u32,
    journey: u32,
    order: u32,
    at: i64,
}

impl Book {
    pub(super) fn new(config: ShopConfig, start: i64) -> Self {
        Self { config, start, plans: Vec::new(), journeys: 0, orders: Vec::new(), truth: Truth::default() }
    }

    /// The orders, and what the stories have counted.
    pub(super) fn close(self) -> (Vec<OrderFacts>, Truth) {
        (self.orders, self.truth)
    }

    /// Tells stories until there are as many events as asked for.
    pub(super) fn write(&mut self, random: &mut Random) -> Vec<Plan> {
        let events = self.config.events as usize;
        self.plans.reserve(events);
        while self.plans.len() + STORY_MAX <= events {
            let mut story = self.begin(random);
            story.journey = story.book.journeys;
            story.book.journeys += 1;
            story.tell();
        }
        while self.plans.len() < events {
            self.begin(random).next(Step::TouchpointReached, 0, 0);
        }
        std::mem::take(&mut self.plans)
    }

    /// A story of some customer; a few have far more stories than others.
    fn begin<'a>(&'a mut self, random: &'a mut Random) -> Story<'a> {
        let customers = u64::from(self.config.customers);
        let rank = random.below(customers).min(random.below(customers));
        let heavy = if random.percent(8) { random.below(customers / 100 + 1) } else { rank };
        let at = self.start + random.between(0, DAYS * MICROS_PER_DAY);
        Story { customer: heavy as u32, journey: NONE, order: NONE, at, book: self, random }
    }
}

impl Story<'_> {
    fn tell(&mut self) {
        if self.random.percent(10) {
            self.next(Step::Registered, 0, 10);
        }
        self.feel_a_need();
        self.gather();
        if self.decide() && self.deliver() {
            self.look_after();
        }
    }

    fn feel_a_need(&mut self) {
        if self.random.percent(60) {
            self.next(Step::LeadCaptured, 0, 600);
        } else {
            self.next(Step::NeedIdentified, 0, 600);
        }
        self.maybe(60, Step::NeedDetailed, 10, 3_000);
        if self.random.percent(40) {
            self.next(Step::LeadScored, 1, 100);
            self.next(Step::LeadQualified, 1, 3_000);
        }
    }

    fn gather(&mut self) {
        const WAYS: [Step; 6] = [
            Step::InformationGathered,
            Step::ProductViewed,
            Step::ProductViewed,
            Step::SearchMade,
            Step::ComparisonMade,
            Step::DemoAttended,
        ];
        for _ in 0..self.random.between(1, 4) {
            let way = *self.random.pick(&WAYS);
            self.next(way, 5, 6_000);
        }
        if self.random.percent(30) {
            self.next(Step::MessageSent, 60, 3_000);
            self.maybe(50, Step::MessageOpened, 1, 600);
        }
    }

    /// Goes through the decision; says whether an order was placed.
    fn decide(&mut self) -> bool {
        self.maybe(50, Step::CartChanged, 5, 600);
        if self.random.percent(40) {
            self.next(Step::QuoteIssued, 60, 4_000);
            self.maybe(30, Step::QuoteRevised, 600, 9_000);
            self.maybe(30, Step::TermsNegotiated, 60, 3_000);
        }
        if self.random.percent(25) {
            self.next(Step::ObjectionRaised, 60, 3_000);
            // Some go back to gather information, which is a finding.
            self.maybe(40, Step::ReviewRead, 30, 3_000);
            self.maybe(70, Step::ObjectionResolved, 60, 6_000);
        }
        if self.random.percent(25) {
            self.next(Step::ApprovalRequested, 10, 600);
            if self.random.percent(15) {
                self.next(Step::ApprovalRejected, 600, 20_000);
                self.next(Step::DealLost, 1, 3_000);
                return false;
            }
            self.next(Step::ApprovalGranted, 600, 20_000);
        }
        if self.random.percent(30) {
            self.maybe(50, Step::DealLost, 60, 9_000);
            return false;
        }
        self.maybe(20, Step::CreditChecked, 1, 60);
        self.maybe(20, Step::QuoteAccepted, 1, 600);
        self.place();
        true
    }

    fn place(&mut self) {
        self.order = self.book.orders.len() as u32;
        let changed = self.random.percent(12).then(|| self.random.next());
        self.book.orders.push(OrderFacts { placed: self.random.next(), changed });
        self.book.truth.orders_placed += 1;
        self.next(Step::OrderPlaced, 1, 3_000);
        if changed.is_some() {
            self.next(Step::OrderChanged, 10, 2_000);
        }
    }

    /// Delivers the order; says whether it was not cancelled.
    fn deliver(&mut self) -> bool {
        self.maybe(85, Step::PaymentReceived, 0, 3_000);
        if self.random.percent(8) {
            self.next(Step::OrderCancelled, 10, 4_000);
            self.book.truth.orders_cancelled += 1;
            // Money paid for it comes back, which takes nothing off a cancelled order's revenue.
            self.maybe(50, Step::RefundedInFull, 10, 9_000);
            return false;
        }
        self.next(Step::OrderConfirmed, 1, 600);
        self.next(Step::Shipped, 600, 6_000);
        self.maybe(95, Step::Delivered, 600, 12_000);
        self.maybe(10, Step::InstallationDone, 60, 6_000);
        self.maybe(30, Step::PointsEarned, 0, 60);
        true
    }

    fn look_after(&mut self) {
        if self.random.percent(20) {
            self.next(Step::TicketOpened, 600, 60_000);
            self.maybe(80, Step::TicketAnswered, 10, 3_000);
            self.maybe(85, Step::TicketResolved, 60, 9_000);
        }
        self.maybe(5, Step::ParcelPhotographed, 1, 600);
        self.maybe(30, Step::SurveyAnswered, 600, 9_000);
        if self.random.percent(10) {
            self.next(Step::Returned, 600, 20_000);
            if self.random.percent(50) {
                self.next(Step::RefundedInFull, 10, 9_000);
                self.book.truth.orders_refunded += 1;
            } else {
                self.next(Step::RefundedInPart, 10, 9_000);
            }
        }
        self.maybe(10, Step::ReviewWritten, 60, 9_000);
        if self.random.percent(1) {
            self.order = NONE;
            self.next(Step::GoodwillRefunded, 60, 9_000);
        }
    }

    fn maybe(&mut self, percent: u64, step: Step, minutes_min: i64, minutes_max: i64) {
        if self.random.percent(percent) {
            self.next(step, minutes_min, minutes_max);
        }
    }

    /// Takes a step some minutes after the one before, or at the same instant; sometimes it is entered
    /// wrongly, retracted, and entered again.
    fn next(&mut self, step: Step, minutes_min: i64, minutes_max: i64) {
        let tie = self.random.per_mille(TIES_PER_MILLE);
        if !tie {
            self.at += self.random.between(minutes_min, minutes_max) * MICROS_PER_MINUTE;
            self.at += self.random.between(1, MICROS_PER_MINUTE);
        }
        let salt = self.random.next();
        // Half of the sources number what happens at one instant, the others leave it to the causal rank.
        let sequence = u8::from(tie && self.random.percent(50));
        if self.random.per_mille(WRONG_PER_MILLE) {
            let wrong = self.book.plans.len() as u32;
            self.plan(Plan { is_wrong: true, ..self.blank(step, salt, sequence) });
            let retraction = self.blank(Step::Retracted, salt, sequence);
            let at = self.at + self.random.between(1, MICROS_PER_DAY);
            self.plan(Plan { target: wrong, at, ..retraction });
        }
        let plan = self.blank(step, salt, sequence);
        self.plan(plan);
    }

    fn blank(&self, step: Step, salt: u64, sequence: u8) -> Plan {
        let Self { customer, journey, order, at, .. } = *self;
        Plan { at, salt, customer, journey, order, target: NONE, sequence, step, is_wrong: false }
    }

    fn plan(&mut self, plan: Plan) {
        self.book.plans.push(plan);
    }
}

//! Answer A written by hand: compact rows with dense customer numbers and one compact state a customer.
//!
//! It is the bound of our fold, and the projection that event-sourcing peers are given.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use wayfold_core::{CustomerKey, EventBody, JourneyEvent, Result, Span, Timestamp};
use wayfold_testkit::answer_a::{Answer, Stage};

use crate::Planned;

/// What answer A reads of an event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// When, in microseconds since 1970.
    pub at_us: i64,
    /// In minor units; 0 unless it is an order's.
    pub amount: i64,
    /// Whose.
    pub customer: u32,
    /// What happened.
    pub what: What,
    /// Promoters less detractors, by an answer to a survey.
    pub nps: i8,
}

/// What answer A tells apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// An order is placed.
    OrderPlaced,
    /// A ticket is opened.
    TicketOpened,
    /// A ticket is resolved.
    TicketResolved,
    /// A survey is answered.
    SurveyAnswered,
    /// Anything else.
    Other,
}

/// What stands of a workload, as rows.
#[derive(Debug, Default)]
pub struct History {
    /// In the order of arrival.
    pub rows: Vec<Row>,
    /// The customers by their numbers.
    pub customers: Vec<CustomerKey>,
}

impl History {
    /// The rows of a workload.
    pub fn new(planned: &Planned) -> Self {
        let (mut history, mut numbers) = (Self::default(), HashMap::new());
        for event in planned.standing() {
            let number = *numbers.entry(event.customer.clone()).or_insert(history.customers.len());
            if number == history.customers.len() {
                history.customers.push(event.customer.clone());
            }
            history.rows.push(Row::new(&event, number as u32));
        }
        history
    }
}

impl Row {
    fn new(event: &JourneyEvent, customer: u32) -> Self {
        const TEN_THOUSANDTHS_PER_MINOR_UNIT: i64 = 100;
        let (what, amount, nps) = match &event.body {
            EventBody::OrderPlaced(placed) => {
                let amount = placed.amount.amount.as_ten_thousandths() / TEN_THOUSANDTHS_PER_MINOR_UNIT;
                (What::OrderPlaced, amount, 0)
            }
            EventBody::SurveyAnswered(answered) => match answered.score {
                9.. => (What::SurveyAnswered, 0, 1),
                ..=6 => (What::SurveyAnswered, 0, -1),
                _ => (What::SurveyAnswered, 0, 0),
            },
            EventBody::TicketOpened(_) => (What::TicketOpened, 0, 0),
            EventBody::TicketResolved(_) => (What::TicketResolved, 0, 0),
            _ => (What::Other, 0, 0),
        };
        Self { at_us: event.occurred_at.instant().as_micros(), amount, customer, what, nps }
    }
}

/// What answer A keeps of a customer: 64 bytes.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct State {
    first_seen: i64,
    last_seen: i64,
    first_order: i64,
    last_order: i64,
    revenue: i64,
    orders: u32,
    opened: u32,
    resolved: u32,
    nps_answers: u32,
    nps_sum: i32,
}

impl Default for State {
    fn default() -> Self {
        Self::UNSEEN
    }
}

impl State {
    /// Before any event.
    pub const UNSEEN: Self = Self {
        first_seen: i64::MAX,
        last_seen: i64::MIN,
        first_order: i64::MAX,
        last_order: i64::MIN,
        revenue: 0,
        orders: 0,
        opened: 0,
        resolved: 0,
        nps_answers: 0,
        nps_sum: 0,
    };

    /// Folds an event, in any order.
    #[inline]
    pub fn evolve(&mut self, row: &Row) {
        self.first_seen = self.first_seen.min(row.at_us);
        self.last_seen = self.last_seen.max(row.at_us);
        match row.what {
            What::OrderPlaced => {
                self.orders += 1;
                self.revenue += row.amount;
                self.first_order = self.first_order.min(row.at_us);
                self.last_order = self.last_order.max(row.at_us);
            }
            What::TicketOpened => self.opened += 1,
            What::TicketResolved => self.resolved += 1,
            What::SurveyAnswered => {
                self.nps_answers += 1;
                self.nps_sum += i32::from(row.nps);
            }
            What::Other => {}
        }
    }

    fn answer(&self, as_of: Timestamp) -> Result<Answer> {
        let of_buyer = |micros| (self.orders > 0).then(|| Timestamp::from_micros(micros)).transpose();
        let (first_order_at, last_order_at) = (of_buyer(self.first_order)?, of_buyer(self.last_order)?);
        let gaps = i64::from(self.orders) - 1;
        Ok(Answer {
            first_seen_at: Timestamp::from_micros(self.first_seen)?,
            last_seen_at: Timestamp::from_micros(self.last_seen)?,
            orders: self.orders,
            revenue_minor: self.revenue,
            first_order_at,
            last_order_at,
            mean_gap_us: (gaps > 0).then(|| Span::from_micros((self.last_order - self.first_order) / gaps)),
            open_tickets: self.opened.saturating_sub(self.resolved),
            nps_sum: self.nps_sum,
            nps_answers: self.nps_answers,
            stage: Stage::of(self.orders, last_order_at, as_of),
        })
    }
}

/// Everybody's answer, by key bytes.
///
/// # Errors
/// `InvalidEvent` if an instant lies beyond the calendar.
pub fn answers(
    states: impl IntoIterator<Item = (CustomerKey, State)>,
    as_of: Timestamp,
) -> Result<Vec<(CustomerKey, Answer)>> {
    let answers = states.into_iter().map(|(key, state)| Ok((key, state.answer(as_of)?)));
    let mut answers: Vec<_> = answers.collect::<Result<_>>()?;
    answers.sort_unstable_by(|a, b| a.0.cmp(&b.0));
    Ok(answers)
}

//! Answer A of the workload: what the peers are asked too, as a user's own projection.

mod figures;
mod quintiles;

use serde::{Deserialize, Serialize};
use wayfold_core::{CustomerAt, EventKind, EventView, Interest, Projection, Span, Timestamp};

pub use self::figures::CheckFigures;
pub use self::quintiles::{Quintiles, quintiles};

/// Folds the answer; its stages know no return from churn.
#[derive(Debug)]
pub struct AnswerA;

/// What is kept of one customer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    orders: u32,
    revenue_ten_thousandths: i64,
    first_order_at: Option<Timestamp>,
    last_order_at: Option<Timestamp>,
    tickets_opened: u32,
    tickets_resolved: u32,
    nps_sum: i32,
    nps_answers: u32,
}

/// The answer about one customer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Answer {
    /// The first event.
    pub first_seen_at: Timestamp,
    /// The last event.
    pub last_seen_at: Timestamp,
    /// Orders.
    pub orders: u32,
    /// Their amounts in minor units.
    pub revenue_minor: i64,
    /// The first order.
    pub first_order_at: Option<Timestamp>,
    /// The last order.
    pub last_order_at: Option<Timestamp>,
    /// The mean gap between orders; `None` below two.
    pub mean_gap_us: Option<Span>,
    /// Tickets opened and not resolved.
    pub open_tickets: u32,
    /// Promoters less detractors.
    pub nps_sum: i32,
    /// Answers to surveys.
    pub nps_answers: u32,
    /// The stage.
    pub stage: Stage,
}

/// The stages of answer A.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum Stage {
    /// No order.
    Prospect,
    /// One order.
    First,
    /// Two orders or more.
    Repeat,
    /// Five orders or more.
    Loyal,
    /// The last order is more than 180 days ago.
    Churned,
}

impl Stage {
    /// The stage of a customer as of an instant.
    pub fn of(orders: u32, last_order_at: Option<Timestamp>, as_of: Timestamp) -> Self {
        match (last_order_at, orders) {
            (None, _) => Self::Prospect,
            (Some(last), _) if as_of.since(last) > Span::from_days(180) => Self::Churned,
            (_, 5..) => Self::Loyal,
            (_, 2..) => Self::Repeat,
            _ => Self::First,
        }
    }
}

impl Projection for AnswerA {
    type State = Kept;
    type View = Answer;

    fn name(&self) -> &str {
        "answer_a"
    }

    fn version(&self) -> u32 {
        1
    }

    fn interest(&self) -> Interest {
        use EventKind::{OrderPlaced, SurveyAnswered, TicketOpened, TicketResolved};
        const { Interest::of_kinds(&[OrderPlaced, SurveyAnswered, TicketOpened, TicketResolved]) }
    }

    #[inline]
    fn evolve(&self, kept: &mut Kept, event: &EventView<'_>) {
        match event.kind() {
            EventKind::OrderPlaced => {
                let at = event.occurred_at();
                kept.orders += 1;
                kept.revenue_ten_thousandths +=
                    event.money_amount().map_or(0, |money| money.amount.as_ten_thousandths());
                kept.first_order_at.get_or_insert(at);
                kept.last_order_at = Some(at);
            }
            EventKind::TicketOpened => kept.tickets_opened += 1,
            EventKind::TicketResolved => kept.tickets_resolved += 1,
            EventKind::SurveyAnswered => {
                kept.nps_answers += 1;
                kept.nps_sum += match event.integer("score") {
                    Some(9..) => 1,
                    Some(..=6) => -1,
                    _ => 0,
                };
            }
            _ => {}
        }
    }

    fn view(&self, kept: &Kept, customer: &CustomerAt<'_>) -> Answer {
        let span =
            kept.first_order_at.zip(kept.last_order_at).map(|(first, last)| last.since(first).as_micros());
        let gaps = i64::from(kept.orders) - 1;
        let record = customer.record();
        Answer {
            first_seen_at: record.first_seen_at(),
            last_seen_at: record.last_seen_at(),
            orders: kept.orders,
            revenue_minor: kept.revenue_ten_thousandths / 100,
            first_order_at: kept.first_order_at,
            last_order_at: kept.last_order_at,
            mean_gap_us: span.filter(|_| gaps > 0).map(|span| Span::from_micros(span / gaps)),
            open_tickets: kept.tickets_opened.saturating_sub(kept.tickets_resolved),
            nps_sum: kept.nps_sum,
            nps_answers: kept.nps_answers,
            stage: Stage::of(kept.orders, kept.last_order_at, customer.as_of()),
        }
    }

    fn holds_until(&self, kept: &Kept, customer: &CustomerAt<'_>) -> Option<Timestamp> {
        let churns_after = kept.last_order_at? + Span::from_days(180);
        (customer.as_of() <= churns_after).then_some(churns_after)
    }
}

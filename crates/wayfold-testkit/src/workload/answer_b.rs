//! Answer B of the workload: how long customers stay away between orders, and how long they take from a need to an
//! order. What a database asks of windows, as a user's own projection.

use serde::{Deserialize, Serialize};
use wayfold_core::{CustomerAt, EventKind, EventView, Interest, Projection, Span, Timestamp};

/// From how many days on a gap between orders is long.
const LONG_GAP_DAYS: u32 = 90;

/// Folds the answer.
#[derive(Debug)]
pub struct AnswerB;

/// What is kept of one customer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    last_need_at: Option<Timestamp>,
    last_order_at: Option<Timestamp>,
    orders: u32,
    long_gaps: u32,
    waits: u32,
    waited: Span,
}

/// The answer about one customer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Answer {
    /// Orders.
    pub orders: u32,
    /// Gaps above 90 days between an order and the one before.
    pub long_gaps: u32,
    /// Orders after a need.
    pub waits: u32,
    /// What lies between the latest need and the order, over all of them.
    pub waited: Span,
    /// The mean of it, rounded down to microseconds; `None` without such an order.
    pub mean_wait: Option<Span>,
}

impl Projection for AnswerB {
    type State = Kept;
    type View = Answer;

    fn name(&self) -> &str {
        "answer_b"
    }

    fn version(&self) -> u32 {
        1
    }

    fn interest(&self) -> Interest {
        const { Interest::of_kinds(&[EventKind::NeedIdentified, EventKind::OrderPlaced]) }
    }

    fn evolve(&self, kept: &mut Kept, event: &EventView<'_>) {
        let at = event.occurred_at();
        match event.kind() {
            EventKind::NeedIdentified => kept.last_need_at = Some(at),
            EventKind::OrderPlaced => {
                kept.orders += 1;
                let is_long = |last| at.since(last) > Span::from_days(LONG_GAP_DAYS);
                kept.long_gaps += u32::from(kept.last_order_at.is_some_and(is_long));
                kept.last_order_at = Some(at);
                if let Some(need_at) = kept.last_need_at {
                    kept.waits += 1;
                    kept.waited = kept.waited + at.since(need_at);
                }
            }
            _ => {}
        }
    }

    fn view(&self, kept: &Kept, _customer: &CustomerAt<'_>) -> Answer {
        let mean = |waits| Span::from_micros(kept.waited.as_micros() / waits);
        Answer {
            orders: kept.orders,
            long_gaps: kept.long_gaps,
            waits: kept.waits,
            waited: kept.waited,
            mean_wait: (kept.waits > 0).then(|| mean(i64::from(kept.waits))),
        }
    }

    fn holds_until(&self, _kept: &Kept, _customer: &CustomerAt<'_>) -> Option<Timestamp> {
        None
    }
}

/// Sums over answer B that every engine must agree on before its time counts: buyers, orders, long gaps, buyers with
/// one, orders after a need, seconds between the two, and the sum of the customers' means in seconds.
///
/// Seconds of each customer are rounded down, so that the sums of many customers fit.
pub fn check_figures<'a>(answers: impl Iterator<Item = &'a Answer>) -> [i64; 7] {
    const MICROS_PER_SECOND: i64 = 1_000_000;
    let buyers: Vec<_> = answers.filter(|answer| answer.orders > 0).collect();
    let buyers = || buyers.iter().copied();
    let sum = |measure: fn(&Answer) -> i64| buyers().map(measure).sum();
    [
        buyers().count() as i64,
        sum(|answer| i64::from(answer.orders)),
        sum(|answer| i64::from(answer.long_gaps)),
        sum(|answer| i64::from(answer.long_gaps > 0)),
        sum(|answer| i64::from(answer.waits)),
        sum(|answer| answer.waited.as_micros() / MICROS_PER_SECOND),
        sum(|answer| answer.mean_wait.map_or(0, |mean| mean.as_micros() / MICROS_PER_SECOND)),
    ]
}

#[cfg(test)]
mod tests {
    use wayfold_core::bodies::NeedIdentified;
    use wayfold_core::{
        Currency, CustomerKey, EventBatch, EventId, Fold, JourneyEvent, Money, OrderPlaced, ProjectionSet,
        Rules, Tag,
    };

    use super::*;

    #[test]
    fn gaps_count_above_ninety_days_and_an_order_waits_for_its_latest_need() {
        let ada = CustomerKey::new("ada").unwrap();
        let day = |day| Timestamp::parse("2024-01-01").unwrap() + Span::from_days(day);
        let need = |id, at| {
            JourneyEvent::new(EventId::from_u128(id), ada.clone(), at, NeedIdentified { category: None })
        };
        let order = |id, at| {
            let amount = Money::parse("1", Currency::EUR).unwrap();
            let placed = OrderPlaced { lines: vec![], amount, promised_at: None };
            let event = JourneyEvent::new(EventId::from_u128(id), ada.clone(), at, placed);
            event.with_tag(Tag::order(id.to_string()).unwrap())
        };
        let events =
            [order(1, day(0)), need(2, day(50)), need(3, day(80)), order(4, day(90)), order(5, day(181))];
        let mut projections = ProjectionSet::new(Rules::default()).unwrap();
        let handle = projections.register(AnswerB).unwrap();
        let mut fold = Fold::new(&projections);
        let _ = fold.apply(&[EventBatch::from_events(&events).unwrap()]);
        let answer = fold.own_view(handle, &ada, day(365)).unwrap().unwrap();
        // 90 days are not above 90; the third order waited since the need of day 80 too.
        let (waited, mean) = (Span::from_days(10 + 101), Some(Span::from_micros(111 * 43_200_000_000)));
        assert_eq!(answer, Answer { orders: 3, long_gaps: 1, waits: 2, waited, mean_wait: mean });
        let seconds = 111 * 86_400;
        assert_eq!(check_figures([answer].iter()), [1, 3, 1, 1, 2, seconds, seconds / 2]);
    }
}

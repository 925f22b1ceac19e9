//! A fold of what is in memory on one thread: ours of all four built-in projections, over batches, and one written by
//! hand that computes answer A alone from compact rows with dense customer numbers, which is the bound.
//!
//! The seconds are those of the fold. Figures come after them: ours from a second fold with answer A over the same
//! batches, so that both sides are known to have folded the same.

use std::collections::HashMap;
use std::hint::black_box;
use std::time::Instant;

use serde_json::{Value, json};
use wayfold_benches::{Planned, chunks, peak_rss_kib};
use wayfold_core::{
    CustomerKey, EventBody, EventKind, Fold, JourneyEvent, ProjectionSet, Rules, Span, Timestamp,
};
use wayfold_testkit::answer_a::{Answer, AnswerA, CheckFigures, Stage, quintiles};

use crate::{BATCH, Result};

/// Measures our fold.
pub(crate) fn fold(planned: &Planned) -> Result<Value> {
    let batches: Vec<_> = chunks(planned.events(), BATCH).collect();
    let projections = ProjectionSet::new(Rules::default())?;
    let start = Instant::now();
    let mut fold = Fold::new(&projections).with_as_of(planned.as_of());
    let applied = fold.apply(&batches);
    let seconds = start.elapsed().as_secs_f64();
    let peak_rss_kib = peak_rss_kib();
    assert!(applied.refolds.is_empty(), "a history that is folded at once has no late event");
    drop(fold);

    let mut projections = ProjectionSet::new(Rules::default())?;
    let handle = projections.register(AnswerA)?;
    let mut fold = Fold::new(&projections).with_as_of(planned.as_of());
    let _ = fold.apply(&batches);
    let answers = fold.customers().into_iter().map(|key| {
        let view = fold.own_view(handle, &key, planned.as_of())?;
        Ok((key, view.expect("a customer that is listed is known")))
    });
    let answers: Vec<_> = answers.collect::<Result<_>>()?;
    Ok(json!({
        "seconds": seconds,
        "peak_rss_kib": peak_rss_kib,
        "check": CheckFigures::of(&answers, &quintiles(&answers)).as_row(),
    }))
}

/// What answer A reads of an event.
struct Row {
    at_us: i64,
    /// In minor units; 0 unless it is an order's.
    amount: u32,
    customer: u32,
    kind: EventKind,
    /// Promoters less detractors, by an answer to a survey.
    nps: i8,
}

/// What answer A keeps of a customer: 64 bytes.
#[derive(Clone)]
struct State {
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

impl State {
    const UNSEEN: Self = Self {
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

    #[inline]
    fn evolve(&mut self, row: &Row) {
        self.first_seen = self.first_seen.min(row.at_us);
        self.last_seen = self.last_seen.max(row.at_us);
        match row.kind {
            EventKind::OrderPlaced => {
                self.orders += 1;
                self.revenue += i64::from(row.amount);
                self.first_order = self.first_order.min(row.at_us);
                self.last_order = self.last_order.max(row.at_us);
            }
            EventKind::TicketOpened => self.opened += 1,
            EventKind::TicketResolved => self.resolved += 1,
            EventKind::SurveyAnswered => {
                self.nps_answers += 1;
                self.nps_sum += i32::from(row.nps);
            }
            _ => {}
        }
    }

    fn answer(&self, as_of: Timestamp) -> Result<Answer> {
        let last_order_at = (self.orders > 0).then(|| Timestamp::from_micros(self.last_order)).transpose()?;
        let gaps = i64::from(self.orders) - 1;
        Ok(Answer {
            first_seen_at: Some(Timestamp::from_micros(self.first_seen)?),
            last_seen_at: Some(Timestamp::from_micros(self.last_seen)?),
            orders: self.orders,
            revenue_minor: self.revenue,
            first_order_at: (self.orders > 0)
                .then(|| Timestamp::from_micros(self.first_order))
                .transpose()?,
            last_order_at,
            mean_gap_us: (gaps > 0).then(|| Span::from_micros((self.last_order - self.first_order) / gaps)),
            open_tickets: self.opened.saturating_sub(self.resolved),
            nps_sum: self.nps_sum,
            nps_answers: self.nps_answers,
            stage: Stage::of(self.orders, last_order_at, as_of),
        })
    }
}

/// Measures the bound.
pub(crate) fn bound(planned: &Planned) -> Result<Value> {
    let mut numbers = HashMap::new();
    let rows = planned.standing().map(|event| row(&event, &mut numbers)).collect::<Result<Vec<_>>>()?;
    let start = Instant::now();
    let mut states = vec![State::UNSEEN; numbers.len()];
    rows.iter().for_each(|row| states[row.customer as usize].evolve(row));
    let states = black_box(states);
    let seconds = start.elapsed().as_secs_f64();

    let answers = numbers.into_iter().map(|(key, number)| {
        let answer = states[number as usize].answer(planned.as_of())?;
        Ok((key, answer))
    });
    let mut answers: Vec<_> = answers.collect::<Result<_>>()?;
    answers.sort_unstable_by(|a, b| a.0.cmp(&b.0));
    Ok(json!({
        "seconds": seconds,
        "peak_rss_kib": peak_rss_kib(),
        "check": CheckFigures::of(&answers, &quintiles(&answers)).as_row(),
    }))
}

fn row(event: &JourneyEvent, numbers: &mut HashMap<CustomerKey, u32>) -> Result<Row> {
    const TEN_THOUSANDTHS_PER_MINOR_UNIT: i64 = 100;
    let next = numbers.len() as u32;
    let customer = match numbers.get(&event.customer) {
        Some(number) => *number,
        None => *numbers.entry(event.customer.clone()).or_insert(next),
    };
    let (amount, nps) = match &event.body {
        EventBody::OrderPlaced(placed) => {
            (placed.amount.amount.as_ten_thousandths() / TEN_THOUSANDTHS_PER_MINOR_UNIT, 0)
        }
        EventBody::SurveyAnswered(answered) => match answered.score {
            9.. => (0, 1),
            ..=6 => (0, -1),
            _ => (0, 0),
        },
        _ => (0, 0),
    };
    let at_us = event.occurred_at.instant().as_micros();
    Ok(Row { at_us, amount: u32::try_from(amount)?, customer, kind: event.kind(), nps })
}

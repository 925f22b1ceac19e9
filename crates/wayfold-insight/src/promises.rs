//! Promises (承诺): what was promised for when, by channel and segment, and what goes with keeping it.

use std::collections::BTreeMap;

use hashbrown::HashMap;
use serde::Serialize;
use wayfold_core::{
    Channel, EventKind, EventView, History, Instrument, OrderBook, PlacedOrder, Purchase, Span, Timestamp,
};

use crate::interval::{self, Confidence, Interval};
use crate::measure::{Durations, Measure, SegmentOf, Tally, by_segment};
use crate::satisfaction::Answers;

/// Measures promised deliveries: the newest promise of each order that was not cancelled against its first delivery.
///
/// A promise is kept by a delivery no later than promised. It is settled by the delivery, or, where there is none, when
/// it falls due. Its channel is that on which the order was placed. What goes with keeping it is what the customer did
/// next from then on: its first answer to a survey of the instrument, and its first purchase.
///
/// All questions are asked of the total, as of the instant up to which histories were measured.
#[derive(Debug, Clone)]
pub struct Promises {
    instrument: Instrument,
    within: Span,
    segment: SegmentOf,
}

/// The promises that were made.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PromiseTotal(Tally<Promise>);

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Promise {
    channel: Option<Channel>,
    segment: Option<String>,
    promised_at: Timestamp,
    delivered_at: Option<Timestamp>,
    /// The first answer after it was settled, and its score.
    answer: Option<(Timestamp, i64)>,
    bought_again_at: Option<Timestamp>,
}

impl Promise {
    fn settled_at(&self) -> Timestamp {
        self.delivered_at.unwrap_or(self.promised_at)
    }

    /// Whether it was kept; `None` while it is neither delivered nor due.
    fn is_kept(&self, as_of: Timestamp) -> Option<bool> {
        match self.delivered_at {
            Some(at) => Some(at <= self.promised_at),
            None => (as_of > self.promised_at).then_some(false),
        }
    }
}

/// By what promises are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PromiseBy {
    /// By nothing.
    #[default]
    All,
    /// By the channel of the order.
    Channel,
    /// By the segment of the customer.
    Segment,
    /// By both.
    ChannelAndSegment,
}

/// How promises of a channel or segment were kept.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PromiseRow {
    /// The channel, if they are told apart by it and the order names one.
    pub channel: Option<Channel>,
    /// The segment, likewise.
    pub segment: Option<String>,
    /// How many were kept.
    pub kept: u64,
    /// How many were broken: delivered late, or due and not delivered.
    pub broken: u64,
    /// How many are neither delivered nor due.
    pub pending: u64,
    /// The percentage of those kept of those kept and broken, with Wilson's interval; `None` where there is neither.
    pub on_time: Option<(f64, Interval)>,
    /// By how much those were late that were delivered late: the mean; `None` where there are none.
    pub late_mean: Option<Span>,
    /// Their median, by nearest rank.
    pub late_median: Option<Span>,
    /// Their 90th percentile, by nearest rank.
    pub late_p90: Option<Span>,
}

/// What customers did after promises that were kept, and after broken ones.
///
/// A difference is what goes together, not what causes it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PromiseEffect {
    /// After kept ones.
    pub kept: AfterPromise,
    /// After broken ones.
    pub broken: AfterPromise,
    /// The mean score after kept ones less that after broken ones, with Welch's interval; `None` without an answer on
    /// either side.
    pub score_difference: Option<(f64, Option<Interval>)>,
    /// The percentage who bought again after kept ones less that after broken ones, with Newcombe's interval; `None` where
    /// there is nothing on either side.
    pub repeat_difference: Option<(f64, Interval)>,
}

/// What customers did after promises that ended alike.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct AfterPromise {
    /// The answers within the time.
    pub answers: Answers,
    /// The mean score; `None` without an answer.
    pub mean_score: Option<f64>,
    /// How many were settled long enough ago to tell whether the customer bought again within the time.
    pub observed: u64,
    /// How many of these customers did.
    pub bought_again: u64,
}

impl Promises {
    /// Looks for answers to an instrument and for purchases within a time after promises are settled.
    pub fn new(instrument: Instrument, within: Span) -> Self {
        Self { instrument, within, segment: SegmentOf::default() }
    }

    by_segment! {
        /// Tells segments apart.
    }

    /// How promises were kept as of an instant, by channel and segment.
    pub fn report(
        &self,
        total: &PromiseTotal,
        by: PromiseBy,
        as_of: Timestamp,
        confidence: Confidence,
    ) -> Vec<PromiseRow> {
        type Key<'a> = (Option<Channel>, Option<&'a String>);
        let mut rows: BTreeMap<Key<'_>, ([u64; 3], Durations)> = BTreeMap::new();
        for promise in total.0.iter() {
            let channel =
                promise.channel.filter(|_| matches!(by, PromiseBy::Channel | PromiseBy::ChannelAndSegment));
            let segment = promise.segment.as_ref();
            let segment = segment.filter(|_| matches!(by, PromiseBy::Segment | PromiseBy::ChannelAndSegment));
            let (counts, late) = rows.entry((channel, segment)).or_default();
            let ended = match promise.is_kept(as_of) {
                Some(true) => 0,
                Some(false) => 1,
                None => 2,
            };
            counts[ended] += 1;
            if let (1, Some(delivered_at)) = (ended, promise.delivered_at) {
                late.add(delivered_at.since(promise.promised_at).as_micros(), 1);
            }
        }
        let row =
            |((channel, segment), ([kept, broken, pending], late)): (Key<'_>, ([u64; 3], Durations))| {
                let late = late.figures();
                PromiseRow {
                    channel,
                    segment: segment.cloned(),
                    kept,
                    broken,
                    pending,
                    on_time: (kept + broken > 0).then(|| interval::share(kept, kept + broken, confidence)),
                    late_mean: late.as_ref().map(|figures| figures.mean),
                    late_median: late.as_ref().map(|figures| figures.median),
                    late_p90: late.as_ref().map(|figures| figures.p90),
                }
            };
        rows.into_iter().map(row).collect()
    }

    /// What customers did after kept and broken promises, as of an instant.
    pub fn effect(&self, total: &PromiseTotal, as_of: Timestamp, confidence: Confidence) -> PromiseEffect {
        let (mut kept, mut broken) = (AfterPromise::default(), AfterPromise::default());
        for promise in total.0.iter() {
            let Some(is_kept) = promise.is_kept(as_of) else { continue };
            let after = if is_kept { &mut kept } else { &mut broken };
            let until = promise.settled_at() + self.within;
            if let Some((_, score)) = promise.answer.filter(|(at, _)| *at <= until) {
                after.answers.add(score, 1);
            }
            if until <= as_of {
                after.observed += 1;
                after.bought_again += u64::from(promise.bought_again_at.is_some_and(|at| at <= until));
            }
        }
        for after in [&mut kept, &mut broken] {
            let answers = after.answers.total();
            after.mean_score =
                (answers > 0).then(|| interval::mean(after.answers.iter(), answers, confidence).0);
        }
        let answered = kept.mean_score.is_some() && broken.mean_score.is_some();
        let observed = kept.observed > 0 && broken.observed > 0;
        PromiseEffect {
            score_difference: answered.then(|| {
                interval::difference_of_means(kept.answers.iter(), broken.answers.iter(), confidence)
            }),
            repeat_difference: observed.then(|| {
                let of = |after: &AfterPromise| (after.bought_again, after.observed);
                interval::difference_of_shares(of(&kept), of(&broken), confidence)
            }),
            kept,
            broken,
        }
    }

    fn promise(
        &self,
        order: &PlacedOrder<'_>,
        history: &History<'_>,
        purchases: &[Purchase<'_>],
        channel: Option<Channel>,
    ) -> Option<Promise> {
        let mut promise = Promise {
            channel,
            segment: self.segment.of(history),
            promised_at: order.promised_at?,
            delivered_at: order.delivered_at,
            answer: None,
            bought_again_at: None,
        };
        let settled_at = promise.settled_at();
        let answers = |event: &&EventView<'_>| {
            event.kind() == EventKind::SurveyAnswered
                && event.text("instrument") == Some(self.instrument.as_str())
                && event.occurred_at() >= settled_at
        };
        let answer = history.events().iter().find(answers);
        promise.answer = answer.and_then(|event| Some((event.occurred_at(), event.integer("score")?)));
        let again = purchases.iter().find(|purchase| purchase.placed_at > settled_at);
        promise.bought_again_at = again.map(|purchase| purchase.placed_at);
        Some(promise)
    }
}

impl Measure for Promises {
    type Total = PromiseTotal;

    fn add(&self, history: &History<'_>, times: i64, total: &mut PromiseTotal) {
        let book = OrderBook::of(history.events());
        let purchases = book.purchases();
        let mut channels: HashMap<&str, Option<Channel>> = HashMap::new();
        for event in history.events().iter().filter(|event| event.kind() == EventKind::OrderPlaced) {
            if let Some(order) = event.order() {
                channels.entry(order).or_insert_with(|| event.channel());
            }
        }
        for order in book.placed().filter(|order| !order.is_cancelled) {
            let channel = channels.get(order.order).copied().flatten();
            if let Some(promise) = self.promise(&order, history, &purchases, channel) {
                total.0.add(promise, times);
            }
        }
    }

    fn merge(&self, total: &mut PromiseTotal, other: PromiseTotal) {
        total.0.merge(other.0);
    }
}

//! Attribution: which channels conversions are owed to, by every model that is in use.

mod models;

use hashbrown::HashMap;
use serde::Serialize;
use wayfold_core::{Amount, Currency, History, Span, Timestamp};

pub use self::models::{AttributionModel, shapley};
use super::Measure;
use super::cases::{Activity, StepNames};
use super::event_test::EventTest;
use super::names::value_of;
use super::process_map::amount;
use crate::error::{Error, ErrorKind, Result};

/// One whole conversion, in the units in which credit is counted: whole numbers are taken away as exactly as added.
const WHOLE: i64 = 1_000_000_000_000;

/// Measures through which channels customers came before they converted, and when they did not.
///
/// A path is what a customer touched since the conversion before, and not longer ago than the lookback; what is touched
/// after the last conversion is a path that did not convert. A conversion without a path is counted apart.
#[derive(Debug, Clone)]
pub struct Attribution {
    touch: EventTest,
    channel: Activity,
    conversion: EventTest,
    lookback: Span,
    half_life: Span,
    currency: Option<Currency>,
}

impl Attribution {
    /// Measures touches, named by their channel, before conversions, with a half-life of seven days.
    ///
    /// # Errors
    /// `InvalidParameter` if the lookback is not positive.
    pub fn new(touch: EventTest, conversion: EventTest, lookback: Span) -> Result<Self> {
        let half_life = positive(Span::from_days(7), "half-life")?;
        let lookback = positive(lookback, "lookback")?;
        Ok(Self { touch, channel: Activity::Channel, conversion, lookback, half_life, currency: None })
    }

    /// Sets what names the channel of a touch; touches without a name do not count.
    pub fn named_by(mut self, channel: Activity) -> Self {
        self.channel = channel;
        self
    }

    /// Sets after how long a touch counts half, for [`AttributionModel::TimeDecay`].
    ///
    /// # Errors
    /// `InvalidParameter` if it is not positive.
    pub fn with_half_life(mut self, half_life: Span) -> Result<Self> {
        self.half_life = positive(half_life, "half-life")?;
        Ok(self)
    }

    /// Makes a conversion worth the amount that its event states in a currency.
    pub fn valued_in(mut self, currency: Currency) -> Self {
        self.currency = Some(currency);
        self
    }

    /// Calls with the channel of each touch of a converting path, and what it is owed by its age, in parts of [`WHOLE`]. The
    /// list is lent for its memory.
    fn for_each_credit(
        &self,
        path: &[(u32, Timestamp)],
        converted_at: Timestamp,
        weights: &mut Vec<f64>,
        mut take: impl FnMut(u32, i64),
    ) {
        let age =
            |at: Timestamp| converted_at.since(at).as_micros() as f64 / self.half_life.as_micros() as f64;
        // The youngest counts 1, so that nothing vanishes however old all are.
        let Some((last, before)) = path.split_last() else { return };
        let youngest = age(last.1);
        weights.clear();
        weights.extend(path.iter().map(|(_, at)| libm::exp2(youngest - age(*at))));
        let all: f64 = weights.iter().sum();
        let mut left = WHOLE;
        for ((channel, _), weight) in before.iter().zip(&*weights) {
            let credit = (weight / all * WHOLE as f64) as i64;
            left -= credit;
            take(*channel, credit);
        }
        // What rounding left over is the last one's too.
        take(last.0, left);
    }
}

fn positive(span: Span, what: &str) -> Result<Span> {
    if span.as_micros() > 0 {
        return Ok(span);
    }
    Err(Error::new(ErrorKind::InvalidParameter, format_args!("a {what} that is not positive")))
}

/// What an [`Attribution`] adds up.
#[derive(Debug, Clone, Default)]
pub struct AttributionTotal {
    steps: StepNames,
    paths: HashMap<Vec<u32>, PathTotal>,
    /// Parts of conversions and of their value, by the number of the channel, as they decay with age.
    decayed: Vec<(i128, i128)>,
    /// Conversions without a path, and what they are worth.
    untouched: (i64, i128),
    lent: Lent,
}

/// For the memory of the path before.
#[derive(Debug, Clone, Default)]
struct Lent {
    path: Vec<(u32, Timestamp)>,
    channels: Vec<u32>,
    weights: Vec<f64>,
}

impl AttributionTotal {
    /// What is known of a path.
    fn of(&mut self, path: &[(u32, Timestamp)]) -> &mut PathTotal {
        let channels = &mut self.lent.channels;
        channels.clear();
        channels.extend(path.iter().map(|(channel, _)| *channel));
        self.paths.entry_ref(&channels[..]).or_default()
    }
}

#[derive(Debug, Clone, Copy, Default)]
struct PathTotal {
    converted: i64,
    lost: i64,
    value: i128,
}

impl Measure for Attribution {
    type Total = AttributionTotal;

    fn add(&self, history: &History<'_>, times: i64, total: &mut AttributionTotal) {
        let mut path = std::mem::take(&mut total.lent.path);
        path.clear();
        for event in history.events() {
            let at = event.occurred_at();
            if self.conversion.holds(event) {
                path.retain(|(_, touched)| at.since(*touched) <= self.lookback);
                let money = event.money_amount().filter(|money| Some(money.currency) == self.currency);
                let value = money.map_or(0, |money| i128::from(money.amount.as_ten_thousandths()));
                self.add_conversion(&path, at, times, value, total);
                path.clear();
            } else if self.touch.holds(event)
                && let Some(channel) = self.channel.number(event, &mut total.steps, |_| true)
            {
                path.push((channel, at));
            }
        }
        if !path.is_empty() {
            total.of(&path).lost += times;
        }
        total.lent.path = path;
    }

    fn merge(&self, total: &mut AttributionTotal, other: AttributionTotal) {
        let numbers = total.steps.take_over(&other.steps);
        for (mut path, from) in other.paths {
            path.iter_mut().for_each(|channel| *channel = numbers[*channel as usize]);
            let to = total.paths.entry(path).or_default();
            to.converted += from.converted;
            to.lost += from.lost;
            to.value += from.value;
        }
        for ((conversions, value), number) in other.decayed.into_iter().zip(&numbers) {
            let to = value_of(&mut total.decayed, *number);
            to.0 += conversions;
            to.1 += value;
        }
        total.untouched.0 += other.untouched.0;
        total.untouched.1 += other.untouched.1;
    }
}

impl Attribution {
    fn add_conversion(
        &self,
        path: &[(u32, Timestamp)],
        at: Timestamp,
        times: i64,
        value: i128,
        total: &mut AttributionTotal,
    ) {
        let worth = value * i128::from(times);
        if path.is_empty() {
            total.untouched.0 += times;
            total.untouched.1 += worth;
            return;
        }
        let known = total.of(path);
        known.converted += times;
        known.value += worth;
        let AttributionTotal { decayed, lent, .. } = total;
        self.for_each_credit(path, at, &mut lent.weights, |channel, credit| {
            let decayed = value_of(decayed, channel);
            decayed.0 += i128::from(credit) * i128::from(times);
            decayed.1 += part(credit, value) * i128::from(times);
        });
    }
}

/// So many parts of [`WHOLE`] of a value, cut to ten-thousandths.
fn part(credit: i64, value: i128) -> i128 {
    let worth = i128::from(credit) * value;
    // What fits is divided by far faster there.
    i64::try_from(worth).map_or_else(|_| worth / i128::from(WHOLE), |worth| i128::from(worth / WHOLE))
}

/// What channels are owed by a model.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AttributionReport {
    /// Which model, and its terms.
    pub semantics: String,
    /// How many conversions there are, with a path or without.
    pub conversions: u64,
    /// How many of them have no path: nobody is owed these.
    pub untouched: u64,
    /// The channels, by name.
    pub channels: Vec<ChannelCredit>,
}

/// What a channel is owed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ChannelCredit {
    /// The channel.
    pub channel: String,
    /// How many conversions.
    pub conversions: f64,
    /// The share of all that have a path.
    pub share: f64,
    /// What they are worth, in the currency that was asked for.
    pub value: Amount,
}

impl Attribution {
    /// What channels are owed by a model.
    pub fn report(&self, total: &AttributionTotal, model: &AttributionModel) -> AttributionReport {
        let credits = models::credits(total, model);
        let touched: i64 = total.paths.values().map(|path| path.converted).sum();
        let mut channels: Vec<_> = credits
            .into_iter()
            .map(|(channel, credit)| ChannelCredit {
                channel: total.steps.name(channel).to_owned(),
                conversions: credit.conversions,
                share: if touched > 0 { credit.conversions / touched as f64 } else { 0.0 },
                value: amount(libm::round(credit.ten_thousandths) as i128),
            })
            .collect();
        channels.sort_by(|a, b| a.channel.cmp(&b.channel));
        AttributionReport {
            semantics: format!(
                "{model:?}: {} before {}, lookback {} s, half-life {} s",
                self.touch.name(),
                self.conversion.name(),
                self.lookback.as_micros() / 1_000_000,
                self.half_life.as_micros() / 1_000_000,
            ),
            conversions: (touched + total.untouched.0).max(0) as u64,
            untouched: total.untouched.0.max(0) as u64,
            channels,
        }
    }
}

//! Attribution: which channels conversions are owed to, by every model that is in use.

mod models;

use hashbrown::HashMap;
use serde::Serialize;
use wayfold_core::{Amount, Currency, History, Span, Timestamp};

pub use self::models::{AttributionModel, shapley};
use super::Measure;
use super::cases::{Activity, StepNames};
use super::event_test::EventTest;
use super::process_map::amount;
use crate::error::{Error, ErrorKind, Result};

/// One whole conversion, in the units in which credit is counted: whole numbers are taken away as exactly as added.
const WHOLE: i128 = 1_000_000_000_000;

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

    /// What each touch of a converting path is owed by its age, in parts of [`WHOLE`].
    fn decayed(&self, path: &[(u32, Timestamp)], converted_at: Timestamp) -> Vec<i128> {
        let age =
            |at: Timestamp| converted_at.since(at).as_micros() as f64 / self.half_life.as_micros() as f64;
        // The youngest counts 1, so that nothing vanishes however old all are.
        let youngest = path.last().map_or(0.0, |(_, at)| age(*at));
        let weights: Vec<f64> = path.iter().map(|(_, at)| libm::exp2(youngest - age(*at))).collect();
        let all: f64 = weights.iter().sum();
        let mut credits: Vec<i128> =
            weights.iter().map(|weight| (weight / all * WHOLE as f64) as i128).collect();
        let missing = WHOLE - credits.iter().sum::<i128>();
        if let Some(last) = credits.last_mut() {
            *last += missing;
        }
        credits
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
    paths: HashMap<Box<[u32]>, PathTotal>,
    /// Parts of conversions and of their value, by channel, as they decay with age.
    decayed: HashMap<u32, (i128, i128)>,
    /// Conversions without a path, and what they are worth.
    untouched: (i64, i128),
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
        let mut path: Vec<(u32, Timestamp)> = Vec::new();
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
            total.paths.entry(channels(&path)).or_default().lost += times;
        }
    }

    fn merge(&self, total: &mut AttributionTotal, other: AttributionTotal) {
        let numbers = total.steps.take_over(&other.steps);
        for (path, from) in other.paths {
            let path = path.iter().map(|channel| numbers[*channel as usize]).collect();
            let to = total.paths.entry(path).or_default();
            to.converted += from.converted;
            to.lost += from.lost;
            to.value += from.value;
        }
        for (channel, (conversions, value)) in other.decayed {
            let to = total.decayed.entry(numbers[channel as usize]).or_default();
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
        let known = total.paths.entry(channels(path)).or_default();
        known.converted += times;
        known.value += worth;
        for ((channel, _), credit) in path.iter().zip(self.decayed(path, at)) {
            let decayed = total.decayed.entry(*channel).or_default();
            decayed.0 += credit * i128::from(times);
            decayed.1 += credit * value / WHOLE * i128::from(times);
        }
    }
}

fn channels(path: &[(u32, Timestamp)]) -> Box<[u32]> {
    path.iter().map(|(channel, _)| *channel).collect()
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

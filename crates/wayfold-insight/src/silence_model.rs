use std::collections::BTreeMap;

use libm::{expm1, log, log1p};
use serde::{Deserialize, Serialize};
use wayfold_core::{ChurnStep, Span, Timestamp};

use crate::error::{Error, ErrorKind, Result};
use crate::model::Fitted;
use crate::regression::{LogisticModel, Observation, Regression};

/// The probability that a customer does not buy within a time to come, by how often it has bought and how long it is silent:
/// a model of churn (流失) that becomes thresholds.
///
/// It is a logistic regression on ln(1 + days of silence) and ln(purchases), fitted to what customers did in that time
/// behind an instant. [`SilenceModel::steps`] turns it round: after which silence is the probability of staying away so
/// high? That is a short table, which the rules of the lifecycle take as data
/// ([`ChurnedBy::Model`](wayfold_core::ChurnedBy)), so that a stage stays exact, incremental and explained,
/// and a refit is a new version of the rules that can be tried on history first.
///
/// The rules count purchases since the last return from churn; the model has counted all. A customer who comes back is
/// given the patience of a new one.
///
/// ```
/// use wayfold_core::{ChurnedBy, Rules, Span, Timestamp};
/// use wayfold_insight::SilenceModel;
///
/// let day = |number: u32| Timestamp::parse("2024-01-01").unwrap() + Span::from_days(number);
/// // Purchases of customers, in order: silent ones, and some who come back between day 100 and day 160.
/// let mut customers = Vec::new();
/// for silence in 1..90 {
///     for (number, back) in [(1, silence < 10 || silence % 7 == 0), (3, silence < 50 || silence % 3 == 0)] {
///         let mut days: Vec<Timestamp> = (0..number).map(|of| day(100 - silence - of)).rev().collect();
///         days.extend(back.then(|| day(130)));
///         customers.push(days);
///     }
/// }
/// let fitted = SilenceModel::fit(&customers, day(100), 60)?;
/// let steps = fitted.model.steps(0.8, &[1, 3])?;
/// // Who buys often is waited for longer.
/// assert!(steps[0].days < steps[1].days);
///
/// let mut rules = Rules::default();
/// rules.version = "model-2024-04".to_owned();
/// rules.lifecycle.churned_by = ChurnedBy::Model(steps);
/// rules.validate()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SilenceModel {
    within_days: u32,
    stays_away: LogisticModel,
}

const SILENCE: &str = "ln_1_plus_days_of_silence";
const PURCHASES: &str = "ln_purchases";

/// The longest silence that a step states, about a hundred years: a model that asks for more never gives up.
const DAYS_MAX: f64 = 36_500.0;

impl SilenceModel {
    /// Fits to customers' purchases, each customer's in order: those up to an instant are what is known, those within so
    /// many days behind it what came of it. Who had not bought by then is passed over.
    ///
    /// # Errors
    /// `InvalidParameter` if the days are none; `TooLittleData` unless some customers came back and some did not;
    /// `NotIdentified` and `NotConverged` as [`Regression::fit_logistic`], such as when all have bought equally often;
    /// `NotIdentified` too if a longer silence does not make it likelier that a customer stays away.
    pub fn fit<H: AsRef<[Timestamp]>>(
        purchases: impl IntoIterator<Item = H>,
        as_of: Timestamp,
        within_days: u32,
    ) -> Result<Fitted<Self>> {
        if within_days == 0 {
            let message = "the time to come has no days, so that nobody could come back";
            return Err(Error::new(ErrorKind::InvalidParameter, message));
        }
        let end = as_of + Span::from_days(within_days);
        let mut cells: BTreeMap<(usize, i64, bool), u64> = BTreeMap::new();
        for customer in purchases {
            let customer = customer.as_ref();
            let known = customer.partition_point(|at| *at <= as_of);
            let Some(last) = known.checked_sub(1).map(|place| customer[place]) else { continue };
            let stays_away = customer.get(known).is_none_or(|next| *next > end);
            *cells.entry((known, as_of.since(last).whole_days(), stays_away)).or_default() += 1;
        }
        let observation = |((bought, silence, stays_away), customers): (&(usize, i64, bool), &u64)| {
            let features = [log1p(*silence as f64), log(*bought as f64)];
            Observation::new(features, f64::from(u8::from(*stays_away))).with_weight(*customers)
        };
        let observations: Vec<Observation> = cells.iter().map(observation).collect();
        let Fitted { model, report } = Regression::new([SILENCE, PURCHASES]).fit_logistic(&observations)?;
        let model = Self { within_days, stays_away: model };
        model.slope()?;
        Ok(Fitted { model, report })
    }

    /// The days to come that it looks at.
    pub fn within_days(&self) -> u32 {
        self.within_days
    }

    /// The probability that a customer with so many purchases who is silent for so long does not buy in the time to come.
    ///
    /// # Errors
    /// `InvalidParameter` without a purchase; `Mismatch` if the model was read from a document of another one.
    pub fn probability(&self, purchases: u32, silence: Span) -> Result<f64> {
        let silence = silence.whole_days().max(0) as f64;
        self.stays_away.probability(&[log1p(silence), Self::ln(purchases)?])
    }

    /// After how many days of silence the probability of staying away reaches a level, from each of these numbers of
    /// purchases on: whole days, cut down, and 36,500 where that is never.
    ///
    /// # Errors
    /// `InvalidParameter` if the level is not between 0 and 1, or the numbers do not rise from 1; `NotIdentified` as
    /// [`SilenceModel::fit`].
    pub fn steps(&self, level: f64, purchases: &[u32]) -> Result<Vec<ChurnStep>> {
        let refuse = |message: std::fmt::Arguments<'_>| Err(Error::new(ErrorKind::InvalidParameter, message));
        if !(level > 0.0 && level < 1.0) {
            return refuse(format_args!("a probability of {level}; it must be above 0 and below 1"));
        }
        if purchases.is_empty() || !purchases.is_sorted_by(|a, b| a < b) {
            return refuse(format_args!(
                "numbers of purchases {purchases:?}; they must rise from step to step"
            ));
        }
        let (slope, odds) = (self.slope()?, log(level / (1.0 - level)));
        let step = |bought: &u32| {
            let at_once = self.stays_away.log_odds().expected(&[0.0, Self::ln(*bought)?])?;
            let days = expm1((odds - at_once) / slope).clamp(0.0, DAYS_MAX);
            Ok(ChurnStep { purchases_min: *bought, days: days as u32 })
        };
        purchases.iter().map(step).collect()
    }

    fn ln(purchases: u32) -> Result<f64> {
        if purchases > 0 {
            return Ok(log(f64::from(purchases)));
        }
        Err(Error::new(ErrorKind::InvalidParameter, "no purchase; who never bought cannot stay away"))
    }

    /// By how much the log-odds of staying away grow with the logarithm of the silence.
    fn slope(&self) -> Result<f64> {
        let slope = self.stays_away.log_odds().coefficient(SILENCE).unwrap_or_default();
        if slope > 0.0 {
            return Ok(slope);
        }
        let message = "a longer silence does not make it likelier that a customer stays away";
        Err(Error::new(ErrorKind::NotIdentified, message))
    }
}

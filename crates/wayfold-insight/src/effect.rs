//! What a campaign, an offer or a strategy did, beside customers who were left out or who are alike.

mod hold_out;
mod matching;
mod nearest;
mod outcomes;

use serde::Serialize;
use wayfold_core::Amount;

pub use self::hold_out::HoldOutGroup;
pub use self::matching::{FeatureBalance, MatchProfile, MatchedEffect, Matching};
pub use self::outcomes::{CustomerOutcome, OutcomeTotal, Treatment, TreatmentOutcomes};
use crate::error::{Error, ErrorKind, Result};
use crate::interval::{self, Confidence, Interval};
use crate::measure::amount;
use crate::numeric::chi_squared_above;

/// What a treatment did: how many more customers bought, and what each spent more, than others without it.
///
/// ```
/// use wayfold_core::{Amount, CustomerKey};
/// use wayfold_insight::{Confidence, CustomerOutcome, Effect};
///
/// // An experiment of 2008 in which customers got an e-mail or none (K. Hillstrom, MineThatData E-Mail Challenge).
/// let group = |name: &str, customers: u32, buyers: u32| -> wayfold_core::Result<Vec<CustomerOutcome>> {
///     (0..customers).map(|number| Ok(CustomerOutcome {
///         customer: CustomerKey::new(format!("{name}{number}"))?,
///         treated_at: None,
///         purchases: u64::from(number < buyers),
///         net: Amount::ZERO,
///     })).collect()
/// };
/// let (mailed, others) = (group("mailed", 21_307, 267)?, group("other", 21_306, 122)?);
/// let effect = Effect::between(&mailed, &others, Confidence::P95)?;
/// let told = (effect.treated.conversion.0, effect.others.conversion.0, effect.conversion.value);
/// assert_eq!(format!("{told:.3?}"), "(1.253, 0.573, 0.681)");
/// assert!(effect.conversion.tells());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Effect {
    /// Those who were to be treated.
    pub treated: EffectGroup,
    /// Those who were not.
    pub others: EffectGroup,
    /// The percentage who bought, treated less others.
    pub conversion: EffectDifference,
    /// The net money a customer in units of the currency, treated less others.
    pub money: EffectDifference,
}

/// One side of an effect.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct EffectGroup {
    /// How many customers.
    pub customers: u64,
    /// How many of them the treatment reached. On the side of the others it should be none.
    pub reached: u64,
    /// How many bought.
    pub buyers: u64,
    /// Their percentage, with Wilson's interval.
    pub conversion: (f64, Interval),
    /// How many purchases there are.
    pub purchases: u64,
    /// What they are worth: amounts less refunds.
    pub net: Amount,
    /// That a customer, in units of the currency.
    pub mean_net: f64,
}

/// A difference, and whether chance alone explains it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct EffectDifference {
    /// Treated less others.
    pub value: f64,
    /// Where it lies, if these customers are like others; `None` where nothing varies.
    pub interval: Option<Interval>,
    /// How often a difference as large comes by chance alone; `None` likewise.
    pub p_value: Option<f64>,
    /// Whether there is too little for interval and test to be more than rough: a count of fewer than five is expected, or
    /// a side has fewer than thirty customers.
    pub is_rough: bool,
}

impl EffectDifference {
    /// Says whether the interval leaves out zero.
    pub fn tells(&self) -> bool {
        self.interval.is_some_and(|interval| interval.low > 0.0 || interval.high < 0.0)
    }
}

/// Below so many customers on a side, a normal distribution is a rough guess at a mean.
const CUSTOMERS_MIN: usize = 30;

impl Effect {
    /// Compares customers by whether a group holds them out, and not by whom the treatment reached: whoever was to be
    /// treated counts as such. Who takes part is for the caller to say, as of the beginning, by leaving others out.
    ///
    /// Shares are compared by the interval of Newcombe (1998, method 10) and Pearson's chi-squared test; means by the normal
    /// distribution with Welch's standard error.
    ///
    /// # Errors
    /// `TooLittleData` if either side is empty.
    pub fn against_hold_out(
        outcomes: &[CustomerOutcome],
        group: &HoldOutGroup,
        confidence: Confidence,
    ) -> Result<Self> {
        let (others, treated): (Vec<_>, Vec<_>) =
            outcomes.iter().cloned().partition(|of| group.holds(&of.customer));
        Self::between(&treated, &others, confidence)
    }

    /// Compares any two groups, such as those of somebody else's experiment, in the same way.
    ///
    /// # Errors
    /// `TooLittleData` if either side is empty.
    pub fn between(
        treated: &[CustomerOutcome],
        others: &[CustomerOutcome],
        confidence: Confidence,
    ) -> Result<Self> {
        let (own, other) = (EffectGroup::of(treated, confidence)?, EffectGroup::of(others, confidence)?);
        let shares = ((own.buyers, own.customers), (other.buyers, other.customers));
        let (value, interval) = interval::difference_of_shares(shares.0, shares.1, confidence);
        let (p_value, is_rough) = two_shares(shares.0, shares.1);
        let conversion = EffectDifference { value, interval: Some(interval), p_value, is_rough };

        let (nets, other_nets) = (nets(treated), nets(others));
        let error = variance(&nets)
            .zip(variance(&other_nets))
            .map(|(own, other)| own / nets.len() as f64 + other / other_nets.len() as f64);
        let is_rough = nets.len().min(other_nets.len()) < CUSTOMERS_MIN;
        let money = by_normal(own.mean_net - other.mean_net, error, is_rough, confidence);
        Ok(Self { treated: own, others: other, conversion, money })
    }

    /// What the treatment brought in all, in units of the currency: the money a customer times those who were to be
    /// treated, with its interval.
    pub fn additional_net(&self) -> (f64, Option<Interval>) {
        let times = self.treated.customers as f64;
        let interval = self.money.interval.map(|of| Interval { low: times * of.low, high: times * of.high });
        (times * self.money.value, interval)
    }

    /// What it brought less what it cost, in per cent of the cost, with its interval; `None` unless the cost is above
    /// zero.
    pub fn return_percent(&self, cost: Amount) -> Option<(f64, Option<Interval>)> {
        let cost = cost.as_ten_thousandths() as f64 / 10_000.0;
        let of = |net: f64| 100.0 * (net - cost) / cost;
        let (net, interval) = self.additional_net();
        let interval = interval.map(|net| Interval { low: of(net.low), high: of(net.high) });
        (cost > 0.0).then(|| (of(net), interval))
    }
}

impl EffectGroup {
    fn of(outcomes: &[CustomerOutcome], confidence: Confidence) -> Result<Self> {
        let customers = outcomes.len() as u64;
        if customers == 0 {
            let message = "an effect takes customers who were to be treated and others; one side is empty";
            return Err(Error::new(ErrorKind::TooLittleData, message));
        }
        let buyers = outcomes.iter().filter(|of| of.purchases > 0).count() as u64;
        let net = outcomes.iter().map(|of| i128::from(of.net.as_ten_thousandths())).sum::<i128>();
        Ok(Self {
            customers,
            reached: outcomes.iter().filter(|of| of.treated_at.is_some()).count() as u64,
            buyers,
            conversion: interval::share(buyers, customers, confidence),
            purchases: outcomes.iter().map(|of| of.purchases).sum(),
            net: amount(net),
            mean_net: net as f64 / 10_000.0 / customers as f64,
        })
    }
}

/// Net money in units of the currency, from the least: sums then have equal bits in whatever order customers come.
fn nets(outcomes: &[CustomerOutcome]) -> Vec<f64> {
    let mut nets: Vec<f64> =
        outcomes.iter().map(|of| of.net.as_ten_thousandths() as f64 / 10_000.0).collect();
    nets.sort_by(f64::total_cmp);
    nets
}

/// The variance of a sample, by one less than its size; `None` of a single value.
fn variance(values: &[f64]) -> Option<f64> {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let squares: f64 = values.iter().map(|value| (value - mean) * (value - mean)).sum();
    (values.len() > 1).then(|| squares / (n - 1.0))
}

/// A difference of means with the square of its standard error.
fn by_normal(
    value: f64,
    squared_error: Option<f64>,
    is_rough: bool,
    confidence: Confidence,
) -> EffectDifference {
    let error = squared_error.map(f64::sqrt).filter(|error| *error > 0.0);
    EffectDifference {
        value,
        interval: error.map(|error| {
            let half = confidence.z() * error;
            Interval { low: value - half, high: value + half }
        }),
        p_value: error.map(|error| libm::erfc((value / error).abs() / std::f64::consts::SQRT_2)),
        is_rough,
    }
}

/// Pearson's chi-squared test of two shares without a correction, and whether it is rough (Cochran 1954); no p-value
/// where nobody bought, or everybody.
fn two_shares((part, total): (u64, u64), (other_part, other_total): (u64, u64)) -> (Option<f64>, bool) {
    let bought = (part + other_part) as f64;
    let (n, m) = (total as f64, other_total as f64);
    let share = bought / (n + m);
    let least = n.min(m) * share.min(1.0 - share);
    let spread = share * (1.0 - share) * (1.0 / n + 1.0 / m);
    let difference = part as f64 / n - other_part as f64 / m;
    ((spread > 0.0).then(|| chi_squared_above(difference * difference / spread, 1)), least < 5.0)
}

//! Goals (目标): what is to be reached in a period, what is reached, and the gap.

use serde::{Deserialize, Serialize};
use wayfold_core::{Amount, BehaviourClass, Currency, LifecycleStage, PopulationSummary, Timestamp};

use crate::error::{Error, ErrorKind, Result};
use crate::measure::amount;

/// A figure that is to be reached in a period.
///
/// ```
/// use wayfold_core::{Amount, Timestamp};
/// use wayfold_insight::{Goal, GoalState};
///
/// let goal: Goal = serde_json::from_str(r#"{"name": "net revenue of June", "metric": {"net_revenue": "EUR"},
///     "from": "2024-06-01T00:00:00Z", "until": "2024-07-01T00:00:00Z", "target": "30000"}"#)?;
/// let status = goal.status(Amount::parse("9000")?, Timestamp::parse("2024-06-11")?)?;
/// assert_eq!((status.gap.to_string().as_str(), status.reached_percent), ("21000", Some(30.0)));
/// // A third of the month is over.
/// assert_eq!((status.expected.map(|of| of.to_string()), status.state), (Some("10000".to_owned()), GoalState::Behind));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Goal {
    /// How people name it.
    pub name: String,
    /// What is measured.
    pub metric: GoalMetric,
    /// Of which segment, as a name for people; of all customers without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub segment: Option<String>,
    /// The first instant of the period.
    pub from: Timestamp,
    /// The first instant behind it.
    pub until: Timestamp,
    /// What is to be reached at the end.
    pub target: Amount,
    /// From which side it is reached. Default: `at_least`.
    #[serde(default)]
    pub direction: GoalDirection,
    /// What the figure was at the beginning: pace then runs from there to the target. Net revenue begins with nothing; other
    /// goals without one have no pace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline: Option<Amount>,
}

/// What a goal measures.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GoalMetric {
    /// What the net value of all grew by since the beginning of the period.
    NetRevenue(Currency),
    /// Customers in a stage of the lifecycle.
    Stage(LifecycleStage),
    /// Customers of a behaviour class.
    Class(BehaviourClass),
    /// Any other figure that is given when asked, such as an NPS or a rate of retention.
    Figure(String),
}

/// From which side a target is reached.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GoalDirection {
    /// By being as high, or higher.
    #[default]
    AtLeast,
    /// By being as low, or lower.
    AtMost,
}

/// How a goal stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GoalState {
    /// The period has not begun.
    NotBegun,
    /// The target is reached, for now if the period goes on.
    Reached,
    /// It is not, and the figure is where an even pace would have it, or further.
    OnPace,
    /// It is not, and the figure is not where an even pace would have it.
    Behind,
    /// It is not, and there is no pace to tell by.
    Open,
    /// The period is over, and it was not.
    Missed,
}

/// A goal beside what is.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct GoalStatus {
    /// As of when.
    pub as_of: Timestamp,
    /// What is to be reached.
    pub target: Amount,
    /// What is.
    pub actual: Amount,
    /// What is missing, zero or less once the target is reached: target less actual, or the other way round where the
    /// target is to be kept below.
    pub gap: Amount,
    /// The way from the baseline to the target that is done, in per cent; `None` without a baseline, or where it is the
    /// target.
    pub reached_percent: Option<f64>,
    /// Where an even pace would have it, cut to a ten-thousandth towards the baseline; `None` without a pace.
    pub expected: Option<Amount>,
    /// How it stands.
    pub state: GoalState,
}

fn refuse(message: impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::InvalidParameter, message)
}

impl Goal {
    /// A figure that some model or measure gives as a float, rounded to a ten-thousandth, halves away from zero.
    ///
    /// # Errors
    /// `InvalidParameter` if it is not finite, or beyond what an [`Amount`] holds.
    pub fn figure(value: f64) -> Result<Amount> {
        let ten_thousandths = (value * 10_000.0).round();
        // The least and the greatest are rounded to this, which no amount has room for.
        if ten_thousandths.abs() < i64::MAX as f64 {
            return Ok(Amount::from_ten_thousandths(ten_thousandths as i64));
        }
        Err(refuse(format_args!("a figure of {value} for a goal")))
    }

    /// What the metric comes to in a population: at the beginning of the period and now; `None` of a figure that is given.
    /// A goal of a segment is asked of populations of that segment.
    ///
    /// Net revenue is the difference of the two, so that refunds of the period come off whenever their orders were placed.
    pub fn actual(&self, beginning: &PopulationSummary, now: &PopulationSummary) -> Option<Amount> {
        let count = |number: Option<&u64>| amount(i128::from(number.copied().unwrap_or_default()) * 10_000);
        match &self.metric {
            GoalMetric::NetRevenue(currency) => {
                let net = |of: &PopulationSummary| {
                    let totals = of.totals.iter().find(|totals| totals.currency == *currency);
                    totals.map_or(0, |totals| totals.net.as_ten_thousandths())
                };
                Some(amount(net(now) - net(beginning)))
            }
            GoalMetric::Stage(stage) => Some(count(now.lifecycle.get(stage))),
            GoalMetric::Class(class) => Some(count(now.classes.get(class))),
            GoalMetric::Figure(_) => None,
        }
    }

    /// How the goal stands with an actual figure as of an instant.
    ///
    /// # Errors
    /// `InvalidParameter` if the period is empty.
    pub fn status(&self, actual: Amount, as_of: Timestamp) -> Result<GoalStatus> {
        if self.until <= self.from {
            return Err(refuse(format_args!(
                "goal {:?} runs from {} to {}",
                self.name, self.from, self.until
            )));
        }
        let number = |of: Amount| i128::from(of.as_ten_thousandths());
        let (target, value) = (number(self.target), number(actual));
        let sign = match self.direction {
            GoalDirection::AtLeast => 1,
            GoalDirection::AtMost => -1,
        };
        let gap = sign * (target - value);
        let is_flow = matches!(self.metric, GoalMetric::NetRevenue(_));
        let baseline = self.baseline.map(number).or(is_flow.then_some(0));
        let elapsed = i128::from(as_of.since(self.from).as_micros());
        let whole = i128::from(self.until.since(self.from).as_micros());
        let passed = elapsed.clamp(0, whole);
        let expected = baseline.map(|baseline| baseline + (target - baseline) * passed / whole);
        let state = match (gap <= 0, expected) {
            _ if elapsed < 0 => GoalState::NotBegun,
            (true, _) => GoalState::Reached,
            (false, _) if elapsed >= whole => GoalState::Missed,
            (false, Some(expected)) if sign * (value - expected) >= 0 => GoalState::OnPace,
            (false, Some(_)) => GoalState::Behind,
            (false, None) => GoalState::Open,
        };
        let way = baseline.filter(|baseline| *baseline != target);
        Ok(GoalStatus {
            as_of,
            target: self.target,
            actual,
            gap: amount(gap),
            reached_percent: way.map(|from| 100.0 * (value - from) as f64 / (target - from) as f64),
            expected: expected.map(amount),
            state,
        })
    }
}

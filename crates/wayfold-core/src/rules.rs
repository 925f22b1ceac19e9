//! The thresholds of the projections, as configuration with a version.

mod lifecycle;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use self::lifecycle::{ChurnStep, ChurnedBy, LifecycleRules, LoyalBy, LoyalNps, OwnGap};
use crate::currency::Currency;
use crate::error::{Error, ErrorKind, Result};
use crate::money::Amount;
use crate::time::Span;

/// Every threshold of the built-in projections, and the version that views name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Rules {
    /// Names these rules in every view that rests on them.
    pub version: String,
    /// When a journey counts as abandoned.
    pub journey: JourneyRules,
    /// The stages of the lifecycle.
    pub lifecycle: LifecycleRules,
    /// The behaviour classes.
    pub segment: SegmentRules,
    /// What counts as revenue.
    pub value: ValueRules,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            version: "default-1".to_owned(),
            journey: JourneyRules::default(),
            lifecycle: LifecycleRules::default(),
            segment: SegmentRules::default(),
            value: ValueRules::default(),
        }
    }
}

impl Rules {
    /// Checks that no threshold contradicts another.
    ///
    /// # Errors
    /// `InvalidRules` if a count is zero, Loyal needs fewer purchases than Repeat, a high value is not above
    /// zero, nothing or nobody's answer could make a customer loyal, the steps of a model do not rise, or the version is
    /// empty.
    pub fn validate(&self) -> Result<()> {
        let refuse = |message: &str| Err(Error::new(ErrorKind::InvalidRules, message));
        let (lifecycle, segment) = (&self.lifecycle, &self.segment);
        if self.version.is_empty() {
            return refuse("the rules have no version; name one, as views cite it");
        }
        lifecycle.validate()?;
        if segment.frequent_purchases_min == 0 {
            return refuse("segment.frequent_purchases_min is 0; every customer would be frequent");
        }
        if segment.high_value_min.values().any(|least| *least <= Amount::ZERO) {
            return refuse(
                "segment.high_value_min is not above zero; leave the currency out to switch its classes off",
            );
        }
        Ok(())
    }
}

/// Thresholds of the journey projection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct JourneyRules {
    /// Abandoned when more than that many days passed without a stage event. Default 90.
    pub abandoned_after_days: u32,
}

impl Default for JourneyRules {
    fn default() -> Self {
        Self { abandoned_after_days: 90 }
    }
}

impl JourneyRules {
    pub(crate) fn silence_max(&self) -> Span {
        Span::from_days(self.abandoned_after_days)
    }
}

/// Thresholds of the behaviour classes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct SegmentRules {
    /// At risk when more than that many days passed since the last purchase. Default 90.
    pub at_risk_after_days: u32,
    /// Newcomer while the one purchase is at most that many days old. Default 90.
    pub newcomer_days_max: u32,
    /// Frequent from that many purchases within the window. Default 6.
    pub frequent_purchases_min: u32,
    /// The window of frequent in days, (t - window, t]. Default 365.
    pub frequent_window_days: u32,
    /// High-value from this net value, by currency; unset means that the classes of value are off.
    pub high_value_min: BTreeMap<Currency, Amount>,
}

impl Default for SegmentRules {
    fn default() -> Self {
        Self {
            at_risk_after_days: 90,
            newcomer_days_max: 90,
            frequent_purchases_min: 6,
            frequent_window_days: 365,
            high_value_min: BTreeMap::new(),
        }
    }
}

/// What counts as revenue.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct ValueRules {
    /// Whether orders or payments make revenue. Default `ordered`.
    pub revenue: RevenueBasis,
}

/// Whether orders or payments make revenue.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RevenueBasis {
    /// The amounts of orders that are not cancelled.
    #[default]
    Ordered,
    /// The payments received, less those that name a cancelled order.
    Paid,
}

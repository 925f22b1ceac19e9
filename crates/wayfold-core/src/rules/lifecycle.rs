//! The thresholds of the lifecycle: who is loyal, and after which silence a customer has churned.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind, Result};
use crate::time::Span;

/// Thresholds of the lifecycle.
///
/// What makes a customer loyal and after which silence it has churned is a choice; the defaults are purchases within a
/// window, and a fixed period. Rules that keep a default are written without it, so that they read and mean the same in a
/// program that does not know the choice.
///
/// ```
/// use wayfold_core::{ChurnedBy, LifecycleRules, OwnGap};
///
/// let rules: LifecycleRules = serde_json::from_str(
///     r#"{"loyal_by": {"tiers": ["gold"]}, "churned_by": {"own_gap": {"gaps": 3, "days_min": 30}}}"#,
/// )?;
/// assert!(rules.loyal_by.purchases && rules.loyal_by.tiers.contains("gold"));
/// assert_eq!(rules.churned_by, ChurnedBy::OwnGap(OwnGap { gaps: 3, days_min: 30, purchases_min: 3 }));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct LifecycleRules {
    /// Repeat from that many purchases. Default 2.
    pub repeat_purchases_min: u32,
    /// Loyal from that many purchases within the window. Default 5.
    pub loyal_purchases_min: u32,
    /// The window of Loyal in days, (t - window, t]. Default 365.
    pub loyal_window_days: u32,
    /// Churned when more than that many days passed since the last purchase. Default 180.
    pub churned_after_days: u32,
    /// What makes a customer loyal. Default: its purchases alone.
    #[serde(skip_serializing_if = "is_default")]
    pub loyal_by: LoyalBy,
    /// How long the silence is that means churn. Default: `churned_after_days` for everybody.
    #[serde(skip_serializing_if = "is_default")]
    pub churned_by: ChurnedBy,
}

fn is_default<T: Default + PartialEq>(rule: &T) -> bool {
    *rule == T::default()
}

impl Default for LifecycleRules {
    fn default() -> Self {
        Self {
            repeat_purchases_min: 2,
            loyal_purchases_min: 5,
            loyal_window_days: 365,
            churned_after_days: 180,
            loyal_by: LoyalBy::default(),
            churned_by: ChurnedBy::default(),
        }
    }
}

/// What makes a customer loyal, of those who bought and are not churned: any of these is enough.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct LoyalBy {
    /// So many purchases within the window: `loyal_purchases_min` and `loyal_window_days`. Default true.
    pub purchases: bool,
    /// One of these tiers of a loyalty programme, by the last `tier_changed`; `membership_left` ends every tier.
    /// Default none.
    pub tiers: BTreeSet<String>,
    /// A recommender: a high enough last answer to the question of the net promoter score. Default off.
    pub nps: Option<LoyalNps>,
}

impl Default for LoyalBy {
    fn default() -> Self {
        Self { purchases: true, tiers: BTreeSet::new(), nps: None }
    }
}

/// Which answer to the question of the net promoter score (NPS) makes a recommender.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct LoyalNps {
    /// The least score, of 0 to 10. Default 9, which is a promoter.
    pub score_min: i64,
    /// For how many days an answer counts, (t - days, t]. Default 365.
    pub days: u32,
    /// Only answers about this dimension count; answers about any and about none do if it is left out.
    pub dimension: Option<String>,
}

impl Default for LoyalNps {
    fn default() -> Self {
        Self { score_min: 9, days: 365, dimension: None }
    }
}

/// How long the silence is that means churn.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ChurnedBy {
    /// `churned_after_days` for everybody.
    #[default]
    Period,
    /// So many times the customer's own mean gap between purchases.
    OwnGap(OwnGap),
    /// By how often the customer has bought, as a fitted model has it; from the fewest purchases on. Below the first
    /// step `churned_after_days` counts. `SilenceModel` of `wayfold-insight` makes such steps.
    Model(Vec<ChurnStep>),
}

/// Churn by the customer's own mean gap.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OwnGap {
    /// How many gaps of silence mean churn. Default 3.
    pub gaps: u32,
    /// The least silence in days that does. Default 30.
    pub days_min: u32,
    /// From how many purchases since the last return a gap is a habit; below, `churned_after_days` counts. Default 3.
    pub purchases_min: u32,
}

impl Default for OwnGap {
    fn default() -> Self {
        Self { gaps: 3, days_min: 30, purchases_min: 3 }
    }
}

/// The silence that means churn from a number of purchases on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChurnStep {
    /// From how many purchases since the last return.
    pub purchases_min: u32,
    /// Churned when more than that many days passed since the last purchase.
    pub days: u32,
}

impl LifecycleRules {
    /// Whether more than purchases and a fixed period decide.
    pub(crate) fn looks_further(&self) -> bool {
        !is_default(&self.loyal_by) || !is_default(&self.churned_by)
    }

    pub(crate) fn horizon(&self) -> Span {
        Span::from_days(self.churned_after_days)
    }

    pub(crate) fn window(&self) -> Span {
        Span::from_days(self.loyal_window_days)
    }

    pub(super) fn validate(&self) -> Result<()> {
        let refuse = |message: &str| Err(Error::new(ErrorKind::InvalidRules, message));
        if self.repeat_purchases_min < 2 {
            return refuse(
                "lifecycle.repeat_purchases_min is below 2, so no customer could be a first-time buyer",
            );
        }
        if self.loyal_purchases_min < self.repeat_purchases_min {
            return refuse("lifecycle.loyal_purchases_min is below repeat_purchases_min");
        }
        self.loyal_by.validate()?;
        self.churned_by.validate()
    }
}

impl LoyalBy {
    fn validate(&self) -> Result<()> {
        let refuse = |message: &str| Err(Error::new(ErrorKind::InvalidRules, message));
        if !self.purchases && self.tiers.is_empty() && self.nps.is_none() {
            return refuse("lifecycle.loyal_by names nothing, so no customer could be loyal");
        }
        let Some(nps) = &self.nps else { return Ok(()) };
        if !(0..=10).contains(&nps.score_min) {
            return refuse("lifecycle.loyal_by.nps.score_min is not on the scale of 0 to 10");
        }
        if nps.days == 0 {
            return refuse("lifecycle.loyal_by.nps.days is 0, so no answer could count");
        }
        Ok(())
    }
}

impl ChurnedBy {
    fn validate(&self) -> Result<()> {
        let refuse = |message: &str| Err(Error::new(ErrorKind::InvalidRules, message));
        match self {
            Self::Period => Ok(()),
            Self::OwnGap(OwnGap { gaps: 0, .. }) => {
                refuse("lifecycle.churned_by.own_gap.gaps is 0, so a gap would not count")
            }
            Self::OwnGap(OwnGap { purchases_min: 0 | 1, .. }) => {
                refuse("lifecycle.churned_by.own_gap.purchases_min is below 2, and one purchase has no gap")
            }
            Self::OwnGap(_) => Ok(()),
            Self::Model(steps) if steps.first().is_none_or(|step| step.purchases_min == 0) => {
                refuse("lifecycle.churned_by.model has no step, or one from no purchase")
            }
            Self::Model(steps) if !steps.is_sorted_by(|a, b| a.purchases_min < b.purchases_min) => {
                refuse("lifecycle.churned_by.model has steps whose purchases_min do not rise")
            }
            Self::Model(_) => Ok(()),
        }
    }
}

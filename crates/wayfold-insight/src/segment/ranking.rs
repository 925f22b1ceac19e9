//! One customer among all: what a rule asks of a population, at scheduled instants.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use wayfold_core::Currency;

use super::parse::Parser;
use super::schedule::Schedule;
use crate::error::{Error, Result};

/// What a rule asks of a customer among all of its tenant, evaluated at the instants of a schedule; in between, who belongs
/// stands still.
///
/// | text | who belongs |
/// |---|---|
/// | `value.currencies[EUR].net in top 10% each month` | who has fewer than 10 % of the customers strictly ahead |
/// | `events in bottom 2.5% each day` | who has fewer than 2.5 % of them strictly behind |
/// | `score of events >= 4 each week` | whose score of 1 to 5 is so; 5 has most: 1 + floor(5 * customers strictly behind / N) |
/// | `rfm recency in EUR >= 4 each month in "Europe/Berlin"` | likewise by whole days since the last purchase in a currency; also `frequency` (purchases) and `monetary` (net value) |
///
/// N counts the customers of the tenant with a value as of the instant; for `rfm` those with a purchase in the currency, as
/// in [`Population::rfm`](wayfold_core::Population::rfm). **Equal values share their place**: so `top 10%` may hold more than
/// a tenth of the customers, and is not empty where any has a value. Who has no value does not belong.
///
/// [`Standings`](super::Standings) evaluates it to a [`CustomerList`](wayfold_core::CustomerList) that bears its text as name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RankRule {
    text: Arc<str>,
    pub(super) what: Ranked,
    schedule: Schedule,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Ranked {
    /// A field, and the share of those ahead in hundredths of a percent.
    Top(String, u32),
    /// A field, and the share of those behind.
    Bottom(String, u32),
    Score(String, ScoreTest),
    Rfm(RfmPart, Currency, ScoreTest),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RfmPart {
    Recency,
    Frequency,
    Monetary,
}

impl RfmPart {
    pub(super) fn from_name(name: &str) -> Option<Self> {
        [Self::Recency, Self::Frequency, Self::Monetary].into_iter().find(|part| part.name() == name)
    }

    fn name(self) -> &'static str {
        match self {
            Self::Recency => "recency",
            Self::Frequency => "frequency",
            Self::Monetary => "monetary",
        }
    }
}

/// What must hold of a score.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ScoreTest {
    Is(u64),
    AtMost(u64),
    AtLeast(u64),
}

impl ScoreTest {
    fn holds(self, score: u64) -> bool {
        match self {
            Self::Is(given) => score == given,
            Self::AtMost(given) => score <= given,
            Self::AtLeast(given) => score >= given,
        }
    }
}

impl RankRule {
    pub(super) fn new(what: Ranked, schedule: Schedule) -> Self {
        Self { text: format!("{what} {schedule}").into(), what, schedule }
    }

    /// When it is evaluated.
    pub fn schedule(&self) -> Schedule {
        self.schedule
    }

    /// The text, which is also the name of its list.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether a customer belongs with so many of all strictly behind and ahead.
    pub(super) fn holds(&self, behind: u64, ahead: u64, all: u64) -> bool {
        let is_below =
            |customers: u64, share: u32| u128::from(customers) * 10_000 < u128::from(share) * u128::from(all);
        match &self.what {
            Ranked::Top(_, share) => is_below(ahead, *share),
            Ranked::Bottom(_, share) => is_below(behind, *share),
            Ranked::Score(_, test) | Ranked::Rfm(_, _, test) => test.holds(1 + 5 * behind / all),
        }
    }
}

impl FromStr for RankRule {
    type Err = Error;

    /// Reads what a rule asks of a population.
    ///
    /// # Errors
    /// `InvalidRule` with line and column.
    fn from_str(text: &str) -> Result<Self> {
        Parser::read(text, Parser::ranking)
    }
}

impl fmt::Display for RankRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Display for Ranked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Top(field, share) => write!(f, "{field} in top {}", Percent(*share)),
            Self::Bottom(field, share) => write!(f, "{field} in bottom {}", Percent(*share)),
            Self::Score(field, test) => write!(f, "score of {field} {test}"),
            Self::Rfm(part, currency, test) => write!(f, "rfm {} in {currency} {test}", part.name()),
        }
    }
}

impl fmt::Display for ScoreTest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Is(score) => write!(f, "is {score}"),
            Self::AtMost(score) => write!(f, "<= {score}"),
            Self::AtLeast(score) => write!(f, ">= {score}"),
        }
    }
}

/// A share in hundredths of a percent.
struct Percent(u32);

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, rest) = (self.0 / 100, self.0 % 100);
        match rest {
            0 => write!(f, "{whole}%"),
            rest if rest % 10 == 0 => write!(f, "{whole}.{}%", rest / 10),
            rest => write!(f, "{whole}.{rest:02}%"),
        }
    }
}

/// Reads a share in percent as hundredths of one: above 0 and up to 100, with at most two decimals.
pub(super) fn percent(text: &str) -> Option<u32> {
    let text = text.strip_suffix('%')?;
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let fits = (1..=3).contains(&whole.len()) && decimals.len() <= 2;
    if !fits || !is_number(whole) || !is_number(decimals) {
        return None;
    }
    let share: u32 = format!("{whole}{decimals:0<2}").parse().ok()?;
    (1..=10_000).contains(&share).then_some(share)
}

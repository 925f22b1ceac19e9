use serde::{Deserialize, Serialize};
use wayfold_core::{Currency, MoneySum, Span};

use crate::error::{Error, ErrorKind, Result};

/// When a customer bought, as far as the models look at it: x repeat transactions, recency t_x and age T.
///
/// ```
/// use wayfold_core::Span;
/// use wayfold_insight::{BuyingHistory, TimeUnit};
///
/// // First bought 272 days ago, twice since then, and last on day 213.
/// let history = BuyingHistory::new(2, Span::from_days(213), Span::from_days(272))?;
/// assert_eq!(history.silence(), Span::from_days(59));
/// assert_eq!(TimeUnit::Week.count(history.recency()), 213.0 / 7.0);
/// # Ok::<(), wayfold_insight::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "UncheckedBuying")]
pub struct BuyingHistory {
    repeats: u32,
    recency: Span,
    age: Span,
}

impl BuyingHistory {
    /// A customer who has just bought for the first time.
    pub const NEW: Self = Self { repeats: 0, recency: Span::ZERO, age: Span::ZERO };

    /// Takes the transactions after the first, the time from the first to the last, and from the first to the instant
    /// of the question.
    ///
    /// # Errors
    /// `InvalidHistory` if the last transaction is later than the instant, or repeats and recency contradict each
    /// other: without a repeat the recency is zero, with one it is not.
    pub fn new(repeats: u32, recency: Span, age: Span) -> Result<Self> {
        if recency > age {
            return Err(invalid(format_args!("recency {recency:?} exceeds age {age:?}")));
        }
        if recency < Span::ZERO || (recency == Span::ZERO) != (repeats == 0) {
            return Err(invalid(format_args!("{repeats} repeats with a recency of {recency:?}")));
        }
        Ok(Self { repeats, recency, age })
    }

    /// Transactions after the first: x.
    pub const fn repeats(&self) -> u32 {
        self.repeats
    }

    /// From the first transaction to the last: t_x.
    pub const fn recency(&self) -> Span {
        self.recency
    }

    /// From the first transaction to the instant of the question: T.
    pub const fn age(&self) -> Span {
        self.age
    }

    /// From the last transaction to the instant of the question.
    pub const fn silence(&self) -> Span {
        Span::from_micros(self.age.as_micros() - self.recency.as_micros())
    }
}

/// What a customer spent on its repeat transactions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SpendHistory {
    repeats: u32,
    ten_thousandths: i128,
    currency: Currency,
}

impl SpendHistory {
    /// Takes the transactions after the first and what was spent on all of them together.
    ///
    /// # Errors
    /// `InvalidHistory` if money was spent on no transaction, or less than nothing.
    pub fn new(repeats: u32, total: MoneySum) -> Result<Self> {
        let (ten_thousandths, currency) = (total.as_ten_thousandths(), total.currency());
        if ten_thousandths < 0 || (repeats == 0 && ten_thousandths != 0) {
            return Err(invalid(format_args!("{total} spent on {repeats} repeats")));
        }
        Ok(Self { repeats, ten_thousandths, currency })
    }

    /// Transactions after the first: x.
    pub const fn repeats(&self) -> u32 {
        self.repeats
    }

    /// The currency.
    pub const fn currency(&self) -> Currency {
        self.currency
    }

    /// What was spent on all repeats together, in units of the currency.
    pub fn total(&self) -> f64 {
        self.ten_thousandths as f64 / 10_000.0
    }
}

fn invalid(message: std::fmt::Arguments<'_>) -> Error {
    Error::new(ErrorKind::InvalidHistory, message)
}

/// A history from outside.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UncheckedBuying {
    repeats: u32,
    recency: Span,
    age: Span,
}

impl TryFrom<UncheckedBuying> for BuyingHistory {
    type Error = Error;

    fn try_from(unchecked: UncheckedBuying) -> Result<Self> {
        Self::new(unchecked.repeats, unchecked.recency, unchecked.age)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn histories_that_contradict_themselves_are_refused() {
        let day = Span::from_days;
        for (repeats, recency, age) in [
            (1, day(3), day(2)),
            (1, day(0), day(2)),
            (0, day(1), day(2)),
            (1, Span::from_micros(-1), day(2)),
            (0, day(0), Span::from_micros(-1)),
        ] {
            let error = BuyingHistory::new(repeats, recency, age).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidHistory, "{repeats} {recency:?} {age:?}");
        }
        assert_eq!(BuyingHistory::new(0, day(0), day(0)), Ok(BuyingHistory::NEW));
    }

    #[test]
    fn spending_that_contradicts_itself_is_refused() {
        for (repeats, total) in [(0, 1), (2, -1)] {
            assert!(SpendHistory::new(repeats, MoneySum::new(total, Currency::USD)).is_err());
        }
    }
}

use wayfold_core::Span;

use super::beta_geometric::BetaGeometric;
use crate::history::BuyingHistory;

/// BG/NBD: customers buy at random at a rate of their own, and may leave after each repeat purchase.
///
/// Rates are gamma distributed (`r`, `alpha`), chances to leave beta distributed (`a`, `b`). Fader, Hardie and Lee
/// (2005), "Counting your customers" the easy way: an alternative to the Pareto/NBD model, Marketing Science 24(2);
/// for the expectation Fader and Hardie, note 004. Its forecasts of purchases are good; it is no
/// [`ChurnModel`](crate::ChurnModel).
///
/// ```
/// use wayfold_core::Span;
/// use wayfold_insight::{BgNbd, BuyingHistory, TimeUnit, TransactionModel};
///
/// // The parameters of the paper, and its customer: two repeats, the last after 30.43 of 38.86 weeks.
/// let model = BgNbd::new(TimeUnit::Week, 0.243, 4.414, 0.793, 2.426)?;
/// let history = BuyingHistory::new(2, Span::from_days(213), Span::from_days(272))?;
/// let expected = model.expected_purchases(&history, Span::from_days(39 * 7));
/// assert!((expected - 1.226).abs() < 0.001);
/// # Ok::<(), wayfold_insight::Error>(())
/// ```
pub type BgNbd = BetaGeometric<0>;

impl BgNbd {
    /// The probability that a customer who has bought again has not left; `None` for who bought once.
    ///
    /// The model lets nobody leave before a repeat purchase, so that it says nothing about those who bought once: they
    /// would count as there for ever. Take a [`ChurnModel`](crate::ChurnModel) to tell who has left.
    pub fn probability_alive_after_repeat(&self, history: &BuyingHistory) -> Option<f64> {
        (history.repeats() > 0).then(|| self.formula().alive(&self.counted(history)))
    }

    /// The probability that somebody who buys for the first time now buys so many times more within a time.
    pub fn probability_of_purchases(&self, purchases: u32, within: Span) -> f64 {
        self.formula().probability_of(purchases, self.unit().count(within).max(0.0))
    }
}

use serde::{Deserialize, Serialize};
use wayfold_core::Span;

use super::beta_geometric::{BetaGeometric, BetaGeometricLikelihood};
use super::fitted::{FitReport, Fitted};
use super::parameter::Parameter;
use super::{Counted, Observed, TransactionModel};
use crate::cells::Cells;
use crate::error::Result;
use crate::history::BuyingHistory;
use crate::numeric::{Likelihood, maximise};
use crate::unit::TimeUnit;

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
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BgNbd {
    unit: TimeUnit,
    r: Parameter,
    alpha: Parameter,
    a: Parameter,
    b: Parameter,
}

impl BgNbd {
    /// Takes parameters: `r` and `alpha` of the rates of buying, with `alpha` in `unit`, `a` and `b` of the coins.
    ///
    /// # Errors
    /// `InvalidParameter` unless all are finite and above zero.
    pub fn new(unit: TimeUnit, r: f64, alpha: f64, a: f64, b: f64) -> Result<Self> {
        Ok(Self {
            unit,
            r: Parameter::new("r", r)?,
            alpha: Parameter::new("alpha", alpha)?,
            a: Parameter::new("a", a)?,
            b: Parameter::new("b", b)?,
        })
    }

    /// Finds the parameters of the largest likelihood.
    ///
    /// # Errors
    /// `TooLittleData` if nobody has bought again or there are fewer than five different histories; `NotIdentified` if
    /// the data do not determine a parameter; `NotConverged` if the optimiser came to no end.
    pub fn fit(cells: &Cells<BuyingHistory>, unit: TimeUnit) -> Result<Fitted<Self>> {
        type OfCells = BetaGeometricLikelihood<0>;
        let observed = Observed::new(OfCells::MODEL, cells, unit)?;
        let start = BetaGeometric::start(&observed);
        let maximum = maximise(&BetaGeometricLikelihood::<0>(observed), start)?;
        let [r, alpha, a, b] = maximum.parameters.map(Parameter::found);
        let report = FitReport::of_cells(cells, OfCells::NAMES, &maximum);
        Ok(Fitted { model: Self { unit, r, alpha, a, b }, report })
    }

    /// The unit of `alpha`.
    pub const fn unit(&self) -> TimeUnit {
        self.unit
    }

    /// r, alpha, a, b.
    pub const fn parameters(&self) -> [f64; 4] {
        [self.r.get(), self.alpha.get(), self.a.get(), self.b.get()]
    }

    /// The probability that a customer who has bought again has not left; `None` for who bought once.
    ///
    /// The model lets nobody leave before a repeat purchase, so that it says nothing about those who bought once: they
    /// would count as there for ever. Take a [`ChurnModel`](crate::ChurnModel) to tell who has left.
    pub fn probability_alive_after_repeat(&self, history: &BuyingHistory) -> Option<f64> {
        (history.repeats() > 0).then(|| self.shared().alive(&Counted::one(history, self.unit)))
    }

    /// The probability that somebody who buys for the first time now buys so many times more within a time.
    pub fn probability_of_purchases(&self, purchases: u32, within: Span) -> f64 {
        self.shared().probability_of(purchases, self.unit.count(within).max(0.0))
    }

    fn shared(&self) -> BetaGeometric {
        let [r, alpha, a, b] = self.parameters();
        BetaGeometric { r, alpha, a, b, first_throws: 0.0 }
    }
}

impl TransactionModel for BgNbd {
    fn name(&self) -> &'static str {
        "bg_nbd"
    }

    fn expected_purchases(&self, history: &BuyingHistory, within: Span) -> f64 {
        self.shared().expected(&Counted::one(history, self.unit), self.unit.count(within))
    }

    fn log_likelihood(&self, history: &BuyingHistory) -> f64 {
        self.shared().log_likelihood(&Counted::one(history, self.unit))
    }
}

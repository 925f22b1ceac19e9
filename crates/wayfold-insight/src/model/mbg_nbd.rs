use serde::{Deserialize, Serialize};
use wayfold_core::Span;

use super::beta_geometric::{BetaGeometric, BetaGeometricLikelihood};
use super::fitted::{FitReport, Fitted};
use super::parameter::Parameter;
use super::{ChurnModel, Counted, Observed, TransactionModel};
use crate::cells::Cells;
use crate::error::Result;
use crate::history::BuyingHistory;
use crate::numeric::{Likelihood, maximise};
use crate::unit::TimeUnit;

/// MBG/NBD: as [`BgNbd`](crate::BgNbd), but a customer may also leave right after the first purchase.
///
/// Batislam, Denizel and Filiztekin (2007), Empirical validation and comparison of models for customer base analysis,
/// International Journal of Research in Marketing 24(3); Hoppe and Wagner (2007) for the expectation.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MbgNbd {
    unit: TimeUnit,
    r: Parameter,
    alpha: Parameter,
    a: Parameter,
    b: Parameter,
}

impl MbgNbd {
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
        type OfCells = BetaGeometricLikelihood<1>;
        let observed = Observed::new(OfCells::MODEL, cells, unit)?;
        let start = BetaGeometric::start(&observed);
        let maximum = maximise(&BetaGeometricLikelihood::<1>(observed), start)?;
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

    fn shared(&self) -> BetaGeometric {
        let [r, alpha, a, b] = self.parameters();
        BetaGeometric { r, alpha, a, b, first_throws: 1.0 }
    }
}

impl TransactionModel for MbgNbd {
    fn name(&self) -> &'static str {
        "mbg_nbd"
    }

    fn expected_purchases(&self, history: &BuyingHistory, within: Span) -> f64 {
        self.shared().expected(&Counted::one(history, self.unit), self.unit.count(within))
    }

    fn log_likelihood(&self, history: &BuyingHistory) -> f64 {
        self.shared().log_likelihood(&Counted::one(history, self.unit))
    }
}

impl ChurnModel for MbgNbd {
    fn probability_alive(&self, history: &BuyingHistory) -> f64 {
        self.shared().alive(&Counted::one(history, self.unit))
    }
}

use serde::{Deserialize, Serialize};
use wayfold_core::Span;

use self::formula::Formula;
use super::fitted::{FitReport, Fitted};
use super::parameter::Parameter;
use super::{ChurnModel, Counted, Observed, TransactionModel};
use crate::cells::Cells;
use crate::discount::DiscountRate;
use crate::error::Result;
use crate::history::BuyingHistory;
use crate::numeric::{Likelihood, maximise};
use crate::unit::TimeUnit;

mod formula;

/// Pareto/NBD: customers buy at random at a rate of their own, and leave after a random lifetime, also silently.
///
/// Rates of buying are gamma distributed (`r`, `alpha`), rates of leaving too (`s`, `beta`). Schmittlein, Morrison and
/// Colombo (1987), Counting your customers, Management Science 33(1); Fader and Hardie (2005), A note on deriving the
/// Pareto/NBD model, and their note on residual transactions.
///
/// ```
/// use wayfold_core::Span;
/// use wayfold_insight::{BuyingHistory, ChurnModel, ParetoNbd, TimeUnit, TransactionModel};
///
/// let model = ParetoNbd::new(TimeUnit::Week, 0.553, 10.578, 0.606, 11.669)?;
/// let history = BuyingHistory::new(2, Span::from_days(213), Span::from_days(272))?;
/// assert!((model.probability_alive(&history) - 0.869).abs() < 0.001);
/// assert!((model.expected_purchases(&history, Span::from_days(39 * 7)) - 1.455).abs() < 0.001);
/// # Ok::<(), wayfold_insight::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ParetoNbd {
    unit: TimeUnit,
    r: Parameter,
    alpha: Parameter,
    s: Parameter,
    beta: Parameter,
}

impl ParetoNbd {
    /// Takes parameters: `r` and `alpha` of the rates of buying, `s` and `beta` of those of leaving, with `alpha` and
    /// `beta` in `unit`.
    ///
    /// # Errors
    /// `InvalidParameter` unless all are from 1e-6 to 1e9.
    pub fn new(unit: TimeUnit, r: f64, alpha: f64, s: f64, beta: f64) -> Result<Self> {
        Ok(Self {
            unit,
            r: Parameter::new("r", r)?,
            alpha: Parameter::new("alpha", alpha)?,
            s: Parameter::new("s", s)?,
            beta: Parameter::new("beta", beta)?,
        })
    }

    /// Finds the parameters of the largest likelihood.
    ///
    /// # Errors
    /// `TooLittleData` if nobody has bought again or there are fewer than five different histories; `NotIdentified` if
    /// the data do not determine a parameter; `NotConverged` if the optimiser came to no end.
    pub fn fit(cells: &Cells<BuyingHistory>, unit: TimeUnit) -> Result<Fitted<Self>> {
        let observed = Observed::new(Observed::MODEL, cells, unit)?;
        let start = [0.5, 0.25 * observed.age_mean, 0.5, 0.25 * observed.age_mean];
        let maximum = maximise(&observed, start)?;
        let [r, alpha, s, beta] = maximum.parameters;
        let report = FitReport::of_cells(cells, Observed::NAMES, &maximum);
        Ok(Fitted { model: Self::new(unit, r, alpha, s, beta)?, report })
    }

    /// The unit of `alpha` and `beta`.
    pub const fn unit(&self) -> TimeUnit {
        self.unit
    }

    /// r, alpha, s, beta.
    pub const fn parameters(&self) -> [f64; 4] {
        [self.r.get(), self.alpha.get(), self.s.get(), self.beta.get()]
    }

    /// Discounted expected residual transactions: all purchases from now on, each worth the less the later it comes.
    pub fn discounted_residual(&self, history: &BuyingHistory, rate: DiscountRate) -> f64 {
        self.formula().residual(&Counted::one(history, self.unit), rate.continuous(self.unit))
    }

    fn formula(&self) -> Formula {
        let [r, alpha, s, beta] = self.parameters();
        Formula { r, alpha, s, beta }
    }
}

impl TransactionModel for ParetoNbd {
    fn name(&self) -> &'static str {
        "pareto_nbd"
    }

    fn expected_purchases(&self, history: &BuyingHistory, within: Span) -> f64 {
        self.formula().expected(&Counted::one(history, self.unit), self.unit.count(within).max(0.0))
    }

    fn log_likelihood(&self, history: &BuyingHistory) -> f64 {
        self.formula().log_likelihood(&Counted::one(history, self.unit))
    }
}

impl ChurnModel for ParetoNbd {
    fn probability_alive(&self, history: &BuyingHistory) -> f64 {
        self.formula().alive(&Counted::one(history, self.unit))
    }
}

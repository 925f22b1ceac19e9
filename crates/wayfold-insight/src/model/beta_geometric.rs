//! What BG/NBD and MBG/NBD share, which is nearly everything.

mod formula;

use hashbrown::HashMap;
use serde::{Deserialize, Serialize};
use wayfold_core::Span;

use self::formula::{Formula, FormulaOfCells};
use super::fitted::{FitReport, Fitted};
use super::parameter::Parameter;
use super::{Counted, Observed, TransactionModel};
use crate::cells::Cells;
use crate::error::Result;
use crate::history::BuyingHistory;
use crate::numeric::{Likelihood, maximise};
use crate::unit::TimeUnit;

/// BG/NBD with `FIRST_THROWS` 0, MBG/NBD with 1: how often the first purchase may make a customer leave.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BetaGeometric<const FIRST_THROWS: u8> {
    unit: TimeUnit,
    r: Parameter,
    alpha: Parameter,
    a: Parameter,
    b: Parameter,
}

impl<const FIRST_THROWS: u8> BetaGeometric<FIRST_THROWS> {
    /// Takes parameters: `r` and `alpha` of the rates of buying, with `alpha` in `unit`, `a` and `b` of the coins.
    ///
    /// # Errors
    /// `InvalidParameter` unless all are from 1e-6 to 1e9.
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
        let observed = Observed::new(FormulaOfCells::<FIRST_THROWS>::MODEL, cells, unit)?;
        let start = Formula::start(&observed);
        let maximum = maximise(&FormulaOfCells::<FIRST_THROWS>(observed), start)?;
        let [r, alpha, a, b] = maximum.parameters;
        let report = FitReport::of_cells(cells, FormulaOfCells::<FIRST_THROWS>::NAMES, &maximum);
        Ok(Fitted { model: Self::new(unit, r, alpha, a, b)?, report })
    }

    /// The unit of `alpha`.
    pub const fn unit(&self) -> TimeUnit {
        self.unit
    }

    /// r, alpha, a, b.
    pub const fn parameters(&self) -> [f64; 4] {
        [self.r.get(), self.alpha.get(), self.a.get(), self.b.get()]
    }

    pub(super) fn formula(&self) -> Formula {
        let [r, alpha, a, b] = self.parameters();
        Formula { r, alpha, a, b, first_throws: f64::from(FIRST_THROWS) }
    }

    pub(super) fn counted(&self, history: &BuyingHistory) -> Counted {
        Counted::one(history, self.unit)
    }
}

impl<const FIRST_THROWS: u8> TransactionModel for BetaGeometric<FIRST_THROWS> {
    fn name(&self) -> &'static str {
        if FIRST_THROWS == 0 { "bg_nbd" } else { "mbg_nbd" }
    }

    fn expected_purchases(&self, history: &BuyingHistory, within: Span) -> f64 {
        let (formula, counted, within) = (self.formula(), self.counted(history), self.unit.count(within));
        formula.expected(&counted, within, || formula.expected_if_alive(&counted, within))
    }

    /// What is expected of who is there depends on repeats and age alone, and is computed once for all who have them.
    fn expected_purchases_of_all(&self, histories: &[BuyingHistory], within: Span) -> Vec<f64> {
        let (formula, within) = (self.formula(), self.unit.count(within));
        let mut known: HashMap<(u32, Span), f64> = HashMap::new();
        let one = |history: &BuyingHistory| {
            let counted = self.counted(history);
            formula.expected(&counted, within, || {
                let here = known.entry((history.repeats(), history.age()));
                *here.or_insert_with(|| formula.expected_if_alive(&counted, within))
            })
        };
        histories.iter().map(one).collect()
    }

    fn log_likelihood(&self, history: &BuyingHistory) -> f64 {
        self.formula().log_likelihood(&self.counted(history))
    }
}

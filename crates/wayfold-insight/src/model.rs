//! Models of what customers are worth, one a file, and what they share.

mod beta_geometric;
mod bg_nbd;
mod fitted;
mod gamma_gamma;
mod mbg_nbd;
mod parameter;
mod pareto_nbd;
mod shifted_beta_geometric;

use wayfold_core::Span;

pub use self::bg_nbd::BgNbd;
pub use self::fitted::{Estimate, FitReport, Fitted};
pub use self::gamma_gamma::GammaGamma;
pub use self::mbg_nbd::MbgNbd;
pub use self::pareto_nbd::ParetoNbd;
pub use self::shifted_beta_geometric::{Renewals, ShiftedBetaGeometric};
use crate::cells::Cells;
use crate::error::{Error, ErrorKind, Result};
use crate::history::BuyingHistory;
use crate::unit::TimeUnit;

/// A model of when customers buy again and whether they are still there, outside of a contract.
pub trait TransactionModel {
    /// The model's name, such as `pareto_nbd`.
    fn name(&self) -> &'static str;

    /// How many transactions are to be expected of a customer within a time from now, where now is the instant that its
    /// history ends at. A time below zero counts as none.
    ///
    /// For somebody who buys for the first time now, ask with [`BuyingHistory::NEW`]; the first purchase is not counted.
    fn expected_purchases(&self, history: &BuyingHistory, within: Span) -> f64;

    /// The same of many customers, in their order, with the same bits: in less time where a model can share work between
    /// customers who are alike.
    fn expected_purchases_of_all(&self, histories: &[BuyingHistory], within: Span) -> Vec<f64> {
        histories.iter().map(|history| self.expected_purchases(history, within)).collect()
    }

    /// The logarithm of the likelihood of one customer's history, with time in the model's unit.
    fn log_likelihood(&self, history: &BuyingHistory) -> f64;
}

/// A model that can tell, also of a customer who bought once, how likely it is still there.
///
/// BG/NBD is none: a customer can leave there only right after a repeat purchase, so that everybody who has bought once
/// counts as there for ever. Ranking by that is worse than by chance (AUC .316 in the holdout of the CDNOW sample,
/// where days since the last purchase alone have .771).
pub trait ChurnModel: TransactionModel {
    /// The probability that a customer has not left for good by the instant its history ends at.
    fn probability_alive(&self, history: &BuyingHistory) -> f64;
}

/// A cell in the unit of a fit.
#[derive(Debug, Clone, Copy)]
struct Counted {
    repeats: f64,
    recency: f64,
    age: f64,
    customers: f64,
}

impl Counted {
    fn of(history: &BuyingHistory, customers: u64, unit: TimeUnit) -> Self {
        Self {
            repeats: f64::from(history.repeats()),
            recency: unit.count(history.recency()),
            age: unit.count(history.age()),
            customers: customers as f64,
        }
    }

    /// One customer.
    fn one(history: &BuyingHistory, unit: TimeUnit) -> Self {
        Self::of(history, 1, unit)
    }
}

/// Cells ready to be fitted: in order, so that those of equal repeats stand together.
#[derive(Debug)]
struct Observed {
    cells: Vec<Counted>,
    age_mean: f64,
}

impl Observed {
    /// Takes cells from which a model of repeat purchases can be fitted.
    fn new(model: &str, cells: &Cells<BuyingHistory>, unit: TimeUnit) -> Result<Self> {
        let refuse =
            |reason: &str| Err(Error::new(ErrorKind::TooLittleData, format_args!("{model}: {reason}")));
        if cells.is_empty() {
            return refuse("there are no customers");
        }
        if cells.iter().all(|(history, _)| history.repeats() == 0) {
            return refuse("no customer has bought again");
        }
        if cells.len() < 5 {
            return refuse("fewer than five different histories do not determine four parameters");
        }
        let cells: Vec<_> =
            cells.iter().map(|(history, customers)| Counted::of(history, customers, unit)).collect();
        let customers: f64 = cells.iter().map(|cell| cell.customers).sum();
        let age_mean = cells.iter().map(|cell| cell.customers * cell.age).sum::<f64>() / customers;
        Ok(Self { cells, age_mean })
    }
}

/// Cells in their order by number of repeats.
fn by_repeats(cells: &[Counted]) -> impl Iterator<Item = (f64, &[Counted])> {
    cells.chunk_by(|a, b| a.repeats == b.repeats).map(|cells| (cells[0].repeats, cells))
}

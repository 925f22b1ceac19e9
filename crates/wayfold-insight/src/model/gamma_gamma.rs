use libm::log;
use serde::{Deserialize, Serialize};
use wayfold_core::Currency;

use super::fitted::{FitReport, Fitted};
use super::parameter::Parameter;
use crate::cells::Cells;
use crate::error::{Error, ErrorKind, Result};
use crate::history::SpendHistory;
use crate::numeric::{Jet, Likelihood, maximise};

/// Gamma-Gamma: what customers spend on a transaction varies around a mean of their own, whatever their rate of buying.
///
/// Fader and Hardie (2013), The gamma-gamma model of monetary value, note 025. Money is in units of the currency, such
/// as dollars.
///
/// ```
/// use wayfold_core::{Currency, MoneySum};
/// use wayfold_insight::{GammaGamma, SpendHistory};
///
/// let model = GammaGamma::new(Currency::USD, 6.25, 3.74, 15.44)?;
/// // Two repeats for 44.70 dollars: 22.35 each, drawn towards what others spend.
/// let history = SpendHistory::new(2, MoneySum::new(447_000, Currency::USD))?;
/// assert!((model.expected_spend(&history)? - 24.66).abs() < 0.01);
/// # Ok::<(), wayfold_insight::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GammaGamma {
    currency: Currency,
    p: Parameter,
    q: Parameter,
    gamma: Parameter,
}

impl GammaGamma {
    /// Takes parameters, with `gamma` in units of the currency.
    ///
    /// # Errors
    /// `InvalidParameter` unless all are from 1e-6 to 1e9.
    pub fn new(currency: Currency, p: f64, q: f64, gamma: f64) -> Result<Self> {
        Ok(Self {
            currency,
            p: Parameter::new("p", p)?,
            q: Parameter::new("q", q)?,
            gamma: Parameter::new("gamma", gamma)?,
        })
    }

    /// Finds the parameters of the largest likelihood over the customers who spent something on a repeat; others say
    /// nothing here and are not counted in the report.
    ///
    /// # Errors
    /// `Mismatch` if a history is in another currency; `TooLittleData` if fewer than four different histories remain;
    /// `NotIdentified` if the data do not determine a parameter; `NotConverged` if the optimiser came to no end.
    pub fn fit(cells: &Cells<SpendHistory>, currency: Currency) -> Result<Fitted<Self>> {
        let mut spent = Cells::default();
        for (history, customers) in cells.iter() {
            same_currency(currency, history)?;
            if history.total() > 0.0 {
                spent.add(*history, customers);
            }
        }
        if spent.len() < 4 {
            let message = "Gamma-Gamma: fewer than four different histories of spending do not determine three parameters";
            return Err(Error::new(ErrorKind::TooLittleData, message));
        }
        let observed = Observed::new(&spent);
        let mean = observed.mean();
        let maximum = maximise(&observed, [3.0, 3.0, mean * 2.0 / 3.0])?;
        let [p, q, gamma] = maximum.parameters;
        let report = FitReport::of_cells(&spent, Observed::NAMES, &maximum);
        Ok(Fitted { model: Self::new(currency, p, q, gamma)?, report })
    }

    /// The currency of `gamma` and of what is expected.
    pub const fn currency(&self) -> Currency {
        self.currency
    }

    /// p, q, gamma.
    pub const fn parameters(&self) -> [f64; 3] {
        [self.p.get(), self.q.get(), self.gamma.get()]
    }

    /// The mean that a customer's transactions are to be expected to have, in units of the currency.
    ///
    /// Without a repeat it is the mean over all customers.
    ///
    /// # Errors
    /// `Mismatch` if the history is in another currency; `InvalidParameter` if the parameters have no mean, which is so
    /// for q of at most 1 and a customer without repeats.
    pub fn expected_spend(&self, history: &SpendHistory) -> Result<f64> {
        same_currency(self.currency, history)?;
        let [p, q, gamma] = self.parameters();
        let weight = p * f64::from(history.repeats()) + q - 1.0;
        if weight <= 0.0 {
            let message = format_args!("Gamma-Gamma with q = {q} has no mean for a customer without repeats");
            return Err(Error::new(ErrorKind::InvalidParameter, message));
        }
        Ok(p * (gamma + history.total()) / weight)
    }
}

fn same_currency(currency: Currency, history: &SpendHistory) -> Result<()> {
    if history.currency() == currency {
        return Ok(());
    }
    let message =
        format_args!("Gamma-Gamma: a history is in {}, the model in {currency}", history.currency());
    Err(Error::new(ErrorKind::Mismatch, message))
}

/// A cell in units of the currency.
#[derive(Debug)]
struct Counted {
    repeats: f64,
    total: f64,
    customers: f64,
}

/// Cells of those who spent, in order, so that those of equal repeats stand together.
#[derive(Debug)]
struct Observed(Vec<Counted>);

impl Observed {
    fn new(cells: &Cells<SpendHistory>) -> Self {
        let counted = cells.iter().map(|(history, customers)| Counted {
            repeats: f64::from(history.repeats()),
            total: history.total(),
            customers: customers as f64,
        });
        Self(counted.collect())
    }

    /// What a repeat costs on average.
    fn mean(&self) -> f64 {
        let sum = |of: fn(&Counted) -> f64| self.0.iter().map(|cell| cell.customers * of(cell)).sum::<f64>();
        sum(|cell| cell.total) / sum(|cell| cell.repeats)
    }
}

impl Likelihood<3> for Observed {
    const MODEL: &'static str = "Gamma-Gamma";
    const NAMES: [&'static str; 3] = ["p", "q", "gamma"];

    fn evaluate(&self, parameters: [f64; 3]) -> Jet<3> {
        let [p, q, gamma] = Jet::variables(parameters);
        let of_all = q * gamma.ln() - q.ln_gamma();
        let mut sum = Jet::ZERO;
        for cells in self.0.chunk_by(|a, b| a.repeats == b.repeats) {
            let repeats = cells[0].repeats;
            let px = p * repeats;
            let of_group = of_all + (px + q).ln_gamma() - px.ln_gamma() + px * log(repeats);
            for cell in cells {
                let ln_mean = log(cell.total / repeats);
                let of_cell = px * ln_mean + -ln_mean - (px + q) * (gamma + cell.total).ln();
                sum += (of_group + of_cell) * cell.customers;
            }
        }
        sum
    }
}

#[cfg(test)]
mod tests {
    use wayfold_core::MoneySum;

    use super::*;

    #[test]
    fn another_currency_is_refused_in_fit_and_prediction() {
        let euros = SpendHistory::new(1, MoneySum::new(100, Currency::EUR)).unwrap();
        let model = GammaGamma::new(Currency::USD, 6.25, 3.74, 15.44).unwrap();
        assert_eq!(model.expected_spend(&euros).unwrap_err().kind(), ErrorKind::Mismatch);
        let cells = Cells::from_iter([euros]);
        assert_eq!(GammaGamma::fit(&cells, Currency::USD).unwrap_err().kind(), ErrorKind::Mismatch);
    }

    #[test]
    fn a_mean_that_does_not_exist_is_refused() {
        let model = GammaGamma::new(Currency::USD, 2.0, 1.0, 15.0).unwrap();
        let once = SpendHistory::new(0, MoneySum::new(0, Currency::USD)).unwrap();
        assert_eq!(model.expected_spend(&once).unwrap_err().kind(), ErrorKind::InvalidParameter);
        let twice = SpendHistory::new(1, MoneySum::new(100_000, Currency::USD)).unwrap();
        assert_eq!(model.expected_spend(&twice), Ok(25.0));
    }
}

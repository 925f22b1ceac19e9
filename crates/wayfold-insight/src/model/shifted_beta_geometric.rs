use serde::{Deserialize, Serialize};

use super::fitted::{FitReport, Fitted};
use super::parameter::Parameter;
use crate::error::{Error, ErrorKind, Result};
use crate::numeric::{Jet, Likelihood, maximise};

/// How many customers of a cohort were there at the beginning of each period of their contract: all of them first,
/// then those who have renewed once, twice and so on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<u64>", into = "Vec<u64>")]
pub struct Renewals(Vec<u64>);

impl Renewals {
    /// Takes the numbers.
    ///
    /// # Errors
    /// `InvalidHistory` if a number is higher than the one before it.
    pub fn new(there: Vec<u64>) -> Result<Self> {
        match there.windows(2).position(|pair| pair[1] > pair[0]) {
            None => Ok(Self(there)),
            Some(place) => {
                let (before, after) = (there[place], there[place + 1]);
                let message =
                    format_args!("of {before} customers {after} renewed for the {}. time", place + 1);
                Err(Error::new(ErrorKind::InvalidHistory, message))
            }
        }
    }

    /// Who left and who stayed at the end of each period.
    fn decisions(&self) -> impl Iterator<Item = (f64, f64)> {
        self.0.windows(2).map(|pair| ((pair[0] - pair[1]) as f64, pair[1] as f64))
    }
}

impl TryFrom<Vec<u64>> for Renewals {
    type Error = Error;

    fn try_from(there: Vec<u64>) -> Result<Self> {
        Self::new(there)
    }
}

impl From<Renewals> for Vec<u64> {
    fn from(renewals: Renewals) -> Self {
        renewals.0
    }
}

/// Shifted beta-geometric: customers under contract leave at the end of a period with a chance of their own.
///
/// Chances to leave are beta distributed (`a`, `b`). Those who leave easily leave first, so that the share that renews
/// rises with time. Fader and Hardie (2007), How to project customer retention, Journal of Interactive Marketing 21(1).
///
/// ```
/// use wayfold_insight::{Renewals, ShiftedBetaGeometric};
///
/// // Of 1,000 customers so many were there after each year.
/// let renewals = Renewals::new(vec![1000, 869, 743, 653, 593, 551, 517, 491])?;
/// let fitted = ShiftedBetaGeometric::fit(&renewals)?;
/// assert!((fitted.model.survival(12) - 0.378).abs() < 0.001);
/// assert!(fitted.model.retention(8) > fitted.model.retention(1));
/// # Ok::<(), wayfold_insight::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShiftedBetaGeometric {
    a: Parameter,
    b: Parameter,
}

impl ShiftedBetaGeometric {
    /// Takes parameters.
    ///
    /// # Errors
    /// `InvalidParameter` unless both are from 1e-6 to 1e9.
    pub fn new(a: f64, b: f64) -> Result<Self> {
        Ok(Self { a: Parameter::new("a", a)?, b: Parameter::new("b", b)? })
    }

    /// Finds the parameters of the largest likelihood. In the report, cells are the periods that ended.
    ///
    /// # Errors
    /// `TooLittleData` if fewer than two periods ended with customers there, or nobody left or nobody stayed;
    /// `NotIdentified` if the share that renews does not rise with time; `NotConverged` if the optimiser came to no end.
    pub fn fit(renewals: &Renewals) -> Result<Fitted<Self>> {
        let refuse = |reason: &str| {
            Err(Error::new(ErrorKind::TooLittleData, format_args!("{}: {reason}", Renewals::MODEL)))
        };
        let periods = renewals.decisions().filter(|(left, stayed)| left + stayed > 0.0).count();
        if periods < 2 {
            return refuse("fewer than two periods have ended");
        }
        if renewals.decisions().all(|(left, _)| left == 0.0) {
            return refuse("nobody has left");
        }
        if renewals.decisions().all(|(_, stayed)| stayed == 0.0) {
            return refuse("nobody has renewed");
        }
        let maximum = maximise(renewals, [1.0, 1.0])?;
        let [a, b] = maximum.parameters;
        let (customers, cells) = (renewals.0[0], periods as u64);
        let report = FitReport::new(customers, cells, Renewals::NAMES, &maximum);
        Ok(Fitted { model: Self::new(a, b)?, report })
    }

    /// a, b.
    pub const fn parameters(&self) -> [f64; 2] {
        [self.a.get(), self.b.get()]
    }

    /// The share of those there in a period who renew at its end; the first period is 1.
    pub fn retention(&self, period: u32) -> f64 {
        let [a, b] = self.parameters();
        let before = f64::from(period.max(1) - 1);
        (b + before) / (a + b + before)
    }

    /// The share of all customers who renew at least so many times.
    pub fn survival(&self, renewals: u32) -> f64 {
        (1..=renewals).map(|period| self.retention(period)).product()
    }

    /// The renewals to be expected of a customer who has renewed so many times already, over so many decisions from the
    /// next one on; the next one counts in full, and each later one less by a rate a period, such as `0.1`.
    ///
    /// # Errors
    /// `InvalidParameter` unless the rate is finite and not below zero.
    pub fn discounted_renewals(&self, renewed: u32, periods: u32, rate: f64) -> Result<f64> {
        if !(rate >= 0.0 && rate.is_finite()) {
            let message = format_args!("a discount of {rate} a period; it must be finite and not below zero");
            return Err(Error::new(ErrorKind::InvalidParameter, message));
        }
        let (mut sum, mut worth) = (0.0, 1.0);
        for period in 1..=periods {
            worth *= self.retention(renewed.saturating_add(period));
            sum += worth;
            worth /= 1.0 + rate;
        }
        Ok(sum)
    }
}

impl Likelihood<2> for Renewals {
    const MODEL: &'static str = "shifted beta-geometric";
    const NAMES: [&'static str; 2] = ["a", "b"];

    /// Who leaves in period t adds ln(a / (a+b+t-1)), who stays ln((b+t-1) / (a+b+t-1)).
    fn evaluate(&self, parameters: [f64; 2]) -> Jet<2> {
        let [a, b] = Jet::variables(parameters);
        let mut sum = Jet::ZERO;
        for (before, (left, stayed)) in self.decisions().enumerate() {
            let before = before as f64;
            sum += a.ln() * left + (b + before).ln() * stayed - (a + b + before).ln() * (left + stayed);
        }
        sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(there: &[u64], expected: ErrorKind) {
        let refused = Renewals::new(there.to_vec()).and_then(|renewals| ShiftedBetaGeometric::fit(&renewals));
        assert_eq!(refused.unwrap_err().kind(), expected, "{there:?}");
    }

    #[test]
    fn cohorts_that_determine_nothing_are_refused() {
        check(&[], ErrorKind::TooLittleData);
        check(&[100, 50], ErrorKind::TooLittleData);
        check(&[0, 0, 0], ErrorKind::TooLittleData);
        check(&[100, 100, 100], ErrorKind::TooLittleData);
        check(&[100, 0, 0], ErrorKind::TooLittleData);
        check(&[100, 120], ErrorKind::InvalidHistory);
        // Half of those who are there leave in each period: everybody has the same chance.
        check(&[1024, 512, 256, 128, 64], ErrorKind::NotIdentified);
    }

    #[test]
    fn discounted_renewals_are_survival_summed() {
        let model = ShiftedBetaGeometric::new(0.668, 3.806).unwrap();
        let all: f64 = (1..=5).map(|renewals| model.survival(renewals)).sum();
        assert!((model.discounted_renewals(0, 5, 0.0).unwrap() - all).abs() < 1e-14);
        let after_two = model.retention(3) + model.retention(3) * model.retention(4) / 1.1;
        assert!((model.discounted_renewals(2, 2, 0.1).unwrap() - after_two).abs() < 1e-14);
        assert!(model.discounted_renewals(0, 5, f64::NAN).is_err());
    }
}

//! The optimiser: Newton's method with damping, on the logarithms of positive parameters.

use libm::{exp, log};

use super::jet::Jet;
use super::symmetric::Cholesky;
use crate::error::{Error, ErrorKind, Result};

/// A log-likelihood of parameters above zero.
pub(crate) trait Likelihood<const N: usize> {
    /// The model, as errors name it.
    const MODEL: &'static str;
    /// The parameters' names.
    const NAMES: [&'static str; N];

    /// The logarithm of the likelihood with its derivatives by the parameters.
    fn evaluate(&self, parameters: [f64; N]) -> Jet<N>;
}

/// Where a likelihood is largest.
#[derive(Debug)]
pub(crate) struct Maximum<const N: usize> {
    pub(crate) parameters: [f64; N],
    /// By the observed information.
    pub(crate) standard_errors: [f64; N],
    pub(crate) log_likelihood: f64,
    pub(crate) steps: u32,
    /// By how much a further step would raise the log-likelihood.
    pub(crate) expected_gain: f64,
}

/// A maximum in the usual case takes about ten steps.
const STEPS_MAX: u32 = 200;
/// A step that promises less than this ends the search; a standard error is a gain of one half.
const GAIN_MIN: f64 = 1e-12;
/// No parameter changes by more than this factor in one step, as a logarithm.
const STEP_LENGTH_MAX: f64 = 1.5;
/// A parameter that has left its start by this, as a logarithm, runs away: the factor is 10,000.
const WAY_MAX: f64 = 9.21;
/// If a step this much shorter than Newton's leads nowhere, the likelihood is flat up to rounding.
const DAMPING_MAX: f64 = 1e6;

/// Finds the maximum near a start.
///
/// # Errors
/// `NotIdentified` if the likelihood rises without end in some direction, or is flat; `NotConverged` if the steps
/// do not suffice.
pub(crate) fn maximise<const N: usize, L: Likelihood<N>>(
    likelihood: &L,
    start: [f64; N],
) -> Result<Maximum<N>> {
    let origin = start.map(log);
    let mut place = Place::of(likelihood, origin);
    let mut damping = 1e-3;
    for steps in 0..STEPS_MAX {
        if let Some(maximum) = place.maximum(steps) {
            return Ok(maximum);
        }
        damping = place.step(likelihood, damping).ok_or_else(|| flat::<N, L>(&place))?;
        if let Some(index) = (0..N).find(|i| (place.logarithms[*i] - origin[*i]).abs() > WAY_MAX) {
            return Err(runs_away::<N, L>(index, exp(place.logarithms[index])));
        }
    }
    let message = format_args!("{}: no maximum within {STEPS_MAX} steps", L::MODEL);
    Err(Error::new(ErrorKind::NotConverged, message))
}

fn runs_away<const N: usize, L: Likelihood<N>>(index: usize, value: f64) -> Error {
    let (model, name) = (L::MODEL, L::NAMES[index]);
    let message = format_args!(
        "{model}: the data do not determine {name}, it runs to {value:.3e}; the customers differ too little, or do \
         what this model has no place for"
    );
    Error::new(ErrorKind::NotIdentified, message)
}

fn flat<const N: usize, L: Likelihood<N>>(place: &Place<N>) -> Error {
    let values = place.logarithms.map(exp);
    let message = format_args!("{}: the likelihood is flat at {:?} = {values:?}", L::MODEL, L::NAMES);
    Error::new(ErrorKind::NotIdentified, message)
}

/// A place of the search: logarithms of parameters, and the negated log-likelihood as a function of them.
struct Place<const N: usize> {
    logarithms: [f64; N],
    cost: Jet<N>,
}

impl<const N: usize> Place<N> {
    fn of<L: Likelihood<N>>(likelihood: &L, logarithms: [f64; N]) -> Self {
        let parameters = logarithms.map(exp);
        let mut cost = -likelihood.evaluate(parameters);
        for i in 0..N {
            for j in 0..N {
                cost.hessian[i][j] *= parameters[i] * parameters[j];
            }
            cost.gradient[i] *= parameters[i];
            cost.hessian[i][i] += cost.gradient[i];
        }
        Self { logarithms, cost }
    }

    /// The maximum, if this is one.
    fn maximum(&self, steps: u32) -> Option<Maximum<N>> {
        let information = Cholesky::of(&self.cost.hessian).ok()?;
        let step = information.solve(self.cost.gradient);
        let expected_gain = 0.5 * dot(&step, &self.cost.gradient);
        let found = expected_gain <= GAIN_MIN;
        found.then(|| {
            let parameters = self.logarithms.map(exp);
            let covariances = information.inverse();
            let standard_errors = std::array::from_fn(|i| parameters[i] * covariances[i][i].sqrt());
            let log_likelihood = -self.cost.value;
            Maximum { parameters, standard_errors, log_likelihood, steps, expected_gain }
        })
    }

    /// Takes a step that lowers the cost, and gives the damping for the next; `None` if there is no such step.
    fn step<L: Likelihood<N>>(&mut self, likelihood: &L, mut damping: f64) -> Option<f64> {
        let scale = (0..N).map(|i| self.cost.hessian[i][i].abs()).fold(f64::MIN_POSITIVE, f64::max);
        while damping < DAMPING_MAX {
            if let Some(direction) = self.direction(damping * scale) {
                let trial = Self::of(likelihood, std::array::from_fn(|i| self.logarithms[i] + direction[i]));
                // The last digits of a sum of many terms are rounding.
                if trial.cost.value <= self.cost.value + 1e-14 * self.cost.value.abs() {
                    *self = trial;
                    return Some(if damping < 1e-8 { 0.0 } else { damping * 0.1 });
                }
            }
            damping = (damping * 8.0).max(1e-6);
        }
        None
    }

    /// The damped Newton step, shortened to what one step may do; `None` if it does not lead downwards.
    fn direction(&self, damping: f64) -> Option<[f64; N]> {
        let mut damped = self.cost.hessian;
        (0..N).for_each(|i| damped[i][i] += damping);
        let step = Cholesky::of(&damped).ok()?.solve(self.cost.gradient);
        let longest = step.iter().fold(0.0_f64, |longest, of| longest.max(of.abs()));
        let share = if longest > STEP_LENGTH_MAX { STEP_LENGTH_MAX / longest } else { 1.0 };
        longest.is_finite().then(|| step.map(|of| -share * of))
    }
}

fn dot<const N: usize>(a: &[f64; N], b: &[f64; N]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Exponential waits: rate = waits / total, standard error = rate / sqrt(waits).
    struct Waits {
        waits: f64,
        total: f64,
    }

    impl Likelihood<1> for Waits {
        const MODEL: &'static str = "waits";
        const NAMES: [&'static str; 1] = ["rate"];

        fn evaluate(&self, parameters: [f64; 1]) -> Jet<1> {
            let [rate] = Jet::variables(parameters);
            rate.ln() * self.waits - rate * self.total
        }
    }

    #[test]
    fn the_maximum_is_found_from_far_away_with_its_standard_error() {
        for start in [1e-3, 0.25, 1e3] {
            let found = maximise(&Waits { waits: 16.0, total: 64.0 }, [start]).unwrap();
            assert!((found.parameters[0] - 0.25).abs() < 1e-6, "{found:?}");
            assert!((found.standard_errors[0] - 0.0625).abs() < 1e-6, "{found:?}");
        }
    }

    #[test]
    fn a_parameter_without_end_is_named() {
        let error = maximise(&Waits { waits: 16.0, total: 0.0 }, [1.0]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotIdentified);
        assert!(error.to_string().starts_with("waits: the data do not determine rate"), "{error}");
    }
}

//! The formulas of Pareto/NBD.
//!
//! The papers write the part of the likelihood of having left as a difference of two hypergeometric functions,
//! A0 / (r+s+x) = integral from t_x to T of (alpha+t)^-(r+x) (beta+t)^-(s+1) dt. The integral itself is taken here: it
//! has no difference in which digits are lost, and its derivatives by the parameters are integrals of the same kind.

use libm::{exp, expm1, log, log1p};

use super::super::{Counted, Observed, by_repeats};
use crate::numeric::{Jet, Likelihood, integrate};

/// Parameters in the unit of the times.
#[derive(Debug, Clone, Copy)]
pub(super) struct Formula {
    pub(super) r: f64,
    pub(super) alpha: f64,
    pub(super) s: f64,
    pub(super) beta: f64,
}

/// What has fallen by this, as a logarithm, adds nothing any more.
const FALL: f64 = 40.0;
/// Over one panel of 16 nodes an exponential may fall by this, as a logarithm.
const FALL_OF_PANEL: f64 = 14.0;
/// In the logarithm of time the integrand has its poles at a distance of pi; a panel is as wide as that at most.
const WIDTH_MAX: f64 = 3.0;

impl Formula {
    /// ln(left / there) of the two parts of the likelihood.
    fn left_odds(&self, customer: &Counted) -> f64 {
        let Some(integral) = Silence::new(self, customer) else { return f64::NEG_INFINITY };
        let mut sum = 0.0;
        integral.visit(|node| sum += node.weight);
        let there = log1p(integral.silent / (self.alpha + customer.recency)) * (self.r + customer.repeats)
            + log1p(integral.silent / (self.beta + customer.recency)) * self.s;
        log(self.s * sum) + there
    }

    /// P(alive). An age far beyond the recency makes the odds infinite and this 0.
    pub(super) fn alive(&self, customer: &Counted) -> f64 {
        1.0 / (1.0 + exp(self.left_odds(customer)))
    }

    pub(super) fn log_likelihood(&self, customer: &Counted) -> f64 {
        evaluate(std::slice::from_ref(customer), [self.r, self.alpha, self.s, self.beta]).value
    }

    /// E[Y(t) | x, t_x, T]; s = 1 is no exception.
    pub(super) fn expected(&self, customer: &Counted, within: f64) -> f64 {
        let beta = self.beta + customer.age;
        let (power, span) = (self.s - 1.0, log1p(within / beta));
        let lifetime = if power == 0.0 { span } else { -expm1(-power * span) / power };
        self.rate(customer) * beta * lifetime * self.alive(customer)
    }

    /// Discounted expected residual transactions: the rate times the integral of e^(-d v) (1 + v / (beta+T))^-s over
    /// all v, which the papers write by Psi(s, s; d (beta+T)).
    pub(super) fn residual(&self, customer: &Counted, discount: f64) -> f64 {
        let beta = self.beta + customer.age;
        let z = discount * beta;
        let end = log1p(60.0 / z);
        let panels = (end * (self.s.max(FALL_OF_PANEL) / FALL_OF_PANEL)).ceil().max(5.0);
        let mut lifetime = 0.0;
        integrate(end, panels as usize, |w, weight| {
            lifetime += weight * exp((1.0 - self.s) * w - z * expm1(w));
        });
        self.rate(customer) * beta * lifetime * self.alive(customer)
    }

    /// The mean rate of buying of who is there.
    fn rate(&self, customer: &Counted) -> f64 {
        (self.r + customer.repeats) / (self.alpha + customer.age)
    }
}

/// The integral over the instants at which a customer may have left, relative to its integrand at the last purchase.
///
/// It runs over u with t + low = (t_x + low) e^u, low the smaller of alpha and beta.
struct Silence {
    /// T - t_x.
    silent: f64,
    /// t_x + low and t_x + high.
    low: f64,
    high: f64,
    low_power: f64,
    high_power: f64,
    alpha_is_low: bool,
    end: f64,
    panels: usize,
}

/// A node of the integral.
struct Node {
    /// The weight of the rule times the integrand, in units of the integrand at t_x times (t_x + beta).
    weight: f64,
    /// The logarithms of (alpha + t) / (alpha + t_x) and (beta + t) / (beta + t_x).
    growth: [f64; 2],
    /// The quotients themselves, the other way round.
    shrink: [f64; 2],
}

impl Silence {
    /// `None` if no time has passed since the last purchase.
    fn new(formula: &Formula, customer: &Counted) -> Option<Self> {
        let silent = customer.age - customer.recency;
        if silent <= 0.0 {
            return None;
        }
        let buying = (formula.alpha + customer.recency, formula.r + customer.repeats);
        let leaving = (formula.beta + customer.recency, formula.s + 1.0);
        let alpha_is_low = buying.0 <= leaving.0;
        let ((low, low_power), (high, high_power)) =
            if alpha_is_low { (buying, leaving) } else { (leaving, buying) };
        // The logarithm of the integrand falls at this slope at u = 0, and ever faster.
        let slope = low_power - 1.0 + high_power * low / high;
        let whole = log1p(silent / low);
        let end = if slope > 0.0 { whole.min(FALL / slope) } else { whole };
        let steepest = (low_power - 1.0).abs() + high_power * (low * exp(end) / (high + low * expm1(end)));
        let panels = (end / WIDTH_MAX).max(end * steepest / FALL_OF_PANEL).ceil();
        Some(Self { silent, low, high, low_power, high_power, alpha_is_low, end, panels: panels as usize })
    }

    fn visit(&self, mut visit: impl FnMut(Node)) {
        let Self { low, high, low_power, high_power, .. } = *self;
        let width = low / if self.alpha_is_low { high } else { low };
        integrate(self.end, self.panels, |u, weight| {
            let more = expm1(u);
            let high_more = low / high * more;
            let high_growth = log1p(high_more);
            let weight = weight * width * exp(-(low_power - 1.0) * u - high_power * high_growth);
            let (mut growth, mut shrink) = ([u, high_growth], [1.0 / (1.0 + more), 1.0 / (1.0 + high_more)]);
            if !self.alpha_is_low {
                growth.reverse();
                shrink.reverse();
            }
            visit(Node { weight, growth, shrink });
        });
    }
}

impl Likelihood<4> for Observed {
    const MODEL: &'static str = "Pareto/NBD";
    const NAMES: [&'static str; 4] = ["r", "alpha", "s", "beta"];

    fn evaluate(&self, parameters: [f64; 4]) -> Jet<4> {
        evaluate(&self.cells, parameters)
    }
}

fn evaluate(cells: &[Counted], parameters: [f64; 4]) -> Jet<4> {
    let [r, alpha, s, beta] = Jet::variables(parameters);
    let formula = Formula { r: r.value, alpha: alpha.value, s: s.value, beta: beta.value };
    let of_all = r * alpha.ln() + s * beta.ln() - r.ln_gamma();
    let mut sum = Jet::ZERO;
    for (repeats, cells) in by_repeats(cells) {
        let customers: f64 = cells.iter().map(|cell| cell.customers).sum();
        sum += (of_all + (r + repeats).ln_gamma()) * customers;
        for cell in cells {
            let there = -((r + repeats) * (alpha + cell.age).ln() + s * (beta + cell.age).ln());
            let silence = match Silence::new(&formula, cell) {
                Some(silence) => there.log_add_exp(s.ln() + left(&silence, &formula, cell)),
                None => there,
            };
            sum += silence * cell.customers;
        }
    }
    sum
}

/// The logarithm of the integral with its derivatives, which are means under the integrand.
fn left(silence: &Silence, formula: &Formula, cell: &Counted) -> Jet<4> {
    let (shape, power) = (formula.r + cell.repeats, formula.s + 1.0);
    let bases = [formula.alpha + cell.recency, formula.beta + cell.recency];
    let logs = bases.map(log);
    let mut sum = Jet::<4>::ZERO;
    silence.visit(|Node { weight, growth, shrink }| {
        let [ln_alpha, ln_beta] = [logs[0] + growth[0], logs[1] + growth[1]];
        let [by_alpha, by_beta] = [shrink[0] / bases[0], shrink[1] / bases[1]];
        let slope = [-ln_alpha, -shape * by_alpha, -ln_beta, -power * by_beta];
        sum.value += weight;
        for i in 0..4 {
            sum.gradient[i] += weight * slope[i];
            for j in 0..=i {
                sum.hessian[i][j] += weight * slope[i] * slope[j];
            }
        }
        sum.hessian[1][0] -= weight * by_alpha;
        sum.hessian[1][1] += weight * shape * by_alpha * by_alpha;
        sum.hessian[3][2] -= weight * by_beta;
        sum.hessian[3][3] += weight * power * by_beta * by_beta;
    });
    for i in 0..4 {
        for j in 0..i {
            sum.hessian[j][i] = sum.hessian[i][j];
        }
    }
    // In units of the integrand at t_x times (beta + t_x).
    sum.ln() + (-shape * logs[0] - (power - 1.0) * logs[1])
}

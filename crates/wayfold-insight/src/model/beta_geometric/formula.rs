//! What BG/NBD and MBG/NBD share: buying by a gamma mixture of Poisson processes, leaving by a beta mixture of coins.
//!
//! A coin is thrown after each repeat purchase; in MBG/NBD also after the first purchase. That is the whole difference:
//! with k throws after x repeats, both likelihoods are
//! lnG(r+x) - lnG(r) + r ln alpha + lnB(a, b+k) - lnB(a, b) + D(-(r+x) ln(alpha+T), ln a - ln(b+k-1) - (r+x) ln(alpha+t_x)),
//! where D adds logarithms and its second part, having left, is missing if k = 0.

use libm::{exp, expm1, log, log1p, pow};

use super::super::{Counted, Observed, by_repeats};
use crate::numeric::{Jet, Likelihood};

/// Parameters of either model, in the unit of its times.
#[derive(Debug, Clone, Copy)]
pub(in crate::model) struct Formula {
    pub(in crate::model) r: f64,
    pub(in crate::model) alpha: f64,
    pub(in crate::model) a: f64,
    pub(in crate::model) b: f64,
    /// Coins thrown at the first purchase: 0 or 1.
    pub(in crate::model) first_throws: f64,
}

/// More terms of the sum over purchases than this cost more than the sum over coins.
const TERMS_MAX: f64 = 2_000.0;

impl Formula {
    /// Where the optimiser starts.
    pub(in crate::model) fn start(observed: &Observed) -> [f64; 4] {
        [0.5, 0.25 * observed.age_mean, 1.0, 2.0]
    }

    /// ln(left / there) of the two parts of the likelihood; no customer has left without a throw.
    fn left_odds(&self, customer: &Counted) -> f64 {
        let throws = customer.repeats + self.first_throws;
        if throws == 0.0 {
            return f64::NEG_INFINITY;
        }
        let silent = log1p((customer.age - customer.recency) / (self.alpha + customer.recency));
        log(self.a / (self.b + throws - 1.0)) + (self.r + customer.repeats) * silent
    }

    /// P(alive). An age far beyond the recency makes the odds infinite and this 0.
    pub(in crate::model) fn alive(&self, customer: &Counted) -> f64 {
        1.0 / (1.0 + exp(self.left_odds(customer)))
    }

    pub(in crate::model) fn log_likelihood(&self, customer: &Counted) -> f64 {
        let Self { r, alpha, a, b, first_throws } = *self;
        evaluate(std::slice::from_ref(customer), [r, alpha, a, b], first_throws).value
    }

    /// E[Y(t) | x, t_x, T], by what is expected of who is there.
    pub(in crate::model) fn expected(
        &self,
        customer: &Counted,
        within: f64,
        if_alive: impl FnOnce() -> f64,
    ) -> f64 {
        let alive = self.alive(customer);
        if alive == 0.0 || within <= 0.0 {
            return 0.0;
        }
        alive * if_alive()
    }

    /// The expectation for who is there. With a rate from the gamma and a coin from the beta distribution that the
    /// history leaves, purchases up to t would be negative binomial if nobody left, and the (j+1)-th of them happens
    /// if the coin spared the customer j times:
    /// E = sum over n of P(N = n) S_n, S_n = sum over j < n of (b+k)_j / (a+b+k)_j.
    ///
    /// That is the form by 2F1 of the papers, expanded; here no term is negative, and a = 1 is no exception.
    pub(in crate::model) fn expected_if_alive(&self, customer: &Counted, within: f64) -> f64 {
        let shape = self.r + customer.repeats;
        let rate = self.alpha + customer.age;
        let spared = self.b + customer.repeats + self.first_throws;
        let share = within / (rate + within);
        if (shape * share + 40.0) / (1.0 - share) > TERMS_MAX {
            self.expected_by_coin(shape, within / rate, spared)
        } else {
            self.expected_by_purchase(shape, share, spared)
        }
    }

    fn expected_by_purchase(&self, shape: f64, share: f64, spared: f64) -> f64 {
        let all = self.a + spared;
        // Weights of the negative binomial distribution, up to the factor that `weights` makes up for.
        let (mut weight, mut weights, mut sum) = (1.0, 1.0, 0.0);
        let (mut spared_all, mut purchases) = (1.0, 0.0);
        let mut n = 0.0;
        loop {
            purchases += spared_all;
            let common = 1.0 / ((all + n) * (n + 1.0));
            spared_all *= (spared + n) * (n + 1.0) * common;
            let growth = share * (shape + n) * (all + n) * common;
            weight *= growth;
            weights += weight;
            sum += weight * purchases;
            if growth < 1.0 && weight * purchases <= 1e-17 * (1.0 - growth) * sum {
                return sum / weights;
            }
            if weight > 1e200 {
                (weight, weights, sum) = (weight * 1e-200, weights * 1e-200, sum * 1e-200);
            }
            n += 1.0;
        }
    }

    /// The same expectation as a mean over the coin p: of (1 - (1 + p w)^-shape) / p, w = within / rate.
    ///
    /// By p = 1 / (1 + e^-y) the integrand is smooth on the whole line and falls off exponentially at both ends, where
    /// the trapezoidal rule is as good as exact.
    fn expected_by_coin(&self, shape: f64, w: f64, spared: f64) -> f64 {
        let a = self.a;
        let middle = log(a / spared);
        let step = 0.2 / (1.0 + a * spared / (a + spared)).sqrt();
        let peak = a * ln_logistic(middle) + spared * ln_logistic(-middle);
        let (mut density_sum, mut sum) = (0.0, 0.0);
        for direction in [-1.0, 1.0] {
            let mut k = if direction < 0.0 { 1.0 } else { 0.0 };
            loop {
                let y = middle + direction * step * k;
                let (ln_leaves, ln_spared) = (ln_logistic(y), ln_logistic(-y));
                let density = exp(a * ln_leaves + spared * ln_spared - peak);
                let leaves = exp(ln_leaves);
                // For a coin that as good as never leaves, the mean is that of the purchases.
                let value =
                    if leaves < 1e-300 { shape * w } else { -expm1(-shape * log1p(leaves * w)) / leaves };
                density_sum += density;
                sum += density * value;
                let falls = step * if direction < 0.0 { a } else { spared };
                if density * (1.0 + value) < 1e-18 * falls.min(1.0) * density_sum.min(sum) {
                    break;
                }
                // From here on the value is the same and the density falls by one factor: the rest in closed form.
                let settled = if direction < 0.0 { (shape + 1.0) * leaves * w < 1e-17 } else { true };
                if y * direction > 40.0 && settled {
                    let rest = density * exp(-falls) / -expm1(-falls);
                    density_sum += rest;
                    sum += rest * value;
                    break;
                }
                k += 1.0;
            }
        }
        sum / density_sum
    }

    /// P(X(t) = n) of somebody who is there at time 0 and buys for the first time then.
    ///
    /// Either nobody left by then, or the customer left at the n-th repeat and would have bought at least n times:
    /// q_n P(N = n) + (q_(n-1) - q_n) P(N >= n) with q_n the chance to be spared n times.
    pub(in crate::model) fn probability_of(&self, purchases: u32, within: f64) -> f64 {
        let Self { r, alpha, a, b, .. } = *self;
        let share = within / (alpha + within);
        let mut weight = pow(1.0 - share, r);
        let (mut spared, mut spared_before) = (1.0, 1.0);
        for i in 0..purchases {
            let i = f64::from(i);
            weight *= share * (r + i) / (i + 1.0);
            spared_before = spared;
            spared *= (b + i) / (a + b + i);
        }
        if purchases == 0 {
            return weight;
        }
        spared * weight + (spared_before - spared) * (weight + self.beyond(purchases, weight, share))
    }

    /// P(N > n) of the negative binomial distribution, from P(N = n): above the mean as the sum of its terms, so that
    /// small probabilities keep their digits, below as what the others leave.
    fn beyond(&self, purchases: u32, at: f64, share: f64) -> f64 {
        let (r, n) = (self.r, f64::from(purchases));
        if n * (1.0 - share) <= r * share {
            let mut term = pow(1.0 - share, r);
            let mut sum = 0.0;
            for i in 0..=purchases {
                sum += term;
                term *= share * (r + f64::from(i)) / (f64::from(i) + 1.0);
            }
            return (1.0 - sum).max(0.0);
        }
        let (mut term, mut sum, mut i) = (at, 0.0, n);
        loop {
            term *= share * (r + i) / (i + 1.0);
            sum += term;
            i += 1.0;
            if term <= 1e-17 * (1.0 - share) * sum {
                return sum;
            }
        }
    }
}

/// ln(1 / (1 + e^-y)).
fn ln_logistic(y: f64) -> f64 {
    if y < -40.0 { y } else { -log1p(exp(-y)) }
}

/// The log-likelihood of cells: of BG/NBD with no throw at the first purchase, of MBG/NBD with one.
#[derive(Debug)]
pub(in crate::model) struct FormulaOfCells<const FIRST_THROWS: u8>(pub(in crate::model) Observed);

impl<const FIRST_THROWS: u8> Likelihood<4> for FormulaOfCells<FIRST_THROWS> {
    const MODEL: &'static str = if FIRST_THROWS == 0 { "BG/NBD" } else { "MBG/NBD" };
    const NAMES: [&'static str; 4] = ["r", "alpha", "a", "b"];

    fn evaluate(&self, parameters: [f64; 4]) -> Jet<4> {
        evaluate(&self.0.cells, parameters, f64::from(FIRST_THROWS))
    }
}

fn evaluate(cells: &[Counted], parameters: [f64; 4], first_throws: f64) -> Jet<4> {
    let [r, alpha, a, b] = Jet::variables(parameters);
    let of_all = r * alpha.ln() - r.ln_gamma() + (a + b).ln_gamma() - b.ln_gamma();
    let mut sum = Jet::ZERO;
    for (repeats, cells) in by_repeats(cells) {
        let throws = repeats + first_throws;
        let customers: f64 = cells.iter().map(|cell| cell.customers).sum();
        let of_group = (r + repeats).ln_gamma() + (b + throws).ln_gamma() - (a + b + throws).ln_gamma();
        // Of a cell, r + x, alpha and the odds of a coin matter: three coordinates instead of four parameters.
        let coin = if throws > 0.0 { a.ln() - (b + (throws - 1.0)).ln() } else { Jet::ZERO };
        let inner = [r + repeats, alpha, coin];
        let silence = cells
            .iter()
            .map(|cell| of_silence(cell, inner.map(|of| of.value), throws > 0.0) * cell.customers);
        let silence = silence.fold(Jet::ZERO, |sum, cell| sum + cell);
        sum += (of_all + of_group) * customers + silence.of(&inner);
    }
    sum
}

/// D(there, left) of a cell by shape, alpha and the logarithm of the coin's odds.
fn of_silence(cell: &Counted, [shape, alpha, coin]: [f64; 3], can_leave: bool) -> Jet<3> {
    let until = |time: f64| {
        let (log, inverse) = (log(alpha + time), 1.0 / (alpha + time));
        let mut jet =
            Jet { value: -shape * log, gradient: [-log, -shape * inverse, 0.0], hessian: [[0.0; 3]; 3] };
        jet.hessian[0][1] = -inverse;
        jet.hessian[1][0] = -inverse;
        jet.hessian[1][1] = shape * inverse * inverse;
        jet
    };
    let there = until(cell.age);
    if !can_leave {
        return there;
    }
    let mut left = until(cell.recency) + coin;
    left.gradient[2] = 1.0;
    there.log_add_exp(left)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two ways to one expectation that share no formula.
    #[test]
    fn sums_over_purchases_and_over_coins_agree() {
        for (a, spared, shape, w) in [
            (0.793, 2.426, 0.243, 0.9),
            (0.793, 9.4, 7.2, 1e-6),
            (1.0, 1.0, 3.0, 2.0),
            (0.05, 300.0, 250.0, 0.7),
            (40.0, 30.0, 5.0, 50.0),
            (2000.0, 1500.0, 900.0, 0.3),
            (1e-6, 1e-6, 0.2, 3.0),
        ] {
            let shared = Formula { r: 1.0, alpha: 1.0, a, b: 1.0, first_throws: 0.0 };
            let by_purchase = shared.expected_by_purchase(shape, w / (1.0 + w), spared);
            let by_coin = shared.expected_by_coin(shape, w, spared);
            assert!(
                (by_purchase / by_coin - 1.0).abs() < 1e-12,
                "{a} {spared} {shape} {w}: {by_purchase} {by_coin}"
            );
        }
    }
}

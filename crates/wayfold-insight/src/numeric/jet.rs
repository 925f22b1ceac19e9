//! Values that carry their first and second derivatives.

use std::ops::{Add, AddAssign, Mul, Neg, Sub};

use libm::{exp, log, log1p};

use super::gamma;

/// A value with its gradient and Hessian by `N` parameters: a formula that is written in jets is differentiated exactly.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Jet<const N: usize> {
    pub(crate) value: f64,
    pub(crate) gradient: [f64; N],
    pub(crate) hessian: [[f64; N]; N],
}

impl<const N: usize> Jet<N> {
    pub(crate) const ZERO: Self = Self { value: 0.0, gradient: [0.0; N], hessian: [[0.0; N]; N] };

    /// The parameters themselves.
    pub(crate) fn variables(values: [f64; N]) -> [Self; N] {
        std::array::from_fn(|index| {
            let mut variable = Self { value: values[index], ..Self::ZERO };
            variable.gradient[index] = 1.0;
            variable
        })
    }

    /// A function of one variable, given as its value and first two derivatives at this value.
    fn through(self, [value, first, second]: [f64; 3]) -> Self {
        let Self { gradient, hessian, .. } = self;
        Self {
            value,
            gradient: gradient.map(|of| first * of),
            hessian: square(|i, j| first * hessian[i][j] + second * gradient[i] * gradient[j]),
        }
    }

    pub(crate) fn ln(self) -> Self {
        let inverse = 1.0 / self.value;
        self.through([log(self.value), inverse, -inverse * inverse])
    }

    pub(crate) fn ln_gamma(self) -> Self {
        self.through(gamma::ln_gamma(self.value))
    }

    fn product(&self, other: &Self) -> Self {
        let (a, b) = (self, other);
        Self {
            value: a.value * b.value,
            gradient: std::array::from_fn(|i| a.value * b.gradient[i] + b.value * a.gradient[i]),
            hessian: square(|i, j| {
                let mixed = a.gradient[i] * b.gradient[j] + a.gradient[j] * b.gradient[i];
                a.value * b.hessian[i][j] + b.value * a.hessian[i][j] + mixed
            }),
        }
    }

    /// ln(e^a + e^b).
    pub(crate) fn log_add_exp(self, other: Self) -> Self {
        let (a, b) = if self.value < other.value { (other, self) } else { (self, other) };
        let ratio = exp(b.value - a.value);
        let share = ratio / (1.0 + ratio);
        let apart: [f64; N] = std::array::from_fn(|i| b.gradient[i] - a.gradient[i]);
        let spread = share * (1.0 - share);
        Self {
            value: a.value + log1p(ratio),
            gradient: std::array::from_fn(|i| a.gradient[i] + share * apart[i]),
            hessian: square(|i, j| {
                let mean = a.hessian[i][j] + share * (b.hessian[i][j] - a.hessian[i][j]);
                mean + spread * apart[i] * apart[j]
            }),
        }
    }

    /// This as a function of `M` intermediate values, each of which is a jet by `N` parameters.
    pub(crate) fn of<const M: usize>(self, inner: &[Jet<M>; N]) -> Jet<M> {
        let mut whole = Jet { value: self.value, ..Jet::ZERO };
        for (k, by_k) in inner.iter().enumerate() {
            for i in 0..M {
                whole.gradient[i] += self.gradient[k] * by_k.gradient[i];
                for j in 0..M {
                    let bent: f64 = (0..N).map(|l| self.hessian[k][l] * inner[l].gradient[j]).sum();
                    whole.hessian[i][j] += self.gradient[k] * by_k.hessian[i][j] + by_k.gradient[i] * bent;
                }
            }
        }
        whole
    }
}

fn square<const N: usize>(entry: impl Fn(usize, usize) -> f64) -> [[f64; N]; N] {
    std::array::from_fn(|i| std::array::from_fn(|j| entry(i, j)))
}

impl<const N: usize> Add for Jet<N> {
    type Output = Self;

    fn add(mut self, other: Self) -> Self {
        self += other;
        self
    }
}

impl<const N: usize> AddAssign for Jet<N> {
    fn add_assign(&mut self, other: Self) {
        self.value += other.value;
        for i in 0..N {
            self.gradient[i] += other.gradient[i];
            for j in 0..N {
                self.hessian[i][j] += other.hessian[i][j];
            }
        }
    }
}

impl<const N: usize> Add<f64> for Jet<N> {
    type Output = Self;

    fn add(mut self, number: f64) -> Self {
        self.value += number;
        self
    }
}

impl<const N: usize> Neg for Jet<N> {
    type Output = Self;

    fn neg(self) -> Self {
        self * -1.0
    }
}

impl<const N: usize> Sub for Jet<N> {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        self + -other
    }
}

impl<const N: usize> Mul<f64> for Jet<N> {
    type Output = Self;

    fn mul(self, number: f64) -> Self {
        let Self { value, gradient, hessian } = self;
        Self {
            value: value * number,
            gradient: gradient.map(|of| of * number),
            hessian: hessian.map(|row| row.map(|of| of * number)),
        }
    }
}

impl<const N: usize> Mul for Jet<N> {
    type Output = Self;

    fn mul(self, other: Self) -> Self {
        self.product(&other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// f(x, y) = x^2 ln y at (3, 2), by hand.
    #[test]
    fn derivatives_are_those_of_the_formula() {
        let [x, y] = Jet::variables([3.0, 2.0]);
        let found = x * x * y.ln();
        let ln = std::f64::consts::LN_2;
        let expected =
            Jet { value: 9.0 * ln, gradient: [6.0 * ln, 4.5], hessian: [[2.0 * ln, 3.0], [3.0, -2.25]] };
        assert_eq!(found, expected);
    }

    /// At equal values each counts half; the second derivative of ln(e^x + e^y) by x is then 1/4.
    #[test]
    fn logarithms_are_added() {
        let [x, y] = Jet::variables([2.0, 2.0]);
        let sum = x.log_add_exp(y);
        let expected = Jet {
            value: 2.0 + std::f64::consts::LN_2,
            gradient: [0.5, 0.5],
            hessian: [[0.25, -0.25], [-0.25, 0.25]],
        };
        assert_eq!(sum, expected);
        let nothing = Jet { value: f64::NEG_INFINITY, ..Jet::ZERO };
        assert_eq!(x.log_add_exp(nothing), x);
    }

    /// g(u, v) = u v with u = x y and v = x + y is x^2 y + x y^2.
    #[test]
    fn a_function_of_functions_is_the_function_of_the_whole() {
        let [x, y] = Jet::variables([3.0, 2.0]);
        let inner = [x * y, x + y];
        let [u, v] = Jet::variables(inner.map(|of| of.value));
        assert_eq!((u * v).of(&inner), x * x * y + x * y * y);
    }
}

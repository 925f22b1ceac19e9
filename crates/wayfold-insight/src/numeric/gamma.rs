//! The logarithm of the gamma function with its first and second derivatives.

use libm::{lgamma, log};

/// Above this, four terms of the asymptotic series give full precision.
const ASYMPTOTIC_FROM: f64 = 15.0;

/// ln G(x), its derivative (digamma) and its second derivative (trigamma), for x above 0.
///
/// Both derivatives are moved up by their recurrences, psi(x) = psi(x + 1) - 1/x and psi'(x) = psi'(x + 1) + 1/x^2,
/// and then taken from their asymptotic series (Abramowitz and Stegun 6.3.18 and 6.4.12).
pub(crate) fn ln_gamma(x: f64) -> [f64; 3] {
    let (mut y, mut digamma, mut trigamma) = (x, 0.0, 0.0);
    while y < ASYMPTOTIC_FROM {
        let inverse = 1.0 / y;
        digamma -= inverse;
        trigamma += inverse * inverse;
        y += 1.0;
    }
    let inverse = 1.0 / y;
    let square = inverse * inverse;
    let first = square
        * (1.0 / 12.0
            - square * (1.0 / 120.0 - square * (1.0 / 252.0 - square * (1.0 / 240.0 - square / 132.0))));
    digamma += log(y) - 0.5 * inverse - first;
    let second = square
        * (1.0 / 6.0
            - square * (1.0 / 30.0 - square * (1.0 / 42.0 - square * (1.0 / 30.0 - square * 5.0 / 66.0))));
    trigamma += inverse * (1.0 + 0.5 * inverse + second);
    [lgamma(x), digamma, trigamma]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From mpmath 1.4 with 50 digits.
    #[test]
    fn derivatives_have_full_precision() {
        let table = [
            (0.001, 6.907178885383854, -1000.5755719318103, 1000001.6425331958),
            (0.243, 1.31804358469967, -4.351093864423211, 18.14177978709583),
            (1.0, 0.0, -0.5772156649015329, 1.6449340668482264),
            (7.5, 7.534364236758733, 1.9467574842460868, 0.1426158966967038),
            (1000.25, 5906.947268271117, 6.907505289414428, 0.0010002499791197935),
        ];
        for (x, value, digamma, trigamma) in table {
            let found = ln_gamma(x);
            for (found, expected) in found.into_iter().zip([value, digamma, trigamma]) {
                assert!(
                    (found - expected).abs() <= 4e-15 * expected.abs().max(0.1),
                    "{x}: {found} {expected}"
                );
            }
        }
    }
}

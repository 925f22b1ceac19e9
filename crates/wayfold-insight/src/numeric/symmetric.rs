//! Small symmetric systems by Cholesky's decomposition.

/// The lower triangle L with L L' = A, or `None` if A is not positive definite.
#[derive(Debug)]
pub(crate) struct Cholesky<const N: usize>([[f64; N]; N]);

impl<const N: usize> Cholesky<N> {
    /// How much smaller than the entry that it comes from a squared pivot may be: below, it is rounding.
    const PIVOT_MIN: f64 = 1e-13;

    pub(crate) fn of(matrix: &[[f64; N]; N]) -> Option<Self> {
        let mut lower = [[0.0; N]; N];
        for i in 0..N {
            for j in 0..=i {
                let known: f64 = (0..j).map(|k| lower[i][k] * lower[j][k]).sum();
                let rest = matrix[i][j] - known;
                if i > j {
                    lower[i][j] = rest / lower[j][j];
                } else if rest > Self::PIVOT_MIN * matrix[i][i].abs() {
                    lower[i][i] = rest.sqrt();
                } else {
                    return None;
                }
            }
        }
        Some(Self(lower))
    }

    /// Solves A x = b.
    pub(crate) fn solve(&self, mut b: [f64; N]) -> [f64; N] {
        let Self(lower) = self;
        for i in 0..N {
            let known: f64 = (0..i).map(|k| lower[i][k] * b[k]).sum();
            b[i] = (b[i] - known) / lower[i][i];
        }
        for i in (0..N).rev() {
            let known: f64 = (i + 1..N).map(|k| lower[k][i] * b[k]).sum();
            b[i] = (b[i] - known) / lower[i][i];
        }
        b
    }

    /// The diagonal of the inverse.
    pub(crate) fn inverse_diagonal(&self) -> [f64; N] {
        std::array::from_fn(|i| {
            let mut unit = [0.0; N];
            unit[i] = 1.0;
            self.solve(unit)[i]
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_system_is_solved_and_inverted() {
        let cholesky = Cholesky::of(&[[4.0, 2.0], [2.0, 5.0]]).unwrap();
        assert_eq!(cholesky.solve([8.0, 12.0]), [1.0, 2.0]);
        assert_eq!(cholesky.inverse_diagonal(), [0.3125, 0.25]);
    }

    #[test]
    fn what_is_not_positive_definite_is_refused() {
        for matrix in [[[1.0, 2.0], [2.0, 1.0]], [[1.0, 1.0], [1.0, 1.0]], [[f64::NAN, 0.0], [0.0, 1.0]]] {
            assert!(Cholesky::of(&matrix).is_none(), "{matrix:?}");
        }
    }
}

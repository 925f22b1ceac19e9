//! Small symmetric systems by Cholesky's decomposition.

/// The lower triangle L with L L' = A.
#[derive(Debug)]
pub(crate) struct Cholesky(Vec<Vec<f64>>);

impl Cholesky {
    /// How much smaller than the entry that it comes from a squared pivot may be: below, it is rounding.
    const PIVOT_MIN: f64 = 1e-13;

    /// Takes a matrix apart, of which the lower triangle is looked at.
    ///
    /// # Errors
    /// The first row that follows from those before it, or has no positive rest: A is not positive definite.
    pub(crate) fn of<R: AsRef<[f64]>>(matrix: &[R]) -> Result<Self, usize> {
        let mut lower = vec![vec![0.0; matrix.len()]; matrix.len()];
        for (i, row) in matrix.iter().enumerate() {
            let row = row.as_ref();
            for j in 0..=i {
                let known: f64 = (0..j).map(|k| lower[i][k] * lower[j][k]).sum();
                let rest = row[j] - known;
                if i > j {
                    lower[i][j] = rest / lower[j][j];
                } else if rest > Self::PIVOT_MIN * row[i].abs() {
                    lower[i][i] = rest.sqrt();
                } else {
                    return Err(i);
                }
            }
        }
        Ok(Self(lower))
    }

    /// Solves A x = b.
    pub(crate) fn solve<B: AsMut<[f64]>>(&self, mut right: B) -> B {
        let Self(lower) = self;
        let b = right.as_mut();
        for i in 0..lower.len() {
            let known: f64 = (0..i).map(|k| lower[i][k] * b[k]).sum();
            b[i] = (b[i] - known) / lower[i][i];
        }
        for i in (0..lower.len()).rev() {
            let known: f64 = (i + 1..lower.len()).map(|k| lower[k][i] * b[k]).sum();
            b[i] = (b[i] - known) / lower[i][i];
        }
        right
    }

    /// The columns of the inverse.
    pub(crate) fn inverse(&self) -> Vec<Vec<f64>> {
        let column = |i| {
            let mut unit = vec![0.0; self.0.len()];
            unit[i] = 1.0;
            self.solve(unit)
        };
        (0..self.0.len()).map(column).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_system_is_solved_and_inverted() {
        let cholesky = Cholesky::of(&[[4.0, 2.0], [2.0, 5.0]]).unwrap();
        assert_eq!(cholesky.solve([8.0, 12.0]), [1.0, 2.0]);
        assert_eq!(cholesky.inverse(), [[0.3125, -0.125], [-0.125, 0.25]]);
    }

    #[test]
    fn what_is_not_positive_definite_is_refused_by_its_row() {
        for (matrix, row) in
            [([[1.0, 2.0], [2.0, 1.0]], 1), ([[1.0, 1.0], [1.0, 1.0]], 1), ([[f64::NAN, 0.0], [0.0, 1.0]], 0)]
        {
            assert_eq!(Cholesky::of(&matrix).unwrap_err(), row, "{matrix:?}");
        }
    }
}

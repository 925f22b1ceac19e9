//! The numerical tools that the models share: derivatives, special functions, integrals and the optimiser.
//!
//! Logarithms and exponentials come from `libm`, and sums run in a fixed order, so that the same input gives the same
//! bits on every platform.

mod gamma;
mod jet;
mod maximise;
mod quadrature;
mod symmetric;

pub(crate) use self::gamma::chi_squared_above;
pub(crate) use self::jet::Jet;
pub(crate) use self::maximise::{Likelihood, Maximum, maximise};
pub(crate) use self::quadrature::integrate;
pub(crate) use self::symmetric::Cholesky;

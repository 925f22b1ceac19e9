//! Waits between tries.

use std::hash::{BuildHasher as _, RandomState};
use std::time::Duration;

const FIRST: Duration = Duration::from_millis(1);
const LAST: Duration = Duration::from_millis(250);

/// Waits that double; each is drawn between none and its bound, so that those who met do not meet again.
#[derive(Debug)]
pub(crate) struct Backoff(Duration);

impl Backoff {
    pub(crate) fn new() -> Self {
        Self(FIRST)
    }

    /// How long to wait before the next try.
    pub(crate) fn next(&mut self) -> Duration {
        let bound = self.0;
        self.0 = (bound * 2).min(LAST);
        let drawn = RandomState::new().hash_one(()) >> 32;
        bound.mul_f64(drawn as f64 / f64::from(u32::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_stay_below_a_bound_that_doubles_and_ends() {
        let mut backoff = Backoff::new();
        for bound in [1, 2, 4, 8, 16, 32, 64, 128, 250, 250].map(Duration::from_millis) {
            assert!(backoff.next() <= bound);
        }
        assert_eq!(backoff.0, LAST);
    }
}

//! What the programs of `cargo xtask bench` print.

use std::time::Instant;

use serde::Serialize;

/// One measure, beside a bare one where there is such a thing.
#[derive(Debug, Serialize)]
pub struct Measured {
    /// The row of the results.
    pub id: String,
    /// The value.
    pub value: f64,
    /// Its unit; a rate ends with `/s`.
    pub unit: &'static str,
    /// What is bare.
    pub peer: Option<&'static str>,
    /// Its value.
    pub peer_value: Option<f64>,
}

impl Measured {
    /// A measure of ours alone.
    pub fn new(id: impl Into<String>, value: f64, unit: &'static str) -> Self {
        Self { id: id.into(), value, unit, peer: None, peer_value: None }
    }

    /// Beside something bare.
    pub fn beside(mut self, peer: &'static str, value: f64) -> Self {
        (self.peer, self.peer_value) = (Some(peer), Some(value));
        self
    }
}

/// Seconds of calls.
#[derive(Debug, Default)]
pub struct Times(Vec<f64>);

impl Times {
    /// Counts a call.
    pub fn time<T>(&mut self, call: impl FnOnce() -> T) -> T {
        let start = Instant::now();
        let returned = call();
        self.push(start);
        returned
    }

    /// Counts what began then and ends now.
    pub fn push(&mut self, start: Instant) {
        self.0.push(start.elapsed().as_secs_f64());
    }

    /// All calls together, in seconds.
    pub fn sum_s(&self) -> f64 {
        self.0.iter().sum()
    }

    /// The time that so many of a hundred calls do not exceed, in microseconds; not a number without calls.
    pub fn percentile_us(&mut self, percent: usize) -> f64 {
        self.0.sort_by(f64::total_cmp);
        let rank = (self.0.len() * percent).div_ceil(100).max(1);
        self.0.get(rank - 1).map_or(f64::NAN, |seconds| seconds * 1e6)
    }
}

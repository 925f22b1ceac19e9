//! Runs with faults, bounded by time.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use wayfold_testkit::process::times;

/// How long a run with faults lasts: five seconds, so many times as `WAYFOLD_TORTURE` says.
pub(crate) fn length() -> Duration {
    Duration::from_secs(5) * times() as u32
}

/// Batches that writers share, spread over the length of a run. What is left when it is over is not sent, but for the
/// first ones.
pub(crate) struct Spread<'a, T> {
    batches: &'a [T],
    least: usize,
    began: Instant,
    sent: Mutex<usize>,
}

impl<'a, T> Spread<'a, T> {
    pub(crate) fn new(batches: &'a [T], least: usize) -> Self {
        Self { batches, least, began: Instant::now(), sent: Mutex::new(0) }
    }

    /// The next batch, when its time has come.
    pub(crate) fn next(&self) -> Option<&'a T> {
        let (batch, due) = {
            let mut sent = self.sent.lock().unwrap();
            if self.began.elapsed() > length() && *sent >= self.least {
                return None;
            }
            let batch = self.batches.get(*sent)?;
            let due = length().mul_f64(*sent as f64 / self.batches.len() as f64);
            *sent += 1;
            (batch, due)
        };
        std::thread::sleep(due.saturating_sub(self.began.elapsed()));
        Some(batch)
    }

    /// How many batches were given out, from the first on.
    pub(crate) fn sent(&self) -> usize {
        *self.sent.lock().unwrap()
    }
}

//! Readers under bytes that nobody wrote: they are read or refused, within bounds, and what is accepted is whole.
//!
//! Each test tries some thousand cases, one seed each. `WAYFOLD_FUZZ_CASES` says how many instead, and
//! `WAYFOLD_FUZZ_SEED` where to begin; a case that fails prints its seed.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "fuzz/check.rs"]
mod check;
#[path = "fuzz/columns.rs"]
mod columns;
#[path = "fuzz/memory.rs"]
mod memory;
#[path = "fuzz/mutate.rs"]
mod mutate;
#[path = "fuzz/parts.rs"]
mod parts;
#[path = "block/support.rs"]
#[allow(dead_code, reason = "the other tests use the rest")]
mod support;
#[path = "fuzz/worst.rs"]
mod worst;

use wayfold_testkit::Random;

/// Calls with a source of chance for each case.
fn for_each_case(default: u64, mut case: impl FnMut(&mut Random)) {
    struct Seed(u64);
    impl Drop for Seed {
        fn drop(&mut self) {
            if std::thread::panicking() {
                eprintln!("the case failed with WAYFOLD_FUZZ_SEED={} WAYFOLD_FUZZ_CASES=1", self.0);
            }
        }
    }
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().unwrap());
    let first = number("WAYFOLD_FUZZ_SEED").unwrap_or(0);
    let count = number("WAYFOLD_FUZZ_CASES").unwrap_or(default);
    for seed in first..first + count {
        let seed = Seed(seed);
        case(&mut Random::new(seed.0));
    }
}

/// Says whether all cases are tried, so that their results can be counted.
fn tries_all_cases() -> bool {
    std::env::var("WAYFOLD_FUZZ_CASES").is_err() && std::env::var("WAYFOLD_FUZZ_SEED").is_err()
}

//! How long the loops go on.

/// How many times as long as usual: the whole number in `WAYFOLD_TORTURE`, or 1.
pub(crate) fn times() -> usize {
    std::env::var("WAYFOLD_TORTURE").ok().and_then(|times| times.parse().ok()).unwrap_or(1)
}

//! Progress on standard error: on a terminal alone, so that a pipe or a log gets nothing of it.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// How far a file is read.
pub(crate) fn bytes() -> ProgressBar {
    drawn("{bar:40} {bytes}/{total_bytes} {msg}", 0)
}

/// How many of a known number are done.
pub(crate) fn steps(total: u64) -> ProgressBar {
    drawn("{bar:40} {human_pos}/{human_len} {msg}", total)
}

/// Work whose end nobody knows.
pub(crate) fn spinner(message: &str) -> ProgressBar {
    let bar = drawn("{spinner} {msg}", 0).with_message(message.to_owned());
    bar.enable_steady_tick(Duration::from_millis(100));
    bar
}

fn drawn(template: &str, total: u64) -> ProgressBar {
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(total).with_style(style)
}

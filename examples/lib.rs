//! Examples of Wayfold, in reading order; run one with `cargo run --example NAME`.

use std::path::{Path, PathBuf};

/// A file that ships with the examples: named from the repository's root where that is the current folder.
pub fn shipped(name: &str) -> PathBuf {
    let from_root = Path::new("examples").join(name);
    if from_root.exists() { from_root } else { Path::new(env!("CARGO_MANIFEST_DIR")).join(name) }
}

/// Compiles and runs the program of the guide.
#[cfg(doctest)]
#[doc = include_str!("../docs/guide/report.md")]
struct ReportGuide;

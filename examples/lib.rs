//! Examples of Wayfold, in reading order; run one with `cargo run --example NAME`.

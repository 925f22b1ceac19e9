//! Benches of Wayfold; run them with `cargo bench -p wayfold-benches`.

//! How long a file may be: above the limit it holds two concepts.

use super::rust::{code_lines, without_trailing_tests};

const CODE_LINES_MAX: usize = 800;

/// Finds a Rust file with too many lines of code; files under a `tests` folder may be as long as they need.
pub(super) fn problem(file: &str, text: &str) -> Option<String> {
    if file.split('/').any(|part| part == "tests") {
        return None;
    }
    let lines = code_lines(without_trailing_tests(text)).count();
    (lines > CODE_LINES_MAX)
        .then(|| format!("{file} has {lines} lines of code, more than {CODE_LINES_MAX}: split it"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_above_the_limit_fails() {
        let long = "fn a() {}\n".repeat(CODE_LINES_MAX + 1);
        let found = problem("crates/wayfold-core/src/fold.rs", &long).expect("one line too many");
        assert!(found.contains("has 801 lines of code"), "{found}");
    }

    #[test]
    fn comments_tests_and_test_files_do_not_count() {
        let code = "/// Docs.\nfn a() {}\n\n".repeat(CODE_LINES_MAX);
        let tests = format!("#[cfg(test)]\nmod tests {{\n{}}}\n", "    fn b() {}\n".repeat(500));
        assert_eq!(problem("crates/wayfold-core/src/fold.rs", &(code.clone() + &tests)), None);
        assert_eq!(problem("crates/wayfold-core/tests/fold.rs", &code.repeat(2)), None);
    }
}

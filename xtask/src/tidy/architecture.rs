//! The architecture page names paths, and a page that names what is gone misleads.

use anyhow::Result;

use super::markdown::{code_spans, prose_lines};
use super::tree::Tree;

const PAGE: &str = "ARCHITECTURE.md";

/// Finds the paths in backticks on the architecture page that do not exist.
pub(super) fn problems(tree: &Tree) -> Result<Vec<String>> {
    if !tree.contains(PAGE) {
        return Ok(vec![format!("{PAGE} does not exist")]);
    }
    Ok(missing(&tree.text(PAGE)?, tree))
}

fn missing(text: &str, tree: &Tree) -> Vec<String> {
    let mut found = Vec::new();
    for (number, line) in prose_lines(text) {
        let absent = code_spans(line).filter(|span| looks_like_path(span) && !exists(span, tree));
        found.extend(absent.map(|span| format!("{PAGE}:{number} names `{span}`, which does not exist")));
    }
    found
}

fn looks_like_path(span: &str) -> bool {
    let has_form = span.contains('/') || [".md", ".toml", ".rs"].iter().any(|end| span.ends_with(end));
    let is_plain = span.chars().all(|letter| letter.is_ascii_alphanumeric() || "._-/*<>{},".contains(letter));
    has_form && is_plain && span.contains(|letter: char| letter.is_ascii_alphabetic())
}

/// Looks a path up from the root; of a pattern the part before it, and a bare file name anywhere.
fn exists(path: &str, tree: &Tree) -> bool {
    let fixed: Vec<&str> = path
        .split('/')
        .take_while(|part| !part.contains(['*', '<', '{']))
        .filter(|part| *part != ".")
        .collect();
    let is_bare_file = !path.contains('/');
    tree.contains(&fixed.join("/"))
        || is_bare_file && tree.files().any(|file| file.rsplit('/').next() == Some(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[&str]) {
        let tree = Tree::of(&["Cargo.toml", "crates/wayfold-core/src/lib.rs", "docs/adr/0001-batch.md"]);
        assert_eq!(missing(text, &tree), expected);
    }

    #[test]
    fn missing_path_fails() {
        check(
            "Look at\n`crates/wayfold-core/src/gone.rs` and `GONE.md`.",
            &[
                "ARCHITECTURE.md:2 names `crates/wayfold-core/src/gone.rs`, which does not exist",
                "ARCHITECTURE.md:2 names `GONE.md`, which does not exist",
            ],
        );
        check("`crates/gone/*/src`", &["ARCHITECTURE.md:1 names `crates/gone/*/src`, which does not exist"]);
    }

    #[test]
    fn missing_page_fails() {
        let found = problems(&Tree::of(&["README.md"])).expect("nothing is read");
        assert_eq!(found, ["ARCHITECTURE.md does not exist"]);
    }

    #[test]
    fn existing_paths_and_patterns_pass() {
        check(
            "`crates/wayfold-core/src/lib.rs`, `./docs/adr/`, `docs/adr/*.md`, `lib.rs`, `Cargo.toml`",
            &[],
        );
    }

    #[test]
    fn other_code_is_no_path() {
        check("`EventStore`, `cargo run --example x/y`, `1/10`, `a::b`, `http://host/x`, gone/prose.rs", &[]);
        check("```\ncrates/gone `x/y`\n```", &[]);
    }
}

//! Words that a crate's sources may not hold.

use super::rust::code_lines;

/// Left-overs of work in progress. Clippy warns of them too, but an `allow` silences it.
const UNFINISHED: [&str; 3] = ["todo!(", "unimplemented!(", "dbg!("];

/// Crates whose sources may use the test tools; all others reach them from `tests/` only, because a unit test
/// would see two copies of its own crate.
const MAY_USE_TESTKIT: [&str; 2] = ["crates/wayfold-testkit/", "crates/wayfold-cli/"];

/// Finds such words in the code lines of a file under `crates/*/src`.
pub(super) fn problems(file: &str, text: &str) -> Vec<String> {
    if !is_crate_source(file) {
        return Vec::new();
    }
    let mut banned = UNFINISHED.to_vec();
    if !MAY_USE_TESTKIT.iter().any(|folder| file.starts_with(folder)) {
        banned.push("wayfold_testkit::");
    }
    let mut found = Vec::new();
    for (number, line) in code_lines(text) {
        let words = banned.iter().filter(|word| holds_word(line, word));
        found.extend(words.map(|word| format!("{file}:{number} holds `{word}`")));
    }
    found
}

fn is_crate_source(file: &str) -> bool {
    let mut parts = file.split('/');
    parts.next() == Some("crates") && parts.nth(1) == Some("src")
}

/// Says whether the word stands in the line on its own, not as the end of a longer name.
fn holds_word(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(start, _)| {
        let before = line[..start].chars().next_back();
        !before.is_some_and(|letter| letter.is_alphanumeric() || letter == '_')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(file: &str, text: &str, expected: &[&str]) {
        assert_eq!(problems(file, text), expected);
    }

    #[test]
    fn unfinished_code_fails() {
        let text = "fn a() {\n    todo!()\n}\nfn b() { unimplemented!(\"later\") }\nlet c = dbg!(1);\n";
        let file = "crates/wayfold-core/src/fold/state.rs";
        let expected = [
            "crates/wayfold-core/src/fold/state.rs:2 holds `todo!(`",
            "crates/wayfold-core/src/fold/state.rs:4 holds `unimplemented!(`",
            "crates/wayfold-core/src/fold/state.rs:5 holds `dbg!(`",
        ];
        check(file, text, &expected);
    }

    #[test]
    fn comments_longer_names_and_other_folders_pass() {
        check("crates/wayfold-core/src/lib.rs", "// todo!() is refused.\nmy_todo!();\n", &[]);
        check("crates/wayfold-core/tests/all.rs", "todo!()", &[]);
        check("xtask/src/main.rs", "todo!()", &[]);
    }

    #[test]
    fn testkit_in_sources_fails_except_where_it_belongs() {
        let text = "use wayfold_testkit::Oracle;\n";
        check(
            "crates/wayfold-core/src/lib.rs",
            text,
            &["crates/wayfold-core/src/lib.rs:1 holds `wayfold_testkit::`"],
        );
        check("crates/wayfold-cli/src/main.rs", text, &[]);
        check("crates/wayfold-core/tests/all.rs", text, &[]);
    }
}

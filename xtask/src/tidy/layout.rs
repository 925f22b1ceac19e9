//! Where files lie: a module is `foo.rs` beside `foo/`, so that every open tab has a name of its own.

use super::tree::Tree;

pub(super) fn problems(tree: &Tree) -> Vec<String> {
    let named_mod = tree.files().filter(|file| file.rsplit('/').next() == Some("mod.rs"));
    named_mod.map(|file| format!("{file} must be named after its folder and lie beside it")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mod_rs_fails_and_other_names_pass() {
        let tree = Tree::of(&["crates/a/src/fold/mod.rs", "crates/a/src/model.rs", "crates/a/src/my_mod.rs"]);
        assert_eq!(
            problems(&tree),
            ["crates/a/src/fold/mod.rs must be named after its folder and lie beside it"]
        );
    }
}

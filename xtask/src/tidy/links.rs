//! Relative links of Markdown pages lead to files that exist.

use super::markdown::{prose_lines, without_code_spans};
use super::tree::Tree;

pub(super) fn problems(file: &str, text: &str, tree: &Tree) -> Vec<String> {
    let mut found = Vec::new();
    for (number, line) in prose_lines(text) {
        let line = without_code_spans(line);
        let broken = targets(&line).into_iter().filter(|target| !leads_somewhere(file, target, tree));
        found.extend(broken.map(|target| format!("{file}:{number} links to {target}, which does not exist")));
    }
    found
}

/// Gives the targets of the inline links and of a reference definition in a line.
fn targets(line: &str) -> Vec<&str> {
    let inline = line.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(target, _)| target);
    let is_definition = line.trim_start().starts_with('[');
    let definition = line.split_once("]: ").filter(|_| is_definition).map(|(_, target)| target);
    inline.chain(definition).map(without_title).collect()
}

fn without_title(target: &str) -> &str {
    let target = target.trim();
    let address = target.split_whitespace().next().unwrap_or_default();
    target.strip_prefix('<').and_then(|rest| rest.split_once('>')).map_or(address, |(inner, _)| inner)
}

fn leads_somewhere(file: &str, target: &str, tree: &Tree) -> bool {
    let is_outside = target.contains("://") || target.starts_with("mailto:");
    let path = target.split('#').next().unwrap_or_default();
    is_outside || path.is_empty() || resolve(file, path).is_some_and(|path| tree.contains(&path))
}

/// Resolves a path as seen from a file; a path that leaves the repository gives nothing.
fn resolve(file: &str, path: &str) -> Option<String> {
    let mut parts: Vec<&str> = file.split('/').collect();
    parts.pop();
    if path.starts_with('/') {
        parts.clear();
    }
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            name => parts.push(name),
        }
    }
    Some(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[&str]) {
        let tree = Tree::of(&["README.md", "docs/glossary.md", "docs/adr/0001-batch.md"]);
        assert_eq!(problems("docs/glossary.md", text, &tree), expected);
    }

    #[test]
    fn broken_links_fail() {
        check("See [a](gone.md).", &["docs/glossary.md:1 links to gone.md, which does not exist"]);
        check("\n[`a`](adr/gone.md#x)", &["docs/glossary.md:2 links to adr/gone.md#x, which does not exist"]);
        check("[a]: gone.md", &["docs/glossary.md:1 links to gone.md, which does not exist"]);
        check(
            "[out](../../beside.md)",
            &["docs/glossary.md:1 links to ../../beside.md, which does not exist"],
        );
    }

    #[test]
    fn links_to_files_folders_anchors_and_hosts_pass() {
        check("[a](../README.md \"title\") [b](adr) [c](adr/) [d](<adr/0001-batch.md>) [e](/README.md)", &[]);
        check("[a](#here) [b](glossary.md#there) [c](https://example.com/x) [d](mailto:a@example.com)", &[]);
    }

    #[test]
    fn code_is_no_link() {
        check("`[a](gone.md)`\n```\n[a](gone.md)\n```", &[]);
    }
}

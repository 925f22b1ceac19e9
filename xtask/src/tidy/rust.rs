//! What counts as a line of code in a Rust file, for a reader rather than for a compiler.

/// Gives the lines that are neither blank nor comment, each with its number from 1.
pub(super) fn code_lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut in_block_comment = false;
    text.lines().enumerate().filter_map(move |(index, line)| {
        let trimmed = line.trim();
        let opens = trimmed.starts_with("/*");
        let is_comment = in_block_comment || opens || trimmed.starts_with("//");
        if in_block_comment || opens {
            in_block_comment = !trimmed.contains("*/");
        }
        (!is_comment && !trimmed.is_empty()).then_some((index + 1, line))
    })
}

/// Cuts off the `#[cfg(test)]` module that ends a file, if one does.
///
/// The layout that rustfmt gives is taken for granted: the attribute and the closing brace stand in the first
/// column.
pub(super) fn without_trailing_tests(text: &str) -> &str {
    let mut rest = text;
    while let Some(start) = find_line(rest, "#[cfg(test)]") {
        let tail = &rest[start..];
        let end = find_line(tail, "}").map_or(tail.len(), |brace| brace + 1);
        if opens_module(tail) && tail[end..].trim().is_empty() {
            return &text[..text.len() - tail.len()];
        }
        rest = &tail["#[cfg(test)]".len()..];
    }
    text
}

fn find_line(text: &str, wanted: &str) -> Option<usize> {
    let mut start = 0;
    text.split_inclusive('\n').find_map(|line| {
        let here = start;
        start += line.len();
        (line.trim_end() == wanted).then_some(here)
    })
}

/// Says whether the first item, past its attributes, is a module with a body.
fn opens_module(text: &str) -> bool {
    let item = text.lines().find(|line| !line.is_empty() && !line.starts_with("#["));
    item.is_some_and(|line| line.starts_with("mod ") && line.ends_with('{'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_blank_lines_are_no_code() {
        let text = "//! Docs.\n\nfn a() {} // why\n    /// More.\n/* one\ntwo */\n/* three */\nfn b() {}\n";
        let lines: Vec<_> = code_lines(text).collect();
        assert_eq!(lines, [(3, "fn a() {} // why"), (8, "fn b() {}")]);
    }

    #[test]
    fn tests_at_the_end_are_cut_off() {
        let text = "fn a() {}\n#[cfg(test)]\nmod tests {\n    fn b() {}\n}\n";
        assert_eq!(without_trailing_tests(text), "fn a() {}\n");
    }

    #[test]
    fn test_items_before_the_end_stay() {
        let code = "#[cfg(test)]\nimpl A {\n}\n#[cfg(test)]\nmod early {\n}\nfn a() {}\n";
        assert_eq!(without_trailing_tests(code), code);
        let both = format!("{code}#[cfg(test)]\n#[allow(x)]\nmod tests {{\n}}\n");
        assert_eq!(without_trailing_tests(&both), code);
    }
}

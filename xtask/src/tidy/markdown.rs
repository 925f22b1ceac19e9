//! As much of Markdown as the checks need: prose, and the code spans inside it.

/// Gives the lines outside fenced code blocks, each with its number from 1.
pub(super) fn prose_lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut in_fence = false;
    text.lines().enumerate().filter_map(move |(index, line)| {
        let is_fence = line.trim_start().starts_with("```") || line.trim_start().starts_with("~~~");
        in_fence ^= is_fence;
        (!in_fence && !is_fence).then_some((index + 1, line))
    })
}

/// Gives what stands between backticks in a line.
pub(super) fn code_spans(line: &str) -> impl Iterator<Item = &str> {
    line.split('`').skip(1).step_by(2)
}

/// Gives a line without its code spans.
pub(super) fn without_code_spans(line: &str) -> String {
    line.split('`').step_by(2).collect()
}

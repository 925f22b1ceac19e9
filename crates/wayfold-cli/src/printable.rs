//! Texts as a terminal may have them: names come from files of others, and a terminal obeys what it is sent.

use std::borrow::Cow;

/// Writes what a terminal would obey, or what would turn a line round, as `\u{..}`; line ends stay.
pub(crate) fn printable(text: &str) -> Cow<'_, str> {
    escaped(text, |letter| letter != '\n' && is_obeyed(letter), |letter| letter.escape_unicode().to_string())
}

/// The same for one line or cell, in which a line end would look like the next one.
pub(crate) fn printable_line(text: &str) -> Cow<'_, str> {
    escaped(text, is_obeyed, |letter| letter.escape_default().to_string())
}

/// The same for JSON, whose own escapes leave some of them.
pub(crate) fn printable_json(json: &str) -> Cow<'_, str> {
    let is_left = |letter: char| !letter.is_ascii_whitespace() && is_obeyed(letter);
    escaped(json, is_left, |letter| {
        letter.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")).collect()
    })
}

fn is_obeyed(letter: char) -> bool {
    // Beside controls: marks that turn the direction of what follows, and a byte order mark.
    let turns = matches!(letter, '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}');
    letter.is_control() || turns
}

fn escaped(text: &str, is_escaped: impl Fn(char) -> bool, escape: impl Fn(char) -> String) -> Cow<'_, str> {
    if !text.contains(&is_escaped) {
        return Cow::Borrowed(text);
    }
    let one = |letter: char| if is_escaped(letter) { escape(letter) } else { letter.to_string() };
    Cow::Owned(text.chars().map(one).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_obeys_nothing_of_a_name() {
        let name = "a\u{1b}[31mred\u{7f}\u{9b}2J\u{202e}b\nc 顾客 é";
        assert_eq!(printable_line(name), "a\\u{1b}[31mred\\u{7f}\\u{9b}2J\\u{202e}b\\nc 顾客 é");
        assert_eq!(printable("a\nb\tc"), "a\nb\\u{9}c");
        assert_eq!(printable_line("顾客 é"), "顾客 é");
    }

    #[test]
    fn json_stays_json() {
        let text = "\u{7f}\u{9b}\u{202e}";
        let json = serde_json::to_string_pretty(&[text]).unwrap();
        let printed = printable_json(&json);
        assert!(printed.chars().all(|letter| letter.is_ascii_graphic() || letter.is_ascii_whitespace()));
        assert_eq!(serde_json::from_str::<Vec<String>>(&printed).unwrap(), [text]);
    }
}

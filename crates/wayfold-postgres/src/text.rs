//! Texts as PostgreSQL takes them: it has no text with the character U+0000.

use std::borrow::Cow;

/// The picture of U+0000 stands for it, with a zero behind it; the picture itself stands twice.
const MARK: char = '\u{2400}';
const MARKED_ZERO: &str = "\u{2400}0";
const MARKED_MARK: &str = "\u{2400}\u{2400}";

/// A text as it is stored. All but those with U+0000 or its picture in them are stored as they are.
pub(crate) fn stored(text: &str) -> Cow<'_, str> {
    if !text.contains(['\0', MARK]) {
        return Cow::Borrowed(text);
    }
    let mut stored = String::with_capacity(text.len() + 8);
    for letter in text.chars() {
        match letter {
            '\0' => stored.push_str(MARKED_ZERO),
            MARK => stored.push_str(MARKED_MARK),
            other => stored.push(other),
        }
    }
    Cow::Owned(stored)
}

/// The text that was stored; `None` if nothing is stored so.
pub(crate) fn restored(stored: &str) -> Option<Cow<'_, str>> {
    if !stored.contains(MARK) {
        return Some(Cow::Borrowed(stored));
    }
    let mut text = String::with_capacity(stored.len());
    let mut letters = stored.chars();
    while let Some(letter) = letters.next() {
        match letter {
            MARK => text.push(match letters.next()? {
                '0' => '\0',
                MARK => MARK,
                _ => return None,
            }),
            other => text.push(other),
        }
    }
    Some(Cow::Owned(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_comes_back_and_most_are_stored_as_they_are() {
        for (text, expected) in [
            ("", ""),
            ("o'; drop table", "o'; drop table"),
            ("a\0b", "a␀0b"),
            ("\0\0", "␀0␀0"),
            ("␀", "␀␀"),
            ("␀0", "␀␀0"),
            ("\0␀0", "␀0␀␀0"),
        ] {
            assert_eq!(stored(text), expected);
            assert_eq!(restored(expected).as_deref(), Some(text));
        }
    }

    #[test]
    fn what_nothing_is_stored_as_is_refused() {
        for bad in ["␀", "a␀1", "␀␀␀"] {
            assert_eq!(restored(bad), None, "{bad}");
        }
    }
}

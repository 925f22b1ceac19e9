//! What a store may do to names, as real databases do.

use std::borrow::Cow;

use super::{Flaw, Handle};

impl Handle {
    /// Says whether a name that is asked for is a name that is stored.
    pub(super) fn same_text(&self, asked: &str, own: &str) -> bool {
        if self.is(Flaw::NamesArePatterns) {
            return is_like(asked.as_bytes(), own.as_bytes());
        }
        self.text(asked) == self.text(own)
    }

    /// A name as the store keeps it.
    pub(super) fn text<'a>(&self, text: &'a str) -> Cow<'a, str> {
        match self.flaw {
            Flaw::NamesEndAtNul => text.split('\0').next().unwrap_or_default().into(),
            Flaw::NamesFoldedToLowerCase => text.to_lowercase().into(),
            Flaw::NamesTrimmed => text.trim().into(),
            Flaw::NamesNormalised => {
                let composed = text.replace("e\u{301}", "é").replace('\u{212b}', "Å").replace('ﬁ', "fi");
                composed.replace("\u{1112}\u{1161}\u{11ab}", "한").into()
            }
            Flaw::NamesOf255Bytes => {
                let end = (0..=text.len().min(255)).rev().find(|end| text.is_char_boundary(*end));
                text[..end.unwrap_or_default()].into()
            }
            Flaw::NamesWithoutMarks => text.replace(['\u{202e}', '\u{200d}'], "").into(),
            Flaw::NamesUnquoted => text.replace("''", "'").into(),
            _ => text.into(),
        }
    }
}

/// LIKE: `%` stands for anything, `_` for one byte.
fn is_like(pattern: &[u8], text: &[u8]) -> bool {
    match (pattern.split_first(), text.split_first()) {
        (None, None) => true,
        (Some((b'%', rest)), _) => (0..=text.len()).any(|from| is_like(rest, &text[from..])),
        (Some((b'_', rest)), Some((_, text))) => is_like(rest, text),
        (Some((byte, rest)), Some((own, text))) => byte == own && is_like(rest, text),
        _ => false,
    }
}

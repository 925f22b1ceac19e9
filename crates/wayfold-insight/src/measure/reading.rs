//! Small texts that name steps, such as paths and norms, read from left to right.

use crate::error::{Error, ErrorKind, Result};

/// A text of which the beginning was read.
pub(super) struct Reading<'a> {
    /// What the text is, for errors.
    what: &'static str,
    text: &'a str,
    /// What was not read yet, without blanks before it.
    rest: &'a str,
}

impl<'a> Reading<'a> {
    pub(super) fn new(what: &'static str, text: &'a str) -> Self {
        Self { what, text, rest: text.trim_start() }
    }

    /// What was not read yet.
    pub(super) fn rest(&self) -> &'a str {
        self.rest
    }

    /// One name, or several with `|` between them.
    pub(super) fn names(&mut self) -> Result<Vec<String>> {
        let mut names = vec![self.name()?];
        while self.take("|") {
            names.push(self.name()?);
        }
        Ok(names)
    }

    fn name(&mut self) -> Result<String> {
        let (name, rest) = match self.rest.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"').ok_or_else(|| self.wrong("the quotes are not closed"))?,
            None => {
                let sign = self.rest.find(is_sign).unwrap_or(self.rest.len());
                let arrow = self.rest.find("->").unwrap_or(self.rest.len());
                self.rest.split_at(sign.min(arrow))
            }
        };
        if name.is_empty() {
            return Err(self.wrong("a name is missing"));
        }
        self.rest = rest.trim_start();
        Ok(name.to_owned())
    }

    /// Reads a sign, if it is there.
    pub(super) fn take(&mut self, sign: &str) -> bool {
        let Some(rest) = self.rest.strip_prefix(sign) else { return false };
        self.rest = rest.trim_start();
        true
    }

    /// Reads a word, if it is there and nothing else follows it at once.
    pub(super) fn take_word(&mut self, word: &str) -> bool {
        let Some(rest) = self.rest.strip_prefix(word) else { return false };
        let ends = rest.chars().next().is_none_or(char::is_whitespace);
        if ends {
            self.rest = rest.trim_start();
        }
        ends
    }

    /// What is wrong with what was not read yet.
    pub(super) fn wrong(&self, problem: impl std::fmt::Display) -> Error {
        let read = self.text.len() - self.rest.len();
        let (what, place) = (self.what, self.text[..read].chars().count() + 1);
        Error::new(ErrorKind::InvalidRule, format_args!("{what}, character {place}: {problem}"))
    }
}

/// Names as they are read; those that mean something else where they stand are put between quotes.
pub(super) fn written(names: &[String], reserved: &[&str]) -> String {
    let is_plain =
        |name: &str| !name.chars().any(is_sign) && !name.contains("->") && !reserved.contains(&name);
    let name = |name: &String| if is_plain(name) { name.clone() } else { format!("\"{name}\"") };
    names.iter().map(name).collect::<Vec<_>>().join(" | ")
}

/// Says whether a character ends a name that stands without quotes.
fn is_sign(character: char) -> bool {
    character.is_whitespace() || matches!(character, '|' | '?' | '+' | '*' | '"')
}

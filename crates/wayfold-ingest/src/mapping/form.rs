//! The form of the file: how rows and cells are told apart, and how columns are named.

use super::section::{Item, Section};
use crate::error::Result;

/// How rows and cells are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Separation {
    /// One character between cells, which may stand in quotes.
    Delimited { delimiter: u8, quote: Option<u8> },
    /// Any number of blanks between cells and around them.
    Whitespace,
}

/// The form of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Form {
    pub(crate) separation: Separation,
    /// The names of the columns, for a file without a header.
    pub(crate) names: Option<Vec<String>>,
}

impl Form {
    /// Reads `[file]`; without it the file is comma-separated with a header.
    pub(super) fn parse(item: Option<Item<'_>>) -> Result<Self> {
        let Some(item) = item else {
            let separation = Separation::Delimited { delimiter: b',', quote: Some(b'"') };
            return Ok(Self { separation, names: None });
        };
        let mut section = item.into_section("[file]")?;
        section.allow(&[&["delimiter", "quote", "header", "columns"]])?;
        let separation = separation(&mut section)?;
        Ok(Self { separation, names: names(&mut section)? })
    }
}

fn separation(section: &mut Section<'_>) -> Result<Separation> {
    let quote = section.take("quote");
    let delimiter = match section.take("delimiter") {
        None => b',',
        Some(item) => {
            let wrong = item.error_at(format_args!(
                "{} must be one ASCII character, \"tab\", or \"whitespace\" for any number of blanks",
                item.title
            ));
            match item.into_text()?.as_str() {
                "tab" => b'\t',
                "whitespace" if quote.is_some() => {
                    return Err(section.error("cells between blanks stand in no quotes; leave \"quote\" out"));
                }
                "whitespace" => return Ok(Separation::Whitespace),
                text => ascii(text).ok_or(wrong)?,
            }
        }
    };
    let quote = match quote {
        None => Some(b'"'),
        Some(item) => {
            let wrong =
                item.error_at(format_args!("{} must be one ASCII character, or \"\" for none", item.title));
            match item.into_text()?.as_str() {
                "" => None,
                text => Some(ascii(text).ok_or(wrong)?),
            }
        }
    };
    if quote == Some(delimiter) {
        return Err(section.error("delimiter and quote of [file] are the same character"));
    }
    Ok(Separation::Delimited { delimiter, quote })
}

fn ascii(text: &str) -> Option<u8> {
    match text.as_bytes() {
        [byte] if byte.is_ascii() && !matches!(byte, b'\n' | b'\r') => Some(*byte),
        _ => None,
    }
}

fn names(section: &mut Section<'_>) -> Result<Option<Vec<String>>> {
    let has_header = section.boolean("header")?.unwrap_or(true);
    let columns = section.take("columns");
    match (has_header, columns) {
        (true, None) => Ok(None),
        (true, Some(item)) => Err(item.error_at(
            "\"columns\" names the columns of a file without a header; say header = false, or leave it out",
        )),
        (false, None) => Err(section.error("a file without a header needs \"columns\" in [file]")),
        (false, Some(item)) => {
            let empty = item.error_at(format_args!("{} is empty", item.title));
            let names = item.into_array()?.into_iter().map(Item::into_text).collect::<Result<Vec<_>>>()?;
            if names.is_empty() { Err(empty) } else { Ok(Some(names)) }
        }
    }
}

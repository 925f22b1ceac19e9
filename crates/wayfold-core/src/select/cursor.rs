//! Where a page ends, as a text that the next question hands back.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::rank::Rank;
use crate::error::{Error, ErrorKind, Result};

/// The end of a page: the next one begins behind it.
///
/// It names the last customer of the page and its value, not a count, so that customers who come or go in between
/// neither repeat nor push out others. Its text is of hexadecimal digits; what they say may change with the
/// version of the library, but it is not secret: the customer's key and the value can be read from it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Cursor {
    question: u64,
    last: Rank,
}

/// What the digits say.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    version: u8,
    question: u64,
    last: Rank,
}

const VERSION: u8 = 1;

impl Cursor {
    pub(super) fn new(question: u64, last: Rank) -> Self {
        Self { question, last }
    }

    /// Reads the text of a cursor.
    ///
    /// # Errors
    /// `InvalidCursor` for a text that no cursor has.
    pub fn parse(text: &str) -> Result<Self> {
        let document = decode(text).and_then(|bytes| serde_json::from_slice::<Document>(&bytes).ok());
        match document {
            Some(Document { version: VERSION, question, last }) => Ok(Self { question, last }),
            _ => {
                let message =
                    "the cursor is malformed; hand back the whole text of a page, or begin without one";
                Err(Error::new(ErrorKind::InvalidCursor, message))
            }
        }
    }

    /// The last customer of the page, if the page answered this question.
    pub(super) fn last(&self, question: u64) -> Result<&Rank> {
        if self.question == question {
            return Ok(&self.last);
        }
        let message =
            "the cursor is of another question: tenant, filter and order must stay; begin without it";
        Err(Error::new(ErrorKind::InvalidCursor, message))
    }
}

fn decode(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let pairs = text.as_bytes().chunks(2);
    pairs.map(|pair| Some(digit(pair[0])? << 4 | digit(*pair.get(1)?)?)).collect()
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let document = Document { version: VERSION, question: self.question, last: self.last.clone() };
        let json = serde_json::to_vec(&document).expect("a cursor holds texts and numbers");
        json.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl TryFrom<String> for Cursor {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        Self::parse(&text)
    }
}

impl From<Cursor> for String {
    fn from(cursor: Cursor) -> String {
        cursor.to_string()
    }
}

//! A part as bytes: a line of JSON that says what it holds, then one line a customer, by spread.

use serde::{Deserialize, Serialize};

use super::PartEntry;
use super::line::{Line, PREFIX};
use crate::error::{Error, ErrorKind, Result, ensure};
use crate::event::without_place;
use crate::fold::Fold;
use crate::projection::Fingerprint;
use crate::time::Timestamp;

/// Counts up whenever an older reader would misread a part.
const FORMAT_VERSION: u32 = 1;

/// What stands in front of the customers.
pub(super) struct Head {
    pub(super) as_of: Timestamp,
    pub(super) fingerprint: Fingerprint,
    pub(super) entry: PartEntry,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct HeadText {
    wayfold: Kind,
    version: u32,
    as_of: Timestamp,
    fingerprint: Fingerprint,
    part: PartEntry,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Snapshot,
}

/// What every version of the format begins with.
#[derive(Deserialize)]
struct Probe {
    #[serde(rename = "wayfold")]
    _kind: Kind,
    version: u32,
}

impl Head {
    /// The head and the lines as one.
    pub(super) fn before(self, lines: &[u8]) -> Vec<u8> {
        let Self { as_of, fingerprint, entry } = self;
        let head =
            HeadText { wayfold: Kind::Snapshot, version: FORMAT_VERSION, as_of, fingerprint, part: entry };
        let mut bytes = serde_json::to_vec(&head).expect("a head holds texts and numbers");
        bytes.reserve_exact(1 + lines.len());
        bytes.push(b'\n');
        bytes.extend_from_slice(lines);
        bytes
    }

    fn read(json: &[u8]) -> Result<Self> {
        let probe: Probe = serde_json::from_slice(json).map_err(malformed)?;
        if probe.version != FORMAT_VERSION {
            let message = format_args!(
                "the snapshot has format version {}, and this program reads {FORMAT_VERSION}; fold the log instead",
                probe.version
            );
            return Err(Error::new(ErrorKind::StatesDiffer, message));
        }
        let head: HeadText = serde_json::from_slice(json).map_err(malformed)?;
        Ok(Self { as_of: head.as_of, fingerprint: head.fingerprint, entry: head.part })
    }
}

#[expect(clippy::needless_pass_by_value, reason = "it maps an error")]
fn malformed(error: serde_json::Error) -> Error {
    Error::new(ErrorKind::Malformed, without_place(&error)).at("head")
}

/// A part whose head fits the fold and its lines.
pub(super) struct Part<'a> {
    entry: PartEntry,
    lines: &'a [u8],
}

impl<'a> Part<'a> {
    /// Reads the head of a part, whose states must mean what those of the fold mean.
    pub(super) fn open(bytes: &'a [u8], fold: &Fold, fingerprint: &Fingerprint) -> Result<Self> {
        let end = bytes.iter().position(|byte| *byte == b'\n').unwrap_or(bytes.len());
        let (head, lines) = (Head::read(&bytes[..end])?, bytes.get(end + 1..).unwrap_or_default());
        if let Some(difference) = fingerprint.difference(&head.fingerprint) {
            let message = format_args!(
                "the states of the snapshot mean something else: {difference}; fold the log instead"
            );
            return Err(Error::new(ErrorKind::StatesDiffer, message));
        }
        if head.as_of != fold.as_of {
            let message = format_args!("the snapshot is as of {}, the fold as of {}", head.as_of, fold.as_of);
            return Err(Error::new(ErrorKind::InvalidTime, message));
        }
        let entry = head.entry;
        ensure(entry.bytes == lines.len() as u64, "the part has not as many bytes as its head says")?;
        let part = Self { entry, lines };
        let ends = lines.strip_suffix(b"\n").map(|lines| lines.rsplit(|byte| *byte == b'\n').next());
        let last = Line::read(ends.flatten().unwrap_or_default())?.spread;
        let first = part.line_at(0)?.0.spread;
        ensure(
            (first, last) == (entry.first, entry.last),
            "the part holds not the customers that its head says",
        )?;
        Ok(part)
    }

    /// Every line, checked as far as their spreads and their number go.
    pub(super) fn lines(&self) -> Result<Vec<Line<'a>>> {
        let mut lines = Vec::new();
        let mut start = 0;
        while start < self.lines.len() {
            let (line, end) = self.line_at(start)?;
            lines.push(line);
            start = end;
        }
        ensure(lines.is_sorted_by_key(|line| line.spread), "the lines of the part are out of order")?;
        let count = lines.len() as u64 == self.entry.customers;
        ensure(count, "the part has not as many lines as its head says")?;
        Ok(lines)
    }

    /// The lines of one spread, found by halving the part.
    pub(super) fn lines_of(&self, spread: u64) -> Result<Vec<Line<'a>>> {
        let (mut low, mut high) = (0, self.lines.len());
        while low < high {
            let middle = low + (high - low) / 2;
            let before = self.lines[low..middle].iter().rposition(|byte| *byte == b'\n');
            let start = before.map_or(low, |end| low + end + 1);
            let (line, end) = self.line_at(start)?;
            if line.spread < spread { low = end } else { high = start }
        }
        let mut found = Vec::new();
        while low < self.lines.len() {
            let (line, end) = self.line_at(low)?;
            if line.spread != spread {
                break;
            }
            found.push(line);
            low = end;
        }
        Ok(found)
    }

    /// The line that starts at a byte, and where the next one starts.
    fn line_at(&self, start: usize) -> Result<(Line<'a>, usize)> {
        let rest = &self.lines[start..];
        let length = rest.iter().skip(PREFIX).position(|byte| *byte == b'\n').map(|place| PREFIX + place);
        let line = rest.get(..length.unwrap_or_default()).unwrap_or_default();
        Ok((Line::read(line)?, start + line.len() + 1))
    }
}

/// A spread as text: 16 hexadecimal digits, so that texts order as the numbers do.
pub(super) mod hex {
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(in super::super) fn read(text: &str) -> Option<u64> {
        let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        let is_well_formed = text.len() == 16 && text.bytes().all(is_digit);
        is_well_formed.then(|| u64::from_str_radix(text, 16).ok()).flatten()
    }

    pub(in super::super) fn serialize<S: Serializer>(spread: &u64, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{spread:016x}"))
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
        let text = String::deserialize(deserializer)?;
        read(&text).ok_or_else(|| D::Error::custom(format_args!("{text:?} is not 16 hexadecimal digits")))
    }
}

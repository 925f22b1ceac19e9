//! A part as bytes: a line of JSON that says what it holds, then one customer after the other, by spread.

use serde::{Deserialize, Serialize};

use super::{PartEntry, customer, line};
use crate::error::{Error, ErrorKind, Result, ensure};
use crate::event::without_place;
use crate::fold::Fold;
use crate::projection::Fingerprint;
use crate::time::Timestamp;

/// Counts up whenever an older reader would misread a part.
const FORMAT_VERSION: u32 = 2;
/// The version whose customers are lines of JSON.
const LINES: u32 = 1;

/// What stands in front of the customers.
pub(super) struct Head {
    version: u32,
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
    pub(super) fn new(as_of: Timestamp, fingerprint: Fingerprint, entry: PartEntry) -> Self {
        Self { version: FORMAT_VERSION, as_of, fingerprint, entry }
    }

    /// The head and the customers as one.
    pub(super) fn before(self, customers: &[u8]) -> Vec<u8> {
        let Self { version, as_of, fingerprint, entry } = self;
        let head = HeadText { wayfold: Kind::Snapshot, version, as_of, fingerprint, part: entry };
        let mut bytes = serde_json::to_vec(&head).expect("a head holds texts and numbers");
        bytes.reserve_exact(1 + customers.len());
        bytes.push(b'\n');
        bytes.extend_from_slice(customers);
        bytes
    }

    /// The head of a part, and what stands behind it.
    pub(super) fn split(part: &[u8]) -> Result<(Self, &[u8])> {
        let end = part.iter().position(|byte| *byte == b'\n').unwrap_or(part.len());
        Ok((Self::read(&part[..end])?, part.get(end + 1..).unwrap_or_default()))
    }

    fn read(json: &[u8]) -> Result<Self> {
        let probe: Probe = serde_json::from_slice(json).map_err(malformed)?;
        if !(LINES..=FORMAT_VERSION).contains(&probe.version) {
            let message = format_args!(
                "the snapshot has format version {}, and this program reads {LINES} to {FORMAT_VERSION}; fold the log \
                 instead",
                probe.version
            );
            return Err(Error::new(ErrorKind::StatesDiffer, message));
        }
        let head: HeadText = serde_json::from_slice(json).map_err(malformed)?;
        let HeadText { wayfold: Kind::Snapshot, version, as_of, fingerprint, part } = head;
        Ok(Self { version, as_of, fingerprint, entry: part })
    }
}

#[expect(clippy::needless_pass_by_value, reason = "it maps an error")]
fn malformed(error: serde_json::Error) -> Error {
    Error::new(ErrorKind::Malformed, without_place(&error)).at("head")
}

/// A customer as it stands in a part.
#[derive(Clone, Copy)]
pub(super) struct Stored<'a> {
    pub(super) spread: u64,
    pub(super) form: Form<'a>,
}

/// What is told of a customer, by the version of the part.
#[derive(Clone, Copy)]
pub(super) enum Form<'a> {
    /// An object of JSON.
    Line(&'a [u8]),
    /// Values of MessagePack.
    Packed(&'a [u8]),
}

/// The customers of a part, whose head fits the fold and them: checked as far as their spreads and their number go.
pub(super) fn open<'a>(bytes: &'a [u8], fold: &Fold, fingerprint: &Fingerprint) -> Result<Vec<Stored<'a>>> {
    let (Head { version, as_of, fingerprint: of_part, entry }, customers) = Head::split(bytes)?;
    if let Some(difference) = fingerprint.difference(&of_part) {
        let message = format_args!(
            "the states of the snapshot mean something else: {difference}; fold the log instead"
        );
        return Err(Error::new(ErrorKind::StatesDiffer, message));
    }
    if as_of != fold.as_of {
        let message = format_args!("the snapshot is as of {as_of}, the fold as of {}", fold.as_of);
        return Err(Error::new(ErrorKind::InvalidTime, message));
    }
    ensure(entry.bytes == customers.len() as u64, "the part has not as many bytes as its head says")?;
    let customers = if version == LINES { line::split(customers)? } else { customer::split(customers)? };
    let ends = customers.first().zip(customers.last()).map(|(first, last)| (first.spread, last.spread));
    ensure(ends == Some((entry.first, entry.last)), "the part holds not the customers that its head says")?;
    ensure(customers.is_sorted_by_key(|stored| stored.spread), "the customers of the part are out of order")?;
    let count = customers.len() as u64 == entry.customers;
    ensure(count, "the part has not as many customers as its head says")?;
    Ok(customers)
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

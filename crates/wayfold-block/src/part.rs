//! The frame around every piece of a block: what it is, whose it is, and a checksum over all of it.

use std::fmt;

use crate::bytes::Reader;
use crate::error::{Error, Result};

/// The version that this library writes; it reads all up to it.
pub const FORMAT_VERSION: u8 = 2;

const MAGIC: [u8; 2] = *b"WF";
/// Magic, version, kind, block, number, length.
pub(crate) const HEAD_BYTES: usize = 2 + 1 + 1 + 8 + 4 + 4;
pub(crate) const CHECKSUM_BYTES: usize = 4;

/// What a part holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
#[non_exhaustive]
pub enum PartKind {
    /// A fresh block: all columns of an append.
    Fresh = 1,
    /// The columns of a page that the fold reads.
    Fold = 2,
    /// Ids, positions and recording times of a page.
    Identity = 3,
    /// The other columns of a page.
    Rest = 4,
    /// What a sealed block holds and where.
    Header = 5,
    /// Pages by event id.
    Ids = 6,
    /// Pages by tag.
    Tags = 7,
    /// Says fast what a sealed block does not hold.
    Filter = 8,
    /// A record of the store that keeps the blocks.
    Record = 9,
}

impl PartKind {
    fn from_byte(byte: u8) -> Option<Self> {
        use PartKind::{Filter, Fold, Fresh, Header, Identity, Ids, Record, Rest, Tags};
        let all = [Fresh, Fold, Identity, Rest, Header, Ids, Tags, Filter, Record];
        all.into_iter().find(|kind| *kind as u8 == byte)
    }
}

/// Names a part: of which block, what, and the how manyth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PartName {
    /// The number that its store gave the block.
    pub block: u64,
    /// What it holds.
    pub kind: PartKind,
    /// The how manyth of its kind, from 0.
    pub number: u32,
}

impl fmt::Display for PartName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "block {} {:?} {}", self.block, self.kind, self.number)
    }
}

/// Puts the frame around a payload.
///
/// # Panics
/// If the payload has 4 GiB or more, which no writer of this crate makes.
pub fn frame(name: PartName, payload: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(HEAD_BYTES + payload.len() + CHECKSUM_BYTES);
    bytes.extend_from_slice(&MAGIC);
    bytes.push(FORMAT_VERSION);
    bytes.push(name.kind as u8);
    bytes.extend_from_slice(&name.block.to_le_bytes());
    bytes.extend_from_slice(&name.number.to_le_bytes());
    let length = u32::try_from(payload.len()).expect("a part is smaller than 4 GiB");
    bytes.extend_from_slice(&length.to_le_bytes());
    bytes.extend_from_slice(payload);
    bytes.extend_from_slice(&crc32fast::hash(&bytes).to_le_bytes());
    bytes
}

/// Checks the frame of a part and gives its payload.
///
/// # Errors
/// `Unsupported` for another version, by its number; `Corrupt` if the checksum fails or the part is another than
/// the one that is asked for. The message names the part.
pub fn unframe(name: PartName, bytes: &[u8]) -> Result<&[u8]> {
    unframe_version(name, bytes).map(|(_, payload)| payload)
}

/// As [`unframe`], with the version in which the part was written.
pub(crate) fn unframe_version(name: PartName, bytes: &[u8]) -> Result<(u8, &[u8])> {
    read_frame(bytes)
        .and_then(|(version, found, payload)| {
            if found == name {
                return Ok((version, payload));
            }
            Err(Error::corrupt(format_args!("{found} stands in its place")))
        })
        .map_err(|error| error.at(name))
}

fn read_frame(bytes: &[u8]) -> Result<(u8, PartName, &[u8])> {
    let mut reader = Reader::new(bytes);
    if reader.array::<2>()? != MAGIC {
        return Err(Error::corrupt("this is no part of a block"));
    }
    let version = reader.byte()?;
    let (body, checksum) = bytes.split_last_chunk::<CHECKSUM_BYTES>().unwrap_or((bytes, &[0; 4]));
    let intact = crc32fast::hash(body) == u32::from_le_bytes(*checksum);
    if !(1..=FORMAT_VERSION).contains(&version) {
        // A flipped bit in the version is damage; a sound part of another version is not.
        return Err(match intact {
            true => Error::unsupported(format_args!(
                "it is of format version {version}; this version of the library reads versions up to {FORMAT_VERSION}"
            )),
            false => Error::corrupt("its checksum does not hold"),
        });
    }
    if !intact {
        return Err(Error::corrupt("its checksum does not hold"));
    }
    let kind = reader.byte()?;
    let kind = PartKind::from_byte(kind)
        .ok_or_else(|| Error::unsupported(format_args!("parts of kind {kind} are not known")))?;
    let name = PartName { kind, block: reader.u64()?, number: reader.u32()? };
    let length = reader.u32()? as usize;
    let payload = reader.take(length)?;
    reader.take(CHECKSUM_BYTES)?;
    reader.finish()?;
    Ok((version, name, payload))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    const NAME: PartName = PartName { block: 7, kind: PartKind::Rest, number: 3 };

    #[test]
    fn a_part_is_read_as_what_it_was_written_as_alone() {
        let bytes = frame(NAME, b"payload");
        assert_eq!(unframe(NAME, &bytes), Ok(&b"payload"[..]));
        for other in [
            PartName { block: 8, ..NAME },
            PartName { kind: PartKind::Fold, ..NAME },
            PartName { number: 2, ..NAME },
        ] {
            let error = unframe(other, &bytes).unwrap_err();
            assert_eq!(error.to_string(), format!("{other}: block 7 Rest 3 stands in its place"));
        }
    }

    #[test]
    fn every_flipped_bit_and_every_cut_is_noticed() {
        let bytes = frame(NAME, b"payload");
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(unframe(NAME, &flipped).unwrap_err().kind(), ErrorKind::Corrupt, "bit {bit}");
        }
        for cut in 0..bytes.len() {
            assert!(unframe(NAME, &bytes[..cut]).is_err(), "cut at {cut}");
        }
        assert!(unframe(NAME, &[bytes, vec![0]].concat()).is_err());
    }

    #[test]
    fn another_version_is_refused_by_its_number() {
        let mut bytes = frame(NAME, b"payload");
        bytes[2] = 9;
        let end = bytes.len() - 4;
        let checksum = crc32fast::hash(&bytes[..end]).to_le_bytes();
        bytes[end..].copy_from_slice(&checksum);
        let error = unframe(NAME, &bytes).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        assert_eq!(
            error.to_string(),
            "block 7 Rest 3: it is of format version 9; this version of the library reads versions up to 2"
        );
    }
}

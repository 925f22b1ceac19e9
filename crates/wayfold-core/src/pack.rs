//! MessagePack, the form of stored states: structs as maps by the names of their fields, so that whatever serde can say in
//! JSON is said and read.

use rmp_serde::decode::ReadRefReader;
use rmp_serde::{Deserializer, Serializer};
use serde::de::Error as _;
use serde::ser::Error as _;
use serde::{Deserialize, Serialize};

use crate::export::floats::refuse_packed;

pub(crate) use rmp_serde::decode::Error as ReadError;
pub(crate) use rmp_serde::encode::Error as WriteError;

/// How deep values may stand in each other; JSON is read as deep.
const DEPTH_MAX: usize = 128;

/// Writes a value that holds no float behind what is written.
pub(crate) fn write(out: &mut Vec<u8>, value: &(impl Serialize + ?Sized)) -> Result<(), WriteError> {
    refuse_packed(value).map_err(WriteError::custom)?;
    value.serialize(&mut Serializer::new(out).with_struct_map())
}

/// Writes bytes as one value.
pub(crate) fn write_bytes(out: &mut Vec<u8>, bytes: &[u8]) -> Result<(), WriteError> {
    serde::Serializer::serialize_bytes(&mut Serializer::new(out), bytes)
}

/// Reads a value of any type from exactly these bytes, whoever wrote them: what they claim to hold is held against how many
/// there are before anything makes room for it, and recursion ends.
pub(crate) fn read<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, ReadError> {
    check_shape(bytes).map_err(ReadError::custom)?;
    let mut values = Reader::new(bytes);
    let value = values.value()?;
    values.end()?;
    Ok(value)
}

/// Reads values one behind the other, of types that do not hold themselves.
pub(crate) struct Reader<'a>(Deserializer<ReadRefReader<'a, [u8]>>);

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self(Deserializer::from_read_ref(bytes))
    }

    /// The next value.
    pub(crate) fn value<T: Deserialize<'a>>(&mut self) -> Result<T, ReadError> {
        T::deserialize(&mut self.0)
    }

    /// Makes sure that nothing is left.
    pub(crate) fn end(&mut self) -> Result<(), ReadError> {
        match bool::deserialize(&mut self.0) {
            // There is no marker of a further value.
            Err(ReadError::InvalidMarkerRead(_)) => Ok(()),
            _ => Err(ReadError::custom("there is more than was written")),
        }
    }
}

/// Walks over one value: nothing stands deeper than may be, and no list is longer than the bytes that are left.
fn check_shape(bytes: &[u8]) -> Result<(), &'static str> {
    const CUT: &str = "it is cut";
    let mut rest = bytes;
    // How many values are still to come on each level.
    let (mut missing, mut depth) = ([0_u64; DEPTH_MAX], 0);
    missing[0] = 1;
    loop {
        while missing[depth] == 0 {
            match depth.checked_sub(1) {
                None => return Ok(()),
                Some(above) => depth = above,
            }
        }
        missing[depth] -= 1;
        let (marker, after) = rest.split_first().ok_or(CUT)?;
        let (bytes_of_length, has) = content(*marker).ok_or("a value is of no kind")?;
        let (length, after) = after.split_at_checked(bytes_of_length).ok_or(CUT)?;
        let length = length.iter().fold(0_u64, |length, byte| length << 8 | u64::from(*byte));
        let (skipped, values) = match has {
            Content::Bytes(more) => (length + more, 0),
            Content::Values(more, each) => (0, (length + more) * each),
        };
        rest = usize::try_from(skipped).ok().and_then(|skipped| after.get(skipped..)).ok_or(CUT)?;
        if values > rest.len() as u64 {
            return Err(CUT);
        }
        if values > 0 {
            depth += 1;
            *missing.get_mut(depth).ok_or("its values stand too deep in each other")? = values;
        }
    }
}

/// What follows the marker of a value, beside what its length says.
enum Content {
    Bytes(u64),
    /// So many values more, times so many.
    Values(u64, u64),
}

/// How many bytes of length follow a marker, and what they count.
fn content(marker: u8) -> Option<(usize, Content)> {
    use Content::{Bytes, Values};
    let low = |bits: u8| u64::from(marker & bits);
    Some(match marker {
        0x00..=0x7f | 0xc0 | 0xc2 | 0xc3 | 0xe0..=0xff => (0, Bytes(0)),
        0x80..=0x8f => (0, Values(low(0x0f), 2)),
        0x90..=0x9f => (0, Values(low(0x0f), 1)),
        0xa0..=0xbf => (0, Bytes(low(0x1f))),
        0xc4 | 0xd9 => (1, Bytes(0)),
        0xc5 | 0xda => (2, Bytes(0)),
        0xc6 | 0xdb => (4, Bytes(0)),
        0xc7 => (1, Bytes(1)),
        0xc8 => (2, Bytes(1)),
        0xc9 => (4, Bytes(1)),
        0xcc | 0xd0 => (0, Bytes(1)),
        0xcd | 0xd1 => (0, Bytes(2)),
        0xca | 0xce | 0xd2 => (0, Bytes(4)),
        0xcb | 0xcf | 0xd3 => (0, Bytes(8)),
        0xd4..=0xd8 => (0, Bytes(1 + (1 << (marker - 0xd4)))),
        0xdc => (2, Values(0, 1)),
        0xdd => (4, Values(0, 1)),
        0xde => (2, Values(0, 2)),
        0xdf => (4, Values(0, 2)),
        0xc1 => return None,
    })
}

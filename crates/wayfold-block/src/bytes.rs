//! Numbers in bytes: little-endian, and whole numbers of seven bits a byte (LEB128).

use crate::error::{Error, Result};

/// Reads bytes from the front; never beyond the end.
#[derive(Debug, Clone)]
pub(crate) struct Reader<'a> {
    bytes: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes }
    }

    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }

    pub(crate) fn rest(&self) -> &'a [u8] {
        self.bytes
    }

    #[inline]
    pub(crate) fn take(&mut self, count: usize) -> Result<&'a [u8]> {
        let (taken, rest) = self.bytes.split_at_checked(count).ok_or_else(cut)?;
        self.bytes = rest;
        Ok(taken)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let (taken, rest) = self.bytes.split_first_chunk().ok_or_else(cut)?;
        self.bytes = rest;
        Ok(*taken)
    }

    pub(crate) fn byte(&mut self) -> Result<u8> {
        self.array::<1>().map(|[byte]| byte)
    }

    pub(crate) fn u32(&mut self) -> Result<u32> {
        self.array().map(u32::from_le_bytes)
    }

    pub(crate) fn u64(&mut self) -> Result<u64> {
        self.array().map(u64::from_le_bytes)
    }

    pub(crate) fn u128(&mut self) -> Result<u128> {
        self.array().map(u128::from_le_bytes)
    }

    #[inline]
    pub(crate) fn varint(&mut self) -> Result<u64> {
        match self.bytes.split_first() {
            Some((byte, rest)) if *byte < 0x80 => {
                self.bytes = rest;
                Ok(u64::from(*byte))
            }
            _ => self.long_varint(),
        }
    }

    fn long_varint(&mut self) -> Result<u64> {
        if let Some((word, _)) = self.bytes.split_first_chunk::<8>() {
            let word = u64::from_le_bytes(*word);
            let ends = !word & 0x8080_8080_8080_8080;
            if ends != 0 {
                // All bits up to the one that ends it; then the sevens are moved together, two, four and eight at once.
                let sevens = word & (ends ^ (ends - 1)) & 0x7f7f_7f7f_7f7f_7f7f;
                let pairs = (sevens & 0x007f_007f_007f_007f) | (sevens & 0x7f00_7f00_7f00_7f00) >> 1;
                let fours = (pairs & 0x0000_3fff_0000_3fff) | (pairs & 0x3fff_0000_3fff_0000) >> 2;
                let value = (fours & 0x0000_0000_0fff_ffff) | (fours & 0x0fff_ffff_0000_0000) >> 4;
                self.take(ends.trailing_zeros() as usize / 8 + 1)?;
                return Ok(value);
            }
        }
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                // The tenth byte holds one bit.
                return if shift == 63 && byte > 1 { Err(too_long()) } else { Ok(value) };
            }
        }
        Err(too_long())
    }

    /// Two counts, of which the second is one of bytes that follow. Most are below 128, so that both are one byte.
    #[inline]
    pub(crate) fn pair(&mut self) -> Result<(u64, usize)> {
        match self.bytes {
            [first, second, rest @ ..] if (first | second) < 0x80 && usize::from(*second) <= rest.len() => {
                self.bytes = rest;
                Ok((u64::from(*first), usize::from(*second)))
            }
            _ => Ok((self.varint()?, self.count(self.len())?)),
        }
    }

    pub(crate) fn zigzag(&mut self) -> Result<i64> {
        self.varint().map(|value| (value >> 1) as i64 ^ -((value & 1) as i64))
    }

    /// A count of things of which each takes at least a byte of what follows, or a stated number of them.
    pub(crate) fn count(&mut self, most: usize) -> Result<usize> {
        let count = self.varint()?;
        match usize::try_from(count) {
            Ok(count) if count <= most => Ok(count),
            _ => Err(Error::corrupt(format_args!("a count of {count} where at most {most} can be"))),
        }
    }

    pub(crate) fn finish(&self) -> Result<()> {
        if self.bytes.is_empty() {
            return Ok(());
        }
        Err(Error::corrupt(format_args!("{} bytes are left over", self.bytes.len())))
    }
}

fn cut() -> Error {
    Error::corrupt("the bytes end too early")
}

fn too_long() -> Error {
    Error::corrupt("a number is longer than 64 bits")
}

pub(crate) fn put_varint(to: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        to.push(value as u8 | 0x80);
        value >>= 7;
    }
    to.push(value as u8);
}

/// Two numbers, most often of one byte each; see [`Reader::pair`].
pub(crate) fn put_pair(to: &mut Vec<u8>, first: u64, second: u64) {
    if (first | second) < 0x80 {
        return to.extend_from_slice(&[first as u8, second as u8]);
    }
    put_varint(to, first);
    put_varint(to, second);
}

pub(crate) fn put_zigzag(to: &mut Vec<u8>, value: i64) {
    put_varint(to, ((value << 1) ^ (value >> 63)) as u64);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back_and_longer_ones_are_refused() {
        let powers = (0..64).flat_map(|bit| [1_u64 << bit, (1 << bit) - 1, 0x5a5a_5a5a_5a5a_5a5a >> bit]);
        for value in powers.chain([300, u64::MAX - 1, u64::MAX]) {
            let mut bytes = Vec::new();
            put_varint(&mut bytes, value);
            put_zigzag(&mut bytes, value as i64);
            for more in 0..9 {
                let bytes = [&bytes[..], &[0xff; 9][..more]].concat();
                let mut reader = Reader::new(&bytes);
                assert_eq!((reader.varint().unwrap(), reader.zigzag().unwrap()), (value, value as i64));
                assert_eq!(reader.len(), more);
            }
        }
        for bytes in [&[0xff; 10][..], &[0x80; 10], &[0x80], &[]] {
            assert!(Reader::new(bytes).varint().is_err(), "{bytes:?}");
        }
    }
}

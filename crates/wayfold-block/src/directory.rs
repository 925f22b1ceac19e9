//! Pages of a sealed block by id or tag: numbers in growing order with the page of each, cut into parts.

use std::ops::Range;

use crate::bytes::{Reader, put_varint};
use crate::error::{Error, Result};
use crate::lookup::Lookup;

/// Entries of one part.
const PART_ENTRIES: usize = 4_096;

/// A key and a page.
pub(crate) type Entry = (u64, u32);

/// Writes sorted entries as payloads of parts, each with its first key.
pub(crate) fn put_parts(entries: &[Entry]) -> impl Iterator<Item = (u64, Vec<u8>)> {
    entries.chunks(PART_ENTRIES).map(|entries| {
        let mut to = Vec::new();
        put_varint(&mut to, entries.len() as u64);
        let mut before = 0;
        for (key, page) in entries {
            put_varint(&mut to, key - before);
            put_varint(&mut to, u64::from(*page));
            before = *key;
        }
        (entries[0].0, to)
    })
}

/// The parts that can list a key, given the first key of each.
pub(crate) fn parts_of(firsts: &[u64], key: u64) -> Range<u32> {
    // Equal keys may go on from one part to the next.
    let end = firsts.partition_point(|first| *first <= key);
    let start = firsts.partition_point(|first| *first < key).saturating_sub(1);
    start.min(end) as u32..end as u32
}

/// A part of a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directory {
    entries: Vec<Entry>,
}

impl Directory {
    pub(crate) fn read(payload: &[u8], pages: usize) -> Result<Self> {
        let mut reader = Reader::new(payload);
        // An entry takes two bytes at least.
        let count = reader.count(payload.len() / 2)?;
        let mut entries = Vec::with_capacity(count);
        let mut key = 0_u64;
        for _ in 0..count {
            let gap = reader.varint()?;
            key = key.checked_add(gap).ok_or_else(|| Error::corrupt("a key is beyond 64 bits"))?;
            let page = reader.varint()?;
            match u32::try_from(page) {
                Ok(number) if (number as usize) < pages => entries.push((key, number)),
                _ => return Err(Error::corrupt(format_args!("page {page} of {pages}"))),
            }
        }
        reader.finish()?;
        Ok(Self { entries })
    }

    /// The pages on which it may stand.
    pub fn pages_of(&self, lookup: Lookup) -> impl Iterator<Item = u32> {
        let key = lookup.key();
        let start = self.entries.partition_point(|entry| entry.0 < key);
        self.entries[start..].iter().take_while(move |entry| entry.0 == key).map(|entry| entry.1)
    }

    /// How many entries it has.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Says whether it has no entry.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_key_is_found_in_the_parts_that_can_list_it(
            keys in proptest::collection::vec(0_u64..2_000, 0..9_000),
        ) {
            let mut entries: Vec<Entry> = keys.iter().enumerate().map(|(at, key)| (*key, at as u32)).collect();
            entries.sort_unstable();
            let (firsts, parts): (Vec<_>, Vec<_>) = put_parts(&entries)
                .map(|(first, payload)| (first, Directory::read(&payload, 9_000).unwrap()))
                .unzip();
            for key in 0..2_000 {
                let found = parts_of(&firsts, key)
                    .flat_map(|part| parts[part as usize].entries.clone())
                    .filter(|entry| entry.0 == key);
                prop_assert!(found.eq(entries.iter().copied().filter(|entry| entry.0 == key)));
            }
        }

        #[test]
        fn no_bytes_make_reading_panic(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
            let _ = Directory::read(&bytes, 3);
        }
    }
}

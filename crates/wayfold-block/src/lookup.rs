//! What is looked up in a sealed block, as a number, and the filter that says fast what is not there.

use wayfold_core::{CustomerKey, EventId, spread};

use crate::bytes::Reader;
use crate::error::{Error, Result};

/// An event id, a tag or a customer as a number that spreads evenly.
///
/// Different ones may share a number, so it narrows down and never decides alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Lookup {
    spread: u64,
    /// Keeps ids, tags and customers apart in a filter.
    space: u64,
}

impl Lookup {
    /// An event id, which is taken once per tenant.
    pub fn id(tenant: &str, id: EventId) -> Self {
        let [high, low] = [(id.as_u128() >> 64) as u64, id.as_u128() as u64];
        let tenant = if tenant.is_empty() { 0 } else { spread(&[tenant.as_bytes()]) };
        Self { spread: mix(mix(tenant ^ high) ^ low), space: 0 }
    }

    /// A tag, of whichever tenant.
    pub fn tag(tag: &str) -> Self {
        Self { spread: spread(&[tag.as_bytes()]), space: 0x9e37_79b9_7f4a_7c15 }
    }

    /// A customer.
    pub fn customer(tenant: &str, customer: &str) -> Self {
        Self::of_customer(CustomerKey::spread(tenant, customer))
    }

    /// The same, by the spread of the customer.
    pub(crate) fn of_customer(spread: u64) -> Self {
        Self { spread, space: 0xd1b5_4a32_d192_ed03 }
    }

    /// The number under which directories list it: the upper 40 bits.
    pub(crate) fn key(self) -> u64 {
        self.spread >> 24
    }

    pub(crate) fn spread(self) -> u64 {
        self.spread
    }
}

/// The finalizer of MurmurHash3.
fn mix(hash: u64) -> u64 {
    let hash = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    let hash = (hash ^ (hash >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    hash ^ (hash >> 33)
}

/// 512 bits: what one look into memory fetches.
type Line = [u64; 8];
const LINE_BYTES: usize = 64;
/// Bits for each key, of which one in about a thousand that is absent seems present.
const BITS_PER_KEY: usize = 16;
const PROBES: u32 = 7;
/// Lines of one part: 64 KiB.
const PART_LINES: usize = 1_024;

/// Says what a sealed block surely does not hold: a Bloom filter in lines of 64 bytes.
///
/// F. Putze, P. Sanders, J. Singler, "Cache-, hash- and space-efficient Bloom filters" (2009), section 3.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter {
    lines: Vec<Line>,
}

impl Filter {
    /// An empty filter for so many keys.
    pub(crate) fn for_keys(keys: usize) -> Self {
        Self { lines: vec![[0; 8]; (keys * BITS_PER_KEY).div_ceil(LINE_BYTES * 8).max(1)] }
    }

    fn place(&self, lookup: Lookup) -> (usize, u64) {
        let hash = mix(lookup.spread ^ lookup.space);
        let line = (u128::from(hash) * self.lines.len() as u128) >> 64;
        (line as usize, mix(hash))
    }

    pub(crate) fn insert(&mut self, lookup: Lookup) {
        let (line, bits) = self.place(lookup);
        for (word, bit) in probes(bits) {
            self.lines[line][word] |= bit;
        }
    }

    /// Says whether the block may hold it; `false` is certain.
    pub fn may_hold(&self, lookup: Lookup) -> bool {
        let (line, bits) = self.place(lookup);
        let line = &self.lines[line];
        // All bits of the one line are looked at: to guess at which of them an absent key fails costs more, and keeps
        // the lines of the next keys from being fetched meanwhile.
        probes(bits).fold(true, |may_hold, (word, bit)| may_hold & (line[word] & bit != 0))
    }

    pub(crate) fn lines(&self) -> usize {
        self.lines.len()
    }

    /// The payloads of its parts.
    pub(crate) fn parts(&self) -> impl Iterator<Item = Vec<u8>> {
        self.lines
            .chunks(PART_LINES)
            .map(|lines| lines.iter().flatten().flat_map(|word| word.to_le_bytes()).collect())
    }

    pub(crate) fn part_count(lines: usize) -> usize {
        lines.div_ceil(PART_LINES)
    }

    /// Reads a filter of so many lines from the payloads of its parts.
    pub(crate) fn read<'a>(lines: usize, parts: impl Iterator<Item = &'a [u8]> + Clone) -> Result<Self> {
        let bytes: usize = parts.clone().map(<[u8]>::len).sum();
        let mut found = Vec::with_capacity(lines.min(bytes / LINE_BYTES));
        for part in parts {
            let mut reader = Reader::new(part);
            while reader.len() > 0 {
                let mut line = [0; 8];
                for word in &mut line {
                    *word = reader.u64()?;
                }
                found.push(line);
            }
        }
        if found.len() != lines || lines == 0 {
            return Err(Error::corrupt(format_args!("a filter of {} lines instead of {lines}", found.len())));
        }
        Ok(Self { lines: found })
    }
}

/// Seven times nine bits: a word of the line and a bit of the word.
fn probes(bits: u64) -> impl Iterator<Item = (usize, u64)> {
    (0..PROBES).map(move |probe| {
        let bits = bits >> (probe * 9);
        ((bits >> 6) as usize & 7, 1 << (bits & 63))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_put_in_is_found_and_one_in_some_hundred_others_seems_to_be() {
        let id = |number: u128| Lookup::id("", EventId::from_u128(number));
        let mut filter = Filter::for_keys(20_000);
        (0..20_000).for_each(|number| filter.insert(id(number)));
        assert!((0..20_000).all(|number| filter.may_hold(id(number))));
        let wrong = (20_000..220_000).filter(|number| filter.may_hold(id(*number))).count();
        assert!(wrong < 1_000, "{wrong} of 200,000 seem to be there");
        let parts: Vec<_> = filter.parts().collect();
        assert_eq!(Filter::read(filter.lines(), parts.iter().map(Vec::as_slice)).as_ref(), Ok(&filter));
        assert!(Filter::read(filter.lines() + 1, parts.iter().map(Vec::as_slice)).is_err());
    }

    #[test]
    fn ids_are_looked_up_per_tenant() {
        let id = EventId::from_u128(7);
        assert_ne!(Lookup::id("", id), Lookup::id("a", id));
        assert_ne!(Lookup::id("a", id), Lookup::id("b", id));
    }
}

//! A sealed block from all of its parts, one behind the other.

use std::collections::BTreeMap;

use super::hash::mix;
use super::{Cursor, LookedUp, Page, read_group, unframe};

const FOLD: u8 = 2;
const HEADER: u8 = 5;
const IDS: u8 = 6;
const TAGS: u8 = 7;
const FILTER: u8 = 8;

/// What the parts of a block say.
#[derive(Debug)]
pub(crate) struct Sealed {
    pub(crate) events: u64,
    pub(crate) first: u128,
    pub(crate) last: u128,
    pub(crate) pages: Vec<Page>,
    /// The spread of the last customer of each page.
    pub(crate) ends: Vec<u64>,
    pub(crate) kinds: Option<BTreeMap<String, u128>>,
    ids: Vec<(u64, u64)>,
    tags: Vec<(u64, u64)>,
    filter: Vec<u8>,
}

type Parts<'a> = BTreeMap<(u8, u32), Cursor<'a>>;

impl Sealed {
    /// Reads every part of one block.
    pub(crate) fn read(mut bytes: &[u8]) -> Self {
        let mut parts = Parts::new();
        let mut blocks = Vec::new();
        while !bytes.is_empty() {
            let (framed, length) = unframe(bytes);
            blocks.push(framed.block);
            assert!(parts.insert((framed.kind, framed.number), framed.payload).is_none());
            bytes = &bytes[length..];
        }
        blocks.dedup();
        assert_eq!(blocks.len(), 1, "all parts are of one block");
        let sealed = Self::read_parts(&mut parts);
        assert!(parts.is_empty(), "the header names every part: {:?}", parts.keys());
        sealed
    }

    fn read_parts(parts: &mut Parts<'_>) -> Self {
        let mut header = parts.remove(&(HEADER, 0)).unwrap();
        let number = |cursor: &mut Cursor<'_>| cursor.varint(|number| number.to_string());
        let position = |cursor: &mut Cursor<'_>| {
            let bytes = cursor.take(16, |_| "a position".to_owned());
            u128::from_be_bytes(bytes.try_into().unwrap())
        };
        let events = number(&mut header);
        let (first, last) = (position(&mut header), position(&mut header));
        let (mut ends, mut pages) = (Vec::new(), Vec::new());
        for page in 0..number(&mut header) as u32 {
            ends.push(header.little(8, |end| format!("{end:x}")) as u64);
            let rows = number(&mut header) as usize;
            let read = read_page(parts, page);
            assert_eq!(read.rows, rows, "the header counts the events of page {page}");
            pages.push(read);
        }
        let ids = read_directory(parts, &mut header, IDS);
        let tags = read_directory(parts, &mut header, TAGS);
        let filter = read_filter(parts, number(&mut header) as usize);
        let kinds = number(&mut header).checked_sub(1).map(|count| {
            (0..count).map(|_| (header.text("a kind"), position(&mut header))).collect::<BTreeMap<_, _>>()
        });
        assert_eq!(header.at(), header.end(), "nothing is left over");
        Self { events, first, last, pages, ends, kinds, ids, tags, filter }
    }

    /// The pages that the directories list for something.
    pub(crate) fn pages_of(&self, what: LookedUp<'_>) -> Vec<u64> {
        let number = what.number();
        match what {
            LookedUp::Id { .. } => pages_in(&self.ids, number),
            LookedUp::Tag(_) => pages_in(&self.tags, number),
            LookedUp::Customer { .. } => {
                // The page behind the last one that ends with the customer may go on with it.
                let reached = (0..self.ends.len()).filter(|page| {
                    let before = page.checked_sub(1).map(|before| self.ends[before]);
                    self.ends[*page] >= number && before.is_none_or(|before| before <= number)
                });
                reached.map(|page| page as u64).collect()
            }
        }
    }

    /// Says whether the filter lets something through.
    pub(crate) fn may_hold(&self, what: LookedUp<'_>) -> bool {
        let hash = mix(what.number() ^ what.space());
        let lines = (self.filter.len() / 64) as u128;
        let line = ((u128::from(hash) * lines) >> 64) as usize;
        let bits = mix(hash);
        (0..7).all(|probe| {
            let nine = (bits >> (9 * probe)) as usize & 0x1ff;
            // Words are little-endian, so that bit n of a line is bit n % 8 of its byte n / 8.
            self.filter[line * 64 + nine / 8] >> (nine % 8) & 1 == 1
        })
    }
}

fn pages_in(directory: &[(u64, u64)], number: u64) -> Vec<u64> {
    directory.iter().filter(|(key, _)| *key == number >> 24).map(|(_, page)| *page).collect()
}

fn read_page(parts: &mut Parts<'_>, number: u32) -> Page {
    let mut page = Page::default();
    for kind in FOLD..FOLD + 3 {
        let mut payload = parts.remove(&(kind, number)).unwrap();
        let end = payload.end();
        read_group(&mut payload, end, &mut page);
    }
    page
}

fn read_directory(parts: &mut Parts<'_>, header: &mut Cursor<'_>, kind: u8) -> Vec<(u64, u64)> {
    let count = header.varint(|count| format!("{count} parts")) as u32;
    let mut entries = Vec::new();
    for number in 0..count {
        let first = header.little(8, |first| format!("from {first}")) as u64;
        let mut part = parts.remove(&(kind, number)).unwrap();
        let mut key = 0;
        for entry in 0..part.varint(|count| format!("{count} entries")) {
            key += part.varint(|gap| format!("{gap} further"));
            assert!(entry > 0 || key == first, "the header has the first key of each part");
            entries.push((key, part.varint(|page| format!("page {page}"))));
        }
        assert_eq!(part.at(), part.end(), "nothing is left over");
    }
    assert!(entries.is_sorted_by(|a, b| a < b), "a directory is sorted and lists a page once for a key");
    entries
}

fn read_filter(parts: &mut Parts<'_>, lines: usize) -> Vec<u8> {
    let mut filter = Vec::new();
    for number in 0..lines.div_ceil(1_024) as u32 {
        let mut part = parts.remove(&(FILTER, number)).unwrap();
        filter.extend_from_slice(part.take(part.end() - part.at(), |_| "lines".to_owned()));
    }
    assert_eq!(filter.len(), lines * 64);
    filter
}

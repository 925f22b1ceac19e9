//! The texts of column groups where they stand: one is spelled out when somebody asks for it.

use std::borrow::Cow;

use wayfold_core::{RawColumn, RawTexts, RawValues};

use crate::bytes::Reader;
use crate::error::{Error, Result};
use crate::text::{FRONT_CODED, PLAIN, end, most, unknown_encoding};

/// Texts by their numbers.
#[derive(Default)]
pub(crate) struct TextList<'a>(Vec<Entry<'a>>);

/// Stands for a text that is not spelled out yet.
const NONE: u32 = u32::MAX;

/// With how many bytes of the text before a text begins, and the bytes behind them.
#[derive(Clone, Copy)]
struct Entry<'a> {
    shared: usize,
    rest: &'a [u8],
}

impl<'a> TextList<'a> {
    /// Reads where each text of a group stands, which have the next numbers.
    pub(crate) fn read(&mut self, reader: &mut Reader<'a>) -> Result<()> {
        let count = reader.count(reader.len())?;
        if count == 0 && reader.len() == 0 {
            return Err(Error::corrupt("the bytes end too early"));
        }
        let mut room = most(reader.len());
        let entries = &mut self.0;
        entries.reserve(count);
        match reader.byte()? {
            PLAIN => {
                let lengths = (0..count).map(|_| reader.count(reader.len())).collect::<Result<Vec<_>>>()?;
                for length in lengths {
                    entries.push(Entry { shared: 0, rest: reader.take(length)? });
                }
            }
            FRONT_CODED => {
                let mut before = 0;
                for _ in 0..count {
                    let (shared, length) = reader.pair()?;
                    let shared = usize::try_from(shared).ok().filter(|shared| *shared <= before);
                    let shared = shared
                        .ok_or_else(|| Error::corrupt("a text begins with more than the one before"))?;
                    before = shared + length;
                    room = room
                        .checked_sub(before)
                        .ok_or_else(|| Error::corrupt("texts are longer than their bytes can make them"))?;
                    entries.push(Entry { shared, rest: reader.take(length)? });
                }
            }
            other => return Err(unknown_encoding(other)),
        }
        Ok(())
    }

    /// Spells out the texts that columns name, and numbers them anew.
    pub(crate) fn keep(&self, columns: &mut [RawColumn<'_>]) -> Result<RawTexts<'static>> {
        let mut kept = vec![NONE; self.0.len()];
        let (mut bytes, mut ends) = (Vec::new(), Vec::new());
        for column in columns {
            let RawValues::Texts(numbers) = &mut column.values else { continue };
            for number in numbers.to_mut() {
                let known = kept.get_mut(*number as usize).ok_or_else(|| self.no_text(*number))?;
                if *known == NONE {
                    *known = ends.len() as u32;
                    self.spell(*number, &mut bytes)?;
                    ends.push(end(&bytes)?);
                }
                *number = *known;
            }
        }
        let bytes = String::from_utf8(bytes).map_err(|_| Error::corrupt("the texts are no UTF-8"))?;
        Ok(RawTexts { bytes: Cow::Owned(bytes), ends: Cow::Owned(ends) })
    }

    fn no_text(&self, number: u32) -> Error {
        Error::corrupt(format_args!("text {number} of {}", self.0.len()))
    }

    /// The numbers of a text: one, or none.
    pub(crate) fn numbers_of(&self, text: &[u8]) -> Vec<u32> {
        // How many bytes of the text the last entry begins with.
        let mut alike = 0;
        let mut numbers = Vec::new();
        for (number, Entry { shared, rest }) in (0..).zip(&self.0) {
            if *shared <= alike {
                alike = shared + text[*shared..].iter().zip(*rest).take_while(|(a, b)| a == b).count();
            }
            if alike == text.len() && shared + rest.len() == text.len() {
                numbers.push(number);
            }
        }
        numbers
    }

    /// Adds a text behind those that stand there.
    fn spell(&self, number: u32, to: &mut Vec<u8>) -> Result<()> {
        let Entry { shared, rest } = self.0.get(number as usize).ok_or_else(|| self.no_text(number))?;
        let start = to.len();
        to.resize(start + shared, 0);
        to.extend_from_slice(rest);
        // From the end to the front: what a text before does not share with its own is where it is written.
        let mut missing = *shared;
        for Entry { shared, rest } in self.0[..number as usize].iter().rev() {
            if missing == 0 {
                break;
            }
            if *shared < missing {
                to[start + shared..start + missing].copy_from_slice(&rest[..missing - shared]);
                missing = *shared;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::text::{put_texts, read_texts};

    proptest! {
        /// Against the reading of all of them.
        #[test]
        fn each_text_is_what_it_is_among_all(
            mut texts in proptest::collection::vec("[ab]{0,6}|order:[0-9]{1,4}|[ab]{20}", 0..40),
            sorted: bool,
        ) {
            if sorted {
                texts.sort();
            }
            let mut written = Vec::new();
            put_texts(&mut written, &texts.iter().map(String::as_str).collect::<Vec<_>>());
            let mut reader = Reader::new(&written);
            let mut list = TextList::default();
            list.read(&mut reader).unwrap();
            reader.finish().unwrap();
            for (number, text) in (0..).zip(&texts) {
                let mut spelled = b"first".to_vec();
                list.spell(number, &mut spelled).unwrap();
                prop_assert_eq!(&spelled[5..], text.as_bytes());
                let numbers = list.numbers_of(text.as_bytes());
                let meant = (0..).zip(&texts).filter(|(_, other)| *other == text);
                prop_assert_eq!(numbers, meant.map(|(number, _)| number).collect::<Vec<u32>>());
            }
            prop_assert!(list.numbers_of(b"abd").is_empty());
            prop_assert!(list.spell(texts.len() as u32, &mut Vec::new()).is_err());
        }

        /// Bytes that one reading refuses are refused by the other.
        #[test]
        fn damaged_texts_are_refused_alike(
            texts in proptest::collection::vec("[ab]{0,6}|order:[0-9]{1,4}", 0..12),
            place: proptest::sample::Index,
            byte: u8,
        ) {
            let mut written = Vec::new();
            put_texts(&mut written, &texts.iter().map(String::as_str).collect::<Vec<_>>());
            let place = place.index(written.len());
            written[place] = byte;
            let all = read_texts(&mut Reader::new(&written), &mut Vec::new(), &mut Vec::new());
            let list = TextList::default().read(&mut Reader::new(&written));
            prop_assert_eq!(list.err(), all.err());
        }
    }
}

//! The texts of column groups where they stand: one is spelled out when somebody asks for it.

use std::borrow::Cow;

use wayfold_core::{RawColumn, RawTexts, RawValues};

use crate::bytes::Reader;
use crate::error::{Error, Result};
use crate::text::{end, for_each_text, text_count};

/// Texts by their numbers.
#[derive(Default)]
pub(crate) struct TextList<'a>(Vec<Entry<'a>>);

/// Stands for the new number of a text that no column names.
const UNNAMED: u32 = u32::MAX;
/// Stands for that of one that is not spelled out yet.
const NAMED: u32 = u32::MAX - 1;

/// With how many bytes of the text before a text begins, and the bytes behind them.
#[derive(Clone, Copy)]
struct Entry<'a> {
    shared: usize,
    rest: &'a [u8],
}

impl<'a> TextList<'a> {
    /// Reads where each text of a group stands, which have the next numbers.
    pub(crate) fn read(&mut self, reader: &mut Reader<'a>) -> Result<()> {
        let count = text_count(reader)?;
        self.0.reserve(count);
        for_each_text(reader, count, |shared, rest| {
            self.0.push(Entry { shared, rest });
            Ok(())
        })
    }

    /// Spells out the texts that columns name, and numbers them anew.
    pub(crate) fn keep(&self, columns: &mut [RawColumn<'_>]) -> Result<RawTexts<'static>> {
        let mut new = vec![UNNAMED; self.0.len()];
        for_each_number(columns, |number| match new.get_mut(*number as usize) {
            Some(new) => {
                *new = NAMED;
                Ok(())
            }
            None => Err(Error::corrupt(format_args!("text {number} of {}", self.0.len()))),
        })?;
        let (mut bytes, mut ends) = (Vec::new(), Vec::new());
        // In one go, as each text begins with the one before; looking back for each would take the square of their number.
        let mut text = Vec::new();
        for (Entry { shared, rest }, new) in self.0.iter().zip(&mut new) {
            text.truncate(*shared);
            text.extend_from_slice(rest);
            if *new == NAMED {
                *new = ends.len() as u32;
                bytes.extend_from_slice(&text);
                ends.push(end(&bytes)?);
            }
        }
        for_each_number(columns, |number| {
            *number = new[*number as usize];
            Ok(())
        })?;
        let bytes = String::from_utf8(bytes).map_err(|_| Error::corrupt("the texts are no UTF-8"))?;
        Ok(RawTexts { bytes: Cow::Owned(bytes), ends: Cow::Owned(ends) })
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
}

/// Calls with each number of a text that columns name.
fn for_each_number(
    columns: &mut [RawColumn<'_>],
    mut take: impl FnMut(&mut u32) -> Result<()>,
) -> Result<()> {
    for column in columns {
        if let RawValues::Texts(numbers) = &mut column.values {
            numbers.to_mut().iter_mut().try_for_each(&mut take)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use wayfold_core::ColumnGroup;

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
            let named = |numbers: Vec<u32>| RawColumn {
                group: ColumnGroup::Rest,
                name: "named".into(),
                rows: None,
                values: RawValues::Texts(numbers.into()),
            };
            for (number, text) in (0..).zip(&texts) {
                let numbers = list.numbers_of(text.as_bytes());
                let meant = (0..).zip(&texts).filter(|(_, other)| *other == text);
                prop_assert_eq!(numbers, meant.map(|(number, _)| number).collect::<Vec<u32>>());
                let kept = list.keep(&mut [named(vec![number])]).unwrap();
                prop_assert_eq!((&*kept.bytes, kept.ends.len()), (text.as_str(), 1));
            }
            let mut some = [named((0..texts.len() as u32).rev().step_by(2).collect()), named(Vec::new())];
            let before = some[0].clone();
            let kept = list.keep(&mut some).unwrap();
            let numbers = |column: &RawColumn<'_>| match &column.values {
                RawValues::Texts(numbers) => numbers.to_vec(),
                _ => Vec::new(),
            };
            for (old, new) in numbers(&before).iter().zip(numbers(&some[0])) {
                let start = (new as usize).checked_sub(1).map_or(0, |before| kept.ends[before]);
                let text = &kept.bytes[start as usize..kept.ends[new as usize] as usize];
                prop_assert_eq!(text, &texts[*old as usize]);
            }
            prop_assert!(list.numbers_of(b"abd").is_empty());
            prop_assert!(list.keep(&mut [named(vec![texts.len() as u32])]).is_err());
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

//! The texts of a column group: each once, by number, front-coded where they are sorted.

use crate::bytes::{Reader, put_pair, put_varint};
use crate::error::{Error, Result};

/// Texts follow each other in full.
const PLAIN: u8 = 0;
/// Each text says how many of its first bytes are those of the text before.
const FRONT_CODED: u8 = 1;

/// Texts may be that many times longer than their bytes, and a little more.
const EXPANSION_MAX: usize = 64;
const EXPANSION_FREE: usize = 65_536;

/// Writes texts in their order.
pub(crate) fn put_texts(to: &mut Vec<u8>, texts: &[&str]) {
    put_varint(to, texts.len() as u64);
    let start = to.len();
    to.push(FRONT_CODED);
    let mut before: &[u8] = &[];
    for text in texts {
        let text = text.as_bytes();
        let shared = shared_bytes(text, before);
        put_pair(to, shared as u64, (text.len() - shared) as u64);
        to.extend_from_slice(&text[shared..]);
        before = text;
    }
    let plain: usize = texts.iter().map(|text| text.len()).sum();
    if plain > most(to.len() - start) {
        to.truncate(start);
        to.push(PLAIN);
        for text in texts {
            put_varint(to, text.len() as u64);
        }
        texts.iter().for_each(|text| to.extend_from_slice(text.as_bytes()));
    }
}

/// With how many bytes both begin, compared eight at a time.
fn shared_bytes(a: &[u8], b: &[u8]) -> usize {
    let (a_words, b_words) = (a.as_chunks::<8>().0.iter(), b.as_chunks::<8>().0.iter());
    let words = a_words.zip(b_words).take_while(|(a, b)| a == b).count() * 8;
    words + a[words..].iter().zip(&b[words..]).take_while(|(a, b)| a == b).count()
}

fn most(bytes: usize) -> usize {
    bytes * EXPANSION_MAX + EXPANSION_FREE
}

/// How many texts follow, of which each takes at least a byte.
pub(crate) fn text_count(reader: &mut Reader<'_>) -> Result<usize> {
    let count = reader.count(reader.len())?;
    if count == 0 && reader.len() == 0 {
        return Err(Error::corrupt("the bytes end too early"));
    }
    Ok(count)
}

/// Calls with each of so many texts: with how many bytes of the one before it begins, and the bytes behind them.
#[inline]
pub(crate) fn for_each_text<'a>(
    reader: &mut Reader<'a>,
    count: usize,
    mut take: impl FnMut(usize, &'a [u8]) -> Result<()>,
) -> Result<()> {
    let mut room = most(reader.len());
    match reader.byte()? {
        PLAIN => {
            let lengths = (0..count).map(|_| reader.count(reader.len())).collect::<Result<Vec<_>>>()?;
            lengths.into_iter().try_for_each(|length| take(0, reader.take(length)?))
        }
        FRONT_CODED => {
            let mut before = 0;
            for _ in 0..count {
                let (shared, length) = reader.pair()?;
                let shared = usize::try_from(shared).ok().filter(|shared| *shared <= before);
                let shared =
                    shared.ok_or_else(|| Error::corrupt("a text begins with more than the one before"))?;
                before = shared + length;
                room = room
                    .checked_sub(before)
                    .ok_or_else(|| Error::corrupt("texts are longer than their bytes can make them"))?;
                take(shared, reader.take(length)?)?;
            }
            Ok(())
        }
        other => Err(Error::unsupported(format_args!("text encoding {other} is not known"))),
    }
}

/// Adds texts behind those that stand there, and where each ends.
pub(crate) fn read_texts(reader: &mut Reader<'_>, bytes: &mut Vec<u8>, ends: &mut Vec<u32>) -> Result<()> {
    let count = text_count(reader)?;
    ends.reserve(count);
    bytes.reserve(reader.len());
    let mut before = bytes.len();
    for_each_text(reader, count, |shared, rest| {
        let start = bytes.len();
        bytes.extend_from_within(before..before + shared);
        bytes.extend_from_slice(rest);
        ends.push(end(bytes)?);
        before = start;
        Ok(())
    })
}

/// Passes texts over.
pub(crate) fn skip_texts(reader: &mut Reader<'_>) -> Result<()> {
    let count = text_count(reader)?;
    for_each_text(reader, count, |_, _| Ok(()))
}

pub(crate) fn end(bytes: &[u8]) -> Result<u32> {
    u32::try_from(bytes.len()).map_err(|_| Error::corrupt("there are 4 GiB of texts or more"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(texts: &[&str]) -> usize {
        let mut written = Vec::new();
        put_texts(&mut written, texts);
        let (mut bytes, mut ends) = (b"first".to_vec(), vec![5]);
        let mut reader = Reader::new(&written);
        read_texts(&mut reader, &mut bytes, &mut ends).unwrap();
        reader.finish().unwrap();
        let starts = ends.iter().copied();
        let found: Vec<_> =
            starts.zip(&ends[1..]).map(|(start, end)| &bytes[start as usize..*end as usize]).collect();
        assert_eq!(found, texts.iter().map(|text| text.as_bytes()).collect::<Vec<_>>());
        written.len()
    }

    #[test]
    fn texts_come_back_in_their_order() {
        check(&[]);
        check(&["", "a", "", "ü", "u"]);
        let products: Vec<_> = (0..1_000).map(|number| format!("product:p{number:05}")).collect();
        let sorted: Vec<_> = products.iter().map(String::as_str).collect();
        assert!(check(&sorted) < 3_300, "a shared beginning is written once");
    }

    /// Names that share nearly all of their ten thousand bytes would expand a thousandfold.
    #[test]
    fn texts_that_would_expand_too_far_are_written_in_full() {
        let long = "x".repeat(10_000);
        let texts: Vec<_> = (0..100).map(|number| format!("{long}{number:02}")).collect();
        assert!(check(&texts.iter().map(String::as_str).collect::<Vec<_>>()) > 1_000_000);
    }
}

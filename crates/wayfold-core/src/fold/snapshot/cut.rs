//! Where one part ends and the next begins: a function of the customers' lines alone.
//!
//! A part is a largest range of spreads whose lines fit: the whole range, or what comes of halving it. Ranges are
//! found from the left, in what was read ahead, which is hardly more than a part.

use super::PartEntry;

/// The end of the last range; spreads have 64 bits.
const END: u128 = 1 << 64;

/// Lines that were read ahead, and where the next range begins.
#[derive(Debug, Default)]
pub(super) struct Cut {
    start: u128,
    lines: Vec<u8>,
    /// The spread of each line, and where it ends.
    ends: Vec<(u64, usize)>,
}

impl Cut {
    /// How many bytes are read ahead.
    pub(super) fn bytes(&self) -> usize {
        self.lines.len()
    }

    /// Reads one line ahead; spreads never go back.
    pub(super) fn push<E>(
        &mut self,
        spread: u64,
        write: impl FnOnce(&mut Vec<u8>) -> Result<(), E>,
    ) -> Result<(), E> {
        write(&mut self.lines)?;
        self.ends.push((spread, self.lines.len()));
        Ok(())
    }

    /// Takes the lines of the next range, once more than `bytes_max` are read ahead or all are.
    pub(super) fn take(&mut self, bytes_max: usize) -> Option<(PartEntry, Vec<u8>)> {
        while !self.ends.is_empty() {
            let (end, count) = self.range(bytes_max);
            if let Some(count) = count {
                return Some(self.split(count));
            }
            self.start = end;
        }
        None
    }

    /// The end of the largest range that fits, and how many lines it holds if it holds any.
    fn range(&self, bytes_max: usize) -> (u128, Option<usize>) {
        let is_aligned = |size: &u128| self.start.is_multiple_of(*size) && self.start + size <= END;
        for size in (0..=64).rev().map(|halvings| 1 << halvings).filter(is_aligned) {
            let end = self.start + size;
            let count = self.ends.partition_point(|(spread, _)| u128::from(*spread) < end);
            match count.checked_sub(1) {
                None => return (end, None),
                Some(last) if self.ends[last].1 <= bytes_max => return (end, Some(count)),
                Some(_) => {}
            }
        }
        // The customers of one spread have too many bytes: they stand in several parts, at least one in each.
        let count = self.ends.partition_point(|(_, end)| *end <= bytes_max);
        (self.start, Some(count.max(1)))
    }

    fn split(&mut self, count: usize) -> (PartEntry, Vec<u8>) {
        let (first, (last, bytes)) = (self.ends[0].0, self.ends[count - 1]);
        let rest = self.lines.split_off(bytes);
        let lines = std::mem::replace(&mut self.lines, rest);
        self.ends.drain(..count);
        for (_, end) in &mut self.ends {
            *end -= bytes;
        }
        (PartEntry { first, last, customers: count as u64, bytes: bytes as u64 }, lines)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Cuts lines of given spreads and lengths, and shows which spreads stand together.
    fn cut(lines: &[(u64, usize)], bytes_max: usize) -> Vec<Vec<u64>> {
        let (mut cut, mut next, mut parts) = (Cut::default(), 0, Vec::new());
        loop {
            while cut.bytes() <= bytes_max && next < lines.len() {
                let (spread, length) = lines[next];
                cut.push::<()>(spread, |out| {
                    out.resize(out.len() + length, 0);
                    Ok(())
                })
                .unwrap();
                next += 1;
            }
            let Some((entry, bytes)) = cut.take(bytes_max) else { return parts };
            let start = parts.iter().map(Vec::len).sum::<usize>();
            let of_part = &lines[start..start + entry.customers as usize];
            assert_eq!((entry.first, entry.last), (of_part[0].0, of_part[of_part.len() - 1].0));
            assert_eq!(bytes.len(), of_part.iter().map(|line| line.1).sum::<usize>());
            parts.push(of_part.iter().map(|line| line.0).collect());
        }
    }

    const HALF: u64 = 1 << 63;

    #[test]
    fn ranges_are_halved_until_their_lines_fit() {
        let lines = [(1, 4), (2, 4), (HALF, 4), (HALF + 9, 4), (u64::MAX, 4)];
        assert_eq!(cut(&lines, 20).len(), 1);
        assert_eq!(cut(&lines, 12), [vec![1, 2], vec![HALF, HALF + 9, u64::MAX]]);
        assert_eq!(cut(&lines, 8), [vec![1, 2], vec![HALF, HALF + 9], vec![u64::MAX]]);
        assert_eq!(cut(&lines, 0).len(), 5);
        assert!(cut(&[], 8).is_empty());
    }

    #[test]
    fn a_change_in_one_half_leaves_the_parts_of_the_other() {
        let lines = [(1, 4), (2, 4), (3, 4), (HALF, 4), (HALF + 9, 4)];
        let longer = [(1, 4), (2, 9), (3, 4), (HALF, 4), (HALF + 9, 4)];
        assert_eq!(cut(&lines, 12).last(), cut(&longer, 12).last());
        assert_ne!(cut(&lines, 12), cut(&longer, 12));
    }

    #[test]
    fn customers_of_one_spread_fill_parts_of_their_own() {
        assert_eq!(
            cut(&[(7, 4), (7, 4), (7, 4), (7, 90), (8, 4)], 8),
            [vec![7, 7], vec![7], vec![7], vec![8]]
        );
    }
}

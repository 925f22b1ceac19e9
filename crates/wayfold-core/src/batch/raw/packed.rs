//! Whole numbers as they stand in bytes, brought into the type that is asked for without a list between.

use std::ops::{Range, RangeInclusive};

/// Whole numbers as they are stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RawPacked<'a> {
    /// Each is the least one and a number of steps, added with wrap-around.
    Offsets {
        /// The least one.
        least: i64,
        /// How much a step adds.
        step: u64,
        /// The numbers of steps, each little-endian in so many bytes.
        offsets: RawOffsets<'a>,
    },
    /// Numbers, and how often each stands there in a row.
    Runs(Vec<(i64, u32)>),
}

/// Whole numbers without a sign, each little-endian in the same number of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RawOffsets<'a> {
    bytes: &'a [u8],
    width: usize,
}

impl<'a> RawOffsets<'a> {
    /// Takes bytes; `None` unless they are whole numbers of 1 to 8 bytes.
    pub fn new(bytes: &'a [u8], width: usize) -> Option<Self> {
        ((1..=8).contains(&width) && bytes.len().is_multiple_of(width)).then_some(Self { bytes, width })
    }

    fn len(&self) -> usize {
        self.bytes.len() / self.width
    }

    /// The greatest number that so many bytes can be.
    fn limit(&self) -> u64 {
        u64::MAX >> (64 - 8 * self.width)
    }

    /// The greatest number.
    fn most(&self) -> u64 {
        // Compared in their own width, many at once.
        match self.width {
            1 => self.bytes.iter().fold(0, |most, byte| most.max(*byte)).into(),
            2 => self.chunks(u16::from_le_bytes).fold(0, u16::max).into(),
            4 => self.chunks(u32::from_le_bytes).fold(0, u32::max).into(),
            _ => self.map(|number| number).into_iter().fold(0, u64::max),
        }
    }

    fn map<T>(&self, value: impl Fn(u64) -> T) -> Vec<T> {
        match self.width {
            1 => self.bytes.iter().map(|byte| value((*byte).into())).collect(),
            2 => self.chunks(u16::from_le_bytes).map(|number| value(number.into())).collect(),
            3 => self.chunks(|[a, b, c]| narrow([a, b, c, 0], [0, 0], 0)).map(value).collect(),
            4 => self.chunks(u32::from_le_bytes).map(|number| value(number.into())).collect(),
            5 => self.chunks(|[a, b, c, d, e]| narrow([a, b, c, d], [e, 0], 0)).map(value).collect(),
            6 => self.chunks(|[a, b, c, d, e, f]| narrow([a, b, c, d], [e, f], 0)).map(value).collect(),
            7 => self.chunks(|[a, b, c, d, e, f, g]| narrow([a, b, c, d], [e, f], g)).map(value).collect(),
            _ => self.chunks(u64::from_le_bytes).map(value).collect(),
        }
    }

    fn chunks<const N: usize, T>(&self, number: impl Fn([u8; N]) -> T + 'a) -> impl Iterator<Item = T> + 'a {
        self.bytes.as_chunks().0.iter().map(move |bytes| number(*bytes))
    }
}

/// A number by its bytes, as many together as one load reads: a copy of a width that is no power of two is a call.
#[inline]
fn narrow(low: [u8; 4], middle: [u8; 2], high: u8) -> u64 {
    let (low, middle) = (u32::from_le_bytes(low), u16::from_le_bytes(middle));
    u64::from(low) | u64::from(middle) << 32 | u64::from(high) << 48
}

impl RawPacked<'_> {
    /// How many numbers there are.
    pub fn len(&self) -> usize {
        match self {
            Self::Offsets { offsets, .. } => offsets.len(),
            Self::Runs(runs) => runs.iter().map(|(_, length)| *length as usize).sum(),
        }
    }

    /// Says whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Every number.
    pub fn to_vec(&self) -> Vec<i64> {
        self.map(|number| number)
    }

    /// The numbers at some places; `None` if there are not as many.
    pub(super) fn cut(self, places: Range<usize>) -> Option<Self> {
        Some(match self {
            Self::Offsets { least, step, offsets: RawOffsets { bytes, width } } => {
                let bytes = bytes.get(places.start * width..places.end * width)?;
                Self::Offsets { least, step, offsets: RawOffsets { bytes, width } }
            }
            Self::Runs(runs) => {
                let (mut next, mut kept) = (0, Vec::new());
                for (number, length) in runs {
                    let end = next + length as usize;
                    let (start, cut) = (places.start.max(next), places.end.min(end));
                    if start < cut {
                        kept.push((number, (cut - start) as u32));
                    }
                    next = end;
                }
                (places.start <= places.end && places.end <= next).then_some(Self::Runs(kept))?
            }
        })
    }

    /// The runs of equal numbers, where they are stored so and have 32 bits.
    pub(crate) fn runs(&self) -> Option<Vec<(u32, u32)>> {
        let Self::Runs(stored) = self else { return None };
        let mut runs: Vec<(u32, u32)> = Vec::with_capacity(stored.len());
        for (number, length) in stored.iter().filter(|(_, length)| *length > 0) {
            let number = u32::try_from(*number).ok()?;
            match runs.last_mut() {
                Some((last, more)) if *last == number => *more = more.checked_add(*length)?,
                _ => runs.push((number, *length)),
            }
        }
        Some(runs)
    }

    /// Every number in another form, if all are of a range; else one that is not.
    ///
    /// # Errors
    /// The number.
    pub fn map_of<T: Clone>(
        &self,
        range: &RangeInclusive<i64>,
        form: impl Fn(i64) -> T,
    ) -> Result<Vec<T>, i64> {
        match self.outside(range) {
            None => Ok(self.map(form)),
            Some(number) => Err(number),
        }
    }

    /// What a short table says of every number, which is a place in it.
    ///
    /// # Errors
    /// A number beyond the table.
    pub(crate) fn look_up<T: Copy>(&self, table: &[T]) -> Result<Vec<T>, i64> {
        let range = 0..=table.len() as i64 - 1;
        match (self, table) {
            (Self::Offsets { least: 0, step: 1, offsets: RawOffsets { bytes, width: 1 } }, [first, ..]) => {
                if let Some(number) = self.outside(&range) {
                    return Err(number);
                }
                // As long as a byte can say, so that no place has to be checked.
                let mut whole = [*first; 256];
                let length = table.len().min(whole.len());
                whole[..length].copy_from_slice(&table[..length]);
                Ok(bytes.iter().map(|place| whole[usize::from(*place)]).collect())
            }
            _ => self.map_of(&range, |place| table[place as usize]),
        }
    }

    fn map<T: Clone>(&self, form: impl Fn(i64) -> T) -> Vec<T> {
        match self {
            Self::Offsets { least, step, offsets } => {
                offsets.map(|offset| form(least.wrapping_add(offset.wrapping_mul(*step) as i64)))
            }
            Self::Runs(runs) => {
                let mut all = Vec::with_capacity(self.len());
                for (number, length) in runs {
                    all.resize(all.len() + *length as usize, form(*number));
                }
                all
            }
        }
    }

    /// A number outside of a range, if there is one.
    fn outside(&self, range: &RangeInclusive<i64>) -> Option<i64> {
        let is_out = |number: &i64| !range.contains(number);
        match self {
            Self::Offsets { least, step, offsets } => {
                // What the width allows is often enough to know. The greatest step and offset need 128 bits.
                let room = range.end().abs_diff(*least);
                let holds = |most: u64| {
                    range.contains(least) && u128::from(most) * u128::from(*step) <= u128::from(room)
                };
                if offsets.len() == 0 || holds(offsets.limit()) || holds(offsets.most()) {
                    return None;
                }
                self.to_vec().into_iter().find(is_out)
            }
            Self::Runs(runs) => runs.iter().map(|(number, _)| *number).find(is_out),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Against the plain reading of each number, also where adding wraps around.
        #[test]
        fn numbers_are_those_that_the_bytes_say(
            least: i64,
            step in prop_oneof![Just(1_u64), any::<u64>()],
            width in 1_usize..=8,
            bytes in proptest::collection::vec(any::<u8>(), 0..100),
            range in (any::<i64>(), any::<i64>()),
        ) {
            let bytes = &bytes[..bytes.len() / width * width];
            let offsets = RawOffsets::new(bytes, width).unwrap();
            let packed = RawPacked::Offsets { least, step, offsets };
            let plain: Vec<i64> = bytes
                .chunks(width)
                .map(|chunk| chunk.iter().rev().fold(0_u64, |number, byte| number << 8 | u64::from(*byte)))
                .map(|offset| least.wrapping_add(offset.wrapping_mul(step) as i64))
                .collect();
            prop_assert_eq!(packed.to_vec(), plain.clone());
            prop_assert_eq!(packed.len(), plain.len());
            let range = range.0.min(range.1)..=range.0.max(range.1);
            let outside = plain.iter().copied().find(|number| !range.contains(number));
            prop_assert_eq!(packed.map_of(&range, |number| number), outside.map_or(Ok(plain), Err));
        }

        /// Against the same places of every number, also where a number stands again in the next run.
        #[test]
        fn what_is_cut_out_are_the_numbers_that_stand_there(
            runs in proptest::collection::vec((-2_i64..3, 0_u32..4), 0..8),
            width in 1_usize..=8,
            bytes in proptest::collection::vec(any::<u8>(), 0..100),
            places in (0_usize..24, 0_usize..24),
        ) {
            let bytes = &bytes[..bytes.len() / width * width];
            let offsets = RawOffsets::new(bytes, width).unwrap();
            for packed in [RawPacked::Runs(runs), RawPacked::Offsets { least: 3, step: 2, offsets }] {
                let plain = packed.to_vec();
                let cut = packed.cut(places.0..places.1).map(|cut| cut.to_vec());
                prop_assert_eq!(cut, plain.get(places.0..places.1).map(<[i64]>::to_vec));
            }
        }

        /// Against a look at each number.
        #[test]
        fn a_table_says_what_it_holds(
            step in 0_u64..3,
            bytes in proptest::collection::vec(0_u8..10, 0..30),
            table in proptest::collection::vec(any::<u16>(), 0..12),
        ) {
            let packed = RawPacked::Offsets { least: 0, step, offsets: RawOffsets::new(&bytes, 1).unwrap() };
            let plain = packed.to_vec();
            let look_up = |place: &i64| table.get(*place as usize).copied().ok_or(*place);
            prop_assert_eq!(packed.look_up(&table), plain.iter().map(look_up).collect());
        }
    }

    #[test]
    fn runs_are_as_long_as_they_say() {
        let runs = RawPacked::Runs(vec![(7, 2), (-1, 0), (3, 1)]);
        assert_eq!((runs.to_vec(), runs.len()), (vec![7, 7, 3], 3));
        assert_eq!(runs.map_of(&(0..=9), |number| number as u8), Err(-1));
    }
}

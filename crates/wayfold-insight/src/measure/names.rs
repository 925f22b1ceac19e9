//! Names by number: a total counts by numbers of its own, and takes those of another total over by name.

use std::sync::Arc;

use hashbrown::HashMap;

#[derive(Debug, Clone, Default)]
pub(crate) struct Names {
    names: Vec<Box<str>>,
    numbers: HashMap<Box<str>, u32>,
}

impl Names {
    /// The number of a name, a new one if it is not known.
    pub(crate) fn number(&mut self, name: &str) -> u32 {
        if let Some(number) = self.numbers.get(name) {
            return *number;
        }
        let number = self.names.len() as u32;
        self.names.push(name.into());
        self.numbers.insert(name.into(), number);
        number
    }

    /// The number of a name that is known.
    pub(super) fn known(&self, name: &str) -> Option<u32> {
        self.numbers.get(name).copied()
    }

    pub(crate) fn name(&self, number: u32) -> &str {
        &self.names[number as usize]
    }

    /// The names, by number.
    pub(super) fn shared(&self) -> Arc<[Box<str>]> {
        self.names.iter().cloned().collect()
    }

    /// Sorts sequences of numbers by a key, and where that is the same by the names that they stand for.
    pub(super) fn sorted<'a, K: Ord, T>(
        &self,
        sequences: impl Iterator<Item = (K, &'a [u32], T)>,
    ) -> impl ExactSizeIterator<Item = (K, &'a [u32], T)> {
        let ranks = self.ranks();
        let rank = |number: &u32| ranks[*number as usize];
        // The beginnings of sequences in one number, in which no order is lost: most are told apart without a look at the rest.
        let beginning = |numbers: &[u32]| {
            let ranks = numbers.iter().map(|number| rank(number).saturating_add(1).min(u16::MAX.into()));
            let eight = ranks.chain(std::iter::repeat(0)).take(8);
            eight.fold(0_u128, |all, rank| all << 16 | u128::from(rank))
        };
        let mut sorted: Vec<_> =
            sequences.map(|(key, numbers, of)| ((key, beginning(numbers)), numbers, of)).collect();
        sorted.sort_unstable_by(|(a_key, a, _), (b_key, b, _)| {
            a_key.cmp(b_key).then_with(|| a.iter().map(rank).cmp(b.iter().map(rank)))
        });
        sorted.into_iter().map(|((key, _), numbers, of)| (key, numbers, of))
    }

    /// The place of each number in the order of the names.
    fn ranks(&self) -> Vec<u32> {
        let mut numbers: Vec<u32> = (0..self.names.len() as u32).collect();
        numbers.sort_unstable_by(|a, b| self.name(*a).cmp(self.name(*b)));
        let mut ranks = vec![0; numbers.len()];
        for (rank, number) in (0..).zip(numbers) {
            ranks[number as usize] = rank;
        }
        ranks
    }

    /// The number here of each of another's names.
    pub(crate) fn take_over(&mut self, other: &Self) -> Vec<u32> {
        other.names.iter().map(|name| self.number(name)).collect()
    }
}

/// The value of a number in a list of values by number, which grows as far as it has to.
#[inline]
pub(super) fn value_of<T: Clone + Default>(values: &mut Vec<T>, number: u32) -> &mut T {
    let place = number as usize;
    if values.len() <= place {
        values.resize(place + 1, T::default());
    }
    &mut values[place]
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn sequences_are_sorted_as_their_names_are(
            names in proptest::collection::hash_set("[a-c]{0,3}", 1..30),
            sequences in vec((0..3_u8, vec(any::<proptest::sample::Index>(), 0..12)), 0..40),
        ) {
            let (mut numbers, names): (Names, Vec<_>) = (Names::default(), names.into_iter().collect());
            names.iter().for_each(|name| {
                numbers.number(name);
            });
            let of = |places: &[proptest::sample::Index]| -> Vec<u32> {
                places.iter().map(|place| place.index(names.len()) as u32).collect()
            };
            let sequences: Vec<_> = sequences.iter().map(|(key, places)| (*key, of(places))).collect();
            let spelled = |(key, sequence): (u8, &[u32])| -> (u8, Vec<&str>) {
                (key, sequence.iter().map(|number| names[*number as usize].as_str()).collect())
            };
            let sorted = numbers.sorted(sequences.iter().map(|(key, sequence)| (*key, &sequence[..], ())));
            let found: Vec<_> = sorted.map(|(key, sequence, ())| spelled((key, sequence))).collect();
            let mut expected: Vec<_> = sequences.iter().map(|(key, sequence)| spelled((*key, sequence))).collect();
            expected.sort();
            prop_assert_eq!(found, expected);
        }
    }
}

//! Values by bucket of a calendar.

use hashbrown::HashMap;

/// So many buckets that follow each other stand together.
const SIDE: usize = 32;

/// A value for each bucket that was asked for: histories ask for buckets near each other, whose values stand side by side.
#[derive(Debug, Clone)]
pub(super) struct ByBucket<T> {
    /// The place of each page by its number: that of its buckets, without the last bits.
    places: HashMap<i64, u32>,
    pages: Vec<(i64, [T; SIDE])>,
    /// The place of the page that was asked for last.
    last: u32,
}

impl<T> Default for ByBucket<T> {
    fn default() -> Self {
        Self { places: HashMap::new(), pages: Vec::new(), last: 0 }
    }
}

impl<T: Copy + Default + PartialEq> ByBucket<T> {
    /// The value of a bucket, which is that of none before it is changed.
    #[inline]
    pub(super) fn of(&mut self, bucket: i64) -> &mut T {
        let (page, place) = place_of(bucket);
        if self.pages.get(self.last as usize).is_none_or(|(last, _)| *last != page) {
            self.last = self.place(page);
        }
        &mut self.pages[self.last as usize].1[place]
    }

    fn place(&mut self, page: i64) -> u32 {
        *self.places.entry(page).or_insert_with(|| {
            self.pages.push((page, [T::default(); SIDE]));
            self.pages.len() as u32 - 1
        })
    }

    /// The value of a bucket.
    pub(super) fn get(&self, bucket: i64) -> T {
        let (page, place) = place_of(bucket);
        self.places.get(&page).map_or(T::default(), |page| self.pages[*page as usize].1[place])
    }

    /// The buckets whose value is not that of none, in no particular order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (i64, T)> {
        let of_page = |(page, values): &(i64, [T; SIDE])| {
            let first = page * SIDE as i64;
            (first..).zip(*values)
        };
        self.pages.iter().flat_map(of_page).filter(|(_, value)| *value != T::default())
    }
}

impl<T: Copy + Default + PartialEq> PartialEq for ByBucket<T> {
    fn eq(&self, other: &Self) -> bool {
        let holds = |all: &Self, others: &Self| others.iter().all(|(bucket, value)| all.get(bucket) == value);
        holds(self, other) && holds(other, self)
    }
}

impl<T: Copy + Default + Eq> Eq for ByBucket<T> {}

#[inline]
fn place_of(bucket: i64) -> (i64, usize) {
    (bucket >> SIDE.ilog2(), bucket as usize % SIDE)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_is_a_map_that_forgets_what_comes_to_nothing(changes in vec((-40..40_i64, -1..2_i64), 0..60)) {
            let (mut values, mut plain) = (ByBucket::<i64>::default(), BTreeMap::new());
            for (bucket, by) in &changes {
                *values.of(*bucket) += by;
                *plain.entry(*bucket).or_insert(0) += by;
            }
            plain.retain(|_, value| *value != 0);
            prop_assert_eq!(values.iter().collect::<BTreeMap<_, _>>(), plain.clone());
            let mut again = ByBucket::default();
            plain.iter().for_each(|(bucket, value)| *again.of(*bucket) = *value);
            prop_assert_eq!(&values, &again);
            *again.of(41) = 1;
            prop_assert_ne!(&values, &again);
        }
    }
}

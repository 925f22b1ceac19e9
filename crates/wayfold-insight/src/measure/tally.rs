//! Records, each so many times: what measures keep whose questions look at every case.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tally<T>(BTreeMap<T, i64>);

impl<T> Default for Tally<T> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<T: Ord> Tally<T> {
    /// Adds a record so many times, and forgets one that comes to nothing.
    pub(crate) fn add(&mut self, record: T, times: i64) {
        match self.0.entry(record) {
            Entry::Vacant(free) => {
                free.insert(times);
            }
            Entry::Occupied(mut known) => {
                *known.get_mut() += times;
                if *known.get() == 0 {
                    known.remove();
                }
            }
        }
    }

    pub(crate) fn merge(&mut self, other: Self) {
        other.0.into_iter().for_each(|(record, times)| self.add(record, times));
    }

    /// The records in order, and how often each is there.
    pub(crate) fn counts(&self) -> impl Iterator<Item = (&T, u64)> {
        self.0.iter().map(|(record, times)| (record, (*times).max(0) as u64))
    }

    /// The records in order, each as often as it is there.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        self.counts().flat_map(|(record, times)| std::iter::repeat_n(record, times as usize))
    }
}

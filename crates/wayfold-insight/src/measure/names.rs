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

    /// The place of each number in the order of the names: sequences compare by it as by their names.
    pub(super) fn ranks(&self) -> Vec<u32> {
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

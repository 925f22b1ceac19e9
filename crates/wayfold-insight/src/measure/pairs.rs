//! Values by pairs of numbers, such as those of steps.

use hashbrown::HashMap;

/// Numbers below that have a table; most logs have no others.
const SIDE: u32 = 64;
const NONE: u32 = u32::MAX;

/// A value for each pair that was asked for: found by place among the first numbers, else by hash.
#[derive(Debug, Clone)]
pub(super) struct Pairs<T> {
    /// The place of each value, by the second number and then by the first.
    table: Vec<[u32; SIDE as usize]>,
    others: HashMap<(u32, u32), u32>,
    values: Vec<((u32, u32), T)>,
}

impl<T> Default for Pairs<T> {
    fn default() -> Self {
        Self { table: Vec::new(), others: HashMap::new(), values: Vec::new() }
    }
}

impl<T: Default> Pairs<T> {
    /// The value of a pair, which is that of none before it is changed.
    #[inline]
    pub(super) fn of(&mut self, from: u32, to: u32) -> &mut T {
        let place = if from < SIDE && to < SIDE {
            self.table.get(to as usize).map_or(NONE, |row| row[from as usize])
        } else {
            self.others.get(&(from, to)).copied().unwrap_or(NONE)
        };
        let place = if place == NONE { self.add(from, to) } else { place };
        &mut self.values[place as usize].1
    }

    /// Changes the value of the pair of each of these numbers with one behind them, by what is said of the number.
    #[inline]
    pub(super) fn change_all<X>(&mut self, froms: &[(u32, X)], to: u32, change: impl Fn(&mut T, &X)) {
        let Self { table, values, .. } = self;
        let mut known = 0;
        if let Some(row) = table.get(to as usize) {
            for (from, said) in froms {
                let place = row.get(*from as usize).copied().unwrap_or(NONE);
                let Some((_, value)) = values.get_mut(place as usize) else { break };
                change(value, said);
                known += 1;
            }
        }
        for (from, said) in &froms[known..] {
            change(self.of(*from, to), said);
        }
    }

    #[cold]
    fn add(&mut self, from: u32, to: u32) -> u32 {
        let place = self.values.len() as u32;
        self.values.push(((from, to), T::default()));
        if from < SIDE && to < SIDE {
            self.table.resize(SIDE as usize, [NONE; SIDE as usize]);
            self.table[to as usize][from as usize] = place;
        } else {
            self.others.insert((from, to), place);
        }
        place
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &((u32, u32), T)> {
        self.values.iter()
    }

    pub(super) fn into_pairs(self) -> impl Iterator<Item = ((u32, u32), T)> {
        self.values.into_iter()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Numbers on both sides of the table's edge.
        #[test]
        fn each_pair_has_a_value_of_its_own(asked in vec((60..70_u32, 0..130_u32), 0..60)) {
            let (mut pairs, mut plain) = (Pairs::<u32>::default(), BTreeMap::new());
            for (from, to) in &asked {
                *pairs.of(*from, *to) += 1;
                *plain.entry((*from, *to)).or_insert(0) += 1;
            }
            for to in 0..130 {
                pairs.change_all(&asked, to, |value, said| *value += said);
                asked.iter().for_each(|(from, said)| *plain.entry((*from, to)).or_insert(0) += said);
            }
            prop_assert_eq!(pairs.into_pairs().collect::<BTreeMap<_, _>>(), plain);
        }
    }
}

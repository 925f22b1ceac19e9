//! One value a customer, by number.

use std::ops::{Index, IndexMut};

/// How many values stand in one piece.
const PIECE: usize = 1_024;

/// A list that grows by pieces: what stands in it never moves, and no more room is left than a piece has.
///
/// A fold of a whole log takes in customer after customer; a list in one piece would be copied again and again.
#[derive(Debug, Clone)]
pub(crate) struct PerCustomer<T> {
    /// All but the last are full.
    pieces: Vec<Vec<T>>,
    len: usize,
}

impl<T> Default for PerCustomer<T> {
    fn default() -> Self {
        Self { pieces: Vec::new(), len: 0 }
    }
}

impl<T> PerCustomer<T> {
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        self.pieces.iter().flatten()
    }

    pub(crate) fn push(&mut self, value: T) {
        self.len += 1;
        match self.pieces.last_mut() {
            Some(last) if last.len() < PIECE => last.push(value),
            // A fold of few customers takes no more room than they need.
            None => self.pieces.push(vec![value]),
            Some(_) => {
                let mut piece = Vec::with_capacity(PIECE);
                piece.push(value);
                self.pieces.push(piece);
            }
        }
    }

    /// Takes another list behind this one; says by how much its values' numbers grow. The numbers between both have no value,
    /// so that lists of one value a customer are not joined.
    pub(crate) fn append(&mut self, other: Self) -> usize {
        let moved = self.pieces.len() * PIECE;
        self.len += other.len;
        self.pieces.extend(other.pieces);
        moved
    }

    /// Makes it as long as there are customers.
    pub(crate) fn grow(&mut self, customers: usize, make: impl Fn() -> T) {
        for _ in self.len()..customers {
            self.push(make());
        }
    }
}

impl<T> Index<usize> for PerCustomer<T> {
    type Output = T;

    #[inline]
    fn index(&self, customer: usize) -> &T {
        &self.pieces[customer / PIECE][customer % PIECE]
    }
}

impl<T> IndexMut<usize> for PerCustomer<T> {
    #[inline]
    fn index_mut(&mut self, customer: usize) -> &mut T {
        &mut self.pieces[customer / PIECE][customer % PIECE]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_behind_another_is_found_by_numbers_that_have_grown() {
        let mut lists = [3, PIECE, PIECE + 1].map(|length| {
            let mut list = PerCustomer::default();
            (0..length).for_each(|number| list.push((length, number)));
            list
        });
        let mut joined = PerCustomer::default();
        for list in &mut lists {
            let length = list.len();
            let moved = joined.append(std::mem::take(list));
            assert!((0..length).all(|number| joined[moved + number] == (length, number)));
        }
        assert_eq!(joined.len(), 2 * PIECE + 4);
        assert_eq!((joined[2], joined[PIECE]), ((3, 2), (PIECE, 0)));
    }

    #[test]
    fn values_stand_where_they_were_put() {
        let mut list = PerCustomer::default();
        assert_eq!((list.len(), list.iter().next()), (0, None));
        list.push(7_usize);
        list.grow(3 * PIECE, || 0);
        list.grow(5, || 1);
        list.push(8);
        for customer in [1, PIECE - 1, PIECE, 2 * PIECE] {
            list[customer] = customer;
        }
        assert_eq!(list.len(), 3 * PIECE + 1);
        let found: Vec<_> = list.iter().copied().enumerate().filter(|(_, value)| *value > 0).collect();
        assert_eq!(
            found,
            [(0, 7), (1, 1), (PIECE - 1, PIECE - 1), (PIECE, PIECE), (2 * PIECE, 2 * PIECE), (3 * PIECE, 8)]
        );
    }
}

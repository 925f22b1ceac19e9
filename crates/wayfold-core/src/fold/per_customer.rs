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

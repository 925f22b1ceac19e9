//! What answer A says of the population: in which fifth of the buyers each stands.

use radsort::Key;
use wayfold_core::{CustomerKey, Timestamp};

use super::Answer;

/// The fifths of one buyer, 1 the worst and 5 the best.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quintiles {
    /// By the last order.
    pub last_order: u8,
    /// By the number of orders.
    pub orders: u8,
    /// By revenue.
    pub revenue: u8,
}

/// Scores the customers with an order by SQL's NTILE(5), ties in the order given; `None` for the others.
pub fn quintiles(answers: &[(CustomerKey, Answer)]) -> Vec<Option<Quintiles>> {
    let buyers: Vec<(usize, &Answer)> = answers
        .iter()
        .map(|(_, answer)| answer)
        .enumerate()
        .filter(|(_, answer)| answer.orders > 0)
        .collect();
    let last_order =
        fifths(buyers.iter().map(|(_, answer)| answer.last_order_at.map_or(i64::MIN, Timestamp::as_micros)));
    let orders = fifths(buyers.iter().map(|(_, answer)| answer.orders));
    let revenue = fifths(buyers.iter().map(|(_, answer)| answer.revenue_minor));
    let mut scored = vec![None; answers.len()];
    for (place, (customer, _)) in buyers.iter().enumerate() {
        scored[*customer] =
            Some(Quintiles { last_order: last_order[place], orders: orders[place], revenue: revenue[place] });
    }
    scored
}

/// NTILE(5): the first fifths hold one more where the count cannot be divided.
fn fifths(measures: impl Iterator<Item = impl Key>) -> Vec<u8> {
    let mut sorted: Vec<_> = measures.zip(0_u32..).collect();
    // It is stable, so that ties stay in the order given.
    radsort::sort_by_key(&mut sorted, |(measure, _)| *measure);
    let (size, longer) = (sorted.len() / 5, sorted.len() % 5);
    let ends = (1..=5).map(|fifth| fifth * size + fifth.min(longer));
    let mut fifths = vec![0; sorted.len()];
    let mut start = 0;
    for (fifth, end) in (1..=5).zip(ends) {
        sorted[start..end].iter().for_each(|(_, place)| fifths[*place as usize] = fifth);
        start = end;
    }
    fifths
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_fifths_hold_one_more_and_ties_stand_in_the_order_given() {
        assert_eq!(fifths([30, 10, 20, 20, 50, 40, 20].into_iter()), [3, 1, 1, 2, 5, 4, 2]);
        assert_eq!(fifths([2, 1].into_iter()), [2, 1]);
        assert!(fifths(std::iter::empty::<u8>()).is_empty());
    }
}

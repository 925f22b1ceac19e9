//! What answer A says of the population: in which fifth of the buyers each stands.

use radsort::Key;
use wayfold_core::Timestamp;

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
pub fn quintiles<'a>(answers: impl Iterator<Item = &'a Answer>) -> Vec<Option<Quintiles>> {
    // One look at each answer, as they lie anywhere.
    let (mut last_orders, mut orders, mut revenues) = (Vec::new(), Vec::new(), Vec::new());
    let mut scored = Vec::with_capacity(answers.size_hint().0);
    for answer in answers {
        let is_buyer = answer.orders > 0;
        if is_buyer {
            last_orders.push(answer.last_order_at.map_or(i64::MIN, Timestamp::as_micros));
            orders.push(answer.orders);
            revenues.push(answer.revenue_minor);
        }
        scored.push(is_buyer.then_some(Quintiles { last_order: 0, orders: 0, revenue: 0 }));
    }
    let of_buyers = fifths(last_orders).into_iter().zip(fifths(orders)).zip(fifths(revenues));
    for (scored, ((last_order, orders), revenue)) in scored.iter_mut().flatten().zip(of_buyers) {
        *scored = Quintiles { last_order, orders, revenue };
    }
    scored
}

/// NTILE(5): the first fifths hold one more where the count cannot be divided.
fn fifths(measures: Vec<impl Key>) -> Vec<u8> {
    let mut sorted: Vec<_> = measures.into_iter().zip(0_u32..).collect();
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
        assert_eq!(fifths(vec![30, 10, 20, 20, 50, 40, 20]), [3, 1, 1, 2, 5, 4, 2]);
        assert_eq!(fifths(vec![2, 1]), [2, 1]);
        assert!(fifths(Vec::<u8>::new()).is_empty());
    }
}

//! RFM: recency, frequency and monetary value as scores of 1 to 5, 5 best, over a population.

use serde::{Deserialize, Serialize};

use super::Member;
use crate::currency::Currency;
use crate::key::CustomerKey;
use crate::money::MoneySum;
use crate::time::Timestamp;

/// How customers with equal values are scored.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TieRule {
    /// Equal values share a score: 1 + floor(5 * customers strictly worse / N).
    #[default]
    Shared,
    /// SQL's NTILE(5) from worst to best, ties by the bytes of the customer's key: groups of equal size, the
    /// first N mod 5 with one more.
    Ntile,
}

/// The scores of one customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct RfmScores {
    /// Recency: 5 bought last.
    pub recency: u8,
    /// Frequency: 5 bought most often.
    pub frequency: u8,
    /// Monetary value: 5 has the highest net value.
    pub monetary: u8,
}

/// A customer with its values and scores.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ScoredCustomer {
    /// Who.
    pub key: CustomerKey,
    /// Whole days of 24 hours since the last purchase, floored.
    pub recency_days: i64,
    /// Purchases.
    pub frequency: u32,
    /// Net value.
    pub monetary: MoneySum,
    /// The scores.
    pub scores: RfmScores,
}

/// The scores of a population in one currency, which hold as of their instant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RfmTable {
    /// As of when.
    pub as_of: Timestamp,
    /// In which currency.
    pub currency: Currency,
    /// How ties were scored.
    pub ties: TieRule,
    /// Customers with a purchase in the currency, by the bytes of their keys.
    pub customers: Vec<ScoredCustomer>,
}

impl RfmTable {
    /// How many customers have each score, from 1 to 5: recency, frequency, monetary.
    pub fn sizes(&self) -> [[u64; 5]; 3] {
        let mut sizes = [[0; 5]; 3];
        for customer in &self.customers {
            let RfmScores { recency, frequency, monetary } = customer.scores;
            for (size, score) in sizes.iter_mut().zip([recency, frequency, monetary]) {
                size[usize::from(score) - 1] += 1;
            }
        }
        sizes
    }
}

pub(super) fn score(members: &[Member], as_of: Timestamp, currency: Currency, ties: TieRule) -> RfmTable {
    let buyers = members.iter().filter_map(|member| {
        let value = member.value(currency).filter(|value| value.purchases > 0)?;
        let recency_days = as_of.since(value.last_purchase_at?).whole_days();
        let scores = RfmScores { recency: 0, frequency: 0, monetary: 0 };
        let (frequency, monetary) = (value.purchases, value.net);
        Some(ScoredCustomer { key: member.key.clone(), recency_days, frequency, monetary, scores })
    });
    let mut customers: Vec<ScoredCustomer> = buyers.collect();
    set(&mut customers, ties, |customer| -i128::from(customer.recency_days), |scores| &mut scores.recency);
    set(&mut customers, ties, |customer| i128::from(customer.frequency), |scores| &mut scores.frequency);
    set(
        &mut customers,
        ties,
        |customer| customer.monetary.as_ten_thousandths(),
        |scores| &mut scores.monetary,
    );
    RfmTable { as_of, currency, ties, customers }
}

/// Scores by a value of which more is better. The customers stand by key, so a stable sort breaks ties by it.
fn set(
    customers: &mut [ScoredCustomer],
    ties: TieRule,
    value: impl Fn(&ScoredCustomer) -> i128,
    score: impl Fn(&mut RfmScores) -> &mut u8,
) {
    let mut order: Vec<usize> = (0..customers.len()).collect();
    order.sort_by_key(|place| value(&customers[*place]));
    let count = order.len();
    let mut worse = 0;
    for (rank, place) in order.iter().enumerate() {
        if rank > 0 && value(&customers[*place]) > value(&customers[order[rank - 1]]) {
            worse = rank;
        }
        let of_five = match ties {
            TieRule::Shared => 5 * worse / count,
            TieRule::Ntile => ntile(rank, count),
        };
        *score(&mut customers[*place].scores) = 1 + of_five as u8;
    }
}

/// The group, from 0 to 4, of a rank under NTILE(5).
fn ntile(rank: usize, count: usize) -> usize {
    let (size, larger) = (count / 5, count % 5);
    let in_larger = larger * (size + 1);
    if rank < in_larger { rank / (size + 1) } else { larger + (rank - in_larger) / size }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ntile_gives_the_first_groups_one_more() {
        let sizes = |count: usize| {
            let mut sizes = [0; 5];
            (0..count).for_each(|rank| sizes[ntile(rank, count)] += 1);
            sizes
        };
        assert_eq!(sizes(13), [3, 3, 3, 2, 2]);
        assert_eq!(sizes(3), [1, 1, 1, 0, 0]);
        assert_eq!(sizes(10), [2; 5]);
    }
}

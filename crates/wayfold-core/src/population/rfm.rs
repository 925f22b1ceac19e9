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
    /// The rule of the R package `rfm`: borders are the quantiles at .2, .4, .6 and .8 (linear, R's type 7) plus one day,
    /// purchase or unit of the currency, and a value at a border counts above it. Equal values share a score; where
    /// values are few, a score may stay empty.
    Quantile,
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
    set(
        &mut customers,
        ties,
        -1,
        |customer| -i128::from(customer.recency_days),
        |scores| &mut scores.recency,
    );
    set(&mut customers, ties, 1, |customer| i128::from(customer.frequency), |scores| &mut scores.frequency);
    set(
        &mut customers,
        ties,
        10_000,
        |customer| customer.monetary.as_ten_thousandths(),
        |scores| &mut scores.monetary,
    );
    RfmTable { as_of, currency, ties, customers }
}

/// Scores by a value of which more is better. The customers stand by key, so a stable sort breaks ties by it.
///
/// `one` is what borders of quantiles are moved by: downwards for a value that was turned round to be better.
fn set(
    customers: &mut [ScoredCustomer],
    ties: TieRule,
    one: i128,
    value: impl Fn(&ScoredCustomer) -> i128,
    score: impl Fn(&mut RfmScores) -> &mut u8,
) {
    let mut order: Vec<usize> = (0..customers.len()).collect();
    order.sort_by_key(|place| value(&customers[*place]));
    let count = order.len();
    let sorted: Vec<i128> = order.iter().map(|place| value(&customers[*place])).collect();
    let mut worse = 0;
    for (rank, place) in order.iter().enumerate() {
        if rank > 0 && sorted[rank] > sorted[rank - 1] {
            worse = rank;
        }
        let of_five = match ties {
            TieRule::Shared => 5 * worse / count,
            TieRule::Ntile => ntile(rank, count),
            TieRule::Quantile => by_quantile(&sorted, sorted[rank], one),
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

/// The group, from 0 to 4, of a value between quantiles. They are taken times five, so that nothing is rounded.
fn by_quantile(sorted: &[i128], value: i128, one: i128) -> usize {
    let border = |fifth: usize| {
        let (low, rest) = ((sorted.len() - 1) * fifth / 5, (sorted.len() - 1) * fifth % 5);
        let high = sorted[(low + 1).min(sorted.len() - 1)];
        5 * (sorted[low] + one) + rest as i128 * (high - sorted[low])
    };
    if one > 0 {
        (1..5).filter(|fifth| 5 * value >= border(*fifth)).count()
    } else {
        4 - (1..5).filter(|fifth| 5 * value <= border(*fifth)).count()
    }
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

    /// Of 1 to 11 the quantiles are 3, 5, 7 and 9, the borders 4, 6, 8 and 10; turned round, what counts is the value
    /// before.
    #[test]
    fn a_value_at_a_border_of_quantiles_counts_above_it() {
        let up: Vec<i128> = (1..=11).collect();
        let groups: Vec<_> = up.iter().map(|value| by_quantile(&up, *value, 1)).collect();
        assert_eq!(groups, [0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4]);
        let down: Vec<i128> = (-11..=-1).collect();
        let groups: Vec<_> = up.iter().map(|value| by_quantile(&down, -*value, -1)).collect();
        assert_eq!(groups, [4, 4, 4, 3, 3, 2, 2, 1, 1, 0, 0]);
    }
}

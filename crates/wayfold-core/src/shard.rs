//! Shards: the customers of a range of spreads.

use std::fmt;

use crate::key::CustomerKey;

/// The customers whose [`CustomerKey::spread`] lies in a range, the same on every machine and for ever.
///
/// A log that is clustered by it holds a shard in one stretch.
///
/// ```
/// use wayfold_core::{CustomerKey, Shard};
///
/// let of_two = [Shard::new(0, 2), Shard::new(1, 2)];
/// assert_eq!(of_two[0].last() + 1, of_two[1].first());
/// assert_eq!(of_two.iter().filter(|shard| shard.holds("", "ada")).count(), 1);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard {
    first: u64,
    last: u64,
}

impl Shard {
    /// All customers.
    pub const ALL: Self = Self { first: 0, last: u64::MAX };

    /// One of some shards of about equal size; the first has index 0.
    ///
    /// # Panics
    /// If the index is not below the number of shards.
    pub fn new(index: usize, of: usize) -> Self {
        assert!(index < of, "shard {index} of {of}");
        let start = |index: usize| ((index as u128) << 64).div_ceil(of as u128);
        Self { first: start(index) as u64, last: (start(index + 1) - 1) as u64 }
    }

    /// The customers from one spread up to another, and with both.
    ///
    /// # Panics
    /// If the first comes after the last.
    pub fn between(first: u64, last: u64) -> Self {
        assert!(first <= last, "a shard from {first} to {last}");
        Self { first, last }
    }

    /// The customers that have one customer's spread: it alone, or a few more.
    pub fn of(customer: &CustomerKey) -> Self {
        let spread = CustomerKey::spread(customer.tenant.as_str(), customer.customer.as_str());
        Self { first: spread, last: spread }
    }

    /// The least spread that it may hold.
    pub fn first(&self) -> u64 {
        self.first
    }

    /// The greatest spread that it may hold.
    pub fn last(&self) -> u64 {
        self.last
    }

    /// Says whether it holds the customers of a spread.
    #[inline]
    pub fn holds_spread(&self, spread: u64) -> bool {
        self.first <= spread && spread <= self.last
    }

    /// Says whether it holds a customer.
    #[inline]
    pub fn holds(&self, tenant: &str, customer: &str) -> bool {
        *self == Self::ALL || self.holds_spread(CustomerKey::spread(tenant, customer))
    }

    /// What both hold; `None` if they have no spread in common.
    pub fn and(&self, other: &Self) -> Option<Self> {
        let (first, last) = (self.first.max(other.first), self.last.min(other.last));
        (first <= last).then_some(Self { first, last })
    }
}

/// One of the 256 shards into which customers fall for ever: the number is the upper eight bits of their
/// [`CustomerKey::spread`], which depends on the names of tenant and customer alone.
///
/// Databases and workers are given virtual shards, never single customers, so that who has which customer is a list of 256
/// entries.
///
/// ```
/// use wayfold_core::{CustomerKey, VirtualShard};
///
/// let shard = VirtualShard::of(&CustomerKey::new("ada")?);
/// assert_eq!(shard.number(), 126);
/// assert!(shard.customers().holds("", "ada"));
/// # Ok::<(), wayfold_core::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VirtualShard(u8);

impl VirtualShard {
    /// How many there are.
    pub const COUNT: usize = 256;

    /// The one of that number.
    pub fn new(number: u8) -> Self {
        Self(number)
    }

    /// All, from the first to the last.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..=u8::MAX).map(Self)
    }

    /// The one of a customer.
    pub fn of(customer: &CustomerKey) -> Self {
        Self::of_texts(customer.tenant.as_str(), customer.customer.as_str())
    }

    /// The one of a customer that is given by the texts of its key.
    pub fn of_texts(tenant: &str, customer: &str) -> Self {
        Self((CustomerKey::spread(tenant, customer) >> 56) as u8)
    }

    /// From 0 to 255.
    pub fn number(self) -> u8 {
        self.0
    }

    /// Its customers.
    pub fn customers(self) -> Shard {
        Shard::new(self.0.into(), Self::COUNT)
    }
}

impl fmt::Display for VirtualShard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Shards follow each other without a gap, and a spread is in the one that its upper bits name.
        #[test]
        fn every_spread_is_in_one_shard(of in 1_usize..300, spread: u64, edge in 0_usize..300) {
            let shards: Vec<Shard> = (0..of).map(|index| Shard::new(index, of)).collect();
            prop_assert_eq!((shards[0].first(), shards[of - 1].last()), (0, u64::MAX));
            prop_assert!(shards.windows(2).all(|pair| pair[0].last() + 1 == pair[1].first()));
            let index = |spread: u64| ((u128::from(spread) * of as u128) >> 64) as usize;
            prop_assert!(shards[index(spread)].holds_spread(spread));
            let shard = &shards[edge % of];
            prop_assert_eq!((index(shard.first()), index(shard.last())), (edge % of, edge % of));
        }
    }

    /// Fixed for ever: databases hold customers by these numbers.
    #[test]
    fn virtual_shards_of_customers_never_change() {
        for (tenant, customer, number) in [
            ("", "ada", 126),
            ("", "bob", 65),
            ("shop", "ada", 226),
            ("", "c1", 125),
            ("", "12346", 159),
            ("", "\u{5ba2}\u{6237}", 7),
        ] {
            let key = CustomerKey::in_tenant(tenant, customer).unwrap();
            assert_eq!(VirtualShard::of(&key), VirtualShard::new(number), "{tenant}/{customer}");
        }
    }

    #[test]
    fn a_virtual_shard_holds_its_customers_and_no_others() {
        for number in 0..2_000 {
            let key = CustomerKey::new(format!("c{number}")).unwrap();
            let holds = |shard: &VirtualShard| shard.customers().holds("", key.customer.as_str());
            assert_eq!(VirtualShard::all().filter(holds).collect::<Vec<_>>(), [VirtualShard::of(&key)]);
        }
    }

    #[test]
    fn two_have_in_common_what_both_hold() {
        let (low, high) = (Shard::new(0, 2), Shard::new(1, 2));
        assert_eq!(low.and(&high), None);
        assert_eq!(low.and(&Shard::ALL), Some(low));
        let middle = Shard::between(low.last(), high.first() + 4);
        assert_eq!(high.and(&middle), Some(Shard::between(high.first(), high.first() + 4)));
        assert!(!low.holds("", "ada") || !high.holds("", "ada"));
    }
}

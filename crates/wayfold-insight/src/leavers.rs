use std::collections::{BTreeMap, BTreeSet};

use libm::{exp, log};
use serde::Serialize;
use wayfold_core::CustomerKey;

use crate::error::{Error, ErrorKind, Result};
use crate::interval::{Confidence, Interval};
use crate::transitions::by_customer;

/// Who left in a period, beside who stayed: both were there at its beginning.
///
/// Having left is what the caller says it is, such as a lifecycle of churned, or [`GapChurn`](crate::GapChurn).
///
/// ```
/// use wayfold_core::CustomerKey;
/// use wayfold_insight::{Confidence, Leavers};
///
/// let key = |number: u32| CustomerKey::new(number.to_string());
/// let has_left = |left: &dyn Fn(u32) -> bool| (0..100).map(|of| Ok((key(of)?, left(of)))).collect::<wayfold_core::Result<Vec<_>>>();
/// // Forty of a hundred leave; nine in ten of them had complained, and one in five of the others.
/// let leavers = Leavers::between(has_left(&|_| false)?, has_left(&|of| of < 40)?)?;
/// let complained = |key: &CustomerKey| key.customer.as_str().parse().is_ok_and(|of: u32| of < 36 || of >= 88);
/// let shared = leavers.shared(|key| complained(key).then(|| "complained".to_owned()), Confidence::P95);
/// assert_eq!((shared[0].left, shared[0].stayed), (36, 12));
/// assert_eq!(shared[0].lift, Some(0.9 / 0.2));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leavers {
    left: Vec<CustomerKey>,
    stayed: Vec<CustomerKey>,
}

/// What some of those who left have in common, beside those who stayed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SharedTrait {
    /// What it is.
    pub name: String,
    /// How many of those who left have it.
    pub left: u64,
    /// How many of those who stayed have it.
    pub stayed: u64,
    /// How many times as common it is among those who left as among those who stayed; `None` if nobody who stayed has
    /// it.
    pub lift: Option<f64>,
    /// Where the lift lies, if these customers are like others: by the logarithm of the ratio, with half a customer added
    /// to each count (Walter 1975), so that it is there for counts of zero and all too.
    pub interval: Interval,
}

impl SharedTrait {
    /// Says whether the interval leaves out one: more, or less, common than by chance.
    pub fn tells(&self) -> bool {
        self.interval.low > 1.0 || self.interval.high < 1.0
    }
}

impl Leavers {
    /// Takes of each customer whether it had left as of the beginning and as of the end. Who had left before or came
    /// later takes no part.
    ///
    /// # Errors
    /// `Mismatch` if a customer comes twice, or is there at the beginning and missing at the end; `TooLittleData` unless
    /// somebody left and somebody stayed.
    pub fn between(
        before: impl IntoIterator<Item = (CustomerKey, bool)>,
        after: impl IntoIterator<Item = (CustomerKey, bool)>,
    ) -> Result<Self> {
        let after = by_customer(after)?;
        let (mut left, mut stayed) = (Vec::new(), Vec::new());
        for (key, _) in by_customer(before)?.into_iter().filter(|(_, had_left)| !had_left) {
            match after.get(&key) {
                Some(true) => left.push(key),
                Some(false) => stayed.push(key),
                None => {
                    let message = format_args!("customer {key} is there at the beginning and not at the end");
                    return Err(Error::new(ErrorKind::Mismatch, message));
                }
            }
        }
        if left.is_empty() || stayed.is_empty() {
            let message =
                format_args!("{} left and {} stayed; nothing can be compared", left.len(), stayed.len());
            return Err(Error::new(ErrorKind::TooLittleData, message));
        }
        Ok(Self { left, stayed })
    }

    /// Who left, by the bytes of their keys.
    pub fn left(&self) -> &[CustomerKey] {
        &self.left
    }

    /// Who stayed, by the bytes of their keys.
    pub fn stayed(&self) -> &[CustomerKey] {
        &self.stayed
    }

    /// Compares traits of those who left with those of who stayed; one that a customer names twice counts once. The
    /// traits should be those of the beginning of the period, and the more of them are looked at, the more tell by chance.
    ///
    /// What sets those who left apart most surely comes first: by the lower end of the interval.
    pub fn shared<T: IntoIterator<Item = String>>(
        &self,
        traits: impl Fn(&CustomerKey) -> T,
        confidence: Confidence,
    ) -> Vec<SharedTrait> {
        let mut counts: BTreeMap<String, [u64; 2]> = BTreeMap::new();
        for (side, customers) in [&self.left, &self.stayed].into_iter().enumerate() {
            for key in customers {
                for name in traits(key).into_iter().collect::<BTreeSet<_>>() {
                    counts.entry(name).or_default()[side] += 1;
                }
            }
        }
        let of =
            |(name, [left, stayed]): (String, [u64; 2])| self.shared_trait(name, left, stayed, confidence);
        let mut shared: Vec<SharedTrait> = counts.into_iter().map(of).collect();
        // Equals stay in the order of their names.
        shared.sort_by(|a, b| b.interval.low.total_cmp(&a.interval.low));
        shared
    }

    fn shared_trait(&self, name: String, left: u64, stayed: u64, confidence: Confidence) -> SharedTrait {
        let (all_left, all_stayed) = (self.left.len() as f64, self.stayed.len() as f64);
        let share = left as f64 / all_left;
        let lift = (stayed > 0).then(|| share / (stayed as f64 / all_stayed));
        let [a, n, b, m] = [left as f64, all_left, stayed as f64, all_stayed].map(|count| count + 0.5);
        let middle = log(a / n) - log(b / m);
        let half = confidence.z() * (1.0 / a - 1.0 / n + 1.0 / b - 1.0 / m).sqrt();
        let interval = Interval { low: exp(middle - half), high: exp(middle + half) };
        SharedTrait { name, left, stayed, lift, interval }
    }
}

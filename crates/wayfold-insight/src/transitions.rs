use std::collections::BTreeMap;

use wayfold_core::CustomerKey;

use crate::error::{Error, ErrorKind, Result};
use crate::interval::{self, Confidence, Interval};

/// Where customers stood at one instant and where at a later one: by stage, class, segment, or any label.
///
/// ```
/// use wayfold_core::{BehaviourClass, CustomerKey};
/// use wayfold_insight::{Confidence, Transitions};
///
/// let at = |class| move |name: &str| Ok::<_, wayfold_core::Error>((CustomerKey::new(name)?, class));
/// let valuable = at(BehaviourClass::LowFrequencyHighValue);
/// let before = [valuable("ada")?, valuable("bob")?];
/// let after = [at(BehaviourClass::HighFrequency)("ada")?, valuable("bob")?, at(BehaviourClass::Newcomer)("eve")?];
///
/// let moved = Transitions::between(before, after)?;
/// let (from, to) = (BehaviourClass::LowFrequencyHighValue, BehaviourClass::HighFrequency);
/// assert_eq!(moved.who(Some(&from), Some(&to)), [CustomerKey::new("ada")?]);
/// assert_eq!(moved.share(&from, &to, Confidence::P95).expect("some stood there").0, 50.0);
/// assert_eq!(moved.count(None, Some(&BehaviourClass::Newcomer)), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transitions<L> {
    /// Who went from where to where, by key; `None` is not being there.
    cells: BTreeMap<(Option<L>, Option<L>), Vec<CustomerKey>>,
}

impl<L: Ord + Clone> Transitions<L> {
    /// Takes each customer's label as of an instant and as of a later one. Who has none at one of them is there only at
    /// the other.
    ///
    /// # Errors
    /// `Mismatch` if a customer has two labels at one instant.
    pub fn between(
        before: impl IntoIterator<Item = (CustomerKey, L)>,
        after: impl IntoIterator<Item = (CustomerKey, L)>,
    ) -> Result<Self> {
        let (mut before, mut after) = (by_customer(before)?, by_customer(after)?);
        let mut moves: BTreeMap<CustomerKey, (Option<L>, Option<L>)> = BTreeMap::new();
        while let Some((key, label)) = before.pop_first() {
            let to = after.remove(&key);
            moves.insert(key, (Some(label), to));
        }
        moves.extend(after.into_iter().map(|(key, label)| (key, (None, Some(label)))));
        let mut cells: BTreeMap<_, Vec<CustomerKey>> = BTreeMap::new();
        for (key, cell) in moves {
            cells.entry(cell).or_default().push(key);
        }
        Ok(Self { cells })
    }

    /// Who went from a label to a label, by the bytes of their keys; `None` is not being there.
    pub fn who(&self, from: Option<&L>, to: Option<&L>) -> &[CustomerKey] {
        self.cells.get(&(from.cloned(), to.cloned())).map_or(&[], Vec::as_slice)
    }

    /// How many did.
    pub fn count(&self, from: Option<&L>, to: Option<&L>) -> u64 {
        self.who(from, to).len() as u64
    }

    /// The cells in which somebody is, with their numbers, by from and to.
    pub fn iter(&self) -> impl Iterator<Item = (Option<&L>, Option<&L>, u64)> {
        self.cells.iter().map(|((from, to), who)| (from.as_ref(), to.as_ref(), who.len() as u64))
    }

    /// The percentage of those at a label who went to another, with Wilson's interval; `None` if nobody stood there.
    pub fn share(&self, from: &L, to: &L, confidence: Confidence) -> Option<(f64, Interval)> {
        let total: u64 = self.iter().filter(|(of, _, _)| *of == Some(from)).map(|(_, _, count)| count).sum();
        (total > 0).then(|| interval::share(self.count(Some(from), Some(to)), total, confidence))
    }
}

/// Each customer's label.
///
/// # Errors
/// `Mismatch` if a customer comes twice.
pub(crate) fn by_customer<L>(
    labels: impl IntoIterator<Item = (CustomerKey, L)>,
) -> Result<BTreeMap<CustomerKey, L>> {
    let mut found = BTreeMap::new();
    for (key, label) in labels {
        if found.contains_key(&key) {
            return Err(Error::new(ErrorKind::Mismatch, format_args!("customer {key} comes twice")));
        }
        found.insert(key, label);
    }
    Ok(found)
}

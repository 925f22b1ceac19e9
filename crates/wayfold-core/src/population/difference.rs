//! Where two populations of one log differ, as under two versions of rules.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{Member, Population};
use crate::key::CustomerKey;
use crate::time::Timestamp;
use crate::view::{BehaviourClass, LifecycleStage};

/// Where two populations differ: counts, and who.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PopulationDifference {
    /// As of when.
    pub as_of: Timestamp,
    /// The version of the rules of the one.
    pub rules: String,
    /// The version of the rules of the other.
    pub other_rules: String,
    /// Customers of either.
    pub customers: u64,
    /// Customers whose stage is another, by both stages.
    pub stages: Vec<Moved<LifecycleStage>>,
    /// Customers whose class is another, by both classes.
    pub classes: Vec<Moved<Option<BehaviourClass>>>,
    /// Customers whose money or number of purchases is another.
    pub values: u64,
    /// Customers with another number of journeys won, lost, abandoned or open.
    pub outcomes: u64,
    /// Who differs in any of these, by the bytes of their keys.
    pub members: Vec<MemberDifference>,
}

/// How many customers stand here in one population and there in the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Moved<T> {
    /// In the one.
    pub here: T,
    /// In the other.
    pub there: T,
    /// How many.
    pub customers: u64,
}

/// A customer that differs; `None` where a population does not hold it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MemberDifference {
    /// Who.
    pub key: CustomerKey,
    /// In the one.
    pub here: Option<Member>,
    /// In the other.
    pub there: Option<Member>,
}

impl Population {
    /// Says where another population of the same tenant and instant differs from this one.
    ///
    /// # Panics
    /// If the other is of another tenant or instant.
    pub fn difference(&self, other: &Self) -> PopulationDifference {
        assert!(
            (&self.tenant, self.as_of) == (&other.tenant, other.as_of),
            "only answers to one question can be compared"
        );
        let (mut stages, mut classes) = (BTreeMap::new(), BTreeMap::new());
        let (mut customers, mut values, mut outcomes) = (0, 0, 0);
        let mut members = Vec::new();
        for (key, here, there) in pairs(&self.members, &other.members) {
            customers += 1;
            let (Some(one), Some(two)) = (here, there) else {
                members.push(MemberDifference {
                    key: key.clone(),
                    here: here.cloned(),
                    there: there.cloned(),
                });
                continue;
            };
            let (stage, class) = ((one.lifecycle, two.lifecycle), (one.class, two.class));
            let value = (one.purchases, &one.currencies) != (two.purchases, &two.currencies);
            let outcome = one.outcomes != two.outcomes;
            if stage.0 != stage.1 {
                *stages.entry(stage).or_insert(0) += 1;
            }
            if class.0 != class.1 {
                *classes.entry(class).or_insert(0) += 1;
            }
            values += u64::from(value);
            outcomes += u64::from(outcome);
            if stage.0 != stage.1 || class.0 != class.1 || value || outcome {
                members.push(MemberDifference {
                    key: key.clone(),
                    here: here.cloned(),
                    there: there.cloned(),
                });
            }
        }
        PopulationDifference {
            as_of: self.as_of,
            rules: self.rules.clone(),
            other_rules: other.rules.clone(),
            customers,
            stages: moved(stages),
            classes: moved(classes),
            values,
            outcomes,
            members,
        }
    }
}

fn moved<T>(counts: BTreeMap<(T, T), u64>) -> Vec<Moved<T>> {
    counts.into_iter().map(|((here, there), customers)| Moved { here, there, customers }).collect()
}

/// The members of two lists that are sorted by key, each key once.
fn pairs<'a>(
    here: &'a [Member],
    there: &'a [Member],
) -> impl Iterator<Item = (&'a CustomerKey, Option<&'a Member>, Option<&'a Member>)> {
    let (mut here, mut there) = (here.iter().peekable(), there.iter().peekable());
    std::iter::from_fn(move || {
        let key = match (here.peek(), there.peek()) {
            (Some(one), Some(two)) => (&one.key).min(&two.key),
            (one, two) => &one.or(two)?.key,
        };
        let one = here.next_if(|member| member.key == *key);
        let two = there.next_if(|member| member.key == *key);
        Some((key, one, two))
    })
}

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use wayfold_core::{CustomerKey, FilterVerdict, Fold, Timestamp};

use super::Segment;
use crate::error::{Error, ErrorKind, Result};

/// Who belongs to a segment, kept up to date at the cost of what changes.
///
/// The first update takes all customers of a fold, each further one those with new events. Who is not named is looked at
/// again only when its verdict has run out. The result is that of a new count at every instant.
#[derive(Debug, Clone)]
pub struct Members {
    segment: Segment,
    as_of: Timestamp,
    verdicts: BTreeMap<CustomerKey, FilterVerdict>,
    /// When verdicts run out.
    due: BTreeSet<(Timestamp, CustomerKey)>,
}

/// A customer entered or left a segment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MemberChange {
    /// Who.
    pub customer: CustomerKey,
    /// The name of the segment.
    pub segment: String,
    /// The version of its rule.
    pub version: u32,
    /// The first microsecond at which it holds, if time alone brought it; else the instant of the update that learnt of
    /// new events.
    pub at: Timestamp,
    /// What became of it.
    pub is_member: bool,
}

impl Members {
    /// Begins without a customer.
    pub fn new(segment: Segment) -> Self {
        Self { segment, as_of: Timestamp::MIN, verdicts: BTreeMap::new(), due: BTreeSet::new() }
    }

    /// The segment.
    pub fn segment(&self) -> &Segment {
        &self.segment
    }

    /// Who belongs to it as of the last update, by the bytes of their keys.
    pub fn iter(&self) -> impl Iterator<Item = &CustomerKey> {
        self.verdicts.iter().filter(|(_, verdict)| verdict.holds).map(|(key, _)| key)
    }

    /// Says whether a customer belongs to it as of the last update.
    pub fn contains(&self, customer: &CustomerKey) -> bool {
        self.verdicts.get(customer).is_some_and(|verdict| verdict.holds)
    }

    /// Moves on to an instant: looks at customers with events that the last update did not know, late ones too, and at
    /// those whose verdict has run out. Tells who entered and left, by instant and key.
    ///
    /// # Errors
    /// `Mismatch` if the instant is before that of the last update; `InvalidRule` if the fold cannot answer the rule,
    /// with its reason. Then nothing is changed.
    pub fn update(
        &mut self,
        fold: &Fold,
        with_events: impl IntoIterator<Item = CustomerKey>,
        as_of: Timestamp,
    ) -> Result<Vec<MemberChange>> {
        if as_of < self.as_of {
            let message = format_args!("members stand at {}; they cannot go back to {as_of}", self.as_of);
            return Err(Error::new(ErrorKind::Mismatch, message));
        }
        let with_events: BTreeSet<CustomerKey> = with_events.into_iter().collect();
        let ran_out = self.due.iter().take_while(|(until, _)| *until < as_of);
        let mut asked: Vec<(CustomerKey, Timestamp)> = ran_out
            .filter(|(_, key)| !with_events.contains(key))
            .map(|(until, key)| (key.clone(), until.next()))
            .collect();
        asked.extend(with_events.into_iter().map(|key| (key, as_of)));

        let mut found: BTreeMap<CustomerKey, Option<FilterVerdict>> = BTreeMap::new();
        let mut changes = Vec::new();
        while !asked.is_empty() {
            let questions = asked.iter().map(|(key, at)| (key, *at));
            let verdicts = fold
                .verdicts(self.segment.rule.filter(), questions)
                .map_err(|error| Error::new(ErrorKind::InvalidRule, error))?;
            let mut again = Vec::new();
            for ((key, at), verdict) in asked.into_iter().zip(verdicts) {
                let before = found.get(&key).copied().unwrap_or_else(|| self.verdicts.get(&key).copied());
                let holds = |verdict: Option<FilterVerdict>| verdict.is_some_and(|verdict| verdict.holds);
                if holds(before) != holds(verdict) {
                    changes.push(self.change(&key, at, holds(verdict)));
                }
                let until = verdict.and_then(|verdict| verdict.until).filter(|until| *until < as_of);
                again.extend(until.map(|until| (key.clone(), until.next())));
                found.insert(key, verdict);
            }
            asked = again;
        }
        found.into_iter().for_each(|(key, verdict)| self.put(key, verdict));
        self.as_of = as_of;
        changes.sort_by(|a, b| (a.at, &a.customer).cmp(&(b.at, &b.customer)));
        Ok(changes)
    }

    fn change(&self, customer: &CustomerKey, at: Timestamp, is_member: bool) -> MemberChange {
        let Segment { name, version, .. } = &self.segment;
        MemberChange { customer: customer.clone(), segment: name.clone(), version: *version, at, is_member }
    }

    fn put(&mut self, key: CustomerKey, verdict: Option<FilterVerdict>) {
        if let Some(until) = self.verdicts.get(&key).and_then(|before| before.until) {
            self.due.remove(&(until, key.clone()));
        }
        if let Some(until) = verdict.and_then(|verdict| verdict.until) {
            self.due.insert((until, key.clone()));
        }
        match verdict {
            Some(verdict) => self.verdicts.insert(key, verdict),
            None => self.verdicts.remove(&key),
        };
    }
}

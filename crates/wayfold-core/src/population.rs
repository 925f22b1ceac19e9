//! What the library answers about all customers of a tenant at an instant.

mod difference;
mod named;
mod rfm;

use std::collections::BTreeMap;

use serde::Serialize;

pub use self::difference::{MemberDifference, Moved, PopulationDifference};
pub use self::named::{NamedSegments, Rectangle};
pub use self::rfm::{RfmScores, RfmTable, ScoredCustomer, TieRule};
use crate::currency::Currency;
use crate::error::Result;
use crate::fold::Fold;
use crate::key::{CustomerKey, Tenant};
use crate::money::MoneySum;
use crate::time::Timestamp;
use crate::view::{BehaviourClass, CurrencyValue, CustomerView, LifecycleStage, Outcome};

/// All customers of a tenant at an instant under named rules: counts, totals, scores and orderings.
///
/// Populations of shards of one log merge into the population of the whole, in any order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Population {
    tenant: Tenant,
    as_of: Timestamp,
    rules: String,
    /// By key bytes.
    members: Vec<Member>,
}

/// What a population keeps of one customer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Member {
    /// Who.
    pub key: CustomerKey,
    /// How many events are folded.
    pub events: u64,
    /// How many of them are of kinds that this version does not know.
    pub unknown_events: u64,
    /// When the first of them happened.
    pub first_seen_at: Timestamp,
    /// The stage of the lifecycle.
    pub lifecycle: LifecycleStage,
    /// The behaviour class.
    pub class: Option<BehaviourClass>,
    /// How many journeys stand in each outcome, in the order won, lost, abandoned, open.
    pub outcomes: [u32; 4],
    /// Purchases of any currency.
    pub purchases: u32,
    /// Money by currency.
    pub currencies: Vec<CurrencyValue>,
}

impl Member {
    fn of(view: CustomerView) -> Self {
        let mut outcomes = [0; 4];
        for journey in &view.journeys.journeys {
            outcomes[journey.outcome as usize] += 1;
        }
        Self {
            key: view.key,
            events: view.events,
            unknown_events: view.unknown_events,
            first_seen_at: view.first_seen_at,
            lifecycle: view.lifecycle.stage,
            class: view.segment.class,
            outcomes,
            purchases: view.value.purchases,
            currencies: view.value.currencies,
        }
    }

    /// The customer's money in a currency.
    pub fn value(&self, currency: Currency) -> Option<&CurrencyValue> {
        self.currencies.iter().find(|value| value.currency == currency)
    }
}

/// Counts and sums over a population.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PopulationSummary {
    /// As of when.
    pub as_of: Timestamp,
    /// The version of the rules.
    pub rules: String,
    /// Customers with at least one event.
    pub customers: u64,
    /// Events folded.
    pub events: u64,
    /// How many of them are of kinds that this version does not know.
    pub unknown_events: u64,
    /// Customers by stage of the lifecycle; every stage is listed.
    pub lifecycle: BTreeMap<LifecycleStage, u64>,
    /// Customers by behaviour class; every class is listed.
    pub classes: BTreeMap<BehaviourClass, u64>,
    /// Customers in no class.
    pub unclassified: u64,
    /// Journeys by outcome; every outcome is listed.
    pub outcomes: BTreeMap<Outcome, u64>,
    /// Sums by currency, in the order of the codes.
    pub totals: Vec<CurrencyTotals>,
}

/// Sums of one currency over a population.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CurrencyTotals {
    /// The currency.
    pub currency: Currency,
    /// Customers with a purchase in it.
    pub buyers: u64,
    /// Purchases.
    pub purchases: u64,
    /// Revenue.
    pub revenue: MoneySum,
    /// Refunds that count.
    pub refunds: MoneySum,
    /// Revenue less refunds.
    pub net: MoneySum,
    /// Margin over the customers that have one.
    pub margin: Option<MoneySum>,
}

impl Population {
    /// How many customers it holds.
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// Says whether it holds no customer.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// The instant.
    pub fn as_of(&self) -> Timestamp {
        self.as_of
    }

    /// Its customers, by the bytes of their keys.
    pub fn members(&self) -> &[Member] {
        &self.members
    }

    /// Joins populations of shards of one log, asked about the same tenant, instant and rules.
    ///
    /// # Panics
    /// If the populations do not answer the same question.
    pub fn merge(mut self, other: Self) -> Self {
        let question =
            |population: &Self| (population.tenant.clone(), population.as_of, population.rules.clone());
        assert_eq!(question(&self), question(&other), "only answers to one question can be merged");
        self.members.extend(other.members);
        self.members.sort_by(|a, b| a.key.cmp(&b.key));
        self
    }

    /// Counts and sums.
    pub fn summary(&self) -> PopulationSummary {
        let mut summary = PopulationSummary {
            as_of: self.as_of,
            rules: self.rules.clone(),
            customers: self.members.len() as u64,
            events: self.members.iter().map(|member| member.events).sum(),
            unknown_events: self.members.iter().map(|member| member.unknown_events).sum(),
            lifecycle: LifecycleStage::ALL.iter().map(|stage| (*stage, 0)).collect(),
            classes: BehaviourClass::ALL.iter().map(|class| (*class, 0)).collect(),
            unclassified: 0,
            outcomes: Outcome::ALL.iter().map(|outcome| (*outcome, 0)).collect(),
            totals: self.totals(),
        };
        for member in &self.members {
            *summary.lifecycle.entry(member.lifecycle).or_default() += 1;
            match member.class {
                Some(class) => *summary.classes.entry(class).or_default() += 1,
                None => summary.unclassified += 1,
            }
            for (outcome, count) in Outcome::ALL.iter().zip(member.outcomes) {
                *summary.outcomes.entry(*outcome).or_default() += u64::from(count);
            }
        }
        summary
    }

    fn totals(&self) -> Vec<CurrencyTotals> {
        let mut totals: BTreeMap<Currency, CurrencyTotals> = BTreeMap::new();
        for value in self.members.iter().flat_map(|member| &member.currencies) {
            let currency = value.currency;
            let none = MoneySum::new(0, currency);
            let total = totals.entry(currency).or_insert_with(|| CurrencyTotals {
                currency,
                buyers: 0,
                purchases: 0,
                revenue: none,
                refunds: none,
                net: none,
                margin: None,
            });
            let add = |sum: MoneySum, more: MoneySum| {
                MoneySum::new(sum.as_ten_thousandths() + more.as_ten_thousandths(), currency)
            };
            total.buyers += u64::from(value.purchases > 0);
            total.purchases += u64::from(value.purchases);
            total.revenue = add(total.revenue, value.revenue);
            total.refunds = add(total.refunds, value.refunds);
            total.net = add(total.net, value.net);
            if let Some(margin) = value.margin {
                total.margin = Some(add(total.margin.unwrap_or(none), margin));
            }
        }
        totals.into_values().collect()
    }

    /// Scores the customers with a purchase in a currency; see [`TieRule`].
    pub fn rfm(&self, currency: Currency, ties: TieRule) -> RfmTable {
        rfm::score(&self.members, self.as_of, currency, ties)
    }

    /// The customers with the highest net value in a currency, ties by key bytes; only those with a
    /// purchase in it.
    pub fn top(&self, currency: Currency, count: usize) -> Vec<&Member> {
        let net = |member: &Member| member.value(currency).map_or(0, |value| value.net.as_ten_thousandths());
        let buys = |member: &&Member| member.value(currency).is_some_and(|value| value.purchases > 0);
        let mut buyers: Vec<&Member> = self.members.iter().filter(buys).collect();
        buyers.sort_by_key(|member| std::cmp::Reverse(net(member)));
        buyers.truncate(count);
        buyers
    }
}

impl Fold {
    /// Answers about all customers of a tenant as of an instant at or after the last event folded.
    ///
    /// # Errors
    /// As [`Fold::view`], for the first customer that cannot be answered.
    pub fn population(&self, tenant: &Tenant, as_of: Timestamp) -> Result<Population> {
        self.check_as_of(as_of)?;
        let built_in = self.projections().built_in();
        let mut members = Vec::new();
        for customer in self.sorted(Some(tenant)) {
            self.check_customer(customer, as_of)?;
            members.push(Member::of(self.view_at(customer, as_of, &built_in)));
        }
        let rules = self.projections().rules().version.clone();
        Ok(Population { tenant: tenant.clone(), as_of, rules, members })
    }
}

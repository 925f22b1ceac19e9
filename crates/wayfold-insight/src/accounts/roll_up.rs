use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use wayfold_core::{Amount, Timestamp};

use super::facts::{AccountTotal, Accounts, Fact, What};
use crate::measure::amount;

/// What the people of an account come to together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AccountRow {
    /// The account.
    pub account: String,
    /// How many people belong to it.
    pub members: u64,
    /// How many ever did something for it.
    pub people: u64,
    /// How many purchases they made.
    pub purchases: u64,
    /// What these are worth in the currency that was asked for.
    pub value: Amount,
    /// How many needs are not met by a purchase.
    pub open_needs: u64,
    /// When the first thing happened.
    pub first_seen_at: Timestamp,
    /// When the last one did.
    pub last_seen_at: Timestamp,
}

/// A need of an account, from whoever told of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NeedRow {
    /// The account.
    pub account: String,
    /// The journey in which it was told; `None` outside of any.
    pub journey: Option<String>,
    /// What is needed: the category, or one side of the need.
    pub about: String,
    /// A pain or a wish, as last told.
    pub nature: Option<String>,
    /// When it was first told.
    pub first_at: Timestamp,
    /// How often it was told.
    pub told: u64,
    /// Who told of it, by name.
    pub customers: Vec<String>,
    /// The first solution that was proposed from then on, in the same journey if there is one.
    pub proposed_at: Option<Timestamp>,
    /// The first purchase from then on, likewise.
    pub ordered_at: Option<Timestamp>,
}

/// Who decides in an account, against the roles that a decision takes.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BuyingGroup {
    /// The account.
    pub account: String,
    /// Who belongs to it, by name.
    pub members: Vec<AccountMember>,
    /// The roles that are wanted and that no member has, in the order in which they were asked for.
    pub missing: Vec<String>,
    /// The share of the wanted roles that somebody has; 1 where none is wanted.
    pub completeness: f64,
}

/// A member of a buying group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AccountMember {
    /// Who.
    pub customer: String,
    /// In which roles: those in which it joined, and in which it reached steps of procurement.
    pub roles: Vec<String>,
    /// Since when it belongs to the account.
    pub since: Timestamp,
}

impl Accounts {
    /// Every account, by name.
    pub fn accounts(&self, total: &AccountTotal) -> Vec<AccountRow> {
        let mut open: BTreeMap<String, u64> = BTreeMap::new();
        for need in self.needs(total).into_iter().filter(|need| need.ordered_at.is_none()) {
            *open.entry(need.account).or_default() += 1;
        }
        let row = |(account, facts): (&str, Vec<&Fact>)| {
            let people: BTreeSet<&str> = facts.iter().map(|fact| fact.customer.as_str()).collect();
            let orders = facts.iter().filter_map(|fact| match fact.what {
                What::Ordered(amount) => Some(amount),
                _ => None,
            });
            Some(AccountRow {
                account: account.to_owned(),
                members: members(&facts).len() as u64,
                people: people.len() as u64,
                purchases: orders.clone().count() as u64,
                value: amount(orders.flatten().map(i128::from).sum()),
                open_needs: open.get(account).copied().unwrap_or_default(),
                first_seen_at: facts.first()?.at,
                last_seen_at: facts.iter().filter_map(seen_until).max()?,
            })
        };
        total.by_account().into_iter().filter_map(row).collect()
    }

    /// The ledger of needs: by account, then by when they were first told.
    pub fn needs(&self, total: &AccountTotal) -> Vec<NeedRow> {
        let mut rows = Vec::new();
        for (account, facts) in total.by_account() {
            let mut needs: BTreeMap<(Option<&str>, &str), NeedRow> = BTreeMap::new();
            for fact in &facts {
                let What::Need { about, nature } = &fact.what else { continue };
                let row = needs.entry((fact.journey.as_deref(), about)).or_insert_with(|| NeedRow {
                    account: account.to_owned(),
                    journey: fact.journey.clone(),
                    about: about.clone(),
                    nature: None,
                    first_at: fact.at,
                    told: 0,
                    customers: Vec::new(),
                    proposed_at: first(&facts, fact, |what| *what == What::Proposed),
                    ordered_at: first(&facts, fact, |what| matches!(what, What::Ordered(_))),
                });
                row.told += 1;
                row.nature = nature.clone().or(row.nature.take());
                if let Err(place) = row.customers.binary_search(&fact.customer) {
                    row.customers.insert(place, fact.customer.clone());
                }
            }
            let mut needs: Vec<_> = needs.into_values().collect();
            needs.sort_by_key(|need| need.first_at);
            rows.extend(needs);
        }
        rows
    }

    /// The buying group of each account, by name, against the roles that are wanted.
    pub fn buying_groups(&self, total: &AccountTotal, wanted: &[&str]) -> Vec<BuyingGroup> {
        let group = |(account, facts): (&str, Vec<&Fact>)| {
            let members = members(&facts);
            let has =
                |role: &&&str| members.iter().any(|member| member.roles.iter().any(|known| known == *role));
            let missing: Vec<String> =
                wanted.iter().filter(|role| !has(role)).map(|role| (*role).to_owned()).collect();
            let completeness = match wanted.len() {
                0 => 1.0,
                all => (all - missing.len()) as f64 / all as f64,
            };
            BuyingGroup { account: account.to_owned(), members, missing, completeness }
        };
        total.by_account().into_iter().map(group).collect()
    }
}

fn seen_until(fact: &&Fact) -> Option<Timestamp> {
    match fact.what {
        What::Seen { until } => Some(until),
        _ => None,
    }
}

/// When something first happened from a need on, in the same journey if it has one.
fn first(facts: &[&Fact], need: &Fact, is: impl Fn(&What) -> bool) -> Option<Timestamp> {
    let same = |fact: &&&Fact| need.journey.is_none() || fact.journey == need.journey;
    let found = facts.iter().filter(same).find(|fact| fact.at >= need.at && is(&fact.what));
    found.map(|fact| fact.at)
}

/// Who belongs to an account, by name.
fn members(facts: &[&Fact]) -> Vec<AccountMember> {
    let mut members: BTreeMap<&str, (Timestamp, BTreeSet<&str>)> = BTreeMap::new();
    for fact in facts {
        if let What::Joined { left_at: None, role } = &fact.what {
            let member = members.entry(&fact.customer).or_insert((fact.at, BTreeSet::new()));
            member.1.extend(role.as_deref());
        }
    }
    for fact in facts {
        if let (What::Step { role: Some(role), .. }, Some(member)) =
            (&fact.what, members.get_mut(fact.customer.as_str()))
        {
            member.1.insert(role);
        }
    }
    let member = |(customer, (since, roles)): (&str, (Timestamp, BTreeSet<&str>))| AccountMember {
        customer: customer.to_owned(),
        roles: roles.into_iter().map(str::to_owned).collect(),
        since,
    };
    members.into_iter().map(member).collect()
}

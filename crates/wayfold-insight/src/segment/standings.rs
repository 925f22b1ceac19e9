//! Rankings evaluated: who belongs as of each instant of their schedule.

use std::collections::{BTreeMap, BTreeSet};

use wayfold_core::{
    Currency, CurrencyValue, CustomerId, CustomerKey, CustomerList, FieldReader, FieldValue, Fold, History,
    ListEdition, ProjectionSet, Tenant, Timestamp,
};

use super::ranking::{RankRule, Ranked, RfmPart};
use crate::error::{Error, ErrorKind, Result};
use crate::measure::{Measure, Tally};

/// Measures where customers stand among all of their tenant at the instants of a ranking's schedule, for a list of who
/// belongs from each of them on.
///
/// What a customer did up to an instant counts for it, whenever it became known: kept up with the log, a late event moves who
/// belonged. The total keeps a record for each instant and customer with a value.
///
/// ```
/// use wayfold_core::{
///     CustomerKey, EventBatch, EventId, JourneyEvent, ProductViewed, ProjectionSet, Rules, Shard, Timestamp,
///     for_each_history,
/// };
/// use wayfold_insight::{Measure, Rule, Standings};
///
/// let view = |id, name, at: &str| {
///     let at = Timestamp::parse(at)?;
///     Ok::<_, wayfold_core::Error>(JourneyEvent::new(EventId::from_u128(id), CustomerKey::new(name)?, at, ProductViewed {}))
/// };
/// let events = [view(1, "ada", "2024-01-20")?, view(2, "ada", "2024-01-21")?, view(3, "bob", "2024-01-30")?];
///
/// let rule: Rule = "events in top 50% each month".parse()?;
/// let mut projections = ProjectionSet::new(Rules::default())?;
/// let (from, to) = (Timestamp::parse("2024-01-15")?, Timestamp::parse("2024-02-10")?);
/// let standings = Standings::new(&rule.rankings()[0], &projections, from, to)?;
/// let mut total = Default::default();
/// for_each_history(&[EventBatch::from_events(&events)?], Shard::ALL, Timestamp::MAX, |history| {
///     standings.add(history, 1, &mut total);
/// });
///
/// // As of 1 February, and from then on; nobody was there on 1 January.
/// let list = standings.list(&total)?;
/// assert!(list.contains(&CustomerKey::new("ada")?, to) && !list.contains(&CustomerKey::new("bob")?, to));
/// assert!(!list.contains(&CustomerKey::new("ada")?, Timestamp::parse("2024-01-31")?));
/// assert_eq!(list.editions().last().unwrap().origin, "1 of 2 customers with a value");
///
/// // Now a filter can ask for it.
/// projections.put_list(list);
/// assert!(rule.register(&mut projections).is_ok());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Standings {
    ranking: RankRule,
    reader: Reader,
    instants: Vec<Timestamp>,
    rules: String,
}

#[derive(Debug, Clone)]
enum Reader {
    Field(FieldReader),
    Rfm(ProjectionSet, RfmPart, Currency),
}

/// Where customers stand.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StandingsTotal {
    placed: Tally<Placed>,
    /// Customers of whom a field could not be read, and why.
    failed: Tally<(CustomerKey, String)>,
}

/// In the order in which customers of a tenant stand at an instant.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Placed {
    tenant: Tenant,
    at: Timestamp,
    value: Value,
    customer: CustomerId,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Value {
    Field(FieldValue),
    Number(i128),
}

impl Standings {
    /// Takes a ranking, the projections of which its field is read, and the time in which it is asked: it is evaluated at
    /// the last scheduled instant up to its begin, and at all that follow.
    ///
    /// # Errors
    /// `InvalidRule` if there is no such field, or it has no order; `InvalidParameter` if there are too many instants.
    pub fn new(
        ranking: &RankRule,
        projections: &ProjectionSet,
        from: impl Into<Timestamp>,
        to: impl Into<Timestamp>,
    ) -> Result<Self> {
        let reader = match &ranking.what {
            Ranked::Top(field, _) | Ranked::Bottom(field, _) | Ranked::Score(field, _) => {
                let reader = FieldReader::new(projections, field);
                Reader::Field(reader.map_err(|error| Error::new(ErrorKind::InvalidRule, error))?)
            }
            Ranked::Rfm(part, currency, _) => Reader::Rfm(projections.clone(), *part, *currency),
        };
        let instants = ranking.schedule().instants(from.into(), to.into())?;
        Ok(Self { ranking: ranking.clone(), reader, instants, rules: projections.rules().version.clone() })
    }

    /// Who belongs from each instant on, under the name that rules ask for. Editions are named after the version of the
    /// thresholds.
    ///
    /// # Errors
    /// `InvalidRule` if the field could not be read of a customer, the first by key, or holds values that do not compare,
    /// such as money of two currencies.
    pub fn list(&self, total: &StandingsTotal) -> Result<CustomerList> {
        if let Some((_, why)) = total.failed.iter().next() {
            return Err(Error::new(ErrorKind::InvalidRule, why));
        }
        let mut standing: BTreeMap<(&Tenant, Timestamp), Vec<&Placed>> = BTreeMap::new();
        for placed in total.placed.iter() {
            standing.entry((&placed.tenant, placed.at)).or_default().push(placed);
        }
        let tenants: BTreeSet<&Tenant> = standing.keys().map(|(tenant, _)| *tenant).collect();
        let list = CustomerList::new(self.ranking.as_str());
        let mut list = list.map_err(|error| Error::new(ErrorKind::InvalidRule, error))?;
        for (tenant, at) in
            tenants.into_iter().flat_map(|tenant| self.instants.iter().map(move |at| (tenant, *at)))
        {
            let placed = standing.get(&(tenant, at)).map_or(&[][..], Vec::as_slice);
            self.check(placed)?;
            let customers = self.members(placed);
            list.put(ListEdition {
                tenant: tenant.clone(),
                at,
                version: self.rules.clone(),
                origin: format!("{} of {} customers with a value", customers.len(), placed.len()),
                customers,
            });
        }
        Ok(list)
    }

    fn check(&self, placed: &[&Placed]) -> Result<()> {
        let differ = |pair: &&[&Placed]| match (&pair[0].value, &pair[1].value) {
            (Value::Field(one), Value::Field(other)) => !one.compares_with(other),
            _ => false,
        };
        let Some(pair) = placed.windows(2).find(differ) else { return Ok(()) };
        let (one, other) = (&pair[0].customer, &pair[1].customer);
        let message =
            format_args!("{}: the values of customers {one} and {other} do not compare", self.ranking);
        Err(Error::new(ErrorKind::InvalidRule, message))
    }

    /// Who belongs, of customers in their order.
    fn members(&self, placed: &[&Placed]) -> BTreeSet<CustomerId> {
        let all = placed.len() as u64;
        let mut behind = 0;
        let mut members = BTreeSet::new();
        for equals in placed.chunk_by(|one, next| one.value == next.value) {
            let ahead = all - behind - equals.len() as u64;
            if self.ranking.holds(behind, ahead, all) {
                members.extend(equals.iter().map(|placed| placed.customer.clone()));
            }
            behind += equals.len() as u64;
        }
        members
    }

    fn value(&self, history: &History<'_>, at: Timestamp) -> wayfold_core::Result<Option<Value>> {
        let (projections, part, currency) = match &self.reader {
            Reader::Field(reader) => return Ok(reader.read(history, at)?.map(Value::Field)),
            Reader::Rfm(projections, part, currency) => (projections, *part, *currency),
        };
        let known = history.until(at);
        if known.events().is_empty() {
            return Ok(None);
        }
        let fold = Fold::of_history(projections, &known);
        let view = fold.view(&fold.customers()[0], at)?;
        let mut values = view.into_iter().flat_map(|view| view.value.currencies);
        let bought = values.find(|value| value.currency == currency && value.purchases > 0);
        Ok(bought.and_then(|value| part.of(&value, at)).map(Value::Number))
    }
}

impl RfmPart {
    /// The value, of which more is better.
    fn of(self, value: &CurrencyValue, at: Timestamp) -> Option<i128> {
        Some(match self {
            Self::Recency => -i128::from(at.since(value.last_purchase_at?).whole_days()),
            Self::Frequency => value.purchases.into(),
            Self::Monetary => value.net.as_ten_thousandths(),
        })
    }
}

impl Measure for Standings {
    type Total = StandingsTotal;

    fn add(&self, history: &History<'_>, times: i64, total: &mut StandingsTotal) {
        let (tenant, customer) = history.customer();
        let Ok(key) = CustomerKey::in_tenant(tenant, customer) else { return };
        for at in &self.instants {
            match self.value(history, *at) {
                Ok(Some(value)) => {
                    let CustomerKey { tenant, customer } = key.clone();
                    total.placed.add(Placed { tenant, at: *at, value, customer }, times);
                }
                Ok(None) => {}
                Err(error) => total.failed.add((key.clone(), error.to_string()), times),
            }
        }
    }

    fn merge(&self, total: &mut StandingsTotal, other: StandingsTotal) {
        total.placed.merge(other.placed);
        total.failed.merge(other.failed);
    }
}

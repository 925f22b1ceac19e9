//! Lists of customers: who belongs by somebody's word, or by an answer about all customers, from an instant on.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind, Result};
use crate::key::{CustomerId, CustomerKey, Tenant};
use crate::time::Timestamp;

/// What the names of fields begin with that ask for a list.
pub(crate) const LISTED: &str = "in list ";

/// Customers under a name, for filters that ask for the field `in list NAME`, which is true or false of every customer.
///
/// A list has editions. Each stands from its instant until that of the same tenant's next one, and nobody is listed
/// before the first: so a list says of every instant, also of past ones, who was on it then.
///
/// ```
/// use wayfold_core::{CustomerId, CustomerKey, CustomerList, ListEdition, Tenant, Timestamp};
///
/// let (at, tenant) = (Timestamp::parse("2024-02-01")?, Tenant::default());
/// let (version, origin) = ("1".to_owned(), "chosen by sales".to_owned());
/// let customers = [CustomerId::new("ada")?].into();
/// let vip = CustomerList::new("vip-2024")?.with(ListEdition { tenant, at, version, origin, customers });
///
/// let ada = CustomerKey::new("ada")?;
/// assert!(vip.contains(&ada, at) && !vip.contains(&ada, at.previous()));
/// let json = r#"{"name":"vip-2024","editions":[{"at":"2024-02-01T00:00:00Z","version":"1",
///     "origin":"chosen by sales","customers":["ada"]}]}"#;
/// assert_eq!(serde_json::from_str::<CustomerList>(json).unwrap(), vip);
/// # Ok::<(), wayfold_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "StoredList", into = "StoredList")]
pub struct CustomerList {
    name: String,
    editions: BTreeMap<(Tenant, Timestamp), ListEdition>,
}

/// Who is listed from an instant on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListEdition {
    /// Whose customers.
    #[serde(default, skip_serializing_if = "Tenant::is_default")]
    pub tenant: Tenant,
    /// From when on.
    pub at: Timestamp,
    /// Names this edition.
    pub version: String,
    /// Where it comes from, in words.
    pub origin: String,
    /// Who; every other customer of the tenant is not listed.
    pub customers: BTreeSet<CustomerId>,
}

impl CustomerList {
    /// Takes a name, and nobody yet.
    ///
    /// # Errors
    /// `InvalidName` if it is empty, has a space at an end, or a line end in it.
    pub fn new(name: impl Into<String>) -> Result<Self> {
        let name = name.into();
        if name.is_empty() || name.trim() != name || name.contains(['\n', '\r']) {
            let message =
                format_args!("{name:?} names no list; write some text in one line, without spaces around it");
            return Err(Error::new(ErrorKind::InvalidName, message));
        }
        Ok(Self { name, editions: BTreeMap::new() })
    }

    /// Adds an edition; one of the same tenant and instant takes the place of the one that is there.
    pub fn with(mut self, edition: ListEdition) -> Self {
        self.put(edition);
        self
    }

    /// As [`CustomerList::with`].
    pub fn put(&mut self, edition: ListEdition) {
        self.editions.insert((edition.tenant.clone(), edition.at), edition);
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The editions, by tenant and instant.
    pub fn editions(&self) -> impl Iterator<Item = &ListEdition> {
        self.editions.values()
    }

    /// The edition of a tenant that stands at an instant.
    pub fn edition(&self, tenant: &Tenant, as_of: Timestamp) -> Option<&ListEdition> {
        let known = (tenant.clone(), Timestamp::MIN)..=(tenant.clone(), as_of);
        self.editions.range(known).next_back().map(|(_, edition)| edition)
    }

    /// Says whether a customer is listed at an instant.
    pub fn contains(&self, customer: &CustomerKey, as_of: Timestamp) -> bool {
        let edition = self.edition(&customer.tenant, as_of);
        edition.is_some_and(|edition| edition.customers.contains(&customer.customer))
    }

    /// Whose standing an exchange of this list for another one changes at an instant or later, by the bytes of their keys:
    /// those to look at again where memberships are kept.
    ///
    /// ```
    /// use wayfold_core::{CustomerId, CustomerList, ListEdition, Tenant, Timestamp};
    ///
    /// let list = |name: &str| {
    ///     let (tenant, at) = (Tenant::default(), Timestamp::parse("2024-02-01")?);
    ///     let customers = [CustomerId::new("ada")?, CustomerId::new(name)?].into();
    ///     let edition = ListEdition { tenant, at, version: "1".to_owned(), origin: "sales".to_owned(), customers };
    ///     Ok::<_, wayfold_core::Error>(CustomerList::new("vip")?.with(edition))
    /// };
    /// let changed = list("bob")?.changed(&list("eve")?, Timestamp::parse("2024-03-01")?);
    /// assert_eq!(changed.iter().map(ToString::to_string).collect::<Vec<_>>(), ["bob", "eve"]);
    /// # Ok::<(), wayfold_core::Error>(())
    /// ```
    pub fn changed(&self, other: &Self, from: Timestamp) -> BTreeSet<CustomerKey> {
        let keys = self.editions.keys().chain(other.editions.keys());
        let mut asked: BTreeSet<(Tenant, Timestamp)> = keys.cloned().collect();
        asked.extend(asked.clone().into_iter().map(|(tenant, _)| (tenant, from)));
        let nobody = BTreeSet::new();
        let mut changed = BTreeSet::new();
        for (tenant, at) in asked.into_iter().filter(|(_, at)| *at >= from) {
            let (own, others) = (self.edition(&tenant, at), other.edition(&tenant, at));
            let own = own.map_or(&nobody, |edition| &edition.customers);
            let others = others.map_or(&nobody, |edition| &edition.customers);
            let key =
                |customer: &CustomerId| CustomerKey { tenant: tenant.clone(), customer: customer.clone() };
            changed.extend(own.symmetric_difference(others).map(key));
        }
        changed
    }

    /// The last microsecond up to which the edition stands that does at an instant; `None` for ever.
    pub(crate) fn holds_until(&self, tenant: &Tenant, as_of: Timestamp) -> Option<Timestamp> {
        let later = (tenant.clone(), as_of.next())..=(tenant.clone(), Timestamp::MAX);
        let next = self.editions.range(later).next()?.1.at;
        (next > as_of).then(|| next.previous())
    }
}

/// A list as it is written.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredList {
    name: String,
    editions: Vec<ListEdition>,
}

impl TryFrom<StoredList> for CustomerList {
    type Error = Error;

    fn try_from(StoredList { name, editions }: StoredList) -> Result<Self> {
        let mut list = Self::new(name)?;
        for edition in editions {
            if list.editions.contains_key(&(edition.tenant.clone(), edition.at)) {
                let message = format_args!("list {:?} has two editions from {} on", list.name, edition.at);
                return Err(Error::new(ErrorKind::InvalidName, message));
            }
            list.put(edition);
        }
        Ok(list)
    }
}

impl From<CustomerList> for StoredList {
    fn from(list: CustomerList) -> Self {
        Self { name: list.name, editions: list.editions.into_values().collect() }
    }
}

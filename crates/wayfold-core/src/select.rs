//! Which customers of a tenant match a filter, in an order, a page at a time.

mod condition;
mod cursor;
mod document;
mod filter;
mod judge;
mod operand;
mod page;
mod question;
mod rank;
mod reader;
mod sample;
mod verdict;

use serde::{Deserialize, Serialize};

pub use self::cursor::Cursor;
pub use self::filter::{FILTER_DEPTH_MAX, FILTER_NODES_MAX, FieldFilter, FieldTest, Filter, FilteredField};
pub(crate) use self::judge::PreparedFilter;
pub use self::judge::{FilterJudge, Spell};
pub use self::operand::Operand;
pub use self::page::Page;
use self::page::{Asked, Best, Candidate};
use self::question::Question;
pub use self::reader::{FieldReader, FieldValue};
pub use self::verdict::FilterVerdict;
use crate::error::{Error, Result};
use crate::fold::Fold;
use crate::key::{CustomerKey, Tenant, spread};
use crate::projection::ProjectionSet;
use crate::time::Timestamp;

/// A question about customers: who, in which order, how many, behind which page.
///
/// ```
/// use wayfold_core::{
///     CustomerKey, EventBatch, EventId, Filter, Fold, JourneyEvent, Order, ProjectionSet, Registered, Rules,
///     Selection, Tenant, Timestamp,
/// };
///
/// let at = Timestamp::parse("2024-01-01")?;
/// let event = |id, name| {
///     Ok::<_, wayfold_core::Error>(JourneyEvent::new(EventId::from_u128(id), CustomerKey::new(name)?, at, Registered {}))
/// };
/// let mut fold = Fold::new(&ProjectionSet::new(Rules::default())?);
/// let _ = fold.apply(&[EventBatch::from_events(&[event(1, "ada")?, event(2, "bob")?, event(3, "eve")?])?]);
///
/// let prospects = Filter::field("lifecycle.stage").is("prospect");
/// let selection = Selection::new(prospects).with_order(Order::descending("key.customer")).with_limit(2);
/// let page = fold.select(&Tenant::default(), at, &selection)?;
/// let names: Vec<_> = page.customers().map(|view| view.key.to_string()).collect();
/// assert_eq!((names, page.matching()), (vec!["eve".to_owned(), "bob".to_owned()], 3));
///
/// let rest = selection.with_after(page.next().expect("one customer is left"));
/// assert_eq!(fold.select(&Tenant::default(), at, &rest)?.customers().len(), 1);
/// # Ok::<(), wayfold_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Selection {
    /// Who. Default: every customer with an event folded.
    pub filter: Filter,
    /// In which order. Default: by the bytes of their keys.
    pub order: Order,
    /// How many on a page. Default 100; 0 counts and shows none.
    pub limit: usize,
    /// Behind which page. Default: at the start.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<Cursor>,
}

impl Default for Selection {
    fn default() -> Self {
        Self { filter: Filter::default(), order: Order::default(), limit: 100, after: None }
    }
}

impl Selection {
    /// Selects by a filter, and has defaults for all else.
    pub fn new(filter: Filter) -> Self {
        Self { filter, ..Self::default() }
    }

    /// Sets the order.
    pub fn with_order(mut self, order: Order) -> Self {
        self.order = order;
        self
    }

    /// Sets how many customers a page holds.
    pub fn with_limit(mut self, limit: usize) -> Self {
        self.limit = limit;
        self
    }

    /// Begins behind a page; see [`Page::next`].
    pub fn with_after(mut self, after: Cursor) -> Self {
        self.after = Some(after);
        self
    }

    /// Checks filter and order before any customer is known, as far as that can be done.
    ///
    /// # Errors
    /// `InvalidSelection` if a field does not exist or cannot be compared with what is given; `LimitExceeded` if
    /// the filter is too deep or too large. Views of one's own are looked into when customers have some.
    pub fn validate(&self, projections: &ProjectionSet) -> Result<()> {
        Question::new(self, projections).map(|_| ())
    }

    /// A number for tenant, filter and order: a cursor goes with all questions that have it.
    fn question(&self, tenant: &Tenant) -> u64 {
        let filter = serde_json::to_vec(&self.filter).expect("a filter is written as JSON");
        let direction = [self.order.direction as u8];
        spread(&[tenant.as_str().as_bytes(), &filter, self.order.field.as_bytes(), &direction])
    }
}

/// By which field customers are ordered.
///
/// Customers with equal values stand by the bytes of their keys, ascending; those without a value stand last in
/// both directions. Values of different types stand type by type: booleans, numbers, money by currency and amount,
/// instants, texts by their bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Order {
    /// The field, named as in a [`Filter`], without `[*]`. Default `key.customer`.
    pub field: String,
    /// Which end comes first. Default `ascending`.
    pub direction: OrderDirection,
}

/// Which end of an order comes first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrderDirection {
    /// The least, or earliest.
    #[default]
    Ascending,
    /// The most, or latest.
    Descending,
}

impl Default for Order {
    fn default() -> Self {
        Self::ascending("key.customer")
    }
}

impl Order {
    /// Puts the least value first.
    pub fn ascending(field: impl Into<String>) -> Self {
        Self { field: field.into(), direction: OrderDirection::Ascending }
    }

    /// Puts the highest value first.
    pub fn descending(field: impl Into<String>) -> Self {
        Self { field: field.into(), direction: OrderDirection::Descending }
    }
}

impl Fold {
    /// Selects customers of a tenant as of an instant at or after the last event folded.
    ///
    /// # Behavior
    /// - The cursor of a page goes with the same tenant, filter and order; instant and limit may be others.
    /// - Each customer of the tenant is looked at, by the projections that filter and order name; the whole view
    ///   is made for those on the page.
    /// - The folds of several shards are asked the same, and their pages are merged by [`Page::merge`].
    ///
    /// # Errors
    /// As [`Selection::validate`], and `InvalidSelection` if a customer's view does not have a field or holds what
    /// cannot be compared; `InvalidCursor` for the cursor of another question; as [`Fold::view`], for the first
    /// customer that cannot be answered.
    pub fn select(&self, tenant: &Tenant, as_of: Timestamp, selection: &Selection) -> Result<Page> {
        self.check_as_of(as_of)?;
        let built_in = self.projections().built_in();
        let question = Question::new(selection, self.projections())?;
        let number = selection.question(tenant);
        let after = selection.after.as_ref().map(|cursor| cursor.last(number)).transpose()?;
        let (mut matching, mut ahead) = (0, 0);
        let mut best = Best::new(selection.limit);
        let mut failed: Option<(CustomerKey, Error)> = None;
        for customer in self.of_tenant(Some(tenant)) {
            let asked = self.check_customer(customer, as_of).and_then(|()| {
                let at = |error: Error| error.at(format_args!("customer {}", self.key(customer)));
                question.ask(self, customer, as_of).map_err(at)
            });
            match asked {
                Ok(None) => {}
                Ok(Some(rank)) => {
                    matching += 1;
                    if after.is_none_or(|after| rank > *after) {
                        ahead += 1;
                        best.offer(Candidate { rank, customer });
                    }
                }
                Err(error) => {
                    // Customers come in no order, and the answer is that of the first one.
                    let key = self.key(customer);
                    if failed.as_ref().is_none_or(|(first, _)| key < *first) {
                        failed = Some((key, error));
                    }
                }
            }
        }
        if let Some((_, error)) = failed {
            return Err(error);
        }
        let view = |customer| self.view_at(customer, as_of, &built_in);
        let entry = |candidate: Candidate| (candidate.rank, view(candidate.customer));
        let asked = Asked {
            question: number,
            tenant: tenant.clone(),
            as_of,
            rules: self.projections().rules().version.clone(),
            limit: selection.limit,
            after: selection.after.clone(),
        };
        Ok(Page { asked, entries: best.into_sorted().into_iter().map(entry).collect(), matching, ahead })
    }
}

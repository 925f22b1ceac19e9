//! What specifications of e-commerce events have in common: a customer, money, products, and the body that comes of them.

use std::collections::BTreeSet;

use wayfold_core::bodies::{Custom, OrderCancelled, OrderPlaced, Refunded};
use wayfold_core::{
    Amount, Currency, CustomKind, CustomerKey, EventBody, Money, OrderLine, Rounding, Stage, Tag,
};

use super::ForeignSpec;
use crate::error::Problem;
use crate::members::{Members, fault, missing};
use crate::row::Fault;

/// What happened, as far as the name of an event tells.
pub(super) struct Made {
    pub(super) body: EventBody,
    /// The stage that a neutral event names.
    pub(super) stage: Option<Stage>,
    pub(super) tags: BTreeSet<Tag>,
}

impl Made {
    pub(super) fn new(body: impl Into<EventBody>) -> Self {
        Self { body: body.into(), stage: None, tags: BTreeSet::new() }
    }

    /// An event of a kind that is not ours, at a stage or neutral.
    pub(super) fn custom(name: &str, stage: Option<Stage>) -> Result<Self, Fault> {
        let kind = CustomKind::new(name).map_err(|error| Fault::core(None, name, &error))?;
        Ok(Self::new(Custom { name: kind, stage, amount: None }))
    }

    pub(super) fn at(mut self, stage: Stage) -> Self {
        self.stage = Some(stage);
        self
    }

    pub(super) fn with_tag(mut self, object: &str, id: Option<&str>) -> Result<Self, Fault> {
        if let Some(id) = id {
            self.tags.insert(Tag::new(object, id).map_err(|error| Fault::core(None, id, &error))?);
        }
        Ok(self)
    }
}

/// How the members of a product are called.
pub(super) struct ProductNames {
    /// The first that is there.
    pub(super) ids: &'static [&'static str],
    pub(super) rounding: Option<Rounding>,
}

/// The lines of an order: a product that states no quantity is one unit.
pub(super) fn lines(products: Vec<Members<'_>>, names: &ProductNames) -> Result<Vec<OrderLine>, Fault> {
    let line = |mut product: Members<'_>| {
        let id = product.first(names.ids)?.ok_or_else(|| missing(names.ids[0]))?;
        let quantity = product.integer("quantity")?.unwrap_or(1);
        let paid = product.amount("price", names.rounding)?;
        Ok(OrderLine { product: id, quantity, list: None, paid, cost: None })
    };
    products.into_iter().map(line).collect()
}

/// The currency that is stated, or the one of amounts that state none.
pub(super) fn currency(stated: Option<&str>, spec: &ForeignSpec) -> Result<Currency, Fault> {
    match stated {
        Some(code) => Currency::new(code).map_err(|error| fault(Problem::Money, "currency", code, &error)),
        None => spec.currency.ok_or_else(|| missing("currency")),
    }
}

/// An order that is placed, named by its tag.
pub(super) fn order_placed(order: &str, amount: Money, lines: Vec<OrderLine>) -> Result<Made, Fault> {
    Made::new(OrderPlaced { lines, amount, promised_at: None }).with_tag("order", Some(order))
}

/// Money given back for an order; all of it, so that the order falls, where no amount is stated.
pub(super) fn refund(order: &str, amount: Option<Money>) -> Result<Made, Fault> {
    match amount {
        Some(amount) => Made::new(Refunded { amount, reason: None }),
        None => Made::new(OrderCancelled { reason: Some("refunded in full".to_owned()) }),
    }
    .with_tag("order", Some(order))
}

/// An amount in the currency that is stated beside it.
pub(super) fn money(
    amount: Option<Amount>,
    stated: Option<&str>,
    spec: &ForeignSpec,
) -> Result<Option<Money>, Fault> {
    amount.map(|amount| currency(stated, spec).map(|currency| Money::new(amount, currency))).transpose()
}

/// The customer: a user, or else a visitor without a name, who is told apart by the prefix.
pub(super) fn customer(user: Option<String>, visitor: Option<String>) -> Result<CustomerKey, Fault> {
    let name = user.or_else(|| visitor.map(|visitor| format!("anonymous:{visitor}")));
    let name = name.ok_or_else(|| {
        Fault::new(Problem::MissingValue, "it names neither a user nor an anonymous visitor")
    })?;
    CustomerKey::new(&name).map_err(|error| Fault::core(None, &name, &error))
}

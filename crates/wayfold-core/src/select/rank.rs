//! Where a customer stands in the order of a question.

use serde::{Deserialize, Serialize};

use super::OrderDirection;
use crate::currency::Currency;
use crate::field::{Exact, Tree};
use crate::key::CustomerId;
use crate::time::Timestamp;

/// The place of a customer: the field's value, then the customer's key by its bytes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Rank {
    value: Sorted,
    customer: CustomerId,
}

/// A value in one of the two directions; what has none stands last in both.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Sorted {
    Ascending(Value),
    Descending(std::cmp::Reverse<Value>),
    Missing,
}

/// A value that has an order; values of different types stand type by type.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Value {
    Boolean(bool),
    Number(Exact),
    Money(Currency, Exact),
    Instant(Timestamp),
    Text(String),
}

impl Rank {
    /// Takes what the field of the order holds; `None` for what has no order.
    pub(super) fn new(value: Option<&Tree>, direction: OrderDirection, customer: CustomerId) -> Option<Self> {
        let value = match (value, direction) {
            (None, _) => Sorted::Missing,
            (Some(tree), OrderDirection::Ascending) => Sorted::Ascending(Value::of(tree)?),
            (Some(tree), OrderDirection::Descending) => {
                Sorted::Descending(std::cmp::Reverse(Value::of(tree)?))
            }
        };
        Some(Self { value, customer })
    }
}

impl Value {
    /// `None` for what has no order.
    pub(super) fn of(tree: &Tree) -> Option<Self> {
        Some(match tree {
            Tree::Boolean(value) => Self::Boolean(*value),
            Tree::Integer(_) | Tree::Decimal(_) => Self::Number(tree.number()?),
            Tree::Instant(text) => Self::Instant(Timestamp::parse(text).ok()?),
            Tree::Text(text) => {
                Timestamp::parse(text).map_or_else(|_| Self::Text(text.clone()), Self::Instant)
            }
            Tree::Name(text) => Self::Text(text.clone()),
            money => {
                let (currency, amount) = money.money()?;
                Self::Money(currency, amount)
            }
        })
    }
}

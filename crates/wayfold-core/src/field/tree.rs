//! A view as a tree of named values.

use crate::currency::Currency;

use super::Exact;
use crate::time::Timestamp;

/// What serde tells of a view: unlike in JSON, a record, whose fields are fixed, is no map, whose keys come and
/// go, and an instant or a decimal number of ours is no text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Tree {
    Null,
    Boolean(bool),
    Integer(i128),
    /// The text of an [`Amount`](crate::Amount) or a float.
    Decimal(String),
    /// The text of a [`Timestamp`](crate::Timestamp).
    Instant(String),
    Text(String),
    /// A text that is never taken for anything else, whatever it looks like.
    Name(String),
    List(Vec<Self>),
    Record(Vec<(&'static str, Self)>),
    Map(Vec<(String, Self)>),
}

impl Tree {
    /// A member of a record or map.
    pub(crate) fn member(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Record(members) => {
                members.iter().rev().find(|(known, _)| *known == name).map(|(_, member)| member)
            }
            Self::Map(members) => {
                members.iter().rev().find(|(known, _)| known == name).map(|(_, member)| member)
            }
            _ => None,
        }
    }

    /// The text of a text or instant.
    pub(crate) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) | Self::Name(text) | Self::Instant(text) => Some(text),
            _ => None,
        }
    }

    /// The texts of amount and currency, if it has the shape of money.
    pub(crate) fn money_texts(&self) -> Option<(&str, &str)> {
        let (Self::Record(_) | Self::Map(_)) = self else { return None };
        if self.len() != 2 {
            return None;
        }
        let (Self::Text(amount) | Self::Decimal(amount)) = self.member("amount")? else { return None };
        Some((amount, self.member("currency")?.text()?))
    }

    /// The money that it is.
    pub(crate) fn money(&self) -> Option<(Currency, Exact)> {
        let (amount, currency) = self.money_texts()?;
        Some((Currency::new(currency).ok()?, Exact::parse(amount)?))
    }

    /// The number that it is.
    pub(crate) fn number(&self) -> Option<Exact> {
        match self {
            Self::Integer(number) => Some(Exact::from(*number)),
            Self::Decimal(text) => Exact::parse(text),
            _ => None,
        }
    }

    /// The instant that it is; one of a user's own may be plain text.
    pub(crate) fn instant(&self) -> Option<Timestamp> {
        match self {
            Self::Instant(text) | Self::Text(text) => Timestamp::parse(text).ok(),
            _ => None,
        }
    }

    /// A text as it is, money as amount and currency, nothing for null and for what has no members, anything else
    /// as JSON.
    pub(crate) fn to_text(&self) -> Option<String> {
        match self {
            Self::Text(text) | Self::Name(text) | Self::Instant(text) | Self::Decimal(text) => {
                Some(text.clone())
            }
            Self::Boolean(value) => Some(value.to_string()),
            Self::Integer(number) => Some(number.to_string()),
            money => money.money_texts().map(|(amount, currency)| format!("{amount} {currency}")),
        }
    }

    /// What it is, with its article.
    pub(crate) fn what(&self) -> &'static str {
        match self {
            Self::Null => "nothing",
            Self::Boolean(_) => "a boolean",
            Self::Integer(_) | Self::Decimal(_) => "a number",
            Self::Instant(_) => "an instant",
            Self::Text(_) | Self::Name(_) => "a text",
            Self::List(_) => "a list",
            Self::Record(_) | Self::Map(_) if self.money_texts().is_some() => "money",
            Self::Record(_) => "a record",
            Self::Map(_) => "a map",
        }
    }

    fn len(&self) -> usize {
        match self {
            Self::List(list) => list.len(),
            Self::Record(members) => members.len(),
            Self::Map(members) => members.len(),
            _ => 0,
        }
    }
}

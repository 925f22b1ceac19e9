//! A view as a tree of named values.

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
            Self::Text(text) | Self::Instant(text) => Some(text),
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

    fn len(&self) -> usize {
        match self {
            Self::List(list) => list.len(),
            Self::Record(members) => members.len(),
            Self::Map(members) => members.len(),
            _ => 0,
        }
    }
}

//! What a filter compares with.

use std::cmp::Ordering;
use std::fmt;

use serde::de::value::MapAccessDeserializer;
use serde::de::{self, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::currency::Currency;
use crate::field::{Exact, Tree};
use crate::money::{Amount, Money, MoneySum};
use crate::stage::{Channel, Stage};
use crate::time::Timestamp;
use crate::view::{BehaviourClass, LifecycleStage, Outcome, PromiseState};

/// What a field is compared with; what it means follows from what the field holds.
///
/// | the field holds | written as |
/// |---|---|
/// | a text or a stage, class, outcome | a text |
/// | a number | a whole number, or a text such as `"9.5"`; a float is refused |
/// | money | a text such as `"9.5 EUR"` |
/// | an instant | a text, as of [`Timestamp::parse`]: RFC 3339, or a date, which is its first instant in UTC |
/// | true or false | a boolean |
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Operand {
    /// A text, also that of a decimal number, of money or of an instant.
    Text(String),
    /// A whole number.
    Integer(i64),
    /// True or false.
    Boolean(bool),
}

impl fmt::Display for Operand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => write!(f, "{text:?}"),
            Self::Integer(number) => number.fmt(f),
            Self::Boolean(value) => value.fmt(f),
        }
    }
}

impl From<&str> for Operand {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Operand {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<bool> for Operand {
    fn from(value: bool) -> Self {
        Self::Boolean(value)
    }
}

impl From<u64> for Operand {
    fn from(number: u64) -> Self {
        i64::try_from(number).map_or_else(|_| Self::Text(number.to_string()), Self::Integer)
    }
}

impl From<MoneySum> for Operand {
    fn from(sum: MoneySum) -> Self {
        Self::Text(format!("{} {}", sum.to_decimal(), sum.currency()))
    }
}

impl From<Money> for Operand {
    fn from(money: Money) -> Self {
        MoneySum::from(money).into()
    }
}

macro_rules! whole_number {
    ($($name:ty),+) => {$(
        impl From<$name> for Operand {
            fn from(number: $name) -> Self {
                Self::Integer(number.into())
            }
        }
    )+};
}

whole_number!(i32, i64, u32);

macro_rules! as_text {
    ($($name:ty),+) => {$(
        impl From<$name> for Operand {
            fn from(value: $name) -> Self {
                Self::Text(value.to_string())
            }
        }
    )+};
}

as_text!(Amount, BehaviourClass, Channel, LifecycleStage, Outcome, PromiseState, Stage, Timestamp);

impl Serialize for Operand {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text(text) => serializer.serialize_str(text),
            Self::Integer(number) => serializer.serialize_i64(*number),
            Self::Boolean(value) => serializer.serialize_bool(*value),
        }
    }
}

impl<'de> Deserialize<'de> for Operand {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(OperandVisitor)
    }
}

struct OperandVisitor;

impl<'de> Visitor<'de> for OperandVisitor {
    type Value = Operand;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text, a whole number or a boolean")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Operand, E> {
        Ok(text.into())
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Operand, E> {
        Ok(value.into())
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Operand, E> {
        Ok(number.into())
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Operand, E> {
        Ok(number.into())
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<Operand, E> {
        Err(E::custom(format_args!("{number} is a float; write it as the text \"{number}\"")))
    }

    /// serde_json hands numbers over as maps when any crate of the build switches `arbitrary_precision` on.
    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Operand, A::Error> {
        let number = serde_json::Number::deserialize(MapAccessDeserializer::new(map));
        let text = number.map_err(|_| no_operand())?.to_string();
        match text.parse::<i64>() {
            Ok(number) => Ok(number.into()),
            Err(_) if text.contains(['.', 'e', 'E']) => {
                Err(de::Error::custom(format_args!("{text} is a float; write it as the text \"{text}\"")))
            }
            Err(_) => Ok(text.into()),
        }
    }
}

fn no_operand<E: de::Error>() -> E {
    E::custom("expected a text, a whole number or a boolean; a date stands in quotes")
}

/// An operand with all that it can mean, read once.
#[derive(Debug)]
pub(super) struct Given {
    operand: Operand,
    number: Option<Exact>,
    money: Option<(Currency, Exact)>,
    instant: Option<Timestamp>,
}

/// How a value stands to what was given.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Compared {
    As(Ordering),
    /// Both are money, of two currencies: not equal, and none is more.
    OtherCurrency,
    /// They are of different types.
    Not,
}

impl Given {
    pub(super) fn new(operand: &Operand) -> Self {
        let text = match operand {
            Operand::Text(text) => text.as_str(),
            _ => "",
        };
        let number = match operand {
            Operand::Integer(number) => Some(Exact::from(i128::from(*number))),
            _ => Exact::parse(text),
        };
        let money = text
            .split_once(' ')
            .and_then(|(amount, currency)| Some((Currency::new(currency).ok()?, Exact::parse(amount)?)));
        Self { operand: operand.clone(), number, money, instant: Timestamp::parse(text).ok() }
    }

    pub(super) fn operand(&self) -> &Operand {
        &self.operand
    }

    pub(super) fn text(&self) -> Option<&str> {
        match &self.operand {
            Operand::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Compares a value with it, by the type of the value.
    pub(super) fn compare(&self, value: &Tree) -> Compared {
        let instant = |text: &str| Some(Timestamp::parse(text).ok()?.cmp(&self.instant?));
        let by_bytes = |text: &str| Some(text.cmp(self.text()?));
        let ordering = match value {
            Tree::Boolean(value) => match self.operand {
                Operand::Boolean(given) => Some(value.cmp(&given)),
                _ => None,
            },
            Tree::Integer(_) | Tree::Decimal(_) => {
                value.number().zip(self.number.as_ref()).map(|(value, given)| value.cmp(given))
            }
            Tree::Instant(text) => instant(text),
            // A user's own instants may be plain text; what does not read as one is compared as text.
            Tree::Text(text) => self.instant.and_then(|_| instant(text)).or_else(|| by_bytes(text)),
            Tree::Name(text) => by_bytes(text),
            money => match (money.money(), &self.money) {
                (Some((currency, _)), Some((given, _))) if currency != *given => {
                    return Compared::OtherCurrency;
                }
                (Some((_, amount)), Some((_, given))) => Some(amount.cmp(given)),
                _ => None,
            },
        };
        ordering.map_or(Compared::Not, Compared::As)
    }
}

//! Attributes that a user adds to an event: typed values by name.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{self, MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::json_text::{AsJson, JsonText, canonical, without_place};
use crate::error::{Error, ErrorKind, Result};
use crate::key::AttributeName;
use crate::money::{Amount, Money};
use crate::time::Timestamp;

/// The attributes of an event, by name.
pub type Attributes = BTreeMap<AttributeName, AttributeValue>;

/// A typed value of an attribute.
///
/// In JSON, texts, whole numbers and booleans stand as they are; the others are objects with one key:
/// `{"decimal": "1.25"}`, `{"time": "2024-01-31T10:00:00Z"}`, `{"money": {"amount": "9.99", "currency":
/// "EUR"}}` and, for nested values only, `{"json": ...}`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum AttributeValue {
    /// A text.
    Text(String),
    /// A whole number.
    Integer(i64),
    /// True or false.
    Boolean(bool),
    /// A decimal number with at most four decimals.
    Decimal(Amount),
    /// An instant.
    Time(Timestamp),
    /// Money.
    Money(Money),
    /// A nested value.
    Json(NestedJson),
}

/// A nested value as compact JSON text, at most 64 arrays and objects inside each other.
///
/// Members stand in the order of their keys; numbers stand as they were written, however long, so equal texts
/// stay equal through any number of exports and imports. What was read into a [`serde_json::Value`] first has the
/// numbers that the value kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NestedJson(String);

impl NestedJson {
    /// Takes an array or object.
    ///
    /// # Errors
    /// `Malformed` if the text is no JSON array or object, as plain values have types of their own; if a key
    /// stands twice in one object; if more than 64 arrays and objects stand inside each other.
    pub fn new(text: &str) -> Result<Self> {
        let json = canonical("nested JSON", text)?;
        if json.starts_with(['[', '{']) {
            return Ok(Self(json));
        }
        Err(Error::new(ErrorKind::Malformed, format_args!("{text:?} is no JSON array or object")))
    }

    /// The compact JSON text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn trusted(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl AttributeValue {
    pub(crate) fn size_bytes(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Json(json) => json.0.len(),
            _ => 8,
        }
    }
}

impl From<&str> for AttributeValue {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for AttributeValue {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<i64> for AttributeValue {
    fn from(number: i64) -> Self {
        Self::Integer(number)
    }
}

impl From<bool> for AttributeValue {
    fn from(value: bool) -> Self {
        Self::Boolean(value)
    }
}

impl From<Money> for AttributeValue {
    fn from(money: Money) -> Self {
        Self::Money(money)
    }
}

impl Serialize for AttributeValue {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        fn tagged<S: Serializer, T: Serialize>(
            serializer: S,
            tag: &str,
            value: &T,
        ) -> std::result::Result<S::Ok, S::Error> {
            let mut map = serializer.serialize_map(Some(1))?;
            map.serialize_entry(tag, value)?;
            map.end()
        }
        match self {
            Self::Text(text) => serializer.serialize_str(text),
            Self::Integer(number) => serializer.serialize_i64(*number),
            Self::Boolean(value) => serializer.serialize_bool(*value),
            Self::Decimal(amount) => tagged(serializer, "decimal", amount),
            Self::Time(instant) => tagged(serializer, "time", instant),
            Self::Money(money) => tagged(serializer, "money", money),
            Self::Json(json) => tagged(serializer, "json", &AsJson(&json.0)),
        }
    }
}

impl<'de> Deserialize<'de> for AttributeValue {
    /// Looks at the text of numbers itself: serde_json hands them over in another shape when any crate of the
    /// build switches its feature `arbitrary_precision` on.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let json = JsonText::deserialize(deserializer)?;
        let text = json.as_str();
        if text.starts_with(|first: char| first == '-' || first.is_ascii_digit()) {
            return read_integer(text).map_err(de::Error::custom);
        }
        serde_json::Deserializer::from_str(text)
            .deserialize_any(ValueVisitor)
            .map_err(|error| de::Error::custom(without_place(&error)))
    }
}

fn read_integer(text: &str) -> std::result::Result<AttributeValue, String> {
    if text.contains(['.', 'e', 'E']) {
        return Err(format!("{text} is a float; write it as {{\"decimal\": \"{text}\"}}"));
    }
    text.parse().map(AttributeValue::Integer).map_err(|_| format!("whole number {text} is beyond 64 bits"))
}

/// Reads attributes from their JSON form, an object of values by name.
///
/// # Errors
/// `Malformed` if the text is no such object, or holds a name twice.
///
/// ```
/// use wayfold_core::{AttributeValue, attributes_from_json};
///
/// let attributes = attributes_from_json(r#"{"shop":"north","weight":{"decimal":"1.25"}}"#)?;
/// let mut values = attributes.values();
/// assert_eq!(values.next(), Some(&AttributeValue::from("north")));
/// assert!(matches!(values.next(), Some(AttributeValue::Decimal(_))));
/// # Ok::<(), wayfold_core::Error>(())
/// ```
pub fn attributes_from_json(text: &str) -> Result<Attributes> {
    let mut reader = serde_json::Deserializer::from_str(text);
    read_attributes(&mut reader).and_then(|attributes| reader.end().map(|()| attributes)).map_err(|error| {
        Error::new(ErrorKind::Malformed, format_args!("attributes: {}", without_place(&error)))
    })
}

/// Reads attributes by name, each once.
pub(super) fn read_attributes<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> std::result::Result<Attributes, D::Error> {
    struct AttributesVisitor;

    impl<'de> Visitor<'de> for AttributesVisitor {
        type Value = Attributes;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object of attributes")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<Attributes, A::Error> {
            let mut attributes = Attributes::new();
            while let Some((name, value)) = map.next_entry::<AttributeName, _>()? {
                if attributes.contains_key(&name) {
                    let name = name.as_str();
                    return Err(de::Error::custom(format_args!("attribute {name:?} is given twice")));
                }
                attributes.insert(name, value);
            }
            Ok(attributes)
        }
    }
    deserializer.deserialize_map(AttributesVisitor)
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = AttributeValue;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "a text, a whole number, a boolean, or an object with one key: decimal, time, money or json",
        )
    }

    fn visit_str<E: de::Error>(self, text: &str) -> std::result::Result<AttributeValue, E> {
        Ok(text.into())
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> std::result::Result<AttributeValue, E> {
        Ok(value.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<AttributeValue, A::Error> {
        let tag = map.next_key::<String>()?.unwrap_or_default();
        let value = match tag.as_str() {
            "decimal" => AttributeValue::Decimal(map.next_value()?),
            "time" => AttributeValue::Time(map.next_value()?),
            "money" => AttributeValue::Money(map.next_value()?),
            "json" => {
                let json: JsonText = map.next_value()?;
                AttributeValue::Json(NestedJson::new(json.as_str()).map_err(de::Error::custom)?)
            }
            _ => return Err(de::Error::unknown_field(&tag, &["decimal", "time", "money", "json"])),
        };
        match map.next_key::<String>()? {
            None => Ok(value),
            Some(more) => {
                Err(de::Error::custom(format_args!("attribute object holds {more:?} beside {tag:?}")))
            }
        }
    }
}

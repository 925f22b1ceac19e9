//! Attributes of XES, and the typed values that they become.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use wayfold_core::{Amount, AttributeValue, EventTime, NestedJson};

use super::read::DEPTH_MAX;
use crate::error::{Problem, shown};
use crate::row::Fault;

/// The elements that are attributes; `values` holds those of a list.
pub(super) const ELEMENTS: [&str; 9] =
    ["string", "date", "int", "float", "boolean", "id", "list", "container", "values"];

/// Keys that stand at nearly every event; they and the elements are kept without a copy of their own.
const KEYS: [&str; 6] =
    ["concept:name", "time:timestamp", "lifecycle:transition", "org:resource", "org:group", "org:role"];

/// A text that is one of the common ones, or a copy.
fn common(text: &str, known: &[&'static str]) -> Cow<'static, str> {
    let found = known.iter().find(|known| **known == text);
    found.map_or_else(|| Cow::Owned(text.to_owned()), |known| Cow::Borrowed(*known))
}

/// The name of an element.
pub(super) fn element(name: &str) -> Cow<'static, str> {
    common(name, &ELEMENTS)
}

/// The key of an attribute.
pub(super) fn key(key: &str) -> Cow<'static, str> {
    common(key, &KEYS)
}

/// An attribute as it stands in the file, and also its JSON where no typed value can hold it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Attribute {
    #[serde(rename = "type")]
    pub(super) element: Cow<'static, str>,
    #[serde(default, skip_serializing_if = "str::is_empty")]
    pub(super) key: Cow<'static, str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) value: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) children: Vec<Self>,
}

impl Attribute {
    /// The text of a plain string.
    pub(super) fn text(&self) -> Result<&str, Fault> {
        match (&*self.element, &self.value) {
            ("string", Some(text)) if self.children.is_empty() => Ok(text),
            _ => Err(self.fault(Problem::Malformed, "is to be a plain string")),
        }
    }

    pub(super) fn time(&self) -> Result<EventTime, Fault> {
        let text = self.value.as_deref().filter(|_| self.element == "date");
        let text = text.ok_or_else(|| self.fault(Problem::Time, "is to be a date"))?;
        EventTime::parse(text)
            .map_err(|error| self.fault(Problem::Time, &format!("holds {}: {error}", shown(text))))
    }

    /// The value as a type of its own, or as JSON where there is none.
    pub(super) fn to_value(&self) -> Result<AttributeValue, Fault> {
        match self.typed()? {
            Some(value) => Ok(value),
            None => {
                let unnamed = Self { key: Cow::Borrowed(""), ..self.clone() };
                let json = serde_json::to_string(&unnamed).expect("texts and lists have a JSON form");
                let json = NestedJson::new(&json);
                json.map(AttributeValue::Json)
                    .map_err(|error| self.fault(Problem::Malformed, &error.to_string()))
            }
        }
    }

    /// `None` where a type would lose something.
    fn typed(&self) -> Result<Option<AttributeValue>, Fault> {
        let Some(text) = self.value.as_deref().filter(|_| self.children.is_empty()) else { return Ok(None) };
        Ok(match &*self.element {
            "string" => Some(AttributeValue::Text(text.to_owned())),
            "date" => Some(AttributeValue::Time(self.time()?.instant())),
            "int" => {
                let number =
                    text.parse::<i64>().map_err(|_| self.no(Problem::Number, text, "whole number"))?;
                (number.to_string() == text).then_some(AttributeValue::Integer(number))
            }
            "float" => {
                text.parse::<f64>().map_err(|_| self.no(Problem::Number, text, "number"))?;
                Amount::parse(text)
                    .ok()
                    .filter(|amount| amount.to_string() == text)
                    .map(AttributeValue::Decimal)
            }
            "boolean" => match text {
                "true" | "false" => Some(AttributeValue::Boolean(text == "true")),
                _ => return Err(self.no(Problem::Word, text, "true or false")),
            },
            _ => None,
        })
    }

    fn no(&self, problem: Problem, text: &str, what: &str) -> Fault {
        self.fault(problem, &format!("holds {}, which is no {what}", shown(text)))
    }

    fn fault(&self, problem: Problem, what: &str) -> Fault {
        Fault::new(problem, format_args!("attribute {} {what}", shown(&self.key)))
    }

    /// Whether it can stand in a file: somebody's JSON may look like an attribute.
    fn is_sound(&self, depth: usize) -> bool {
        let is_known = ELEMENTS.contains(&&*self.element);
        is_known && depth > 0 && self.children.iter().all(|child| child.is_sound(depth - 1))
    }

    /// Whether reading gives a value back that was written.
    pub(super) fn keeps(value: &AttributeValue) -> bool {
        Self::of_value("", value).to_value().is_ok_and(|read| read == *value)
    }

    /// The attribute of a value; what has no type in XES is a string.
    pub(super) fn of_value(key: &str, value: &AttributeValue) -> Self {
        let plain = |element: &str, value: String| Self {
            element: element.to_owned().into(),
            key: key.to_owned().into(),
            value: Some(value),
            children: Vec::new(),
        };
        match value {
            AttributeValue::Text(text) => plain("string", text.clone()),
            AttributeValue::Integer(number) => plain("int", number.to_string()),
            AttributeValue::Boolean(value) => plain("boolean", value.to_string()),
            AttributeValue::Decimal(amount) => plain("float", amount.to_string()),
            AttributeValue::Time(instant) => plain("date", instant.to_string()),
            AttributeValue::Money(money) => plain("string", money.to_string()),
            AttributeValue::Json(json) => match serde_json::from_str::<Self>(json.as_str()) {
                Ok(found) if found.is_sound(DEPTH_MAX) => Self { key: key.to_owned().into(), ..found },
                _ => plain("string", json.as_str().to_owned()),
            },
            other => plain("string", format!("{other:?}")),
        }
    }
}

//! The members of a JSON object, taken out by name; what is left become attributes. Numbers keep their text.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde::de::{self, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use wayfold_core::{Amount, AttributeName, AttributeValue, Attributes, EventTime, NestedJson, Rounding};

use crate::error::{Problem, shown};
use crate::json_form::malformed;
use crate::row::Fault;

/// What is not there and what is null are alike.
#[derive(Default)]
pub(crate) struct Members<'a>(BTreeMap<String, &'a str>);

impl<'a> Members<'a> {
    pub(crate) fn parse(text: &'a str) -> Result<Self, Fault> {
        serde_json::from_str(text).map_err(|error| malformed(&error))
    }

    fn take(&mut self, name: &str) -> Option<&'a str> {
        self.0.remove(name)
    }

    /// A text, or the digits of a number.
    pub(crate) fn text(&mut self, name: &str) -> Result<Option<String>, Fault> {
        let Some(json) = self.take(name) else { return Ok(None) };
        if json.starts_with('"') {
            let text: String = serde_json::from_str(json).map_err(|error| wrong(name, json, &error))?;
            return Ok(Some(text).filter(|text| !text.is_empty()));
        }
        if is_number(json) {
            return Ok(Some(json.to_owned()));
        }
        Err(wrong(name, json, &"it is to be a text"))
    }

    /// A text that has to be there.
    pub(crate) fn need(&mut self, name: &str) -> Result<String, Fault> {
        self.text(name)?.ok_or_else(|| missing(name))
    }

    /// The first text of some names that is there.
    pub(crate) fn first(&mut self, names: &[&str]) -> Result<Option<String>, Fault> {
        let texts = names.iter().map(|name| self.text(name)).collect::<Result<Vec<_>, _>>()?;
        Ok(texts.into_iter().flatten().next())
    }

    pub(crate) fn time(&mut self, name: &str) -> Result<Option<EventTime>, Fault> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        EventTime::parse(&text).map(Some).map_err(|error| fault(Problem::Time, name, &text, &error))
    }

    pub(crate) fn integer(&mut self, name: &str) -> Result<Option<i64>, Fault> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        let number = text.parse().map_err(|_| fault(Problem::Number, name, &text, &"it is no whole number"));
        number.map(Some)
    }

    pub(crate) fn amount(&mut self, name: &str, rounding: Option<Rounding>) -> Result<Option<Amount>, Fault> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        let amount = match rounding {
            Some(rounding) => Amount::parse_rounded(&text, rounding),
            None => Amount::parse(&text),
        };
        amount.map(Some).map_err(|error| fault(Problem::Money, name, &text, &error))
    }

    /// An object; without members if it is not there.
    pub(crate) fn object(&mut self, name: &str) -> Result<Self, Fault> {
        let Some(json) = self.take(name) else { return Ok(Self::default()) };
        serde_json::from_str(json).map_err(|error| wrong(name, json, &error))
    }

    /// A list of objects; empty if it is not there.
    pub(crate) fn objects(&mut self, name: &str) -> Result<Vec<Self>, Fault> {
        let Some(json) = self.take(name) else { return Ok(Vec::new()) };
        serde_json::from_str(json).map_err(|error| wrong(name, json, &error))
    }

    /// The JSON of a member.
    pub(crate) fn json(&mut self, name: &str) -> Option<&'a str> {
        self.take(name)
    }

    /// Adds a member, whose name is new.
    pub(crate) fn put(&mut self, name: &str, json: &'a str) -> Result<(), Fault> {
        match self.0.insert(name.to_owned(), json) {
            None => Ok(()),
            Some(_) => Err(Fault::new(Problem::Contradiction, format_args!("{} stands twice", shown(name)))),
        }
    }

    /// What is left, as attributes under a prefix.
    pub(crate) fn into_attributes(self, prefix: &str, to: &mut Attributes) -> Result<(), Fault> {
        for (name, json) in self.0 {
            let name = format!("{prefix}{name}");
            let key = AttributeName::new(&name).map_err(|error| Fault::core(None, &name, &error))?;
            to.insert(key, value(&name, json)?);
        }
        Ok(())
    }
}

/// The typed value of a JSON value; a number that no type holds without loss is its text.
pub(crate) fn value(name: &str, json: &str) -> Result<AttributeValue, Fault> {
    let text = || serde_json::from_str::<String>(json).map_err(|error| wrong(name, json, &error));
    Ok(match json.as_bytes().first() {
        Some(b'"') => AttributeValue::Text(text()?),
        Some(b't' | b'f') => AttributeValue::Boolean(json == "true"),
        Some(b'[' | b'{') => {
            AttributeValue::Json(NestedJson::new(json).map_err(|error| wrong(name, json, &error))?)
        }
        _ => match (json.parse(), Amount::parse(json)) {
            (Ok(number), _) => AttributeValue::Integer(number),
            (Err(_), Ok(amount)) => AttributeValue::Decimal(amount),
            _ => AttributeValue::Text(json.to_owned()),
        },
    })
}

fn is_number(json: &str) -> bool {
    json.starts_with(|first: char| first == '-' || first.is_ascii_digit())
}

pub(crate) fn missing(name: &str) -> Fault {
    Fault::new(Problem::MissingValue, format_args!("{name} is missing"))
}

fn wrong(name: &str, json: &str, what: &impl fmt::Display) -> Fault {
    fault(Problem::Malformed, name, json, what)
}

pub(crate) fn fault(problem: Problem, name: &str, value: &str, what: &impl fmt::Display) -> Fault {
    Fault::new(problem, format_args!("{name} is {}: {what}", shown(value)))
}

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    /// Refuses a member that stands twice: one of the two would be lost.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct MembersVisitor;

        impl<'de> Visitor<'de> for MembersVisitor {
            type Value = BTreeMap<String, &'de str>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = BTreeMap::new();
                while let Some((name, json)) = map.next_entry::<String, &RawValue>()? {
                    if members.contains_key(&name) {
                        return Err(de::Error::custom(format_args!("{name:?} stands twice")));
                    }
                    members.insert(name, json.get());
                }
                members.retain(|_, json| *json != "null");
                Ok(members)
            }
        }
        deserializer.deserialize_map(MembersVisitor).map(Self)
    }
}

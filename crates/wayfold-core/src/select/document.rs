//! The form of a filter in documents, read no deeper and no longer than the limits allow.

use std::cell::Cell;
use std::fmt;

use serde::de::{self, DeserializeSeed, MapAccess, SeqAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::filter::{FieldFilter, FieldTest, Filter, limit_exceeded};
use super::operand::Operand;
use crate::time::Span;

const MEMBERS: &[&str] = &[
    "all",
    "any",
    "not",
    "field",
    "is",
    "is_not",
    "less",
    "at_most",
    "more",
    "at_least",
    "one_of",
    "exists",
    "contains",
    "older_than",
    "newer_than",
];

impl Serialize for Filter {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        match self {
            Self::All(filters) => map.serialize_entry("all", filters)?,
            Self::Any(filters) => map.serialize_entry("any", filters)?,
            Self::Not(filter) => map.serialize_entry("not", filter)?,
            Self::Field(FieldFilter { field, test }) => {
                map.serialize_entry("field", field)?;
                match test {
                    FieldTest::Is(given) => map.serialize_entry("is", given)?,
                    FieldTest::IsNot(given) => map.serialize_entry("is_not", given)?,
                    FieldTest::Less(given) => map.serialize_entry("less", given)?,
                    FieldTest::AtMost(given) => map.serialize_entry("at_most", given)?,
                    FieldTest::More(given) => map.serialize_entry("more", given)?,
                    FieldTest::AtLeast(given) => map.serialize_entry("at_least", given)?,
                    FieldTest::OneOf(given) => map.serialize_entry("one_of", given)?,
                    FieldTest::Exists => map.serialize_entry("exists", &true)?,
                    FieldTest::Contains(given) => map.serialize_entry("contains", given)?,
                    FieldTest::OlderThan(span) => map.serialize_entry("older_than", &span.to_string())?,
                    FieldTest::NewerThan(span) => map.serialize_entry("newer_than", &span.to_string())?,
                }
            }
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Filter {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Place { depth: 1, nodes: &Cell::new(0) }.deserialize(deserializer)
    }
}

/// Where a filter stands in the whole.
#[derive(Clone, Copy)]
struct Place<'a> {
    depth: usize,
    /// How many filters and operands were read.
    nodes: &'a Cell<usize>,
}

impl Place<'_> {
    fn inside(self) -> Self {
        Self { depth: self.depth + 1, ..self }
    }

    fn count<E: de::Error>(self, more: usize) -> Result<(), E> {
        self.nodes.set(self.nodes.get() + more);
        limit_exceeded(self.depth, self.nodes.get()).map_or(Ok(()), |message| Err(E::custom(message)))
    }
}

impl<'de> DeserializeSeed<'de> for Place<'_> {
    type Value = Filter;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Filter, D::Error> {
        self.count(1)?;
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Place<'_> {
    type Value = Filter;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a filter: an object with `all`, `any`, `not`, or `field` and a test")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Filter, A::Error> {
        let mut read = Read::default();
        let mut seen: Vec<&str> = Vec::new();
        while let Some(name) = map.next_key::<String>()? {
            let Some(name) = MEMBERS.iter().find(|known| **known == name) else {
                return Err(de::Error::unknown_field(&name, MEMBERS));
            };
            if seen.contains(name) {
                return Err(de::Error::duplicate_field(name));
            }
            seen.push(name);
            self.member(name, &mut map, &mut read)?;
        }
        read.into_filter().map_err(de::Error::custom)
    }
}

impl Place<'_> {
    fn member<'de, A: MapAccess<'de>>(
        self,
        name: &str,
        map: &mut A,
        read: &mut Read,
    ) -> Result<(), A::Error> {
        match name {
            "all" => read.joined.push(Filter::All(map.next_value_seed(List(self.inside()))?)),
            "any" => read.joined.push(Filter::Any(map.next_value_seed(List(self.inside()))?)),
            "not" => read.joined.push(!map.next_value_seed(self.inside())?),
            "field" => read.field = Some(map.next_value()?),
            _ => {
                let test = test(name, map)?;
                self.count(test.0.operands().len())?;
                read.tests.push(test);
            }
        }
        Ok(())
    }
}

/// Reads a test, and whether it must hold or must not.
fn test<'de, A: MapAccess<'de>>(name: &str, map: &mut A) -> Result<(FieldTest, bool), A::Error> {
    let test = match name {
        "exists" => return Ok((FieldTest::Exists, map.next_value()?)),
        "one_of" => FieldTest::OneOf(map.next_value()?),
        "older_than" => FieldTest::OlderThan(span(map)?),
        "newer_than" => FieldTest::NewerThan(span(map)?),
        name => {
            let given: Operand = map.next_value()?;
            match name {
                "is" => FieldTest::Is(given),
                "is_not" => FieldTest::IsNot(given),
                "less" => FieldTest::Less(given),
                "at_most" => FieldTest::AtMost(given),
                "more" => FieldTest::More(given),
                "at_least" => FieldTest::AtLeast(given),
                _ => FieldTest::Contains(given),
            }
        }
    };
    Ok((test, true))
}

fn span<'de, A: MapAccess<'de>>(map: &mut A) -> Result<Span, A::Error> {
    Span::parse(&map.next_value::<String>()?).map_err(de::Error::custom)
}

struct List<'a>(Place<'a>);

impl<'de> DeserializeSeed<'de> for List<'_> {
    type Value = Vec<Filter>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Vec<Filter>, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for List<'_> {
    type Value = Vec<Filter>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of filters")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Vec<Filter>, A::Error> {
        let mut filters = Vec::new();
        while let Some(filter) = list.next_element_seed(self.0)? {
            filters.push(filter);
        }
        Ok(filters)
    }
}

/// The members of one object.
#[derive(Default)]
struct Read {
    joined: Vec<Filter>,
    field: Option<String>,
    tests: Vec<(FieldTest, bool)>,
}

impl Read {
    fn into_filter(mut self) -> Result<Filter, &'static str> {
        match (self.joined.pop(), self.field) {
            (Some(joined), None) if self.joined.is_empty() && self.tests.is_empty() => Ok(joined),
            (None, Some(_)) if self.tests.is_empty() => {
                Err("a filter names a field and no test, such as `is`")
            }
            (None, Some(field)) => {
                let filter = |(test, holds): (FieldTest, bool)| {
                    let filter = Filter::Field(FieldFilter { field: field.clone(), test });
                    if holds { filter } else { !filter }
                };
                let mut filters: Vec<Filter> = self.tests.into_iter().map(filter).collect();
                Ok(if filters.len() == 1 { filters.remove(0) } else { Filter::All(filters) })
            }
            _ => Err("a filter is one of `all`, `any`, `not`, or a `field` and its tests"),
        }
    }
}

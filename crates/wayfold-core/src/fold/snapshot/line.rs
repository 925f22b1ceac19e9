//! A customer of the first version of a part: the spread of its key, a space, and a JSON object on one line.

use std::fmt;

use serde::de::{DeserializeOwned, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::customer::{SavedCustomer, SavedFolded};
use super::part::{Form, Stored, hex};
use crate::error::{Error, ErrorKind, Result, ensure};
use crate::event::{OrderKey, without_place};
use crate::fold::Fold;
use crate::key::{CustomerId, CustomerKey, EventId, Tenant};
use crate::projection::CustomerRecord;
use crate::time::Timestamp;

/// The digits before a line's JSON, and the space.
const PREFIX: usize = 17;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CustomerText<'a> {
    tenant: Tenant,
    customer: CustomerId,
    #[serde(borrow, default)]
    folded: Option<FoldedText<'a>>,
    #[serde(default)]
    retracted: Vec<EventId>,
    #[serde(default)]
    due: Vec<Timestamp>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FoldedText<'a> {
    last: OrderKey,
    record: CustomerRecord,
    #[serde(borrow)]
    states: States<'a>,
}

/// States by name, as they stand.
struct States<'a>(Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for States<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        deserializer.deserialize_map(StatesVisitor)
    }
}

struct StatesVisitor;

impl<'de> Visitor<'de> for StatesVisitor {
    type Value = States<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map of states")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<States<'de>, A::Error> {
        let mut states = Vec::new();
        while let Some(state) = map.next_entry()? {
            states.push(state);
        }
        Ok(States(states))
    }
}

/// The lines of a part, each of which ends with a line feed.
pub(super) fn split(bytes: &[u8]) -> Result<Vec<Stored<'_>>> {
    let lines = bytes.strip_suffix(b"\n").unwrap_or_default();
    lines.split(|byte| *byte == b'\n').map(stored).collect()
}

/// Takes the spread off a line.
fn stored(line: &[u8]) -> Result<Stored<'_>> {
    let (prefix, json) = line.split_at_checked(PREFIX).unwrap_or_default();
    let digits = prefix.strip_suffix(b" ").and_then(|digits| std::str::from_utf8(digits).ok());
    let spread = digits.and_then(hex::read).ok_or_else(|| {
        Error::new(ErrorKind::Malformed, "a line does not begin with 16 hexadecimal digits and a space")
    })?;
    Ok(Stored { spread, form: Form::Line(json) })
}

impl Fold {
    /// Reads what a line says of its customer.
    pub(super) fn read_line(&self, spread: u64, json: &[u8], names: &[String]) -> Result<SavedCustomer> {
        let read: CustomerText<'_> = serde_json::from_slice(json).map_err(|error| {
            let place = named_in(json).unwrap_or_else(|| format!("spread {spread:016x}"));
            Error::new(ErrorKind::Malformed, without_place(&error)).at(place)
        })?;
        let key = CustomerKey { tenant: read.tenant, customer: read.customer };
        let folded = read.folded.map(|folded| self.read_folded(folded, names)).transpose();
        let folded = folded.map_err(|error| error.at(format_args!("customer {key}")))?;
        Ok(SavedCustomer { spread, key, folded, retracted: read.retracted, due: read.due })
    }

    fn read_folded(&self, folded: FoldedText<'_>, names: &[String]) -> Result<SavedFolded> {
        let FoldedText { last, record, states: States(states) } = folded;
        let found = states.iter().map(|(name, _)| name);
        ensure(found.eq(names), "its states are not those of the projections")?;
        let mut read = Vec::with_capacity(states.len());
        for (column, (name, json)) in self.columns.iter().zip(&states) {
            read.push(column.read_state(json.get()).map_err(|error| {
                let message = format_args!("state {name}: {}", without_place(&error));
                Error::new(ErrorKind::Malformed, message)
            })?);
        }
        Ok(SavedFolded { last, record, states: read })
    }
}

/// The customer that a line is about, where what follows cannot be read.
fn named_in(json: &[u8]) -> Option<String> {
    let (tenant, rest) = first_value::<Tenant>(json.strip_prefix(b"{\"tenant\":")?)?;
    let (customer, _) = first_value::<CustomerId>(rest.strip_prefix(b",\"customer\":")?)?;
    Some(format!("customer {}", CustomerKey { tenant, customer }))
}

fn first_value<T: DeserializeOwned>(json: &[u8]) -> Option<(T, &[u8])> {
    let mut values = serde_json::Deserializer::from_slice(json).into_iter();
    let value = values.next()?.ok()?;
    Some((value, &json[values.byte_offset()..]))
}

//! One customer of a part: the spread of its key, a space, and a JSON object on one line.

use std::collections::BTreeSet;
use std::fmt;

use serde::de::{DeserializeOwned, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::{Place, spread_of};
use crate::error::{Error, ErrorKind, Result, ensure};
use crate::event::{OrderKey, without_place};
use crate::export::{write_json, write_states};
use crate::fold::Fold;
use crate::key::{CustomerId, CustomerKey, EventId, Tenant};
use crate::projection::{CustomerRecord, SavedState};
use crate::time::Timestamp;

/// The digits before a line's JSON, and the space.
pub(super) const PREFIX: usize = 17;

/// A line of a part, without its end.
#[derive(Clone, Copy)]
pub(super) struct Line<'a> {
    pub(super) spread: u64,
    json: &'a [u8],
}

/// A customer as a part holds it.
pub(super) struct SavedCustomer {
    pub(super) spread: u64,
    pub(super) key: CustomerKey,
    pub(super) folded: Option<SavedFolded>,
    pub(super) retracted: BTreeSet<EventId>,
    pub(super) due: Vec<Timestamp>,
}

/// What is folded of a customer.
pub(super) struct SavedFolded {
    pub(super) last: OrderKey,
    pub(super) record: CustomerRecord,
    pub(super) states: Vec<SavedState>,
}

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

impl<'a> Line<'a> {
    /// Takes the spread off a line.
    pub(super) fn read(line: &'a [u8]) -> Result<Self> {
        let (prefix, json) = line.split_at_checked(PREFIX).unwrap_or_default();
        let digits = prefix.strip_suffix(b" ").and_then(|digits| std::str::from_utf8(digits).ok());
        let spread = digits.and_then(super::part::hex::read);
        let spread = spread.ok_or_else(|| {
            Error::new(ErrorKind::Malformed, "a line does not begin with 16 hexadecimal digits and a space")
        })?;
        Ok(Self { spread, json })
    }
}

impl Fold {
    /// Writes what is known of a customer.
    pub(super) fn write_line(
        &self,
        place: Place,
        due: &[Timestamp],
        names: &[String],
        out: &mut Vec<u8>,
    ) -> Result<()> {
        let (start, customer) = (out.len(), place.customer as usize);
        let key = self.customers.key(place.customer);
        out.extend_from_slice(format!("{:016x} ", place.spread).as_bytes());
        let written = self.write_customer(&key, customer, due, names, out);
        written.map_err(|error| error.at(format_args!("cannot save: customer {key}")))?;
        if out[start..].contains(&b'\n') {
            let message = format_args!("cannot save: customer {key}: a state writes JSON of several lines");
            return Err(Error::new(ErrorKind::InvalidProjection, message));
        }
        out.push(b'\n');
        Ok(())
    }

    fn write_customer(
        &self,
        key: &CustomerKey,
        customer: usize,
        due: &[Timestamp],
        names: &[String],
        out: &mut Vec<u8>,
    ) -> Result<()> {
        out.extend_from_slice(b"{\"tenant\":");
        write_json(out, &key.tenant)?;
        out.extend_from_slice(b",\"customer\":");
        write_json(out, &key.customer)?;
        let record = &self.records[customer];
        if record.events() > 0 {
            out.extend_from_slice(b",\"folded\":{\"last\":");
            write_json(out, &self.last[customer])?;
            out.extend_from_slice(b",\"record\":");
            write_json(out, record)?;
            out.extend_from_slice(b",\"states\":");
            write_states(out, &self.columns, names, customer)?;
            out.push(b'}');
        }
        if let Some(retracted) = self.retracted.get(&(customer as u32)).filter(|ids| !ids.is_empty()) {
            out.extend_from_slice(b",\"retracted\":");
            write_json(out, retracted)?;
        }
        if !due.is_empty() {
            out.extend_from_slice(b",\"due\":");
            write_json(out, &due)?;
        }
        out.push(b'}');
        Ok(())
    }

    /// Reads what a line says of its customer, as far as one fold could have written it.
    pub(super) fn read_line(&self, line: Line<'_>, names: &[String]) -> Result<SavedCustomer> {
        let read: CustomerText<'_> = serde_json::from_slice(line.json).map_err(|error| {
            let place = named_in(line.json).unwrap_or_else(|| format!("spread {:016x}", line.spread));
            Error::new(ErrorKind::Malformed, without_place(&error)).at(place)
        })?;
        let key = CustomerKey { tenant: read.tenant, customer: read.customer };
        let place = format!("customer {key}");
        let folded = read.folded.map(|folded| self.read_folded(folded, names)).transpose();
        let (retracted, due) = (read.retracted, read.due);
        let check = || {
            ensure(spread_of(&key) == line.spread, "it stands under the spread of another key")?;
            ensure(retracted.is_sorted_by(|a, b| a < b), "its retracted events are out of order")?;
            ensure(due.is_sorted_by(|a, b| a < b), "its scheduled events are out of order")?;
            ensure(due.first().is_none_or(|first| *first > self.as_of), "an event is scheduled for the past")
        };
        let folded = check().and(folded).map_err(|error| error.at(&place))?;
        let known = folded.is_some() || !retracted.is_empty() || !due.is_empty();
        ensure(known, "nothing is known of it").map_err(|error| error.at(&place))?;
        Ok(SavedCustomer {
            spread: line.spread,
            key,
            folded,
            retracted: retracted.into_iter().collect(),
            due,
        })
    }

    fn read_folded(&self, folded: FoldedText<'_>, names: &[String]) -> Result<SavedFolded> {
        let FoldedText { last, record, states: States(states) } = folded;
        ensure(last.occurred_at == record.last_seen_at(), "its last event is not the one last seen")?;
        ensure(record.last_seen_at() <= self.as_of, "an event beyond the fold's instant is folded")?;
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

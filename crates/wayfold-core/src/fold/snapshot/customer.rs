//! One customer of a part: the spread of its key, how many bytes follow, and MessagePack values one behind the other.

use super::part::{Form, Stored};
use super::{Place, spread_of};
use crate::error::{Error, ErrorKind, Result, ensure};
use crate::event::OrderKey;
use crate::fold::Fold;
use crate::key::{CustomerId, CustomerKey, EventId, Tenant};
use crate::pack::{self, Reader};
use crate::projection::{CustomerRecord, SavedState};
use crate::time::Timestamp;

/// A customer as a part holds it.
pub(super) struct SavedCustomer {
    pub(super) spread: u64,
    pub(super) key: CustomerKey,
    pub(super) folded: Option<SavedFolded>,
    pub(super) retracted: Vec<EventId>,
    pub(super) due: Vec<Timestamp>,
}

/// What is folded of a customer.
pub(super) struct SavedFolded {
    pub(super) last: OrderKey,
    pub(super) record: CustomerRecord,
    pub(super) states: Vec<SavedState>,
}

/// Takes the customers of a part off each other.
pub(super) fn split(mut bytes: &[u8]) -> Result<Vec<Stored<'_>>> {
    let mut customers = Vec::new();
    while !bytes.is_empty() {
        let (stored, rest) = first_of(bytes).ok_or_else(|| {
            Error::new(ErrorKind::Malformed, "a customer has not as many bytes as stand before it")
        })?;
        customers.push(stored);
        bytes = rest;
    }
    Ok(customers)
}

fn first_of(bytes: &[u8]) -> Option<(Stored<'_>, &[u8])> {
    let (spread, rest) = bytes.split_first_chunk()?;
    let (length, rest) = rest.split_first_chunk()?;
    let (values, rest) = rest.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)?;
    Some((Stored { spread: u64::from_be_bytes(*spread), form: Form::Packed(values) }, rest))
}

impl Fold {
    /// Writes what is known of a customer.
    pub(super) fn write_customer(
        &self,
        place: Place,
        due: &[Timestamp],
        names: &[String],
        out: &mut Vec<u8>,
    ) -> Result<()> {
        out.extend_from_slice(&place.spread.to_be_bytes());
        let start = out.len() + 4;
        out.resize(start, 0);
        let written = self.write_values(place.customer as usize, due, names, out).and_then(|()| {
            let too_long =
                |_| Error::new(ErrorKind::InvalidProjection, "its states have more than 2^32 bytes");
            u32::try_from(out.len() - start).map_err(too_long)
        });
        let length = written.map_err(|error| {
            error.at(format_args!("cannot save: customer {}", self.customers.key(place.customer)))
        })?;
        out[start - 4..start].copy_from_slice(&length.to_be_bytes());
        Ok(())
    }

    fn write_values(
        &self,
        customer: usize,
        due: &[Timestamp],
        names: &[String],
        out: &mut Vec<u8>,
    ) -> Result<()> {
        let (tenant, name) = self.customers.texts(customer);
        write(out, tenant)?;
        write(out, name)?;
        let last = self.last_key(customer);
        write(out, &last)?;
        if last.is_some() {
            write(out, &self.records[customer])?;
            let mut state = Vec::new();
            for (column, name) in self.columns.iter().zip(names) {
                state.clear();
                column.pack_state(customer, &mut state)?;
                pack::write_bytes(out, &state).map_err(|error| failed(error).at(name))?;
            }
        }
        match self.retracted.get(&(customer as u32)) {
            Some(retracted) => write(out, retracted)?,
            None => write(out, &[(); 0])?,
        }
        write(out, due)
    }

    /// Reads what a part says of a customer, as far as one fold could have written it.
    pub(super) fn read_customer(&self, stored: Stored<'_>, names: &[String]) -> Result<SavedCustomer> {
        let read = match stored.form {
            Form::Line(json) => self.read_line(stored.spread, json, names)?,
            Form::Packed(values) => self.read_values(stored.spread, values, names)?,
        };
        self.check_saved(&read).map_err(|error| error.at(format_args!("customer {}", read.key)))?;
        Ok(read)
    }

    fn check_saved(&self, saved: &SavedCustomer) -> Result<()> {
        let SavedCustomer { spread, key, folded, retracted, due } = saved;
        ensure(spread_of(key) == *spread, "it stands under the spread of another key")?;
        ensure(retracted.is_sorted_by(|a, b| a < b), "its retracted events are out of order")?;
        ensure(due.is_sorted_by(|a, b| a < b), "its scheduled events are out of order")?;
        ensure(due.first().is_none_or(|first| *first > self.as_of), "an event is scheduled for the past")?;
        if let Some(SavedFolded { last, record, .. }) = folded {
            let last_seen_at = record.last_seen_at();
            ensure(last.occurred_at == last_seen_at, "its last event is not the one last seen")?;
            ensure(last_seen_at <= self.as_of, "an event beyond the fold's instant is folded")?;
        }
        let is_known = folded.is_some() || !retracted.is_empty() || !due.is_empty();
        ensure(is_known, "nothing is known of it")
    }

    fn read_values(&self, spread: u64, values: &[u8], names: &[String]) -> Result<SavedCustomer> {
        let mut values = Reader::new(values);
        let key = read_key(&mut values)
            .map_err(|error| malformed(error).at(format_args!("spread {spread:016x}")))?;
        let mut read = || {
            let last: Option<OrderKey> = values.value().map_err(malformed)?;
            let folded = last.map(|last| self.read_states(last, &mut values, names)).transpose()?;
            let (retracted, due) = (values.value().map_err(malformed)?, values.value().map_err(malformed)?);
            values.end().map_err(malformed)?;
            Ok((folded, retracted, due))
        };
        let (folded, retracted, due) =
            read().map_err(|error: Error| error.at(format_args!("customer {key}")))?;
        Ok(SavedCustomer { spread, key, folded, retracted, due })
    }

    fn read_states(&self, last: OrderKey, values: &mut Reader<'_>, names: &[String]) -> Result<SavedFolded> {
        let record = values.value().map_err(malformed)?;
        let mut states = Vec::with_capacity(self.columns.len());
        for (column, name) in self.columns.iter().zip(names) {
            let read = values.value().and_then(|state| column.unpack_state(state));
            states.push(read.map_err(|error| malformed(error).at(format_args!("state {name}")))?);
        }
        Ok(SavedFolded { last, record, states })
    }
}

fn read_key(values: &mut Reader<'_>) -> std::result::Result<CustomerKey, pack::ReadError> {
    let (tenant, customer): (Tenant, CustomerId) = (values.value()?, values.value()?);
    Ok(CustomerKey { tenant, customer })
}

fn write(out: &mut Vec<u8>, value: &(impl serde::Serialize + ?Sized)) -> Result<()> {
    pack::write(out, value).map_err(failed)
}

fn failed(error: impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::InvalidProjection, error)
}

fn malformed(error: pack::ReadError) -> Error {
    Error::new(ErrorKind::Malformed, error)
}

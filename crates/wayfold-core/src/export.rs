//! The canonical export: equal sets of events give equal bytes.
//!
//! JSON Lines, one customer a line: `{"tenant":…,"customer":…,"record":…,"states":{"NAME@VERSION":…}}`.
//! Fields stand as declared, maps by key, texts spelled out, money as decimal text. No dictionary code,
//! internal number, position, recording time or float is in it.

pub(crate) mod floats;

use std::io;

use crate::error::{Error, ErrorKind, Result};
use crate::key::CustomerKey;
use crate::projection::{CustomerRecord, StateColumn};

pub(crate) fn write_customer(
    key: &CustomerKey,
    record: &CustomerRecord,
    columns: &[Box<dyn StateColumn>],
    names: &[String],
    customer: usize,
    out: &mut dyn io::Write,
) -> Result<()> {
    let mut line = Vec::new();
    let write = |line: &mut Vec<u8>| {
        line.extend_from_slice(b"{\"tenant\":");
        write_json(line, &key.tenant)?;
        line.extend_from_slice(b",\"customer\":");
        write_json(line, &key.customer)?;
        line.extend_from_slice(b",\"record\":");
        write_json(line, record)?;
        line.extend_from_slice(b",\"states\":");
        write_states(line, columns, names, customer)
    };
    write(&mut line).map_err(|error| error.at("cannot export"))?;
    line.extend_from_slice(b"}\n");
    out.write_all(&line).map_err(|error| failed(format_args!("cannot export: {error}")))
}

/// Writes a customer's states by the names of their projections.
pub(crate) fn write_states(
    line: &mut Vec<u8>,
    columns: &[Box<dyn StateColumn>],
    names: &[String],
    customer: usize,
) -> Result<()> {
    line.push(b'{');
    for (number, (column, name)) in columns.iter().zip(names).enumerate() {
        if number > 0 {
            line.push(b',');
        }
        write_json(line, name)?;
        line.push(b':');
        column.write_state(customer, line)?;
    }
    line.push(b'}');
    Ok(())
}

/// Writes a value that holds no float.
pub(crate) fn to_writer(out: &mut dyn io::Write, value: &impl serde::Serialize) -> serde_json::Result<()> {
    floats::refuse(value)?;
    serde_json::to_writer(out, value)
}

pub(crate) fn write_json(line: &mut Vec<u8>, value: &impl serde::Serialize) -> Result<()> {
    to_writer(line, value).map_err(failed)
}

fn failed(error: impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::InvalidProjection, error)
}

//! The canonical export: equal sets of events give equal bytes.
//!
//! JSON Lines, one customer a line: `{"tenant":…,"customer":…,"record":…,"states":{"NAME@VERSION":…}}`.
//! Fields stand as declared, maps by key, texts spelled out, money as decimal text. No dictionary code,
//! internal number, position, recording time or float is in it.

mod floats;

use std::io;

use crate::error::{Error, ErrorKind, Result};
use crate::key::CustomerKey;
use crate::projection::{CustomerRecord, StateColumn};

pub(crate) fn write_customer(
    key: &CustomerKey,
    record: &CustomerRecord,
    columns: &[Box<dyn StateColumn>],
    customer: usize,
    out: &mut dyn io::Write,
) -> Result<()> {
    let mut line = Vec::new();
    line.extend_from_slice(b"{\"tenant\":");
    write_json(&mut line, &key.tenant)?;
    line.extend_from_slice(b",\"customer\":");
    write_json(&mut line, &key.customer)?;
    line.extend_from_slice(b",\"record\":");
    write_json(&mut line, record)?;
    line.extend_from_slice(b",\"states\":{");
    for (number, column) in columns.iter().enumerate() {
        if number > 0 {
            line.push(b',');
        }
        write_json(&mut line, &format!("{}@{}", column.name(), column.version()))?;
        line.push(b':');
        column.write_state(customer, &mut line)?;
    }
    line.extend_from_slice(b"}}\n");
    out.write_all(&line).map_err(failed)
}

/// Writes a value that holds no float.
pub(crate) fn to_writer(out: &mut dyn io::Write, value: &impl serde::Serialize) -> serde_json::Result<()> {
    floats::refuse(value)?;
    serde_json::to_writer(out, value)
}

fn write_json(line: &mut Vec<u8>, value: &impl serde::Serialize) -> Result<()> {
    to_writer(line, value).map_err(failed)
}

fn failed(error: impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::InvalidProjection, format_args!("cannot export: {error}"))
}

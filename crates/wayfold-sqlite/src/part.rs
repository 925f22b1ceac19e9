//! The parts of sealed blocks in their tables.

use rusqlite::{Connection, OptionalExtension, params};
use wayfold_block::{Part, PartKind, PartName};
use wayfold_store::{Error, ErrorKind, Result};

use crate::error::{At, corrupt};

/// How many parts of one table a block may have, in bits; the block's number stands above.
const SLOT_BITS: u32 = 24;
/// Directories of ids, of tags and the filter share a table, a quarter of the slots for each.
const DIRECTORY_BITS: u32 = 22;

/// A table of parts, and how they are put, got and taken out.
struct Table {
    put: &'static str,
    get: &'static str,
    /// Counts the bytes of a range; SQLite knows them without reading the parts.
    count: &'static str,
    /// Takes out some parts of a range.
    drop_some: &'static str,
}

macro_rules! table {
    ($name:literal) => {
        Table {
            put: concat!("INSERT INTO ", $name, " (id, bytes) VALUES (?1, ?2)"),
            get: concat!("SELECT bytes FROM ", $name, " WHERE id = ?1"),
            count: concat!(
                "SELECT coalesce(sum(length(bytes)), 0) FROM ",
                $name,
                " WHERE id BETWEEN ?1 AND ?2"
            ),
            drop_some: concat!(
                "DELETE FROM ",
                $name,
                " WHERE id IN (SELECT id FROM ",
                $name,
                " WHERE id BETWEEN ?1 AND ?2 LIMIT ?3)"
            ),
        }
    };
}

const FOLD: Table = table!("fold");
const IDENTITY: Table = table!("identity");
const REST: Table = table!("rest");
const DIRECTORY: Table = table!("directory");

/// The table of a part, and its slot there.
fn place(name: PartName) -> Result<(Table, i64)> {
    let directory = |quarter: u32| (DIRECTORY, quarter << DIRECTORY_BITS, DIRECTORY_BITS);
    let (table, base, bits) = match name.kind {
        PartKind::Fold => (FOLD, 0, SLOT_BITS),
        PartKind::Identity => (IDENTITY, 0, SLOT_BITS),
        PartKind::Rest => (REST, 0, SLOT_BITS),
        PartKind::Ids => directory(0),
        PartKind::Tags => directory(1),
        PartKind::Filter => directory(2),
        kind => {
            let message = format_args!("parts of kind {kind:?} are not kept");
            return Err(Error::new(ErrorKind::Unsupported, message));
        }
    };
    if name.number >> bits != 0 || !has_place(name.block) {
        return Err(Error::new(ErrorKind::Unsupported, format_args!("{name} is beyond what the file holds")));
    }
    Ok((table, (name.block << SLOT_BITS | u64::from(base | name.number)) as i64))
}

/// Says whether parts of a block can stand in the tables; beyond, places would be those of other blocks.
fn has_place(block: u64) -> bool {
    block >> (63 - SLOT_BITS) == 0
}

pub(crate) fn put_part(connection: &Connection, part: &Part) -> Result<()> {
    let (table, id) = place(part.name)?;
    let tried = format_args!("write {}", part.name);
    let mut statement = connection.prepare_cached(table.put).at(tried)?;
    statement.execute(params![id, part.bytes]).map(drop).at(tried)
}

pub(crate) fn get_part(connection: &Connection, name: PartName) -> Result<Vec<u8>> {
    let (table, id) = place(name)?;
    let tried = format_args!("read {name}");
    let mut statement = connection.prepare_cached(table.get).at(tried)?;
    let bytes = statement.query_row([id], |row| row.get(0)).optional().at(tried)?;
    bytes.ok_or_else(|| corrupt(format_args!("{tried}: it is missing")))
}

/// The first and the last place of a block's parts.
fn range(block: u64) -> (i64, i64) {
    ((block << SLOT_BITS) as i64, (((block + 1) << SLOT_BITS) - 1) as i64)
}

/// Counts the bytes of a block's parts.
pub(crate) fn count_bytes(connection: &Connection, block: u64) -> Result<u64> {
    let tried = format_args!("count the parts of block {block}");
    let mut bytes = 0;
    for table in [FOLD, IDENTITY, REST, DIRECTORY] {
        let mut statement = connection.prepare_cached(table.count).at(tried)?;
        let counted: i64 = statement.query_row(range(block), |row| row.get(0)).at(tried)?;
        bytes += counted.unsigned_abs();
    }
    Ok(bytes)
}

/// Takes out some parts of a block, at most so many of each table; says whether none is left.
pub(crate) fn drop_some_parts(connection: &Connection, block: u64, most: usize) -> Result<bool> {
    if !has_place(block) {
        // None could be put there.
        return Ok(true);
    }
    let tried = format_args!("take out the parts of block {block}");
    let (first, last) = range(block);
    let mut is_empty = true;
    for table in [FOLD, IDENTITY, REST, DIRECTORY] {
        let mut statement = connection.prepare_cached(table.drop_some).at(tried)?;
        let dropped = statement.execute(params![first, last, most as i64]).at(tried)?;
        is_empty &= dropped < most;
    }
    Ok(is_empty)
}

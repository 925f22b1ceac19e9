//! A page of which the columns that a fold reads are decoded, and the others when somebody looks at them.

use std::ops::Deref;
use std::sync::Arc;

use wayfold_core::{ColumnGroup, ColumnSource, EventBatch, RawBatch, RawColumn};

use crate::column::Wide;
use crate::error::{Error, Result};
use crate::page::{find_ids, read_columns, read_raw, read_rows};
use crate::part::{CHECKSUM_BYTES, HEAD_BYTES, PartName, unframe};

/// The payload of a part whose frame was checked.
struct Payload(Vec<u8>);

impl Payload {
    fn new(name: PartName, framed: Vec<u8>) -> Result<Self> {
        unframe(name, &framed)?;
        Ok(Self(framed))
    }
}

impl Deref for Payload {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0[HEAD_BYTES..self.0.len() - CHECKSUM_BYTES]
    }
}

/// The groups of a page.
struct Groups {
    fold: Payload,
    identity: Payload,
    rest: Payload,
    ids: Wide,
    /// The part that stands for the page in errors.
    name: PartName,
}

impl std::fmt::Debug for Groups {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Groups").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Opens a page from its framed parts.
pub(crate) fn open(names: [PartName; 3], [fold, identity, rest]: [Vec<u8>; 3]) -> Result<EventBatch> {
    let fold = Payload::new(names[0], fold)?;
    let identity = Payload::new(names[1], identity)?;
    let rest = Payload::new(names[2], rest)?;
    let rows = read_rows(&fold).map_err(|error| error.at(names[0]))?;
    let ids = find_ids(&identity, rows).map_err(|error| error.at(names[1]))?;
    let groups = Arc::new(Groups { fold, identity, rest, ids, name: names[0] });
    let fold = read_raw(&[&groups.fold]).map_err(|error| error.at(names[0]))?;
    EventBatch::with_source(fold, groups.clone()).map_err(|error| Error::from(error).at(names[0]))
}

impl ColumnSource for Groups {
    fn id(&self, row: usize) -> u128 {
        self.ids.get(&self.identity, row)
    }

    fn columns(
        &self,
        group: ColumnGroup,
        is_wanted: fn(&str) -> bool,
    ) -> wayfold_core::Result<Vec<RawColumn<'_>>> {
        let payload = match group {
            ColumnGroup::Fold => &self.fold,
            ColumnGroup::Identity => &self.identity,
            ColumnGroup::Rest => &self.rest,
        };
        read_columns(group, payload, is_wanted).map_err(|error| self.malformed(error))
    }

    fn whole(&self) -> wayfold_core::Result<RawBatch<'_>> {
        read_raw(&[&self.fold, &self.identity, &self.rest]).map_err(|error| self.malformed(error))
    }
}

impl Groups {
    fn malformed(&self, error: Error) -> wayfold_core::Error {
        wayfold_core::Error::malformed(error.at(self.name))
    }
}

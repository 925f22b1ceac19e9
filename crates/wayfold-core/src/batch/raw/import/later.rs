//! Columns of a batch that are read apart: first those of the fold, the others when somebody looks at them.

use super::{Importer, RawBatch, RawTexts, names};
use crate::batch::columns::{Columns, NamedColumns};
use crate::batch::later::{ColumnSource, Recorded};
use crate::batch::raw::{ColumnGroup, RawColumn};
use crate::error::Result;

/// What a fold reads of every event; `None` if some are of no kind that this version of the library writes.
pub(in crate::batch) fn fold(raw: RawBatch<'_>) -> Result<Option<Columns>> {
    let mut foreign = Vec::new();
    let mut importer = Importer::new(raw)?;
    let columns = importer.fold(&mut foreign)?;
    importer.end()?;
    Ok(foreign.is_empty().then_some(Columns { texts: importer.texts, ..columns }))
}

pub(in crate::batch) fn recorded(source: &dyn ColumnSource, rows: usize) -> Result<Recorded> {
    let columns = source.columns(ColumnGroup::Identity, |name| name != names::ID)?;
    let (positions, recorded_at) = importer(rows, columns)?.recorded()?;
    Ok(Recorded { positions, recorded_at })
}

/// The fields of kinds that hold no texts.
pub(in crate::batch) fn numbers(source: &dyn ColumnSource, rows: usize) -> Result<NamedColumns> {
    let is_wanted = |name: &str| {
        let (of, rest) = name.split_once('.').unwrap_or_default();
        of == names::FIELDS && !rest.starts_with("text.") && !rest.starts_with("json.")
    };
    let mut columns = Columns::default();
    importer(rows, source.columns(ColumnGroup::Rest, is_wanted)?)?.named(&mut columns)?;
    Ok(columns.fields)
}

fn importer(rows: usize, columns: Vec<RawColumn<'_>>) -> Result<Importer<'_>> {
    Importer::new(RawBatch { rows, texts: RawTexts::default(), columns })
}

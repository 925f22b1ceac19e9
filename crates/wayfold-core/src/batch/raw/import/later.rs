//! Columns of a batch that are read apart: first those of the fold, the others when somebody looks at them.

use super::{Importer, RawBatch, RawTexts, malformed};
use crate::batch::columns::{Columns, NamedColumns};
use crate::batch::later::{ColumnSource, Recorded};
use crate::batch::raw::{RawColumn, is_numeric_field};
use crate::error::Result;

/// What a fold reads of every event; `None` if some are of no kind that this version of the library writes.
pub(in crate::batch) fn fold(raw: RawBatch<'_>) -> Result<Option<Columns>> {
    let mut foreign = Vec::new();
    let mut importer = Importer::new(raw)?;
    importer.columns.retain(|name, _| !is_numeric_field(name));
    let columns = importer.fold(&mut foreign)?;
    importer.end()?;
    Ok(foreign.is_empty().then_some(Columns { texts: importer.texts, ..columns }))
}

pub(in crate::batch) fn recorded(source: &dyn ColumnSource, rows: usize) -> Result<Recorded> {
    let (positions, recorded_at) = importer(rows, source.recorded()?)?.recorded()?;
    Ok(Recorded { positions, recorded_at })
}

/// The fields of kinds that hold no texts.
pub(in crate::batch) fn numbers(source: &dyn ColumnSource, rows: usize) -> Result<NamedColumns> {
    let mut columns = Columns::default();
    importer(rows, source.numbers()?)?.named(&mut columns)?;
    Ok(columns.fields)
}

/// Labels and their texts.
pub(in crate::batch) fn labels(source: &dyn ColumnSource, rows: usize) -> Result<Columns> {
    let (mut columns, mut importer) = (Columns::default(), Importer::new(source.labels()?)?);
    if importer.rows != rows {
        return Err(malformed(format_args!("labels of {} events, and there are {rows}", importer.rows)));
    }
    importer.labels(&mut columns)?;
    importer.named(&mut columns)?;
    Ok(Columns { texts: importer.texts, ..columns })
}

fn importer(rows: usize, columns: Vec<RawColumn<'_>>) -> Result<Importer<'_>> {
    Importer::new(RawBatch { rows, texts: RawTexts::default(), columns })
}

//! Parquet files written column by column, as other programs and damaged ones might.

use std::sync::Arc;

use parquet::basic::Compression;
use parquet::column::writer::ColumnWriter;
use parquet::data_type::{ByteArray, FixedLenByteArray};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;

/// What stands in one optional column.
#[derive(Debug, Clone)]
pub(super) enum Cells {
    Texts(Vec<Option<Vec<u8>>>),
    Integers(Vec<Option<i64>>),
    Decimals(Vec<Option<i128>>),
}

pub(super) fn text(text: &str) -> Cells {
    Cells::Texts(vec![Some(text.into())])
}

pub(super) fn integer(number: i64) -> Cells {
    Cells::Integers(vec![Some(number)])
}

/// A file of flat, optional columns.
#[derive(Debug, Clone)]
pub(super) struct Table(Vec<(&'static str, &'static str, Cells)>);

impl Table {
    /// One row that is an event and has no more than it needs.
    pub(super) fn registered() -> Self {
        Self(Vec::new())
            .with("id", text("00000000-0000-0000-0000-000000000001"))
            .with("customer", text("c1"))
            .with("occurred_at", integer(1_700_000_000_000_000))
            .with("kind", text("registered"))
            .with("schema_version", integer(1))
    }

    /// Puts cells into a column, in the place of those that it has.
    pub(super) fn with(mut self, name: &'static str, cells: Cells) -> Self {
        let annotation = match &cells {
            Cells::Texts(_) => "(STRING)",
            Cells::Integers(_) if name.ends_with("_at") => "(TIMESTAMP(MICROS,true))",
            Cells::Integers(_) => "",
            Cells::Decimals(_) => "(DECIMAL(38,4))",
        };
        match self.0.iter_mut().find(|column| column.0 == name) {
            Some(column) => (column.1, column.2) = (annotation, cells),
            None => self.0.push((name, annotation, cells)),
        }
        self
    }

    pub(super) fn write(&self) -> Vec<u8> {
        let schema: String = self
            .0
            .iter()
            .map(|(name, annotation, cells)| {
                let parquet_type = match cells {
                    Cells::Texts(_) => "binary",
                    Cells::Integers(_) => "int64",
                    Cells::Decimals(_) => "fixed_len_byte_array(16)",
                };
                format!("optional {parquet_type} {name} {annotation};")
            })
            .collect();
        file(&schema, &[], |place, writer| {
            let levels = |present: Vec<bool>| present.into_iter().map(i16::from).collect::<Vec<_>>();
            match (&self.0[place].2, writer) {
                (Cells::Texts(cells), ColumnWriter::ByteArrayColumnWriter(writer)) => {
                    let values: Vec<ByteArray> =
                        cells.iter().flatten().map(|cell| cell.clone().into()).collect();
                    writer.write_batch(
                        &values,
                        Some(&levels(cells.iter().map(Option::is_some).collect())),
                        None,
                    )
                }
                (Cells::Integers(cells), ColumnWriter::Int64ColumnWriter(writer)) => {
                    let values: Vec<i64> = cells.iter().flatten().copied().collect();
                    writer.write_batch(
                        &values,
                        Some(&levels(cells.iter().map(Option::is_some).collect())),
                        None,
                    )
                }
                (Cells::Decimals(cells), ColumnWriter::FixedLenByteArrayColumnWriter(writer)) => {
                    let bytes = |cell: &i128| FixedLenByteArray::from(cell.to_be_bytes().to_vec());
                    let values: Vec<_> = cells.iter().flatten().map(bytes).collect();
                    writer.write_batch(
                        &values,
                        Some(&levels(cells.iter().map(Option::is_some).collect())),
                        None,
                    )
                }
                _ => unreachable!("the schema is made of the cells"),
            }
            .unwrap();
        })
    }
}

/// A file of one row group with columns in Parquet's own language, metadata, and what is written into each column.
pub(super) fn file(
    columns: &str,
    metadata: &[(&str, &str)],
    mut write: impl FnMut(usize, &mut ColumnWriter<'_>),
) -> Vec<u8> {
    let schema = Arc::new(parse_message_type(&format!("message rows {{ {columns} }}")).unwrap());
    let entries = metadata.iter().map(|(key, value)| KeyValue::new((*key).to_owned(), (*value).to_owned()));
    let properties = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .set_key_value_metadata(Some(entries.collect()))
        .build();
    let mut writer = SerializedFileWriter::new(Vec::new(), schema, Arc::new(properties)).unwrap();
    let mut group = writer.next_row_group().unwrap();
    let mut place = 0;
    while let Some(mut column) = group.next_column().unwrap() {
        write(place, column.untyped());
        column.close().unwrap();
        place += 1;
    }
    group.close().unwrap();
    writer.into_inner().unwrap()
}

/// The columns that no file of events lacks, in Parquet's own language.
pub(super) const NEEDED: &str = "optional binary id (STRING); optional binary customer (STRING);
    optional int64 occurred_at (TIMESTAMP(MICROS,true)); optional binary kind (STRING); optional int64 schema_version;";

//! What the columns of a file are, checked before a row is read.

use parquet::basic::{Compression, ConvertedType, LogicalType, TimeUnit, Type as PhysicalType};
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData, RowGroupMetaData};
use parquet::schema::types::ColumnDescriptor;

use super::columns::{self, Form, LISTS};
use super::{FORMAT_KEY, FORMAT_VERSION, SCHEMA_KEY, schema_version};
use crate::error::{Error, ErrorKind, Place, Result};

/// A column of the file that holds values.
#[derive(Debug, Clone)]
pub(super) struct FileColumn {
    /// The name; behind a point the one inside of a list.
    pub(super) name: String,
    pub(super) form: Form,
    pub(super) is_list: bool,
    /// Whether it holds a field of kinds.
    pub(super) is_field: bool,
}

/// The columns of a file in its order.
#[derive(Debug)]
pub(super) struct Layout {
    pub(super) columns: Vec<FileColumn>,
}

/// Without these no row is an event.
const NEEDED: [&str; 5] = ["id", "customer", "occurred_at", "kind", "schema_version"];

/// Without these no line of an order is one.
const NEEDED_IN_LINES: [&str; 2] = ["lines.product", "lines.quantity"];

impl Layout {
    /// Reads the versions and the schema of a file.
    ///
    /// Columns that this version does not know are taken as fields of kinds that it does not know either.
    pub(super) fn of(file: &str, metadata: &ParquetMetaData) -> Result<Self> {
        check_version(file, metadata, FORMAT_KEY, "format", FORMAT_VERSION)?;
        check_version(file, metadata, SCHEMA_KEY, "schema", schema_version())?;
        let known = columns::flat();
        let mut found: Vec<FileColumn> = Vec::new();
        for leaf in metadata.file_metadata().schema_descr().columns() {
            let column = read_column(file, leaf)?;
            let expected = if column.is_list {
                LISTS.iter().find(|known| known.name == column.name).map(|known| known.form)
            } else {
                known.iter().find(|known| known.name == column.name).map(|known| known.form)
            };
            match expected {
                Some(form) if form != column.form => return Err(wrong_type(file, &column.name, form)),
                None if column.is_list => return Err(nested(file, &leaf.path().string())),
                _ if found.iter().any(|other| other.name == column.name) => {
                    return Err(mismatch(file, &column.name, "it stands twice in the file"));
                }
                _ => found.push(column),
            }
        }
        check_compression(file, metadata)?;
        let layout = Self { columns: found };
        let has_lines = layout.columns.iter().any(|column| column.name.starts_with("lines."));
        let needed = NEEDED.iter().chain(NEEDED_IN_LINES.iter().filter(|_| has_lines));
        match needed.into_iter().find(|name| layout.find(name).is_none()) {
            Some(name) => Err(mismatch(file, name, "the file has no such column, so its rows are no events")),
            None => Ok(layout),
        }
    }

    /// The place of a column.
    pub(super) fn find(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column.name == name)
    }
}

fn check_version(file: &str, metadata: &ParquetMetaData, key: &str, what: &str, known: u32) -> Result<()> {
    let entries = metadata.file_metadata().key_value_metadata();
    let entry = entries.into_iter().flatten().find(|entry| entry.key == key);
    // Engines that rewrite a file drop it; then the columns alone say what the file is.
    let Some(text) = entry.and_then(|entry| entry.value.as_ref()) else { return Ok(()) };
    let reason = match text.parse::<u32>() {
        Ok(version) if version <= known => return Ok(()),
        Ok(version) => format!(
            "the file has {what} version {version} ({key}), newer than {known}, the last that this program knows; \
             update the program"
        ),
        Err(_) => format!("{key} in the file's metadata is {text:?}, which is no version"),
    };
    Err(Error::new(ErrorKind::Mismatch, Place::file(file), reason))
}

fn check_compression(file: &str, metadata: &ParquetMetaData) -> Result<()> {
    use Compression::{GZIP, SNAPPY, UNCOMPRESSED, ZSTD};
    let mut columns = metadata.row_groups().iter().flat_map(RowGroupMetaData::columns);
    let is_known = |column: &ColumnChunkMetaData| {
        matches!(column.compression(), UNCOMPRESSED | SNAPPY | GZIP(_) | ZSTD(_))
    };
    match columns.find(|column| !is_known(column)) {
        None => Ok(()),
        Some(column) => {
            let (name, codec) = (column.column_path().string(), column.compression().to_string());
            // The name stands before the level.
            let codec = codec.split('(').next().unwrap_or_default();
            let reason =
                format!("it is compressed with {codec}; write the file anew with zstd, snappy or gzip");
            Err(mismatch(file, &name, &reason))
        }
    }
}

fn read_column(file: &str, leaf: &ColumnDescriptor) -> Result<FileColumn> {
    let parts = leaf.path().parts();
    let is_list = leaf.max_rep_level() == 1 && parts.len() > 1;
    let name = match (parts, is_list) {
        ([name], false) if leaf.max_rep_level() == 0 => name.clone(),
        ([list, ..], true) if list == "tags" => list.clone(),
        ([list, .., last], true) if list == "lines" => format!("{list}.{last}"),
        _ => return Err(nested(file, &leaf.path().string())),
    };
    let form = read_form(leaf).ok_or_else(|| {
        let known = columns::flat().into_iter().map(|known| (known.name, known.form));
        let lists = LISTS.iter().map(|known| (known.name.to_owned(), known.form));
        match known.chain(lists).find(|(known, _)| *known == name) {
            Some((_, form)) => wrong_type(file, &name, form),
            None => mismatch(file, &name, "no field of an event is of its type; drop it or cast it"),
        }
    })?;
    let is_field = !is_list && columns::is_field(&name);
    Ok(FileColumn { name, form, is_list, is_field })
}

/// The form of a type; `None` if no column has it.
fn read_form(leaf: &ColumnDescriptor) -> Option<Form> {
    let (logical, converted) = (leaf.logical_type_ref(), leaf.converted_type());
    let is_decimal =
        matches!(logical, Some(LogicalType::Decimal { .. })) || converted == ConvertedType::DECIMAL;
    if is_decimal {
        return (leaf.type_scale() == 4).then_some(Form::Decimal);
    }
    match (leaf.physical_type(), logical) {
        (PhysicalType::BOOLEAN, _) => Some(Form::Boolean),
        (PhysicalType::BYTE_ARRAY, Some(LogicalType::String | LogicalType::Json | LogicalType::Enum)) => {
            Some(Form::Text)
        }
        (PhysicalType::BYTE_ARRAY, None) => {
            let texts = [ConvertedType::UTF8, ConvertedType::JSON, ConvertedType::ENUM];
            texts.contains(&converted).then_some(Form::Text)
        }
        (PhysicalType::INT64, Some(LogicalType::Timestamp(stamp))) => {
            (stamp.is_adjusted_to_u_t_c && stamp.unit == TimeUnit::MICROS).then_some(Form::Time)
        }
        (PhysicalType::INT64, None) if converted == ConvertedType::TIMESTAMP_MICROS => Some(Form::Time),
        (PhysicalType::INT32 | PhysicalType::INT64, Some(LogicalType::Integer(integer))) => {
            integer.is_signed.then_some(Form::Integer)
        }
        (PhysicalType::INT32 | PhysicalType::INT64, None) => {
            let signed = [
                ConvertedType::NONE,
                ConvertedType::INT_8,
                ConvertedType::INT_16,
                ConvertedType::INT_32,
                ConvertedType::INT_64,
            ];
            signed.contains(&converted).then_some(Form::Integer)
        }
        _ => None,
    }
}

fn wrong_type(file: &str, column: &str, form: Form) -> Error {
    mismatch(file, column, &format!("it is of another type; it holds {}", form.as_str()))
}

fn nested(file: &str, column: &str) -> Error {
    mismatch(file, column, "it is nested in a way that no column of events is; drop it")
}

fn mismatch(file: &str, column: &str, reason: &str) -> Error {
    let place = Place { column: Some(column.to_owned()), ..Place::file(file) };
    Error::new(ErrorKind::Mismatch, place, reason)
}

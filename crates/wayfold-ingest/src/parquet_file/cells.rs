//! Batches as the cells of columns: values, and levels that say which rows have one.

use std::collections::HashMap;

use bytes::Bytes;
use parquet::column::writer::ColumnWriter;
use parquet::data_type::{ByteArray, FixedLenByteArray};
use uuid::Uuid;
use wayfold_core::{EventBatch, LineView, RawColumn, RawValues};

use super::columns::{Column, Form, ListColumn, Origin};

/// A batch with its raw columns by name.
pub(super) struct Source<'a> {
    batch: &'a EventBatch,
    texts: Bytes,
    ends: Vec<u32>,
    columns: HashMap<String, RawColumn<'a>>,
}

/// The values of a column that are there, in the order of the rows.
enum Values {
    Texts(Vec<ByteArray>),
    Integers(Vec<i64>),
    Booleans(Vec<bool>),
    Decimals(Vec<FixedLenByteArray>),
}

/// A part of a column, as its writer takes it.
pub(super) struct Cells {
    values: Values,
    definitions: Option<Vec<i16>>,
    repetitions: Option<Vec<i16>>,
}

impl Cells {
    pub(super) fn write(&self, writer: &mut ColumnWriter<'_>) -> parquet::errors::Result<usize> {
        let (definitions, repetitions) = (self.definitions.as_deref(), self.repetitions.as_deref());
        match (writer, &self.values) {
            (ColumnWriter::ByteArrayColumnWriter(writer), Values::Texts(values)) => {
                writer.write_batch(values, definitions, repetitions)
            }
            (ColumnWriter::Int64ColumnWriter(writer), Values::Integers(values)) => {
                writer.write_batch(values, definitions, repetitions)
            }
            (ColumnWriter::BoolColumnWriter(writer), Values::Booleans(values)) => {
                writer.write_batch(values, definitions, repetitions)
            }
            (ColumnWriter::FixedLenByteArrayColumnWriter(writer), Values::Decimals(values)) => {
                writer.write_batch(values, definitions, repetitions)
            }
            _ => unreachable!("the schema is made of the forms of the columns"),
        }
    }
}

impl<'a> Source<'a> {
    pub(super) fn new(batch: &'a EventBatch) -> Self {
        let raw = batch.to_raw();
        Self {
            batch,
            texts: Bytes::from(raw.texts.bytes.into_owned()),
            ends: raw.texts.ends.into_owned(),
            columns: raw
                .columns
                .into_iter()
                .map(|column| (column.name.clone().into_owned(), column))
                .collect(),
        }
    }

    /// The cells of a flat column.
    pub(super) fn flat(&self, column: &Column) -> Cells {
        let (values, present) = match &column.origin {
            Origin::View(text) => {
                let texts: Vec<_> = self.batch.iter().map(|event| text(&event)).collect();
                let present = texts.iter().map(|text| i16::from(text.is_some())).collect();
                (Values::Texts(texts.into_iter().flatten().map(|text| text_of(&text)).collect()), present)
            }
            Origin::SchemaVersion => {
                let versions = self.batch.iter().map(|event| i64::from(event.schema_version()));
                (Values::Integers(versions.collect()), Vec::new())
            }
            Origin::Raw(name) => match self.columns.get(name) {
                Some(raw) => (self.values(column.form, &raw.values), self.present(raw)),
                // A raw column is left out where all its numbers are zero, or all its values absent.
                None if column.is_required => (Values::Integers(vec![0; self.batch.len()]), Vec::new()),
                None => (none(column.form), vec![0; self.batch.len()]),
            },
        };
        let definitions = (!column.is_required).then_some(present);
        Cells { values, definitions, repetitions: None }
    }

    fn present(&self, raw: &RawColumn<'_>) -> Vec<i16> {
        let Some(rows) = &raw.rows else { return vec![1; self.batch.len()] };
        let mut present = vec![0; self.batch.len()];
        rows.iter().for_each(|row| present[*row as usize] = 1);
        present
    }

    fn values(&self, form: Form, raw: &RawValues<'_>) -> Values {
        match (form, raw) {
            (Form::Boolean, RawValues::Integers(values)) => {
                Values::Booleans(values.iter().map(|value| *value != 0).collect())
            }
            (Form::Decimal, RawValues::Integers(values)) => {
                Values::Decimals(values.iter().map(|value| decimal_of(*value)).collect())
            }
            (Form::Text, RawValues::Integers(codes)) => {
                Values::Texts(codes.iter().map(|code| currency_of(*code)).collect())
            }
            (_, RawValues::Integers(values)) => Values::Integers(values.to_vec()),
            (_, RawValues::Packed(packed)) => self.values(form, &RawValues::Integers(packed.to_vec().into())),
            (_, RawValues::Wide(ids)) => {
                let text = |id: &u128| text_of(&Uuid::from_u128(*id).to_string());
                Values::Texts(ids.iter().map(text).collect())
            }
            (_, RawValues::Texts(numbers)) => {
                Values::Texts(numbers.iter().map(|number| self.text(*number as usize)).collect())
            }
        }
    }

    /// A text of the batch, without a copy.
    fn text(&self, number: usize) -> ByteArray {
        let start = if number == 0 { 0 } else { self.ends[number - 1] as usize };
        self.texts.slice(start..self.ends[number] as usize).into()
    }

    /// The cells of a column inside of a list.
    pub(super) fn list(&self, column: &ListColumn) -> Cells {
        if column.name == "tags" {
            let tags = self.batch.iter().flat_map(|event| event.tags().map(text_of).collect::<Vec<_>>());
            let values = Values::Texts(tags.collect());
            let counts = self.batch.iter().map(|event| vec![true; event.tags().count()]);
            return in_list(values, counts, 1);
        }
        let lines: Vec<Vec<LineView<'_>>> = self.batch.iter().map(|event| event.lines().collect()).collect();
        let all = || lines.iter().flatten();
        let price = |line: &LineView<'_>| match column.name {
            "lines.list" => line.list(),
            "lines.paid" => line.paid(),
            _ => line.cost(),
        };
        match column.name {
            "lines.product" => {
                let products = all().map(|line| text_of(line.product())).collect();
                in_list(Values::Texts(products), lines.iter().map(|lines| vec![true; lines.len()]), 2)
            }
            "lines.quantity" => {
                let quantities = all().map(LineView::quantity).collect();
                in_list(Values::Integers(quantities), lines.iter().map(|lines| vec![true; lines.len()]), 2)
            }
            _ => {
                let prices =
                    all().filter_map(price).map(|price| decimal_of(price.as_ten_thousandths())).collect();
                let present =
                    |lines: &Vec<LineView<'_>>| lines.iter().map(|line| price(line).is_some()).collect();
                in_list(Values::Decimals(prices), lines.iter().map(present), 3)
            }
        }
    }
}

/// The levels of a list's values: for each row, which of its elements have one. An element without one, if that is
/// possible, is defined one level less; a row without elements is defined at level 0.
fn in_list(values: Values, rows: impl Iterator<Item = Vec<bool>>, level_max: i16) -> Cells {
    let (mut definitions, mut repetitions) = (Vec::new(), Vec::new());
    for elements in rows {
        if elements.is_empty() {
            definitions.push(0);
            repetitions.push(0);
        }
        for (place, is_present) in elements.into_iter().enumerate() {
            definitions.push(if is_present { level_max } else { level_max - 1 });
            repetitions.push(i16::from(place > 0));
        }
    }
    Cells { values, definitions: Some(definitions), repetitions: Some(repetitions) }
}

fn none(form: Form) -> Values {
    match form {
        Form::Text => Values::Texts(Vec::new()),
        Form::Integer | Form::Time => Values::Integers(Vec::new()),
        Form::Boolean => Values::Booleans(Vec::new()),
        Form::Decimal => Values::Decimals(Vec::new()),
    }
}

fn text_of(text: &str) -> ByteArray {
    text.as_bytes().to_vec().into()
}

/// Ten-thousandths as the nine big-endian bytes of a decimal.
fn decimal_of(ten_thousandths: i64) -> FixedLenByteArray {
    let bytes = i128::from(ten_thousandths).to_be_bytes();
    bytes[bytes.len() - 9..].to_vec().into()
}

/// The three letters of a currency, which a batch holds as a number.
fn currency_of(code: i64) -> ByteArray {
    code.to_be_bytes()[5..].to_vec().into()
}

//! The cells of one row, in the types that events have.

use std::collections::BTreeSet;
use std::ops::Range;

use parquet::data_type::ByteArray;
use uuid::Uuid;
use wayfold_core::{Amount, Currency, Error as CoreError, EventId, Money, OrderLine, Tag, Timestamp};

use super::read::{Rows, Values};
use crate::error::Problem;
use crate::row::{ColumnId, Fault};

pub(super) type Result<T> = std::result::Result<T, Fault>;

/// A row; a column that the file does not have is empty in it.
#[derive(Clone, Copy)]
pub(super) struct Row<'a> {
    rows: &'a Rows,
    row: usize,
}

impl<'a> Row<'a> {
    pub(super) fn new(rows: &'a Rows, row: usize) -> Self {
        Self { rows, row }
    }

    pub(super) fn has(self, column: Option<usize>) -> bool {
        column.is_some_and(|column| self.rows.parts[column].values.has(self.row))
    }

    pub(super) fn text(self, column: Option<usize>) -> Result<Option<&'a str>> {
        let Some(place) = column else { return Ok(None) };
        self.text_at(place, self.row)
    }

    fn text_at(self, column: usize, place: usize) -> Result<Option<&'a str>> {
        match self.values(column) {
            Values::Texts(values) => values[place].as_ref().map(|text| self.utf8(column, text)).transpose(),
            _ => Ok(None),
        }
    }

    fn utf8(self, column: usize, text: &'a ByteArray) -> Result<&'a str> {
        let reason = "it is not UTF-8; write UTF-8";
        std::str::from_utf8(text.data()).map_err(|_| self.fault(Some(column), Problem::Encoding, reason))
    }

    pub(super) fn owned(self, column: Option<usize>) -> Result<Option<String>> {
        Ok(self.text(column)?.map(str::to_owned))
    }

    /// A text in the type that a function of the core makes of it.
    pub(super) fn parse<T>(
        self,
        column: Option<usize>,
        parse: impl Fn(&'a str) -> wayfold_core::Result<T>,
    ) -> Result<Option<T>> {
        let read = |text| parse(text).map_err(|error| Fault::core(column.map(ColumnId), text, &error));
        self.text(column)?.map(read).transpose()
    }

    pub(super) fn uuid(self, column: Option<usize>) -> Result<Option<Uuid>> {
        let read = |text| {
            let reason = "is no id; write a UUID such as 00000000-0000-0000-0000-000000000001";
            Uuid::parse_str(text)
                .map_err(|_| Fault::cell(Problem::Malformed, column.map(ColumnId), text, reason))
        };
        self.text(column)?.map(read).transpose()
    }

    pub(super) fn id(self, column: Option<usize>) -> Result<Option<EventId>> {
        Ok(self.uuid(column)?.map(|id| EventId::from_u128(id.as_u128())))
    }

    fn integer(self, column: Option<usize>) -> Option<i64> {
        match self.values(column?) {
            Values::Integers(values) => values[self.row],
            _ => None,
        }
    }

    pub(super) fn number<T: TryFrom<i64>>(self, column: Option<usize>) -> Result<Option<T>> {
        let read = |number: i64| {
            T::try_from(number).map_err(|_| {
                let reason = "is beyond what the field holds";
                Fault::cell(Problem::Number, column.map(ColumnId), &number.to_string(), reason)
            })
        };
        self.integer(column).map(read).transpose()
    }

    pub(super) fn boolean(self, column: Option<usize>) -> Option<bool> {
        match self.values(column?) {
            Values::Booleans(values) => values[self.row],
            _ => None,
        }
    }

    pub(super) fn time(self, column: Option<usize>) -> Result<Option<Timestamp>> {
        let read = |micros| {
            Timestamp::from_micros(micros)
                .map_err(|error| Fault::core(column.map(ColumnId), &micros.to_string(), &error))
        };
        self.integer(column).map(read).transpose()
    }

    pub(super) fn amount(self, column: Option<usize>) -> Result<Option<Amount>> {
        let Some(place) = column else { return Ok(None) };
        self.amount_at(place, self.row)
    }

    fn amount_at(self, column: usize, place: usize) -> Result<Option<Amount>> {
        let Values::Decimals(values) = self.values(column) else { return Ok(None) };
        let read = |number: i128| {
            let number = i64::try_from(number).map_err(|_| {
                let reason = "ten-thousandths are beyond what an amount holds";
                Fault::cell(Problem::Money, Some(ColumnId(column)), &number.to_string(), reason)
            })?;
            Ok(Amount::from_ten_thousandths(number))
        };
        values[place].map(read).transpose()
    }

    /// An amount with its currency; one without the other is a fault.
    pub(super) fn money(self, column: Option<usize>, currency: Option<usize>) -> Result<Option<Money>> {
        match (self.amount(column)?, self.parse(currency, Currency::new)?) {
            (None, None) => Ok(None),
            (Some(amount), Some(currency)) => Ok(Some(Money::new(amount, currency))),
            (Some(_), None) => {
                let place = currency.or(column);
                Err(self.fault(place, Problem::MissingValue, "the amount has no currency; fill it in"))
            }
            (None, Some(_)) => {
                let place = column.or(currency);
                Err(self.fault(place, Problem::MissingValue, "the currency has no amount; fill it in"))
            }
        }
    }

    /// Where the elements of a list stand.
    pub(super) fn range(self, column: usize) -> Range<usize> {
        let ends = &self.rows.parts[column].ends;
        let start = if self.row == 0 { 0 } else { ends[self.row - 1] };
        start..ends[self.row]
    }

    pub(super) fn tags(self, column: Option<usize>) -> Result<BTreeSet<Tag>> {
        let Some(column) = column else { return Ok(BTreeSet::new()) };
        let read = |place| {
            let text = self.needed(Some(column), self.text_at(column, place)?)?;
            Tag::parse(text).map_err(|error| Fault::core(Some(ColumnId(column)), text, &error))
        };
        self.range(column).map(read).collect()
    }

    /// The lines of the row; columns are product, quantity, list, paid and cost.
    pub(super) fn lines(self, columns: [Option<usize>; 5]) -> Result<Vec<OrderLine>> {
        let [product, quantity, list, paid, cost] = columns;
        let Some(first) = product else { return Ok(Vec::new()) };
        let range = self.range(first);
        if let Some(other) = columns.into_iter().flatten().find(|column| self.range(*column) != range) {
            let reason = "it has another number of lines than the products";
            return Err(self.fault(Some(other), Problem::Contradiction, reason));
        }
        let price = |column: Option<usize>, place| match column {
            Some(column) => self.amount_at(column, place),
            None => Ok(None),
        };
        let line = |place| {
            let quantity_of = |column| match self.values(column) {
                Values::Integers(values) => values[place],
                _ => None,
            };
            Ok(OrderLine {
                product: self.needed(product, self.text_at(first, place)?)?.to_owned(),
                quantity: self.needed(quantity, quantity.and_then(quantity_of))?,
                list: price(list, place)?,
                paid: price(paid, place)?,
                cost: price(cost, place)?,
            })
        };
        range.map(line).collect()
    }

    /// A value that no event lacks.
    pub(super) fn needed<T>(self, column: Option<usize>, value: Option<T>) -> Result<T> {
        value.ok_or_else(|| self.fault(column, Problem::MissingValue, "it is empty; fill it in"))
    }

    /// A fault of a cell, with the text that stands in it.
    pub(super) fn fault(self, column: Option<usize>, problem: Problem, reason: &str) -> Fault {
        Fault { column: column.map(ColumnId), value: self.shown(column), ..Fault::new(problem, reason) }
    }

    /// Takes over what the core says about a cell.
    pub(super) fn core(self, column: Option<usize>, error: &CoreError) -> Fault {
        Fault::core(column.map(ColumnId), &self.shown(column).unwrap_or_default(), error)
    }

    fn shown(self, column: Option<usize>) -> Option<String> {
        let part = &self.rows.parts[column?];
        match &part.values {
            Values::Texts(values) if part.ends.is_empty() => {
                values[self.row].as_ref().map(|text| String::from_utf8_lossy(text.data()).into_owned())
            }
            _ => None,
        }
    }

    fn values(self, column: usize) -> &'a Values {
        &self.rows.parts[column].values
    }
}

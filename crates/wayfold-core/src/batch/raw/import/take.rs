//! Columns taken out by name, in the shape that is asked for.

use std::borrow::Cow;
use std::ops::RangeInclusive;

use super::{INSTANTS, Importer, RawColumn, RawValues, bad, no_instant};
use crate::batch::columns::{NONE_BYTE, Sparse};
use crate::currency::Currency;
use crate::error::{Error, Result};
use crate::key::{NAME_BYTES_MAX, check_name};
use crate::money::{Amount, Money};

const NOT_EVERY: &str = "it does not hold a whole number for every row";

impl<'a> Importer<'a> {
    pub(super) fn moneys(&mut self, amounts: &str, currencies: &str) -> Result<Sparse<Money>> {
        let values = self.some_integers(amounts, self.rows)?;
        let codes = self.some_integers(currencies, self.rows)?;
        if values.values().len() != codes.values().len() {
            return Err(bad(currencies, "it is not as long as the amounts"));
        }
        if values.rows() != codes.rows() {
            return Err(bad(currencies, "it has other rows than the amounts"));
        }
        let mut known: Option<(i64, Currency)> = None;
        let mut moneys = Vec::with_capacity(codes.values().len());
        for (amount, code) in values.values().iter().zip(codes.values()) {
            let currency = match known {
                Some((last, currency)) if last == *code => currency,
                _ => read_currency(currencies, *code)?,
            };
            known = Some((*code, currency));
            moneys.push(Money::new(Amount::from_ten_thousandths(*amount), currency));
        }
        let (rows, _) = values.into_parts();
        Ok(Sparse::from_parts(rows, moneys))
    }

    pub(super) fn words(&mut self, name: &str, parse: impl Fn(&str) -> Result<u8>) -> Result<Vec<u8>> {
        let mut bytes = vec![NONE_BYTE; self.rows];
        let mut known: Vec<(u32, u8)> = Vec::new();
        for (row, number) in self.some_texts(name)?.iter() {
            let byte = match known.iter().find(|(text, _)| *text == number) {
                Some((_, byte)) => *byte,
                None => {
                    let byte = parse(self.texts.get(number)).map_err(|error| bad(name, error))?;
                    known.push((number, byte));
                    byte
                }
            };
            bytes[row as usize] = byte;
        }
        Ok(bytes)
    }

    #[inline]
    pub(super) fn check_name(&self, column: &str, number: u32) -> Result<()> {
        match self.texts.length(number) {
            1..=NAME_BYTES_MAX => Ok(()),
            _ => check_name("name", self.texts.get(number)).map_err(|error| bad(column, error)),
        }
    }

    /// A whole number of a range for every row, in another form.
    pub(super) fn every<T: Clone>(
        &mut self,
        name: &str,
        range: &RangeInclusive<i64>,
        form: impl Fn(i64) -> T,
    ) -> Result<Option<Vec<T>>> {
        self.every_or(name, range, form, |value| bad(name, format_args!("{value} is out of range")))
    }

    pub(super) fn every_instant(&mut self, name: &str) -> Result<Option<Vec<i64>>> {
        self.every_or(name, &INSTANTS, |micros| micros, |micros| no_instant(name, micros))
    }

    fn every_or<T: Clone>(
        &mut self,
        name: &str,
        range: &RangeInclusive<i64>,
        form: impl Fn(i64) -> T,
        outside: impl Fn(i64) -> Error,
    ) -> Result<Option<Vec<T>>> {
        let Some(values) = self.whole(name)? else { return Ok(None) };
        self.mapped(name, &values, range, form)?.map(Some).map_err(outside)
    }

    /// A whole number of a range for every row, in another form; the inner error is one that is outside.
    pub(super) fn mapped<T: Clone>(
        &self,
        name: &str,
        values: &RawValues<'_>,
        range: &RangeInclusive<i64>,
        form: impl Fn(i64) -> T,
    ) -> Result<std::result::Result<Vec<T>, i64>> {
        if values.len() != self.rows {
            return Err(bad(name, NOT_EVERY));
        }
        match values {
            RawValues::Integers(values) => Ok(match out_of_range(values, range) {
                None => Ok(values.iter().map(|value| form(*value)).collect()),
                Some(value) => Err(value),
            }),
            RawValues::Packed(packed) => Ok(packed.map_of(range, form)),
            _ => Err(bad(name, NOT_EVERY)),
        }
    }

    /// What a table says of each whole number, which is a place in it; the inner error is one beyond it.
    pub(super) fn looked_up<T: Copy>(
        &self,
        name: &str,
        values: &RawValues<'_>,
        table: &[T],
    ) -> Result<std::result::Result<Vec<T>, i64>> {
        match values {
            RawValues::Packed(packed) if packed.len() == self.rows => Ok(packed.look_up(table)),
            _ => self.mapped(name, values, &(0..=table.len() as i64 - 1), |place| table[place as usize]),
        }
    }

    pub(super) fn every_or_zero<T>(&mut self, name: &str, range: RangeInclusive<i64>) -> Result<Vec<T>>
    where
        T: Copy + Default + TryFrom<i64>,
    {
        let values = self.every(name, &range, |value| T::try_from(value).unwrap_or_default())?;
        Ok(values.unwrap_or_else(|| vec![T::default(); self.rows]))
    }

    pub(super) fn every_wide(&mut self, name: &str) -> Result<Option<Vec<u128>>> {
        match self.whole(name)? {
            None => Ok(None),
            Some(RawValues::Wide(values)) if values.len() == self.rows => Ok(Some(values.into_owned())),
            Some(_) => Err(bad(name, "it does not hold an id for every row")),
        }
    }

    /// A column of a table that is as long as it is.
    pub(super) fn table_integers(&mut self, name: &str) -> Result<Vec<i64>> {
        match self.whole(name)? {
            None => Ok(Vec::new()),
            Some(RawValues::Integers(values)) => Ok(values.into_owned()),
            Some(RawValues::Packed(packed)) => Ok(packed.to_vec()),
            Some(_) => Err(bad(name, "it does not hold whole numbers")),
        }
    }

    pub(super) fn table_texts(&mut self, name: &str) -> Result<Vec<u32>> {
        match self.whole(name)? {
            None => Ok(Vec::new()),
            Some(RawValues::Texts(values)) => self.check_texts(name, &values).map(|()| values.into_owned()),
            Some(_) => Err(bad(name, "it does not hold texts")),
        }
    }

    /// A column that has to have a value in every row.
    pub(super) fn whole(&mut self, name: &str) -> Result<Option<RawValues<'a>>> {
        match self.columns.remove(name) {
            None => Ok(None),
            Some(RawColumn { rows: None, values, .. }) => Ok(Some(values)),
            Some(_) => Err(bad(name, "it lacks rows")),
        }
    }

    pub(super) fn some_integers(&mut self, name: &str, all: usize) -> Result<Sparse<i64>> {
        match self.columns.remove(name) {
            None => Ok(Sparse::default()),
            Some(RawColumn { rows, values: RawValues::Integers(values), .. }) => {
                some(name, rows, values.into_owned(), all)
            }
            Some(RawColumn { rows, values: RawValues::Packed(packed), .. }) => {
                some(name, rows, packed.to_vec(), all)
            }
            Some(_) => Err(bad(name, "it does not hold whole numbers")),
        }
    }

    pub(super) fn some_wide(&mut self, name: &str) -> Result<Sparse<u128>> {
        match self.columns.remove(name) {
            None => Ok(Sparse::default()),
            Some(RawColumn { rows, values: RawValues::Wide(values), .. }) => {
                some(name, rows, values.into_owned(), self.rows)
            }
            Some(_) => Err(bad(name, "it does not hold ids")),
        }
    }

    pub(super) fn some_texts(&mut self, name: &str) -> Result<Sparse<u32>> {
        match self.columns.remove(name) {
            None => Ok(Sparse::default()),
            Some(RawColumn { rows, values: RawValues::Texts(values), .. }) => {
                self.check_texts(name, &values)?;
                some(name, rows, values.into_owned(), self.rows)
            }
            Some(_) => Err(bad(name, "it does not hold texts")),
        }
    }

    fn check_texts(&self, name: &str, numbers: &[u32]) -> Result<()> {
        match numbers.iter().max() {
            Some(number) if *number as usize >= self.texts.len() => {
                Err(bad(name, format_args!("text {number} of {}", self.texts.len())))
            }
            _ => Ok(()),
        }
    }
}

fn some<T: Copy>(name: &str, rows: Option<Cow<'_, [u32]>>, values: Vec<T>, all: usize) -> Result<Sparse<T>> {
    let last = match &rows {
        Some(rows) => rows.last().map_or(0, |last| *last as usize + 1),
        None => values.len(),
    };
    match rows {
        None if values.len() == all => Ok(Sparse::from_parts((0..all as u32).collect(), values)),
        Some(rows) if last <= all => Ok(Sparse::from_parts(rows.into_owned(), values)),
        _ => Err(bad(name, format_args!("it reaches row {last} of {all}"))),
    }
}

/// A value outside of a range, if there is one: the least or the most of them.
pub(super) fn out_of_range(values: &[i64], range: &RangeInclusive<i64>) -> Option<i64> {
    let (least, most) = values
        .iter()
        .fold((i64::MAX, i64::MIN), |(least, most), value| (least.min(*value), most.max(*value)));
    let is_out = |value: &i64| !values.is_empty() && !range.contains(value);
    Some(least).filter(is_out).or(Some(most).filter(is_out))
}

pub(super) fn check_rows(column: &RawColumn<'_>) -> Result<()> {
    match &column.rows {
        Some(rows) if rows.len() != column.values.len() => {
            Err(bad(&column.name, format_args!("{} rows and {} values", rows.len(), column.values.len())))
        }
        Some(rows) if !rows.is_sorted_by(|a, b| a < b) => Err(bad(&column.name, "its rows do not grow")),
        _ => Ok(()),
    }
}

fn read_currency(name: &str, code: i64) -> Result<Currency> {
    let wrong = || bad(name, format_args!("{code} is no currency"));
    let letters = u32::try_from(code).map_err(|_| wrong())?.to_be_bytes();
    let text = std::str::from_utf8(&letters).map_err(|_| wrong())?;
    Currency::new(text.trim_start_matches('\0')).map_err(|_| wrong())
}

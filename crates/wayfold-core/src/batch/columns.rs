//! The columns of a batch: dense where every event or a fold reads them, sparse elsewhere.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::OnceLock;

use super::later::Later;
use crate::error::{Error, ErrorKind, Result};
use crate::event::{EventKind, Extent};
use crate::key::{CustomerId, CustomerKey, Position, Tenant};
use crate::money::Money;
use crate::time::Timestamp;

/// Stands for "no text" and "no value" in dense columns of numbers.
pub(crate) const NONE: u32 = u32::MAX;
/// Stands for "no value" in dense columns of bytes.
pub(crate) const NONE_BYTE: u8 = u8::MAX;

/// The texts of a batch, each once, by number.
#[derive(Debug, Clone, Default)]
pub(crate) struct Texts {
    pub(super) bytes: String,
    pub(super) ends: Vec<u32>,
}

impl Texts {
    #[inline]
    pub(crate) fn get(&self, number: u32) -> &str {
        let number = number as usize;
        let start = if number == 0 { 0 } else { self.ends[number - 1] as usize };
        &self.bytes[start..self.ends[number] as usize]
    }

    /// How many bytes the text with a number has.
    #[inline]
    pub(super) fn length(&self, number: u32) -> usize {
        let start = number.checked_sub(1).map_or(0, |before| self.ends[before as usize]);
        (self.ends[number as usize] - start) as usize
    }

    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    /// Adds a text behind the others.
    pub(super) fn add(&mut self, text: &str) -> Result<u32> {
        let full = || Error::new(ErrorKind::LimitExceeded, "a batch holds less than 4 GiB of text");
        let end = u32::try_from(self.bytes.len() + text.len()).map_err(|_| full())?;
        self.bytes.push_str(text);
        self.ends.push(end);
        Ok(self.ends.len() as u32 - 1)
    }
}

/// A text of each row that has one, where most batches have none: rows behind the last that has one are left out.
#[derive(Debug, Clone, Default)]
pub(crate) struct RareTexts(Vec<u32>);

impl RareTexts {
    /// Takes rows that grow, and a text for each.
    pub(super) fn from_parts(rows: &[u32], texts: Vec<u32>) -> Self {
        let length = rows.last().map_or(0, |last| *last as usize + 1);
        if length == texts.len() {
            return Self(texts);
        }
        let mut all = vec![NONE; length];
        rows.iter().zip(texts).for_each(|(row, text)| all[*row as usize] = text);
        Self(all)
    }

    /// Puts the text of a row behind all rows that have one.
    pub(super) fn push(&mut self, row: u32, text: u32) {
        self.0.resize(row as usize, NONE);
        self.0.push(text);
    }

    #[inline]
    pub(crate) fn get(&self, row: usize) -> Option<u32> {
        self.0.get(row).copied().filter(|text| *text != NONE)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Values of a few rows, in the order of the rows.
#[derive(Debug, Clone)]
pub(crate) struct Sparse<T> {
    rows: Vec<u32>,
    values: Vec<T>,
}

impl<T> Default for Sparse<T> {
    fn default() -> Self {
        Self { rows: Vec::new(), values: Vec::new() }
    }
}

impl<T: Copy> Sparse<T> {
    /// Adds the value of a row behind all rows that have one.
    pub(super) fn push(&mut self, row: u32, value: T) {
        self.rows.push(row);
        self.values.push(value);
    }

    /// Takes rows that each have one value, in any order.
    pub(super) fn from_unsorted(mut found: Vec<(u32, T)>) -> Self {
        if !found.is_sorted_by_key(|(row, _)| *row) {
            found.sort_unstable_by_key(|(row, _)| *row);
        }
        let (rows, values) = found.into_iter().unzip();
        Self { rows, values }
    }

    /// Calls with the new row and the value of each picked row that has one; picks are in the order of the rows.
    pub(super) fn join(&self, picks: &[(u32, u32)], mut take: impl FnMut(u32, T)) {
        let Some((first, _)) = picks.first() else { return };
        let mut place = self.rows.partition_point(|row| row < first);
        // Where few of many rows are picked, looking each up is cheaper than walking along.
        let walks = picks.len() * 8 >= self.rows.len() - place;
        for (row, new) in picks {
            if walks {
                while self.rows.get(place).is_some_and(|known| known < row) {
                    place += 1;
                }
            } else {
                place += self.rows[place..].partition_point(|known| known < row);
            }
            if self.rows.get(place) == Some(row) {
                take(*new, self.values[place]);
            }
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The rows that have a value.
    pub(super) fn rows(&self) -> &[u32] {
        &self.rows
    }

    /// The values of these rows.
    pub(super) fn values(&self) -> &[T] {
        &self.values
    }

    /// Takes rows that grow, and a value for each.
    pub(super) fn from_parts(rows: Vec<u32>, values: Vec<T>) -> Self {
        Self { rows, values }
    }

    /// The rows and their values.
    pub(super) fn into_parts(self) -> (Vec<u32>, Vec<T>) {
        (self.rows, self.values)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (u32, T)> {
        self.rows.iter().copied().zip(self.values.iter().copied())
    }

    #[inline]
    pub(crate) fn get(&self, row: u32) -> Option<T> {
        self.rows.binary_search(&row).ok().map(|place| self.values[place])
    }
}

/// Values of many rows: found at once, by a bitmap of the rows and the count before each of its words. It costs
/// a quarter of a byte for every row of the batch, so it is for columns of which there is one.
#[derive(Debug, Clone)]
pub(crate) struct Indexed<T> {
    /// Which of 64 rows have a value, and how many rows before them have.
    words: Vec<(u64, u32)>,
    values: Vec<T>,
}

impl<T> Default for Indexed<T> {
    fn default() -> Self {
        Self { words: Vec::new(), values: Vec::new() }
    }
}

impl<T: Copy> Indexed<T> {
    /// Adds the value of a row behind all rows that have one.
    pub(super) fn push(&mut self, row: u32, value: T) {
        let before = self.values.len() as u32;
        self.words.resize(row as usize / 64 + 1, (0, before));
        if let Some((bits, _)) = self.words.last_mut() {
            *bits |= 1 << (row % 64);
        }
        self.values.push(value);
    }

    /// Takes rows that grow, and a value for each.
    pub(super) fn from_parts(rows: &[u32], values: Vec<T>) -> Self {
        let (words, _) = words([rows]);
        Self { words, values }
    }

    /// A value for each row of any of several lists, each of which grows.
    pub(super) fn of_rows<const N: usize>(lists: [&[u32]; N], value: T) -> Self {
        let (words, total) = words(lists);
        Self { words, values: vec![value; total as usize] }
    }

    /// The place of the value of each row, up to the last row that has one.
    fn places(&self) -> Vec<u32> {
        let mut places = vec![0; self.words.len() * 64];
        for (place, row) in (0..).zip(self.rows()) {
            places[row as usize] = place;
        }
        places
    }

    /// Calls with what stands there for some rows, which grow and have a value, and with what a list says of each. The places
    /// of all rows are kept from one call to the next.
    pub(super) fn change_each<U: Copy>(
        &mut self,
        places: &OnceCell<Vec<u32>>,
        rows: &[u32],
        of_rows: &[U],
        change: impl Fn(&mut T, U),
    ) {
        if rows.len() == self.values.len() {
            return self.values.iter_mut().zip(of_rows).for_each(|(value, of_row)| change(value, *of_row));
        }
        if rows.is_empty() {
            return;
        }
        let places = places.get_or_init(|| self.places());
        for (row, of_row) in rows.iter().zip(of_rows) {
            change(&mut self.values[places[*row as usize] as usize], *of_row);
        }
    }

    pub(super) fn last(&self) -> Option<&T> {
        self.values.last()
    }

    /// The rows that have a value.
    fn rows(&self) -> impl Iterator<Item = u32> {
        self.words.iter().zip((0..).step_by(64)).flat_map(|((bits, _), first)| {
            // Each step takes the lowest bit away.
            let rests = std::iter::successors(Some(*bits), |bits| Some(bits & bits.saturating_sub(1)));
            rests.take_while(|bits| *bits != 0).map(move |bits| first + bits.trailing_zeros())
        })
    }

    /// The rows that have a value, and it.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u32, T)> {
        self.rows().zip(self.values.iter().copied())
    }

    #[inline]
    pub(crate) fn get(&self, row: u32) -> Option<&T> {
        self.place(row).map(|place| &self.values[place])
    }

    /// Calls with the rows of a range that have a value, and it.
    #[inline]
    pub(crate) fn for_each_in<'a>(&'a self, rows: Range<u32>, mut take: impl FnMut(u32, &'a T)) {
        let mut row = rows.start;
        while row < rows.end {
            let Some((bits, before)) = self.words.get(row as usize / 64).copied() else { return };
            let (first, end) = (row / 64 * 64, (row / 64 * 64 + 64).min(rows.end));
            let ahead = (1_u64 << (row - first)) - 1;
            let mut place = before as usize + (bits & ahead).count_ones() as usize;
            let mut rest = bits & !ahead & (u64::MAX >> (64 - (end - first)));
            while rest != 0 {
                take(first + rest.trailing_zeros(), &self.values[place]);
                place += 1;
                rest &= rest - 1;
            }
            row = end;
        }
    }

    #[inline]
    fn place(&self, row: u32) -> Option<usize> {
        let (bits, before) = *self.words.get(row as usize / 64)?;
        let bit = 1_u64 << (row % 64);
        (bits & bit != 0).then(|| (before + (bits & (bit - 1)).count_ones()) as usize)
    }
}

/// Which of 64 rows stand in one of some lists, each of which grows, and how many stand before them; and how many there are.
fn words<const N: usize>(lists: [&[u32]; N]) -> (Vec<(u64, u32)>, u32) {
    let last = lists.iter().filter_map(|rows| rows.last()).max();
    let mut words = vec![(0_u64, 0_u32); last.map_or(0, |last| *last as usize / 64 + 1)];
    for (number, rows) in lists.iter().enumerate() {
        // Most often all have the same rows.
        if !lists[..number].contains(rows) {
            rows.iter().for_each(|row| words[*row as usize / 64].0 |= 1 << (row % 64));
        }
    }
    let mut total = 0;
    for (bits, before) in &mut words {
        *before = total;
        total += bits.count_ones();
    }
    (words, total)
}

pub(super) type Named<T> = BTreeMap<Cow<'static, str>, Sparse<T>>;

/// Typed columns by name: the fields of the kinds, and in a second instance the attributes of users.
#[derive(Debug, Clone, Default)]
pub(crate) struct NamedColumns {
    pub(super) texts: Named<u32>,
    pub(super) integers: Named<i64>,
    pub(super) booleans: Named<bool>,
    pub(super) times: Named<i64>,
    pub(super) amounts: Named<i64>,
    pub(super) moneys: Named<Money>,
    pub(super) ids: Named<u128>,
    pub(super) jsons: Named<u32>,
}

/// The lines of orders and carts as child columns.
#[derive(Debug, Clone, Default)]
pub(crate) struct LineColumns {
    /// The first line and the number of lines of each row that has any.
    pub(super) ranges: Indexed<(u32, u32)>,
    pub(super) product: Vec<u32>,
    pub(super) quantity: Vec<i64>,
    pub(super) list: Vec<Option<i64>>,
    pub(super) paid: Vec<Option<i64>>,
    pub(super) cost: Vec<Option<i64>>,
}

/// What the order book reads of an event, in one place, so that it costs one look.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct OrderFacts {
    /// The text of the one `order:` tag; `None` where there is none or more than one.
    pub(crate) order: Option<u32>,
    /// The field `amount`.
    pub(crate) amount: Option<Money>,
    /// The field `promised_at`.
    pub(crate) promised_at: Option<Timestamp>,
    /// What the lines say, where there are any.
    pub(crate) lines: Option<LineFacts>,
}

impl OrderFacts {
    /// Those of an event that states nothing.
    pub(crate) const NONE: Self = Self { order: None, amount: None, promised_at: None, lines: None };
}

/// What the order book reads of lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LineFacts {
    /// Paid less cost over the lines that carry both, in ten-thousandths; `None` if no line does.
    pub(crate) margin: Option<i64>,
}

/// Kinds that a fold looks out for: most batches have no event of them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RareKinds {
    /// Whether an event takes another back.
    pub(crate) retracted: bool,
    /// Whether an event is of a kind that is not known.
    pub(crate) unknown: bool,
}

impl RareKinds {
    pub(super) fn among(kinds: &[EventKind]) -> Self {
        // No early end, so that many are compared at once.
        let has = |kind| kinds.iter().fold(false, |has, known| has | (*known == kind));
        Self { retracted: has(EventKind::EventRetracted), unknown: has(EventKind::Unknown) }
    }
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Columns {
    pub(crate) texts: Texts,
    /// Tenant and customer of each local customer, as numbers of texts.
    pub(crate) customers: Vec<(u32, u32)>,
    /// The spread of each local customer, from the first look on.
    pub(super) spreads: OnceLock<Vec<u64>>,
    /// The local customer of each row.
    pub(crate) customer: Vec<u32>,
    /// The local customers as they follow each other, and how many rows in a row each has, where they are stored so.
    pub(super) runs: Option<Vec<(u32, u32)>>,
    /// See [`Columns::rare_kinds`].
    pub(super) rare_kinds: OnceLock<RareKinds>,
    pub(crate) kind: Vec<EventKind>,
    pub(crate) occurred_at: Vec<i64>,
    pub(crate) sequence: Vec<u32>,
    pub(crate) id: Vec<u128>,
    /// The text of the journey key.
    pub(crate) journey: RareTexts,
    /// What the order book reads, for the rows that state any of it.
    pub(crate) facts: Indexed<OrderFacts>,
    /// The stage that the event names, or [`NONE_BYTE`].
    pub(crate) stage: Vec<u8>,
    pub(super) channel: Vec<u8>,
    pub(super) offset_minutes: Vec<i16>,
    pub(super) schema_version: Vec<u16>,
    /// Where the tags of each row end in `tags`.
    pub(super) tag_ends: Vec<u32>,
    pub(super) tags: Vec<u32>,
    pub(super) lines: LineColumns,
    pub(super) fields: NamedColumns,
    pub(super) attributes: NamedColumns,
    /// Where the attribute names of each row end in `attribute_names`.
    pub(super) attribute_ends: Vec<u32>,
    pub(super) attribute_names: Vec<u32>,
    pub(super) source: Sparse<u32>,
    pub(super) team: Sparse<u32>,
    pub(super) person: Sparse<u32>,
    pub(super) correlation: Sparse<u128>,
    pub(super) causation: Sparse<u128>,
    pub(super) received_at: Sparse<i64>,
    /// Empty until a store has recorded the batch.
    pub(super) recorded_at: Vec<i64>,
    /// Empty until a store has recorded the batch.
    pub(super) positions: Vec<Position>,
    /// What limits count, where the batch was built event by event.
    pub(super) extent: Option<Extent>,
    /// Where all that is not in the group fold comes from, where it is read when somebody looks at it.
    pub(super) later: Option<Box<Later>>,
}

impl Columns {
    /// These columns with everything that is read later; its texts have numbers of their own.
    #[inline]
    pub(super) fn whole(&self) -> &Self {
        self.later.as_ref().map_or(self, |later| later.whole())
    }

    #[inline]
    pub(super) fn id(&self, row: usize) -> u128 {
        self.later.as_ref().map_or_else(|| self.id[row], |later| later.id(row))
    }

    pub(super) fn position(&self, row: usize) -> Option<Position> {
        self.later.as_ref().map_or(&self.positions, |later| &later.recorded().positions).get(row).copied()
    }

    pub(super) fn recorded_at(&self, row: usize) -> Option<i64> {
        self.later.as_ref().map_or(&self.recorded_at, |later| &later.recorded().recorded_at).get(row).copied()
    }

    /// The fields of kinds that hold no texts.
    pub(super) fn numbers(&self) -> &NamedColumns {
        self.later.as_ref().map_or(&self.fields, |later| later.numbers())
    }

    /// Columns that have the labels, with texts of their own, and may have no others.
    #[inline]
    pub(super) fn labels(&self) -> &Self {
        self.later.as_ref().map_or(self, |later| later.labels())
    }

    /// The tags of a row, as numbers of texts.
    pub(super) fn tags_of(&self, row: usize) -> &[u32] {
        list(&self.tag_ends, &self.tags, row)
    }

    /// The names of the attributes of a row, as numbers of texts.
    pub(super) fn attribute_names_of(&self, row: usize) -> &[u32] {
        list(&self.attribute_ends, &self.attribute_names, row)
    }

    pub(crate) fn customer_key(&self, local: usize) -> CustomerKey {
        let (tenant, customer) = self.customer_texts(local);
        CustomerKey {
            tenant: Tenant::new(tenant).expect("a batch holds checked tenants"),
            customer: CustomerId::trusted(customer),
        }
    }

    /// The [`CustomerKey::spread`] of each local customer.
    pub(crate) fn spreads(&self) -> &[u64] {
        let spread = |local: usize| {
            let (tenant, customer) = self.customer_texts(local);
            CustomerKey::spread(tenant, customer)
        };
        self.spreads.get_or_init(|| (0..self.customers.len()).map(spread).collect())
    }

    /// The spreads, where somebody has looked at them.
    pub(crate) fn known_spreads(&self) -> Option<&[u64]> {
        self.spreads.get().map(Vec::as_slice)
    }

    /// Calls with the local customers as they follow each other, and how many rows in a row each has.
    pub(crate) fn for_each_run(&self, mut take: impl FnMut(u32, u32)) {
        match &self.runs {
            Some(runs) => runs.iter().for_each(|(local, rows)| take(*local, *rows)),
            None => {
                let runs = self.customer.chunk_by(|a, b| a == b);
                runs.for_each(|run| take(run[0], run.len() as u32));
            }
        }
    }

    /// Which kinds there are that a fold looks out for.
    pub(crate) fn rare_kinds(&self) -> RareKinds {
        *self.rare_kinds.get_or_init(|| RareKinds::among(&self.kind))
    }

    pub(crate) fn customer_texts(&self, local: usize) -> (&str, &str) {
        let (tenant, customer) = self.customers[local];
        (self.texts.get(tenant), self.texts.get(customer))
    }
}

fn list<'a>(ends: &[u32], values: &'a [u32], row: usize) -> &'a [u32] {
    let start = if row == 0 { 0 } else { ends[row - 1] };
    &values[start as usize..ends[row] as usize]
}

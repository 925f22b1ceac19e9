//! A page: the events of a batch in three groups of columns that are read apart.

use std::borrow::Cow;

use wayfold_core::{
    ColumnGroup, EventBatch, RawBatch, RawColumn, RawTexts, RawValues, is_label, is_numeric_field,
};

use crate::bytes::{Reader, put_varint};
use crate::column::{Budget, ROWS_MAX, VALUES_FREE, Wide, find_wide, put_column, read_column, read_wanted};
use crate::error::{Error, Result};
use crate::part::FORMAT_VERSION;
use crate::text::{put_texts, read_texts, skip_texts};
use crate::text_list::TextList;

/// Up to this version the fields of kinds that hold no texts stood in the group rest.
pub(crate) const NUMBERS_IN_REST: u8 = 1;

/// The column of the ids, in the group identity.
pub(crate) const ID: &str = "id";

/// Stands for a text that no column has named yet.
const NONE: u32 = u32::MAX;

/// About how many bytes a group takes for a row; more are made room for when they come.
const BYTES_PER_ROW: usize = 32;

/// The payloads of a page, one for each group of columns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// What the fold reads, and the fields of kinds that hold no texts.
    pub fold: Vec<u8>,
    /// Ids, positions and recording times.
    pub identity: Vec<u8>,
    /// The rest; its columns may name texts of the fold's.
    pub rest: Vec<u8>,
}

impl Page {
    /// How many events a page holds at most.
    pub const EVENTS_MAX: usize = ROWS_MAX;

    /// Writes a batch, its texts in the order in which columns name them: fast, for what is read soon.
    ///
    /// # Panics
    /// If the batch has more than [`Page::EVENTS_MAX`] events.
    pub fn write(batch: &EventBatch) -> Self {
        Self::write_with(&batch.to_raw(), |_, _| ())
    }

    /// Writes a batch, its texts sorted, which makes them shorter.
    ///
    /// # Panics
    /// If the batch has more than [`Page::EVENTS_MAX`] events.
    pub fn write_dense(batch: &EventBatch) -> Self {
        Self::write_with(&batch.to_raw(), |raw, used| {
            // The first bytes tell most texts apart, and are compared as a number.
            let begin = |text: &str| {
                let mut first = [0; 16];
                let length = text.len().min(first.len());
                first[..length].copy_from_slice(&text.as_bytes()[..length]);
                u128::from_be_bytes(first)
            };
            let text = |number: u32| raw.texts.get(number);
            let mut sorted: Vec<_> = used.iter().map(|number| (begin(text(*number)), *number)).collect();
            sorted.sort_unstable_by(|(a_begin, a), (b_begin, b)| {
                a_begin.cmp(b_begin).then_with(|| text(*a).cmp(text(*b)))
            });
            used.iter_mut().zip(sorted).for_each(|(place, (_, number))| *place = number);
        })
    }

    fn write_with(raw: &RawBatch<'_>, arrange: impl Fn(&RawBatch<'_>, &mut [u32])) -> Self {
        assert!(raw.rows <= ROWS_MAX, "{} events in a page; at most {ROWS_MAX} fit", raw.rows);
        let mut numbers = vec![NONE; raw.texts.len()];
        let mut given = 0;
        let values: usize = raw.columns.iter().map(|column| column.values.len()).sum();
        let spread = values > VALUES_FREE;
        let mut group = |group| write_group(raw, group, &mut numbers, &mut given, spread, &arrange);
        Self {
            fold: group(ColumnGroup::Fold),
            identity: group(ColumnGroup::Identity),
            rest: group(ColumnGroup::Rest),
        }
    }

    /// Reads the batch back.
    ///
    /// # Errors
    /// `Corrupt` or `Unsupported`, and the message names the group and column.
    pub fn read(fold: &[u8], identity: &[u8], rest: &[u8]) -> Result<EventBatch> {
        Self::read_version(FORMAT_VERSION, [fold, identity, rest])
    }

    /// Reads a batch back that was written in a version.
    pub(crate) fn read_version(version: u8, groups: [&[u8]; 3]) -> Result<EventBatch> {
        Ok(EventBatch::from_raw(read_raw(version, groups)?)?)
    }
}

/// Reads all columns of a page that was written in a version.
pub(crate) fn read_raw(version: u8, groups: [&[u8]; 3]) -> Result<RawBatch<'_>> {
    let (raw, _) = read_groups(&groups, |_| true)?;
    // Else who reads groups apart would not find them.
    let is_lost =
        |column: &&RawColumn<'_>| column.group == ColumnGroup::Rest && is_numeric_field(&column.name);
    match raw.columns.iter().find(is_lost).filter(|_| version > NUMBERS_IN_REST) {
        None => Ok(raw),
        Some(column) => {
            Err(Error::corrupt(format_args!("column {:?} stands in the group rest", column.name)))
        }
    }
}

/// Reads what a fold reads of every event; says where the columns stand that it passes over.
pub(crate) fn read_fold(payload: &[u8]) -> Result<(RawBatch<'_>, Vec<usize>)> {
    read_groups(&[payload], |name| !is_numeric_field(name))
}

fn read_groups<'a>(groups: &[&'a [u8]], is_wanted: fn(&str) -> bool) -> Result<(RawBatch<'a>, Vec<usize>)> {
    let mut budget = Budget::of(groups.iter().map(|payload| payload.len()).sum());
    let mut page = Reading {
        rows: 0,
        bytes: Vec::new(),
        ends: Vec::new(),
        columns: Vec::new(),
        passed: Vec::new(),
        is_wanted,
    };
    for (group, payload) in ColumnGroup::ALL.into_iter().zip(groups) {
        page.read_group(group, payload, &mut budget).map_err(|error| error.at(format_args!("{group:?}")))?;
    }
    let bytes = String::from_utf8(page.bytes).map_err(|_| Error::corrupt("the texts are no UTF-8"))?;
    let texts = RawTexts { bytes: Cow::Owned(bytes), ends: Cow::Owned(page.ends) };
    Ok((RawBatch { rows: page.rows, texts, columns: page.columns }, page.passed))
}

/// Reads columns of a group, none of which holds texts, by where they stand.
pub(crate) fn read_columns_at<'a>(
    group: ColumnGroup,
    payload: &'a [u8],
    places: &[usize],
) -> Result<Vec<RawColumn<'a>>> {
    let mut budget = Budget::of(payload.len());
    let column = |place: &usize| read_column(&mut Reader::new(&payload[*place..]), group, &mut budget);
    places.iter().map(column).collect()
}

/// Reads the columns of one group whose names are wanted, none of which holds texts.
pub(crate) fn read_columns(
    group: ColumnGroup,
    payload: &[u8],
    is_wanted: fn(&str) -> bool,
) -> Result<Vec<RawColumn<'_>>> {
    let mut budget = Budget::of(payload.len());
    let mut reader = Reader::new(payload);
    reader.count(ROWS_MAX)?;
    skip_texts(&mut reader)?;
    wanted_columns(reader, group, &mut budget, is_wanted)
}

/// Reads the columns of a group whose names are wanted, to its end.
fn wanted_columns<'a>(
    mut reader: Reader<'a>,
    group: ColumnGroup,
    budget: &mut Budget,
    is_wanted: fn(&str) -> bool,
) -> Result<Vec<RawColumn<'a>>> {
    let mut columns = Vec::new();
    for _ in 0..reader.count(reader.len())? {
        columns.extend(read_wanted(&mut reader, group, budget, is_wanted)?);
    }
    reader.finish()?;
    Ok(columns)
}

/// Reads the labels that stand in the group rest, cut to the rows that are asked for, and the texts that they name.
pub(crate) fn read_labels<'a>(
    fold: &'a [u8],
    rest: &'a [u8],
    cut: impl FnOnce(Vec<RawColumn<'a>>) -> Result<Vec<RawColumn<'a>>>,
) -> Result<RawBatch<'a>> {
    let (mut budget, mut texts) = (Budget::of(rest.len()), TextList::default());
    let mut of_fold = Reader::new(fold);
    let rows = of_fold.count(ROWS_MAX)?;
    texts.read(&mut of_fold)?;
    let mut reader = Reader::new(rest);
    check_rows(rows, reader.count(ROWS_MAX)?)?;
    texts.read(&mut reader)?;
    let mut columns = cut(wanted_columns(reader, ColumnGroup::Rest, &mut budget, is_label)?)?;
    Ok(RawBatch { rows, texts: texts.keep(&mut columns)?, columns })
}

/// How many events a page holds, as one of its groups says.
pub(crate) fn read_rows(payload: &[u8]) -> Result<usize> {
    Reader::new(payload).count(ROWS_MAX)
}

/// Finds the ids of a page in the payload of its group identity.
pub(crate) fn find_ids(payload: &[u8], rows: usize) -> Result<Wide> {
    let mut reader = Reader::new(payload);
    reader.count(ROWS_MAX)?;
    skip_texts(&mut reader)?;
    for _ in 0..reader.count(reader.len())? {
        if let Some(ids) = find_wide(&mut reader, ID, rows)? {
            return Ok(ids);
        }
    }
    Err(Error::corrupt("the ids are missing"))
}

fn check_rows(in_fold: usize, rows: usize) -> Result<()> {
    if rows == in_fold {
        return Ok(());
    }
    Err(Error::corrupt(format_args!("{rows} events, and {in_fold} in the first group")))
}

fn write_group(
    raw: &RawBatch<'_>,
    group: ColumnGroup,
    numbers: &mut [u32],
    given: &mut u32,
    spread: bool,
    arrange: impl Fn(&RawBatch<'_>, &mut [u32]),
) -> Vec<u8> {
    let columns = || raw.columns.iter().filter(|column| column.group == group);
    let mut used = Vec::new();
    for column in columns() {
        if let RawValues::Texts(values) = &column.values {
            for value in values.iter() {
                let number = &mut numbers[*value as usize];
                if *number == NONE {
                    *number = 0;
                    used.push(*value);
                }
            }
        }
    }
    arrange(raw, &mut used);
    for text in &used {
        numbers[*text as usize] = *given;
        *given += 1;
    }
    let mut to = Vec::with_capacity(raw.rows * BYTES_PER_ROW);
    put_varint(&mut to, raw.rows as u64);
    put_texts(&mut to, &used.iter().map(|text| raw.texts.get(*text)).collect::<Vec<_>>());
    put_varint(&mut to, columns().count() as u64);
    for column in columns() {
        put_column(&mut to, column, spread, |text| numbers[text as usize]);
    }
    to
}

struct Reading<'a> {
    rows: usize,
    bytes: Vec<u8>,
    ends: Vec<u32>,
    columns: Vec<RawColumn<'a>>,
    /// Where the columns stand in their group that are not wanted.
    passed: Vec<usize>,
    is_wanted: fn(&str) -> bool,
}

impl<'a> Reading<'a> {
    fn read_group(&mut self, group: ColumnGroup, payload: &'a [u8], budget: &mut Budget) -> Result<()> {
        let mut reader = Reader::new(payload);
        let rows = reader.count(ROWS_MAX)?;
        if group != ColumnGroup::Fold {
            check_rows(self.rows, rows)?;
        }
        self.rows = rows;
        let texts = self.ends.len();
        read_texts(&mut reader, &mut self.bytes, &mut self.ends)?;
        // Else who passes the group over would number those behind it otherwise.
        if group == ColumnGroup::Identity && self.ends.len() > texts {
            return Err(Error::corrupt("the group has texts"));
        }
        for _ in 0..reader.count(reader.len())? {
            let place = payload.len() - reader.len();
            match read_wanted(&mut reader, group, budget, self.is_wanted)? {
                Some(column) => {
                    self.check_texts(&column)?;
                    self.columns.push(column);
                }
                None => self.passed.push(place),
            }
        }
        reader.finish()
    }

    /// A group is read without those behind it, so its columns name no texts of theirs.
    fn check_texts(&self, column: &RawColumn<'_>) -> Result<()> {
        let RawValues::Texts(numbers) = &column.values else { return Ok(()) };
        match numbers.iter().max() {
            Some(number) if *number as usize >= self.ends.len() => {
                let message = format_args!("text {number} of {}", self.ends.len());
                Err(Error::corrupt(message).at(format_args!("column {:?}", column.name)))
            }
            _ => Ok(()),
        }
    }
}

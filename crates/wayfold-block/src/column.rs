//! One column in bytes: its name, the rows that have a value, and the values.

use std::borrow::Cow;

use wayfold_core::{ColumnGroup, RawColumn, RawOffsets, RawPacked, RawValues};

use crate::bytes::{Reader, put_varint, put_zigzag};
use crate::error::{Error, Result};

const INTEGERS: u8 = 0;
const WIDE: u8 = 1;
const TEXTS: u8 = 2;
/// Set where the rows that have a value are listed.
const LISTED: u8 = 0x80;

/// All values are the same.
const CONSTANT: u8 = 0;
/// Values are a smallest one plus a multiple of a step, in as many bytes as the largest multiple needs.
const OFFSETS: u8 = 1;
/// Values repeat in runs.
const RUNS: u8 = 2;

/// Rows are the gaps between them.
const GAPS: u8 = 0;
/// Rows are bits.
const BITS: u8 = 1;

/// How many rows a page may have.
pub(crate) const ROWS_MAX: usize = 65_536;
/// How many values a page may have whatever its bytes: 32 columns of every row.
pub(crate) const VALUES_FREE: usize = ROWS_MAX * 32;
/// How many more values a page may have for each of its bytes.
const VALUES_PER_BYTE: usize = 64;

/// Counts the values that a page may still expand to, so that few bytes cannot claim a world of them.
pub(crate) struct Budget(usize);

impl Budget {
    /// What so many bytes may expand to.
    pub(crate) fn of(bytes: usize) -> Self {
        Self((bytes * VALUES_PER_BYTE).saturating_add(VALUES_FREE))
    }

    fn spend(&mut self, values: usize) -> Result<()> {
        let rest = self.0.checked_sub(values);
        self.0 = rest.ok_or_else(|| Error::corrupt("more values than the bytes can hold"))?;
        Ok(())
    }
}

/// Writes a column; texts go by the new numbers that `text` gives.
///
/// A page of more than [`VALUES_FREE`] values is written with `spread`: each value then takes a byte at least, so
/// that the page is never refused for what it expands to.
pub(crate) fn put_column(to: &mut Vec<u8>, column: &RawColumn<'_>, spread: bool, text: impl Fn(u32) -> u32) {
    put_varint(to, column.name.len() as u64);
    to.extend_from_slice(column.name.as_bytes());
    let shape = match column.values {
        RawValues::Integers(_) | RawValues::Packed(_) => INTEGERS,
        RawValues::Wide(_) => WIDE,
        RawValues::Texts(_) => TEXTS,
    };
    to.push(shape | if column.rows.is_some() { LISTED } else { 0 });
    put_varint(to, column.values.len() as u64);
    if let Some(rows) = &column.rows {
        put_rows(to, rows);
    }
    match &column.values {
        RawValues::Integers(values) => put_integers(to, values, spread),
        RawValues::Packed(packed) => put_integers(to, &packed.to_vec(), spread),
        RawValues::Wide(values) => put_wide(to, values, spread),
        RawValues::Texts(values) => {
            let numbers: Vec<i64> = values.iter().map(|value| i64::from(text(*value))).collect();
            put_integers(to, &numbers, spread);
        }
    }
}

/// Reads a column of a group.
pub(crate) fn read_column<'a>(
    reader: &mut Reader<'a>,
    group: ColumnGroup,
    budget: &mut Budget,
) -> Result<RawColumn<'a>> {
    let name = read_name(reader)?;
    read_values(reader, budget)
        .map(|(rows, values)| RawColumn { group, name: Cow::Borrowed(name), rows, values })
        .map_err(|error| error.at(format_args!("column {name:?}")))
}

/// Reads a column whose name is wanted, and passes others over.
pub(crate) fn read_wanted<'a>(
    reader: &mut Reader<'a>,
    group: ColumnGroup,
    budget: &mut Budget,
    is_wanted: fn(&str) -> bool,
) -> Result<Option<RawColumn<'a>>> {
    let mut ahead = reader.clone();
    let name = read_name(&mut ahead)?;
    if is_wanted(name) {
        return read_column(reader, group, budget).map(Some);
    }
    skip_values(&mut ahead).map_err(|error| error.at(format_args!("column {name:?}")))?;
    *reader = ahead;
    Ok(None)
}

fn read_name<'a>(reader: &mut Reader<'a>) -> Result<&'a str> {
    let length = reader.count(reader.len())?;
    std::str::from_utf8(reader.take(length)?).map_err(|_| Error::corrupt("the name of a column is no UTF-8"))
}

fn skip_values(reader: &mut Reader<'_>) -> Result<()> {
    let shape = reader.byte()?;
    let count = reader.count(usize::MAX)?;
    if shape & LISTED != 0 {
        match reader.byte()? {
            GAPS => (0..count).try_for_each(|_| reader.varint().map(drop))?,
            BITS => {
                let length = reader.count(reader.len())?;
                reader.take(length)?;
            }
            other => return Err(unknown_rows(other)),
        }
    }
    if count == 0 {
        return Ok(());
    }
    let is_wide = shape & !LISTED == WIDE;
    match (reader.byte()?, is_wide) {
        (CONSTANT, true) => reader.u128().map(drop),
        (CONSTANT, false) => reader.zigzag().map(drop),
        (OFFSETS, true) => {
            reader.u128()?;
            let width = usize::from(reader.byte()?);
            take_values(reader, count, width, 16).map(drop)
        }
        (OFFSETS, false) => {
            reader.varint()?;
            reader.varint()?;
            let width = usize::from(reader.byte()?);
            take_values(reader, count, width, 8).map(drop)
        }
        (RUNS, false) => {
            for _ in 0..reader.count(reader.len())? {
                reader.varint()?;
                reader.varint()?;
            }
            Ok(())
        }
        (other, _) => Err(unknown_values(other)),
    }
}

fn unknown_rows(encoding: u8) -> Error {
    Error::unsupported(format_args!("row encoding {encoding} is not known"))
}

fn unknown_values(encoding: u8) -> Error {
    Error::unsupported(format_args!("value encoding {encoding} is not known"))
}

type RowsAndValues<'a> = (Option<Cow<'a, [u32]>>, RawValues<'a>);

fn read_values<'a>(reader: &mut Reader<'a>, budget: &mut Budget) -> Result<RowsAndValues<'a>> {
    let shape = reader.byte()?;
    let count = reader.count(usize::MAX)?;
    budget.spend(count)?;
    let rows = match shape & LISTED {
        0 => None,
        _ => Some(Cow::Owned(read_rows(reader, count)?)),
    };
    let values = match shape & !LISTED {
        INTEGERS => RawValues::Packed(read_integers(reader, count)?),
        WIDE => RawValues::Wide(Cow::Owned(read_wide(reader, count)?)),
        TEXTS => {
            let numbers = read_integers(reader, count)?.map_of(&(0..=u32::MAX.into()), |value| value as u32);
            let none = |_| Error::corrupt("a text has no such number");
            RawValues::Texts(Cow::Owned(numbers.map_err(none)?))
        }
        other => return Err(Error::unsupported(format_args!("columns of shape {other} are not known"))),
    };
    Ok((rows, values))
}

fn put_rows(to: &mut Vec<u8>, rows: &[u32]) {
    let bits = rows.last().map_or(0, |last| *last as usize / 8 + 1);
    if bits < rows.len() {
        to.push(BITS);
        put_varint(to, bits as u64);
        let start = to.len();
        to.resize(start + bits, 0);
        for row in rows {
            to[start + *row as usize / 8] |= 1 << (row % 8);
        }
        return;
    }
    to.push(GAPS);
    let mut next = 0;
    for row in rows {
        put_varint(to, u64::from(row - next));
        next = row + 1;
    }
}

fn read_rows(reader: &mut Reader<'_>, count: usize) -> Result<Vec<u32>> {
    let mut rows = Vec::with_capacity(count.min(reader.len().saturating_mul(8)));
    match reader.byte()? {
        GAPS => {
            let mut next = 0_u64;
            while rows.len() < count {
                // Most gaps are one byte, and these are read without a look at each.
                let gaps = reader.rest();
                let gaps = &gaps[..gaps.len().min(count - rows.len())];
                let short = gaps.iter().position(|gap| *gap >= 0x80).unwrap_or(gaps.len());
                rows.extend(reader.take(short)?.iter().map(|gap| {
                    let row = next + u64::from(*gap);
                    next = row + 1;
                    row as u32
                }));
                if next > 1 << 32 {
                    return Err(Error::corrupt("a row beyond 32 bits"));
                }
                if rows.len() < count {
                    let row = next.saturating_add(reader.varint()?);
                    rows.push(u32::try_from(row).map_err(|_| Error::corrupt("a row beyond 32 bits"))?);
                    next = row + 1;
                }
            }
        }
        BITS => {
            // Every bit is the number of a row in 32 bits.
            let length = reader.count(reader.len().min(1 << 29))?;
            for (place, byte) in reader.take(length)?.iter().enumerate() {
                let mut bits = *byte;
                while bits != 0 {
                    rows.push(place as u32 * 8 + bits.trailing_zeros());
                    bits &= bits - 1;
                }
            }
            if rows.len() != count {
                return Err(Error::corrupt(format_args!(
                    "{} rows are marked and {count} counted",
                    rows.len()
                )));
            }
        }
        other => return Err(unknown_rows(other)),
    }
    Ok(rows)
}

fn put_integers(to: &mut Vec<u8>, values: &[i64], spread: bool) {
    let Some(first) = values.first() else { return };
    let runs = 1 + values.array_windows().filter(|[a, b]| a != b).count();
    if runs == 1 && !spread {
        to.push(CONSTANT);
        put_zigzag(to, *first);
        return;
    }
    let least = *values.iter().min().expect("there is a first value");
    let most = *values.iter().max().expect("there is a first value");
    let offset = |value: i64| value.wrapping_sub(least) as u64;
    let step = step_of(values.iter().map(|value| offset(*value)));
    let width = (u64::BITS - (offset(most) / step).leading_zeros()).div_ceil(8).max(1) as usize;
    // A run takes about two bytes and another for each that its value needs.
    if runs * (width + 2) < values.len() * width && !spread {
        to.push(RUNS);
        return put_runs(to, values, runs);
    }
    to.push(OFFSETS);
    put_zigzag(to, least);
    put_varint(to, step);
    to.push(width as u8);
    match step {
        // To divide costs more than all else.
        1 => put_offsets(to, width, values.iter().map(|value| u128::from(offset(*value)))),
        _ => put_offsets(to, width, values.iter().map(|value| u128::from(offset(*value) / step))),
    }
}

/// The greatest number that divides all of some numbers.
fn step_of(numbers: impl Iterator<Item = u64>) -> u64 {
    let mut step = 0;
    for number in numbers {
        step = divisor(number, step);
        if step == 1 {
            break;
        }
    }
    step.max(1)
}

/// Writes numbers, each little-endian in the same number of bytes.
fn put_offsets(to: &mut Vec<u8>, width: usize, numbers: impl ExactSizeIterator<Item = u128>) {
    fn put<const WIDTH: usize>(to: &mut Vec<u8>, numbers: impl ExactSizeIterator<Item = u128>) {
        let start = to.len();
        to.resize(start + numbers.len() * WIDTH, 0);
        for (place, number) in to[start..].as_chunks_mut().0.iter_mut().zip(numbers) {
            *place = *number.to_le_bytes().first_chunk::<WIDTH>().expect("a width is at most 16");
        }
    }
    macro_rules! put_by_width {
        ($($width:literal)*) => {
            match width {
                $($width => put::<$width>(to, numbers),)*
                _ => unreachable!("numbers of {width} bytes"),
            }
        };
    }
    put_by_width!(1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16);
}

fn put_runs(to: &mut Vec<u8>, values: &[i64], runs: usize) {
    put_varint(to, runs as u64);
    let mut before = 0_i64;
    for run in values.chunk_by(|a, b| a == b) {
        put_zigzag(to, run[0].wrapping_sub(before));
        put_varint(to, run.len() as u64);
        before = run[0];
    }
}

/// The greatest common divisor; zero divides nothing and is divided by all.
fn divisor(mut a: u64, mut b: u64) -> u64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

fn read_integers<'a>(reader: &mut Reader<'a>, count: usize) -> Result<RawPacked<'a>> {
    if count == 0 {
        return Ok(RawPacked::Runs(Vec::new()));
    }
    match reader.byte()? {
        CONSTANT => Ok(RawPacked::Runs(vec![(reader.zigzag()?, length(count)?)])),
        OFFSETS => {
            let (least, step) = (reader.zigzag()?, reader.varint()?);
            let width = usize::from(reader.byte()?);
            let offsets = RawOffsets::new(take_values(reader, count, width, 8)?, width);
            let offsets = offsets.expect("there are whole numbers of a width that was checked");
            Ok(RawPacked::Offsets { least, step, offsets })
        }
        RUNS => read_runs(reader, count),
        other => Err(unknown_values(other)),
    }
}

fn read_runs<'a>(reader: &mut Reader<'_>, count: usize) -> Result<RawPacked<'a>> {
    let mut runs = Vec::new();
    let (mut value, mut left) = (0_i64, count);
    for _ in 0..reader.count(reader.len())? {
        value = value.wrapping_add(reader.zigzag()?);
        let run = reader.count(left)?;
        left -= run;
        runs.push((value, length(run)?));
    }
    if left > 0 {
        return Err(Error::corrupt(format_args!("runs of {} values, and {count} counted", count - left)));
    }
    Ok(RawPacked::Runs(runs))
}

fn length(count: usize) -> Result<u32> {
    u32::try_from(count).map_err(|_| Error::corrupt(format_args!("a run of {count} values")))
}

fn take_values<'a>(reader: &mut Reader<'a>, count: usize, width: usize, most: usize) -> Result<&'a [u8]> {
    if !(1..=most).contains(&width) {
        return Err(Error::corrupt(format_args!("values of {width} bytes")));
    }
    reader.take(count.saturating_mul(width))
}

fn put_wide(to: &mut Vec<u8>, values: &[u128], spread: bool) {
    let Some(first) = values.first() else { return };
    if values.iter().all(|value| value == first) && !spread {
        to.push(CONSTANT);
        to.extend_from_slice(&first.to_le_bytes());
        return;
    }
    let least = values.iter().min().expect("there is a first value");
    let most = values.iter().max().expect("there is a first value") - least;
    let width = (u128::BITS - most.leading_zeros()).div_ceil(8).max(1) as usize;
    to.push(OFFSETS);
    to.extend_from_slice(&least.to_le_bytes());
    to.push(width as u8);
    put_offsets(to, width, values.iter().map(|value| value - least));
}

fn read_wide(reader: &mut Reader<'_>, count: usize) -> Result<Vec<u128>> {
    if count == 0 {
        return Ok(Vec::new());
    }
    let bytes = reader.rest();
    let wide = Wide::read(reader, count)?;
    Ok((0..count).map(|place| wide.get(bytes, place)).collect())
}

/// Reads where the wide numbers of a column are that has one for every row, and passes columns of other names over.
pub(crate) fn find_wide(reader: &mut Reader<'_>, wanted: &str, rows: usize) -> Result<Option<Wide>> {
    let name = read_name(reader)?;
    if name != wanted {
        return skip_values(reader).map(|()| None).map_err(|error| error.at(format_args!("column {name:?}")));
    }
    if (reader.byte()?, reader.count(usize::MAX)?) != (WIDE, rows) {
        return Err(Error::corrupt(format_args!("column {name:?}: it does not hold an id for every row")));
    }
    Wide::read(reader, rows).map(Some)
}

/// Wide numbers in their bytes, of which each is read by its place.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wide {
    least: u128,
    /// Where the offsets begin, counted from the end of the bytes that it was read from.
    left: usize,
    /// How many bytes an offset has; none where all numbers are the least.
    width: usize,
}

impl Wide {
    fn read(reader: &mut Reader<'_>, count: usize) -> Result<Self> {
        match reader.byte()? {
            CONSTANT => Ok(Self { least: reader.u128()?, left: 0, width: 0 }),
            OFFSETS => {
                let (least, width) = (reader.u128()?, usize::from(reader.byte()?));
                let left = reader.len();
                take_values(reader, count, width, 16)?;
                Ok(Self { least, left, width })
            }
            other => Err(Error::unsupported(format_args!("id encoding {other} is not known"))),
        }
    }

    /// The number of a place, in the bytes that it was read from. Most are read with the bytes behind them, which are
    /// then cut off: that is one load, where a copy of so many bytes is a call.
    #[inline]
    pub(crate) fn get(&self, bytes: &[u8], place: usize) -> u128 {
        if self.width == 0 {
            return self.least;
        }
        let rest = &bytes[bytes.len() - self.left + place * self.width..];
        let offset = match rest.first_chunk() {
            Some(whole) => u128::from_le_bytes(*whole) & (u128::MAX >> (128 - 8 * self.width)),
            None => {
                let mut whole = [0; 16];
                whole[..self.width].copy_from_slice(&rest[..self.width]);
                u128::from_le_bytes(whole)
            }
        };
        self.least.wrapping_add(offset)
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn round_trip(column: &RawColumn<'_>) -> usize {
        let spread = written(column, true);
        assert!(spread.len() > column.values.len());
        written(column, false).len()
    }

    /// Writes a column and reads it back.
    fn written(column: &RawColumn<'_>, spread: bool) -> Vec<u8> {
        let mut bytes = Vec::new();
        put_column(&mut bytes, column, spread, |text| text);
        let mut reader = Reader::new(&bytes);
        let read = read_column(&mut reader, column.group, &mut Budget::of(bytes.len())).unwrap();
        reader.finish().unwrap();
        assert_eq!(&RawColumn { values: read.values.unpacked(), ..read }, column);
        bytes
    }

    fn column(rows: Option<Vec<u32>>, values: RawValues<'static>) -> RawColumn<'static> {
        let rows = rows.map(Cow::Owned);
        RawColumn { group: ColumnGroup::Fold, name: Cow::Borrowed("name"), rows, values }
    }

    fn integers(values: Vec<i64>) -> RawValues<'static> {
        RawValues::Integers(Cow::Owned(values))
    }

    proptest! {
        #[test]
        fn any_values_come_back(
            values in vec(any::<i64>(), 0..50),
            small in vec(-3_i64..3, 0..50),
            stepped in vec(-100_i64..100, 0..50),
            wide in vec(any::<u128>(), 0..50),
            rows in proptest::collection::btree_set(0_u32..400, 0..50),
        ) {
            round_trip(&column(None, integers(values)));
            round_trip(&column(None, integers(small)));
            round_trip(&column(None, integers(stepped.iter().map(|value| value * 86_400_000_000).collect())));
            round_trip(&column(None, RawValues::Wide(Cow::Owned(wide))));
            let texts = (0..rows.len() as u32).collect();
            round_trip(&column(Some(rows.into_iter().collect()), RawValues::Texts(Cow::Owned(texts))));
        }

        #[test]
        fn no_bytes_make_reading_panic(bytes in vec(any::<u8>(), 0..60)) {
            let _ = read_column(&mut Reader::new(&bytes), ColumnGroup::Rest, &mut Budget::of(bytes.len()));
        }
    }

    #[test]
    fn values_take_the_bytes_that_they_need() {
        let values = |value: fn(i64) -> i64| integers((0..1_000).map(value).collect());
        let head = 8;
        assert!(round_trip(&column(None, values(|_| 1_700_000_000_000_000))) < head + 12);
        assert!(
            round_trip(&column(None, values(|row| 1_700_000_000_000_000 + row % 200))) < head + 1_000 + 14
        );
        assert!(
            round_trip(&column(None, values(|row| row * 1_000_000))) < head + 2_000 + 14,
            "whole seconds"
        );
        assert!(round_trip(&column(None, values(|row| row / 100))) < head + 40, "runs");
        assert!(round_trip(&column(None, integers(vec![i64::MIN, i64::MAX, 0]))) < head + 24 + 20);
    }

    #[test]
    fn few_bytes_cannot_claim_a_world_of_values() {
        let mut bytes = Vec::new();
        put_varint(&mut bytes, 1);
        bytes.extend_from_slice(&[b'x', INTEGERS]);
        put_varint(&mut bytes, 1 << 40);
        bytes.extend_from_slice(&[CONSTANT, 0]);
        let error = read_column(&mut Reader::new(&bytes), ColumnGroup::Fold, &mut Budget::of(bytes.len()));
        assert!(error.unwrap_err().to_string().contains("more values than the bytes can hold"));
    }
}

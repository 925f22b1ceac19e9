//! The columns of a file as values, a number of rows at a time.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parquet::column::page::{Page, PageMetadata, PageReader};
use parquet::column::reader::{ColumnReader, ColumnReaderImpl, get_column_reader};
use parquet::data_type::{ByteArray, DataType};
use parquet::errors::{ParquetError, Result};
use parquet::file::reader::FileReader;

use super::columns::Form;
use super::layout::Layout;

/// Rows that are read at a time.
const ROWS: usize = 4_096;
/// The most values that a column may have in these rows and in the rest of the last page that they touch. A page of a
/// few bytes can say that a list has billions of elements.
const VALUES_MAX: u64 = 1 << 24;

/// The values of a column in the rows that were read.
#[derive(Debug)]
pub(super) enum Values {
    /// None in any row, which is what most columns are.
    None,
    Texts(Vec<Option<ByteArray>>),
    /// Whole numbers, and instants in microseconds.
    Integers(Vec<Option<i64>>),
    Booleans(Vec<Option<bool>>),
    /// Ten-thousandths.
    Decimals(Vec<Option<i128>>),
}

impl Values {
    /// Says whether a value is there.
    pub(super) fn has(&self, place: usize) -> bool {
        match self {
            Self::None => false,
            Self::Texts(values) => values[place].is_some(),
            Self::Integers(values) => values[place].is_some(),
            Self::Booleans(values) => values[place].is_some(),
            Self::Decimals(values) => values[place].is_some(),
        }
    }
}

/// A column in the rows that were read.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) values: Values,
    /// Where the elements of each row end, if it is a list.
    pub(super) ends: Vec<usize>,
}

/// The rows that were read.
#[derive(Debug)]
pub(super) struct Rows {
    pub(super) count: usize,
    pub(super) parts: Vec<Part>,
}

/// Reads a file row group by row group.
pub(super) struct Reader {
    file: Box<dyn FileReader>,
    forms: Vec<Form>,
    next_group: usize,
    columns: Vec<Column>,
    rows_left: usize,
    bytes_read: u64,
}

impl Reader {
    pub(super) fn new(file: Box<dyn FileReader>, layout: &Layout) -> Self {
        let forms = layout.columns.iter().map(|column| column.form).collect();
        Self { file, forms, next_group: 0, columns: Vec::new(), rows_left: 0, bytes_read: 0 }
    }

    /// Bytes of the row groups that were begun.
    pub(super) fn bytes_read(&self) -> u64 {
        self.bytes_read
    }

    /// Reads the next rows; `None` at the end of the file.
    pub(super) fn next(&mut self) -> Result<Option<Rows>> {
        while self.rows_left == 0 {
            if self.next_group == self.file.num_row_groups() {
                return Ok(None);
            }
            self.begin_group()?;
        }
        let count = self.rows_left.min(ROWS);
        let parts = self.columns.iter_mut().map(|column| column.read(count)).collect::<Result<_>>()?;
        self.rows_left -= count;
        Ok(Some(Rows { count, parts }))
    }

    fn begin_group(&mut self) -> Result<()> {
        let group = self.file.get_row_group(self.next_group)?;
        let metadata = group.metadata();
        self.rows_left = usize::try_from(metadata.num_rows())?;
        self.columns.clear();
        for (place, form) in self.forms.iter().enumerate() {
            let column = metadata.column(place);
            let descriptor = column.column_descr_ptr();
            let budget = Arc::new(AtomicU64::new(0));
            let pages = Counted { pages: group.get_column_page_reader(place)?, budget: Arc::clone(&budget) };
            self.columns.push(Column {
                form: *form,
                levels: Levels {
                    is_list: descriptor.max_rep_level() > 0,
                    max: descriptor.max_def_level(),
                    element: descriptor.repeated_ancestor_def_level(),
                },
                reader: get_column_reader(descriptor, Box::new(pages)),
                budget,
            });
        }
        let bytes =
            metadata.columns().iter().map(|column| u64::try_from(column.compressed_size()).unwrap_or(0));
        self.bytes_read = bytes.fold(self.bytes_read, u64::saturating_add);
        self.next_group += 1;
        Ok(())
    }
}

/// A column of a row group.
struct Column {
    reader: ColumnReader,
    form: Form,
    levels: Levels,
    budget: Arc<AtomicU64>,
}

impl Column {
    fn read(&mut self, rows: usize) -> Result<Part> {
        use ColumnReader::{
            BoolColumnReader, ByteArrayColumnReader, FixedLenByteArrayColumnReader, Int32ColumnReader,
            Int64ColumnReader,
        };
        self.budget.store(VALUES_MAX, Ordering::Relaxed);
        let levels = self.levels;
        match (&mut self.reader, self.form) {
            (ByteArrayColumnReader(reader), Form::Text) => levels.read(reader, rows, Ok, Values::Texts),
            (BoolColumnReader(reader), Form::Boolean) => levels.read(reader, rows, Ok, Values::Booleans),
            (Int32ColumnReader(reader), Form::Integer) => {
                levels.read(reader, rows, |value| Ok(value.into()), Values::Integers)
            }
            (Int64ColumnReader(reader), Form::Integer | Form::Time) => {
                levels.read(reader, rows, Ok, Values::Integers)
            }
            (Int32ColumnReader(reader), Form::Decimal) => {
                levels.read(reader, rows, |value| Ok(value.into()), Values::Decimals)
            }
            (Int64ColumnReader(reader), Form::Decimal) => {
                levels.read(reader, rows, |value| Ok(value.into()), Values::Decimals)
            }
            (ByteArrayColumnReader(reader), Form::Decimal) => {
                levels.read(reader, rows, |value| wide(value.data()), Values::Decimals)
            }
            (FixedLenByteArrayColumnReader(reader), Form::Decimal) => {
                levels.read(reader, rows, |value| wide(value.data()), Values::Decimals)
            }
            _ => Err(damaged("a column is not of the type that the schema says")),
        }
    }
}

/// What levels mean in a column.
#[derive(Debug, Clone, Copy)]
struct Levels {
    is_list: bool,
    /// The level of a value that is there.
    max: i16,
    /// The level from which on a list has an element.
    element: i16,
}

impl Levels {
    fn read<T: DataType, V>(
        self,
        reader: &mut ColumnReaderImpl<T>,
        rows: usize,
        convert: impl Fn(T::T) -> Result<V>,
        values: impl Fn(Vec<Option<V>>) -> Values,
    ) -> Result<Part> {
        let (mut found, mut definitions, mut repetitions) = (Vec::new(), Vec::new(), Vec::new());
        let mut rows_read = 0;
        while rows_read < rows {
            let most = rows - rows_read;
            let (read, ..) =
                reader.read_records(most, Some(&mut definitions), Some(&mut repetitions), &mut found)?;
            if read == 0 {
                return Err(damaged("a column ends before the last row"));
            }
            rows_read += read;
        }
        if found.is_empty() && !self.is_list {
            return Ok(Part { values: Values::None, ends: Vec::new() });
        }
        let mut found = found.into_iter().map(convert);
        if self.max == 0 {
            let values = values(found.map(|value| value.map(Some)).collect::<Result<_>>()?);
            return Ok(Part { values, ends: Vec::new() });
        }
        let mut cells = Vec::with_capacity(definitions.len());
        let mut ends = Vec::new();
        for (place, level) in definitions.into_iter().enumerate() {
            if self.is_list && repetitions.get(place) == Some(&0) && place > 0 {
                ends.push(cells.len());
            }
            if level == self.max {
                cells.push(Some(found.next().ok_or_else(|| damaged("a column lacks values"))??));
            } else if !self.is_list || level >= self.element {
                cells.push(None);
            }
        }
        if self.is_list {
            ends.push(cells.len());
        }
        if (if self.is_list { ends.len() } else { cells.len() }) != rows {
            return Err(damaged("a column has another number of rows than the others"));
        }
        Ok(Part { values: values(cells), ends })
    }
}

/// A number of any length, big-endian.
fn wide(bytes: &[u8]) -> Result<i128> {
    let is_negative = bytes.first().is_some_and(|first| *first >= 0x80);
    if bytes.is_empty() || bytes.len() > size_of::<i128>() {
        return Err(damaged("a decimal number has no bytes, or more than 16"));
    }
    let start = if is_negative { -1 } else { 0 };
    Ok(bytes.iter().fold(start, |number, byte| number << 8 | i128::from(*byte)))
}

fn damaged(what: &str) -> ParquetError {
    ParquetError::General(what.to_owned())
}

/// Calls the Parquet crate, whose decoders take much for granted and panic on some damaged files.
pub(super) fn contained<T>(call: impl FnOnce() -> Result<T>) -> Result<T> {
    // Whoever gets the error asks no more of what the call has left half done.
    catch_unwind(AssertUnwindSafe(call)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
        Err(damaged(text.unwrap_or("its parts do not fit together")))
    })
}

/// Pages whose values are counted against the budget of a read, before anything is made of them.
struct Counted {
    pages: Box<dyn PageReader>,
    budget: Arc<AtomicU64>,
}

impl PageReader for Counted {
    fn get_next_page(&mut self) -> Result<Option<Page>> {
        let page = self.pages.get_next_page()?;
        let values = page.as_ref().map_or(0, |page| u64::from(page.num_values()));
        let spend = |left: u64| left.checked_sub(values);
        match self.budget.fetch_update(Ordering::Relaxed, Ordering::Relaxed, spend) {
            Ok(_) => Ok(page),
            Err(_) => Err(damaged("a column has too many values in a few rows or in one page")),
        }
    }

    fn peek_next_page(&mut self) -> Result<Option<PageMetadata>> {
        self.pages.peek_next_page()
    }

    fn skip_next_page(&mut self) -> Result<()> {
        self.pages.skip_next_page()
    }

    fn at_record_boundary(&mut self) -> Result<bool> {
        self.pages.at_record_boundary()
    }
}

impl Iterator for Counted {
    type Item = Result<Page>;

    fn next(&mut self) -> Option<Self::Item> {
        self.get_next_page().transpose()
    }
}

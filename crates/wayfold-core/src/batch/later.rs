//! Columns that are read when somebody looks at them: a fold looks at few, so that most bytes of a page are never
//! decoded.

use std::fmt;
use std::sync::{Arc, OnceLock};

use super::columns::{Columns, NONE_BYTE, NamedColumns};
use super::picked::Picked;
use super::raw::{RawBatch, RawColumn, later_columns};
use super::{BatchBuilder, EventBatch};
use crate::error::{Error, Result};
use crate::event::{Limits, Unknown};
use crate::key::{CustomerKey, EventId, Position};
use crate::time::Timestamp;

/// Where the columns of a batch come from beside those that a fold reads of every event.
pub trait ColumnSource: fmt::Debug + Send + Sync {
    /// The id of the event in a row.
    ///
    /// # Errors
    /// `Malformed` if the bytes cannot be read, `Unavailable` if they cannot be got at.
    fn id(&self, row: usize) -> Result<u128>;

    /// The columns that say when and where events were recorded.
    ///
    /// # Errors
    /// As [`ColumnSource::id`].
    fn recorded(&self) -> Result<Vec<RawColumn<'_>>>;

    /// The columns of fields of kinds that hold no texts; see [`is_numeric_field`](crate::is_numeric_field).
    ///
    /// # Errors
    /// As [`ColumnSource::id`].
    fn numbers(&self) -> Result<Vec<RawColumn<'_>>>;

    /// The columns of labels, see [`is_label`](crate::is_label), with the texts that they name.
    ///
    /// # Errors
    /// As [`ColumnSource::id`].
    fn labels(&self) -> Result<RawBatch<'_>>;

    /// The events with all columns of all groups.
    ///
    /// # Errors
    /// As [`ColumnSource::id`].
    fn whole(&self) -> Result<EventBatch>;
}

/// When and where events were recorded.
#[derive(Debug, Clone, Default)]
pub(super) struct Recorded {
    pub(super) positions: Vec<Position>,
    pub(super) recorded_at: Vec<i64>,
}

/// Where what is read later comes from.
#[derive(Debug, Clone)]
pub(super) enum Source {
    Stored(Arc<dyn ColumnSource>),
    Picked(Arc<Picked>),
}

/// What is read later, and what was read of it.
#[derive(Debug, Clone)]
pub(super) struct Later {
    rows: usize,
    source: Source,
    recorded: OnceLock<Recorded>,
    /// The fields of kinds that hold no texts.
    numbers: OnceLock<NamedColumns>,
    /// Labels, with texts of their own, and nothing else.
    labels: OnceLock<Box<Columns>>,
    whole: OnceLock<Box<Columns>>,
    /// The first thing that could not be read.
    failure: OnceLock<Error>,
}

impl Later {
    pub(super) fn new(rows: usize, source: Source) -> Self {
        Self {
            rows,
            source,
            recorded: OnceLock::new(),
            numbers: OnceLock::new(),
            labels: OnceLock::new(),
            whole: OnceLock::new(),
            failure: OnceLock::new(),
        }
    }

    #[inline]
    pub(super) fn id(&self, row: usize) -> u128 {
        match &self.source {
            Source::Stored(source) => self.sound(source.id(row)),
            Source::Picked(picked) => picked.id(row),
        }
    }

    pub(super) fn recorded(&self) -> &Recorded {
        self.recorded.get_or_init(|| match &self.source {
            Source::Stored(source) => self.sound(later_columns::recorded(&**source, self.rows)),
            Source::Picked(picked) => picked.recorded(),
        })
    }

    pub(super) fn numbers(&self) -> &NamedColumns {
        if let Some(whole) = self.whole.get() {
            return &whole.fields;
        }
        self.numbers.get_or_init(|| match &self.source {
            Source::Stored(source) => self.sound(later_columns::numbers(&**source, self.rows)),
            Source::Picked(picked) => picked.numbers(),
        })
    }

    /// Columns that have the labels and their texts, and may have no others.
    pub(super) fn labels(&self) -> &Columns {
        let Source::Stored(source) = &self.source else { return self.whole() };
        if let Some(whole) = self.whole.get() {
            return whole;
        }
        self.labels.get_or_init(|| {
            let labels = later_columns::labels(&**source, self.rows);
            let none = || Columns { channel: vec![NONE_BYTE; self.rows], ..Columns::default() };
            Box::new(labels.unwrap_or_else(|error| self.fail(error, none())))
        })
    }

    /// Everything, checked as a batch from outside is.
    pub(super) fn whole(&self) -> &Columns {
        self.whole.get_or_init(|| {
            let whole = match &self.source {
                Source::Stored(source) => source.whole(),
                Source::Picked(picked) => Ok(picked.whole()),
            };
            let whole = whole.unwrap_or_else(|error| self.fail(error, unreadable(self.rows)));
            Box::new(Arc::unwrap_or_clone(whole.columns))
        })
    }

    pub(super) fn failure(&self) -> Option<&Error> {
        match &self.source {
            Source::Stored(_) => self.failure.get(),
            Source::Picked(picked) => picked.failure(),
        }
    }

    /// What was read, or nothing where it could not be.
    fn sound<T: Default>(&self, read: Result<T>) -> T {
        read.unwrap_or_else(|error| self.fail(error, T::default()))
    }

    /// Notes what could not be read, and gives what stands for it.
    fn fail<T>(&self, error: Error, instead: T) -> T {
        self.failure.get_or_init(|| error);
        instead
    }
}

/// Unknown events, for those that cannot be read.
fn unreadable(rows: usize) -> EventBatch {
    let mut builder = BatchBuilder::new(Limits::default());
    let body = Unknown::new("unreadable", "{}").expect("the name and the fields are well formed");
    let customer = CustomerKey::new("unreadable").expect("the name is well formed");
    let event = crate::event::JourneyEvent::new(EventId::from_u128(0), customer, Timestamp::MIN, body);
    (0..rows).for_each(|_| builder.push_trusted(&event));
    builder.finish()
}

impl EventBatch {
    /// A batch of which the columns that a fold reads are given, and the others are read when somebody looks.
    ///
    /// Folding it gives what folding the whole batch gives. What cannot be read when it is looked at has no value,
    /// an event as a whole is unknown then, and [`EventBatch::failure`] says so; [`EventBatch::check`] reads
    /// everything at once. Where an event is of a kind, or of a version of a kind, that this version of the library
    /// does not write, everything is read here.
    ///
    /// # Errors
    /// As [`EventBatch::from_raw`].
    pub fn with_source(fold: RawBatch<'_>, source: Arc<dyn ColumnSource>) -> Result<Self> {
        let rows = fold.rows;
        match later_columns::fold(fold)? {
            Some(columns) => {
                let later = Some(Box::new(Later::new(rows, Source::Stored(source))));
                Ok(Self { columns: Arc::new(Columns { later, ..columns }) })
            }
            None => source.whole(),
        }
    }

    /// What could not be read of what was looked at.
    pub fn failure(&self) -> Option<&Error> {
        self.columns.later.as_ref().and_then(|later| later.failure())
    }

    /// Reads whatever was not read yet.
    ///
    /// # Errors
    /// `Malformed` if something cannot be read, and the message names the column.
    pub fn check(&self) -> Result<()> {
        self.columns.whole();
        self.failure().map_or(Ok(()), |error| Err(error.clone()))
    }
}

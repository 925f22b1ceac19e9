//! A page of which the columns that a fold reads are decoded, and the others are read when somebody looks at them.

use std::fmt;
use std::ops::{Deref, Range};
use std::sync::{Arc, OnceLock};

use wayfold_core::{
    ColumnGroup, ColumnSource, CustomerKey, EventBatch, RawBatch, RawColumn, is_numeric_field,
};

use crate::column::Wide;
use crate::customer::{CustomerFold, read_fold_of};
use crate::error::{Error, Result};
use crate::page::{
    ID, NUMBERS_IN_REST, find_ids, read_columns, read_columns_at, read_fold, read_labels, read_raw, read_rows,
};
use crate::part::{CHECKSUM_BYTES, HEAD_BYTES, PartName, unframe_version};

/// Gets parts of a page when somebody looks at them.
pub trait PartSource: Send + Sync {
    /// The part of that name, with its frame.
    ///
    /// # Errors
    /// `Malformed` if it is damaged or missing, `Unavailable` if it cannot be got at.
    fn part(&self, name: PartName) -> wayfold_core::Result<Vec<u8>>;
}

/// The parts of a page that a fold seldom looks at.
pub enum LaterParts {
    /// Identity and rest, as they are stored.
    Read([Vec<u8>; 2]),
    /// Where to get them.
    Source(Box<dyn PartSource>),
}

/// The payload of a part whose frame was checked.
struct Payload(Vec<u8>);

impl Payload {
    fn new(name: PartName, framed: Vec<u8>) -> Result<Self> {
        Self::with_version(name, framed).map(|(_, payload)| payload)
    }

    fn with_version(name: PartName, framed: Vec<u8>) -> Result<(u8, Self)> {
        let (version, _) = unframe_version(name, &framed)?;
        Ok((version, Self(framed)))
    }
}

impl Deref for Payload {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0[HEAD_BYTES..self.0.len() - CHECKSUM_BYTES]
    }
}

/// The group identity, and where the ids stand in it.
struct Identity {
    payload: Payload,
    ids: Wide,
}

impl Identity {
    fn new(name: PartName, framed: Vec<u8>, rows: usize) -> Result<Self> {
        let payload = Payload::new(name, framed)?;
        let ids = find_ids(&payload, rows).map_err(|error| error.at(name))?;
        Ok(Self { payload, ids })
    }
}

/// What was read of a part, or why it could not be.
type Looked<T> = OnceLock<wayfold_core::Result<T>>;

/// The groups of a page.
struct Groups {
    names: [PartName; 3],
    /// In which the page was written.
    version: u8,
    rows: usize,
    fold: Payload,
    /// Where the columns stand in it that are read later.
    numbers: OnceLock<Vec<usize>>,
    identity: Looked<Identity>,
    rest: Looked<Payload>,
    source: Option<Box<dyn PartSource>>,
}

impl fmt::Debug for Groups {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Groups").field("name", &self.names[0]).finish_non_exhaustive()
    }
}

/// Opens a page from the part that a fold reads and what there is of the others.
pub(crate) fn open(names: [PartName; 3], fold: Vec<u8>, later: LaterParts) -> Result<EventBatch> {
    Groups::new(names, fold, later)?.open()
}

/// Opens of a page the events of one customer; `None` if it has none there.
pub(crate) fn open_of(
    names: [PartName; 3],
    fold: Vec<u8>,
    later: LaterParts,
    customer: &CustomerKey,
    check_rows: impl FnOnce(usize) -> Result<()>,
) -> Result<Option<EventBatch>> {
    let groups = Groups::new(names, fold, later)?;
    check_rows(groups.rows)?;
    let found = read_fold_of(&groups.fold, customer).map_err(|error| error.at(names[0]))?;
    let Some(CustomerFold { raw, stretch, passed }) = found else { return groups.open().map(Some) };
    if stretch.is_empty() {
        return Ok(None);
    }
    let _ = groups.numbers.set(passed);
    let cut = Cut { groups: groups.clone(), stretch };
    let batch = EventBatch::with_source(raw, Arc::new(cut));
    batch.map(Some).map_err(|error| Error::from(error).at(names[0]))
}

/// Some rows of a page that stand behind each other.
#[derive(Debug)]
struct Cut {
    groups: Arc<Groups>,
    stretch: Range<usize>,
}

impl Cut {
    fn cut<'a>(&self, columns: Vec<RawColumn<'a>>) -> Result<Vec<RawColumn<'a>>> {
        let cut = |column: RawColumn<'a>| {
            let name = column.name.clone();
            column.cut(self.groups.rows, &self.stretch).ok_or_else(|| {
                Error::corrupt(format_args!("column {name:?}: it does not hold a value for every row"))
            })
        };
        columns.into_iter().map(cut).collect()
    }
}

impl ColumnSource for Cut {
    fn id(&self, row: usize) -> wayfold_core::Result<u128> {
        self.groups.id(self.stretch.start + row)
    }

    fn recorded(&self) -> wayfold_core::Result<Vec<RawColumn<'_>>> {
        self.cut(self.groups.recorded()?).map_err(|error| self.groups.malformed(error))
    }

    fn numbers(&self) -> wayfold_core::Result<Vec<RawColumn<'_>>> {
        self.cut(self.groups.numbers()?).map_err(|error| self.groups.malformed(error))
    }

    fn labels(&self) -> wayfold_core::Result<RawBatch<'_>> {
        let labels = self.groups.labels_of(|columns| self.cut(columns))?;
        Ok(RawBatch { rows: self.stretch.len(), ..labels })
    }

    fn whole(&self) -> wayfold_core::Result<EventBatch> {
        let page = self.groups.whole()?;
        Ok(EventBatch::from_views(self.stretch.clone().map(|row| page.event(row))))
    }
}

impl ColumnSource for Groups {
    fn id(&self, row: usize) -> wayfold_core::Result<u128> {
        let identity = self.identity()?;
        Ok(identity.ids.get(&identity.payload, row))
    }

    fn recorded(&self) -> wayfold_core::Result<Vec<RawColumn<'_>>> {
        let payload = &self.identity()?.payload;
        read_columns(ColumnGroup::Identity, payload, |name| name != ID).map_err(|error| self.malformed(error))
    }

    fn numbers(&self) -> wayfold_core::Result<Vec<RawColumn<'_>>> {
        let numbers = self.numbers.get().map_or(&[][..], Vec::as_slice);
        let columns = read_columns_at(ColumnGroup::Fold, &self.fold, numbers);
        let mut columns = columns.map_err(|error| self.malformed(error))?;
        if self.version <= NUMBERS_IN_REST {
            let others = read_columns(ColumnGroup::Rest, self.rest()?, is_numeric_field);
            columns.extend(others.map_err(|error| self.malformed(error))?);
        }
        Ok(columns)
    }

    fn labels(&self) -> wayfold_core::Result<RawBatch<'_>> {
        self.labels_of(Ok)
    }

    fn whole(&self) -> wayfold_core::Result<EventBatch> {
        let groups: [&[u8]; 3] = [&self.fold, &self.identity()?.payload, self.rest()?];
        EventBatch::from_raw(read_raw(self.version, groups).map_err(|error| self.malformed(error))?)
    }
}

impl Groups {
    fn new(names: [PartName; 3], fold: Vec<u8>, later: LaterParts) -> Result<Arc<Self>> {
        let (version, fold) = Payload::with_version(names[0], fold)?;
        let rows = read_rows(&fold).map_err(|error| error.at(names[0]))?;
        let (mut identity, mut rest, mut source) = (OnceLock::new(), OnceLock::new(), None);
        match later {
            LaterParts::Read([of_identity, of_rest]) => {
                identity = Ok(Identity::new(names[1], of_identity, rows)?).into();
                rest = Ok(Payload::new(names[2], of_rest)?).into();
            }
            LaterParts::Source(parts) => source = Some(parts),
        }
        let numbers = OnceLock::new();
        Ok(Arc::new(Self { names, version, rows, fold, numbers, identity, rest, source }))
    }

    /// Reads what a fold reads of all events.
    fn open(self: &Arc<Self>) -> Result<EventBatch> {
        let (fold, numbers) = read_fold(&self.fold).map_err(|error| error.at(self.names[0]))?;
        let _ = self.numbers.set(numbers);
        EventBatch::with_source(fold, self.clone()).map_err(|error| Error::from(error).at(self.names[0]))
    }

    fn identity(&self) -> wayfold_core::Result<&Identity> {
        self.looked(&self.identity, 1, |name, framed| Identity::new(name, framed, self.rows))
    }

    fn rest(&self) -> wayfold_core::Result<&Payload> {
        self.looked(&self.rest, 2, Payload::new)
    }

    /// What a part holds, got at the first look.
    fn looked<'a, T>(
        &self,
        known: &'a Looked<T>,
        part: usize,
        read: impl FnOnce(PartName, Vec<u8>) -> Result<T>,
    ) -> wayfold_core::Result<&'a T> {
        let get = || {
            let source = self.source.as_ref().expect("a page without a source has all of its parts");
            read(self.names[part], source.part(self.names[part])?).map_err(wayfold_core::Error::malformed)
        };
        known.get_or_init(get).as_ref().map_err(Clone::clone)
    }

    /// The labels of the rows to which their columns are cut.
    fn labels_of<'a>(
        &'a self,
        cut: impl FnOnce(Vec<RawColumn<'a>>) -> Result<Vec<RawColumn<'a>>>,
    ) -> wayfold_core::Result<RawBatch<'a>> {
        read_labels(&self.fold, self.rest()?, cut).map_err(|error| self.malformed(error))
    }

    fn malformed(&self, error: Error) -> wayfold_core::Error {
        wayfold_core::Error::malformed(error.at(self.names[0]))
    }
}

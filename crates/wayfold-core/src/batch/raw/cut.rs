//! Rows cut out of the columns of a batch, before anything is made of them.

use std::borrow::Cow;
use std::ops::Range;

use super::{ColumnGroup, RawBatch, RawColumn, RawPacked, RawValues, names};

impl RawColumn<'_> {
    /// Keeps the values of a stretch of rows, which are counted from the first of it then. `None` if the column is not
    /// one of a value for each of so many rows, or for some.
    pub fn cut(self, all: usize, stretch: &Range<usize>) -> Option<Self> {
        let (rows, places) = match self.rows {
            None if self.values.len() == all => (None, stretch.clone()),
            Some(rows) if self.values.len() == rows.len() => {
                let place = |row: usize| rows.partition_point(|known| (*known as usize) < row);
                let places = place(stretch.start)..place(stretch.end);
                let kept = rows.get(places.clone())?.iter();
                let kept = kept.map(|row| row.checked_sub(stretch.start as u32)).collect::<Option<_>>()?;
                (Some(Cow::Owned(kept)), places)
            }
            _ => return None,
        };
        Some(Self { rows, values: self.values.cut(places)?, ..self })
    }
}

impl RawValues<'_> {
    /// The values at some places; `None` if there are not as many.
    fn cut(self, places: Range<usize>) -> Option<Self> {
        fn cut<'a, T: Clone>(values: Cow<'a, [T]>, places: Range<usize>) -> Option<Cow<'a, [T]>> {
            Some(match values {
                Cow::Borrowed(values) => Cow::Borrowed(values.get(places)?),
                Cow::Owned(values) => Cow::Owned(values.get(places)?.to_vec()),
            })
        }
        Some(match self {
            Self::Integers(values) => Self::Integers(cut(values, places)?),
            Self::Wide(values) => Self::Wide(cut(values, places)?),
            Self::Texts(values) => Self::Texts(cut(values, places)?),
            Self::Packed(packed) => Self::Packed(packed.cut(places)?),
        })
    }

    /// Where a number stands, if that is at places behind each other.
    fn stretch_of(&self, number: i64) -> Option<Range<usize>> {
        let found = |numbers: &[i64]| {
            let first = numbers.iter().position(|other| *other == number);
            let last = numbers.iter().rposition(|other| *other == number);
            let stretch = first.unwrap_or(0)..last.map_or(0, |last| last + 1);
            numbers[stretch.clone()].iter().all(|other| *other == number).then_some(stretch)
        };
        match self {
            Self::Packed(packed @ RawPacked::Offsets { .. }) => found(&packed.to_vec()),
            Self::Packed(RawPacked::Runs(runs)) => {
                let (mut next, mut stretch) = (0, 0..0);
                for (other, length) in runs {
                    let end = next + *length as usize;
                    if *other == number && end > next {
                        let start = if stretch.is_empty() { next } else { stretch.start };
                        if stretch.end != next && !stretch.is_empty() {
                            return None;
                        }
                        stretch = start..end;
                    }
                    next = end;
                }
                Some(stretch)
            }
            Self::Integers(numbers) => found(numbers),
            Self::Wide(_) | Self::Texts(_) => None,
        }
    }
}

impl<'a> RawBatch<'a> {
    /// Keeps the events of one customer, given which numbers of texts are its tenant's and its own, and says at which
    /// rows they stood.
    ///
    /// `None` if they do not stand behind each other, if the customer stands twice, if there are columns of another
    /// group than [`ColumnGroup::Fold`], or if one is not as long as it has to be: what is wrong then is told by who
    /// reads all rows.
    pub fn of_customer(self, is_it: impl Fn(u32, u32) -> bool) -> Option<(Self, Range<usize>)> {
        let table = |name: &str| match self.columns.iter().find(|column| column.name == name) {
            Some(RawColumn { rows: None, values: RawValues::Texts(numbers), .. }) => Some(numbers),
            _ => None,
        };
        let (tenants, customers) = (table(names::TENANTS)?, table(names::CUSTOMERS)?);
        if tenants.len() != customers.len() {
            return None;
        }
        let mut locals = (0..).zip(tenants.iter().zip(customers.iter()));
        let mut find = || locals.find(|(_, (tenant, customer))| is_it(**tenant, **customer));
        let Some((local, (tenant, customer))) = find() else {
            return Some((Self { rows: 0, columns: Vec::new(), ..self }, 0..0));
        };
        if find().is_some() {
            return None;
        }
        let (tenant, customer) = (vec![*tenant], vec![*customer]);
        let own = self.columns.iter().find(|column| column.name == names::CUSTOMER)?;
        let stretch = own.values.stretch_of(local).filter(|_| own.values.len() == self.rows)?;
        let (all, rows) = (self.rows, stretch.len());
        let cut = |column: RawColumn<'a>| {
            let values = match &*column.name {
                _ if column.group != ColumnGroup::Fold => return None,
                names::KIND_NAMES | names::KIND_VERSIONS => return Some(column),
                names::TENANTS => RawValues::Texts(Cow::Owned(tenant.clone())),
                names::CUSTOMERS => RawValues::Texts(Cow::Owned(customer.clone())),
                names::CUSTOMER => RawValues::Packed(RawPacked::Runs(vec![(0, u32::try_from(rows).ok()?)])),
                _ => return column.cut(all, &stretch),
            };
            Some(RawColumn { values, ..column })
        };
        let columns = self.columns.into_iter().map(cut).collect::<Option<_>>()?;
        Some((Self { rows, columns, texts: self.texts }, stretch))
    }
}

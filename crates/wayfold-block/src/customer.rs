//! What a fold reads of the events of one customer, out of a page of many.

use std::ops::Range;

use wayfold_core::{ColumnGroup, CustomerKey, RawBatch, RawTexts, is_numeric_field};

use crate::bytes::Reader;
use crate::column::{Budget, ROWS_MAX, read_wanted};
use crate::error::{Error, Result};
use crate::text_list::TextList;

/// What a fold reads of the events of one customer on a page.
pub(crate) struct CustomerFold<'a> {
    pub(crate) raw: RawBatch<'a>,
    /// At which rows of the page they stand; none if the customer has no event there.
    pub(crate) stretch: Range<usize>,
    /// Where the columns stand that are passed over.
    pub(crate) passed: Vec<usize>,
}

/// Reads what a fold reads of the events of one customer; `None` where that takes a look at all of them.
pub(crate) fn read_fold_of<'a>(
    payload: &'a [u8],
    customer: &CustomerKey,
) -> Result<Option<CustomerFold<'a>>> {
    let read = || {
        let mut budget = Budget::of(payload.len());
        let mut reader = Reader::new(payload);
        let rows = reader.count(ROWS_MAX)?;
        let mut texts = TextList::default();
        texts.read(&mut reader)?;
        let (mut columns, mut passed) = (Vec::new(), Vec::new());
        for _ in 0..reader.count(reader.len())? {
            let place = payload.len() - reader.len();
            let is_wanted = |name: &str| !is_numeric_field(name);
            match read_wanted(&mut reader, ColumnGroup::Fold, &mut budget, is_wanted)? {
                Some(column) => columns.push(column),
                None => passed.push(place),
            }
        }
        reader.finish()?;
        let tenants = texts.numbers_of(customer.tenant.as_str().as_bytes());
        let customers = texts.numbers_of(customer.customer.as_str().as_bytes());
        let all = RawBatch { rows, texts: RawTexts::default(), columns };
        let is_it = |tenant, customer| tenants.contains(&tenant) && customers.contains(&customer);
        let Some((mut raw, stretch)) = all.of_customer(is_it) else { return Ok(None) };
        raw.texts = texts.keep(&mut raw.columns)?;
        Ok(Some(CustomerFold { raw, stretch, passed }))
    };
    read().map_err(|error: Error| error.at(format_args!("{:?}", ColumnGroup::Fold)))
}

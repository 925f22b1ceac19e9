//! What a fold reads of the events of one customer, out of a page of many.

use std::borrow::Cow;
use std::ops::Range;

use wayfold_core::{ColumnGroup, CustomerKey, RawBatch, RawColumn, RawTexts, RawValues, is_numeric_field};

use crate::bytes::Reader;
use crate::column::{Budget, ROWS_MAX, read_wanted};
use crate::error::{Error, Result};
use crate::text::end;
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
        let texts = TextList::read(&mut reader)?;
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
        raw.texts = keep_texts(&texts, &mut raw.columns)?;
        Ok(Some(CustomerFold { raw, stretch, passed }))
    };
    read().map_err(|error: Error| error.at(format_args!("{:?}", ColumnGroup::Fold)))
}

/// Spells out the texts that columns name, and numbers them anew.
fn keep_texts(texts: &TextList<'_>, columns: &mut [RawColumn<'_>]) -> Result<RawTexts<'static>> {
    let named = columns.iter().filter_map(|column| match &column.values {
        RawValues::Texts(numbers) => Some(numbers.iter().copied()),
        _ => None,
    });
    let mut kept: Vec<u32> = named.flatten().collect();
    kept.sort_unstable();
    kept.dedup();
    let (mut bytes, mut ends) = (Vec::new(), Vec::with_capacity(kept.len()));
    for number in &kept {
        texts.spell(*number, &mut bytes)?;
        ends.push(end(&bytes)?);
    }
    for column in columns {
        if let RawValues::Texts(numbers) = &mut column.values {
            for number in numbers.to_mut() {
                *number = kept.partition_point(|known| known < number) as u32;
            }
        }
    }
    let bytes = String::from_utf8(bytes).map_err(|_| Error::corrupt("the texts are no UTF-8"))?;
    Ok(RawTexts { bytes: Cow::Owned(bytes), ends: Cow::Owned(ends) })
}

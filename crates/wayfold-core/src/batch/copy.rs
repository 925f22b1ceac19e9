//! Rows copied one after the other: that is how many batches of few rows are brought together.

use std::borrow::Cow;

use super::builder::BatchBuilder;
use super::columns::{Columns, NONE, Named, OrderFacts, Sparse};

/// Adds a row of other columns, of which all is there, behind the rows of a batch that is being made; what a store
/// recorded of it is left out.
pub(super) fn copy_row(to: &mut BatchBuilder, from: &Columns, row: usize) {
    let new = to.len() as u32;
    copy_lists(to, from, row);
    copy_facts(to, from, row, new);
    copy_lines(to, from, row, new);
    copy_rare(to, from, row, new);
    copy_fields(to, from, row as u32, new);
    copy_attributes(to, from, row as u32, new);
    copy_dense(to, from, row);
}

fn copy_lists(to: &mut BatchBuilder, from: &Columns, row: usize) {
    for tag in from.tags_of(row) {
        let number = to.text(from.texts.get(*tag));
        to.columns.tags.push(number);
    }
    for name in from.attribute_names_of(row) {
        let number = to.text(from.texts.get(*name));
        to.columns.attribute_names.push(number);
    }
    let columns = &mut to.columns;
    columns.tag_ends.push(columns.tags.len() as u32);
    columns.attribute_ends.push(columns.attribute_names.len() as u32);
}

fn copy_facts(to: &mut BatchBuilder, from: &Columns, row: usize, new: u32) {
    if let Some(facts) = from.facts.get(row as u32) {
        let order = facts.order.map(|order| to.text(from.texts.get(order)));
        to.columns.facts.push(new, OrderFacts { order, ..facts });
    }
}

fn copy_lines(to: &mut BatchBuilder, from: &Columns, row: usize, new: u32) {
    let Some((first, count)) = from.lines.ranges.get(row as u32) else { return };
    let start = to.columns.lines.product.len() as u32;
    for line in first as usize..(first + count) as usize {
        let product = to.text(from.texts.get(from.lines.product[line]));
        let lines = &mut to.columns.lines;
        lines.product.push(product);
        lines.quantity.push(from.lines.quantity[line]);
        lines.list.push(from.lines.list[line]);
        lines.paid.push(from.lines.paid[line]);
        lines.cost.push(from.lines.cost[line]);
    }
    to.columns.lines.ranges.push(new, (start, count));
}

fn copy_rare(to: &mut BatchBuilder, from: &Columns, row: usize, new: u32) {
    let row = row as u32;
    if let Some(number) = text(to, from, &from.source, row) {
        to.columns.source.push(new, number);
    }
    if let Some(number) = text(to, from, &from.team, row) {
        to.columns.team.push(new, number);
    }
    if let Some(number) = text(to, from, &from.person, row) {
        to.columns.person.push(new, number);
    }
    if let Some(id) = from.correlation.get(row) {
        to.columns.correlation.push(new, id);
    }
    if let Some(id) = from.causation.get(row) {
        to.columns.causation.push(new, id);
    }
    if let Some(at) = from.received_at.get(row) {
        to.columns.received_at.push(new, at);
    }
}

fn copy_fields(to: &mut BatchBuilder, from: &Columns, row: u32, new: u32) {
    for (name, column) in &from.fields.texts {
        if let Some(number) = text(to, from, column, row) {
            put(&mut to.columns.fields.texts, (name, new), number);
        }
    }
    let to = &mut to.columns.fields;
    copy_named(&mut to.integers, &from.fields.integers, row, new);
    copy_named(&mut to.booleans, &from.fields.booleans, row, new);
    copy_named(&mut to.times, &from.fields.times, row, new);
    copy_named(&mut to.amounts, &from.fields.amounts, row, new);
    copy_named(&mut to.moneys, &from.fields.moneys, row, new);
    copy_named(&mut to.ids, &from.fields.ids, row, new);
}

fn copy_attributes(to: &mut BatchBuilder, from: &Columns, row: u32, new: u32) {
    for (name, column) in &from.attributes.texts {
        if let Some(number) = text(to, from, column, row) {
            put(&mut to.columns.attributes.texts, (name, new), number);
        }
    }
    for (name, column) in &from.attributes.jsons {
        if let Some(number) = text(to, from, column, row) {
            put(&mut to.columns.attributes.jsons, (name, new), number);
        }
    }
    let to = &mut to.columns.attributes;
    copy_named(&mut to.integers, &from.attributes.integers, row, new);
    copy_named(&mut to.booleans, &from.attributes.booleans, row, new);
    copy_named(&mut to.times, &from.attributes.times, row, new);
    copy_named(&mut to.amounts, &from.attributes.amounts, row, new);
    copy_named(&mut to.moneys, &from.attributes.moneys, row, new);
}

/// The kind comes last: it counts the rows.
fn copy_dense(to: &mut BatchBuilder, from: &Columns, row: usize) {
    let (tenant, customer) = from.customer_texts(from.customer[row] as usize);
    let key = (to.text(tenant), to.text(customer));
    let customer = to.customer(key);
    let journey = match from.journey[row] {
        NONE => NONE,
        number => to.text(from.texts.get(number)),
    };
    let columns = &mut to.columns;
    columns.customer.push(customer);
    columns.journey.push(journey);
    columns.occurred_at.push(from.occurred_at[row]);
    columns.sequence.push(from.sequence[row]);
    columns.id.push(from.id[row]);
    columns.stage.push(from.stage[row]);
    columns.channel.push(from.channel[row]);
    columns.offset_minutes.push(from.offset_minutes[row]);
    columns.schema_version.push(from.schema_version[row]);
    columns.kind.push(from.kind[row]);
}

/// The new number of a text of a row that has one.
fn text(to: &mut BatchBuilder, from: &Columns, column: &Sparse<u32>, row: u32) -> Option<u32> {
    column.get(row).map(|number| to.text(from.texts.get(number)))
}

fn copy_named<T: Copy>(to: &mut Named<T>, from: &Named<T>, row: u32, new: u32) {
    for (name, column) in from {
        if let Some(value) = column.get(row) {
            put(to, (name, new), value);
        }
    }
}

/// Puts a value into the column of a name, as that of a row; the name is copied once.
fn put<T: Copy>(to: &mut Named<T>, (name, row): (&Cow<'static, str>, u32), value: T) {
    match to.get_mut(name) {
        Some(column) => column.push(row, value),
        None => to.entry(name.clone()).or_default().push(row, value),
    }
}

//! Whether two events state the same, without making either.

use super::EventView;
use super::columns::{Named, NamedColumns, Sparse, Texts};

/// Says whether both state the same: all but what a store recorded.
pub(super) fn same_content(a: &EventView<'_>, b: &EventView<'_>) -> bool {
    same_envelope(a, b)
        && a.tags().eq(b.tags())
        && same_facts(a, b)
        && same_rare(a, b)
        && same_named(a, b, |view| &view.columns().fields)
        && same_named(a, b, |view| &view.columns().attributes)
}

fn same_envelope(a: &EventView<'_>, b: &EventView<'_>) -> bool {
    let dense = |view: &EventView<'_>| {
        let (columns, row) = (view.columns(), view.row());
        let bytes = (columns.stage[row], columns.channel[row]);
        let numbers = (columns.offset_minutes[row], columns.schema_version[row], columns.sequence[row]);
        (columns.id[row], columns.kind[row], columns.occurred_at[row], bytes, numbers)
    };
    dense(a) == dense(b) && a.customer_texts() == b.customer_texts() && a.journey() == b.journey()
}

/// The order is one of the tags, and the margin follows from the lines.
fn same_facts(a: &EventView<'_>, b: &EventView<'_>) -> bool {
    let (of_a, of_b) = (a.facts(), b.facts());
    of_a.amount == of_b.amount
        && of_a.promised_at == of_b.promised_at
        && a.lines().map(|line| line.to_line()).eq(b.lines().map(|line| line.to_line()))
}

fn same_rare(a: &EventView<'_>, b: &EventView<'_>) -> bool {
    fn value<T: Copy>(view: &EventView<'_>, column: &Sparse<T>) -> Option<T> {
        column.get(view.row() as u32)
    }
    let wide = |view: &EventView<'_>| {
        let columns = view.columns();
        let ids = (value(view, &columns.correlation), value(view, &columns.causation));
        (ids, value(view, &columns.received_at))
    };
    fn texts<'a>(view: &EventView<'a>) -> [Option<&'a str>; 3] {
        let columns = view.columns();
        [&columns.source, &columns.team, &columns.person]
            .map(|column| value(view, column).map(|number| columns.texts.get(number)))
    }
    wide(a) == wide(b) && texts(a) == texts(b)
}

fn same_named(
    a: &EventView<'_>,
    b: &EventView<'_>,
    of: impl for<'v> Fn(&EventView<'v>) -> &'v NamedColumns,
) -> bool {
    let (x, y) = (of(a), of(b));
    same_texts(a, b, &x.texts, &y.texts)
        && same_values(a, b, &x.integers, &y.integers)
        && same_values(a, b, &x.booleans, &y.booleans)
        && same_values(a, b, &x.times, &y.times)
        && same_values(a, b, &x.amounts, &y.amounts)
        && same_values(a, b, &x.moneys, &y.moneys)
        && same_values(a, b, &x.ids, &y.ids)
        && same_texts(a, b, &x.jsons, &y.jsons)
}

fn same_values<T: Copy + PartialEq>(
    a: &EventView<'_>,
    b: &EventView<'_>,
    x: &Named<T>,
    y: &Named<T>,
) -> bool {
    same_by(x, y, |x, y| {
        x.and_then(|column| column.get(a.row() as u32)) == y.and_then(|column| column.get(b.row() as u32))
    })
}

fn same_texts(a: &EventView<'_>, b: &EventView<'_>, x: &Named<u32>, y: &Named<u32>) -> bool {
    fn text<'t>(column: Option<&Sparse<u32>>, row: usize, texts: &'t Texts) -> Option<&'t str> {
        column.and_then(|column| column.get(row as u32)).map(|number| texts.get(number))
    }
    same_by(x, y, |x, y| text(x, a.row(), &a.columns().texts) == text(y, b.row(), &b.columns().texts))
}

/// Compares the columns of each name that either batch has.
fn same_by<T>(
    x: &Named<T>,
    y: &Named<T>,
    same: impl Fn(Option<&Sparse<T>>, Option<&Sparse<T>>) -> bool,
) -> bool {
    let only_in_y = y.iter().filter(|(name, _)| !x.contains_key(*name));
    x.iter().all(|(name, column)| same(Some(column), y.get(name)))
        && only_in_y.into_iter().all(|(_, column)| same(None, Some(column)))
}

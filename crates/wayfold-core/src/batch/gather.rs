//! Rows of several batches brought together into one, column by column.

use std::borrow::Cow;
use std::collections::BTreeMap;

use hashbrown::HashMap;

use super::builder::BatchBuilder;
use super::columns::{Columns, Indexed, NONE, Named, NamedColumns, OrderFacts, Sparse};
use super::{EventBatch, EventView};
use crate::event::Limits;

/// Copies the events of the views into one batch, in their order.
///
/// Texts are looked up once for each batch that they come from, and columns of a few rows are walked once, so
/// that an event costs far less than building it anew.
pub(super) fn gather<'a>(views: impl IntoIterator<Item = EventView<'a>>) -> EventBatch {
    Gather::of(views.into_iter().map(|view| view.whole())).finish()
}

/// Copies the fields of kinds that hold no texts.
pub(super) fn gather_numbers<'a>(views: impl IntoIterator<Item = EventView<'a>>) -> NamedColumns {
    let mut gather = Gather::of(views);
    gather.numbers_of_fields();
    gather.builder.columns.fields
}

/// So many texts of a batch for each row that is picked of it are worth a list.
const TEXTS_PER_ROW: usize = 8;

/// A batch that gives rows.
struct Source<'a> {
    columns: &'a Columns,
    /// The rows that it gives and where each goes, in the order of the rows.
    picks: Vec<(u32, u32)>,
    /// The new number of each text, or [`NONE`] as long as no row needed it; empty as long as none was needed.
    texts: Vec<u32>,
    /// As many customers, alike.
    customers: Vec<u32>,
}

impl<'a> Source<'a> {
    fn new(columns: &'a Columns) -> Self {
        Self { columns, picks: Vec::new(), texts: Vec::new(), customers: Vec::new() }
    }

    fn text(&mut self, builder: &mut BatchBuilder, number: u32) -> u32 {
        if self.texts.is_empty() {
            // Where few of many rows are picked, a list of all texts costs more than looking some up twice.
            if self.picks.len() * TEXTS_PER_ROW < self.columns.texts.len() {
                return builder.text(self.columns.texts.get(number));
            }
            self.texts.resize(self.columns.texts.len(), NONE);
        }
        let known = &mut self.texts[number as usize];
        if *known == NONE {
            *known = builder.text(self.columns.texts.get(number));
        }
        *known
    }

    fn customer(&mut self, builder: &mut BatchBuilder, local: u32) -> u32 {
        if self.customers.is_empty() {
            self.customers.resize(self.columns.customers.len(), NONE);
        }
        if self.customers[local as usize] == NONE {
            let (tenant, customer) = self.columns.customers[local as usize];
            let key = (self.text(builder, tenant), self.text(builder, customer));
            self.customers[local as usize] = builder.customer(key);
        }
        self.customers[local as usize]
    }
}

struct Gather<'a> {
    sources: Vec<Source<'a>>,
    /// The source of each new row, and its row there.
    rows: Vec<(usize, usize)>,
    builder: BatchBuilder,
}

impl<'a> Gather<'a> {
    fn of(views: impl IntoIterator<Item = EventView<'a>>) -> Self {
        let mut sources: Vec<Source<'a>> = Vec::new();
        let mut numbers: HashMap<*const Columns, usize> = HashMap::new();
        let mut rows = Vec::new();
        let mut last = 0;
        for view in views {
            let columns = view.columns();
            if !sources.get(last).is_some_and(|source| std::ptr::eq(source.columns, columns)) {
                last = *numbers.entry(std::ptr::from_ref(columns)).or_insert(sources.len());
                if last == sources.len() {
                    sources.push(Source::new(columns));
                }
            }
            sources[last].picks.push((view.row() as u32, rows.len() as u32));
            rows.push((last, view.row()));
        }
        for source in &mut sources {
            if !source.picks.is_sorted() {
                source.picks.sort_unstable();
            }
        }
        Self { sources, rows, builder: BatchBuilder::new(Limits::default()) }
    }

    fn finish(mut self) -> EventBatch {
        self.dense();
        self.journeys();
        self.tags();
        self.facts();
        self.lines();
        self.rare();
        self.fields();
        self.attributes();
        self.builder.finish_gathered()
    }

    fn dense(&mut self) {
        self.builder.columns.customer = self.numbers(Source::customer, |columns, row| columns.customer[row]);
        self.builder.columns.kind = self.copy(|columns, row| columns.kind[row]);
        self.builder.columns.occurred_at = self.copy(|columns, row| columns.occurred_at[row]);
        self.builder.columns.sequence = self.copy(|columns, row| columns.sequence[row]);
        self.builder.columns.id = self.copy(|columns, row| columns.id[row]);
        self.builder.columns.stage = self.copy(|columns, row| columns.stage[row]);
        self.builder.columns.channel = self.copy(|columns, row| columns.channel[row]);
        self.builder.columns.offset_minutes = self.copy(|columns, row| columns.offset_minutes[row]);
        self.builder.columns.schema_version = self.copy(|columns, row| columns.schema_version[row]);
        self.recorded();
    }

    /// Positions stand for all rows or for none.
    fn recorded(&mut self) {
        if self.sources.iter().all(|source| !source.columns.positions.is_empty()) {
            self.builder.columns.recorded_at = self.copy(|columns, row| columns.recorded_at[row]);
            self.builder.columns.positions = self.copy(|columns, row| columns.positions[row]);
        }
    }

    fn copy<T>(&self, get: impl Fn(&Columns, usize) -> T) -> Vec<T> {
        self.rows.iter().map(|(source, row)| get(self.sources[*source].columns, *row)).collect()
    }

    fn numbers(
        &mut self,
        translate: impl Fn(&mut Source<'a>, &mut BatchBuilder, u32) -> u32,
        get: impl Fn(&Columns, usize) -> u32,
    ) -> Vec<u32> {
        let Self { sources, rows, builder } = self;
        rows.iter()
            .map(|(source, row)| {
                let source = &mut sources[*source];
                translate(source, builder, get(source.columns, *row))
            })
            .collect()
    }

    fn journeys(&mut self) {
        let Self { sources, rows, builder } = self;
        for (new, (source, row)) in rows.iter().enumerate() {
            let source = &mut sources[*source];
            if let Some(journey) = source.columns.journey.get(*row) {
                let journey = source.text(builder, journey);
                builder.columns.journey.push(new as u32, journey);
            }
        }
    }

    fn tags(&mut self) {
        let Self { sources, rows, builder } = self;
        for (source, row) in rows.iter() {
            let source = &mut sources[*source];
            for tag in source.columns.tags_of(*row) {
                let number = source.text(builder, *tag);
                builder.columns.tags.push(number);
            }
            builder.columns.tag_ends.push(builder.columns.tags.len() as u32);
        }
    }

    fn facts(&mut self) {
        let Self { sources, rows, builder } = self;
        let mut facts = Indexed::default();
        for (new, (source, row)) in rows.iter().enumerate() {
            let source = &mut sources[*source];
            if let Some(found) = source.columns.facts.get(*row as u32) {
                let order = found.order.map(|order| source.text(builder, order));
                facts.push(new as u32, OrderFacts { order, ..*found });
            }
        }
        builder.columns.facts = facts;
    }

    fn lines(&mut self) {
        let Self { sources, rows, builder } = self;
        for (new, (source, row)) in rows.iter().enumerate() {
            let source = &mut sources[*source];
            let from = &source.columns.lines;
            let Some((first, count)) = from.ranges.get(*row as u32) else { continue };
            let start = builder.columns.lines.product.len() as u32;
            for line in *first as usize..(first + count) as usize {
                let product = source.text(builder, from.product[line]);
                let lines = &mut builder.columns.lines;
                lines.product.push(product);
                lines.quantity.push(from.quantity[line]);
                lines.list.push(from.list[line]);
                lines.paid.push(from.paid[line]);
                lines.cost.push(from.cost[line]);
            }
            builder.columns.lines.ranges.push(new as u32, (start, *count));
        }
    }

    fn rare(&mut self) {
        self.builder.columns.source = self.sparse_texts(|columns| &columns.source);
        self.builder.columns.team = self.sparse_texts(|columns| &columns.team);
        self.builder.columns.person = self.sparse_texts(|columns| &columns.person);
        self.builder.columns.correlation = self.sparse(|columns| &columns.correlation);
        self.builder.columns.causation = self.sparse(|columns| &columns.causation);
        self.builder.columns.received_at = self.sparse(|columns| &columns.received_at);
    }

    fn fields(&mut self) {
        self.builder.columns.fields.texts = self.named_texts(|columns| &columns.fields.texts);
        self.numbers_of_fields();
    }

    fn numbers_of_fields(&mut self) {
        self.builder.columns.fields.integers = self.named(|columns| &columns.numbers().integers);
        self.builder.columns.fields.booleans = self.named(|columns| &columns.numbers().booleans);
        self.builder.columns.fields.times = self.named(|columns| &columns.numbers().times);
        self.builder.columns.fields.amounts = self.named(|columns| &columns.numbers().amounts);
        self.builder.columns.fields.moneys = self.named(|columns| &columns.numbers().moneys);
        self.builder.columns.fields.ids = self.named(|columns| &columns.numbers().ids);
    }

    fn attributes(&mut self) {
        let Self { sources, rows, builder } = self;
        for (source, row) in rows.iter() {
            let source = &mut sources[*source];
            for name in source.columns.attribute_names_of(*row) {
                let number = source.text(builder, *name);
                builder.columns.attribute_names.push(number);
            }
            builder.columns.attribute_ends.push(builder.columns.attribute_names.len() as u32);
        }
        self.builder.columns.attributes.texts = self.named_texts(|columns| &columns.attributes.texts);
        self.builder.columns.attributes.integers = self.named(|columns| &columns.attributes.integers);
        self.builder.columns.attributes.booleans = self.named(|columns| &columns.attributes.booleans);
        self.builder.columns.attributes.times = self.named(|columns| &columns.attributes.times);
        self.builder.columns.attributes.amounts = self.named(|columns| &columns.attributes.amounts);
        self.builder.columns.attributes.moneys = self.named(|columns| &columns.attributes.moneys);
        self.builder.columns.attributes.jsons = self.named_texts(|columns| &columns.attributes.jsons);
    }

    fn sparse<T: Copy + 'a>(&self, of: impl Fn(&'a Columns) -> &'a Sparse<T>) -> Sparse<T> {
        let mut found = Vec::new();
        for source in &self.sources {
            of(source.columns).join(&source.picks, |row, value| found.push((row, value)));
        }
        Sparse::from_unsorted(found)
    }

    fn sparse_texts(&mut self, of: impl Fn(&'a Columns) -> &'a Sparse<u32>) -> Sparse<u32> {
        let mut found = Vec::new();
        for source in &mut self.sources {
            let start = found.len();
            of(source.columns).join(&source.picks, |row, value| found.push((row, value)));
            for (_, value) in &mut found[start..] {
                *value = source.text(&mut self.builder, *value);
            }
        }
        Sparse::from_unsorted(found)
    }

    fn named<T: Copy + 'a>(&self, of: impl Fn(&'a Columns) -> &'a Named<T>) -> Named<T> {
        let mut found = Found::default();
        for source in &self.sources {
            for (name, column) in of(source.columns) {
                let values = found.entry(name).or_default();
                column.join(&source.picks, |row, value| values.push((row, value)));
            }
        }
        named(found)
    }

    fn named_texts(&mut self, of: impl Fn(&'a Columns) -> &'a Named<u32>) -> Named<u32> {
        let Self { sources, builder, .. } = self;
        let mut found = Found::default();
        for source in sources {
            for (name, column) in of(source.columns) {
                let values = found.entry(name).or_default();
                let start = values.len();
                column.join(&source.picks, |row, value| values.push((row, value)));
                values[start..].iter_mut().for_each(|(_, value)| *value = source.text(builder, *value));
            }
        }
        named(found)
    }
}

/// Rows and values by the name of their column. Each source is asked for what it has: most of many small ones lack
/// most columns.
type Found<'a, T> = BTreeMap<&'a Cow<'static, str>, Vec<(u32, T)>>;

fn named<T: Copy>(found: Found<'_, T>) -> Named<T> {
    let found = found.into_iter().filter(|(_, values)| !values.is_empty());
    found.map(|(name, values)| (name.clone(), Sparse::from_unsorted(values))).collect()
}

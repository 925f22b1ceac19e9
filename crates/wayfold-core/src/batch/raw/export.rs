use std::borrow::Cow;

use super::{ColumnGroup, RawBatch, RawColumn, RawTexts, RawValues, names};
use crate::batch::EventBatch;
use crate::batch::columns::{Columns, NONE, NONE_BYTE, Named, NamedColumns, OrderFacts, Sparse};
use crate::currency::Currency;
use crate::event::EventKind;
use crate::money::Money;
use crate::stage::{Channel, Stage};

impl EventBatch {
    /// The batch as plain columns by name.
    pub fn to_raw(&self) -> RawBatch<'_> {
        let columns = self.columns().whole();
        let mut exporter = Exporter {
            from: columns,
            bytes: columns.texts.bytes.clone(),
            ends: columns.texts.ends.clone(),
            group: ColumnGroup::Fold,
            columns: Vec::with_capacity(32),
        };
        exporter.fold();
        exporter.group = ColumnGroup::Identity;
        exporter.identity();
        exporter.group = ColumnGroup::Rest;
        exporter.rest();
        let texts = RawTexts { bytes: Cow::Owned(exporter.bytes), ends: Cow::Owned(exporter.ends) };
        RawBatch { rows: self.len(), texts, columns: exporter.columns }
    }
}

struct Exporter<'a> {
    from: &'a Columns,
    bytes: String,
    ends: Vec<u32>,
    group: ColumnGroup,
    columns: Vec<RawColumn<'a>>,
}

impl<'a> Exporter<'a> {
    fn fold(&mut self) {
        let from = self.from;
        self.kinds();
        let customers = |pick: fn(&(u32, u32)) -> u32| from.customers.iter().map(pick).collect();
        self.every(names::TENANTS, texts(customers(|(tenant, _)| *tenant)));
        self.every(names::CUSTOMERS, texts(customers(|(_, customer)| *customer)));
        self.every(names::CUSTOMER, integers(&from.customer));
        self.every(names::OCCURRED_AT, RawValues::Integers(Cow::Borrowed(&from.occurred_at)));
        if from.sequence.iter().any(|sequence| *sequence != 0) {
            self.every(names::SEQUENCE, integers(&from.sequence));
        }
        self.words(names::STAGE, &from.stage, |stage| Stage::ALL[stage].as_str());
        let rows = 0..from.kind.len();
        let journeys = rows.filter_map(|row| Some((row as u32, from.journey.get(row)?)));
        self.some(names::JOURNEY, journeys.collect(), texts);
        self.facts();
        self.numbers(names::FIELDS, &from.fields);
    }

    /// Kinds as numbers of a small table of names and versions.
    fn kinds(&mut self) {
        let mut table: Vec<(EventKind, u16)> = Vec::new();
        let mut first = [NONE; 256];
        let numbers = self.from.kind.iter().zip(&self.from.schema_version).map(|(kind, version)| {
            let known = first[usize::from(kind.rank())];
            if known != NONE && table[known as usize].1 == *version {
                return i64::from(known);
            }
            let number = table.iter().position(|entry| *entry == (*kind, *version)).unwrap_or(table.len());
            if number == table.len() {
                table.push((*kind, *version));
                first[usize::from(kind.rank())] = number as u32;
            }
            number as i64
        });
        let numbers = numbers.collect();
        let kinds = table.iter().map(|(kind, _)| self.word(kind.stored_name())).collect();
        let versions = table.iter().map(|(_, version)| i64::from(*version)).collect();
        self.every(names::KIND_NAMES, texts(kinds));
        self.every(names::KIND_VERSIONS, RawValues::Integers(Cow::Owned(versions)));
        self.every(names::KIND, RawValues::Integers(Cow::Owned(numbers)));
    }

    fn facts(&mut self) {
        let facts: Vec<_> = (0..self.from.kind.len() as u32)
            .filter_map(|row| self.from.facts.get(row).map(|facts| (row, facts)))
            .collect();
        let of = |get: fn(&OrderFacts) -> Option<i64>| {
            facts.iter().filter_map(|(row, facts)| Some((*row, get(facts)?))).collect::<Vec<_>>()
        };
        let orders = facts.iter().filter_map(|(row, facts)| Some((*row, facts.order?))).collect();
        self.some(names::ORDER, orders, texts);
        self.some(names::AMOUNT, of(|facts| Some(facts.amount?.amount.as_ten_thousandths())), owned);
        self.some(names::AMOUNT_CURRENCY, of(|facts| Some(currency(facts.amount?.currency))), owned);
        self.some(names::PROMISED_AT, of(|facts| Some(facts.promised_at?.as_micros())), owned);
        self.some(names::LINE_MARGIN, of(|facts| facts.lines?.margin), owned);
        let ranges = &self.from.lines.ranges;
        let counts = facts.iter().filter_map(|(row, _)| Some((*row, i64::from(ranges.get(*row)?.1))));
        self.some(names::LINE_COUNT, counts.collect(), owned);
    }

    fn identity(&mut self) {
        let from = self.from;
        self.every(names::ID, RawValues::Wide(Cow::Borrowed(&from.id)));
        if !from.positions.is_empty() {
            let positions = from.positions.iter().map(|at| u128::from_be_bytes(at.to_bytes())).collect();
            self.every(names::POSITION, RawValues::Wide(Cow::Owned(positions)));
            self.every(names::RECORDED_AT, RawValues::Integers(Cow::Borrowed(&from.recorded_at)));
        }
    }

    fn rest(&mut self) {
        let from = self.from;
        if from.offset_minutes.iter().any(|minutes| *minutes != 0) {
            self.every(names::OFFSET_MINUTES, integers(&from.offset_minutes));
        }
        self.sparse(names::RECEIVED_AT, &from.received_at, RawValues::Integers);
        self.words(names::CHANNEL, &from.channel, |channel| Channel::ALL[channel].as_str());
        if !from.tags.is_empty() {
            let counts = (0..from.kind.len()).map(|row| from.tags_of(row).len() as i64).collect();
            self.every(names::TAG_COUNT, RawValues::Integers(Cow::Owned(counts)));
            self.every(names::TAGS, RawValues::Texts(Cow::Borrowed(&from.tags)));
        }
        self.lines();
        self.sparse(names::SOURCE, &from.source, RawValues::Texts);
        self.sparse(names::TEAM, &from.team, RawValues::Texts);
        self.sparse(names::PERSON, &from.person, RawValues::Texts);
        self.sparse(names::CORRELATION, &from.correlation, RawValues::Wide);
        self.sparse(names::CAUSATION, &from.causation, RawValues::Wide);
        self.texts(names::FIELDS, &from.fields);
        self.numbers(names::ATTRIBUTES, &from.attributes);
        self.texts(names::ATTRIBUTES, &from.attributes);
    }

    fn lines(&mut self) {
        let lines = &self.from.lines;
        if lines.product.is_empty() {
            return;
        }
        self.every(names::LINE_PRODUCT, RawValues::Texts(Cow::Borrowed(&lines.product)));
        self.every(names::LINE_QUANTITY, RawValues::Integers(Cow::Borrowed(&lines.quantity)));
        for (name, column) in [
            (names::LINE_LIST, &lines.list),
            (names::LINE_PAID, &lines.paid),
            (names::LINE_COST, &lines.cost),
        ] {
            let values = column.iter().enumerate().filter_map(|(line, value)| Some((line as u32, (*value)?)));
            self.some(name, values.collect(), owned);
        }
    }

    fn texts(&mut self, of: &str, columns: &'a NamedColumns) {
        self.each(of, "text", &columns.texts, |column| RawValues::Texts(Cow::Borrowed(column)));
        self.each(of, "json", &columns.jsons, |column| RawValues::Texts(Cow::Borrowed(column)));
    }

    fn numbers(&mut self, of: &str, columns: &'a NamedColumns) {
        let NamedColumns { texts: _, integers, booleans, times, amounts, moneys, ids, jsons: _ } = columns;
        self.each(of, "integer", integers, |column| RawValues::Integers(Cow::Borrowed(column)));
        self.each(of, "boolean", booleans, |column| {
            RawValues::Integers(column.iter().map(|value| i64::from(*value)).collect())
        });
        self.each(of, "time", times, |column| RawValues::Integers(Cow::Borrowed(column)));
        self.each(of, "amount", amounts, |column| RawValues::Integers(Cow::Borrowed(column)));
        let amount = |money: &Money| money.amount.as_ten_thousandths();
        self.each(of, "money", moneys, |column| RawValues::Integers(column.iter().map(amount).collect()));
        let code = |money: &Money| currency(money.currency);
        self.each(of, "currency", moneys, |column| RawValues::Integers(column.iter().map(code).collect()));
        self.each(of, "id", ids, |column| RawValues::Wide(Cow::Borrowed(column)));
    }

    fn each<T: Copy>(
        &mut self,
        of: &str,
        kind: &str,
        columns: &'a Named<T>,
        values: impl Fn(&'a [T]) -> RawValues<'a>,
    ) {
        for (name, column) in columns {
            let name = Cow::Owned(format!("{of}.{kind}.{name}"));
            self.push(name, column.rows(), values(column.values()));
        }
    }

    fn sparse<T: Copy>(
        &mut self,
        name: &'static str,
        column: &'a Sparse<T>,
        values: impl Fn(Cow<'a, [T]>) -> RawValues<'a>,
    ) {
        self.push(Cow::Borrowed(name), column.rows(), values(Cow::Borrowed(column.values())));
    }

    fn push(&mut self, name: Cow<'a, str>, rows: &'a [u32], values: RawValues<'a>) {
        if !rows.is_empty() {
            let rows = (rows.len() < self.from.kind.len()).then_some(Cow::Borrowed(rows));
            self.columns.push(RawColumn { group: self.group, name, rows, values });
        }
    }

    /// Bytes that stand for words of a closed list, as texts.
    fn words(&mut self, name: &'static str, bytes: &[u8], word: fn(usize) -> &'static str) {
        let mut numbers = [NONE; 256];
        let mut values = where_not(bytes, NONE_BYTE);
        let values: Vec<_> = values
            .drain(..)
            .map(|(row, byte)| {
                let number = &mut numbers[usize::from(byte)];
                if *number == NONE {
                    *number = self.word(word(usize::from(byte)));
                }
                (row, *number)
            })
            .collect();
        self.some(name, values, texts);
    }

    fn every(&mut self, name: &'static str, values: RawValues<'a>) {
        self.columns.push(RawColumn { group: self.group, name: Cow::Borrowed(name), rows: None, values });
    }

    /// A column of the rows that have a value, unless none has.
    fn some<T>(
        &mut self,
        name: &'static str,
        found: Vec<(u32, T)>,
        values: impl Fn(Vec<T>) -> RawValues<'a>,
    ) {
        if found.is_empty() {
            return;
        }
        let (rows, found): (Vec<_>, Vec<_>) = found.into_iter().unzip();
        // Lines are a table of their own: only a count of rows says whether every one has a value.
        let of_lines = matches!(name, names::LINE_LIST | names::LINE_PAID | names::LINE_COST);
        let all = if of_lines { self.from.lines.product.len() } else { self.from.kind.len() };
        let rows = (rows.len() < all).then_some(Cow::Owned(rows));
        let name = Cow::Borrowed(name);
        self.columns.push(RawColumn { group: self.group, name, rows, values: values(found) });
    }

    /// Adds a word behind the batch's own texts.
    fn word(&mut self, word: &str) -> u32 {
        self.bytes.push_str(word);
        self.ends.push(u32::try_from(self.bytes.len()).expect("a batch holds less than 4 GiB of text"));
        self.ends.len() as u32 - 1
    }
}

fn where_not<T: Copy + PartialEq>(values: &[T], none: T) -> Vec<(u32, T)> {
    let rows = values.iter().enumerate().filter(|(_, value)| **value != none);
    rows.map(|(row, value)| (row as u32, *value)).collect()
}

fn texts<'a>(numbers: Vec<u32>) -> RawValues<'a> {
    RawValues::Texts(Cow::Owned(numbers))
}

fn owned<'a>(values: Vec<i64>) -> RawValues<'a> {
    RawValues::Integers(Cow::Owned(values))
}

fn integers<'a, T: Copy + Into<i64>>(values: &[T]) -> RawValues<'a> {
    RawValues::Integers(values.iter().map(|value| (*value).into()).collect())
}

fn currency(currency: Currency) -> i64 {
    currency.as_str().bytes().fold(0, |code, letter| code << 8 | i64::from(letter))
}

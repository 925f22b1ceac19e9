use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap, HashSet};

use super::{RawBatch, RawColumn, RawTexts, RawValues, names};
use crate::batch::EventBatch;
use crate::batch::columns::{
    Columns, Indexed, LineColumns, LineFacts, NONE, NONE_BYTE, Named, NamedColumns, OrderFacts, Sparse, Texts,
};
use crate::batch::lift::ForeignRow;
use crate::currency::Currency;
use crate::error::{Error, ErrorKind, Result};
use crate::event::{EventBody, EventKind, NestedJson, UNKNOWN_FIELDS, Unknown};
use crate::key::{NAME_BYTES_MAX, Position, Tag, check_name};
use crate::money::{Amount, Money};
use crate::stage::{Channel, Stage};
use crate::time::{EventTime, Timestamp};

impl EventBatch {
    /// Reads a batch from plain columns.
    ///
    /// Everything that the library relies on is checked: rows and numbers in range, names, words, instants,
    /// currencies, and the fields that a kind requires. Events of a kind, or of a version of a kind, that this
    /// version of the library does not write are kept as unknown, with all their fields; see
    /// [`EventBatch::lifted`].
    ///
    /// # Errors
    /// `Malformed`, and the message names the column.
    pub fn from_raw(raw: RawBatch<'_>) -> Result<Self> {
        let mut foreign = Vec::new();
        let columns = Importer::new(raw)?.finish(&mut foreign)?;
        let batch = Self::with_foreign(columns, &foreign)?;
        let unsound = batch.iter().find(|event| !EventBody::is_sound(event.kind(), event));
        match unsound {
            None => Ok(batch),
            Some(event) => {
                let (id, kind) = (event.id(), event.kind().name());
                Err(malformed(format_args!(
                    "event {id}: a field that {kind} requires is absent or no word of its"
                )))
            }
        }
    }
}

fn malformed(message: impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::Malformed, message)
}

fn bad(name: &str, what: impl std::fmt::Display) -> Error {
    malformed(format_args!("column {name:?}: {what}"))
}

/// Takes columns out by name.
struct Importer<'a> {
    rows: usize,
    texts: Texts,
    columns: HashMap<String, RawColumn<'a>>,
}

impl<'a> Importer<'a> {
    fn new(raw: RawBatch<'a>) -> Result<Self> {
        let texts = read_texts(raw.texts)?;
        let mut columns = HashMap::with_capacity(raw.columns.len());
        for column in raw.columns {
            check_rows(&column)?;
            if let Some(twice) = columns.insert(column.name.clone().into_owned(), column) {
                return Err(bad(&twice.name, "it stands twice"));
            }
        }
        Ok(Self { rows: raw.rows, texts, columns })
    }

    fn finish(mut self, foreign: &mut Vec<ForeignRow>) -> Result<Columns> {
        let mut columns = Columns::default();
        self.kinds(&mut columns, foreign)?;
        self.customers(&mut columns)?;
        self.envelope(&mut columns)?;
        self.identity(&mut columns)?;
        columns.lines = self.lines()?;
        columns.facts = self.facts(&columns.lines)?;
        self.tags(&mut columns)?;
        self.rare(&mut columns)?;
        self.named(&mut columns)?;
        if let Some(name) = self.columns.keys().min() {
            return Err(bad(name, "this version of the library does not know it; update the library"));
        }
        columns.texts = self.texts;
        self::attribute_names(&mut columns);
        Ok(columns)
    }

    fn kinds(&mut self, to: &mut Columns, foreign: &mut Vec<ForeignRow>) -> Result<()> {
        let kinds = self.table_texts(names::KIND_NAMES)?;
        let versions = self.table_integers(names::KIND_VERSIONS)?;
        if kinds.len() != versions.len() {
            return Err(bad(names::KIND_VERSIONS, "it is not as long as the names"));
        }
        let read = |(number, version): (&u32, &i64)| {
            self.check_name(names::KIND_NAMES, *number)?;
            let version = u16::try_from(*version).map_err(|_| bad(names::KIND_VERSIONS, "out of range"))?;
            Ok((todays_kind(self.texts.get(*number), version), version, *number))
        };
        let table = kinds.iter().zip(&versions).map(read).collect::<Result<Vec<_>>>()?;
        let numbers = self.every(names::KIND)?.ok_or_else(|| bad(names::KIND, "it is missing"))?;
        for (row, number) in numbers.into_iter().enumerate() {
            let entry = usize::try_from(number).ok().and_then(|number| table.get(number));
            let (kind, version, name) =
                *entry.ok_or_else(|| bad(names::KIND, format_args!("{number} is no kind")))?;
            if kind.is_none() {
                foreign.push(ForeignRow { row, kind: self.texts.get(name).to_owned() });
            }
            to.kind.push(kind.unwrap_or(EventKind::Unknown));
            to.schema_version.push(version);
        }
        Ok(())
    }

    fn customers(&mut self, to: &mut Columns) -> Result<()> {
        let tenants = self.table_texts(names::TENANTS)?;
        let customers = self.table_texts(names::CUSTOMERS)?;
        if tenants.len() != customers.len() {
            return Err(bad(names::CUSTOMERS, "it is not as long as the tenants"));
        }
        let mut known = HashSet::with_capacity(customers.len());
        for (tenant, customer) in tenants.iter().zip(&customers) {
            if self.texts.get(*tenant).len() > NAME_BYTES_MAX {
                return Err(bad(names::TENANTS, "a name is too long"));
            }
            self.check_name(names::CUSTOMERS, *customer)?;
            if !known.insert((self.texts.get(*tenant), self.texts.get(*customer))) {
                return Err(bad(names::CUSTOMERS, "a customer stands twice"));
            }
        }
        to.customers = tenants.into_iter().zip(customers).collect();
        let numbers = self.every(names::CUSTOMER)?.ok_or_else(|| bad(names::CUSTOMER, "it is missing"))?;
        let len = to.customers.len();
        to.customer = narrow(names::CUSTOMER, &numbers, |number: &u32| (*number as usize) < len)?;
        Ok(())
    }

    fn envelope(&mut self, to: &mut Columns) -> Result<()> {
        let missing = || bad(names::OCCURRED_AT, "it is missing");
        to.occurred_at = self.every(names::OCCURRED_AT)?.ok_or_else(missing)?;
        check_instants(names::OCCURRED_AT, &to.occurred_at)?;
        to.sequence = self.every_or_zero(names::SEQUENCE, |_: &u32| true)?;
        to.offset_minutes = self.every_or_zero(names::OFFSET_MINUTES, |_: &i16| true)?;
        for (micros, minutes) in to.occurred_at.iter().zip(&to.offset_minutes) {
            if *minutes != 0 {
                EventTime::new(Timestamp::trusted(*micros), *minutes)
                    .map_err(|error| bad(names::OFFSET_MINUTES, error))?;
            }
        }
        to.stage = self.words(names::STAGE, |word| Stage::parse(word).map(|stage| stage as u8))?;
        to.channel = self.words(names::CHANNEL, |word| Channel::parse(word).map(|channel| channel as u8))?;
        to.journey = vec![NONE; self.rows];
        for (row, number) in self.some_texts(names::JOURNEY)? {
            self.check_name(names::JOURNEY, number)?;
            to.journey[row as usize] = number;
        }
        Ok(())
    }

    fn identity(&mut self, to: &mut Columns) -> Result<()> {
        to.id = self.every_wide(names::ID)?.ok_or_else(|| bad(names::ID, "it is missing"))?;
        let positions = self.every_wide(names::POSITION)?;
        let recorded_at = self.every(names::RECORDED_AT)?;
        match (positions, recorded_at) {
            (None, None) => Ok(()),
            (Some(positions), Some(recorded_at)) => {
                check_instants(names::RECORDED_AT, &recorded_at)?;
                let place = |number: u128| Position::from_bytes(number.to_be_bytes());
                to.positions = positions.into_iter().map(place).collect();
                to.recorded_at = recorded_at;
                Ok(())
            }
            _ => Err(bad(names::POSITION, "positions and recording times stand together or not at all")),
        }
    }

    fn lines(&mut self) -> Result<LineColumns> {
        let product = self.table_texts(names::LINE_PRODUCT)?;
        let mut lines = LineColumns { product, ..LineColumns::default() };
        for product in &lines.product {
            if self.texts.get(*product).is_empty() {
                return Err(bad(names::LINE_PRODUCT, "a line names no product"));
            }
        }
        lines.quantity = self.table_integers(names::LINE_QUANTITY)?;
        let count = lines.product.len();
        if lines.quantity.len() != count {
            return Err(bad(names::LINE_QUANTITY, "it is not as long as the products"));
        }
        lines.list = self.line_prices(names::LINE_LIST, count)?;
        lines.paid = self.line_prices(names::LINE_PAID, count)?;
        lines.cost = self.line_prices(names::LINE_COST, count)?;
        let mut next = 0_u32;
        for (row, lines_of_row) in self.some_integers(names::LINE_COUNT, self.rows)? {
            let number = u32::try_from(lines_of_row).ok().filter(|number| *number > 0);
            let end = number.and_then(|number| next.checked_add(number)).filter(|end| *end as usize <= count);
            let end = end.ok_or_else(|| bad(names::LINE_COUNT, "it counts other lines than there are"))?;
            lines.ranges.push(row, (next, end - next));
            next = end;
        }
        if next as usize != count {
            return Err(bad(names::LINE_COUNT, "it counts other lines than there are"));
        }
        Ok(lines)
    }

    fn line_prices(&mut self, name: &str, lines: usize) -> Result<Vec<Option<i64>>> {
        let mut prices = vec![None; lines];
        for (line, price) in self.some_integers(name, lines)? {
            prices[line as usize] = Some(price);
        }
        Ok(prices)
    }

    fn facts(&mut self, lines: &LineColumns) -> Result<Indexed<OrderFacts>> {
        let mut facts = vec![OrderFacts::default(); self.rows];
        for (row, number) in self.some_texts(names::ORDER)? {
            if self.texts.get(number).strip_prefix("order:").is_none_or(str::is_empty) {
                return Err(bad(names::ORDER, "a text is no tag of type order"));
            }
            facts[row as usize].order = Some(number);
        }
        for (row, money) in self.moneys(names::AMOUNT, names::AMOUNT_CURRENCY)? {
            facts[row as usize].amount = Some(money);
        }
        for (row, micros) in self.some_integers(names::PROMISED_AT, self.rows)? {
            check_instants(names::PROMISED_AT, &[micros])?;
            facts[row as usize].promised_at = Some(Timestamp::trusted(micros));
        }
        for (row, fact) in facts.iter_mut().enumerate() {
            if lines.ranges.get(row as u32).is_some() {
                fact.lines = Some(LineFacts { margin: None });
            }
        }
        for (row, margin) in self.some_integers(names::LINE_MARGIN, self.rows)? {
            let lines = facts[row as usize].lines.as_mut();
            lines.ok_or_else(|| bad(names::LINE_MARGIN, "a row without lines has a margin"))?.margin =
                Some(margin);
        }
        let mut found = Indexed::default();
        for (row, fact) in facts.into_iter().enumerate() {
            if fact != OrderFacts::default() {
                found.push(row as u32, fact);
            }
        }
        Ok(found)
    }

    fn tags(&mut self, to: &mut Columns) -> Result<()> {
        to.tags = self.table_texts(names::TAGS)?;
        for number in &to.tags {
            let tag = self.texts.get(*number);
            if !Tag::is_well_formed(tag) {
                return Err(bad(names::TAGS, format_args!("{tag:?} is no tag")));
            }
        }
        let counts = self.every_or_zero(names::TAG_COUNT, |_: &u32| true)?;
        let mut end = 0_u32;
        for count in counts {
            let wrong = || bad(names::TAG_COUNT, "it counts other tags than there are");
            end = end.checked_add(count).filter(|end| *end as usize <= to.tags.len()).ok_or_else(wrong)?;
            to.tag_ends.push(end);
        }
        if end as usize != to.tags.len() {
            return Err(bad(names::TAG_COUNT, "it counts other tags than there are"));
        }
        Ok(())
    }

    fn rare(&mut self, to: &mut Columns) -> Result<()> {
        to.source = sparse(self.some_texts(names::SOURCE)?);
        to.team = sparse(self.some_texts(names::TEAM)?);
        to.person = sparse(self.some_texts(names::PERSON)?);
        to.correlation = sparse(self.some_wide(names::CORRELATION)?);
        to.causation = sparse(self.some_wide(names::CAUSATION)?);
        let received_at = self.some_integers(names::RECEIVED_AT, self.rows)?;
        for (_, micros) in &received_at {
            check_instants(names::RECEIVED_AT, &[*micros])?;
        }
        to.received_at = sparse(received_at);
        Ok(())
    }

    /// The fields of kinds and the attributes of users: what is left, by the beginning of the name.
    fn named(&mut self, to: &mut Columns) -> Result<()> {
        let left: Vec<String> = self.columns.keys().cloned().collect();
        for whole in left {
            let mut parts = whole.splitn(3, '.');
            let (Some(of), Some(kind), Some(name)) = (parts.next(), parts.next(), parts.next()) else {
                continue;
            };
            let is_attribute = of == names::ATTRIBUTES;
            let columns = match of {
                names::FIELDS => &mut to.fields,
                names::ATTRIBUTES => &mut to.attributes,
                _ => continue,
            };
            if is_attribute {
                check_name("attribute", name).map_err(|error| bad(&whole, error))?;
            }
            self.named_column(columns, (of, kind, name), &whole)?;
        }
        Ok(())
    }

    fn named_column(
        &mut self,
        to: &mut NamedColumns,
        (of, kind, name): (&str, &str, &str),
        whole: &str,
    ) -> Result<()> {
        let rows = self.rows;
        match kind {
            "text" => {
                let values = self.some_texts(whole)?;
                if name == UNKNOWN_FIELDS {
                    self.check_each(whole, &values, Unknown::check_fields)?;
                }
                put(&mut to.texts, name, values);
            }
            "integer" => put(&mut to.integers, name, self.some_integers(whole, rows)?),
            "boolean" => {
                let values = self.some_integers(whole, rows)?;
                if values.iter().any(|(_, value)| !(0..=1).contains(value)) {
                    return Err(bad(whole, "a boolean is neither 0 nor 1"));
                }
                put(
                    &mut to.booleans,
                    name,
                    values.into_iter().map(|(row, value)| (row, value == 1)).collect(),
                );
            }
            "time" => {
                let values = self.some_integers(whole, rows)?;
                values.iter().try_for_each(|(_, micros)| check_instants(whole, &[*micros]))?;
                put(&mut to.times, name, values);
            }
            "amount" => put(&mut to.amounts, name, self.some_integers(whole, rows)?),
            "money" => put(&mut to.moneys, name, self.moneys(whole, &format!("{of}.currency.{name}"))?),
            "id" => put(&mut to.ids, name, self.some_wide(whole)?),
            "json" => {
                let values = self.some_texts(whole)?;
                self.check_each(whole, &values, |text| {
                    NestedJson::new(text).map(|json| json.as_str() == text)
                })?;
                put(&mut to.jsons, name, values);
            }
            // A currency goes with the money of its name; what nobody takes is refused at the end.
            _ => {}
        }
        Ok(())
    }

    /// Checks the JSON of some rows, each text once.
    fn check_each(
        &self,
        name: &str,
        values: &[(u32, u32)],
        check: impl Fn(&str) -> Result<bool>,
    ) -> Result<()> {
        let numbers: BTreeSet<u32> = values.iter().map(|(_, number)| *number).collect();
        for number in numbers {
            if !check(self.texts.get(number)).map_err(|error| bad(name, error))? {
                return Err(bad(name, "a text is not in the form in which it is kept"));
            }
        }
        Ok(())
    }

    fn moneys(&mut self, amounts: &str, currencies: &str) -> Result<Vec<(u32, Money)>> {
        let values = self.some_integers(amounts, self.rows)?;
        let codes = self.some_integers(currencies, self.rows)?;
        if values.len() != codes.len() {
            return Err(bad(currencies, "it is not as long as the amounts"));
        }
        let mut known: Option<(i64, Currency)> = None;
        let join = |((row, amount), (other, code)): ((u32, i64), (u32, i64))| {
            if row != other {
                return Err(bad(currencies, "it has other rows than the amounts"));
            }
            let currency = match known {
                Some((last, currency)) if last == code => currency,
                _ => read_currency(currencies, code)?,
            };
            known = Some((code, currency));
            Ok((row, Money::new(Amount::from_ten_thousandths(amount), currency)))
        };
        values.into_iter().zip(codes).map(join).collect()
    }

    fn words(&mut self, name: &str, parse: impl Fn(&str) -> Result<u8>) -> Result<Vec<u8>> {
        let mut bytes = vec![NONE_BYTE; self.rows];
        let mut known: Vec<(u32, u8)> = Vec::new();
        for (row, number) in self.some_texts(name)? {
            let byte = match known.iter().find(|(text, _)| *text == number) {
                Some((_, byte)) => *byte,
                None => {
                    let byte = parse(self.texts.get(number)).map_err(|error| bad(name, error))?;
                    known.push((number, byte));
                    byte
                }
            };
            bytes[row as usize] = byte;
        }
        Ok(bytes)
    }

    fn check_name(&self, column: &str, number: u32) -> Result<()> {
        check_name("name", self.texts.get(number)).map_err(|error| bad(column, error))
    }

    fn every(&mut self, name: &str) -> Result<Option<Vec<i64>>> {
        match self.whole(name)? {
            None => Ok(None),
            Some(RawValues::Integers(values)) if values.len() == self.rows => Ok(Some(values.into_owned())),
            Some(_) => Err(bad(name, "it does not hold a whole number for every row")),
        }
    }

    fn every_or_zero<T>(&mut self, name: &str, holds: impl Fn(&T) -> bool) -> Result<Vec<T>>
    where
        T: Copy + Default + TryFrom<i64>,
    {
        match self.every(name)? {
            None => Ok(vec![T::default(); self.rows]),
            Some(values) => narrow(name, &values, holds),
        }
    }

    fn every_wide(&mut self, name: &str) -> Result<Option<Vec<u128>>> {
        match self.whole(name)? {
            None => Ok(None),
            Some(RawValues::Wide(values)) if values.len() == self.rows => Ok(Some(values.into_owned())),
            Some(_) => Err(bad(name, "it does not hold an id for every row")),
        }
    }

    /// A column of a table that is as long as it is.
    fn table_integers(&mut self, name: &str) -> Result<Vec<i64>> {
        match self.whole(name)? {
            None => Ok(Vec::new()),
            Some(RawValues::Integers(values)) => Ok(values.into_owned()),
            Some(_) => Err(bad(name, "it does not hold whole numbers")),
        }
    }

    fn table_texts(&mut self, name: &str) -> Result<Vec<u32>> {
        match self.whole(name)? {
            None => Ok(Vec::new()),
            Some(RawValues::Texts(values)) => self.check_texts(name, &values).map(|()| values.into_owned()),
            Some(_) => Err(bad(name, "it does not hold texts")),
        }
    }

    /// A column that has to have a value in every row.
    fn whole(&mut self, name: &str) -> Result<Option<RawValues<'a>>> {
        match self.columns.remove(name) {
            None => Ok(None),
            Some(RawColumn { rows: None, values, .. }) => Ok(Some(values)),
            Some(_) => Err(bad(name, "it lacks rows")),
        }
    }

    fn some_integers(&mut self, name: &str, all: usize) -> Result<Vec<(u32, i64)>> {
        match self.columns.remove(name) {
            None => Ok(Vec::new()),
            Some(RawColumn { rows, values: RawValues::Integers(values), .. }) => {
                pairs(name, rows, &values, all)
            }
            Some(_) => Err(bad(name, "it does not hold whole numbers")),
        }
    }

    fn some_wide(&mut self, name: &str) -> Result<Vec<(u32, u128)>> {
        match self.columns.remove(name) {
            None => Ok(Vec::new()),
            Some(RawColumn { rows, values: RawValues::Wide(values), .. }) => {
                pairs(name, rows, &values, self.rows)
            }
            Some(_) => Err(bad(name, "it does not hold ids")),
        }
    }

    fn some_texts(&mut self, name: &str) -> Result<Vec<(u32, u32)>> {
        match self.columns.remove(name) {
            None => Ok(Vec::new()),
            Some(RawColumn { rows, values: RawValues::Texts(values), .. }) => {
                self.check_texts(name, &values)?;
                pairs(name, rows, &values, self.rows)
            }
            Some(_) => Err(bad(name, "it does not hold texts")),
        }
    }

    fn check_texts(&self, name: &str, numbers: &[u32]) -> Result<()> {
        match numbers.iter().max() {
            Some(number) if *number as usize >= self.texts.len() => {
                Err(bad(name, format_args!("text {number} of {}", self.texts.len())))
            }
            _ => Ok(()),
        }
    }
}

/// The kind of a stored name, if this version of the library writes it in that version.
fn todays_kind(name: &str, version: u16) -> Option<EventKind> {
    let kind = EventKind::from_stored_name(name)?;
    let counts_itself = kind.is_custom() || kind == EventKind::Unknown;
    (counts_itself || kind.schema_version() == version).then_some(kind)
}

/// The names of the attributes of each row, which the columns by name say.
fn attribute_names(to: &mut Columns) {
    let mut found: Vec<(u32, &str)> = Vec::new();
    let NamedColumns { texts, integers, booleans, times, amounts, moneys, ids: _, jsons } = &to.attributes;
    fn rows<'a, T: Copy>(found: &mut Vec<(u32, &'a str)>, columns: &'a Named<T>) {
        for (name, column) in columns {
            found.extend(column.rows().iter().map(|row| (*row, name.as_ref())));
        }
    }
    rows(&mut found, texts);
    rows(&mut found, integers);
    rows(&mut found, booleans);
    rows(&mut found, times);
    rows(&mut found, amounts);
    rows(&mut found, moneys);
    rows(&mut found, jsons);
    found.sort_unstable();
    let mut numbers: HashMap<&str, u32> = HashMap::new();
    let mut next = 0;
    for row in 0..to.kind.len() as u32 {
        while let Some((_, name)) = found.get(next).filter(|(of, _)| *of == row) {
            let texts = &mut to.texts;
            let number = *numbers.entry(name).or_insert_with(|| {
                texts.bytes.push_str(name);
                texts.ends.push(texts.bytes.len() as u32);
                texts.ends.len() as u32 - 1
            });
            to.attribute_names.push(number);
            next += 1;
        }
        to.attribute_ends.push(to.attribute_names.len() as u32);
    }
}

fn put<T: Copy>(to: &mut Named<T>, name: &str, values: Vec<(u32, T)>) {
    if !values.is_empty() {
        to.insert(Cow::Owned(name.to_owned()), sparse(values));
    }
}

fn sparse<T: Copy>(values: Vec<(u32, T)>) -> Sparse<T> {
    let (rows, values) = values.into_iter().unzip();
    Sparse::from_parts(rows, values)
}

fn pairs<T: Copy>(
    name: &str,
    rows: Option<Cow<'_, [u32]>>,
    values: &[T],
    all: usize,
) -> Result<Vec<(u32, T)>> {
    let last = match &rows {
        Some(rows) => rows.last().map_or(0, |last| *last as usize + 1),
        None => values.len(),
    };
    match rows {
        None if values.len() == all => Ok((0..).zip(values.iter().copied()).collect()),
        Some(rows) if last <= all => Ok(rows.iter().copied().zip(values.iter().copied()).collect()),
        _ => Err(bad(name, format_args!("it reaches row {last} of {all}"))),
    }
}

fn narrow<T: Copy + TryFrom<i64>>(name: &str, values: &[i64], holds: impl Fn(&T) -> bool) -> Result<Vec<T>> {
    let read = |value: &i64| {
        let narrowed = T::try_from(*value).ok().filter(|narrowed| holds(narrowed));
        narrowed.ok_or_else(|| bad(name, format_args!("{value} is out of range")))
    };
    values.iter().map(read).collect()
}

fn check_rows(column: &RawColumn<'_>) -> Result<()> {
    match &column.rows {
        Some(rows) if rows.len() != column.values.len() => {
            Err(bad(&column.name, format_args!("{} rows and {} values", rows.len(), column.values.len())))
        }
        Some(rows) if !rows.is_sorted_by(|a, b| a < b) => Err(bad(&column.name, "its rows do not grow")),
        _ => Ok(()),
    }
}

fn check_instants(name: &str, micros: &[i64]) -> Result<()> {
    let range = Timestamp::MIN.as_micros()..=Timestamp::MAX.as_micros();
    match micros.iter().find(|micros| !range.contains(micros)) {
        None => Ok(()),
        Some(micros) => Err(bad(name, format_args!("{micros} us lie outside of the years 1 to 9999"))),
    }
}

fn read_texts(raw: RawTexts<'_>) -> Result<Texts> {
    let (bytes, ends) = (raw.bytes.into_owned(), raw.ends.into_owned());
    let grows = ends.is_sorted() && ends.last().map_or(0, |end| *end as usize) == bytes.len();
    if !grows || ends.iter().any(|end| !bytes.is_char_boundary(*end as usize)) {
        return Err(malformed("the texts do not end where they say"));
    }
    Ok(Texts { bytes, ends })
}

fn read_currency(name: &str, code: i64) -> Result<Currency> {
    let wrong = || bad(name, format_args!("{code} is no currency"));
    let letters = u32::try_from(code).map_err(|_| wrong())?.to_be_bytes();
    let text = std::str::from_utf8(&letters).map_err(|_| wrong())?;
    Currency::new(text.trim_start_matches('\0')).map_err(|_| wrong())
}

//! The fields of kinds and the attributes of users.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use super::{Importer, bad, check_instants, malformed, names};
use crate::batch::columns::{Columns, NONE, Named, NamedColumns, OrderFacts, Sparse};
use crate::batch::lift::ForeignRow;
use crate::error::Result;
use crate::event::{EventKind, NestedJson, UNKNOWN_FIELDS, Unknown};
use crate::key::check_name;

impl Importer<'_> {
    /// The fields of kinds and the attributes of users: what is left, by the beginning of the name.
    pub(super) fn named(&mut self, to: &mut Columns) -> Result<()> {
        let left: Vec<Cow<'_, str>> = self.columns.keys().cloned().collect();
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
                if values.values().iter().any(|value| !(0..=1).contains(value)) {
                    return Err(bad(whole, "a boolean is neither 0 nor 1"));
                }
                let (rows, values) = values.into_parts();
                let values = values.into_iter().map(|value| value == 1).collect();
                put(&mut to.booleans, name, Sparse::from_parts(rows, values));
            }
            "time" => {
                let values = self.some_integers(whole, rows)?;
                check_instants(whole, values.values())?;
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
        values: &Sparse<u32>,
        check: impl Fn(&str) -> Result<bool>,
    ) -> Result<()> {
        let numbers: BTreeSet<u32> = values.values().iter().copied().collect();
        for number in numbers {
            if !check(self.texts.get(number)).map_err(|error| bad(name, error))? {
                return Err(bad(name, "a text is not in the form in which it is kept"));
            }
        }
        Ok(())
    }
}

/// Calls with the type, name and rows of each column.
fn for_each<'a>(
    columns: &'a NamedColumns,
    mut take: impl FnMut(&'static str, &'a Cow<'static, str>, &'a [u32]) -> Result<()>,
) -> Result<()> {
    fn each<'a, T: Copy>(
        kind: &'static str,
        columns: &'a Named<T>,
        take: &mut impl FnMut(&'static str, &'a Cow<'static, str>, &'a [u32]) -> Result<()>,
    ) -> Result<()> {
        columns.iter().try_for_each(|(name, column)| take(kind, name, column.rows()))
    }
    let NamedColumns { texts, integers, booleans, times, amounts, moneys, ids, jsons } = columns;
    each("text", texts, &mut take)?;
    each("integer", integers, &mut take)?;
    each("boolean", booleans, &mut take)?;
    each("time", times, &mut take)?;
    each("amount", amounts, &mut take)?;
    each("money", moneys, &mut take)?;
    each("id", ids, &mut take)?;
    each("json", jsons, &mut take)
}

/// Notes the names of the attributes of each row, which the columns by name say.
pub(super) fn attribute_names(to: &mut Columns) -> Result<()> {
    let mut named: BTreeMap<&str, Vec<&[u32]>> = BTreeMap::new();
    let mut ends = vec![0_u32; to.kind.len()];
    for_each(&to.attributes, |kind, name, rows| {
        if kind == "id" {
            return Err(bad(&format!("attributes.id.{name}"), "no attribute is of that type"));
        }
        rows.iter().for_each(|row| ends[*row as usize] += 1);
        named.entry(name).or_default().push(rows);
        Ok(())
    })?;
    let total = ends.iter_mut().fold(0, |sum, end| sum + std::mem::replace(end, sum));
    let mut numbers = vec![NONE; total as usize];
    // Names come in their order, so that those of each row grow.
    let starts = ends.clone();
    for (name, columns) in named {
        let number = to.texts.add(name)?;
        for row in columns.into_iter().flatten() {
            let place = &mut ends[*row as usize];
            if *place > starts[*row as usize] && numbers[*place as usize - 1] == number {
                return Err(malformed(format_args!("row {row} has two attributes {name:?}")));
            }
            numbers[*place as usize] = number;
            *place += 1;
        }
    }
    (to.attribute_ends, to.attribute_names) = (ends, numbers);
    Ok(())
}

/// Checks that each row has only fields of its kind; what kinds of other versions have is theirs to say.
pub(super) fn check_fields(columns: &Columns, foreign: &[ForeignRow]) -> Result<()> {
    const FOREIGN: u8 = u8::MAX;
    let mut ranks: Vec<u8> = columns.kind.iter().map(|kind| kind.rank()).collect();
    foreign.iter().for_each(|foreign| ranks[foreign.row] = FOREIGN);
    let check = |field: (&str, &str), mut rows: &mut dyn Iterator<Item = u32>| {
        let mut may_have = [false; 256];
        may_have[usize::from(FOREIGN)] = true;
        for kind in EventKind::ALL {
            may_have[usize::from(kind.rank())] = kind.fields().contains(&field);
        }
        match Iterator::find(&mut rows, |row| !may_have[usize::from(ranks[*row as usize])]) {
            None => Ok(()),
            Some(row) => {
                let kind = columns.kind[row as usize].name();
                let message = format_args!("row {row} is {kind}, which has no such field");
                Err(bad(&format!("{}.{}.{}", names::FIELDS, field.0, field.1), message))
            }
        }
    };
    for_each(&columns.fields, |kind, name, rows| {
        if [("money", names::AMOUNT), ("time", names::PROMISED_AT)].contains(&(kind, name.as_ref())) {
            return Err(bad(&format!("{}.{kind}.{name}", names::FIELDS), "it has a column of its own"));
        }
        check((kind, name), &mut rows.iter().copied())
    })?;
    let mut stated: [Vec<u32>; 3] = Default::default();
    for (row, facts) in columns.facts.iter() {
        let OrderFacts { amount, promised_at, lines, order: _ } = facts;
        for (rows, is_stated) in
            stated.iter_mut().zip([amount.is_some(), promised_at.is_some(), lines.is_some()])
        {
            if is_stated {
                rows.push(row);
            }
        }
    }
    let fields = [("money", names::AMOUNT), ("time", names::PROMISED_AT), ("lines", "lines")];
    fields.into_iter().zip(stated).try_for_each(|(field, rows)| check(field, &mut rows.into_iter()))
}

fn put<T: Copy>(to: &mut Named<T>, name: &str, values: Sparse<T>) {
    if !values.is_empty() {
        to.insert(Cow::Owned(name.to_owned()), values);
    }
}

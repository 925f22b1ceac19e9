//! Columns with other values, rows, names and texts than any builder would give them.

use std::borrow::Cow;

use wayfold_core::{EventBatch, RawBatch, RawColumn, RawTexts, RawValues, Timestamp};
use wayfold_testkit::Random;

use super::check::check_batch;
use super::parts::seeds;
use super::{for_each_case, tries_all_cases};

const INTEGERS: [i64; 12] = [
    i64::MIN,
    i64::MIN + 1,
    Timestamp::MIN.as_micros() - 1,
    Timestamp::MIN.as_micros(),
    -1,
    0,
    1,
    u32::MAX as i64,
    Timestamp::MAX.as_micros(),
    Timestamp::MAX.as_micros() + 1,
    i64::MAX - 1,
    i64::MAX,
];
const WIDE: [u128; 4] = [0, 1, u64::MAX as u128, u128::MAX];
const TYPES: [&str; 9] = ["text", "integer", "boolean", "time", "amount", "money", "currency", "id", "json"];
const NAMES: [&str; 6] = ["order", "stage", "journey", "sequence", "promised_at", "lines.margin"];

#[test]
fn columns_with_any_values_are_taken_whole_or_refused() {
    let seeds = seeds();
    let mut accepted = 0;
    for_each_case(1_500, |random| {
        let (batch, other) = (random.pick(&seeds), random.pick(&seeds));
        let (mut raw, other) = (batch.to_raw(), other.to_raw());
        for _ in 0..=random.below(3) {
            change(random, &mut raw, &other);
        }
        if let Ok(batch) = EventBatch::from_raw(raw) {
            accepted += 1;
            check_batch(&batch);
        }
    });
    assert!(!tries_all_cases() || accepted > 400, "only {accepted} were accepted");
}

fn change<'a>(random: &mut Random, raw: &mut RawBatch<'a>, other: &RawBatch<'a>) {
    let texts = raw.texts.len();
    let place = random.index(raw.columns.len());
    let column = &mut raw.columns[place];
    match random.below(14) {
        0..5 => set(random, column, texts),
        5 | 6 => swap(random, column),
        7 => change_rows(random, column, raw.rows),
        8 => drop(raw.columns.swap_remove(place)),
        9 => column.name = rename(random, &column.name),
        10 => {
            let mut again = column.clone();
            again.name = rename(random, &again.name);
            raw.columns.push(again);
        }
        11 => change_text(random, &mut raw.texts),
        12 => {
            let foreign = other.columns.iter().find(|other| other.name == column.name);
            if let Some(foreign) = foreign.filter(|foreign| !matches!(foreign.values, RawValues::Texts(_))) {
                *column = foreign.clone();
            }
        }
        _ => raw.rows = raw.rows.wrapping_add_signed(random.between(-1, 1) as isize),
    }
}

/// Sets one value to another of the column, or to an end of what it can be.
fn set(random: &mut Random, column: &mut RawColumn<'_>, texts: usize) {
    let count = column.values.len();
    if count == 0 {
        return;
    }
    let (at, from) = (random.index(count), random.index(count));
    let copies = random.percent(40);
    match &mut column.values {
        RawValues::Integers(values) => {
            let values = values.to_mut();
            values[at] = if copies { values[from] } else { *random.pick(&INTEGERS) };
        }
        RawValues::Packed(_) => unreachable!("a batch packs nothing"),
        RawValues::Wide(values) => {
            let values = values.to_mut();
            values[at] = if copies { values[from] } else { *random.pick(&WIDE) };
        }
        RawValues::Texts(values) => {
            let values = values.to_mut();
            values[at] = if copies { values[from] } else { random.index(texts + 1) as u32 };
        }
    }
}

fn swap(random: &mut Random, column: &mut RawColumn<'_>) {
    let count = column.values.len();
    if count == 0 {
        return;
    }
    let (a, b) = (random.index(count), random.index(count));
    match &mut column.values {
        RawValues::Integers(values) => values.to_mut().swap(a, b),
        RawValues::Packed(_) => unreachable!("a batch packs nothing"),
        RawValues::Wide(values) => values.to_mut().swap(a, b),
        RawValues::Texts(values) => values.to_mut().swap(a, b),
    }
}

/// Lists other rows, or takes the last value away.
fn change_rows(random: &mut Random, column: &mut RawColumn<'_>, rows: usize) {
    if random.percent(50) {
        match &mut column.values {
            RawValues::Integers(values) => drop(values.to_mut().pop()),
            RawValues::Packed(_) => unreachable!("a batch packs nothing"),
            RawValues::Wide(values) => drop(values.to_mut().pop()),
            RawValues::Texts(values) => drop(values.to_mut().pop()),
        }
    }
    let count = column.values.len();
    // A batch without events may claim any number of rows by now.
    let mut listed: Vec<u32> = (0..rows.clamp(count, count + 100) as u32).collect();
    while listed.len() > count {
        listed.remove(random.index(listed.len()));
    }
    column.rows = random.percent(80).then_some(Cow::Owned(listed));
}

fn rename<'a>(random: &mut Random, name: &str) -> Cow<'a, str> {
    let parts: Vec<&str> = name.splitn(3, '.').collect();
    match parts[..] {
        [of @ ("fields" | "attributes"), kind, name] => match random.below(3) {
            0 => format!("{of}.{}.{name}", random.pick(&TYPES)).into(),
            1 => format!("{}.{kind}.{name}", random.pick(&["fields", "attributes"])).into(),
            _ => {
                format!("{of}.{kind}.{}", random.pick(&["", "amount", "name", "custom_name", "lines", "a.b"]))
                    .into()
            }
        },
        _ if random.percent(50) => (*random.pick(&NAMES)).into(),
        _ => format!("fields.{}.{name}", random.pick(&TYPES)).into(),
    }
}

/// Puts another text in the place of one: no text, one that stands already, or one that means something.
fn change_text(random: &mut Random, texts: &mut RawTexts<'_>) {
    let mut all: Vec<String> = (0..texts.len() as u32).map(|number| texts.get(number).to_owned()).collect();
    if all.is_empty() {
        return;
    }
    let (at, from) = (random.index(all.len()), random.index(all.len()));
    all[at] = match random.below(6) {
        0 => String::new(),
        1 | 2 => all[from].clone(),
        3 => "order:o1".to_owned(),
        4 => "{}".to_owned(),
        _ => (*random.pick(&[
            "custom:need",
            "custom:",
            "unknown",
            "registered",
            "custom",
            "order_placed",
            "new",
        ]))
        .to_owned(),
    };
    let mut bytes = String::new();
    let mut ends = Vec::new();
    for text in all {
        bytes.push_str(&text);
        ends.push(bytes.len() as u32);
    }
    *texts = RawTexts { bytes: Cow::Owned(bytes), ends: Cow::Owned(ends) };
}

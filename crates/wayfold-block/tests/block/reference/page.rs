//! The groups of a page: texts and columns.

use std::collections::BTreeMap;

use super::Cursor;

/// What a page holds, by the names of the columns.
#[derive(Debug, Default)]
pub(crate) struct Page {
    pub(crate) rows: usize,
    pub(crate) texts: Vec<String>,
    pub(crate) columns: BTreeMap<String, Column>,
    groups: usize,
}

/// One column.
#[derive(Debug)]
pub(crate) struct Column {
    /// The group in which it stands, from 0.
    pub(crate) group: usize,
    /// The rows that have a value; all if they are not listed.
    pub(crate) rows: Option<Vec<usize>>,
    pub(crate) values: Values,
}

#[derive(Debug)]
pub(crate) enum Values {
    Integers(Vec<i64>),
    Wide(Vec<u128>),
    Texts(Vec<String>),
}

impl Column {
    /// The place of a row's value.
    pub(crate) fn place(&self, row: usize) -> Option<usize> {
        match &self.rows {
            None => Some(row),
            Some(rows) => rows.binary_search(&row).ok(),
        }
    }
}

/// Reads a group that ends at a place.
pub(crate) fn read_group(cursor: &mut Cursor<'_>, end: usize, page: &mut Page) {
    let rows = cursor.varint(|rows| format!("{rows} events")) as usize;
    assert!(page.groups == 0 || rows == page.rows, "every group has the same events");
    page.rows = rows;
    read_texts(cursor, &mut page.texts);
    let columns = cursor.varint(|columns| format!("{columns} columns"));
    for _ in 0..columns {
        let name = cursor.text("the name of a column,");
        let column = read_column(cursor, page.groups, &page.texts);
        assert!(page.columns.insert(name.clone(), column).is_none(), "column {name:?} stands once");
    }
    assert_eq!(cursor.at(), end, "nothing is left over");
    page.groups += 1;
}

fn read_texts(cursor: &mut Cursor<'_>, texts: &mut Vec<String>) {
    let count = cursor.varint(|count| format!("{count} texts")) as usize;
    let first = texts.len();
    match cursor.little(1, |encoding| if encoding == 0 { "plain" } else { "front-coded" }.to_owned()) {
        0 => {
            let length = |_| cursor.varint(|length| format!("a text of {length} bytes")) as usize;
            let lengths: Vec<usize> = (0..count).map(length).collect();
            for length in lengths {
                let number = texts.len();
                let read = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
                texts.push(read(cursor.take(length, |bytes| format!("text {number}, {:?}", read(bytes)))));
            }
        }
        1 => {
            let mut before = Vec::new();
            for number in first..first + count {
                let shared = cursor
                    .varint(|shared| format!("text {number} begins with {shared} bytes of the one before"));
                let length = cursor.varint(|length| format!("and goes on with {length}"));
                before.truncate(shared as usize);
                before.extend_from_slice(cursor.take(length as usize, |bytes| {
                    let whole = [before.clone(), bytes.to_vec()].concat();
                    format!("which makes {:?}", String::from_utf8_lossy(&whole))
                }));
                texts.push(String::from_utf8(before.clone()).unwrap());
            }
        }
        other => panic!("text encoding {other}"),
    }
}

fn read_column(cursor: &mut Cursor<'_>, group: usize, texts: &[String]) -> Column {
    let shape = cursor.little(1, |shape| {
        let name = ["whole numbers", "wide numbers", "texts"][shape as usize & 0x7f];
        let rows = if shape >= 0x80 { "of the rows that are listed" } else { "of every row" };
        format!("{name} {rows}")
    });
    let count = cursor.varint(|count| format!("{count} values")) as usize;
    let rows = (shape & 0x80 != 0).then(|| read_rows(cursor, count));
    let values = match shape & 0x7f {
        0 => Values::Integers(read_integers(cursor, count)),
        1 => Values::Wide(read_wide(cursor, count)),
        2 => {
            let numbers = read_integers(cursor, count);
            Values::Texts(numbers.into_iter().map(|number| texts[number as usize].clone()).collect())
        }
        other => panic!("shape {other}"),
    };
    Column { group, rows, values }
}

fn read_rows(cursor: &mut Cursor<'_>, count: usize) -> Vec<usize> {
    let mut rows = Vec::new();
    match cursor.little(1, |encoding| format!("rows as {}", if encoding == 0 { "gaps" } else { "bits" })) {
        0 => {
            for _ in 0..count {
                let next = rows.last().map_or(0, |last| last + 1);
                let row = next + cursor.varint(|gap| format!("row {}", next as u64 + gap)) as usize;
                rows.push(row);
            }
        }
        1 => {
            let length = cursor.varint(|length| format!("{length} bytes of bits")) as usize;
            let bits = cursor.take(length, |bits| format!("the rows that are set in {bits:02x?}"));
            rows.extend((0..length * 8).filter(|row| bits[row / 8] >> (row % 8) & 1 == 1));
        }
        other => panic!("row encoding {other}"),
    }
    assert_eq!(rows.len(), count, "each row has a value");
    rows
}

fn read_integers(cursor: &mut Cursor<'_>, count: usize) -> Vec<i64> {
    if count == 0 {
        return Vec::new();
    }
    let names = ["one value", "offsets", "runs"];
    match cursor.little(1, |encoding| format!("as {}", names[encoding as usize])) {
        0 => vec![cursor.zigzag(|value| value.to_string()); count],
        1 => {
            let least = cursor.zigzag(|least| format!("from {least}"));
            let step = cursor.varint(|step| format!("in steps of {step}"));
            let width = cursor.little(1, |width| format!("of {width} bytes")) as usize;
            let value = |offset: u128| least.wrapping_add((offset as u64).wrapping_mul(step) as i64);
            let read = |_| value(cursor.little(width, |offset| value(offset).to_string()));
            (0..count).map(read).collect()
        }
        2 => {
            let runs = cursor.varint(|runs| format!("{runs} runs"));
            let (mut values, mut value) = (Vec::new(), 0_i64);
            for _ in 0..runs {
                value = value.wrapping_add(cursor.zigzag(|step| format!("{}", value.wrapping_add(step))));
                let length = cursor.varint(|length| format!("{length} times")) as usize;
                values.extend(vec![value; length]);
            }
            assert_eq!(values.len(), count, "the runs are as long as the column");
            values
        }
        other => panic!("value encoding {other}"),
    }
}

fn read_wide(cursor: &mut Cursor<'_>, count: usize) -> Vec<u128> {
    if count == 0 {
        return Vec::new();
    }
    match cursor.little(1, |encoding| format!("as {}", ["one value", "offsets"][encoding as usize])) {
        0 => vec![cursor.little(16, |value| format!("{value:#x}")); count],
        1 => {
            let least = cursor.little(16, |least| format!("from {least:#x}"));
            let width = cursor.little(1, |width| format!("of {width} bytes")) as usize;
            let value = |offset: u128| least.wrapping_add(offset);
            (0..count)
                .map(|_| value(cursor.little(width, |offset| format!("{:#x}", value(offset)))))
                .collect()
        }
        other => panic!("wide encoding {other}"),
    }
}

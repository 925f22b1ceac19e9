//! `docs/format.md` says what the code does: its example, its columns and its kinds are checked.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::fs;
use std::path::PathBuf;

use wayfold_block::{read_fresh, write_fresh};
use wayfold_core::{EventBatch, EventKind, JourneyEvent};

use super::golden;
use super::reference::{self, Note, Page, Values};

fn document() -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/format.md");
    fs::read_to_string(path).unwrap()
}

/// What stands under a heading, up to the next one.
fn section<'a>(document: &'a str, heading: &str) -> &'a str {
    let (_, rest) =
        document.split_once(&format!("## {heading}\n")).unwrap_or_else(|| panic!("no {heading:?}"));
    rest.split("\n## ").next().unwrap().split("\n### ").next().unwrap()
}

/// The first block of code of a language.
fn code<'a>(section: &'a str, language: &str) -> &'a str {
    let (_, rest) = section.split_once(&format!("```{language}\n")).unwrap();
    rest.split_once("```").unwrap().0
}

/// The cells of the rows of a table, without the heads.
fn rows(section: &str) -> Vec<Vec<&str>> {
    let lines = section.lines().filter(|line| line.starts_with("| ")).skip(1);
    lines.map(|line| line.trim_matches('|').split(" | ").map(str::trim).collect()).collect()
}

#[test]
fn the_worked_example_is_what_the_code_writes() {
    let document = document();
    let section = section(&document, "A worked example");
    let events: Vec<JourneyEvent> =
        code(section, "json").lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let positions = events.iter().map(|event| event.position.unwrap()).collect();
    let batch = EventBatch::from_events(&events).unwrap().recorded(positions, events[0].recorded_at.unwrap());
    let bytes = write_fresh(7, &batch);
    let (framed, page) = reference::read_fresh(&bytes);
    let mut notes = framed.payload.notes;
    let end =
        Note { start: bytes.len() - 4, end: bytes.len(), meaning: "checksum of all bytes before".to_owned() };
    notes.push(end);
    let expected = dump(&bytes, &notes);
    assert!(code(section, "text") == expected, "the example should be\n{expected}");
    assert_eq!(read_fresh(7, &bytes).unwrap().to_events(), events);
    let values: Vec<_> = events.iter().map(|event| serde_json::to_value(event).unwrap()).collect();
    assert_eq!(reference::events(&page), values);
}

/// Every byte once, eight a line, with what it means.
fn dump(bytes: &[u8], notes: &[Note]) -> String {
    let mut text = String::new();
    let mut next = 0;
    for Note { start, end, meaning } in notes {
        assert_eq!(*start, next, "every byte has a meaning");
        next = *end;
        if start == end {
            writeln!(text, "                                {meaning}:").unwrap();
        }
        for (number, line) in bytes[*start..*end].chunks(8).enumerate() {
            let hex: Vec<String> = line.iter().map(|byte| format!("{byte:02x}")).collect();
            let meaning = if number == 0 { meaning } else { "" };
            writeln!(
                text,
                "{}",
                format!("{:04x}  {:<24}  {meaning}", start + number * 8, hex.join(" ")).trim_end()
            )
            .unwrap();
        }
    }
    assert_eq!(next, bytes.len());
    text
}

#[test]
fn the_table_of_columns_has_each_column_with_its_group_and_shape() {
    let document = document();
    let (_, page) = read_golden();
    let mut found = BTreeMap::new();
    for (name, column) in &page.columns {
        let name = match name.split('.').collect::<Vec<_>>()[..] {
            [of @ ("fields" | "attributes"), kind, ..] => format!("{of}.{}.NAME", kind),
            _ => name.clone(),
        };
        let shape = match column.values {
            Values::Integers(_) => "integers",
            Values::Wide(_) => "wide",
            Values::Texts(_) => "texts",
        };
        found.insert(name, (["fold", "identity", "rest"][column.group].to_owned(), shape.to_owned()));
    }
    let row = |row: Vec<&str>| (row[0].trim_matches('`').to_owned(), (row[1].to_owned(), row[2].to_owned()));
    let documented: BTreeMap<_, _> =
        rows(section(&document, "Columns by name")).into_iter().map(row).collect();
    assert_eq!(documented, found);
}

fn read_golden() -> (EventBatch, Page) {
    let bytes = golden::fresh("v2");
    let (framed, page) = reference::read_fresh(&bytes);
    (read_fresh(framed.block, &bytes).unwrap(), page)
}

#[test]
fn the_table_of_kinds_has_each_kind_with_its_rank_and_fields() {
    let document = document();
    let (batch, page) = read_golden();
    let mut fields: BTreeMap<EventKind, (String, BTreeSet<String>)> = BTreeMap::new();
    for (row, event) in batch.iter().enumerate() {
        let (name, own) = fields.entry(event.kind()).or_default();
        *name = stored_name(&page, row);
        own.extend(fields_of(&page, row));
    }
    let mut expected = String::new();
    for (kind, (name, fields)) in fields {
        let fields: Vec<String> = fields.iter().map(|field| format!("`{field}`")).collect();
        let fields = if fields.is_empty() { "none".to_owned() } else { fields.join(" ") };
        writeln!(expected, "| {} | `{name}` | {fields} |", kind.rank()).unwrap();
    }
    let table: Vec<&str> = section(&document, "Kinds and their fields")
        .lines()
        .filter(|line| line.starts_with("| "))
        .skip(1)
        .collect();
    assert!(table.join("\n") == expected.trim_end(), "the table should be\n{expected}");
}

fn stored_name(page: &Page, row: usize) -> String {
    let Values::Integers(kinds) = &page.columns["kind"].values else { panic!("kinds are numbers") };
    let Values::Texts(names) = &page.columns["kinds.name"].values else { panic!("names are texts") };
    names[kinds[row] as usize].clone()
}

/// The columns that hold the fields of a row.
fn fields_of(page: &Page, row: usize) -> Vec<String> {
    let has = |name: &str| page.columns.get(name).is_some_and(|column| column.place(row).is_some());
    let own = page.columns.keys().filter_map(|name| Some((name, name.strip_prefix("fields.")?)));
    let own = own.filter(|(name, field)| has(name) && !field.starts_with("currency."));
    let mut fields: Vec<String> = own.map(|(_, field)| field.to_owned()).collect();
    fields.extend(["amount", "promised_at"].into_iter().filter(|name| has(name)).map(str::to_owned));
    fields.extend(has("lines.count").then(|| "lines".to_owned()));
    fields
}

//! Files that are not what they should be: errors that say where, and no panic.

use parquet::column::writer::ColumnWriter;
use wayfold_core::EventBatch;
use wayfold_ingest::{ErrorKind, ImportOptions, OnBadRow, ParquetOptions, Problem, Rejects};
use wayfold_testkit::Random;

use super::super::common::Shared;
use super::round_trip::golden_events;
use super::table::{Cells, NEEDED, Table, file, integer, text};
use super::{import, read, write};

/// Some events of many kinds in several row groups.
fn small_file() -> Vec<u8> {
    let options = ParquetOptions::default().with_row_group_events(40);
    write(&[EventBatch::from_events(&golden_events()).unwrap()], options)
}

#[test]
fn files_of_another_kind_are_named_as_such() {
    for bytes in [&b""[..], b"PAR", b"customer,at\nc1,2024\n", b"PK\x03\x04", b"PARE and so on", b"{}"] {
        let error = import(bytes.to_vec(), ImportOptions::default()).result.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Mismatch, "{error}");
        assert_eq!(error.to_string(), "e.parquet: the file is not Parquet; import it by what it is");
    }
}

#[test]
fn files_that_end_too_early_are_errors() {
    let whole = small_file();
    for length in (4..whole.len()).step_by(97) {
        let error = import(whole[..length].to_vec(), ImportOptions::default()).result.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Truncated, "{length} bytes: {error}");
        assert!(error.to_string().contains("ends too early or is damaged"), "{error}");
    }
}

#[test]
fn damaged_files_are_events_or_an_error_that_names_the_row() {
    let whole = small_file();
    let mut damaged = 0;
    for seed in 0..200 {
        let mut random = Random::new(seed);
        let mut bytes = whole.clone();
        for _ in 0..=random.below(3) {
            let at = random.index(bytes.len());
            bytes[at] = random.below(256) as u8;
        }
        let imported = import(bytes, ImportOptions::default());
        if let Err(error) = imported.result {
            let kinds = [ErrorKind::Truncated, ErrorKind::Mismatch, ErrorKind::BadRow];
            assert!(kinds.contains(&error.kind()), "seed {seed}: {error}");
            damaged += usize::from(error.kind() == ErrorKind::Truncated && error.row().is_some());
        }
    }
    assert!(damaged > 20, "{damaged} files whose pages are damaged");
}

/// Writes nothing, so that only the columns are looked at.
fn empty(columns: &str) -> Vec<u8> {
    file(columns, &[], |_, _| ())
}

#[track_caller]
fn check_columns(columns: &str, expected: &str) {
    let error = import(empty(columns), ImportOptions::default()).result.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Mismatch);
    assert_eq!(error.to_string(), format!("e.parquet, column {expected}"));
}

#[test]
fn columns_that_are_missing_or_of_another_type_are_named() {
    assert_eq!(read(empty(NEEDED)), []);
    for column in ["id", "customer", "occurred_at", "kind", "schema_version"] {
        let columns: String = NEEDED.split_inclusive(';').filter(|line| !line.contains(column)).collect();
        check_columns(&columns, &format!("{column}: the file has no such column, so its rows are no events"));
    }
    let check = |more: &str, expected: &str| check_columns(&format!("{NEEDED} {more}"), expected);
    let text = "it is of another type; it holds text (binary, STRING)";
    check("optional int64 reason;", &format!("reason: {text}"));
    check("optional binary reason;", &format!("reason: {text}"));
    let decimal = "it is of another type; it holds decimal numbers with four decimals (DECIMAL(19,4))";
    check("optional double amount;", &format!("amount: {decimal}"));
    check("optional int64 amount (DECIMAL(18,2));", &format!("amount: {decimal}"));
    let time = "it is of another type; it holds instants (int64, TIMESTAMP in microseconds, UTC)";
    check("optional int64 promised_at (TIMESTAMP(MILLIS,true));", &format!("promised_at: {time}"));
    check("optional int64 promised_at (TIMESTAMP(MICROS,false));", &format!("promised_at: {time}"));
    check("optional int96 promised_at;", &format!("promised_at: {time}"));
    let foreign = "no field of an event is of its type; drop it or cast it";
    check("optional double weight;", &format!("weight: {foreign}"));
    let nested = "it is nested in a way that no column of events is; drop it";
    check("optional group address { optional binary city (STRING); }", &format!("address.city: {nested}"));
    check("repeated binary reason (STRING);", &format!("reason: {nested}"));
    check(
        "optional group tags (LIST) { repeated group list { optional int64 element; } }",
        &format!("tags: {text}"),
    );
    let lines = |line: &str| {
        format!(
            "optional group lines (LIST) {{ repeated group list {{ optional group element {{ {line} }} }} }}"
        )
    };
    let no_column = "the file has no such column, so its rows are no events";
    check(&lines("optional int64 quantity;"), &format!("lines.product: {no_column}"));
    check(&lines("optional binary product (STRING);"), &format!("lines.quantity: {no_column}"));
    check(&lines("optional double paid;"), &format!("lines.paid: {decimal}"));
    check(&lines("optional binary colour (STRING);"), &format!("lines.list.element.colour: {nested}"));
}

#[test]
fn a_compression_that_is_not_supported_is_named() {
    let mut bytes = Table::registered().write();
    // In the footer, where each column says its codec: field 4 is a 32-bit number, and 1 is snappy, 4 is brotli.
    let footer =
        bytes.len() - 8 - u32::from_le_bytes(bytes[bytes.len() - 8..][..4].try_into().unwrap()) as usize;
    let places = bytes[footer..].windows(3).position(|window| window == [0x15, 0x02, 0x16]);
    bytes[footer + places.unwrap() + 1] = 0x08;
    let error = import(bytes, ImportOptions::default()).result.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Mismatch);
    let expected = "e.parquet, column id: it is compressed with BROTLI; write the file anew with zstd, \
                    snappy or gzip";
    assert_eq!(error.to_string(), expected);
}

#[test]
fn newer_versions_are_refused_by_name() {
    let open = |key: &str, version: &str| {
        import(file(NEEDED, &[(key, version)], |_, _| ()), ImportOptions::default()).result
    };
    for (key, what) in [("wayfold.format_version", "format"), ("wayfold.schema_version", "schema")] {
        assert!(open(key, "1").is_ok());
        let error = open(key, "2").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Mismatch);
        let expected = format!(
            "e.parquet: the file has {what} version 2 ({key}), newer than 1, the last that this program knows; update \
             the program"
        );
        assert_eq!(error.to_string(), expected);
        let error = open(key, "x").unwrap_err().to_string();
        assert_eq!(error, format!("e.parquet: {key} in the file's metadata is \"x\", which is no version"));
    }
}

#[track_caller]
fn check_row(table: &Table, problem: Problem, column: &str, expected: &str) {
    let error = import(table.write(), ImportOptions::default()).result.unwrap_err();
    assert_eq!(
        (error.kind(), error.row(), error.column()),
        (ErrorKind::BadRow, Some(1), Some(column)),
        "{error}"
    );
    assert_eq!(error.problem(), Some(problem), "{error}");
    assert_eq!(error.reason(), expected);
}

#[test]
fn cells_that_are_empty_or_say_what_no_event_can_are_named() {
    let good = Table::registered;
    assert_eq!(read(good().write()).len(), 1);
    let empty = "it is empty; fill it in";
    for column in ["id", "customer", "kind"] {
        check_row(&good().with(column, Cells::Texts(vec![None])), Problem::MissingValue, column, empty);
    }
    for column in ["occurred_at", "schema_version"] {
        check_row(&good().with(column, Cells::Integers(vec![None])), Problem::MissingValue, column, empty);
    }
    let check = |table: Table, problem, column, expected| check_row(&table, problem, column, expected);
    check(
        good().with("id", text("seven")),
        Problem::Malformed,
        "id",
        "\"seven\" is no id; write a UUID such as 00000000-0000-0000-0000-000000000001",
    );
    check(
        good().with("customer", Cells::Texts(vec![Some(b"c\xff".to_vec())])),
        Problem::Encoding,
        "customer",
        "it is not UTF-8; write UTF-8",
    );
    check(
        good().with("sequence", integer(-1)),
        Problem::Number,
        "sequence",
        "\"-1\" is beyond what the field holds",
    );
    check(
        good().with("position", text("00000000000000000000000000000001")),
        Problem::Contradiction,
        "position",
        "position and recorded_at stand together or not at all; empty both",
    );
    check(
        good().with("stage", text("need")),
        Problem::Contradiction,
        "stage",
        "the kind does not belong to that stage, and named_stage names another; empty it",
    );
    check(
        good().with("order_id", text("o1")),
        Problem::Contradiction,
        "order_id",
        "no tag names that order; write the tag order:ID, or empty it",
    );
    check(
        good().with("reason", text("why")),
        Problem::InvalidEvent,
        "reason",
        "registered has no such field; leave it empty",
    );
    check(
        good().with("attributes", text(r#"{"a":1,"a":2}"#)),
        Problem::Word,
        "attributes",
        "attributes: attribute \"a\" is given twice",
    );
}

#[test]
fn cells_of_fields_that_do_not_fit_their_kind_are_named() {
    let of = |kind| Table::registered().with("kind", text(kind));
    let survey = || of("survey_answered").with("instrument", text("nps")).with("score", integer(9));
    assert_eq!(read(survey().write()).len(), 1);
    let check = |table: Table, problem, column, expected| check_row(&table, problem, column, expected);
    check(
        survey().with("score", Cells::Integers(vec![None])),
        Problem::MissingValue,
        "score",
        "survey_answered needs its score; fill it in",
    );
    let no_amount = Cells::Decimals(vec![None]);
    check(
        of("refunded").with("amount", no_amount),
        Problem::MissingValue,
        "amount",
        "refunded needs its amount; fill it in",
    );
    let error = import(of("refunded").write(), ImportOptions::default()).result.unwrap_err();
    assert_eq!(error.to_string(), "e.parquet, row 1: refunded needs its amount; fill it in");
    let refunded = || of("refunded").with("amount", Cells::Decimals(vec![Some(10_000)]));
    assert_eq!(read(refunded().with("currency", text("EUR")).write()).len(), 1);
    check(refunded(), Problem::MissingValue, "amount", "the amount has no currency; fill it in");
    check(
        refunded().with("currency", text("EUR")).with("amount", Cells::Decimals(vec![Some(1 << 64)])),
        Problem::Money,
        "amount",
        "\"18446744073709551616\" ten-thousandths are beyond what an amount holds",
    );
    check(
        of("payment_received").with("currency", text("EUR")),
        Problem::MissingValue,
        "currency",
        "the currency has no amount; fill it in",
    );
    check(
        of("teleported").with("unknown_fields", text("{")),
        Problem::Malformed,
        "unknown_fields",
        "fields of \"teleported\": EOF while parsing an object",
    );
    check(
        of("teleported").with("unknown_fields", text("{}")).with("reason", text("why")),
        Problem::Contradiction,
        "unknown_fields",
        "the event has fields in columns of their own too; keep one of the two",
    );
}

#[test]
fn words_that_are_on_no_list_are_named() {
    let table = Table::registered().with("kind", text("survey_answered")).with("score", integer(9));
    let error =
        import(table.with("instrument", text("vibes")).write(), ImportOptions::default()).result.unwrap_err();
    assert_eq!((error.column(), error.value()), (Some("instrument"), Some("vibes")));
}

#[test]
fn fields_in_columns_that_nobody_knows_belong_to_kinds_that_nobody_knows() {
    let table =
        Table::registered().with("dose", Cells::Decimals(vec![Some(12_500)])).with("site", text("arm"));
    check_row(&table, Problem::InvalidEvent, "dose", "registered has no such field; leave it empty");
    let events = read(table.with("kind", text("vaccinated")).write());
    let json = serde_json::to_value(&events[0]).unwrap();
    assert_eq!(json["kind"], "vaccinated");
    assert_eq!(json["fields"], serde_json::json!({ "dose": "1.25", "site": "arm" }));
}

#[test]
fn bad_rows_are_rejected_by_number_and_column_and_the_others_taken() {
    let three = |texts: [&str; 3]| Cells::Texts(texts.map(|text| Some(text.into())).to_vec());
    let ids = [1, 2, 3].map(|number| format!("00000000-0000-0000-0000-00000000000{number}"));
    let table = Table::registered()
        .with("id", three(ids.each_ref().map(String::as_str)))
        .with("customer", three(["c1", "c2", "c3"]))
        .with("occurred_at", Cells::Integers(vec![Some(0), Some(i64::MAX), Some(0)]))
        .with("kind", three(["registered"; 3]))
        .with("schema_version", Cells::Integers(vec![Some(1); 3]));
    let rejects = Shared::default();
    let options = ImportOptions::default().with_on_bad_row(OnBadRow::Reject(Rejects::csv(rejects.clone())));
    let imported = import(table.write(), options);
    imported.result.as_ref().unwrap();
    assert_eq!(imported.events().iter().map(|event| event.id.as_u128()).collect::<Vec<_>>(), [1, 3]);
    assert_eq!((imported.progress.rows, imported.progress.rejected_rows), (3, 1));
    let row = rejects.text().lines().nth(1).unwrap().to_owned();
    assert!(row.starts_with("e.parquet,2,,occurred_at,9223372036854775807,time,"), "{row}");
}

#[test]
fn a_few_bytes_that_stand_for_millions_of_elements_are_refused() {
    let tags = "optional group tags (LIST) { repeated group list { optional binary element (STRING); } }";
    let many = (1 << 24) + 1;
    let bytes = file(&format!("{NEEDED} {tags}"), &[], |_, writer| {
        match writer {
            ColumnWriter::Int64ColumnWriter(writer) => writer.write_batch(&[1], Some(&[1]), None),
            ColumnWriter::ByteArrayColumnWriter(writer) if writer.get_descriptor().max_rep_level() == 0 => {
                writer.write_batch(&[b"x".to_vec().into()], Some(&[1]), None)
            }
            ColumnWriter::ByteArrayColumnWriter(writer) => {
                let repetitions: Vec<i16> = (0..many).map(|place| i16::from(place > 0)).collect();
                writer.write_batch(&[], Some(&vec![2; many]), Some(&repetitions))
            }
            _ => unreachable!("there is no other column"),
        }
        .unwrap();
    });
    assert!(bytes.len() < 100_000, "{} bytes", bytes.len());
    let error = import(bytes, ImportOptions::default()).result.unwrap_err();
    assert_eq!((error.kind(), error.row()), (ErrorKind::Truncated, Some(1)));
    assert!(error.to_string().contains("too many values"), "{error}");
}

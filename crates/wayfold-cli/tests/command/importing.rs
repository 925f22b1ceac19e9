//! Import: once and again, with rows that are no events, into memory, and in parts.

use super::json::check_members;
use super::support::{Place, Ran};

const MAPPING: &str = r#"
version = 1
source = "shop"
customer = "who"
time = { column = "when", format = "%Y-%m-%d", zone = "UTC" }
money = { currency = "EUR" }

[[event]]
rule = "order"
kind = "order_placed"
tags = { order = "order" }
fields = { amount = "paid" }
"#;

fn place(name: &str, rows: &str) -> Place {
    let place = Place::new(name);
    place.write("m.toml", MAPPING);
    place.write("shop.csv", &format!("order,who,when,paid\n{rows}"));
    place
}

const IMPORT: [&str; 4] = ["import", "--mapping", "m.toml", "shop.csv"];

#[test]
fn an_import_that_is_run_again_changes_nothing() {
    let place = place("twice", "o1,ada,2024-01-01,5\no2,ada,2024-01-02,6\no3,ben,2024-01-03,7\n");
    let first = place.lines(&IMPORT);
    let counts = |of: &serde_json::Value| {
        ["rows", "events", "new_events", "known_events", "customers"].map(|name| of[name].as_u64().unwrap())
    };
    assert_eq!(counts(&first[0]), [3, 3, 3, 0, 2]);
    let members = [
        "file",
        "rows",
        "events",
        "new_events",
        "known_events",
        "customers",
        "skipped_rows",
        "rejected_rows",
        "unknown_kinds",
        "rejects",
    ];
    check_members(&first[0], &members);
    let states = place.done(&["export", "--format", "canonical"]);
    assert_eq!(counts(&place.lines(&IMPORT)[0]), [3, 3, 0, 3, 2]);
    assert!(place.done(&IMPORT).contains("Nothing is new: the log held them all."));
    assert_eq!(place.done(&["export", "--format", "canonical"]), states);
}

#[test]
fn rows_that_are_no_events_are_listed_and_the_others_taken() {
    let place = place("rejects", "o1,ada,2024-01-01,5\no2,ada,soon,6\no3,ben,2024-01-03,much\n");
    let Ran { exit, out, err } = place.run(&IMPORT);
    assert_eq!((exit, err.as_str()), (4, ""));
    for part in ["1 event of 1 customer", "when", "soon", "paid", "much"] {
        assert!(out.contains(part), "{part}: {out}");
    }

    let Ran { exit, out, .. } = place.run(&[&IMPORT[..], &["--rejects", "bad.csv", "--json"]].concat());
    let told: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!((exit, &told["known_events"]), (4, &1.into()));
    let rejected = std::fs::read_to_string(place.folder().join("bad.csv")).unwrap();
    assert_eq!(rejected.lines().count(), 3, "{rejected}");
    // The file may be what somebody works on.
    let Ran { exit, err, .. } = place.run(&[&IMPORT[..], &["--rejects", "bad.csv"]].concat());
    assert!(exit == 1 && err.contains("exists already"), "{err}");
    assert_eq!(std::fs::read_to_string(place.folder().join("bad.csv")).unwrap(), rejected);
}

#[test]
fn many_bad_rows_do_not_fill_the_screen() {
    let rows: String = (0..50).map(|row| format!("o{row},ada,soon,6\n")).collect();
    let place = place("many_rejects", &rows);
    let Ran { exit, out, .. } = place.run(&IMPORT);
    assert_eq!(exit, 4);
    assert!(out.contains("And 30 more; --rejects FILE takes all of them."), "{out}");
}

#[test]
fn a_strict_import_stops_at_the_first_bad_row() {
    let place = place("strict", "o1,ada,soon,5\no2,ada,2024-01-02,6\n");
    let Ran { exit, out, err } = place.run(&[&IMPORT[..], &["--strict"]].concat());
    assert_eq!((exit, out.as_str()), (1, ""));
    assert!(err.contains("shop.csv") && err.contains("row 1") && err.contains("soon"), "{err}");
}

#[test]
fn a_mapping_is_tried_without_a_store() {
    let place = place("dry", "o1,ada,2024-01-01,5\n");
    let out = place.done(&[&IMPORT[..], &["--store", "memory:"]].concat());
    assert!(out.contains("1 event of 1 customer"), "{out}");
    assert!(!place.folder().join("log.db").exists());
}

#[test]
fn a_file_whose_meaning_is_not_known_is_refused_before_a_store_is_made() {
    let place = place("no_mapping", "o1,ada,2024-01-01,5\n");
    for (arguments, exit, says) in [
        (&["import", "shop.csv"][..], 2, "give --mapping M.toml"),
        (&["import", "--mapping", "none.toml", "shop.csv"], 1, "none.toml"),
        (&["import", "shop.csv", "--format", "csv"], 2, "--mapping"),
        (&["import", "shop.csv", "--format", "xes"], 1, "shop.csv"),
        (
            &["import", "--mapping", "m.toml", "shop.csv", "shop.csv", "--rejects", "r.csv"],
            2,
            "one at a time",
        ),
    ] {
        let ran = place.run(arguments);
        assert_eq!(ran.exit, exit, "{arguments:?}: {}", ran.err);
        assert!(ran.err.contains(says), "{arguments:?}: {}", ran.err);
    }
}

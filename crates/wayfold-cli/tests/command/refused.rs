//! Each way in refuses what it cannot do: with an exit code, and with what to do next.

use super::support::{Place, Ran};

#[track_caller]
fn check(place: &Place, arguments: &[&str], exit: i32, says: &[&str]) {
    let Ran { exit: found, out, err } = place.run(arguments);
    assert_eq!((found, out.as_str()), (exit, ""), "{arguments:?}: {err}");
    assert!(err.starts_with("error: "), "{arguments:?}: {err}");
    for part in says {
        assert!(err.contains(part), "{arguments:?}: {err}");
    }
}

const READING: [&[&str]; 20] = [
    &["customer", "ada"],
    &["customers"],
    &["population"],
    &["segments"],
    &["compare", "--from", "2024-01-01"],
    &["funnel", "order_placed"],
    &["map"],
    &["paths"],
    &["norms", "promised delivery"],
    &["retention"],
    &["models"],
    &["campaigns"],
    &["effect", "campaign:spring", "--from", "2024-01-01", "--until", "2024-02-01"],
    &["prices"],
    &["next"],
    &["export"],
    &["log"],
    &["check"],
    &["compact"],
    &["backup", "copy.db"],
];

#[test]
fn a_question_about_a_store_that_is_not_there_makes_none() {
    let place = Place::new("no_store");
    for arguments in READING {
        check(
            &place,
            arguments,
            3,
            &["there is no log at log.db", "wayfold import --store sqlite:log.db FILE"],
        );
    }
    assert_eq!(std::fs::read_dir(place.folder()).unwrap().count(), 0);
}

#[test]
fn a_store_has_to_be_named_and_readable() {
    let place = Place::new("bad_store");
    let bad: [(&str, &[&str]); 4] = [
        ("", &["no store is named", "WAYFOLD_STORE"]),
        ("shop.db", &["it begins with memory:, sqlite: or postgres:"]),
        ("memory:", &["memory: ends with the command"]),
        ("mysql://shop:hunter2@db", &["it begins with memory:"]),
    ];
    for (store, says) in bad {
        check(&place, &["population", "--store", store], 2, says);
        assert!(!place.run(&["population", "--store", store]).err.contains("hunter2"));
    }
    place.write(
        "text.db",
        "this is no database, however long it may be, and has never been one of them at all",
    );
    check(&place, &["population", "--store", "sqlite:text.db"], 5, &["text.db"]);
    check(&place, &["check", "--store", "memory:"], 2, &["there is nothing to keep"]);
}

#[test]
fn what_is_asked_wrongly_is_named() {
    let place = Place::cdnow("asked_wrongly");
    place.write("same.toml", "lifecycle.churned_after_days = 120\n");
    place.write("typo.toml", "version = \"v\"\nlifecycle.churned_days = 120\n");
    let cases: [(&[&str], &[&str]); 26] = [
        (&["customers", "lifecycle.stag is loyal"], &["there is no \"stag\"; there is: first_purchase_at"]),
        (&["customers", "lifecycle.stage is"], &["line 1, column 19"]),
        (&["customers", "--sort", "value"], &["order by \"value\""]),
        (&["customers", "--columns", "lifecycle"], &["name what stands in it"]),
        (&["segments", "nonsense"], &["line 1"]),
        (&["segments", "in list vip"], &["there is no such list; there is: none"]),
        (&["segments", "--list", "typo.toml", "in list vip"], &["typo.toml holds no list of customers"]),
        (&["population", "--as-of", "yesterday"], &["yesterday"]),
        (&["population", "--currency", "dollars"], &["dollars"]),
        (&["population", "--rules", "same.toml"], &["give it a version of its own"]),
        (&["population", "--rules", "typo.toml"], &["typo.toml holds no rules", "churned_days"]),
        (&["customer", "0499", "--why", "lifecycle.stag"], &["there is no \"stag\""]),
        (&["funnel", "order_placd"], &["\"order_placd\" is no kind of event", "custom:NAME"]),
        (&["funnel", "order_placed", "--within", "a week"], &["is no span"]),
        (&["map", "--activity", "colour"], &["names no step"]),
        (&["retention", "--zone", "Mars/Olympus"], &["is no time zone"]),
        (&["log", "--after", "7"], &["32 hexadecimal digits"]),
        (&["funnel", "order_placed", "--like", "clickhouse"], &["has no window of its own"]),
        (&["funnel", "order_placed", "--by", "colour"], &["\"colour\" tells nobody apart"]),
        (&["paths", "--depth", "21"], &["give them 1 to 20"]),
        (&["norms", "a within 3 days"], &["norm, character 3"]),
        (&["norms", "--file", "same.toml"], &["same.toml holds no norms"]),
        (&["compare"], &["--with"]),
        (&["compare", "events >= 1"], &["a second one"]),
        (&["compare", "events >= 1", "events >="], &["line 1, column 10"]),
        (&["compare", "events >= 1", "event >= 2"], &["no projection or field is named so"]),
    ];
    for (arguments, says) in cases {
        check(&place, arguments, 2, says);
    }
}

#[test]
fn what_is_not_there_is_told_apart_from_what_went_wrong() {
    let place = Place::cdnow("not_there");
    check(&place, &["customer", "nobody"], 3, &["nothing is known of customer nobody", "wayfold customers"]);
    check(&place, &["customer", "0499", "--as-of", "1996-01-01"], 3, &["by 1996-01-01"]);
    check(&place, &["customer", "0499", "--known-at", "1996-01-01"], 3, &["nothing is known"]);
    check(&place, &["population", "--rules", "none.toml"], 1, &["failed to read the rules none.toml"]);
    check(&place, &["import", "none.jsonl"], 1, &["none.jsonl is no file"]);
}

/// Whoever imports again, with what fits, finds no log that was begun; and whoever asks is told that there is none.
#[test]
fn an_import_of_what_does_not_fit_makes_no_log() {
    let place = Place::new("does_not_fit");
    let mapping = |customer: &str, days: &str| {
        format!(
            "version = 1\nsource = \"shop\"\ncustomer = \"{customer}\"\nmoney = {{ currency = \"EUR\" }}\n\
             time = {{ column = \"day\", format = \"{days}\", zone = \"UTC\" }}\n[[event]]\nrule = \"order\"\n\
             kind = \"order_placed\"\nid = {{ key = [\"number\"] }}\ntags = {{ order = \"number\" }}\nfields = {{ amount = \"euros\" }}\n"
        )
    };
    place.write("fits.toml", &mapping("who", "%Y-%m-%d"));
    place.write("other_columns.toml", &mapping("buyer", "%Y-%m-%d"));
    place.write("other_days.toml", &mapping("who", "%d.%m.%Y"));
    place.write("orders.csv", "number,who,day,euros\n1,ada,2024-03-01,20\n2,bob,2024-03-02,30\n");
    place.write("cut.jsonl", "{\"id\":");
    place.write("taken.csv", "mine");
    let cases: [(&[&str], i32, &str); 5] = [
        (&["--mapping", "other_columns.toml", "orders.csv"], 1, "buyer"),
        (&["--mapping", "other_days.toml", "--strict", "orders.csv"], 1, "2024-03-01"),
        (&["--strict", "cut.jsonl"], 1, "cut.jsonl"),
        (&["--mapping", "fits.toml", "orders.csv", "orders.txt"], 1, "orders.txt is no file"),
        (&["--mapping", "fits.toml", "--rejects", "taken.csv", "orders.csv"], 1, "taken.csv"),
    ];
    for (arguments, exit, says) in cases {
        check(&place, &[&["import"], arguments].concat(), exit, &[says]);
        assert!(!place.folder().join("log.db").exists(), "{arguments:?} makes a log");
    }
    let all_rejected = place.run(&["import", "--mapping", "other_days.toml", "orders.csv"]);
    assert!(all_rejected.out.contains("2 rows rejected"), "{}", all_rejected.out);
    assert!(!place.folder().join("log.db").exists(), "there is no event to keep");
    place.done(&["import", "--mapping", "fits.toml", "orders.csv"]);
    assert!(place.folder().join("log.db").exists());
}

#[test]
fn nothing_is_overwritten() {
    let place = Place::cdnow("overwritten");
    place.write("mine.txt", "mine");
    for arguments in [&["backup", "mine.txt"][..], &["export", "--output", "mine.txt"]] {
        check(&place, arguments, 2, &["mine.txt exists already, and nothing is overwritten"]);
    }
    assert_eq!(std::fs::read_to_string(place.folder().join("mine.txt")).unwrap(), "mine");
}

#[test]
fn damage_ends_with_a_code_of_its_own() {
    let place = Place::cdnow("damage");
    let file = place.folder().join("log.db");
    let mut bytes = std::fs::read(&file).unwrap();
    // Behind the first pages, which hold the record of the log.
    let middle = bytes.len() / 2;
    bytes[middle..middle + 4_096].fill(0xa5);
    std::fs::write(&file, bytes).unwrap();
    check(&place, &["check"], 5, &["log.db"]);
}

//! What goes out comes in again.

use super::support::Place;

#[test]
fn a_log_goes_through_each_format_and_says_the_same() {
    let place = Place::cdnow("formats");
    let states = place.done(&["export", "--format", "canonical"]);
    for format in ["jsonl", "parquet", "ocel", "cloud-events"] {
        let (file, store) = (format!("out.{format}"), format!("sqlite:{format}.db"));
        place.done(&["export", "--format", format, "--output", &file]);
        place.done(&["import", &file, "--format", format, "--store", &store]);
        assert!(place.done(&["export", "--format", "canonical", "--store", &store]) == states, "{format}");
    }
    // A foreign format has ids of its own; the ways through it are the same.
    place.done(&["export", "--format", "xes", "--output", "out.xes"]);
    place.done(&["import", "out.xes", "--store", "sqlite:xes.db"]);
    let map = |store: &str| place.object(&["map", "--store", store])["map"]["edges"][0]["count"].clone();
    assert_eq!(map("sqlite:xes.db"), map("sqlite:log.db"));
}

#[test]
fn events_of_others_are_taken_by_the_name_of_their_format() {
    let place = Place::new("others");
    let order = r#"{"type":"track","event":"Order Completed","userId":"ada","messageId":"m1","timestamp":"2024-01-31T10:00:00Z","properties":{"order_id":"o1","revenue":19.989999999999998}}"#;
    std::fs::write(place.folder().join("calls.jsonl"), order).unwrap();
    let import = ["import", "calls.jsonl", "--format", "segment", "--store", "sqlite:calls.db"];
    let told = place.done(&[&import[..], &["--currency", "EUR", "--round"]].concat());
    assert!(told.contains("1 event of 1 customer"), "{told}");
    let customer = place.done(&["customer", "ada", "--store", "sqlite:calls.db"]);
    assert!(customer.contains("19.99 EUR"), "{customer}");
}

#[test]
fn a_pipe_gets_what_a_file_gets() {
    let place = Place::cdnow("pipe");
    place.done(&["export", "--output", "out.jsonl"]);
    assert!(place.done(&["export"]) == std::fs::read_to_string(place.folder().join("out.jsonl")).unwrap());
}

#[test]
fn a_copy_is_a_log_of_its_own() {
    let place = Place::cdnow("copy");
    place.done(&["backup", "copy.db"]);
    let population = |store: &str| place.object(&["population", "--store", store]);
    assert_eq!(population("sqlite:copy.db"), population("sqlite:log.db"));
    place.done(&["compact"]);
    assert_eq!(population("sqlite:log.db"), population("sqlite:copy.db"));
    assert!(place.done(&["check"]).contains("log.db is sound: 6,919 events in 1 sealed block"));
}

#[test]
fn completions_are_made_for_each_shell() {
    let place = Place::new("completions");
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = place.done(&["completions", shell]);
        assert!(script.contains("population") && script.contains("as-of"), "{shell}");
    }
}

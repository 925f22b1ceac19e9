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
    // A file that ends in .gz is compressed, and read as it is.
    for (format, file) in [("xes", "out.xes.gz"), ("jsonl", "out.jsonl.gz")] {
        place.done(&["export", "--format", format, "--output", file]);
        let plain = std::fs::read(place.folder().join(format!("out.{format}"))).unwrap();
        let compressed = std::fs::read(place.folder().join(file)).unwrap();
        assert!(compressed.starts_with(b"\x1f\x8b") && compressed.len() * 4 < plain.len(), "{file}");
        let mut read = Vec::new();
        std::io::Read::read_to_end(&mut flate2::bufread::MultiGzDecoder::new(&compressed[..]), &mut read)
            .unwrap();
        assert!(read == plain, "{file}");
    }
    place.done(&["import", "out.xes.gz", "--store", "sqlite:gz.db"]);
    let refused = place.run(&["export", "--format", "parquet", "--output", "out.parquet.gz"]);
    assert!(refused.exit == 2 && !place.folder().join("out.parquet.gz").exists(), "{}", refused.err);
    let map = |store: &str| place.object(&["map", "--store", store])["map"]["edges"][0]["count"].clone();
    assert_eq!(map("sqlite:xes.db"), map("sqlite:log.db"));
    assert_eq!(map("sqlite:gz.db"), map("sqlite:log.db"));
}

/// The objects of customers hold what they were and since when: the last value is where they stand, and the instants are
/// those at which the customer's own explanation has the change.
#[test]
fn customers_of_an_object_centric_log_say_what_they_were_and_when() {
    let place = Place::cdnow("ocel_said");
    place.done(&["export", "--format", "ocel", "--output", "out.jsonocel"]);
    let text = std::fs::read_to_string(place.folder().join("out.jsonocel")).unwrap();
    let log: serde_json::Value = serde_json::from_str(&text).unwrap();
    let customers =
        || log["objects"].as_array().unwrap().iter().filter(|object| object["type"] == "customer");
    let said = |object: &serde_json::Value, name: &str| -> Vec<(String, String)> {
        let all = object["attributes"].as_array().unwrap().iter().filter(|of| of["name"] == name);
        all.map(|of| (of["time"].as_str().unwrap().to_owned(), of["value"].as_str().unwrap().to_owned()))
            .collect()
    };
    let population = place.object(&["population"]);
    for (attribute, counts) in [("lifecycle_stage", "lifecycle"), ("segment", "classes")] {
        let mut last: std::collections::BTreeMap<String, u64> = Default::default();
        for object in customers() {
            let value = said(object, attribute).pop().map_or_else(|| "none".to_owned(), |(_, value)| value);
            *last.entry(value).or_default() += 1;
        }
        last.remove("none");
        let counts = population["summary"][counts].as_object().unwrap();
        let counts = counts.iter().map(|(name, count)| (name.clone(), count.as_u64().unwrap()));
        assert_eq!(last, counts.filter(|(_, count)| *count > 0).collect(), "{attribute}");
    }
    let one = customers().find(|object| object["id"] == "customer:0499").unwrap();
    let story = place.object(&["customer", "0499", "--explain"]);
    let steps = story["steps"].as_array().unwrap().iter();
    let changes =
        steps.flat_map(|step| step["changes"].as_array().unwrap().iter().map(move |change| (step, change)));
    let expected: Vec<_> = changes
        .filter(|(_, change)| change["field"] == "lifecycle.stage")
        .map(|(step, change)| {
            (step["at"].as_str().unwrap().to_owned(), change["after"].as_str().unwrap().to_owned())
        })
        .collect();
    assert!(expected.len() > 2, "{expected:?}");
    assert_eq!(said(one, "lifecycle_stage"), expected);
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

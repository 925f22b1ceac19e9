//! What goes out is read by the tools of the field, in a virtual environment of Python that the test makes.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};
use wayfold_testkit::skip;

use super::support::Place;

const SOURCES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/command");

/// Runs a program to its end; what it has said is the error.
fn finish(command: &mut Command) -> Result<String, String> {
    let ran = command.output().map_err(|error| format!("{command:?}: {error}"))?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if ran.status.success() {
        Ok(text(&ran.stdout))
    } else {
        Err(format!("{command:?}: {}", text(&ran.stderr)))
    }
}

/// A Python that has pm4py and r4pm, made once for each list of what is to be installed.
fn python() -> Result<PathBuf, String> {
    let wanted = Path::new(SOURCES).join("other_tools.txt");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("process-mining");
    let (python, installed) = (folder.join("bin/python"), folder.join("installed.txt"));
    let list = std::fs::read(&wanted).map_err(|error| error.to_string())?;
    if std::fs::read(&installed).is_ok_and(|known| known == list) {
        return Ok(python);
    }
    finish(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&folder))?;
    finish(Command::new(&python).args(["-m", "pip", "install", "-q", "-r"]).arg(&wanted))?;
    std::fs::write(installed, list).map_err(|error| error.to_string())?;
    Ok(python)
}

/// The sum of what is in a list of each.
fn entries(of: &Value, list: &str) -> usize {
    of.as_array().unwrap().iter().filter_map(|one| one.get(list)?.as_array()).map(Vec::len).sum()
}

#[test]
fn pm4py_and_r4pm_count_what_was_written() {
    let made = python()
        .map_err(|reason| format!("Python 3 is to install {SOURCES}/other_tools.txt, and cannot: {reason}"));
    let python = match made {
        Ok(python) => python,
        Err(reason) if std::env::var("CI").as_deref() == Ok("true") => panic!("{reason}"),
        Err(reason) => return skip("pm4py_and_r4pm_count_what_was_written", &reason),
    };
    let place = Place::new("other_tools");
    let store = ["--store", "sqlite:shop/shop.db"];
    place.done(&["demo", "shop", "--customers", "600"]);
    for (format, file) in [("ocel", "shop.jsonocel"), ("xes", "shop.xes")] {
        place.done(&[&["export", "--format", format, "--output", file], &store[..]].concat());
    }
    let mut reading = Command::new(python);
    reading.arg(Path::new(SOURCES).join("other_tools.py")).args(["shop.jsonocel", "shop.xes"]);
    let told = finish(reading.current_dir(place.folder())).unwrap();
    let told: Value = serde_json::from_str(told.lines().last().unwrap()).unwrap();

    let log = std::fs::read_to_string(place.folder().join("shop.jsonocel")).unwrap();
    let log: Value = serde_json::from_str(&log).unwrap();
    let objects = log["objects"].as_array().unwrap();
    let attributes = objects.iter().flat_map(|object| object["attributes"].as_array().unwrap());
    let stages = attributes.filter(|attribute| attribute["name"] == "lifecycle_stage").count();
    let map = place.object(&[&["map"], &store[..]].concat());
    let edges = map["map"]["edges"].as_array().unwrap();
    let passes: u64 = edges.iter().map(|edge| edge["count"].as_u64().unwrap()).sum();
    let of_both = json!({
        "events": log["events"].as_array().unwrap().len(),
        "objects": objects.len(),
        "relations": entries(&log["events"], "relationships"),
        "cases": map["map"]["cases"],
        "case_events": map["map"]["events"],
    });
    let mut of_pm4py = of_both.clone();
    (of_pm4py["stages"], of_pm4py["edges"], of_pm4py["passes"]) =
        (stages.into(), edges.len().into(), passes.into());
    assert!(stages > 600 && passes > 1_000, "{of_pm4py}");
    assert_eq!(told, json!({ "pm4py": of_pm4py, "r4pm": of_both }));
}

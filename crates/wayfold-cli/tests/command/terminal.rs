//! What reaches a terminal: nothing that it would obey, and no colours in a pipe.

use std::io::{BufRead, BufReader, Read};
use std::process::Stdio;

use super::support::Place;

/// Names as somebody writes them who wants the terminal to do something.
const HOSTILE: &str = "\u{1b}]0;owned\u{7}\u{1b}[2Jada\r\n\u{9b}31m\u{202e}\u{7f}";

fn hostile(name: &str) -> Place {
    let place = Place::new(name);
    let event = |id: u128, kind: &str, fields: serde_json::Value| {
        serde_json::json!({
            "id": format!("00000000-0000-0000-0000-{id:012x}"),
            "customer": HOSTILE,
            "journey": HOSTILE,
            "occurred_at": format!("2024-01-{id:02}T00:00:00Z"),
            "kind": kind,
            "schema_version": 1,
            "fields": fields,
            "tags": [format!("order:{HOSTILE}")],
        })
        .to_string()
    };
    let money = serde_json::json!({ "lines": [], "amount": { "amount": "9", "currency": "EUR" } });
    let lines = [
        event(1, "order_placed", money.clone()),
        event(2, "custom", serde_json::json!({ "name": HOSTILE })),
        event(3, "from_the_future", serde_json::json!({})),
        format!("no event {HOSTILE}").replace('\n', " "),
    ];
    place.write("hostile.jsonl", &(lines.join("\n") + "\n"));
    place
}

#[track_caller]
fn check(text: &str, what: &[&str]) {
    let obeyed =
        |letter: char| (letter.is_control() && letter != '\n') || ('\u{202a}'..='\u{202e}').contains(&letter);
    assert!(!text.contains(obeyed), "{what:?}: {text:?}");
}

#[test]
fn a_terminal_obeys_nothing_that_stands_in_a_file() {
    let place = hostile("hostile");
    let imported = place.run(&["import", "hostile.jsonl"]);
    assert_eq!(imported.exit, 4, "{}{}", imported.out, imported.err);
    let commands: [&[&str]; 14] = [
        &["import", "hostile.jsonl"],
        &["import", "hostile.jsonl", "--strict"],
        &["customer", HOSTILE],
        &["customer", HOSTILE, "--explain"],
        &["customer", "\u{1b}[2Jnobody"],
        &["customers"],
        &["customers", "key.customer is \u{1b}[2J"],
        &["compare", "--from", "2023-01-01"],
        &["funnel", "order_placed", "\u{1b}[2J"],
        &["map"],
        &["map", "--mermaid"],
        &["log"],
        &["log", "--json"],
        &["export"],
    ];
    for arguments in commands {
        for json in [&[][..], &["--json"]] {
            let arguments = [arguments, json].concat();
            let ran = place.run(&arguments);
            check(&ran.out, &arguments);
            check(&ran.err, &arguments);
        }
    }
    // They are shown all the same.
    assert!(place.done(&["customers"]).contains("\\u{1b}[2Jada\\r\\n\\u{9b}31m\\u{202e}\\u{7f}"));
    let views = place.lines(&["customers"]);
    assert_eq!(views[0]["key"]["customer"], HOSTILE);
}

#[test]
fn a_pipe_gets_no_colours_and_no_progress() {
    let place = Place::cdnow("no_colours");
    for arguments in [&["population"][..], &["customer", "0499"], &["--help"], &["map"]] {
        assert!(!place.done(arguments).contains('\u{1b}'), "{arguments:?}");
    }
    assert!(!place.run(&["nonsense"]).err.contains('\u{1b}'));
}

#[test]
fn whoever_stops_reading_is_no_failure() {
    let place = Place::cdnow("closed_pipe");
    for arguments in [
        &["log", "--limit", "100000"][..],
        &["export"],
        &["export", "--format", "xes"],
        &["map", "--json"],
        &["customers", "--limit", "0"],
    ] {
        let mut command = place.command(arguments);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let mut complaint = String::new();
        child.stderr.take().unwrap().read_to_string(&mut complaint).unwrap();
        assert_eq!((child.wait().unwrap().code(), complaint.as_str()), (Some(0), ""), "{arguments:?}");
    }
}

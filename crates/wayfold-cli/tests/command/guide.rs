//! The guide shows what the command prints.

use super::support::Place;

/// Each block of the guide that begins with a command line shows what that command prints, up to a line of dots.
#[test]
fn the_guide_shows_what_is_printed() {
    let guide = include_str!("../../../../docs/guide/command.md");
    let place = Place::cdnow("guide");
    let blocks = guide.split("```text\n$ wayfold ").skip(1);
    let mut shown = 0;
    for block in blocks {
        let (command, rest) = block.split_once('\n').unwrap();
        let (expected, _) = rest.split_once("```").unwrap();
        let arguments = words(command);
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let found = place.done(&arguments);
        match expected.split_once("...\n") {
            None => assert_eq!(found.trim_end(), expected.trim_end(), "{command}"),
            Some((begins, _)) => assert!(found.starts_with(begins), "{command}: {found}"),
        }
        shown += 1;
    }
    assert!(shown >= 5, "only {shown} commands are shown");
}

/// Words of a command line, with those in single quotes as one.
fn words(command: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (place, part) in command.split('\'').enumerate() {
        if place % 2 == 1 {
            words.push(part.to_owned());
        } else {
            words.extend(part.split_whitespace().map(str::to_owned));
        }
    }
    words
}

//! The worked example of the import guide.

use wayfold_ingest::{ImportOptions, Mapping};

use super::common::{example, import};

/// The text between the fences of a language, the first time that it occurs.
fn block<'a>(guide: &'a str, language: &str) -> &'a str {
    let (_, rest) = guide.split_once(&format!("```{language}\n")).unwrap();
    rest.split_once("```").unwrap().0
}

#[test]
fn worked_example_of_the_guide_gives_what_the_guide_says() {
    let guide = std::fs::read_to_string(example("../docs/guide/import.md")).unwrap();
    let imported = import(block(&guide, "toml"), block(&guide, "csv"), ImportOptions::default());
    assert!(imported.result.is_ok(), "{:?}", imported.result);
    let lines = imported.events().into_iter().map(|event| {
        let id = event.id.to_string();
        serde_json::to_string(&event).unwrap().replacen(&id, "@", 1)
    });
    assert_eq!(lines.collect::<Vec<_>>(), block(&guide, "jsonl").lines().collect::<Vec<_>>());
    assert_eq!(imported.progress.skipped_by_reason["sold to nobody we know"], 1);
}

#[test]
fn conditions_of_the_guide_can_be_read() {
    let guide = std::fs::read_to_string(example("../docs/guide/import.md")).unwrap();
    let conditions = guide.lines().filter(|line| {
        line.starts_with("when = ") && line.contains("\"Status\"")
            || line.starts_with("when = [")
            || line.starts_with("when = { any")
    });
    let mut count = 0;
    for condition in conditions {
        let head = "version = 1\nsource = \"s\"\ncustomer = \"c\"\ntime = \"t\"\n[[event]]\nrule = \"r\"\n";
        Mapping::parse(&format!("{head}kind = \"registered\"\n{condition}\n")).unwrap();
        count += 1;
    }
    assert_eq!(count, 3);
}

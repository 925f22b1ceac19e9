//! The report and the demo: whole files, that say what the questions say.

use super::json::check_members;
use super::support::Place;

#[test]
fn the_demo_makes_a_log_and_its_report() {
    let place = Place::new("demo");
    let told = place.done(&["demo", "shop", "--customers", "300"]);
    for part in ["A shop of", "came late", "won_back", "(time passed)", "WAYFOLD_STORE=sqlite:shop/shop.db"] {
        assert!(told.contains(part), "{part}: {told}");
    }
    let page = std::fs::read_to_string(place.folder().join("shop/report.html")).unwrap();
    assert!(page.contains("<h1>The shop of the demo</h1>") && page.ends_with("</html>"), "{}", page.len());
    let about_journeys = ["journey", "stages", "norms", "path", "deviations", "paths", "pipeline"];
    let about_actions = ["campaigns", "prices", "goals", "next", "care"];
    for section in about_journeys.into_iter().chain(about_actions).chain(["rules", "swot", "gaps"]) {
        assert!(page.contains(&format!("id=\"{section}\"")), "{section}");
    }
    // What the tour says is what the log says.
    let population = place.object(&["population", "--store", "sqlite:shop/shop.db"]);
    let customers = population["summary"]["customers"].as_u64().unwrap();
    assert!(told.contains(&format!("A shop of {customers} customers")), "{told}");

    let members = [
        "log",
        "report",
        "events",
        "came_again",
        "came_late",
        "customers",
        "store_seconds",
        "replay_seconds",
    ];
    let figures = place.object(&["demo", "again", "--customers", "300"]);
    check_members(&figures, &members);
    assert_eq!(figures["customers"], customers);

    let again = place.run(&["demo", "shop"]);
    assert_eq!(again.exit, 2);
    assert!(again.err.contains("shop exists already"), "{}", again.err);
}

#[test]
fn a_report_holds_every_section_and_nothing_is_overwritten() {
    let place = Place::cdnow("report");
    let told =
        place.done(&["report", "--customers", "0499", "--charts", "charts", "--title", "Compact <discs>"]);
    assert!(told.starts_with("report.html: "), "{told}");
    let page = std::fs::read_to_string(place.folder().join("report.html")).unwrap();
    assert!(page.contains("Compact &lt;discs&gt;") && page.contains("0499"));
    let charts: Vec<_> = std::fs::read_dir(place.folder().join("charts")).unwrap().collect();
    assert!(charts.len() > 10, "{}", charts.len());

    let figures = place.object(&["report", "--customers", "0499"]);
    let sections = figures["sections"].as_array().unwrap();
    let has = |name: &str| sections.iter().any(|section| section["id"] == name);
    for name in [
        "overview",
        "lifecycle",
        "value",
        "map",
        "retention",
        "customer",
        "swot",
        "clusters",
        "alive",
        "drivers",
    ] {
        assert!(has(name), "{name}: {:?}", sections.iter().map(|section| &section["id"]).collect::<Vec<_>>());
    }

    let again = place.run(&["report"]);
    assert_eq!(again.exit, 2);
    assert!(again.err.contains("report.html exists already"), "{}", again.err);
    place.done(&["report", "--force", "--customers", "0499", "--title", "Compact <discs>"]);
    assert!(std::fs::read_to_string(place.folder().join("report.html")).unwrap() == page);
}

#[test]
fn what_there_is_too_little_for_is_named() {
    let place = Place::new("little");
    let event = r#"{"id":"00000000-0000-0000-0000-000000000001","customer":"ada","occurred_at":"2024-01-01T00:00:00Z","kind":"registered","schema_version":1,"fields":{}}"#;
    place.write("one.jsonl", &format!("{event}\n"));
    place.done(&["import", "one.jsonl"]);
    let told = place.done(&["report"]);
    assert!(told.contains("Left out: who leaves"), "{told}");
}

//! What every report keeps: one file that asks for nothing, names that stay names, a table for each chart.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use quick_xml::events::Event;
use sha2::{Digest as _, Sha256};
use wayfold_core::{Currency, Fold, ProjectionSet, Rules, Tenant, Timestamp};
use wayfold_insight::{
    ActivityLifecycleReport, AttributionReport, BucketUnit, Cases, ChannelCredit, IntendedPath,
    JourneyMapReport, LifecycleRow, MarketTotal, NormsReport, Paths, Playbooks, ProcessMapReport,
    RetentionReport, SwotRules, TemporalDeviationsReport, Transitions, VariantsReport,
};
use wayfold_report::{Management, Report, Section};

use crate::support::report;
use crate::tags::{Tag, tags};

fn plain(name: &str) -> String {
    name.to_owned()
}

/// A name that would run if it were not escaped somewhere.
fn hostile(name: &str) -> String {
    format!(
        r#"{name}</title></style></script><script>alert(1)</script>"'><img src=http://evil/ onerror=alert(1)>&lt;{{;"#
    )
}

/// The elements that a page may hold, and those of a chart.
const HTML: &[&str] = &[
    "html",
    "head",
    "meta",
    "title",
    "link",
    "style",
    "body",
    "a",
    "header",
    "h1",
    "h2",
    "h3",
    "p",
    "nav",
    "ul",
    "li",
    "main",
    "section",
    "figure",
    "figcaption",
    "strong",
    "span",
    "div",
    "details",
    "summary",
    "table",
    "thead",
    "tbody",
    "tr",
    "th",
    "td",
    "dl",
    "dt",
    "dd",
    "pre",
    "footer",
];
const SVG: &[&str] = &["svg", "title", "desc", "rect", "line", "circle", "path", "text", "g"];

#[track_caller]
fn check_document(report: &Report) {
    let html = report.html();
    let tags = tags(&html);
    let is = |name: &'static str| tags.iter().filter(move |tag| tag.name == name);
    for tag in &tags {
        let known =
            HTML.contains(&tag.name.as_str()) || SVG.contains(&tag.name.as_str()) || tag.name == "script";
        assert!(known, "{tag:?}");
        assert!(
            tag.attributes.keys().all(|name| !name.starts_with("on") && name != "style" && name != "src"),
            "{tag:?}"
        );
        let links = tag.get("href").into_iter();
        for link in links {
            assert!(link.starts_with('#') || link == "data:,", "{tag:?}");
        }
    }
    assert_eq!((is("script").count(), is("style").count(), is("h1").count()), (1, 1, 1));
    assert!(!html.contains("url("), "nothing is fetched by a style");
    check_names(&tags);
    check_headings(&tags);

    let charts = report.charts();
    let figures = html.split("<figure").skip(1);
    assert_eq!(figures.clone().count(), charts.len(), "each chart is a figure");
    for figure in figures {
        let figure = figure.split_once("</figure>").unwrap().0;
        assert!(figure.contains("<table"), "each chart has its figures in a table");
        assert!(figure.contains("<desc") && figure.contains("</figcaption>"), "each chart is described");
    }
    let names: BTreeSet<_> = charts.iter().map(|chart| &chart.name).collect();
    assert_eq!(names.len(), charts.len(), "names of charts are unique");
    for chart in &charts {
        assert!(
            chart.name.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '-'),
            "{}",
            chart.name
        );
        check_svg(&chart.svg);
    }
}

/// Ids are unique, and what is named by others is there.
#[track_caller]
fn check_names(tags: &[Tag]) {
    let ids: Vec<&str> = tags.iter().filter_map(|tag| tag.get("id")).collect();
    let unique: BTreeSet<&str> = ids.iter().copied().collect();
    assert_eq!(unique.len(), ids.len(), "ids are unique");
    for tag in tags {
        let links = tag.get("href").and_then(|link| link.strip_prefix('#')).into_iter();
        let labels = tag.get("aria-labelledby").into_iter().flat_map(|ids| ids.split(' '));
        for id in links.chain(labels) {
            assert!(unique.contains(id), "{id} of {tag:?} is there");
        }
        let scrolls =
            tag.get("class").is_some_and(|class| class == "scroll") && tag.get("tabindex").is_some();
        assert!(!scrolls || tag.get("aria-label").is_some(), "{tag:?} can be reached and has a name");
    }
}

/// No level is skipped on the way down.
#[track_caller]
fn check_headings(tags: &[Tag]) {
    let level = |tag: &Tag| tag.name.strip_prefix('h').and_then(|level| level.parse::<u32>().ok());
    let levels: Vec<u32> = tags.iter().filter_map(level).collect();
    assert_eq!(levels[0], 1);
    assert!(levels.windows(2).all(|pair| pair[1] <= pair[0] + 1), "{levels:?}");
}

/// It is well-formed, and holds what a drawing may hold.
#[track_caller]
fn check_svg(svg: &str) {
    let mut reader = quick_xml::Reader::from_str(svg);
    let mut texts = String::new();
    loop {
        match reader.read_event().unwrap() {
            Event::Eof => break,
            Event::Start(element) | Event::Empty(element) => {
                let name = element.name().as_ref().to_owned();
                assert!(SVG.contains(&name.as_str()) || name == "style", "{name}");
                for attribute in element.attributes() {
                    let attribute = attribute.unwrap();
                    let value = &attribute.value;
                    assert!(!value.contains("NaN") && !value.contains("inf"), "{value}");
                    assert!(!attribute.key.as_ref().starts_with("on"));
                }
            }
            Event::Text(text) => texts.push_str(&text),
            _ => {}
        }
    }
    assert!(!texts.is_empty());
}

#[test]
fn a_report_is_one_document_that_asks_for_nothing() {
    let report = report(plain);
    check_document(&report);
    let managements: BTreeSet<_> = report.sections().iter().filter_map(Section::management).collect();
    assert_eq!(managements.len(), Management::ALL.len(), "the sample has all of them");
}

#[test]
fn names_with_markup_stay_names() {
    let report = report(hostile);
    check_document(&report);
    assert_eq!(report.title(), hostile("The shop"));
    let json = report.json();
    assert_eq!(json["title"], hostile("The shop"));
}

#[test]
fn equal_results_give_equal_bytes() {
    let (one, other) = (report(plain), report(plain));
    assert!(one.html() == other.html() && one.charts() == other.charts() && one.json() == other.json());
}

/// Below each chart of a measure stands what was counted how, and in the JSON as well.
#[test]
fn charts_of_measures_say_what_was_counted_how() {
    let report = report(plain);
    let (html, json) = (report.html(), report.json());
    let sections = json["sections"].as_array().unwrap();
    for (id, begins) in [
        ("activity", "activity by "),
        ("retention", "retention from "),
        ("cohorts", "retention from "),
        ("map", "process map of cases by "),
        ("variants", "variants of cases by "),
        ("paths", "paths of at most "),
        ("funnel", "funnel "),
        ("stages", "stages of journeys"),
        ("journey", "journey map by stage "),
        ("norms", "norms are kept "),
        ("path", "conformance to "),
        ("deviations", "pairs further than 3 "),
        ("channels", "Linear: "),
    ] {
        let section = sections.iter().find(|section| section["id"] == id).expect(id);
        let method = section["method"].as_array().unwrap();
        let said = method.iter().filter_map(|line| line.as_str()).find(|line| line.starts_with(begins));
        let said = said.unwrap_or_else(|| panic!("{id}: {method:?}"));
        let escaped =
            said.replace('&', "&amp;").replace('>', "&gt;").replace('<', "&lt;").replace('"', "&quot;");
        assert!(html.contains(&format!("<p class=\"semantics\">Counted: {escaped}</p>")), "{id}: {said}");
    }
}

fn no_variants() -> VariantsReport {
    VariantsReport { semantics: String::new(), cases: 0, variants: vec![] }
}

fn no_cohorts() -> RetentionReport {
    RetentionReport { semantics: String::new(), cohorts: vec![] }
}

/// So many buckets of somebody new.
fn activity(buckets: i64) -> ActivityLifecycleReport {
    let row = |bucket: i64| LifecycleRow {
        bucket,
        starts_on: Default::default(),
        new: bucket,
        returning: 0,
        resurrecting: 0,
        dormant: 0,
    };
    ActivityLifecycleReport { semantics: String::new(), buckets: (0..buckets).map(row).collect() }
}

/// Of nobody there is nothing to say, and that is said.
#[test]
fn empty_results_make_a_report_too() {
    let at = Timestamp::parse("2024-01-01").unwrap();
    let nobody = Transitions::<String>::between([], []).unwrap();
    let map = ProcessMapReport {
        semantics: String::new(),
        cases: 0,
        events: 0,
        value: Default::default(),
        activities: vec![],
        edges: vec![],
    };
    let nowhere = Paths::new(Cases::new()).report(&Default::default(), 9);
    let report = Report::new("", at)
        .with(Section::funnel(vec![]))
        .with(Section::process_map(map, None))
        .with(Section::variants(no_variants(), None))
        .with(Section::transitions(&nobody, at, at))
        .with(Section::lifecycle_over_time(&[]))
        .with(Section::activity(activity(0), BucketUnit::Day))
        .with(Section::satisfaction(vec![]))
        .with(Section::attribution(vec![], None))
        .with(Section::retention(no_cohorts(), BucketUnit::Week))
        .with(Section::cohort_value(no_cohorts(), BucketUnit::Week, Currency::EUR))
        .with(Section::prediction(vec![], Currency::EUR))
        .with(Section::stages(vec![]))
        .with(Section::journey_map(JourneyMapReport { semantics: String::new(), cells: vec![] }))
        .with(Section::norms(NormsReport { semantics: String::new(), as_of: at, norms: vec![] }))
        .with(Section::conformance("a".parse::<IntendedPath>().unwrap().check(&no_variants())))
        .with(Section::deviations(TemporalDeviationsReport { semantics: String::new(), deviations: vec![] }))
        .with(Section::paths(nowhere, None))
        .with(Section::pipeline(vec![], vec![], vec![], vec![], Currency::EUR))
        .with(Section::swot(SwotRules::default().judge(&[], &MarketTotal::default(), None).unwrap()))
        .with(Section::rules(vec![], 0))
        .with(Section::gaps(vec![], at))
        .with(Section::alive(vec![], ""))
        .with(Section::campaigns(vec![], Currency::EUR))
        .with(Section::prices(vec![], vec![], Currency::EUR))
        .with(Section::goals(vec![]))
        .with(Section::next_actions(&[]))
        .with(Section::care(vec![]));
    check_document(&report);
    let html = report.html();
    assert!(html.contains("Research (research_answered): the log holds none"), "what is missing is said");
    check_document(&Report::new("Nothing", at));
}

#[test]
fn what_is_too_much_for_a_picture_is_in_the_table_and_said() {
    let at = Timestamp::parse("2024-01-01").unwrap();
    let credit = |number: u32| ChannelCredit {
        channel: format!("channel {number}"),
        conversions: f64::from(number),
        share: 0.0,
        value: Default::default(),
    };
    let owed = AttributionReport {
        semantics: "Last: of everything".to_owned(),
        conversions: 500,
        untouched: 0,
        channels: (0..250).map(credit).collect(),
    };
    let report = Report::new("Much", at)
        .with(Section::attribution(vec![owed], None))
        .with(Section::activity(activity(130), BucketUnit::Day));
    check_document(&report);
    let html = report.html();
    assert!(html.contains("Drawn are 30 of 250 channels") && html.contains("Drawn are 120 of 130 buckets"));
    assert!(html.contains("The first 200 of 250 rows"));
    let rows =
        |section: usize| report.json()["sections"][section]["tables"][0]["rows"].as_array().unwrap().len();
    assert_eq!((rows(0), rows(1)), (130, 250));
}

#[test]
fn the_policy_names_the_style_and_the_script() {
    let html = Report::new("Nothing", Timestamp::parse("2024-01-01").unwrap()).html();
    for (element, directive) in [("style", "style-src"), ("script", "script-src")] {
        let (open, close) = (format!("<{element}>"), format!("</{element}>"));
        let text = html.split_once(&open).unwrap().1.split_once(&close).unwrap().0;
        let hash = STANDARD.encode(Sha256::digest(text));
        assert!(
            html.contains(&format!("{directive} 'sha256-{hash}'")),
            "the hash of the {element} is {hash}"
        );
    }
}

#[test]
fn json_holds_the_figures_that_tables_show() {
    let json = report(plain).json();
    let sections = json["sections"].as_array().unwrap();
    let section = |id: &str| sections.iter().find(|section| section["id"] == id).unwrap();
    assert_eq!(section("map-2")["title"], "Once more");
    let edges = section("map")["tables"][0]["rows"].as_array().unwrap();
    assert_eq!(edges.len() as u64, section("map")["figures"]["Kinds of arrows"]);
    assert!(edges.len() > 200, "more than the page shows");
    assert_eq!(edges[0][8]["currency"], "EUR");
    let stages = section("lifecycle")["tables"][0]["rows"].as_array().unwrap();
    let customers: u64 = stages.iter().map(|row| row[1].as_u64().unwrap()).sum();
    assert_eq!(customers, section("overview")["figures"]["Customers"]);
    assert!(json["as_of"].as_str().unwrap().ends_with("+01:00"), "{}", json["as_of"]);
}

#[test]
fn sections_of_journeys_hold_the_figures_of_their_measures() {
    let json = report(plain).json();
    let sections = json["sections"].as_array().unwrap();
    let rows = |id: &str, table: usize| {
        let section = sections.iter().find(|section| section["id"] == id).unwrap_or_else(|| panic!("{id}"));
        section["tables"][table]["rows"].as_array().unwrap()
    };
    let sum = |rows: &[serde_json::Value], column: usize| -> u64 {
        rows.iter().map(|row| row[column].as_u64().unwrap()).sum()
    };
    // Each case is kept, broken or still within; the cases furthest beyond are at most five for each norm.
    let norms = rows("norms", 0);
    assert_eq!(norms.len(), 3);
    assert!(sum(norms, 2) > 0 && rows("norms", 1).len() <= 15);
    // Contacts are events, of which there are no more than in the whole log.
    let contacts = sum(rows("journey", 0), 2);
    let events =
        sections.iter().find(|section| section["id"] == "overview").unwrap()["figures"]["Events"].as_u64();
    assert!(contacts > 0 && Some(contacts) <= events, "{contacts} {events:?}");
    assert_eq!(rows("swot", 0)[0][0], "Net promoter score");
    assert_eq!(sum(rows("clusters", 0), 1), 40);
    assert_eq!(sum(rows("alive", 0), 1), 40);
    // Days 0 to 19 have passed, 20 to 50 are within 30 days, and 29 are later.
    let groups: Vec<u64> = rows("gaps", 0).iter().map(|row| row[1].as_u64().unwrap()).collect();
    assert_eq!(groups, [10, 10, 31, 29]);
    let path = sections.iter().find(|section| section["id"] == "path").unwrap();
    assert!(path["figures"]["Cases"].as_u64() >= path["figures"]["Follow it"].as_u64());
}

#[test]
fn sections_of_actions_hold_what_was_measured() {
    let json = report(plain).json();
    let sections = json["sections"].as_array().unwrap();
    let section = |id: &str| sections.iter().find(|section| section["id"] == id).unwrap();
    let rows = |id: &str, table: usize| section(id)["tables"][table]["rows"].as_array().unwrap();

    let campaigns: Vec<_> = rows("campaigns", 0).iter().filter(|row| row[2] != 0).collect();
    assert_eq!(campaigns.iter().map(|row| &row[0]).collect::<Vec<_>>(), ["autumn", "spring"]);
    // The cost is that of spring alone, and its return is what was ordered after it less that.
    let amount = |value: &serde_json::Value| value["amount"].as_str().unwrap().parse::<f64>().unwrap();
    assert!(campaigns[0][11].is_null() && amount(&campaigns[1][11]) == 2_000.0);
    let back = campaigns[1][12].as_f64().unwrap();
    assert!((back - (amount(&campaigns[1][10]) / 2_000.0 - 1.0)).abs() < 1e-12, "{back}");

    let customers = section("overview")["figures"]["Customers"].as_u64().unwrap();
    let next: u64 = rows("next", 0).iter().map(|row| row[3].as_u64().unwrap()).sum();
    assert_eq!(section("next")["figures"]["Customers"], customers);
    assert_eq!(section("next")["figures"]["With something to do"], next);
    // Nobody was asked, so that prospects and others have no offer.
    assert_eq!(rows("next", 1)[0][0], "They did not consent to it");

    let due = rows("care", 0)[0][2].as_u64().unwrap();
    assert!(due > 0 && rows("care", 1).len() as u64 == due);
    let states: Vec<_> = rows("goals", 0).iter().map(|row| &row[3]).collect();
    assert_eq!(states, ["Missed", "Reached", "Missed"]);
    assert_eq!(rows("effect", 1)[0][1].as_f64().unwrap().round(), 50.0);
    let orders: f64 = rows("prices", 0).iter().map(|row| row[2].as_f64().unwrap()).sum();
    assert!((orders - 1.0).abs() < 1e-9, "{orders}");
}

/// What stands beside stages and classes is what playbooks say, those of one's own too.
#[test]
fn strategies_are_those_of_the_playbooks() {
    let json = report(plain).json();
    let sections = json["sections"].as_array().unwrap();
    let rows = |id: &str| {
        let section = sections.iter().find(|section| section["id"] == id).unwrap();
        section["tables"][0]["rows"].as_array().unwrap().clone()
    };
    let (stages, classes) = (rows("lifecycle"), rows("segments"));
    assert_eq!(stages[0][3], "To make buyers of prospects: introduction, first purchase offer", "{stages:?}");
    let of = |name: &str| classes.iter().find(|row| row[0] == name).unwrap()[3].clone();
    assert_eq!(of("Dormant"), stages.iter().find(|row| row[0] == "Churned").unwrap()[3]);
    assert_eq!(of("High value"), of("High frequency"));
    assert!(of("In none").is_null());

    let mut playbooks = Playbooks::default();
    playbooks.playbooks.retain(|of| of.classes.is_empty());
    playbooks.playbooks[0].goal = "to say farewell".to_owned();
    let population = Fold::new(&ProjectionSet::new(Rules::default()).unwrap());
    let population =
        population.population(&Tenant::default(), Timestamp::parse("2024-01-01").unwrap()).unwrap();
    let report = Report::new("", population.as_of()).with_playbooks(playbooks).with_population(&population);
    let text = report.json().to_string();
    assert!(text.contains("To say farewell") && !text.contains("success manager"), "{text}");
}

#[test]
fn maps_are_also_text_for_mermaid() {
    let maps = report(plain).maps();
    assert_eq!(maps.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["map", "map-2"]);
    assert!(maps[0].1.starts_with("flowchart TD\n") && maps[0].1.contains("order_placed"));
}

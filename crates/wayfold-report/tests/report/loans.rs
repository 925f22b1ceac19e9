//! The report of a published log: BPI Challenge 2012, doi:10.4121/uuid:3926db30-f712-4394-aebc-75976070e91f.

use std::path::Path;

use wayfold_core::{Shard, Timestamp, for_each_history};
use wayfold_ingest::{EventSource, ImportOptions, XesImport};
use wayfold_insight::{Cases, Measure, ProcessMap, Variants};
use wayfold_report::{Report, Section};
use wayfold_testkit::real_data;

#[test]
fn the_report_of_the_loan_applications_has_the_published_figures() {
    let Some(file) = real_data("bpi_2012_report", "bpi-2012/bpic2012.xes.gz") else { return };
    let mut source = XesImport::open(file, "bpi-2012", ImportOptions::default()).unwrap();
    let mut batches = Vec::new();
    while let Some(batch) = source.next_batch().unwrap() {
        batches.push(batch);
    }
    let offers = Cases::new().keeping(|name| name.starts_with("A_") || name.starts_with("O_"));
    let measure = ((ProcessMap::new(Cases::new()), ProcessMap::new(offers)), Variants::new(Cases::new()));
    let mut total = Default::default();
    for_each_history(&batches, Shard::ALL, Timestamp::MAX, |history| measure.add(history, 1, &mut total));

    let ((map, of_offers), variants) = &measure;
    let report = Report::new("Loan applications", Timestamp::parse("2012-04-01").unwrap())
        .with(Section::process_map(map.report(&total.0.0), None))
        .with(Section::process_map(of_offers.report(&total.0.1), None))
        .with(Section::variants(variants.report(&total.1), None));
    let json = report.json();
    let [map, variants] = [&json["sections"][0], &json["sections"][2]];
    assert_eq!(map["figures"]["Cases"], 13_087);
    assert_eq!(map["figures"]["Steps done"], 262_200);
    assert_eq!(
        (&map["figures"]["Kinds of steps"], &map["figures"]["Kinds of arrows"]),
        (&24.into(), &125.into())
    );
    assert_eq!(variants["figures"]["Variants"], 4_366);

    // The guide shows one of the charts as it is.
    let (found, shown) = (&report.charts()[1], include_str!("../../../../docs/guide/report-map.svg"));
    assert_eq!(found.name, "map-2-map");
    if found.svg != shown {
        let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("report-map.svg");
        std::fs::write(&file, &found.svg).unwrap();
        panic!("the picture of the guide is not the one of the crate, which is now in {}", file.display());
    }

    // All steps are drawn, and no wider than a page.
    let picture = &report.charts()[0].svg;
    let html = report.html();
    for step in map["tables"][1]["rows"].as_array().unwrap() {
        assert!(picture.contains(&format!("<title>{}: done", step[0].as_str().unwrap())), "{step}");
    }
    let width = picture.split_once("width=\"").unwrap().1.split_once('"').unwrap().0;
    assert!(width.parse::<u32>().unwrap() <= 1_000, "{width}");
    assert!(html.contains("Drawn are 24 of 24 kinds of steps"));
}

//! What a retailer wants to see of her customers, in one HTML file: a seeded shop, measured in one pass, told in sections.

use std::collections::BTreeSet;

use wayfold::blocking::Wayfold;
use wayfold::insight::{
    ActivityLifecycle, BucketUnit, Calendar, CaseBy, Cases, CohortBy, EventTest, Funnel, ProcessMap,
    Retention, Transitions, Tz, Variants,
};
use wayfold::{Currency, CustomerKey, EventKind, LifecycleStage, Population, Span, Timestamp};
use wayfold_examples::store;
use wayfold_report::{Report, Section};
use wayfold_testkit::shop::{Shop, ShopConfig};

const ZONE: Tz = Tz::Europe__Berlin;

fn main() -> anyhow::Result<()> {
    let shop = Shop::new(ShopConfig::of(20_000));
    let wayfold = Wayfold::open(store()?)?;
    wayfold.append(&shop.events().collect::<Vec<_>>())?;
    let as_of = shop.end();

    let population = wayfold.population(as_of)?;
    let report = Report::new("The seeded shop", as_of)
        .with_zone(ZONE)
        .with_source("20,000 events that never happened")
        .with_population(&population);
    let report = through_time(report, &wayfold, &population)?;
    let report = measured(report, &wayfold, as_of)?;
    let report = best_customers(report, &wayfold, &population)?;

    let folder = std::env::temp_dir().join("wayfold-21-report");
    std::fs::create_dir_all(&folder)?;
    let html = report.html();
    std::fs::write(folder.join("report.html"), &html)?;
    std::fs::write(folder.join("report.json"), serde_json::to_vec_pretty(&report.json())?)?;
    for chart in report.charts() {
        std::fs::write(folder.join(format!("{}.svg", chart.name)), chart.svg)?;
    }
    println!("open {}", folder.join("report.html").display());

    let names: BTreeSet<String> = report.charts().into_iter().map(|chart| chart.name).collect();
    assert!(names.is_superset(&["lifecycle-stages", "map-map", "rfm-grid"].map(String::from).into()));
    assert_eq!(report.json()["sections"][0]["figures"]["Customers"], population.len());
    assert!(!html.contains("src="), "nothing is fetched");
    Ok(())
}

/// Where customers stood before, and where they went.
fn through_time(report: Report, wayfold: &Wayfold, now: &Population) -> anyhow::Result<Report> {
    let quarters = (0..8).rev().map(|quarter| now.as_of() - Span::from_days(91 * quarter));
    let summaries = quarters.map(|at| Ok(wayfold.population(at)?.summary()));
    let summaries = summaries.collect::<wayfold::Result<Vec<_>>>()?;
    let before = wayfold.population(now.as_of() - Span::from_days(182))?;
    let stages = |population: &Population| -> Vec<(CustomerKey, LifecycleStage)> {
        population.members().iter().map(|member| (member.key.clone(), member.lifecycle)).collect()
    };
    let moved = Transitions::between(stages(&before), stages(now))?;
    Ok(report.with(Section::lifecycle_over_time(&summaries)).with(Section::transitions(
        &moved,
        before.as_of(),
        now.as_of(),
    )))
}

/// What all histories say, read once.
fn measured(report: Report, wayfold: &Wayfold, as_of: Timestamp) -> anyhow::Result<Report> {
    let months = Calendar::new(ZONE, BucketUnit::Month);
    let is = EventTest::kind;
    let activity = ActivityLifecycle::new(months, is(EventKind::OrderPlaced));
    let retention = Retention::new(months, is(EventKind::OrderPlaced), is(EventKind::OrderPlaced))
        .with_cohort(CohortBy::First);
    let steps =
        [EventKind::LeadCaptured, EventKind::CartChanged, EventKind::OrderPlaced, EventKind::Delivered];
    let funnel = Funnel::new(steps.map(is).into(), Span::from_days(60))?;
    let journeys = Cases::new().by(CaseBy::Journey).valued_in(Currency::EUR);
    let (map, variants) = (ProcessMap::new(journeys.clone()), Variants::new(journeys));
    let measures = ((&activity, &retention), (&funnel, (&map, &variants)));
    let ((active, retained), (reached, (edges, ways))) = wayfold.measure(&measures, as_of)?;

    let buckets = |range: Option<_>| range.expect("somebody ordered");
    Ok(report
        .with(Section::activity(activity.report(&active, buckets(active.buckets())), BucketUnit::Month))
        .with(Section::funnel(funnel.report(&reached)).titled("From the lead to the delivery"))
        .with(
            Section::process_map(map.report(&edges), Some(Currency::EUR))
                .with_note("Each journey is a case."),
        )
        .with(Section::variants(variants.report(&ways), Some(Currency::EUR)))
        .with(Section::retention(
            retention.report(&retained, buckets(retained.buckets())),
            BucketUnit::Month,
        )))
}

/// Who brings most, each with the events that made it so.
fn best_customers(mut report: Report, wayfold: &Wayfold, now: &Population) -> anyhow::Result<Report> {
    for member in now.top(Currency::EUR, 2) {
        if let Some(explanation) = wayfold.explain_as_of(&member.key, now.as_of())? {
            report = report.with(Section::customer(explanation));
        }
    }
    Ok(report)
}

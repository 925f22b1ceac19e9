//! What would a new version of a segment change? Tried on the purchases of CDNOW before it goes live: who would come in,
//! who would fall out, since when and by what.

use wayfold::blocking::Wayfold;
use wayfold::ingest::{CsvImport, ImportOptions, Mapping};
use wayfold::insight::{CompareSegments, Segment, SegmentComparison, SegmentVersion};
use wayfold::{Builder, Rules, Tenant, Timestamp};
use wayfold_examples::{shipped, store};

fn main() -> anyhow::Result<()> {
    let wayfold = Builder::new(Rules::default())?.on_demand().open_blocking(store()?)?;
    let mapping = Mapping::load(shipped("mappings/cdnow.toml"))?;
    let file = shipped("data/cdnow_sample.txt");
    wayfold.import(&mut CsvImport::open(mapping, file, ImportOptions::default())?)?;

    another_rule(&wayfold)?;
    other_thresholds(&wayfold)
}

/// Fans were who bought three times in 90 days; now twice in 60 days is to be enough.
fn another_rule(wayfold: &Wayfold) -> anyhow::Result<()> {
    let fans = |version, rule: &str| -> anyhow::Result<SegmentVersion> {
        let segment = Segment { name: "fans".to_owned(), version, rule: rule.parse()? };
        Ok(SegmentVersion::new(segment, wayfold.rules())?)
    };
    let old = fans(1, "count of order_placed within 90 days >= 3")?;
    let new = fans(2, "count of order_placed within 60 days >= 2")?;
    let found = compare(wayfold, old, new)?;
    println!("{found}\n");

    // Counted from the file by a script of its own, day by day.
    let counts = |groups: &wayfold::insight::ComparedGroups| {
        [&groups.both, &groups.only_old, &groups.only_new]
            .map(|group| (group.customers, group.net[0].to_string()))
    };
    let expected = [(35, "21943.81 USD"), (8, "2405.26 USD"), (26, "6838.88 USD")];
    assert_eq!(counts(&found.at_end), expected.map(|(customers, net)| (customers, net.to_owned())));
    let expected = [(158, "74082.13 USD"), (3, "1259.13 USD"), (106, "23894.70 USD")];
    assert_eq!(counts(&found.in_period), expected.map(|(customers, net)| (customers, net.to_owned())));
    assert_eq!(found.at_other_instants.customers, 152);
    assert_eq!((found.old_changes.entered, found.old_changes.left), (161, 190));
    assert_eq!((found.new_changes.entered, found.new_changes.left), (289, 324));
    assert_eq!(found.at_end.only_old.examples[0].customer.to_string(), "1808");
    Ok(())
}

/// The same rule reads differently where the thresholds behind its fields are others.
fn other_thresholds(wayfold: &Wayfold) -> anyhow::Result<()> {
    let churned = |rules| -> anyhow::Result<SegmentVersion> {
        let rule = "lifecycle.stage is churned".parse()?;
        Ok(SegmentVersion::new(Segment { name: "churned".to_owned(), version: 1, rule }, rules)?)
    };
    let mut sooner = wayfold.rules();
    (sooner.version, sooner.lifecycle.churned_after_days) = ("churn-120".to_owned(), 120);
    let found = compare(wayfold, churned(wayfold.rules())?, churned(sooner)?)?;
    println!("churned after 120 days instead of 180: {} more", found.at_end.only_new);
    assert_eq!(found.at_end.both.to_string(), "1842 customers, net 112836.54 USD");
    assert_eq!(found.at_end.only_old.customers, 0);
    assert_eq!(found.at_end.only_new.to_string(), "114 customers, net 20993.89 USD");
    Ok(())
}

fn compare(wayfold: &Wayfold, old: SegmentVersion, new: SegmentVersion) -> anyhow::Result<SegmentComparison> {
    let (from, to) = (Timestamp::parse("1998-01-01")?, Timestamp::parse("1998-06-30")?);
    let question = CompareSegments::new(old, new, from, to)?;
    let total = wayfold.measure_of(&Tenant::default(), &question, to)?;
    Ok(question.report(&total, 2)?)
}

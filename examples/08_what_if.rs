//! What would other thresholds say? Tried on history first: who stands elsewhere, since when, and why; then swapped in.

use wayfold::blocking::Wayfold;
use wayfold::ingest::{CsvImport, ImportOptions, Mapping};
use wayfold::{Builder, LifecycleStage, PopulationDifference, Rules, Timestamp};
use wayfold_examples::{shipped, store};

fn main() -> anyhow::Result<()> {
    let wayfold = Builder::new(Rules::default())?.on_demand().open_blocking(store()?)?;
    let mapping = Mapping::load(shipped("mappings/cdnow.toml"))?;
    let file = shipped("data/cdnow_sample.txt");
    wayfold.import(&mut CsvImport::open(mapping, file, ImportOptions::default())?)?;

    // The version is named in every view, explanation and notice that rests on these rules.
    let mut rules = Rules::default();
    rules.version = "churn-120".to_owned();
    rules.lifecycle.churned_after_days = 120;

    let as_of = Timestamp::parse("1997-12-31")?;
    let difference = wayfold.backtest(&rules, &[as_of])?.remove(0);
    tell_counts(&difference);
    tell_partings(&wayfold, &rules, &difference)?;
    take_over(&wayfold, &rules)
}

fn tell_counts(difference: &PopulationDifference) {
    let stands_elsewhere: u64 = difference.stages.iter().map(|moved| moved.customers).sum();
    println!("churned after 120 days instead of 180: {stands_elsewhere} customers stand elsewhere");
    for moved in &difference.stages {
        println!("  {} -> {}: {}", moved.here, moved.there, moved.customers);
    }
    let count = |here, there| {
        let moved = difference.stages.iter().find(|moved| (moved.here, moved.there) == (here, there));
        moved.map_or(0, |moved| moved.customers)
    };
    // Counted from the file by a script of its own.
    assert_eq!(stands_elsewhere, 247);
    assert_eq!(count(LifecycleStage::Repeat, LifecycleStage::Churned), 93);
    assert_eq!(count(LifecycleStage::Loyal, LifecycleStage::WonBack), 21);
}

/// Says for the first of each kind of difference where its history parts.
fn tell_partings(wayfold: &Wayfold, rules: &Rules, difference: &PopulationDifference) -> anyhow::Result<()> {
    for moved in &difference.stages {
        let stages = |member: &wayfold::MemberDifference| {
            let stage = |member: &Option<wayfold::Member>| member.as_ref().map(|member| member.lifecycle);
            (stage(&member.here), stage(&member.there))
        };
        let wanted = (Some(moved.here), Some(moved.there));
        let member = difference.members.iter().find(|member| stages(member) == wanted);
        let customer = &member.expect("somebody was counted").key;
        let parting = wayfold.parting(customer, rules, difference.as_of)?.expect("it stands elsewhere");
        println!(
            "customer {customer}, {} or {}: parts {} by {}",
            moved.here, moved.there, parting.at, parting.cause
        );
        // Silence is what the rules differ in.
        assert!(parting.there.iter().any(|change| change.after.as_deref() == Some("churned")));
    }
    Ok(())
}

/// Folds the log under the new rules beside the live states, and puts these in their place.
fn take_over(wayfold: &Wayfold, rules: &Rules) -> anyhow::Result<()> {
    let mut rebuild = wayfold.rebuild(Builder::new(rules.clone())?)?;
    while rebuild.step()? {}
    let progress = rebuild.progress();
    println!("{} events folded under {:?}", progress.events, rules.version);
    rebuild.swap()?;
    assert_eq!(wayfold.rules(), *rules);
    Ok(())
}

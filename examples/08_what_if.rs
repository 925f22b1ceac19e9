//! What would other thresholds say? Two engines over one log, and who stands elsewhere, with the reason.
//!
//! Nothing is stored twice: a store is shared by `Arc`, and an engine folds it under its own rules.

use std::collections::BTreeMap;
use std::sync::Arc;

use wayfold::blocking::Wayfold;
use wayfold::ingest::{CsvImport, ImportOptions, Mapping};
use wayfold::{Builder, CustomerKey, LifecycleStage, MemoryStore, Rules, Timestamp};
use wayfold_examples::shipped;

/// A customer who stands elsewhere under the other rules.
struct Difference {
    customer: CustomerKey,
    stages: [LifecycleStage; 2],
}

fn main() -> anyhow::Result<()> {
    let store = Arc::new(MemoryStore::new());
    let today = open(store.clone(), Rules::default())?;
    let mapping = Mapping::load(shipped("mappings/cdnow.toml"))?;
    let file = shipped("data/cdnow_sample.txt");
    today.import(&mut CsvImport::open(mapping, file, ImportOptions::default())?)?;

    // The version is named in every view, explanation and notice that rests on these rules.
    let mut rules = Rules::default();
    rules.version = "churn-120".to_owned();
    rules.lifecycle.churned_after_days = 120;
    let tried = open(store, rules)?;

    let as_of = Timestamp::parse("1997-12-31")?;
    let differences = compare(&today, &tried, as_of)?;
    tell_counts(&today, &differences);
    tell_reasons(&today, &tried, &differences, as_of)
}

fn open(store: Arc<MemoryStore>, rules: Rules) -> wayfold::Result<Wayfold> {
    Builder::new(rules)?.on_demand().open_blocking(store)
}

/// Both populations stand by key, and hold the same customers, as they come from the same events.
fn compare(today: &Wayfold, tried: &Wayfold, as_of: Timestamp) -> anyhow::Result<Vec<Difference>> {
    let (before, after) = (today.population(as_of)?, tried.population(as_of)?);
    assert_eq!(before.len(), after.len());
    let pairs = before.members().iter().zip(after.members());
    Ok(pairs
        .inspect(|(old, new)| assert_eq!(old.key, new.key))
        .filter(|(old, new)| old.lifecycle != new.lifecycle)
        .map(|(old, new)| Difference { customer: old.key.clone(), stages: [old.lifecycle, new.lifecycle] })
        .collect())
}

fn tell_counts(today: &Wayfold, differences: &[Difference]) {
    let mut counts: BTreeMap<[&str; 2], usize> = BTreeMap::new();
    for difference in differences {
        *counts.entry(difference.stages.map(LifecycleStage::as_str)).or_default() += 1;
    }
    let days = today.rules().lifecycle.churned_after_days;
    println!("churned after 120 days instead of {days}: {} customers stand elsewhere", differences.len());
    for ([old, new], count) in &counts {
        println!("  {old} -> {new}: {count}");
    }
    // Counted from the file by a script of its own.
    assert_eq!(
        (differences.len(), counts[&["repeat", "churned"]], counts[&["loyal", "won_back"]]),
        (247, 93, 21)
    );
}

/// Says for some of them which event or instant put them where they stand, under either rules.
fn tell_reasons(
    today: &Wayfold,
    tried: &Wayfold,
    differences: &[Difference],
    as_of: Timestamp,
) -> anyhow::Result<()> {
    // The first of each kind of difference.
    let mut shown: Vec<[LifecycleStage; 2]> = Vec::new();
    for Difference { customer, stages } in differences {
        if shown.contains(stages) {
            continue;
        }
        shown.push(*stages);
        println!("customer {customer}:");
        for (wayfold, stage) in [today, tried].into_iter().zip(stages) {
            let told = wayfold.explain_as_of(customer, as_of)?.expect("it is in the population");
            let (step, change) = told.why("lifecycle.stage").expect("every stage was entered once");
            assert_eq!(change.after.as_deref(), Some(stage.as_str()));
            println!("  under {:?} {stage} since {}, by {}", told.view.rules, step.at, step.cause);
        }
    }
    Ok(())
}

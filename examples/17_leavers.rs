//! Who moved between stages, who left in half a year, and what they share against who stayed, on CDNOW.

use std::collections::BTreeMap;

use wayfold::ingest::{CsvImport, ImportOptions, Mapping};
use wayfold::insight::{Confidence, GapChurn, LastEvents, Leavers, Transitions};
use wayfold::{Builder, CustomerKey, LifecycleStage, Population, Rules, Tenant, Timestamp};
use wayfold_examples::{shipped, store};

fn main() -> anyhow::Result<()> {
    let mut builder = Builder::new(Rules::default())?.on_demand();
    // Gone is who is silent for longer than three of its own gaps, and than 60 days.
    let churn = builder.register(GapChurn::new(3, 60))?;
    let last_events = builder.register(LastEvents::new(1))?;
    let wayfold = builder.open_blocking(store()?)?;
    let mapping = Mapping::load(shipped("mappings/cdnow.toml"))?;
    wayfold.import(&mut CsvImport::open(
        mapping,
        shipped("data/cdnow_sample.txt"),
        ImportOptions::default(),
    )?)?;

    let begin = Timestamp::parse("1997-10-01")?.previous();
    let end = Timestamp::parse("1998-04-01")?.previous();

    let before = wayfold.population_of(&Tenant::default(), begin)?;
    let stages = |of: &Population| -> Vec<(CustomerKey, LifecycleStage)> {
        of.members().iter().map(|member| (member.key.clone(), member.lifecycle)).collect()
    };
    let moved =
        Transitions::between(stages(&before), stages(&wayfold.population_of(&Tenant::default(), end)?))?;
    for (from, to, count) in moved.iter() {
        println!("{} -> {}: {count}", from.expect("all are there"), to.expect("all are there"));
    }
    let (share, interval) = moved
        .share(&LifecycleStage::Loyal, &LifecycleStage::Churned, Confidence::P95)
        .expect("some were loyal");
    println!("{share:.1} % of the loyal left, between {:.1} and {:.1} %", interval.low, interval.high);
    assert_eq!(moved.count(Some(&LifecycleStage::Churned), Some(&LifecycleStage::WonBack)), 141);
    assert_eq!(format!("{share:.1}"), "24.2");

    let has_left = |at| -> wayfold::Result<Vec<(CustomerKey, bool)>> {
        let views = wayfold.own_views(churn, at)?.into_vec();
        Ok(views.into_iter().filter_map(|(key, view)| Some((key, view.has_left?))).collect())
    };
    let leavers = Leavers::between(has_left(begin)?, has_left(end)?)?;
    println!("{} left and {} stayed", leavers.left().len(), leavers.stayed().len());
    assert_eq!((leavers.left().len(), leavers.stayed().len()), (146, 443));

    // What was known of them at the beginning.
    let purchases: BTreeMap<&CustomerKey, u32> =
        before.members().iter().map(|member| (&member.key, member.purchases)).collect();
    let often = |key: &CustomerKey| {
        let words = match purchases[key] {
            2 => "bought twice",
            3..=5 => "bought three to five times",
            _ => "bought more often",
        };
        [words.to_owned()]
    };
    for of in leavers.shared(often, Confidence::P95) {
        let lift = of.lift.expect("somebody who stayed has it");
        println!(
            "{}: {} of who left, {} of who stayed, {lift:.2} times as common, between {:.2} and {:.2}",
            of.name, of.left, of.stayed, of.interval.low, of.interval.high
        );
        let expected = if of.name == "bought twice" { Some("0.67") } else { None };
        assert!(expected.is_none_or(|expected| format!("{lift:.2}") == expected));
    }

    let first = &leavers.left()[0];
    let last = wayfold.own_view_as_of(last_events, first, end)?.expect("the customer is known");
    println!("the last that was heard of {first}: {} at {}", last[0].kind, last[0].at);
    assert_eq!(last[0].kind, "order_placed");
    Ok(())
}

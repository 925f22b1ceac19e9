//! A nightly job over a file of purchases: import what is new, count, list whom to call, score.
//!
//! It runs over the CDNOW sample in `examples/data`, as of the night of 1 October 1997.

use wayfold::blocking::Wayfold;
use wayfold::ingest::{CsvImport, ImportOptions, Mapping};
use wayfold::{
    BehaviourClass, Builder, Currency, CustomerView, Filter, LifecycleStage, NamedSegments, Order,
    Population, Rules, Selection, Tenant, TieRule, Timestamp,
};
use wayfold_examples::{shipped, store};

fn main() -> anyhow::Result<()> {
    // A job asks once and ends, so that nobody needs to follow the log.
    let wayfold = Builder::new(Rules::default())?.on_demand().open_blocking(store()?)?;
    let tonight = Timestamp::parse("1997-10-01")?;
    import(&wayfold)?;
    let population = wayfold.population(tonight)?;
    count(&population);
    call_list(&wayfold, &population)?;
    score(&population);
    Ok(())
}

/// The file is the whole history; a second night finds only what is new.
fn import(wayfold: &Wayfold) -> anyhow::Result<()> {
    for night in ["first", "second"] {
        let mapping = Mapping::load(shipped("mappings/cdnow.toml"))?;
        let file = shipped("data/cdnow_sample.txt");
        let mut source = CsvImport::open(mapping, file, ImportOptions::default())?;
        let imported = wayfold.import(&mut source)?;
        println!(
            "the {night} night: {} purchases in the file, {} of them new",
            imported.events, imported.new
        );
        assert_eq!((imported.events, imported.new), (6_919, if night == "first" { 6_919 } else { 0 }));
    }
    Ok(())
}

fn count(population: &Population) {
    let summary = population.summary();
    let counts: Vec<String> =
        summary.lifecycle.iter().map(|(stage, count)| format!("{stage} {count}")).collect();
    println!("as of {}: {} customers, {}", population.as_of(), summary.customers, counts.join(", "));
    assert_eq!(summary.customers, 2_357);
    // Counted from the file by a script of its own: the last purchase by then lies more than 180 days back.
    assert_eq!(summary.lifecycle[&LifecycleStage::Churned], 1_638);
}

/// Whom to call: silent for more than 90 days and worth more than 100 dollars, the most valuable first.
fn call_list(wayfold: &Wayfold, population: &Population) -> anyhow::Result<()> {
    let net = "value.currencies[USD].net";
    let filter = Filter::field("segment.class").is(BehaviourClass::AtRisk);
    let filter = filter.and(Filter::field(net).more("100 USD"));
    let mut selection = Selection::new(filter).with_order(Order::descending(net)).with_limit(50);
    let (mut list, mut pages): (Vec<CustomerView>, u32) = (Vec::new(), 0);
    loop {
        let page = wayfold.customers_of(&Tenant::default(), &selection, population.as_of())?;
        let next = page.next();
        list.extend(page.into_customers());
        pages += 1;
        // The cursor is a text that a job may keep, and go on from tomorrow.
        let Some(cursor) = next else { break };
        selection = selection.with_after(cursor);
    }
    println!("{} customers to call, on {pages} pages; the first of them:", list.len());
    for view in &list[..3] {
        let last = view.lifecycle.last_purchase_at.expect("they have bought");
        println!("  {}, worth {}, silent since {last}", view.key, view.value.currencies[0].net);
    }
    let dollars = Currency::USD;
    let by_hand = population.members().iter().filter(|member| {
        let net = member.value(dollars).map_or(0, |value| value.net.as_ten_thousandths());
        member.class == Some(BehaviourClass::AtRisk) && net > 100 * 10_000
    });
    assert_eq!(list.len(), by_hand.count(), "the pages hold everyone once");
    assert!(list.is_sorted_by_key(|view| -view.value.currencies[0].net.as_ten_thousandths()));
    Ok(())
}

/// Recency, frequency and money, each scored from 1 to 5 among all buyers, and the names of their combinations.
fn score(population: &Population) {
    let table = population.rfm(Currency::USD, TieRule::Shared);
    let names = NamedSegments::default();
    println!("segments by RFM:");
    let mut scored = 0;
    for name in names.names() {
        let count = table.customers.iter().filter(|customer| names.name(customer.scores) == name).count();
        println!("  {name:20} {count}");
        scored += count;
    }
    assert_eq!(scored, population.len(), "everybody has bought, and has exactly one name");
}

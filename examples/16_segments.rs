//! Who belongs to which segment by rules of one's own, on the purchases of CDNOW.

use wayfold::ingest::{CsvImport, ImportOptions, Mapping};
use wayfold::insight::Segment;
use wayfold::{Builder, Order, Rules, Selection, Tenant, Timestamp};
use wayfold_examples::{shipped, store};

/// As it may stand in a file of configuration.
const SEGMENTS: &str = r#"[
    {"name": "fans", "version": 1, "rule": "count of order_placed within 90 days >= 3"},
    {"name": "slipping", "version": 2, "rule": "lifecycle.purchases >= 3
        and lifecycle.last_purchase_at older than 60 days and lifecycle.stage is not churned"},
    {"name": "soon back", "version": 1, "rule": "order_placed followed by order_placed within 14 days"}
]"#;

fn main() -> anyhow::Result<()> {
    // JSON has no line ends in texts; the rules do not mind spaces.
    let segments: Vec<Segment> = serde_json::from_str(&SEGMENTS.replace('\n', " "))?;

    // What rules ask of events is registered before there are any.
    let mut builder = Builder::new(Rules::default())?.on_demand();
    for measure in segments.iter().flat_map(|segment| segment.rule.measures()) {
        builder.register(measure.clone())?;
    }
    let wayfold = builder.open_blocking(store()?)?;
    let mapping = Mapping::load(shipped("mappings/cdnow.toml"))?;
    wayfold.import(&mut CsvImport::open(
        mapping,
        shipped("data/cdnow_sample.txt"),
        ImportOptions::default(),
    )?)?;

    for (date, expected) in [("1997-10-01", [73, 238, 416]), ("1998-07-01", [43, 232, 503])] {
        let as_of = Timestamp::parse(date)?.previous();
        for (segment, expected) in segments.iter().zip(expected) {
            // The richest first: fields of the rules and all others order a page as well.
            let best = Order::descending("value.currencies[USD].net");
            let selection = Selection::new(segment.rule.filter().clone()).with_order(best).with_limit(3);
            let page = wayfold.customers_of(&Tenant::default(), &selection, as_of)?;
            let names: Vec<&str> = page.customers().map(|view| view.key.customer.as_str()).collect();
            println!(
                "{} (version {}) before {date}: {}, first {}",
                segment.name,
                segment.version,
                page.matching(),
                names.join(", ")
            );
            assert_eq!(page.matching(), expected, "{}", segment.rule);
        }
    }

    // Written back, each rule has one form.
    assert_eq!(
        segments[1].rule.to_string(),
        "lifecycle.purchases >= 3 and lifecycle.last_purchase_at older than 60 days and lifecycle.stage is not churned"
    );
    Ok(())
}

//! What goes with buying again, and how often: a logistic and a ridge regression on the first 39 weeks of CDNOW, asked about
//! the next 39. `27_feedback` asks what drives satisfaction.

use wayfold::ingest::{CsvImport, ImportOptions, Mapping};
use wayfold::insight::{BuyingDays, BuyingHistory, Holdout, Observation, Regression};
use wayfold::{Builder, Currency, Rules, Timestamp};
use wayfold_examples::{shipped, store};

/// Repeat purchases, and weeks since the last one.
fn features(history: &BuyingHistory) -> [f64; 2] {
    [f64::from(history.repeats()), history.silence().whole_days() as f64 / 7.0]
}

fn main() -> anyhow::Result<()> {
    let mut builder = Builder::new(Rules::default())?.on_demand();
    let buying = builder.register(BuyingDays::new(Currency::USD))?;
    let wayfold = builder.open_blocking(store()?)?;
    let mapping = Mapping::load(shipped("mappings/cdnow.toml"))?;
    wayfold.import(&mut CsvImport::open(
        mapping,
        shipped("data/cdnow_sample.txt"),
        ImportOptions::default(),
    )?)?;

    let split = Timestamp::parse("1997-10-01")?.previous();
    let end = Timestamp::parse("1998-07-01")?.previous();
    let (before, after) =
        (wayfold.own_views(buying, split)?.into_vec(), wayfold.own_views(buying, end)?.into_vec());
    // Both come by key, and everybody of the sample bought before the split.
    let (mut observations, mut counts) = (Vec::new(), Vec::new());
    for ((_, known), (_, later)) in before.iter().zip(&after) {
        let history = known.history(split)?.expect("the customer has bought");
        let days = f64::from(later.days_after(split));
        observations.push(Observation::new(features(&history), days.min(1.0)));
        counts.push(Observation::new(features(&history), days));
    }

    let fitted = Regression::new(["repeats", "weeks since"]).fit_logistic(&observations)?;
    for of in &fitted.report.estimates {
        println!("{}: {:.4}, standard error {:.4}", of.name, of.value, of.standard_error);
    }

    let told: Vec<String> = fitted
        .report
        .estimates
        .iter()
        .map(|of| format!("{:.4} {:.4}", of.value, of.standard_error))
        .collect();
    assert_eq!(told, ["0.6442 0.1874", "0.2153 0.0420", "-0.0736 0.0062"]);

    let model = fitted.model;
    let (lately, long_ago) = (model.probability(&[2.0, 1.0])?, model.probability(&[2.0, 30.0])?);
    println!("two repeats, the last a week ago: {lately:.3}; 30 weeks ago: {long_ago:.3}");

    assert_eq!(format!("{lately:.3} {long_ago:.3}"), "0.731 0.244");

    // Judged as models of lifetime value are, beside the rule that needs no model.
    let holdout = Holdout::split(&before, split, &after, end)?;
    let ranking =
        holdout.rank(|history| model.probability(&features(history)).expect("there are two features"))?;
    let recency = holdout.rank(|history| -(history.silence().as_micros() as f64))?;
    println!("AUC {:.4}; by recency alone {:.4}", ranking.auc, recency.auc);
    assert_eq!(format!("{:.4}", ranking.auc), "0.7795");
    assert!(ranking.auc > recency.auc);
    how_often(&counts)
}

/// On how many days they bought: by least squares, and with a penalty that draws coefficients towards zero.
fn how_often(counts: &[Observation]) -> anyhow::Result<()> {
    let regression = Regression::new(["repeats", "weeks since"]);
    let fitted = regression.fit_ridge(counts)?;
    let told: Vec<String> =
        fitted.estimates.iter().map(|of| format!("{:.4} {:.4}", of.value, of.standard_error)).collect();
    println!("days bought on: {told:?}, R squared {:.4}", fitted.r_squared);
    // Solved in fractions by a script of its own.
    assert_eq!(told, ["0.9950 0.1234", "0.4592 0.0202", "-0.0261 0.0040"]);
    assert_eq!(format!("{:.4} {}", fitted.r_squared, fitted.customers), "0.3449 2357");

    let drawn = regression.with_penalty(1_000.0).fit_ridge(counts)?;
    let told: Vec<String> = drawn.estimates.iter().map(|of| format!("{:.4}", of.value)).collect();
    println!("with a penalty of 1,000: {told:?}, R squared {:.4}", drawn.r_squared);
    // Who repeats often has also bought lately. A penalty takes from the one and gives some of it to the other.
    assert_eq!(told[1..], ["0.3105", "-0.0315"]);
    assert!(drawn.r_squared < fitted.r_squared);
    Ok(())
}

//! How deep do discounts go and what do they leave, how do units follow prices, and is what was planned reached?
//!
//! Discounts are those of a made-up shop, goals are set for the real purchases of CDNOW, and prices are those of UCI Online
//! Retail too, where the environment variable `WAYFOLD_SHARED` names the folder that has it as
//! `data/online-retail/online_retail.csv.gz`.

use std::collections::BTreeMap;

use wayfold::blocking::Wayfold;
use wayfold::insight::{BucketUnit, Calendar, Confidence, Goal, GoalState, GoalStatus, PriceBy, Prices, Tz};
use wayfold::{Amount, Builder, Currency, PopulationSummary, Rules, Tenant, Timestamp};
use wayfold_examples::{import_as, shipped, store};
use wayfold_testkit::real_data;
use wayfold_testkit::shop::{Shop, ShopConfig};

/// What the shop wants to reach in the first quarter of 1998, as it may stand in a file of configuration.
const GOALS: &str = r#"[
    {"name": "net revenue", "metric": {"net_revenue": "USD"}, "target": "26000",
        "from": "1998-01-01T00:00:00Z", "until": "1998-04-01T00:00:00Z"},
    {"name": "no more than 1,760 have left", "metric": {"stage": "churned"}, "direction": "at_most", "target": "1760",
        "baseline": "1748", "from": "1998-01-01T00:00:00Z", "until": "1998-04-01T00:00:00Z"},
    {"name": "half come back", "metric": {"figure": "buyers with two purchases and more, in per cent"}, "target": "50",
        "from": "1998-01-01T00:00:00Z", "until": "1998-04-01T00:00:00Z"}
]"#;

fn main() -> anyhow::Result<()> {
    let wayfold = Builder::new(Rules::default())?.on_demand().open_blocking(store()?)?;
    let shop = Shop::new(ShopConfig::of(50_000));
    wayfold.append(&shop.distinct().collect::<Vec<_>>())?;
    discounts(&wayfold, shop.end())?;

    let cdnow = Tenant::new("cdnow")?;
    import_as(&wayfold, &cdnow, "cdnow.toml", &shipped("data/cdnow_sample.txt"))?;
    goals(&wayfold, &cdnow)?;

    let file = real_data("36_prices_and_goals", "online-retail/online_retail.csv.gz");
    let Some(file) = file else { return Ok(()) };
    let retail = Tenant::new("online-retail")?;
    import_as(&wayfold, &retail, "online_retail_purchases.toml", &file)?;
    prices(&wayfold, &retail)
}

/// What part of orders and revenue goes at which discount, and which margin it leaves.
fn discounts(wayfold: &Wayfold, end: Timestamp) -> anyhow::Result<()> {
    let measure = Prices::new(Calendar::new(Tz::UTC, BucketUnit::Month), Currency::EUR);
    let total = wayfold.measure(&measure, end)?;
    let rows = measure.discounts(&total, PriceBy::All, &[0, 10, 20, 30], Confidence::P95)?;
    let mut told = Vec::new();
    for row in &rows {
        let band = match (row.from_percent, row.below_percent) {
            (None, _) => "none".to_owned(),
            (Some(from), Some(below)) => format!("{from} to {below} %"),
            (Some(from), None) => format!("{from} % and more"),
        };
        let line = format!(
            "{band}: {} orders, {:.1} % of revenue, {} EUR off, {:.1} % margin",
            row.orders,
            row.revenue_share,
            row.discount,
            row.margin_percent.expect("lines carry costs")
        );
        println!("{line}");
        told.push(line);
    }
    let expected = [
        "none: 7 orders, 0.4 % of revenue, 0 EUR off, 40.3 % margin",
        "0 to 10 %: 213 orders, 24.1 % of revenue, 9591 EUR off, 33.9 % margin",
        "10 to 20 %: 433 orders, 54.7 % of revenue, 54189.93 EUR off, 31.6 % margin",
        "20 to 30 %: 221 orders, 20.5 % of revenue, 35830.64 EUR off, 31.3 % margin",
        "30 % and more: 6 orders, 0.3 % of revenue, 678.87 EUR off, 29.2 % margin",
    ];
    assert_eq!(told, expected);
    // Every purchase has list prices here, so that each stands in one row.
    let purchases = wayfold.population(end)?.summary().totals;
    let euros = purchases.iter().find(|of| of.currency == Currency::EUR).expect("it sold in euros");
    assert_eq!(rows.iter().map(|row| row.orders).sum::<u64>(), euros.purchases);
    Ok(())
}

/// Target, actual and gap, half-way and at the end.
fn goals(wayfold: &Wayfold, tenant: &Tenant) -> anyhow::Result<()> {
    let goals: Vec<Goal> = serde_json::from_str(GOALS)?;
    let summary = |at: Timestamp| -> wayfold::Result<(PopulationSummary, Amount)> {
        let population = wayfold.population_of(tenant, at.previous())?;
        let again = population.members().iter().filter(|member| member.purchases >= 2).count();
        let percent = 1_000_000 * again as i64 / population.len() as i64;
        Ok((population.summary(), Amount::from_ten_thousandths(percent)))
    };
    // They all begin with the year.
    let (beginning, _) = summary(goals[0].from)?;
    let status = |at: &str| -> anyhow::Result<Vec<GoalStatus>> {
        let at = Timestamp::parse(at)?;
        let (now, figure) = summary(at)?;
        let mut statuses = Vec::new();
        for goal in &goals {
            let status = goal.status(goal.actual(&beginning, &now).unwrap_or(figure), at)?;
            println!(
                "{at}, {}: {} of {}, gap {}, {:?}",
                goal.name, status.actual, status.target, status.gap, status.state
            );
            statuses.push(status);
        }
        Ok(statuses)
    };
    let figures = |of: &GoalStatus| (of.actual.to_string(), of.gap.to_string(), of.state);
    let told = |statuses: Vec<GoalStatus>| statuses.iter().map(figures).collect::<Vec<_>>();
    let expected = |rows: [(&str, &str, GoalState); 3]| {
        rows.map(|(actual, gap, state)| (actual.to_owned(), gap.to_owned(), state))
    };
    // Counted from the file by a script of its own.
    let middle = [
        ("10461.23", "15538.77", GoalState::Behind),
        ("1778", "18", GoalState::Behind),
        ("45.7361", "4.2639", GoalState::Open),
    ];
    assert_eq!(told(status("1998-02-15")?), expected(middle));
    let end = [
        ("24886.58", "1113.42", GoalState::Missed),
        ("1768", "8", GoalState::Missed),
        ("47.4331", "2.5669", GoalState::Missed),
    ];
    assert_eq!(told(status("1998-04-01")?), expected(end));
    Ok(())
}

/// By how many per cent units change with one per cent of the price, week by week, for two things that sell well.
fn prices(wayfold: &Wayfold, tenant: &Tenant) -> anyhow::Result<()> {
    let measure = Prices::new(Calendar::new(Tz::UTC, BucketUnit::Week), Currency::GBP);
    let total = wayfold.measure_of(tenant, &measure, Timestamp::parse("2011-12-10")?)?;
    let responses = measure.responses(&total, PriceBy::All);
    let refused = responses.iter().filter(|of| of.response.is_err()).count();
    println!("{} products, of which {refused} were sold too seldom or at one price", responses.len());

    let mut told = BTreeMap::new();
    for of in responses.iter().filter(|of| ["22423", "85123A"].contains(&of.product.as_str())) {
        let response = of.response.as_ref().expect("it was sold every week");
        let line = format!(
            "{} weeks, {} units at {} to {} GBP, {:.4} +- {:.4}, R squared {:.4}",
            response.periods,
            response.units,
            response.price_min,
            response.price_max,
            response.elasticity.value,
            response.elasticity.standard_error,
            response.r_squared
        );
        println!("{}: {line}", of.product);
        told.insert(of.product.as_str(), line);
    }
    // Fitted by a script of its own. This wholesaler sells dozens for less apiece, so that what looks like a response to the price
    // is in part who buys; a test of prices would tell.
    assert_eq!(
        told["22423"],
        "53 weeks, 12402 units at 11.0122 to 12.1239 GBP, -11.9341 +- 2.0538, R squared 0.3983"
    );
    assert_eq!(
        told["85123A"],
        "53 weeks, 36782 units at 2.4676 to 3.0802 GBP, -2.2515 +- 2.0553, R squared 0.0230"
    );
    Ok(())
}
